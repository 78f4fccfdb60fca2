//! A certificate in the cloud at work: on the signing page and by its call.

use std::fs;
use std::path::PathBuf;

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::qpdf_check;

use super::super::client::{Api, CLOUD, PIN, merged, text};
use super::screen::Screen;
use super::{Invited, WINDOWS, other_than};
use crate::client::{ANA, specimen};
use crate::harness::Sandbox;
use crate::judges::{check_pdfsig, check_pyhanko};
use crate::sql;

/// The PIN that takes the place of a locked one.
const NEW_PIN: &str = "r8Compass63";

/// Somebody who has a certificate in the cloud.
struct Holder {
    sandbox: Sandbox,
    api: Api,
    invited: Invited,
    desk: TempDir,
}

impl Holder {
    async fn of(sandbox: &Sandbox) -> Self {
        let api = Api::of(sandbox);
        let invited = Invited::to(sandbox, &api, CLOUD, "en").await;
        api.enrol_cloud(sandbox, &invited.case).await;
        for secret in [invited.password(), NEW_PIN] {
            sandbox.confide(secret);
        }
        Self {
            sandbox: sandbox.clone(),
            api,
            invited,
            desk: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.desk.path().join(name);
        fs::write(&path, content).expect("the folder is writable");
        path
    }

    /// Judges accept the signature, which changed nothing before it.
    #[track_caller]
    fn signed(&self, original: &[u8], pdf: &[u8]) {
        assert!(pdf.len() > original.len() && pdf.starts_with(original));
        let path = self.put("signed.pdf", pdf);
        let name = [ANA.given_name, ANA.surname_1, ANA.surname_2].join(" ");
        check_pdfsig(&path, &self.sandbox.root(), &[&name]);
        check_pyhanko(&path, &self.sandbox.root(), &[&name]);
        qpdf_check(&path).must_accept();
    }

    /// One number about the holder.
    fn count(&self, what: &str, purpose: &str) -> i64 {
        let statement = match purpose {
            "" => format!(
                "SELECT {what} FROM credential WHERE username = '{}'",
                self.invited.case.sn
            ),
            purpose => format!(
                "SELECT {what} FROM otp WHERE request = {} AND purpose = '{purpose}'",
                self.invited.case.pk
            ),
        };
        sql::number(&self.sandbox.dir().join("avouch.db"), &statement)
    }

    /// As if the last code had been sent a minute ago.
    fn later(&self) {
        let pk = self.invited.case.pk;
        sql::execute(
            &self.sandbox.dir().join("avouch.db"),
            &format!("UPDATE otp SET created_at = 0 WHERE request = {pk}"),
        );
    }
}

/// Someone at the signing page.
struct Signer<'a> {
    holder: &'a Holder,
    screen: Screen,
}

