//! The same call in both dialects, under every form of its path.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::house::{House, LEGACY, NEW};

fn new_error(text: &str) -> Value {
    json!({ "status": "error", "message": text, "detail": text, "details": text })
}

#[tokio::test]
async fn every_form_of_a_path_is_served_directly() {
    let house = House::build().await;
    for path in ["/hello", "/hello/"] {
        for prefix in [NEW, "/oneshot/api/v1/api/v1"] {
            let answer = house.get(&format!("{prefix}{path}")).await;
            assert_eq!(answer.status, 200, "{prefix}{path}");
            assert_eq!(
                answer.json(),
                json!({ "status": "success", "message": "Hello" })
            );
        }
        let answer = house.get(&format!("{LEGACY}{path}")).await;
        assert_eq!(
            answer.json(),
            json!({ "status": "200 OK", "details": "Hello" })
        );
    }
}

#[tokio::test]
async fn an_unknown_number_has_the_words_of_each_endpoint() {
    let house = House::build().await;
    let uid = "11111111-1111-4111-8111-111111111111";
    let document = format!("/document/{{}}/signed/{uid}");
    let either = format!("/document/{{}}/{uid}");
    let calls: [(Method, &str, &str); 20] = [
        (Method::POST, "/videoid/{}/evidences", "Request not found"),
        (Method::POST, "/videoid/{}/video", "Request not found"),
        (
            Method::POST,
            "/videoid/{}/evidences/video",
            "Request not found",
        ),
        (Method::GET, "/videoid/{}/video", "Request not found"),
        (
            Method::GET,
            "/videoid/{}/download/video",
            "Request not found",
        ),
        (Method::GET, "/download/video/{}", "Request not found"),
        (Method::POST, "/videoid/{}/approve", "Request not found"),
        (Method::POST, "/request/{}/approve", "Request not found"),
        (Method::POST, "/requests/{}/approve", "Request not found"),
        (Method::POST, "/videoid/{}/validate", "Request not found"),
        (Method::POST, "/videoid/{}/refuse", "Request not found"),
        (
            Method::GET,
            "/request/{}",
            "Request not found. Make sure the upload directory is correct.",
        ),
        (Method::PUT, "/request/{}", "Request not found"),
        (Method::DELETE, "/request/{}", "Request {} not found"),
        (
            Method::POST,
            "/document/{}",
            "Cannot upload document: Request {} not found on disk",
        ),
        (Method::GET, &document, "Request {} not found"),
        (Method::GET, &either, "Request {} not found"),
        (Method::GET, "/contract/{}", "Request {} not found"),
        (
            Method::POST,
            "/otp/{}",
            "Request {} not found. Cannot send OTP secret",
        ),
        (
            Method::POST,
            "/sign/{}",
            "Request {} not found. Cannot sign documents",
        ),
    ];
    // Complete for every one of the calls; members that are not one's own are ignored.
    let body = json!({
        "acceptance": { "ip": "192.0.2.1" }, "reason": "r", "secret": "123456",
        "username": "officer", "password": "correct horse", "pin": "123456",
    });
    for (method, path, words) in calls {
        for pk in ["999999", "abc", "9999999999999999999999", "-1", "%00"] {
            let shown = if pk == "%00" { "" } else { pk };
            let words = words.replace("{}", shown);
            let path = path.replace("{}", pk);
            // An update with evidence in it is an upload of evidence.
            let body = if method == Method::PUT {
                json!({})
            } else {
                body.clone()
            };
            let send = async |prefix: &str| {
                let path = format!("{prefix}{path}/");
                house.call(method.clone(), &path, body.to_string()).await
            };
            let answer = send(NEW).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()),
                (404, new_error(&words)),
                "{method} {path}"
            );
            let answer = send(LEGACY).await;
            assert_eq!(
                answer.json(),
                json!({ "status": "404 Not Found", "details": words }),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn creation_in_both_dialects() {
    let house = House::build().await;
    let body = json!({
        "mobile_phone_number": "+34600000000", "email": "ana@example.com",
        "registration_authority": house.authority.parse::<i64>().unwrap(), "profile": "PFnubeNC",
        "videoid_mode": 1, "anything": [],
    });
    let created = house
        .post(&format!("{NEW}/videoid/"), body.clone())
        .await
        .json();
    let videoid = created["detail"]["videoid_pk"].as_i64().unwrap();
    let request = created["detail"]["request_pk"].as_i64().unwrap();
    assert_ne!(videoid, request);
    let numbers = json!({ "videoid_pk": videoid, "videoid_link": "", "request_pk": request });
    let message = format!("VideoID created with pk {videoid}");
    assert_eq!(
        created,
        json!({
            "status": "success", "messsage": message, "message": message,
            "detail": numbers, "details": numbers,
        })
    );
    let created = house.post(&format!("{LEGACY}/videoid"), body).await.json();
    assert_eq!(created["status"], "200 OK");
    assert!(created["details"]["request_pk"].is_i64());
    assert_eq!(created.as_object().unwrap().len(), 2);

    // Either number, in either dialect, and every documented key.
    for (prefix, key) in [(NEW, "detail"), (LEGACY, "details")] {
        for pk in [videoid, request] {
            let record = house.get(&format!("{prefix}/request/{pk}")).await.json()[key].clone();
            assert_eq!(record["pk"], request);
            assert_eq!(record["status"], "VIDEOPENDING");
            assert_eq!(record["videoid"]["videoid_pk"], videoid);
            assert_eq!(record["certificate_set"], json!([]));
            for unknown in [
                "given_name",
                "birth_date",
                "approving_rao",
                "registering_user",
            ] {
                assert_eq!(record.get(unknown), Some(&Value::Null), "{unknown}");
            }
        }
    }
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let house = House::build().await;
    let text = async |body: Value| {
        let answer = house.post(&format!("{LEGACY}/videoid"), body).await;
        assert_eq!(answer.status, 400);
        answer.json()["details"].as_str().unwrap().to_owned()
    };
    let nothing = text(json!({})).await;
    for name in ["mobile_phone_number", "email"] {
        assert!(
            nothing.starts_with("Missing required parameters: ") && nothing.contains(name),
            "{nothing}"
        );
    }
    let wrong = text(json!({ "mobile_phone_number": "600", "email": "x", "registration_authority": 1, "profile": "PFnubeNC", "env": "prod" })).await;
    assert_eq!(
        wrong,
        "Please use the mobile phone number with an international prefix; Enter a valid email address"
    );
    let kinds = text(json!({ "email": {}, "profile": [] })).await;
    assert_eq!(
        kinds,
        "Missing required parameters: mobile_phone_number; email: must be a text; profile: must be a text"
    );
}

#[tokio::test]
async fn what_is_missing_after_an_upload_is_told() {
    let house = House::build().await;
    let (_, videoid) = house.create().await;
    let body = json!({ "acceptance": { "ip": "192.0.2.1" } });
    let answer = house
        .post(&format!("{NEW}/videoid/{videoid}/evidences"), body.clone())
        .await;
    let answer = answer.json();
    assert_eq!(answer["message"], "Videoid evidences uploaded");
    assert_eq!(answer["detail"]["status"], "VIDEOINCOMPLETE");
    let missing = answer["detail"]["missing"].as_array().unwrap();
    assert!(missing.contains(&json!("video")) && missing.contains(&json!("document_front")));
    assert!(!missing.contains(&json!("acceptance")));

    // The same by the older method and in the older dialect.
    let path = format!("{LEGACY}/videoid/{videoid}");
    let answer = house
        .call(Method::PUT, &path, body.to_string())
        .await
        .json();
    assert_eq!(answer["details"], "Videoid evidences uploaded");
    assert!(
        answer["missing"]
            .as_array()
            .unwrap()
            .contains(&json!("video"))
    );
}

#[tokio::test]
async fn refusals_of_the_officer() {
    let house = House::build().await;
    let (request, videoid) = house.create().await;
    let path = format!("{NEW}/videoid/{videoid}/approve");
    let credentials = json!({ "username": "officer", "password": "correct horse", "pin": 123_456 });
    let text = async |path: &str, body: Value| {
        let answer = house.post(path, body).await;
        (
            answer.status.as_u16(),
            answer.json()["message"].as_str().unwrap().to_owned(),
        )
    };
    let incomplete = "Missing required parameters: incomplete RAO's credentials";
    assert_eq!(text(&path, json!({})).await, (400, incomplete.into()));
    assert_eq!(
        text(&path, json!({ "username": "officer" })).await,
        (400, incomplete.into())
    );
    assert_eq!(
        text(&path, json!({ "token": "nope" })).await,
        (404, "Token not found".into())
    );
    let mut wrong = credentials.clone();
    wrong["pin"] = "000000".into();
    let complete = text(&path, wrong).await;
    assert!([403, 412].contains(&complete.0), "{complete:?}");
    assert_eq!(
        text(&path, credentials.clone()).await,
        (412, "Invalid request status".into())
    );

    let path = format!("{NEW}/videoid/{request}/refuse");
    let mut blank = credentials;
    blank["reason"] = "  ".into();
    assert_eq!(
        text(&path, blank).await,
        (400, "No reason specified".into())
    );
    let answer = house
        .post(&path, json!({ "token": "x", "reason": "r" }))
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn tokens_keep_their_words_and_their_secrets() {
    let house = House::build().await;
    let body = json!({ "username": "officer", "pin": "123456", "env": "sandbox" });
    let created = house
        .post(&format!("{NEW}/token"), body.clone())
        .await
        .json();
    assert_eq!(created["message"], "Token created");
    let uid = created["details"]["token_uid"].as_str().unwrap().to_owned();
    let stored = json!({ "username": "officer", "password": false, "pin": true });
    assert_eq!(
        house.get(&format!("{NEW}/token/{uid}")).await.json()["detail"],
        stored
    );
    assert_eq!(
        house.get(&format!("{LEGACY}/tokens")).await.json()["details"],
        json!({ uid.clone(): stored })
    );

    let again = house.post(&format!("{LEGACY}/token"), body).await;
    assert_eq!(
        again.json()["details"],
        "A token with these credentials already exist!"
    );
    let nobody = house
        .post(
            &format!("{LEGACY}/token"),
            json!({ "username": "x", "env": "prod" }),
        )
        .await;
    assert_eq!(
        nobody.json(),
        json!({
            "status": "404 Not Found",
            "details": "Error getting RAO's id. Make sure the credentials are correct.",
        })
    );
    let path = format!("{LEGACY}/token/{uid}");
    assert_eq!(
        house
            .call(Method::DELETE, &path, Body::empty())
            .await
            .json()["details"],
        "Token deleted successfully"
    );
    assert_eq!(
        house
            .call(Method::DELETE, &path, Body::empty())
            .await
            .json()["details"],
        "Token not found"
    );
    assert_eq!(
        house.get(&path).await.json()["details"],
        format!("Token {uid} not found")
    );
    let nameless = house.get(&format!("{LEGACY}/token/")).await;
    assert_eq!(
        nameless.json()["details"],
        "Missing required parameter: no token uid specified"
    );
}

#[tokio::test]
async fn settings_are_masked_and_guarded() {
    let digest = crypto::sha256;
    let house = House::build_with(|config| {
        config.keys = http_doors::Keys::new(digest, Vec::new(), Some(digest(b"admin")));
    })
    .await;
    let path = format!("{LEGACY}/settings");
    let patch = json!({ "billing": { "billing_password": "c2VjcmV0" } });
    assert_eq!(house.post(&path, patch.clone()).await.status, 403);
    let request = axum::http::Request::post(&path)
        .header("x-api-key", "admin")
        .body(Body::from(patch.to_string()))
        .unwrap();
    let saved = house.send(request).await;
    assert_eq!(
        saved.json(),
        json!({ "status": "200 OK", "details": "Settings saved successfully" })
    );
    let settings = house.get(&path).await;
    assert!(!String::from_utf8_lossy(&settings.content).contains("c2VjcmV0"));
    assert_eq!(
        settings.json()["details"]["billing"]["billing_password"],
        "********"
    );
}
