//! The link: it works once, for one device, for a while, and says clearly why it does not.

use serde_json::json;

use super::super::client::{Api, CLOUD, PIN, Visitor, text};
use super::screen::Screen;
use super::{Invited, WINDOWS, other_than};
use crate::harness::Sandbox;
use crate::sql;

/// Two people with a link each, one at each width.
async fn screens(sandbox: &Sandbox) -> [Screen; 2] {
    let [telephone, desktop] = WINDOWS;
    [
        Screen::open(sandbox, telephone, "es").await,
        Screen::open(sandbox, desktop, "en").await,
    ]
}

/// Everybody whom the link leads nowhere is told why, each in the browser's language.
async fn leads_nowhere(
    screens: &[Screen; 2],
    link: &str,
    state: &str,
    status: u64,
    said: [&str; 2],
) {
    for (screen, said) in screens.iter().zip(said) {
        screen.go(link).await;
        assert_eq!(screen.heading().await, said);
        assert_eq!(screen.status().await, status, "{state}");
        let forms = "return document.querySelectorAll('form, .contract').length";
        assert_eq!(screen.run(forms).await, 0, "{state}");
        screen.look(&format!("link-{state}")).await;
    }
    // Neither a code nor a paper nor a file comes out of it.
    let mut visitor = Visitor::at(link);
    assert_eq!(
        u64::from(visitor.open("/contract.pdf").await.status),
        status
    );
    for (form, fields) in [
        ("/code", vec![("accept", "yes")]),
        (
            "/enrol",
            vec![("code", "000000"), ("secret", PIN), ("again", PIN)],
        ),
        ("/file", vec![]),
    ] {
        let answer = visitor.send(form, &fields).await;
        assert_eq!(u64::from(answer.status), status, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_nowhere_says_why() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let screens = screens(&sandbox).await;
    let database = sandbox.dir().join("avouch.db");

    let base = text(&sandbox.description()["base_url"]);
    let unknown = format!("{base}/lcmpl/enrollment/auth/0123456789abcdef0123456789abcdef");
    let said = ["No conocemos este enlace", "We do not know this link"];
    leads_nowhere(&screens, &unknown, "unknown", 404, said).await;

    let used = Invited::to(&sandbox, &api, CLOUD, "en").await;
    api.enrol_cloud(&sandbox, &used.case).await;
    let said = [
        "Este enlace ya se ha utilizado",
        "This link has already been used",
    ];
    leads_nowhere(&screens, &used.link, "used", 410, said).await;

    let expired = Invited::to(&sandbox, &api, CLOUD, "en").await;
    let pk = expired.case.pk;
    let open = format!("SELECT expires_at - created_at FROM enrolment WHERE request = {pk}");
    let millis = sql::number(&database, &open);
    assert_eq!(millis, 15 * 24 * 60 * 60 * 1000);
    let pass = format!("UPDATE enrolment SET expires_at = created_at WHERE request = {pk}");
    sql::execute(&database, &pass);
    let said = ["Este enlace ha caducado", "This link has expired"];
    leads_nowhere(&screens, &expired.link, "expired", 410, said).await;

    // The registration authority sends another; the first one opens nothing any more.
    let renewed = api.call(&expired.case.path("preauthlink/")).await.ok();
    let renewed = text(&renewed["preauthenticatedlink"]);
    assert_ne!(renewed, expired.link);
    let said = ["No conocemos este enlace", "We do not know this link"];
    leads_nowhere(&screens, &expired.link, "replaced", 404, said).await;
    let again = api.get(&expired.case.path("preauthlink/")).await.ok();
    assert_eq!(again["preauthenticatedlink"], renewed);
    screens[1].go(renewed).await;
    assert_eq!(screens[1].heading().await, "Get your certificate");

    let cancel = api.delete(&expired.case.path("cancel/")).await;
    assert_eq!(cancel.status, 200, "{cancel}");
    let said = ["Esta solicitud fue cancelada", "This request was cancelled"];
    leads_nowhere(&screens, renewed, "cancelled", 410, said).await;
    for screen in screens {
        screen.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_closes_the_link_until_the_authority_sends_another() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let screens = screens(&sandbox).await;
    let database = sandbox.dir().join("avouch.db");
    let Invited { case, link, .. } = Invited::to(&sandbox, &api, CLOUD, "en").await;
    let mut visitor = Visitor::at(&link);
    visitor.ask_for_code().await;
    let code = sandbox.code_for(case.pk).await;

    let change = |what: &str| {
        let statement = format!("UPDATE otp SET {what} WHERE request = {}", case.pk);
        sql::execute(&database, &statement);
    };
    change("failures = 48");
    let guess = [("code", other_than(&code)), ("secret", PIN), ("again", PIN)];
    for status in [403, 423] {
        let answer = visitor.send("/enrol", &guess).await;
        assert_eq!(answer.status, status, "{answer}");
    }
    let said = ["Demasiados códigos incorrectos", "Too many wrong codes"];
    leads_nowhere(&screens, &link, "guessed", 423, said).await;
    // Not even the right one, on the device that got it, nor by a call.
    let form = [("code", code.as_str()), ("secret", PIN), ("again", PIN)];
    assert_eq!(visitor.send("/enrol", &form).await.status, 423);
    let why = "too many wrong codes in a row; no code is accepted until the link is renewed";
    let body = json!({ "secret": code, "pin": PIN });
    let answer = api.post(&case.path("pl_cloud_enroll/"), &body).await;
    assert_eq!(answer.refusal(403)["reason"], why);
    let answer = api.call(&case.path("generate_otp/")).await;
    answer.refused(412, "412", "Too many wrong codes");
    assert_eq!(answer.json()["reason"], why);
    let entries = format!(
        "SELECT COUNT(*) FROM audit WHERE request = {} AND action = 'codes-guessed'",
        case.pk
    );
    assert_eq!(sql::number(&database, &entries), 1);
    // Reading the link makes none: it is still the same.
    let same = api.get(&case.path("preauthlink/")).await.ok();
    assert_eq!(same["preauthenticatedlink"], link);

    let renewed = api.call(&case.path("preauthlink/")).await.ok();
    let mut visitor = Visitor::at(text(&renewed["preauthenticatedlink"]));
    change("created_at = 0");
    visitor.ask_for_code().await;
    let code = sandbox.nth_code_for(case.pk, 2).await;
    let form = [("code", code.as_str()), ("secret", PIN), ("again", PIN)];
    assert_eq!(visitor.send("/enrol", &form).await.status, 200);
    assert_eq!(api.status(&case).await, "ISSUED");
    for screen in screens {
        screen.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_keeps_the_enrolment_while_its_code_is_good_and_no_longer() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let screens = screens(&sandbox).await;
    let Invited { case, link, .. } = Invited::to(&sandbox, &api, CLOUD, "en").await;

    let mut first = Visitor::at(&link);
    first.ask_for_code().await;
    let said = [
        "Ha empezado en otro dispositivo",
        "You have begun on another device",
    ];
    leads_nowhere(&screens, &link, "elsewhere", 409, said).await;
    // Nor does a device pass that makes its own cookie.
    let mut forged = Visitor::at(&link);
    forged.cookie = Some(format!("enrolment-device={}", "0".repeat(32)));
    assert_eq!(forged.open("").await.status, 409);
    // The first one has lost nothing.
    assert_eq!(first.open("").await.status, 200);
    let code = sandbox.code_for(case.pk).await;

    for change in [
        "UPDATE enrolment SET device_until = 1",
        "UPDATE otp SET created_at = 0, expires_at = 1",
    ] {
        let statement = format!("{change} WHERE request = {}", case.pk);
        sql::execute(&sandbox.dir().join("avouch.db"), &statement);
    }
    let [telephone, desktop] = screens;
    super::ask_for_code(&desktop, &link).await;
    assert_eq!(first.open("").await.status, 409);
    let form = [("code", code.as_str()), ("secret", PIN), ("again", PIN)];
    assert_eq!(first.send("/enrol", &form).await.status, 409);
    let code = sandbox.nth_code_for(case.pk, 2).await;
    for (id, typed) in [("code", code.as_str()), ("secret", PIN), ("again", PIN)] {
        desktop.fill(id, typed).await;
    }
    desktop.press("form.card button[type=submit]").await;
    assert_eq!(desktop.heading().await, "Your certificate is ready");
    assert_eq!(first.open("").await.status, 410);
    // The result is for the device that got it, as long as the link would have opened.
    desktop.go(&link).await;
    assert_eq!(desktop.heading().await, "Your certificate is ready");
    let record = api.record(&case).await;
    assert_eq!(record["status"], "ISSUED");
    assert_eq!(record["certificate_set"].as_array().map(Vec::len), Some(1));
    let late = api.post(&case.path("preauthlink/"), &json!({})).await;
    late.refused(412, "412", "Invalid request status");
    for screen in [telephone, desktop] {
        screen.close().await;
    }
}
