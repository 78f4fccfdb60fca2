//! Bodies that are no JSON, or not the JSON that was asked for.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::run;

use super::{clients, untouched};
use crate::client::{ANA, Answer, Dialect, OneShot, Pks, evidence};
use crate::harness::Sandbox;

/// Sends these bytes as they are, without a Content-Type.
async fn send(client: &OneShot, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    client
        .send(client.request(method, path).body(body.into()))
        .await
}

/// Every call with a JSON body, and whether the legacy dialect says "Invalid JSON" there.
fn calls(client: &OneShot, pks: Pks) -> Vec<(Method, String, bool)> {
    let Pks { request, videoid } = pks;
    let mut calls = vec![
        (Method::POST, "/videoid".to_owned(), false),
        (Method::POST, format!("/videoid/{videoid}/evidences"), true),
        (Method::POST, format!("/videoid/{videoid}/approve"), false),
        (Method::POST, format!("/videoid/{videoid}/refuse"), true),
        (Method::POST, format!("/videoid/{request}/validate"), false),
        (Method::PUT, format!("/request/{request}"), false),
        (Method::POST, format!("/otp/{request}"), false),
        (Method::POST, format!("/sign/{request}"), false),
        (Method::POST, "/token".to_owned(), false),
        (Method::POST, "/settings".to_owned(), true),
    ];
    if client.dialect == Dialect::New {
        calls.iter_mut().for_each(|(.., invalid)| *invalid = false);
    }
    calls
}

/// What Python's parser says of a text: the clients of this API know its words.
fn said_by_python(text: &str) -> String {
    let script = "import json, sys\ntry:\n json.loads(sys.stdin.buffer.read().decode())\n\
                  except ValueError as error:\n print(error)";
    let said = run("python", ["-c", script], text.as_bytes())
        .must_accept()
        .text();
    assert!(!said.is_empty(), "Python takes {text:?} for JSON");
    said.trim().to_owned()
}

