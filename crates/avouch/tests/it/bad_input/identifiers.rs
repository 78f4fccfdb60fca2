//! Numbers and names that name nothing, and paths that lead nowhere.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{clients, untouched};
use crate::client::{Answer, Dialect, OneShot, evidence, specimen};
use crate::harness::Sandbox;
use crate::raw::exchange;

/// Calls everything that takes a request's number, with `id` in its place, and what each must
/// say.
async fn call_all(client: &OneShot, id: &str) -> Vec<(Answer, String)> {
    let file = || {
        Form::new().part(
            "file",
            Part::bytes(specimen("agreement.pdf")).file_name("a.pdf"),
        )
    };
    let token = client.token();
    let reason = json!({ "token": token["token"], "reason": "Doubts" });
    let secret = json!({ "secret": "123456" });
    let not_found = || "Request not found".to_owned();
    let numbered = || format!("Request {id} not found");
    let uid = "11111111-1111-4111-8111-111111111111";
    vec![
        (
            client.get(&format!("/request/{id}")).await,
            "Request not found. Make sure the upload directory is correct.".to_owned(),
        ),
        (
            client
                .put(
                    &format!("/request/{id}"),
                    &json!({ "email": "a@example.com" }),
                )
                .await,
            not_found(),
        ),
        (
            client
                .put(
                    &format!("/videoid/{id}"),
                    &json!({ "email": "a@example.com" }),
                )
                .await,
            not_found(),
        ),
        (client.delete(&format!("/request/{id}")).await, numbered()),
        (
            client.delete(&format!("/requests/{id}/cancel")).await,
            numbered(),
        ),
        (
            client
                .post(&format!("/videoid/{id}/evidences"), &evidence())
                .await,
            not_found(),
        ),
        (
            client
                .post_form(&format!("/videoid/{id}/video"), file())
                .await,
            not_found(),
        ),
        (
            client
                .post_form(&format!("/videoid/{id}/evidences/video"), file())
                .await,
            not_found(),
        ),
        (
            client.get(&format!("/videoid/{id}/video")).await,
            not_found(),
        ),
        (
            client.get(&format!("/videoid/{id}/download/video")).await,
            not_found(),
        ),
        (
            client.post(&format!("/videoid/{id}/approve"), &token).await,
            not_found(),
        ),
        (
            client.post(&format!("/request/{id}/approve"), &token).await,
            not_found(),
        ),
        (
            client
                .post(&format!("/videoid/{id}/validate"), &token)
                .await,
            not_found(),
        ),
        (
            client.post(&format!("/videoid/{id}/refuse"), &reason).await,
            not_found(),
        ),
        (
            client.post_form(&format!("/document/{id}"), file()).await,
            format!("Cannot upload document: Request {id} not found on disk"),
        ),
        (client.get(&format!("/documents/{id}")).await, numbered()),
        (
            client.get(&format!("/document/{id}/{uid}")).await,
            numbered(),
        ),
        (
            client.get(&format!("/document/{id}/signed/{uid}")).await,
            numbered(),
        ),
        (
            client.delete(&format!("/document/{id}/{uid}")).await,
            numbered(),
        ),
        (client.delete(&format!("/document/{id}")).await, numbered()),
        (client.get(&format!("/contract/{id}")).await, numbered()),
        (
            client.get(&format!("/document/{id}/contract")).await,
            numbered(),
        ),
        (
            client
                .send(client.request(Method::POST, &format!("/otp/{id}")))
                .await,
            format!("Request {id} not found. Cannot send OTP secret"),
        ),
        (
            client.post(&format!("/sign/{id}"), &secret).await,
            format!("Request {id} not found. Cannot sign documents"),
        ),
    ]
}

#[tokio::test]
async fn unknown_numbers_are_answered_by_every_call_in_its_own_words() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        for id in ["0", "987654321", "9223372036854775807"] {
            for (answer, words) in call_all(&client, id).await {
                answer.refused(404, &words);
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_number_names_nothing() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let long = "9".repeat(300);
    for id in [
        "-1",
        "+1",
        "1.0",
        "9223372036854775808",
        "18446744073709551617",
        "abc",
        "1e3",
        "0x10",
        "%20",
        "%00",
        "1%00",
        "%F0%9F%98%80",
        "%ff",
        "1%2F2",
        "1;drop",
        "null",
        &long,
    ] {
        for (answer, _) in call_all(&client, id).await {
            answer.refusal(404);
        }
    }
    // The words repeat only what is short and printable.
    let answer = client.get(&format!("/contract/{}", "9".repeat(300))).await;
    assert_eq!(
        answer.refusal(404),
        format!("Request {} not found", "9".repeat(40))
    );
}

#[tokio::test]
async fn identifiers_left_out_are_asked_for() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let no_pk = "Missing required parameters: Request's pk not specified";
        client
            .post("/document", &json!({}))
            .await
            .refused(400, no_pk);
        client.get("/documents").await.refused(400, no_pk);
        client.delete("/document").await.refused(400, no_pk);
        let answer = client.post("/otp", &json!({})).await;
        answer.refused(400, "Missing parameters: Request's pk not specified");
        let no_uid = "Missing required parameter: no token uid specified";
        client.get("/token").await.refused(400, no_uid);
        client.delete("/token").await.refused(400, no_uid);
    }
}