impl Signer<'_> {
    async fn sign_in(&self, username: &str, password: &str) {
        self.screen.fill("username", username).await;
        self.screen.fill("password", password).await;
        self.screen.press("form.card button[type=submit]").await;
    }

    async fn fill_in(&self, file: &str, content: &[u8], pin: &str, code: &str) {
        let file = self.holder.put(file, content);
        self.screen.choose("file", &file).await;
        self.screen.fill("pin", pin).await;
        self.screen.fill("code", code).await;
    }

    async fn is_told(&self, state: &str, status: u64, words: &str) {
        assert_eq!(self.screen.status().await, status, "{state}");
        let said = self.screen.notice().await;
        assert!(said.contains(words), "{state}: {said}");
        self.screen.look(&format!("sign-{state}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_signed_on_the_page() {
    let sandbox = Sandbox::shared();
    let agreement = specimen("agreement.pdf");
    for (round, window) in WINDOWS.into_iter().enumerate() {
        let holder = Holder::of(&sandbox).await;
        let (username, pk) = (&holder.invited.case.sn, holder.invited.case.pk);
        let screen = Screen::open(&sandbox, window, "en").await;
        let signer = Signer {
            holder: &holder,
            screen,
        };
        let screen = &signer.screen;
        screen.go("/sign").await;
        screen.look_in_every_language("sign-in").await;
        signer.sign_in(username, "not-the-password").await;
        let words = "User name or password is wrong";
        signer.is_told("wrong-password", 403, words).await;
        assert_eq!(holder.count("failures", ""), 1);
        let kept = "return ['username', 'password'].map(id => document.getElementById(id).value)";
        assert_eq!(screen.run(kept).await, json!([username, ""]));
        signer.sign_in("0", holder.invited.password()).await;
        signer.is_told("nobody", 403, words).await;

        signer.sign_in(username, holder.invited.password()).await;
        assert_eq!(screen.status().await, 200);
        screen.look_in_every_language("sign").await;
        let code = sandbox.nth_code_for(pk, 2).await;
        let submit = "form[data-download] button[type=submit]";
        signer
            .fill_in("agreement.pdf", &agreement, "wrong1234", &code)
            .await;
        screen.press(submit).await;
        signer.is_told("wrong-pin", 403, "The PIN is wrong").await;
        assert_eq!(holder.count("pin_failures", ""), 1);
        signer
            .fill_in("agreement.pdf", &agreement, PIN, other_than(&code))
            .await;
        screen.press(submit).await;
        signer.is_told("wrong-code", 403, "not the code").await;
        assert_eq!(holder.count("attempts_left", "cloud-sign"), 4);
        signer
            .fill_in("picture.pdf", &specimen("selfie.jpg"), PIN, &code)
            .await;
        screen.press(submit).await;
        signer
            .is_told("no-pdf", 422, "cannot be signed. It is not a PDF.")
            .await;

        signer
            .fill_in("agreement.pdf", &agreement, PIN, &code)
            .await;
        screen.look("sign-filled").await;
        let (name, pdf) = screen.download(submit).await;
        assert_eq!(name, "agreement-signed.pdf");
        holder.signed(&agreement, &pdf);
        assert_eq!(holder.count("pin_failures", ""), 0);

        // A code is good for one signature.
        screen.go("/sign").await;
        signer
            .fill_in("agreement.pdf", &agreement, PIN, &code)
            .await;
        screen.press(submit).await;
        signer.is_told("used-code", 403, "used before").await;
        holder.later();
        screen.press("form.aside button").await;
        assert_eq!(screen.status().await, 200);
        let code = sandbox.nth_code_for(pk, 3).await;

        // Signing out, or revoking the certificate, ends it.
        if round == 0 {
            screen.press("form.aside:last-of-type button").await;
            screen.read("#password").await;
        } else {
            let revoke = json!({ "scratchcard": username, "erc": holder.invited.secrets["erc"],
                                 "reason": "CESSATIONOFOPERATION" });
            let revoked = holder.api.post("/scratchcards/revoke/", &revoke).await;
            assert_eq!(revoked.status, 200, "{revoked}");
            signer
                .fill_in("agreement.pdf", &agreement, PIN, &code)
                .await;
            screen.press(submit).await;
            signer.is_told("revoked", 403, "no longer valid").await;
        }
        signer.screen.close().await;
    }
}

/// A client of the calls for signing, in the name of one holder.
pub struct Calls {
    http: Client,
    base: String,
    /// User name and password.
    login: Value,
}

impl Calls {
    pub fn of(sandbox: &Sandbox, invited: &Invited) -> Self {
        let http = Client::builder().no_proxy();
        Self {
            http: http.build().expect("a client"),
            base: text(&sandbox.description()["base_url"]).to_owned(),
            login: json!({ "username": invited.case.sn, "password": invited.password() }),
        }
    }

    /// Asks for a code, with these changes to the login.
    pub async fn code(&self, changes: Value) -> Response {
        let call = self.http.post(format!("{}/cloud/v1/code", self.base));
        let call = call.json(&merged(self.login.clone(), changes));
        call.send().await.expect("an answer")
    }

    /// Signs the agreement, with these fields beside the login or in place of it.
    pub async fn sign(&self, changes: Value) -> Response {
        let mut form = Form::new();
        let fields = merged(self.login.clone(), changes);
        for (name, value) in fields.as_object().expect("members") {
            form = form.text(name.clone(), text(value).to_owned());
        }
        let file = Part::bytes(specimen("agreement.pdf")).file_name("agreement.pdf");
        let call = self.http.post(format!("{}/cloud/v1/sign", self.base));
        let call = call.multipart(form.part("file", file));
        call.send().await.expect("an answer")
    }
}

/// Insists on a problem with this status and these words.
async fn refused(answer: Response, status: u16, words: &str) {
    assert_eq!(answer.status(), status);
    let kind = &answer.headers()["content-type"];
    assert_eq!(kind, "application/problem+json");
    let problem: Value = answer.json().await.expect("JSON");
    let detail = text(&problem["detail"]);
    assert!(detail.contains(words), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_is_signed_by_a_call_and_a_locked_pin_is_unlocked() {
    let sandbox = Sandbox::shared();
    let holder = Holder::of(&sandbox).await;
    let Invited { case, secrets, .. } = &holder.invited;
    let calls = Calls::of(&sandbox, &holder.invited);
    let wrong = "User name, password or PIN are wrong";
    for change in [
        json!({ "password": "wrong" }),
        json!({ "password": PIN }),
        json!({ "username": "0" }),
    ] {
        refused(calls.code(change).await, 403, wrong).await;
    }
    assert_eq!(holder.count("failures", ""), 2);
    let nobody = json!({ "username": "" });
    refused(calls.code(nobody).await, 422, "username is missing").await;
    // Neither did that send a code, nor is the enrolment's any good.
    let used = sandbox.code_for(case.pk).await;
    let spent = json!({ "otp": used, "pin": PIN });
    refused(calls.sign(spent).await, 403, "No code was sent").await;

    let sent = calls.code(json!({})).await;
    assert_eq!(sent.status(), 200);
    let sent: Value = sent.json().await.expect("JSON");
    assert!(!text(&sent["sent_to"]).contains(&ANA.phone[3..9]), "{sent}");
    refused(calls.code(json!({})).await, 429, "60 seconds").await;
    let code = sandbox.nth_code_for(case.pk, 2).await;
    let right = json!({ "otp": code, "pin": PIN });
    let with = |change: Value| merged(right.clone(), change);
    let other = with(json!({ "otp": other_than(&code) }));
    refused(calls.sign(other).await, 403, "Code refused").await;
    assert_eq!(holder.count("attempts_left", "cloud-sign"), 4);
    let bad = with(json!({ "password": "wrong" }));
    refused(calls.sign(bad).await, 403, wrong).await;

    for count in 1..=5 {
        let bad = with(json!({ "pin": format!("wrong{count}234") }));
        refused(calls.sign(bad).await, 403, wrong).await;
        assert_eq!(holder.count("pin_failures", ""), count);
    }
    // Now the right one is none, either.
    refused(calls.sign(right.clone()).await, 403, "Blocked").await;

    let path = case.path("generate_otp_for_unlock/");
    holder.api.call(&path).await.ok();
    let unlock = json!({ "scratchcard": case.sn, "enrollment_code": secrets["enrollment_code"],
                         "newpin": NEW_PIN, "otp": sandbox.nth_code_for(case.pk, 3).await });
    holder
        .api
        .post(&case.path("unlock_pin/"), &unlock)
        .await
        .ok();
    refused(calls.sign(right.clone()).await, 403, wrong).await;
    let answer = calls.sign(with(json!({ "pin": NEW_PIN }))).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let pdf = answer.bytes().await.expect("a PDF");
    holder.signed(&specimen("agreement.pdf"), &pdf);
    // A code opens one signature.
    let again = calls.sign(with(json!({ "pin": NEW_PIN }))).await;
    refused(again, 403, "Code refused").await;

    // Who guessed at codes gets none any more until the PIN is unlocked, which need not be locked.
    assert_eq!(holder.count("failures", "cloud-sign"), 0);
    sql::execute(
        &sandbox.dir().join("avouch.db"),
        &format!(
            "UPDATE otp SET failures = 50, consumed = 0, created_at = 0 WHERE request = {} AND purpose = 'cloud-sign'",
            case.pk
        ),
    );
    refused(calls.code(json!({})).await, 403, "unlock the PIN").await;
    let right = with(json!({ "pin": NEW_PIN }));
    refused(calls.sign(right).await, 403, "no code is accepted").await;
    holder.later();
    holder.api.call(&path).await.ok();
    let unlock = merged(
        unlock,
        json!({ "otp": sandbox.nth_code_for(case.pk, 4).await }),
    );
    holder
        .api
        .post(&case.path("unlock_pin/"), &unlock)
        .await
        .ok();
    assert_eq!(calls.code(json!({})).await.status(), 200);
    sandbox.audit();
}