#[tokio::test]
async fn malformed_json_is_answered_with_its_place_by_every_call() {
    let sandbox = Sandbox::shared();
    let broken = "{\n  \"email\": \"a@example.com\"\n  \"x\": 1\n}";
    let words = format!("Could not parse JSON body - {}", said_by_python(broken));
    assert!(words.contains("line 3 column 3"), "{words}");
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (method, path, invalid) in calls(&client, pks) {
            let answer = untouched(&client, pks, send(&client, method, &path, broken)).await;
            answer.refused(400, &words);
            if client.dialect == Dialect::Legacy {
                let status = if invalid {
                    "Invalid JSON"
                } else {
                    "400 Bad Request"
                };
                assert_eq!(answer.json()["status"], status, "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn places_and_words_are_those_that_clients_know() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        for broken in [
            "{\"a\"}",
            "{\"a\": }",
            "{\"a\": 1,\n \"b\": ?}",
            "{\"ñandú\": 1 \"b\"}",
            "[1, 2",
            "{} {}",
            "{\"a\": 'single'}",
            "given_name=Ana&surname_1=Ejemplo",
        ] {
            let answer = send(&client, Method::POST, "/videoid", broken).await;
            let words = format!("Could not parse JSON body - {}", said_by_python(broken));
            answer.refused(400, &words);
        }
        // Where the text ends too early, both name the same place in other words.
        for cut in ["{", "{\"a\"", "{\"a\": 1", "{\"a\": 1,\n", "{\"a\": [{}"] {
            let words = send(&client, Method::POST, "/videoid", cut)
                .await
                .refusal(400);
            let place = said_by_python(cut);
            let place = &place[place.find(": line ").expect("a place")..];
            assert!(words.ends_with(place), "{cut:?}: {words} is not{place}");
        }
    }
}

#[tokio::test]
async fn what_no_parser_takes_is_refused_and_nothing_falls_over() {
    let sandbox = Sandbox::shared();
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let path = format!("/videoid/{}/evidences", pks.request);
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            ("deep arrays", deep("[", "]").into()),
            ("deep objects", deep("{\"a\":", "}").into()),
            ("deep and open", "[".repeat(1 << 20).into()),
            (
                "no UTF-8",
                b"{\"acceptance\": {\"a\": \"\xff\xfe\"}}".to_vec(),
            ),
            ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
            (
                "a lone surrogate",
                br#"{"acceptance": {"a": "\ud800"}}"#.to_vec(),
            ),
            (
                "half a surrogate pair",
                br#"{"acceptance": {"a": "\udc00\ud800"}}"#.to_vec(),
            ),
            ("not a number", b"{\"acceptance\": {\"a\": NaN}}".to_vec()),
            (
                "a number beyond all",
                b"{\"acceptance\": {\"a\": 1e99999}}".to_vec(),
            ),
            (
                "a control character",
                b"{\"acceptance\": {\"a\": \"\x01\"}}".to_vec(),
            ),
            ("an array", b"[1, 2]".to_vec()),
            ("a text", b"\"text\"".to_vec()),
            ("null", b"null".to_vec()),
        ];
        for (what, body) in bodies {
            let answer = untouched(&client, pks, send(&client, Method::POST, &path, body)).await;
            let words = answer.refusal(400);
            assert!(
                words.starts_with("Could not parse JSON body - "),
                "{what}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn the_character_that_no_database_stores_is_refused() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let nul = json!({ "acceptance": { "note": { "deep": ["a\0b"] } } });
        let answer = untouched(&client, pks, client.evidences(pks, &nul)).await;
        answer.refused(400, "The character U+0000 is not allowed in 'acceptance'");
        let answer = untouched(&client, pks, client.evidences(pks, &json!({ "a\0b": 1 }))).await;
        answer.refused(400, "The character U+0000 is not allowed in 'ab'");
        for (method, path, _) in calls(&client, pks) {
            let body = br#"{"reason": "\u0000", "secret": "\u0000", "username": "\u0000"}"#;
            let answer = untouched(&client, pks, send(&client, method, &path, *body)).await;
            answer.refused(400, "The character U+0000 is not allowed in 'reason'");
        }
    }
}

#[tokio::test]
async fn everything_missing_is_named_at_once() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let answer = client.post("/videoid", &json!({})).await;
        answer.refused(
            400,
            "Missing required parameters: mobile_phone_number, email, registration_authority, \
             profile",
        );
        let blank = json!({ "mobile_phone_number": " ", "email": "", "profile": null });
        let answer = client.post("/videoid", &blank).await;
        answer.refused(
            400,
            "Missing required parameters: mobile_phone_number, email, registration_authority, \
             profile",
        );
        client
            .post("/token", &json!({}))
            .await
            .refused(400, "Missing required parameter: 'username'");

        let pks = client.create().await;
        let nothing = untouched(&client, pks, client.evidences(pks, &json!({}))).await;
        nothing.refused(400, "Missing required parameters: acceptance, videoid_data");
        let mut partial = evidence();
        partial["videoid_data"]["ocr_data"] = json!({ "surname_2": "Solo" });
        let partial = untouched(&client, pks, client.evidences(pks, &partial)).await;
        let words = "Missing required parameters: given_name, surname_1, serial_number";
        partial.refused(400, words);

        let half = json!({ "ext_unlock_type": "biometric" });
        let half = untouched(&client, pks, client.sign(pks, &half)).await;
        half.refused(400, "Missing required parameter: 'ext_unlock_value'");
        let half = json!({ "ext_unlock_value": "txn-0001" });
        let half = untouched(&client, pks, client.sign(pks, &half)).await;
        half.refused(400, "Missing required parameter: 'ext_unlock_type'");
        for empty in [
            json!({}),
            json!({ "secret": "" }),
            json!({ "secret": null }),
        ] {
            let empty = untouched(&client, pks, client.sign(pks, &empty)).await;
            empty.refused(400, "Missing required parameter: 'secret'");
        }
    }
}

