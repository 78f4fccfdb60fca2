//! schemathesis throws requests at everything that the OpenAPI document describes, and holds every
//! answer to it: status codes, media types, schemas. Not one may be a failure of the server's.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{tool, workspace_root};

use crate::client::{ANA, DIALECTS, Dialect, OneShot, video};
use crate::harness::{Options, Sandbox};

/// What answers are held to. Aliases of older clients are served beyond what is described, and
/// values are taken leniently, so that neither methods nor refusals are held against the
/// description.
pub const CONFORMANCE: &str = "status_code_conformance,content_type_conformance,\
                               response_headers_conformance,response_schema_conformance";

/// Requests in several statuses, so that calls get further than "not found". Each is used up by
/// some call sooner or later.
async fn live(sandbox: &Sandbox, client: &OneShot) -> Value {
    let (mut requests, mut videoids, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..12 {
        let pks = match round % 4 {
            0 => client.create().await,
            1 => {
                let pks = client.create().await;
                client.video(pks, video()).await.success();
                pks
            }
            2 => client.reviewable(&ANA).await,
            _ => client.approved(&ANA).await,
        };
        documents.push(client.agreement(pks).await);
        requests.push(pks.request);
        videoids.push(pks.videoid);
    }
    let rao = &sandbox.description()["rao"];
    json!({
        "request_pk": requests, "videoid_pk": videoids,
        "document_uid": documents, "uid": documents,
        "token_uid": [rao["token"]], "token": [rao["token"]], "username": [rao["username"]],
        "registration_authority": [sandbox.description()["registration_authority"]],
        "profile": [sandbox.description()["profile"]],
        "mobile_phone_number": [ANA.phone], "email": [ANA.email],
        "ext_unlock_type": ["biometric"], "copy": ["signed", "original"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_generated_request_breaks_the_server_or_the_description() {
    let sandbox = Sandbox::start(Options::default());
    let live = live(&sandbox, &sandbox.client(Dialect::New)).await;
    let base = sandbox.description()["base_url"].as_str().expect("a URL");
    let checks = format!("not_a_server_error,{CONFORMANCE}");
    let more = ["--checks", &checks, "--max-examples", "25"];
    let generated = generate(base, &live, &more).await;
    assert!(
        generated > 1000,
        "it must not have passed for want of trying"
    );
    for dialect in DIALECTS {
        sandbox.client(dialect).get("/hello").await.success();
    }
    sandbox.audit();
}

/// Lets it loose on the server whose description lies below `base`, with values that lead
/// somewhere and further flags, and tells how many requests it made.
pub async fn generate(base: &str, live: &Value, more: &[&str]) -> u32 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(tool("schemathesis"));
    command
        .current_dir(folder.path())
        .env("AVOUCH_LIVE", live.to_string())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env(
            "PYTHONPATH",
            workspace_root().join("crates/avouch/tests/schemathesis"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args([
            "run",
            &format!("{base}/openapi.json"),
            "--no-color",
            "--warnings",
            "off",
        ])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        // The same requests every time: a failure must be there again tomorrow. One worker, since
        // Python 3.11, which Debian 12 has, cannot parse Python in two threads at a time.
        .args([
            "--seed",
            "20261122",
            "--no-shrink",
            "--continue-on-failure",
            "--workers",
            "1",
        ])
        .args(["--generation-database", "none"])
        .args(more);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("a thread").expect("schemathesis starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    let generated = said
        .lines()
        .find_map(|line| line.trim().split_once(" generated, "))
        .and_then(|(number, _)| number.replace(',', "").parse().ok());
    generated.unwrap_or_else(|| panic!("it does not say how many: {said}"))
}