#[tokio::test]
async fn unknown_tokens_and_documents_have_words_of_their_own() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let uid = "11111111-1111-4111-8111-111111111111";
        for uid in [
            uid,
            "11111111111141118111111111111111",
            "nobody",
            "%00",
            "..%2f..",
        ] {
            let answer = client.get(&format!("/token/{uid}")).await;
            assert!(answer.refusal(404).starts_with("Token "), "{answer}");
            client
                .delete(&format!("/token/{uid}"))
                .await
                .refused(404, "Token not found");
        }
        client
            .get(&format!("/token/{uid}"))
            .await
            .refused(404, &format!("Token {uid} not found"));

        let (pks, other) = (client.create().await, client.create().await);
        let document = client.agreement(other).await;
        // The document of another request is as unknown as one that never was.
        for uid in [
            document.as_str(),
            uid,
            "nobody",
            "..%2F..%2Fkeys%2Fmaster.key",
        ] {
            let number = pks.request;
            for copy in ["original", "signed"] {
                client
                    .document(pks, copy, uid)
                    .await
                    .refused(404, "Document not found");
            }
            client
                .get(&format!("/document/{number}/{uid}"))
                .await
                .refused(404, "Document not found");
            let answer = client.delete(&format!("/document/{number}/{uid}")).await;
            assert!(
                answer
                    .refusal(404)
                    .starts_with("Document not found with uid "),
                "{answer}"
            );
        }
        let number = other.request;
        let path = format!("/document/{number}/{document}?document_type=draft");
        let words = "document_type: must be 'signed' or 'original'";
        client.get(&path).await.refused(400, words);
        client
            .document(other, "draft", &document)
            .await
            .refused(400, words);
        client
            .document(other, "signed", &document)
            .await
            .refused(404, "Document not found");
        let answer = client
            .delete(&format!("/document/{number}/signed/{document}"))
            .await;
        answer.refused(
            404,
            &format!("Document not found with uid {document} and type signed"),
        );
        assert_eq!(
            client.document(other, "original", &document).await.pdf(),
            specimen("agreement.pdf")
        );
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_doors() {
    let sandbox = Sandbox::shared();
    let pks = sandbox.client(Dialect::New).create().await;
    let pk = pks.request;
    for path in [
        "/../../../../etc/passwd".to_owned(),
        "/docs/../keys/master.key".to_owned(),
        "/docs/%2e%2e/keys/master.key".to_owned(),
        "/docs/..%2fkeys%2fmaster.key".to_owned(),
        "/pki/../keys/root.key".to_owned(),
        "/pki/root.key".to_owned(),
        "/pki/master.key".to_owned(),
        "//etc/passwd".to_owned(),
        format!("/oneshot/api/v1/document/{pk}/original/../../../../keys/master.key"),
        format!("/oneshot/api/v1/document/{pk}/original/..%2F..%2Fkeys%2Fmaster.key"),
        format!("/oneshot/api/v1/document/{pk}/%2Fetc%2Fpasswd"),
        format!("/api/v1/videoid/{pk}/video/../../../sandbox.json"),
        "/oneshot/api/v1/..%5c..%5csandbox.json".to_owned(),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = exchange(sandbox.address(), request)
            .await
            .expect("an answer");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        for told in ["root:", "\"password\"", "PRIVATE"] {
            assert!(!answer.body.contains(told), "{path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn requests_that_are_no_http_are_refused_and_the_server_goes_on() {
    let sandbox = Sandbox::shared();
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a".repeat(100_000)
    );
    let many = format!(
        "GET /health HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X: y\r\n".repeat(500)
    );
    let large = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    for (request, expected) in [
        ("HELLO\r\n\r\n", 400),
        ("GET /health HTTP/9.9\r\n\r\n", 400),
        ("GET /he\0lth HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET /health HTTP/1.1\r\nBroken header\r\n\r\n", 400),
        (
            "POST /api/v1/videoid HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            400,
        ),
        (
            "POST /api/v1/videoid HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            400,
        ),
        (
            "POST /api/v1/videoid HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        (
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n",
            400,
        ),
        (long.as_str(), 414),
        (many.as_str(), 431),
        (large.as_str(), 431),
    ] {
        let shown = &request[..request.len().min(60)];
        let answer = exchange(sandbox.address(), request).await;
        let status = answer.as_ref().map(|answer| answer.status);
        // Where the answer is lost because the client goes on writing, the end is an answer too.
        assert!(
            status == Some(expected) || (status.is_none() && request.len() > 60_000),
            "{shown:?}: {answer:?}"
        );
    }
    let health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(
        exchange(sandbox.address(), health)
            .await
            .expect("an answer")
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_routes_and_methods_are_told_in_the_form_of_their_door() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for path in [
            "",
            "/",
            "/nothing",
            "/videoid/1/nothing",
            "/document/1/signed/2/3",
            "/requests",
            "/HELLO",
            "/hello/world",
        ] {
            client.get(path).await.refused(404, "No such endpoint");
        }
        for (method, path) in [
            (Method::DELETE, "/hello".to_owned()),
            (Method::GET, "/create".to_owned()),
            (Method::GET, "/request".to_owned()),
            (Method::PATCH, format!("/request/{}", pks.request)),
            (Method::PUT, format!("/sign/{}", pks.request)),
            (Method::GET, format!("/otp/{}", pks.request)),
            (Method::GET, "/videoid".to_owned()),
            (Method::POST, format!("/contract/{}", pks.request)),
            (Method::OPTIONS, "/videoid".to_owned()),
            (Method::TRACE, "/hello".to_owned()),
        ] {
            let answer = untouched(
                &client,
                pks,
                client.send(client.request(method.clone(), &path)),
            )
            .await;
            answer.refused(405, &format!("Method {method} not allowed here"));
            assert!(
                !answer.header("allow").is_empty(),
                "{answer}: {:?}",
                answer.headers
            );
        }
        let odd = client.request(Method::from_bytes(b"BREW").expect("a token"), "/hello");
        client
            .send(odd)
            .await
            .refused(405, "Method BREW not allowed here");
    }
}
