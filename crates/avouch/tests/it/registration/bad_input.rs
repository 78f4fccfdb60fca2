//! What bad input gets from this API: a clear refusal in its form. Nothing changes, the server goes
//! on, and its log knows of no panic (the harness searches it when the sandbox ends).

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::client::{Answer, Api, CLOUD, Case, PIN, decoded, merged, text};
use crate::client::{ANA, evidence, specimen, video};
use crate::harness::Sandbox;

/// Every call that reads a body, for a request.
fn calls(case: &Case) -> Vec<(Method, String)> {
    let mut calls: Vec<_> = [
        "/requests/",
        "/requests/is_renewable/",
        "/requests/check_contact_data_limits/",
        "/requests/cloud_renew/",
        "/requests/soft_renew/",
        "/scratchcards/",
        "/scratchcards/isused/",
        "/scratchcards/revoke/",
        "/scratchcards/whoami/",
        "/scratchcards/move/",
        "/registrationauthorities/",
        "/rao/",
        "/users/",
    ]
    .map(|path| (Method::POST, path.to_owned()))
    .into();
    for path in [
        "generates_tbs_receipt/",
        "generate_document/",
        "pl_delete_document/",
        "pl_get_document/",
        "pl_approve/",
        "validate_videoid",
        "refuse_videoid",
        "unlock_pin/",
        "generate_otp/",
        "pl_cloud_enroll/",
        "pl_p12_enroll/",
    ] {
        calls.push((Method::POST, case.path(path)));
    }
    calls.push((Method::PUT, case.path("")));
    calls.push((Method::PUT, format!("/videoid/{}", case.video_pk)));
    calls.push((Method::GET, "/scratchcards/get_first_unused/".to_owned()));
    for (path, number) in [
        ("registrationauthorities", 1),
        ("rao", 1),
        ("users", 1),
        ("scratchcards", 301),
    ] {
        calls.push((Method::PUT, format!("/{path}/{number}/")));
    }
    calls
}

/// Sends these bytes as they are.
async fn send(api: &Api, method: &Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    api.send(api.request(method.clone(), path).body(body.into()))
        .await
}

