//! Who may call the Registration Authority API, and what everybody else is told.

use axum::body::Body;
use axum::http::{HeaderName, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_doors::ForwardedCertificate;
use model::authority::Permissions;
use serde_json::{Value, json};

use crate::house::{FORM, form};
use crate::log::Lines;
use crate::office::Office;

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// Method and path of everything that the OpenAPI document describes.
async fn operations(office: &Office) -> Vec<(Method, String, Value)> {
    let document = office.get("/openapi.json").await.json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let concrete = path.replace("{id}", "7").replace(['{', '}'], "");
            operations.push((method, concrete, operation.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn nobody_passes_without_a_certificate() {
    let office = Office::open_with(|config| config.enrolment_by_api = true).await;
    let mut count = 0;
    for (method, path, _) in operations(&office).await {
        let request = Request::builder().method(&method).uri(&path);
        let request = request.body(Body::from("{ broken")).unwrap();
        let answer = office.send_from("192.0.2.1", None, request).await;
        let body = answer.json();
        assert_eq!(answer.status, 401, "{method} {path} {body}");
        assert_eq!(body["code"], "401");
        assert_eq!(body["detail"], body["error"]);
        assert_eq!(body["id"].as_str().unwrap().len(), 16);
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[tokio::test]
async fn every_described_operation_is_served_in_both_forms_and_answers_as_described() {
    let office = Office::open_with(|config| config.enrolment_by_api = true).await;
    for (method, path, operation) in operations(&office).await {
        let (plain, slashed) = (path.trim_end_matches('/'), format!("{path}/"));
        for path in [plain, slashed.as_str()] {
            let answer = office.call(method.clone(), path, Body::empty()).await;
            let text = String::from_utf8_lossy(&answer.content);
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!text.contains("No such endpoint"), "{method} {path}");
            assert!(!text.contains("Internal server error"), "{method} {path}");
            let status = answer.status.as_str();
            let described = operation["responses"].get(status).is_some();
            assert!(described, "{method} {path} {status} {text}");
        }
    }
}

#[tokio::test]
async fn aliases_reach_the_same_endpoints() {
    let office = Office::open().await;
    for (method, path) in [
        (Method::PUT, "/api/v1/videoid/7/evidences"),
        (Method::POST, "/api/v1/videoid/7/evidences/"),
        (Method::PUT, "/api/v1/upload/data/7/"),
        (Method::POST, "/api/v1/videoid/7"),
        (Method::POST, "/api/v1/upload/video/7/"),
        (Method::POST, "/v1/upload/video/7"),
        (Method::POST, "/api/v1/videoid/7/evidences/video"),
        (Method::POST, "/api/v1/videoid/7/video"),
        (Method::GET, "/v1/download/video/7/"),
        (Method::GET, "/api/v1/requests/7/preauthlink/"),
        (Method::PUT, "/api/v1/requests/7/upload_videoid_evidence"),
    ] {
        let answer = office.call(method.clone(), path, Body::empty()).await;
        let text = String::from_utf8_lossy(&answer.content);
        assert!(
            answer.status != 405 && !text.contains("No such endpoint"),
            "{method} {path} {text}"
        );
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_in_the_apis_form() {
    let office = Office::open().await;
    for (method, path, status, error) in [
        (Method::GET, "/api/v1/nothing/", 404, "No such endpoint"),
        (
            Method::GET,
            "/oneshot/api/v1/hello",
            404,
            "No such endpoint",
        ),
        (
            Method::PATCH,
            "/api/v1/requests/",
            405,
            "Method PATCH not allowed here",
        ),
        // Off unless switched on.
        (
            Method::POST,
            "/api/v1/requests/7/pl_cloud_enroll/",
            404,
            "No such endpoint",
        ),
        (
            Method::POST,
            "/api/v1/requests/cloud_renew/",
            405,
            "Method POST not allowed here",
        ),
    ] {
        let answer = office.call(method, path, Body::empty()).await;
        let mut body = answer.json();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let id = body.as_object_mut().unwrap().remove("id").unwrap();
        assert!(
            answer
                .header("x-request-id")
                .starts_with(id.as_str().unwrap())
        );
        let code = status.to_string();
        assert_eq!(
            body,
            json!({ "detail": error, "error": error, "code": code })
        );
    }
}

#[tokio::test]
async fn a_forwarded_certificate_counts_from_the_proxy_alone() {
    let office = Office::open_with(|config| {
        config.forwarded = Some(ForwardedCertificate {
            header: CLIENT_CERT,
            from: vec!["10.0.0.0/8".parse().unwrap()],
        });
    })
    .await;
    let header = format!(":{}:", STANDARD.encode(&office.certificate));
    let ask = async |address: &str, own: Option<&[u8]>, header: Option<&str>| {
        let mut request = Request::get("/api/v1/requests/");
        if let Some(header) = header {
            request = request.header(CLIENT_CERT, header);
        }
        let request = request.body(Body::empty()).unwrap();
        office
            .send_from(address, own, request)
            .await
            .status
            .as_u16()
    };
    let own = Some(office.certificate.as_slice());
    assert_eq!(ask("10.0.0.1", None, Some(&header)).await, 200);
    assert_eq!(
        ask("192.0.2.1", None, Some(&header)).await,
        401,
        "a stranger's header"
    );
    assert_eq!(
        ask("192.0.2.1", own, Some("garbage")).await,
        200,
        "not looked at"
    );
    assert_eq!(
        ask("10.0.0.1", own, None).await,
        401,
        "the proxy's own certificate"
    );
    assert_eq!(ask("10.0.0.1", own, Some("garbage")).await, 401);
    assert_eq!(
        ask("10.0.0.1", None, Some(":MAA=:")).await,
        401,
        "no certificate inside"
    );
}

#[tokio::test]
async fn permissions_that_lack_are_told_in_the_form_of_the_call() {
    let office = Office::open().await;
    let reader = office.issue(Permissions::ReadOnly).await;
    let pk = office.create(json!({})).await["pk"].as_i64().unwrap();
    let ask = async |method: Method, path: String, body: Value| {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = office.send_from("192.0.2.1", Some(&reader), request).await;
        (answer.status.as_u16(), answer.json())
    };
    let words = "You do not have permission to perform this action.";
    let (status, body) = ask(
        Method::PUT,
        format!("/api/v1/requests/{pk}/"),
        json!({ "given_name": "Eva" }),
    )
    .await;
    assert_eq!(
        (status, &body["code"], &body["error"]),
        (500, &json!("500"), &json!(words))
    );
    let (status, body) = ask(
        Method::POST,
        format!("/api/v1/requests/{pk}/preauthlink/"),
        json!({}),
    )
    .await;
    assert_eq!((status, &body["detail"]), (403, &json!(words)));
    let (status, body) = ask(
        Method::POST,
        "/api/v1/scratchcards/move/".into(),
        json!({ "from_ra": 1, "to_ra": 1, "amount": 1 }),
    )
    .await;
    assert_eq!(
        (status, &body["moved"], &body["details"]),
        (403, &json!(0), &json!("Permission Denied"))
    );
    let (status, _) = ask(Method::GET, format!("/api/v1/requests/{pk}/"), json!({})).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn clients_mistakes_get_a_fitting_status_where_the_operator_wants_it() {
    let office = Office::open_with(|config| config.strict_http = true).await;
    let body = json!({
        "profile": "PFnubeAFCiudadano", "scratchcard": "0",
        "registration_authority": office.authority, "email": "ana@example.org",
    });
    let answer = office.post("/api/v1/requests/", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["code"], "500");
    assert_eq!(answer.json()["error"], "Invalid ScratchCard");
}

#[tokio::test]
async fn a_video_without_a_certificate_says_no_more_than_that() {
    let office = Office::open().await;
    for name in ["7", "6f0c1d2e3a4b4c5d8e6f708192a3b4c5"] {
        let request = Request::post(format!("/v1/upload/video/{name}/"))
            .header("content-type", FORM)
            .body(Body::from(form(&[(
                "name=\"video\"; filename=\"v.mp4\"",
                "x",
            )])))
            .unwrap();
        let answer = office.send_from("192.0.2.1", None, request).await;
        assert_eq!(answer.status, 401, "{}", answer.json());
        assert_eq!(answer.json()["title"], "Upload Video Error");
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn collect(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    references.push(reference.clone());
                }
                members.values().for_each(|one| collect(one, references));
            }
            Value::Array(items) => items.iter().for_each(|one| collect(one, references)),
            _ => {}
        }
    }
    let office = Office::open().await;
    let document = office.get("/openapi.json").await.json();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    assert_eq!(office.get("/docs/").await.status, 200);
    assert_eq!(
        document["components"]["securitySchemes"]["client_certificate"]["type"],
        "mutualTLS"
    );
}

#[tokio::test]
async fn the_log_finds_a_failure_by_its_id_and_tells_no_secret() {
    let office = Office::open().await;
    let created = office.create(json!({ "videoid_mode": 1 })).await;
    let (lines, guard) = Lines::capture();
    let approve = format!(
        "/api/v1/requests/{}/pl_approve/?email=fromquery",
        created["pk"]
    );
    let credentials = json!({
        "username": "officer", "password": "correct horse", "pin": "987654", "rao_id": 1,
    });
    let refused = office.post(&approve, credentials).await.json();
    let identifier = created["videoid_data"]["video_identifier"]
        .as_str()
        .unwrap();
    office
        .get(&format!("/api/v1/download/video/{identifier}/"))
        .await;
    let body = json!({
        "profile": "PFnubeAFCiudadano", "scratchcard": "0",
        "registration_authority": office.authority, "email": "eva@example.org",
    });
    assert_eq!(office.post("/api/v1/requests/", body).await.status, 500);
    drop(guard);

    let log = lines.text();
    let id = refused["id"].as_str().unwrap();
    assert!(log.contains(&format!("\"failure\":\"{id}\"")), "{log}");
    assert!(log.contains("\"clients_mistake\":true"), "{log}");
    assert!(
        !log.contains("ERROR"),
        "a client's mistake is not ours: {log}"
    );
    for private in [
        "fromquery",
        "correct horse",
        "987654",
        "eva@example",
        identifier,
    ] {
        assert!(!log.contains(private), "{private} in {log}");
    }
}