#[tokio::test]
async fn everything_of_the_wrong_kind_is_named_at_once() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let wrong = json!({ "mobile_phone_number": { "number": 1 }, "email": [],
            "registration_authority": true, "profile": { "a": 1 }, "env": false,
            "webhook_url": ["http://example.com"] });
        let answer = client.post("/videoid", &wrong).await;
        names_all(
            &answer,
            &[
                "mobile_phone_number",
                "email",
                "registration_authority",
                "profile",
                "env",
                "webhook_url",
            ],
        );

        let pks = client.create().await;
        let wrong = json!({ "acceptance": "yes", "videoid_data": { "images": [1],
            "ocr_data": "Ana", "security_checks": 1, "similarity_level": { "high": true } } });
        let answer = untouched(&client, pks, client.evidences(pks, &wrong)).await;
        assert!(
            answer
                .refusal(400)
                .starts_with("Missing required parameters: "),
            "{answer}"
        );
        names_all(
            &answer,
            &[
                "acceptance",
                "images",
                "ocr_data",
                "security_checks",
                "similarity_level",
            ],
        );

        let mut wrong = evidence();
        let data = &mut wrong["videoid_data"];
        data["ocr_data"]["given_name"] = json!({ "first": "Ana" });
        data["ocr_data"]["id_document_type"] = "DRIVING".into();
        data["ocr_data"]["id_document_country"] = "Spain".into();
        data["ocr_data"]["email"] = "nobody".into();
        let answer = untouched(&client, pks, client.evidences(pks, &wrong)).await;
        names_all(
            &answer,
            &["given_name", "id_document_type", "alpha-2", "email address"],
        );

        let mut wrong = evidence();
        for member in ["surname_2", "serial_number", "email", "id_document_type"] {
            wrong["videoid_data"]["ocr_data"][member] = json!([true]);
        }
        let answer = untouched(&client, pks, client.evidences(pks, &wrong)).await;
        names_all(
            &answer,
            &["surname_2", "serial_number", "email", "id_document_type"],
        );

        let mut wrong = evidence();
        wrong["videoid_data"]["images"]["document_front"] = json!({ "base64": "aGVsbG8=" });
        wrong["videoid_data"]["images"]["document_owner"] = json!(["aGVsbG8="]);
        let answer = untouched(&client, pks, client.evidences(pks, &wrong)).await;
        names_all(&answer, &["document_front", "document_owner"]);

        let wrong = json!({ "email": "nobody", "mobile_phone_number": "600123987",
            "country_name": "ESP", "registration_authority": "one", "id_document_type": "X" });
        let path = format!("/request/{}", pks.request);
        let answer = untouched(&client, pks, client.put(&path, &wrong)).await;
        names_all(
            &answer,
            &[
                "Enter a valid email address",
                "international prefix",
                "alpha-2",
                "registration_authority",
                "id_document_type",
            ],
        );
        let wrong = json!({ "scratchcard": "1" });
        let answer = untouched(&client, pks, client.put(&path, &wrong)).await;
        let words = format!(
            "Cannot update the Request {}: Invalid ScratchCard",
            pks.request
        );
        answer.refused(400, &words);
    }
}

#[track_caller]
fn names_all(answer: &Answer, names: &[&str]) {
    let words = answer.refusal(400);
    for name in names {
        assert!(words.contains(name), "{name} is not named: {answer}");
    }
}

