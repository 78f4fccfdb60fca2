//! Signing with a key in the cloud, as far as it goes without a key.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use crate::house::{FORM, House, form};

#[tokio::test]
async fn a_code_is_sent_to_holders_alone() {
    let house = House::build().await;
    let nobody = json!({ "username": "7000001", "password": "aB3:d,9_" });
    let refused = house.post("/cloud/v1/code", nobody).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(!String::from_utf8_lossy(&refused.content).contains("aB3"));

    let lacking = house
        .post("/cloud/v1/code/", json!({ "username": " " }))
        .await;
    assert_eq!(lacking.status, 422);
    assert_eq!(
        lacking.json()["detail"],
        "username is missing; password is missing"
    );
    let broken = house.call(Method::POST, "/cloud/v1/code", "{").await;
    assert_eq!(broken.status, 400);
    let endless = house
        .post("/cloud/v1/code", json!({ "username": "x".repeat(5000) }))
        .await;
    assert_eq!(endless.status, 413);
}

#[tokio::test]
async fn every_part_of_a_signature_is_needed() {
    let house = House::build().await;
    let parts = [
        ("name=\"username\"", "7000001"),
        ("name=\"password\"", "aB3:d,9_"),
        ("name=\"pin\"", "ab12cd34"),
        ("name=\"otp\"", "123456"),
        ("name=\"file\"; filename=\"a.pdf\"", "%PDF-1.7"),
    ];
    let whole = house.post_form("/cloud/v1/sign", FORM, form(&parts)).await;
    assert_eq!(whole.status, 403, "{}", whole.json());
    for absent in 0..parts.len() {
        let mut fewer = parts.to_vec();
        let (name, _) = fewer.remove(absent);
        let answer = house.post_form("/cloud/v1/sign", FORM, form(&fewer)).await;
        assert_eq!(answer.status, 422, "without {name}");
        let missing = name.split('"').nth(1).unwrap();
        assert_eq!(answer.json()["detail"], format!("{missing} is missing"));
    }
    let json = house
        .call(Method::POST, "/cloud/v1/sign", Body::from("{}"))
        .await;
    assert_eq!(json.status, 400);
}
