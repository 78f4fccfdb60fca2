//! Requests that are approved and signed in the background.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpSink, Received};

use crate::classic::{creation_of, number};
use crate::client::{ANA, DIALECTS, Dialect, ELENI, OneShot, Pks, YORDAN, external_unlock};
use crate::harness::{Installation, Options, Sandbox, health};
use crate::sql;

const QUEUED: &str =
    "Your documents are going to be signed. You will receive them in a few seconds";

async fn create(client: &OneShot, body: &Value) -> Pks {
    let answer = client.post("/create", body).await;
    let pks = number(&answer);
    if client.dialect == Dialect::New {
        let detail = json!({ "pk": pks.request, "status": "CREATED", "asyncmode": true });
        assert_eq!(answer.payload(), detail);
    }
    pks
}

async fn progress(client: &OneShot, pks: Pks) -> String {
    let answer = client.get(&format!("/async/status/{}", pks.request)).await;
    let body = answer.json();
    assert_eq!(answer.status, 200, "{answer}");
    body["details"].as_str().expect("a word").to_owned()
}

/// Waits until the request has come so far: longer than a lease of a killed process lasts.
async fn wait_for(client: &OneShot, pks: Pks, word: &str) {
    let mut last = String::new();
    for _ in 0..1200 {
        last = progress(client, pks).await;
        if last == word {
            return;
        }
        assert_ne!(last, "error", "instead of {word}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("request {} is {last}, not {word}", pks.request)
}

/// What was told of a request: event and status, in the order of arrival.
fn told(received: &[Received], pks: Pks) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    received
        .iter()
        .map(Received::json)
        .filter(|body| body["request"]["pk"] == pks.request)
        .map(|body| (text(&body["event_type"]), text(&body["request"]["status"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_and_signature_answer_at_once_and_the_callback_hears_of_the_rest() {
    let (authority, callback) = (HttpSink::start().await, HttpSink::start().await);
    let sandbox = Sandbox::start(Options {
        webhook_url: Some(authority.url("/authority")),
        ..Options::default()
    });
    let mut heard = 0;
    for (dialect, person) in DIALECTS.into_iter().zip([ANA, YORDAN]) {
        let client = sandbox.client(dialect);
        let mut body = creation_of(&client, &person);
        body["useasync"] = "true".into();
        body["callback"] = callback.url("/callback").into();
        let pks = create(&client, &body).await;
        wait_for(&client, pks, "approved").await;
        assert_eq!(client.status(pks).await, "ENROLLREADY");

        let uid = client.agreement(pks).await;
        client.otp(pks).await.said("OTP generated");
        let code = sandbox.code_for(pks.request).await;
        let wrong = if code == "111111" { "222222" } else { "111111" };
        client
            .sign(pks, &json!({ "secret": wrong }))
            .await
            .refused(403, "Confirmation Code invalid");
        assert_eq!(progress(&client, pks).await, "approved");
        client
            .sign(pks, &json!({ "secret": code }))
            .await
            .said(QUEUED);
        wait_for(&client, pks, "signed").await;
        assert_eq!(client.status(pks).await, "ISSUED");
        client.document(pks, "signed", &uid).await.pdf();
        client
            .sign(pks, &json!({ "secret": code }))
            .await
            .refused(412, "Request already in ISSUED status");

        heard += 3;
        let received = callback.wait_for(heard).await;
        assert!(received.iter().all(|one| one.uri == "/callback"));
        let expected = [
            ("REQUEST_CREATED", "CREATED"),
            ("REQUEST_APPROVED", "ENROLLREADY"),
            ("REQUEST_ENROLLED", "ISSUED"),
        ];
        let expected = expected.map(|(event, status)| (event.to_owned(), status.to_owned()));
        assert_eq!(told(&received, pks), expected);
    }
    assert_eq!(
        authority.received().len(),
        0,
        "the callback stands in for it"
    );
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_callback_the_authority_hears_of_it() {
    let authority = HttpSink::start().await;
    let sandbox = Sandbox::start(Options {
        webhook_url: Some(authority.url("/")),
        ..Options::default()
    });
    let client = sandbox.client(Dialect::New);
    let mut body = creation_of(&client, &ELENI);
    body["useasync"] = 1.into();
    let pks = create(&client, &body).await;
    wait_for(&client, pks, "approved").await;
    assert_eq!(told(&authority.wait_for(2).await, pks).len(), 2);

    // A callback without `useasync` is not asked for.
    let callback = HttpSink::start().await;
    body["useasync"] = false.into();
    body["callback"] = callback.url("/").into();
    let pks = number(&client.post("/create", &body).await);
    assert_eq!(told(&authority.wait_for(4).await, pks).len(), 2);
    assert_eq!(callback.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_fails_is_an_error_until_somebody_approves() {
    let sandbox = Sandbox::start(Options::default());
    let database = sandbox.dir().join("avouch.db");
    let mut failed = 0;
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let mut body = creation_of(&client, &ANA);
        let members = body.as_object_mut().unwrap();
        members.remove("token");
        members.extend(client.officer().as_object().unwrap().clone());
        body["pin"] = "000000".into();
        body["useasync"] = true.into();
        let pks = create(&client, &body).await;
        let mut last = Value::Null;
        for _ in 0..600 {
            last = client
                .get(&format!("/async/status/{}", pks.request))
                .await
                .json();
            if last["details"] == "error" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(last["details"], "error");
        if dialect == Dialect::New {
            assert_eq!(last["reason"], "wrong officer credentials");
        }
        assert_eq!(client.status(pks).await, "CREATED");
        let left = format!(
            "SELECT state, length(payload) FROM job WHERE request = {}",
            pks.request
        );
        assert_eq!(sql::query(&database, &left), [json!(["failed", 0])]);
        failed += 1;
        let health = health(sandbox.description()).await;
        assert_eq!(health["jobs_pending"], 0, "{health}");
        assert_eq!(health["jobs_failed"], failed, "{health}");

        client
            .approve(pks, &client.token())
            .await
            .said("Request approved successfully");
        assert_eq!(progress(&client, pks).await, "approved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_plainly_wrong_is_refused_at_once() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let refused = async |member: &str, value: Value| {
            let mut body = creation_of(&client, &ANA);
            body["useasync"] = true.into();
            body[member] = value;
            client.post("/create", &body).await
        };
        refused("token", Value::Null).await.refused(
            400,
            "Missing required parameters: incomplete RAO's credentials",
        );
        refused("token", "00000000-0000-4000-8000-000000000000".into())
            .await
            .refused(404, "Token not found");
        refused("profile", "PFunknown".into()).await.refusal(403);
        refused("surname_1", Value::Null).await.refused(
            412,
            "Error occured during request approval: Invalid request fields: surname_1",
        );
        client.get("/async/status/999999").await.refused(
            404,
            "Request 999999 not found. Make sure the upload directory is correct",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_request_has_no_progress_until_its_signature_is_asked_for_in_the_background() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = number(&client.post("/create", &creation_of(&client, &ANA)).await);
        assert_eq!(progress(&client, pks).await, "Unknown");
        let uid = client.agreement(pks).await;
        let path = format!("/async/sign/{}", pks.request);
        client
            .post(&path, &json!({ "secret": "000000" }))
            .await
            .refused(403, "Confirmation Code invalid");
        assert_eq!(progress(&client, pks).await, "Unknown");
        client.post(&path, &external_unlock()).await.said(QUEUED);
        wait_for(&client, pks, "signed").await;
        client.document(pks, "signed", &uid).await.pdf();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_survive_kills_and_are_done_once() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::New);
    let mut all = Vec::new();
    for kill_after in [0, 40, 150, 400] {
        let mut body = creation_of(&client, &ANA);
        body["useasync"] = true.into();
        all.push(create(&client, &body).await);
        tokio::time::sleep(Duration::from_millis(kill_after)).await;
        sandbox.kill();
        sandbox.restart();
        client = sandbox.client(Dialect::New);
    }
    for pks in &all {
        wait_for(&client, *pks, "approved").await;
        client.agreement(*pks).await;
    }
    for (pks, kill_after) in all.iter().zip([0, 20, 60, 200]) {
        client.sign(*pks, &external_unlock()).await.said(QUEUED);
        tokio::time::sleep(Duration::from_millis(kill_after)).await;
        sandbox.kill();
        sandbox.restart();
        client = sandbox.client(Dialect::New);
    }
    for pks in &all {
        wait_for(&client, *pks, "signed").await;
        let record = client.record(*pks).await;
        assert_eq!(record["status"], "ISSUED");
        assert_eq!(record["certificate_set"].as_array().unwrap().len(), 1);
    }
    let database = sandbox.dir().join("avouch.db");
    for pks in &all {
        let moves = format!(
            "SELECT COUNT(*) FROM audit WHERE request = {} AND action = 'transition'",
            pks.request
        );
        assert_eq!(
            sql::number(&database, &moves),
            2,
            "approved once, signed once"
        );
    }
    for _ in 0..100 {
        if sql::number(&database, "SELECT COUNT(*) FROM job") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sql::number(&database, "SELECT COUNT(*) FROM job"), 0);
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_leads_into_no_private_network() {
    let sink = HttpSink::start().await;
    let mut installation = Installation::init::<&str>([]);
    installation.serve(&[("AVOUCH__LOG__LEVEL", "info")]);
    let client = OneShot::new(&installation.description(), Dialect::New);
    let mut body = client.creation_of(&ANA);
    let members = body.as_object_mut().unwrap();
    members.extend(client.officer().as_object().unwrap().clone());
    for (name, value) in [
        ("given_name", ANA.given_name),
        ("surname_1", ANA.surname_1),
        ("serial_number", ANA.serial_number),
        ("callback", &sink.url("/")),
        ("useasync", "true"),
    ] {
        body[name] = value.into();
    }
    let pks = number(&client.post("/create", &body).await);
    let outcome = installation.wait_for_log(&format!("\"request\":\"{}\"", pks.request));
    assert!(outcome.contains("address is not public"), "{outcome}");
    assert_eq!(sink.received().len(), 0);
}