#[tokio::test]
async fn wrong_values_have_the_documented_words() {
    let sandbox = Sandbox::shared();
    const PHONE: &str = "Please use the mobile phone number with an international prefix";
    const EMAIL: &str = "Enter a valid email address";
    for client in clients(&sandbox) {
        let creation = client.creation_of(&ANA);
        let with = |members: &[(&str, Value)]| {
            let mut creation = creation.clone();
            for (name, value) in members {
                creation[name] = value.clone();
            }
            creation
        };
        for phone in [
            "600123987",
            "+",
            "+34 nadie",
            "++34600123987",
            "+0034600123987",
            "+34",
        ] {
            let creation = with(&[("mobile_phone_number", phone.into())]);
            client.post("/videoid", &creation).await.refused(400, PHONE);
        }
        for email in [
            "ana",
            "ana@",
            "@example.com",
            "ana@@example.com",
            "a b@example.com",
            "ana@example",
            "ana@example..com",
            "<ana@example.com>",
        ] {
            let answer = client
                .post("/videoid", &with(&[("email", email.into())]))
                .await;
            answer.refused(400, EMAIL);
        }
        let both = with(&[("mobile_phone_number", "1".into()), ("email", "x".into())]);
        client
            .post("/videoid", &both)
            .await
            .refused(400, &format!("{PHONE}; {EMAIL}"));

        let env = client
            .post("/videoid", &with(&[("env", "staging".into())]))
            .await;
        env.refused(400, "Environment staging does not exist");
        let authority = with(&[("registration_authority", 999_999.into())]);
        client
            .post("/videoid", &authority)
            .await
            .refused(404, "Registration Authority not found");
        let profile = client
            .post("/videoid", &with(&[("profile", "PFnobody".into())]))
            .await;
        profile.refused(
            403,
            "Error creating new videoid request: {\"detail\":\"You do not have permission to \
             perform this action.\"}",
        );
        let webhook = with(&[("webhook_url", "file:///etc/passwd".into())]);
        let webhook = client.post("/videoid", &webhook).await;
        assert!(
            webhook.refusal(400).contains("Enter a valid URL"),
            "{webhook}"
        );
        let long = format!("https://example.org/{}", "a".repeat(2048));
        let webhook = client
            .post("/videoid", &with(&[("webhook_url", long.into())]))
            .await;
        webhook.refused(400, "webhook_url: must have no more than 2048 characters");
        for number in [
            json!("1e3"),
            json!(1.5),
            json!("123456789012345678901234567890"),
            json!(123456789012345678901234567890_f64),
            json!("-1"),
            json!(-1),
        ] {
            let answer = client
                .post("/videoid", &with(&[("registration_authority", number)]))
                .await;
            assert!(matches!(answer.status, 400 | 404), "{answer}");
            answer.refusal(answer.status);
        }
    }
}

#[tokio::test]
async fn settings_of_the_wrong_kind_change_nothing() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let before = client.get("/settings").await.payload();
        let wrong = json!({ "general": { "environment": "moon", "usepdfclean": "perhaps" },
            "request": { "default_ra": "first", "default_profile": [] }, "billing": "none" });
        let answer = client.post("/settings", &wrong).await;
        names_all(
            &answer,
            &[
                "moon",
                "general.usepdfclean",
                "request.default_ra",
                "request.default_profile",
                "billing",
            ],
        );
        assert_eq!(client.get("/settings").await.payload(), before);
    }
}

#[tokio::test]
async fn json_needs_no_content_type_and_numbers_may_be_texts() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let creation = client.creation_of(&ANA);
        let text = creation.to_string();
        let types = [
            None,
            Some("text/plain"),
            Some("application/octet-stream"),
            Some("json"),
            Some("application/x-www-form-urlencoded"),
            Some("application/json; charset=latin1"),
        ];
        for content_type in types {
            let mut request = client.request(Method::POST, "/videoid").body(text.clone());
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            client.send(request).await.payload();
        }
        let mut loose = creation.clone();
        let authority = creation["registration_authority"]
            .as_i64()
            .expect("a number");
        for number in [json!(authority.to_string()), json!(authority as f64)] {
            loose["registration_authority"] = number;
            loose["videoid_mode"] = json!("1");
            loose["unknown"] = json!({ "members": ["are ignored"] });
            client.post("/videoid", &loose).await.payload();
        }
        // A byte order mark, blanks around, and a name twice: the last value counts.
        let marked = format!(
            "\u{feff} \r\n{}\n\n",
            text.replacen('{', "{\"email\":\"x\",", 1)
        );
        send(&client, Method::POST, "/videoid", marked)
            .await
            .payload();

        let pks = client.create().await;
        let path = format!("/videoid/{}/evidences", pks.request);
        let evidence = serde_json::to_vec(&evidence()).expect("JSON");
        assert_eq!(
            send(&client, Method::POST, &path, evidence).await.missing(),
            ["video"]
        );
    }
}
