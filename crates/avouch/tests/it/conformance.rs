//! The contract's checklist for servers that speak One-Shot, point by point in both dialects, and its
//! index of routes. Other files test each point further; this one says that none is missing.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{HttpSink, openssl};

use crate::acts::upload;
use crate::client::{
    ANA, DIALECTS, Dialect, OneShot, Pks, evidence, external_unlock, specimen, video,
};
use crate::harness::{Options, Sandbox};
use crate::workflow::{Way, run};

#[tokio::test(flavor = "multi_thread")]
async fn point_1_the_target_path_with_statuses_read_back() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    assert!(client.base.ends_with("/oneshot/api/v1"));
    run(&sandbox, &client, Way::TokenAndCode).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn point_2_the_legacy_path_with_one_number_and_its_envelopes() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::Legacy);
    assert!(client.base.ends_with("/api/v1") && !client.base.contains("oneshot"));
    run(&sandbox, &client, Way::CredentialsAndCode).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn point_3_a_slash_at_the_end_of_every_call_and_the_doubled_prefix() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    run(&sandbox, &client.clone().with_slash(), Way::TokenAndCode).await;
    let doubled = format!("{}/api/v1", client.base);
    run(&sandbox, &client.at(&doubled), Way::TokenAndExternal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn point_4_evidence_in_either_order_and_after_a_failure() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let first = client.create().await;
        client.evidences(first, &evidence()).await.payload();
        assert_eq!(client.status(first).await, "VIDEOINCOMPLETE");

        let second = client.create().await;
        client.video(second, video()).await.payload();
        assert_eq!(client.status(second).await, "VIDEOINCOMPLETE");
        client.evidences(second, &evidence()).await.payload();
        assert_eq!(client.status(second).await, "VIDEOREVIEW");

        let third = client.create().await;
        client.video(third, video()).await.payload();
        let mut bad = evidence();
        bad["videoid_data"]["images"]["document_front"] = STANDARD.encode("no image").into();
        client.evidences(third, &bad).await.refusal(400);
        assert_eq!(client.status(third).await, "VIDEOERROR");
        client.evidences(third, &evidence()).await.payload();
        assert_eq!(client.status(third).await, "VIDEOREVIEW");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_5_approval_by_token_by_credentials_and_by_both() {
    let sandbox = Sandbox::shared();
    let approved = "Request approved successfully";
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let officer = client.officer();
        for credentials in [client.token(), officer.clone()] {
            let pks = client.reviewable(&ANA).await;
            client.approve(pks, &credentials).await.said(approved);
            let twice = client.approve(pks, &credentials).await;
            twice.refused(412, "Invalid request status");
        }
        let env = match dialect {
            Dialect::New => "sandbox",
            Dialect::Legacy => "test",
        };
        // The same as in another test's, but for the officer's PIN in it.
        let stored = json!({ "username": officer["username"], "pin": officer["pin"], "env": env });
        let token = client.post("/token", &stored).await.payload();
        let token = token["token_uid"].as_str().or(token.as_str()).unwrap();
        let pks = client.reviewable(&ANA).await;
        let lacking = client.approve(pks, &json!({ "token": token })).await;
        lacking.refused(
            400,
            "Missing required parameters: incomplete RAO's credentials",
        );
        let wrong = json!({ "token": token, "password": "guessed" });
        let wrong = client.approve(pks, &wrong).await;
        wrong.refused(403, "Invalid RAO credentials");
        let mut wrong = officer.clone();
        wrong["pin"] = "0".into();
        let wrong = client.approve(pks, &wrong).await;
        wrong.refused(403, "Invalid RAO credentials");
        let missing = client.approve(pks, &json!({})).await;
        missing.refused(
            400,
            "Missing required parameters: incomplete RAO's credentials",
        );
        let filled = json!({ "token": token, "password": officer["password"] });
        client.approve(pks, &filled).await.said(approved);
        client
            .delete(&format!("/token/{token}"))
            .await
            .said("Token deleted successfully");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_6_a_refusal_with_a_reason_and_its_event() {
    let sink = HttpSink::start().await;
    let sandbox = sandbox_told(&sink, None);
    for (round, dialect) in DIALECTS.into_iter().enumerate() {
        let client = sandbox.client(dialect);
        let pks = client.reviewable(&ANA).await;
        let path = format!("/videoid/{}/refuse", client.videoid(pks));
        let mut body = client.officer();
        let silent = client.post(&path, &body).await;
        silent.refused(400, "No reason specified");
        body["reason"] = "The portrait is not the holder's".into();
        client
            .post(&path, &body)
            .await
            .said("Videoid refuse completed");
        assert_eq!(client.status(pks).await, "CANCELLED");
        let late = client.approve(pks, &client.officer()).await;
        late.refused(412, "Invalid request status");
        let events = sink.wait_for((round + 1) * 4).await;
        let last = events.last().unwrap().json();
        assert_eq!(last["event_type"], "VIDEOID_REFUSED");
        assert_eq!(last["request"]["pk"], pks.request);
        assert_eq!(last["request"]["status"], "CANCELLED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_7_many_files_what_is_no_pdf_and_a_digest_s_round_trip() {
    let sandbox = Sandbox::shared();
    let content: &[u8] = b"a contract that its owner keeps";
    let digest = STANDARD.encode(crypto::sha256(content));
    let digest = json!({ "messageDigest": digest, "digestAlgorithm": "sha256WithRSAEncryption" });
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.approved(&ANA).await;
        let terms = |field| (field, "terms.pdf", specimen("terms.pdf"));
        let text = ("file", "letter.txt", b"Dear reader".to_vec());
        let refused = client.documents(pks, &[terms("file"), text]).await;
        let words = refused.refusal(415);
        assert!(words.starts_with("Unsupported file type: "), "{words}");
        // None of that call was kept: there is room for ten.
        let three = [terms("file"), terms("file2"), terms("file")];
        let listed = client.documents(pks, &three).await.payload();
        let key = if dialect == Dialect::New {
            "name"
        } else {
            "key"
        };
        let keys: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one[key])
            .collect();
        assert_eq!(keys, ["file", "file2", "file"]);
        let six = vec![terms("file"); 6];
        client.documents(pks, &six).await.payload();
        let file = ("hashfile", "hash.json", digest.to_string().into_bytes());
        let uids = upload(&client, pks, &[file]).await;
        let full = client.documents(pks, &[terms("file")]).await;
        let words = format!(
            "Maximum number of document reached for Request {}",
            pks.request
        );
        full.refused(400, &words);

        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        let p7m = client.document(pks, "signed", &uids[0]).await;
        assert_eq!(p7m.header("content-type"), "application/pkcs7-mime");
        let desk = tempfile::tempdir().unwrap();
        let kept = desk.path().join("content");
        fs::write(&kept, content).unwrap();
        let root = sandbox.root();
        let [kept, root] = [&kept, &root].map(|path| path.to_str().unwrap());
        let verify = [
            "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-content", kept,
        ];
        let trust = ["-CAfile", root, "-purpose", "any", "-out", "/dev/null"];
        openssl(verify.into_iter().chain(trust), &p7m.body).must_accept();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_8_codes_their_pace_and_what_opens_a_signature() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.approved(&ANA).await;
        client.agreement(pks).await;
        client.otp(pks).await.said("OTP generated");
        client.otp(pks).await.refused(
            412,
            "Error occured during OTP generation: Otp generated less than a minute ago",
        );
        let code = sandbox.code_for(pks.request).await;
        let wrong = if code == "111111" { "222222" } else { "111111" };
        let refused = client.sign(pks, &json!({ "secret": wrong })).await;
        refused.refused(403, "Confirmation Code invalid");
        client
            .sign(pks, &json!({ "secret": code }))
            .await
            .said("Documents correctly signed");
        assert_eq!(client.status(pks).await, "ISSUED");
        let again = client.sign(pks, &json!({ "secret": code })).await;
        again.refused(412, "Request already in ISSUED status");

        let other = client.approved(&ANA).await;
        client.agreement(other).await;
        client
            .sign(other, &external_unlock())
            .await
            .said("Documents correctly signed");
        assert_eq!(client.status(other).await, "ISSUED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_9_both_forms_of_retrieval_and_removal() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.approved(&ANA).await;
        let uid = client.agreement(pks).await;
        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        for copy in ["signed", "original"] {
            let by_path = client.document(pks, copy, &uid).await.pdf();
            let query = format!("/document/{}/{uid}?document_type={copy}", pks.request);
            assert!(client.get(&query).await.pdf() == by_path, "{copy}");
        }
        client
            .delete(&format!("/document/{}/{uid}", pks.request))
            .await
            .said("Document successfully deleted");
        for copy in ["signed", "original"] {
            let gone = client.document(pks, copy, &uid).await;
            gone.refused(404, "Document not found");
        }
        let list = client.get(&format!("/documents/{}", pks.request)).await;
        list.refused(404, "No documents found for specified Request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn point_10_the_events_of_the_target_path_in_both_forms() {
    let changes = [
        ("REQUEST_CREATED", "VIDEOPENDING"),
        ("VIDEOID_UPDATED", "VIDEOINCOMPLETE"),
        ("VIDEOID_UPDATED", "VIDEOREVIEW"),
        ("REQUEST_APPROVED", "ENROLLREADY"),
        ("REQUEST_ENROLLED", "ISSUED"),
    ];
    for (dialect, form) in [(Dialect::New, "event"), (Dialect::Legacy, "status")] {
        let sink = HttpSink::start().await;
        let sandbox = sandbox_told(&sink, Some(form));
        let client = sandbox.client(dialect);
        let pks = client.approved(&ANA).await;
        client.agreement(pks).await;
        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        let received = sink.wait_for(changes.len()).await;
        for (one, (event, status)) in received.iter().zip(changes) {
            let body = one.json();
            if form == "event" {
                assert_eq!(body["event_type"], event);
                assert_eq!(body["request"]["pk"], pks.request);
                assert_eq!(body["request"]["status"], status);
                let certificates = usize::from(status == "ISSUED");
                assert_eq!(body["certificates"].as_array().unwrap().len(), certificates);
            } else {
                assert_eq!(body["request"], pks.request);
                assert_eq!(body["status"], status);
            }
        }
    }
}

fn sandbox_told(sink: &HttpSink, form: Option<&'static str>) -> Sandbox {
    Sandbox::start(Options {
        webhook_url: Some(sink.url("/hook")),
        webhook_format: form,
        ..Options::default()
    })
}

/// The contract's index of routes, aliases after primaries. `{request}` and `{videoid}` are a request's
/// numbers, the others stand for things that there are not.
const ROUTES: &str = "
GET /hello
GET /version
GET /settings
POST /settings
GET /metadata
POST /metadata
DELETE /metadata
GET /metadata/{uid}
DELETE /metadata/{uid}
POST /token
GET /token/{uid}
DELETE /token/{uid}
GET /tokens
POST /create
POST /request
GET /request/{request}
PUT /request/{request}
PUT /videoid/{videoid}
DELETE /request/{request}
DELETE /videoid/{videoid}
DELETE /requests/{request}/cancel
GET /async/status/{request}
POST /videoid
POST /videoid/{videoid}/evidences
POST /videoid/{request}/evidences
POST /videoid/{videoid}/video
POST /videoid/{request}/evidences/video
GET /videoid/{videoid}/video
GET /videoid/{request}/download/video
GET /download/video/{request}
POST /videoid/{videoid}/approve
POST /request/{request}/approve
POST /requests/{request}/approve
POST /videoid/{videoid}/refuse
POST /videoid/{request}/validate
POST /request/{request}/validate
POST /document/{request}
POST /documents/{request}
GET /document/{request}/signed/{uid}
GET /document/{request}/original/{uid}
GET /document/{request}/{uid}
DELETE /document/{request}/{uid}
DELETE /document/{request}/signed/{uid}
GET /documents/{request}
GET /document/{request}
DELETE /document/{request}
DELETE /documents/{request}
GET /contract/{request}
GET /document/{request}/contract
POST /image
GET /image/{uid}
DELETE /image/{uid}
GET /images
DELETE /images
POST /otp/{request}
POST /sign/{request}
POST /async/sign/{request}
";

/// What a server says that does not know a route.
const NO_ROUTE: &str = "No such endpoint";

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_index_is_served_under_every_prefix() {
    let sandbox = Sandbox::start(Options::default());
    let doubled = |client: OneShot| {
        let base = format!("{}/api/v1", client.base);
        client.at(&base)
    };
    for client in [
        sandbox.client(Dialect::New),
        doubled(sandbox.client(Dialect::New)),
        sandbox.client(Dialect::Legacy),
    ] {
        client.get("/nothing/of/it").await.refused(404, NO_ROUTE);
        let wrong = client.send(client.request(Method::PATCH, "/hello")).await;
        assert_eq!(wrong.status, 405, "{wrong}");
        for client in [client.clone(), client.with_slash()] {
            let Pks { request, videoid } = client.create().await;
            for route in ROUTES.trim().lines() {
                let (method, path) = route.split_once(' ').unwrap();
                let path = path
                    .replace("{request}", &request.to_string())
                    .replace("{videoid}", &videoid.to_string())
                    .replace("{uid}", "11111111-1111-4111-8111-111111111111");
                let method: Method = method.parse().unwrap();
                let call = client.request(method, &path).body(Bytes::new());
                let answer = client.send(call).await;
                assert_ne!(answer.status, 405, "{route}: {answer}");
                assert!(answer.status < 500, "{route}: {answer}");
                assert!(!answer.header("content-type").is_empty(), "{answer}");
                if answer.status == 404 {
                    let details: Value = answer.json()["details"].clone();
                    assert_ne!(details, NO_ROUTE, "{route}: {answer}");
                }
            }
        }
    }
}
