//! What every request passes through.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use crate::house::{House, LEGACY, NEW};
use crate::log::Lines;

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_the_form_of_their_door() {
    let house = House::build().await;
    // The list of requests is one of the calls that never came back.
    for path in ["/nothing", "/requests", "/async/status"] {
        let answer = house.post(&format!("{NEW}{path}"), json!({})).await;
        assert_eq!(answer.json()["message"], "No such endpoint", "{path}");
        assert_eq!(answer.status, 404);
        let answer = house.get(&format!("{LEGACY}{path}/")).await;
        assert_eq!(
            answer.json(),
            json!({ "status": "404 Not Found", "details": "No such endpoint" })
        );
    }
    let answer = house
        .call(Method::PATCH, &format!("{LEGACY}/hello"), Body::empty())
        .await;
    assert_eq!(
        answer.json(),
        json!({ "status": "405 Method Not Allowed", "details": "Method PATCH not allowed here" })
    );
    assert_eq!(answer.header("allow"), "GET,HEAD");

    for (path, status) in [("/nothing", 404), ("/tsa", 405)] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["status"], status);
    }
}

#[tokio::test]
async fn request_ids_and_security_headers_are_in_every_answer() {
    let house = House::build().await;
    for path in ["/oneshot/api/v1/hello", "/nothing", "/docs", "/health"] {
        let request = Request::get(path)
            .header("x-request-id", "abc-1")
            .body(Body::empty());
        let answer = house.send(request.unwrap()).await;
        assert_eq!(answer.header("x-request-id"), "abc-1");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
    let (one, two) = (house.get("/health").await, house.get("/health").await);
    assert_eq!(one.header("x-request-id").len(), 32);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.json()["database"], "SQLite");
}

#[tokio::test]
async fn keys_guard_the_one_shot_doors_and_no_others() {
    let digest = crypto::sha256;
    let house = House::build_with(|config| {
        config.keys = http_doors::Keys::new(digest, vec![digest(b"k1")], None);
    })
    .await;
    for path in [
        "/oneshot/api/v1/hello",
        "/api/v1/hello/",
        "/v1/download/video/1",
    ] {
        let refused = house.get(path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        let request = Request::get(path)
            .header("authorization", "Bearer k1")
            .body(Body::empty());
        assert_ne!(house.send(request.unwrap()).await.status, 401, "{path}");
    }
    assert_eq!(house.get("/health").await.status, 200);
    assert_eq!(house.get("/pki/root.crt").await.status, 200);
}

#[tokio::test]
async fn overload_is_told() {
    let house = House::build_with(|config| config.max_in_flight = 0).await;
    let answer = house.get("/api/v1/hello").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["status"], "503 Service Unavailable");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn the_log_names_the_route_and_nobody() {
    let house = House::build().await;
    let (lines, guard) = Lines::capture();
    let (_, pk) = house.create().await;
    lines.listen();
    let path = format!("{NEW}/videoid/{pk}/approve?secret=fromquery");
    let body = json!({ "username": "officer", "password": "correct horse", "pin": "987654" });
    house.post(&path, body).await;
    house.get(&format!("{NEW}/nothing/Ejemplo")).await;
    drop(guard);

    let log = lines.text();
    assert!(
        log.contains("\"route\":\"/oneshot/api/v1/videoid/{pk}/approve\""),
        "{log}"
    );
    assert!(
        log.contains(&format!("\"pk\":{pk}")) && log.contains("request_id"),
        "{log}"
    );
    for private in [
        "fromquery",
        "correct horse",
        "987654",
        "600000000",
        "ana@example",
        "Ejemplo",
    ] {
        assert!(!log.contains(private), "{private} in {log}");
    }
}
