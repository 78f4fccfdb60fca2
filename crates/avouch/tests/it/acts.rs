//! Acts of signing on the short way: requests that are created approved, and what verifies the files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use testkit::HttpSink;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::classic::number;
use crate::client::{ANA, Dialect, OneShot, Pks, external_unlock, specimen};
use crate::harness::{Installation, avouch};
use crate::registration::client::merged;

/// A request of [`ANA`] in `ENROLLREADY`, with the officer's credentials.
pub async fn approved(client: &OneShot) -> Pks {
    approved_with(client, json!({})).await
}

/// The same, with these members in place of the usual ones.
pub async fn approved_with(client: &OneShot, more: Value) -> Pks {
    let person = json!({ "given_name": ANA.given_name, "surname_1": ANA.surname_1,
                         "surname_2": ANA.surname_2, "serial_number": ANA.serial_number });
    let creation = merged(merged(client.creation_of(&ANA), person), client.officer());
    number(&client.post("/create", &merged(creation, more)).await)
}

/// What opens a signature in the sandbox, and these members beside it.
pub fn order(more: Value) -> Value {
    merged(external_unlock(), more)
}

/// Uploads files and returns their identifiers.
pub async fn upload(client: &OneShot, pks: Pks, files: &[(&str, &str, Vec<u8>)]) -> Vec<String> {
    let mut uids = Vec::new();
    for file in files {
        let uploaded = client
            .documents(pks, std::slice::from_ref(file))
            .await
            .payload();
        let uid = uploaded["uid"].as_str().or(uploaded.as_str());
        uids.push(uid.expect("an identifier").to_owned());
    }
    uids
}

/// The specimen agreement, signed as ordered in a request of its own.
pub async fn signed_agreement(client: &OneShot, order: &Value) -> Bytes {
    let pks = approved(client).await;
    let files = [("file", "agreement.pdf", specimen("agreement.pdf"))];
    let uids = upload(client, pks, &files).await;
    client
        .sign(pks, order)
        .await
        .said("Documents correctly signed");
    client.document(pks, "signed", &uids[0]).await.pdf()
}

/// What `avouch verify --json` says of these files, with these flags.
#[track_caller]
pub fn verified(root: &Path, files: &[PathBuf], flags: &[&str]) -> Vec<Value> {
    let mut arguments: Vec<OsString> = ["verify", "--json", "--roots"].map(Into::into).into();
    arguments.push(root.into());
    arguments.extend(flags.iter().map(Into::into));
    arguments.extend(files.iter().map(Into::into));
    let output = avouch().args(arguments).output();
    let output = output.expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {complaint}"));
    assert_eq!(reports.len(), files.len());
    reports
}

/// A time as judges' clocks are set.
pub fn moment(at: OffsetDateTime) -> String {
    at.format(format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second]"
    ))
    .expect("a time that can be written")
}

/// What makes a program's clock go off by so much, as `+2d`.
pub fn clock_off_by(offset: &str) -> [(String, String); 3] {
    let environment = testkit::run("faketime", ["-f", "+0", "env"], b"");
    let environment = environment.must_accept().text();
    let library = environment
        .lines()
        .find_map(|line| line.strip_prefix("LD_PRELOAD="))
        .expect("faketime says what it preloads");
    [
        ("LD_PRELOAD", library),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Half a minute after the last signature of a PDF.
pub fn soon_after(pdf: &[u8]) -> OffsetDateTime {
    let signatures = pades::signatures(pdf).expect("a PDF");
    let claimed = signatures.iter().filter_map(|one| one.claimed_time);
    claimed.max().expect("a signature") + Duration::seconds(30)
}

/// An installation under settings from its environment, and the telephone of its signers.
pub struct House {
    pub installation: Installation,
    telephone: HttpSink,
}

impl House {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let mut house = Self {
            installation: Installation::init([""; 0]),
            telephone: HttpSink::start().await,
        };
        house.serve(settings);
        house
    }

    /// Serves again after a kill.
    pub fn serve(&mut self, settings: &[(&str, &str)]) {
        let gateway = self.telephone.url("/send");
        let body = r#"{"to": "{to}", "text": "{text}", "code": "{code}"}"#;
        let telephone = [
            ("AVOUCH__OTP__SMS_GATEWAY__URL", gateway.as_str()),
            ("AVOUCH__OTP__SMS_GATEWAY__BODY", body),
        ];
        self.installation.serve(&[settings, &telephone].concat());
    }

    pub fn root(&self) -> PathBuf {
        self.installation.dir().join("keys/root.crt")
    }

    pub fn client(&self) -> OneShot {
        OneShot::new(&self.installation.description(), Dialect::New)
    }

    /// Asks for a code and waits for it.
    pub async fn code(&self, pks: Pks) -> String {
        let before = self.telephone.received().len();
        self.client().otp(pks).await.said("OTP generated");
        let received = self.telephone.wait_for(before + 1).await;
        let message = received[before].json();
        let code = message["code"].as_str().expect("a code is a text");
        self.installation.confide(code);
        code.to_owned()
    }

    /// The specimen agreement, signed as ordered in a request of its own.
    pub async fn signed_agreement(&self, mut order: Value) -> Bytes {
        let client = self.client();
        let pks = approved(&client).await;
        let uid = client.agreement(pks).await;
        order["secret"] = self.code(pks).await.into();
        client
            .sign(pks, &order)
            .await
            .said("Documents correctly signed");
        client.document(pks, "signed", &uid).await.pdf()
    }
}