/// All that a client can see of a request.
async fn seen(api: &Api, case: &Case) -> (Value, Value) {
    let papers = api.get(&case.path("pl_get_documents/")).await.ok();
    (api.record(case).await, papers)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_refused_by_every_call_with_its_place() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.reviewable().await;
    let before = seen(&api, &case).await;
    let words = "JSON parse error - Expecting ',' delimiter: line 2 column 3 (char 14)";
    for (method, path) in calls(&case) {
        let answer = send(&api, &method, &path, "{ \"rao\": 1 \n  \"type\": 2 }").await;
        // Two calls have the other form for it.
        let code = match path.contains("/unlock_pin/") || path.ends_with("/move/") {
            true => 500,
            false => 400,
        };
        let body = answer.refusal(code);
        assert!(
            text(&body["error"]).starts_with("JSON parse error - "),
            "{answer}"
        );
        if code == 400 {
            assert_eq!(body["detail"], body["error"], "{answer}");
        }
        assert_eq!(body["error"], words, "{answer}");
    }
    assert_eq!(seen(&api, &case).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_parser_takes_and_nothing_at_all_leave_the_server_standing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.reviewable().await;
    let before = seen(&api, &case).await;
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("deep arrays", deep("[", "]").into()),
        ("deep objects", deep("{\"a\":", "}").into()),
        ("deep and open", "[".repeat(1 << 20).into()),
        ("no UTF-8", b"{\"reason\": \"\xff\xfe\"}".to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("a lone surrogate", br#"{"reason": "\ud800"}"#.to_vec()),
        ("not a number", b"{\"amount\": NaN}".to_vec()),
        ("a number beyond all", b"{\"amount\": 1e99999}".to_vec()),
        ("a control character", b"{\"reason\": \"\x01\"}".to_vec()),
        ("an array", b"[1, 2]".to_vec()),
        ("a text", b"\"text\"".to_vec()),
        ("null", b"null".to_vec()),
        (
            "a NUL",
            br#"{"username": "\u0000", "scratchcard": "\u0000", "ra": "\u0000"}"#.to_vec(),
        ),
    ];
    for (method, path) in calls(&case) {
        for (what, body) in &bodies {
            let answer = send(&api, &method, &path, body.clone()).await;
            assert!((400..=500).contains(&answer.status), "{what}: {answer}");
            let refusal = answer.refusal(answer.status);
            assert_ne!(
                refusal["error"], "Internal server error",
                "{what}: {answer}"
            );
        }
        // An empty body is an empty object: something is missing, or nothing was needed.
        for body in ["", "{}"] {
            if path == "/scratchcards/get_first_unused/"
                || path == case.path("")
                || path.starts_with("/users/1")
            {
                continue;
            }
            let answer = send(&api, &method, &path, body).await;
            let harmless = method == Method::PUT || path.ends_with("/generate_otp/");
            if answer.status == 200 {
                assert!(harmless, "{answer}");
            } else {
                let refusal = answer.refusal(answer.status);
                assert_ne!(refusal["error"], "Internal server error", "{answer}");
            }
        }
    }
    assert_eq!(seen(&api, &case).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_wrong_kind_are_refused_and_change_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.reviewable().await;
    let before = seen(&api, &case).await;
    let names = [
        "profile",
        "scratchcard",
        "registration_authority",
        "email",
        "secure_element",
        "validity_time",
        "paperless_mode",
        "videoid_mode",
        "identification_rao",
        "webhook_url",
        "given_name",
        "surname_1",
        "serial_number",
        "country_name",
        "mobile_phone_number",
        "rao",
        "rao_id",
        "type",
        "doctype",
        "docpk",
        "username",
        "password",
        "pin",
        "lang",
        "reason",
        "erc",
        "enrollment_code",
        "newpin",
        "otp",
        "secret",
        "p12password",
        "sn",
        "secrets",
        "ra",
        "from_ra",
        "to_ra",
        "amount",
        "from_sn",
        "to_sn",
        "name",
        "parent",
        "enabled_from",
        "videoid_steps",
        "certificate",
        "registration_authority_master",
        "is_identificator",
        "permission_profile",
        "request",
        "acceptance",
        "videoid_data",
        "data",
    ];
    for odd in [
        json!({ "a": [1] }),
        json!([[1]]),
        json!(-1),
        json!(1e300),
        json!(true),
        json!("\u{202e}"),
    ] {
        let members = names.map(|name| (name.to_owned(), odd.clone()));
        let body = Value::Object(members.into_iter().collect());
        for (method, path) in calls(&case) {
            let answer = send(&api, &method, &path, body.to_string()).await;
            let refusal = answer.refusal(answer.status);
            assert!((400..=500).contains(&answer.status), "{odd}: {answer}");
            assert_ne!(refusal["error"], "Internal server error", "{odd}: {answer}");
        }
    }
    assert_eq!(seen(&api, &case).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_flags_come_as_texts_too() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.ra;
    for (number, flag) in [
        (json!(ra), json!(1)),
        (json!(ra.to_string()), json!("1")),
        (json!(format!(" {ra} ")), json!(true)),
        (json!(ra), json!("true")),
    ] {
        let body = json!({ "registration_authority": number, "videoid_mode": flag,
                           "validity_time": "365", "secure_element": 2 });
        let made = api.create(body).await;
        assert_eq!(made["registration_authority"], ra);
        assert_eq!(made["videoid_mode"], true);
        assert_eq!(made["validity_time"], "365");
        assert_eq!(made["secure_element"], 2);
    }
    for flag in [
        json!(0),
        json!("0"),
        json!(false),
        json!("false"),
        json!(null),
        json!(""),
    ] {
        let made = api.create(json!({ "videoid_mode": flag })).await;
        assert_eq!(
            (&made["videoid_mode"], &made["status"]),
            (&json!(false), &json!("CREATED"))
        );
    }
    // Which card is the first unused one changes while others register.
    for body in [
        json!({ "ra": ra }),
        json!({ "ra": ra.to_string() }),
        json!({}),
    ] {
        let request = api
            .request(Method::GET, "/scratchcards/get_first_unused/")
            .json(&body);
        assert_eq!(api.send(request).await.ok()["registration_authority"], ra);
    }
    let case = api.reviewable().await;
    let as_text = api.officer_with(json!({ "rao_id": api.told("rao_id").to_string() }));
    api.post(&case.path("pl_approve/"), &as_text).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_body_is_what_it_is_and_not_what_it_is_called() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let card = api.unused_card().await;
    let body = json!({ "sn": card }).to_string();
    for called in [
        "text/plain",
        "application/json; charset=utf-8",
        "application/octet-stream",
        "*/*",
        "x",
    ] {
        let request = api
            .request(Method::POST, "/scratchcards/isused/")
            .body(body.clone());
        let request = request.header(CONTENT_TYPE, called);
        api.send(request).await.ok();
    }
    let form = api
        .request(Method::POST, "/scratchcards/isused/")
        .form(&[("sn", &card)]);
    api.send(form).await.ok();
    let form = Form::new().text("sn", card.clone());
    api.multipart("/scratchcards/isused/", form).await.ok();
    // Only what was announced as a form is read as one.
    let request = api
        .request(Method::POST, "/scratchcards/isused/")
        .body(format!("sn={card}"));
    api.send(request).await.refusal(400);
    for boundary in [
        "",
        "; boundary=",
        "; boundary=\"",
        &format!("; boundary={}", "x".repeat(200)),
    ] {
        let called =
            HeaderValue::from_str(&format!("multipart/form-data{boundary}")).expect("text");
        let case = api.new_classic_request().await;
        for path in [
            "pl_upload_document/",
            "upload_videoid_evidence/",
            "pl_get_document/",
        ] {
            let request = api
                .request(Method::POST, &case.path(path))
                .body("--x\r\n\r\n--x--");
            let answer = api.send(request.header(CONTENT_TYPE, called.clone())).await;
            assert!([400, 412].contains(&answer.status), "{answer}");
            answer.refusal(answer.status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_are_cut_off_or_hold_something_else_store_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_classic_request().await;
    let path = case.path("pl_upload_document/");
    let file = || Part::bytes(specimen("id-front.jpg")).file_name("id.jpg");
    let wrong = [
        (Form::new().part("document", file()), 412),
        (Form::new().text("type", "document_front"), 412),
        (
            Form::new()
                .text("type", "contract")
                .part("document", file()),
            412,
        ),
        (
            Form::new()
                .text("type", "document_front")
                .part("file", file()),
            412,
        ),
        (Form::new().text("type", "").part("document", file()), 412),
        (
            Form::new()
                .text("type", "document_front")
                .text("document", ""),
            412,
        ),
    ];
    for (form, status) in wrong {
        let answer = api.multipart(&path, form).await;
        answer.refused(status, "418", "Invalid paramiters");
    }
    for (name, content) in [
        ("page.html", b"<html>".to_vec()),
        ("program.exe", b"MZ\x90\0".to_vec()),
        ("half.jpg", specimen("id-front.jpg")[..3].to_vec()),
        ("video.mp4", video().to_vec()),
    ] {
        let part = Part::bytes(content).file_name(name);
        let form = Form::new()
            .text("type", "document_front")
            .part("document", part);
        let answer = api.multipart(&path, form).await;
        answer.refused(500, "500", "Invalid content_type");
    }
    let head = "--x\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ndocument_front\r\n--x\r\n\
                Content-Disposition: form-data; name=\"document\"; filename=\"a.jpg\"\r\n\r\n";
    let body = [head.as_bytes(), &specimen("id-front.jpg")].concat();
    let request = api.request(Method::POST, &path).body(body);
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x");
    api.send(request).await.refusal(400);
    assert_eq!(
        api.get(&case.path("pl_get_documents/")).await.ok(),
        json!([])
    );

    let filmed = api.new_videoid_request().await;
    let path = format!("/v1/upload/video/{}/", filmed.video_identifier);
    let documented =
        json!({ "title": "Upload Video Error", "description": "No video file provided" });
    let answer = api.multipart(&path, Form::new().text("other", "")).await;
    answer.refused_with(400, "400", "No video file provided", &documented);
    for body in ["", "{}", "video"] {
        let answer = send(&api, &Method::POST, &path, body).await;
        answer.refused_with(400, "400", "No video file provided", &documented);
    }
    assert_eq!(api.status(&filmed).await, "VIDEOPENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_cannot_be_read_changes_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_videoid_request().await;
    let before = seen(&api, &case).await;
    let with = |pointer: &str, value: Value| {
        let mut evidence = evidence();
        *evidence.pointer_mut(pointer).expect("a member") = value;
        evidence
    };
    let front = "/videoid_data/images/document_front";
    for wrong in [
        with(front, json!("no Base64!")),
        with(front, json!("QUJD=")),
        with(front, json!(7)),
        with(front, json!([])),
        with("/videoid_data/images", json!("image")),
        with("/videoid_data/ocr_data", json!(["Ana"])),
        with("/videoid_data/security_checks", json!("all")),
        with("/videoid_data/similarity_level", json!({ "level": "high" })),
        with("/videoid_data", json!("data")),
        with("/acceptance", json!("yes")),
        with("/acceptance", json!({ "ip": "1".repeat(1 << 20) })),
        with(
            "/videoid_data/ocr_data/given_name",
            json!("A".repeat(1 << 20)),
        ),
    ] {
        let answer = api.put_evidence(&case, &wrong).await;
        let told = answer.refusal(412);
        assert_eq!(
            (&told["code"], &told["error"]),
            (&json!("418"), &json!("Invalid paramiters")),
            "{answer}"
        );
        assert!(told["reason"].is_string(), "{answer}");
    }
    assert_eq!(seen(&api, &case).await, before);
    // Line breaks in Base64 are none of that.
    let mut broken = evidence();
    for image in [
        "document_front",
        "document_rear",
        "document_photo",
        "document_owner",
    ] {
        let image = &mut broken["videoid_data"]["images"][image];
        let bytes = image.as_str().expect("a text").as_bytes();
        let lines: Vec<_> = bytes.chunks(76).map(String::from_utf8_lossy).collect();
        *image = lines.join("\r\n").into();
    }
    api.put_evidence(&case, &broken).await.ok();
    let stored =
        api.record(&case).await["videoid_data"]["data"]["images"]["document_front"].clone();
    assert!(decoded(&stored) == specimen("id-front.jpg"));
    assert!(!text(&stored).contains('\n'));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_none_are_told_so_in_the_apis_form() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for path in [
        "/",
        "/nothing/",
        "/requests/1/nothing/",
        "/api/v2/requests/",
        "/v1/upload/",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = api.send(api.request(method, path)).await;
            assert_eq!(answer.refusal(404)["code"], "404", "{answer}");
        }
    }
    let case = api.new_videoid_request().await;
    for (method, path) in [
        (Method::PATCH, "/requests/".to_owned()),
        (Method::DELETE, case.path("")),
        (Method::POST, case.path("")),
        (Method::GET, case.path("cancel/")),
        (Method::POST, case.path("cancel/")),
        (Method::GET, case.path("pl_approve/")),
        (Method::POST, case.path("validate/")),
        (Method::GET, "/scratchcards/isused/".to_owned()),
        (Method::DELETE, format!("/videoid/{}", case.video_pk)),
        (Method::DELETE, "/users/1/".to_owned()),
        (Method::TRACE, "/requests/".to_owned()),
        (
            Method::from_bytes(b"BREW").expect("a method"),
            "/requests/".to_owned(),
        ),
    ] {
        let answer = api.send(api.request(method, &path)).await;
        let body = answer.refusal(405);
        assert_eq!(body["code"], "405", "{answer}");
        assert!(body["detail"].is_string(), "{answer}");
        assert!(!answer.header("allow").is_empty(), "{answer}");
    }
    assert_eq!(api.status(&case).await, "VIDEOPENDING");
    // A number that is none, and one that no request can have.
    for pk in ["x", "1x", "-1", "1.0", "%00", "１", "0x1f", "''", "null"] {
        let answer = api.get(&format!("/requests/{pk}/")).await;
        answer.refused(404, "400", "");
    }
    for pk in [
        "0",
        "987654321",
        "9223372036854775807",
        "99999999999999999999999999",
    ] {
        let answer = api.get(&format!("/requests/{pk}/")).await;
        answer.refused(404, "400", "No Request matches the given query.");
    }
    for name in [
        "x",
        "0",
        "6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5",
        "%00",
        "99999999999999999999999",
    ] {
        let answer = api.put(&format!("/videoid/{name}"), &evidence()).await;
        answer.refused(404, "400", "No VideoID matches the given query.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_before_it_is_read() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_classic_request().await;
    // Just over what a document may have, and just over what JSON may have.
    let mut large = specimen("id-front.jpg");
    large.resize((15 << 20) + 1, 0);
    let part = Part::bytes(large).file_name("large.jpg");
    let form = Form::new()
        .text("type", "document_front")
        .part("document", part);
    let answer = api.multipart(&case.path("pl_upload_document/"), form).await;
    answer.refusal(413);
    let padded = format!("{{\"given_name\": \"{}\"}}", "a".repeat(48 << 20));
    for (method, path) in [
        (Method::POST, "/requests/".to_owned()),
        (Method::PUT, case.path("")),
        (Method::POST, case.path("pl_approve/")),
    ] {
        let request = api.request(method, &path).body(Body::from(padded.clone()));
        match api.try_send(request).await {
            Ok(answer) => drop(answer.refusal(413)),
            // Who goes on sending after the answer may lose it with the connection.
            Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
        }
    }
    assert_eq!(
        api.get(&case.path("pl_get_documents/")).await.ok(),
        json!([])
    );
    // A text that no field holds.
    let long = json!({ "given_name": "a".repeat(100_000) });
    let answer = api.put(&case.path(""), &long).await;
    assert!(
        text(&answer.refusal(500)["error"]).contains("'given_name'"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_tried_a_few_times_only_and_secrets_keep_the_rule() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (case, _) = api.approved(CLOUD).await;
    let enrol = |body: Value| {
        let (api, path) = (&api, case.path("pl_cloud_enroll/"));
        async move { api.post(&path, &body).await }
    };
    let invalid = "Confirmation Code invalid";
    let status = json!({ "status": invalid });
    let early = enrol(json!({ "secret": "123456", "pin": PIN })).await;
    early.refused_with(403, "403", invalid, &status);
    api.post(&case.path("generate_otp/"), &json!({})).await.ok();
    let soon = api.post(&case.path("generate_otp/"), &json!({})).await;
    soon.refusal(412);
    let code = sandbox.code_for(case.pk).await;
    for pin in [
        "",
        "short1a",
        "onlyletters",
        "1234567890",
        "a2345678",
        &"a1b2".repeat(40),
    ] {
        let answer = enrol(json!({ "secret": code, "pin": pin })).await;
        answer.refused(412, "418", "Invalid paramiters");
    }
    let other = if code == "111111" { "222222" } else { "111111" };
    for _ in 0..5 {
        let answer = enrol(json!({ "secret": other, "pin": PIN })).await;
        answer.refused_with(403, "403", invalid, &status);
    }
    // The right one comes too late.
    let late = enrol(json!({ "secret": code, "pin": PIN })).await;
    late.refused_with(403, "403", invalid, &status);
    assert_eq!(api.status(&case).await, "ENROLLREADY");
    let own_card = merged(api.creation_of(&ANA), json!({ "scratchcard": case.sn }));
    let answer = api.post("/requests/", &own_card).await;
    answer.refused(500, "500", "Invalid ScratchCard");
}
