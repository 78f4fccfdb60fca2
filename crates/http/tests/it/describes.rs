//! The OpenAPI document and the page that shows it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Method;
use http_doors::Product;
use serde_json::Value;

use crate::house::House;

#[tokio::test]
async fn every_described_operation_is_served() {
    let house = House::build().await;
    let document = house.get("/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let concrete = path.replace("{copy}", "signed").replace(['{', '}'], "");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = house.call(method.clone(), &concrete, Body::empty()).await;
            assert!(
                answer.status != 405 && answer.status.as_u16() < 500,
                "{method} {path}"
            );
            let text = String::from_utf8_lossy(&answer.content);
            assert!(!text.contains("No such endpoint"), "{method} {path}");
            let status = answer.status.as_str();
            assert!(
                operation["responses"].get(status).is_some(),
                "{method} {path} {status}"
            );
        }
    }
    assert!(ids.len() > 55, "{}", ids.len());
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let house = House::build().await;
    let document = house.get("/openapi.json").await.json();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.contains("#/components/schemas/Error"));
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            members
                .values()
                .for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_loads_only_what_the_server_has() {
    let house = House::build().await;
    let page = house.get("/docs/").await;
    let html = String::from_utf8(page.content.clone()).unwrap();
    assert!(!html.contains("http:") && !html.contains("https:"));
    assert!(!page.header("content-security-policy").contains("http"));
    let links = html
        .split(['"', '\''])
        .filter(|text| text.starts_with("/docs/") || text.ends_with(".json"));
    let links: BTreeSet<_> = links.collect();
    assert_eq!(links.len(), 4, "{links:?}");
    for link in links {
        assert_eq!(house.get(link).await.status, 200, "{link}");
    }
    assert_eq!(
        house
            .get("/docs/rapidoc.js")
            .await
            .header("content-encoding"),
        "gzip"
    );
    let root = house.get("/").await;
    assert_eq!(root.header("location"), "/docs");
}

#[test]
fn the_committed_descriptions_are_true() {
    let product = Product {
        name: "avouch",
        version: env!("CARGO_PKG_VERSION"),
    };
    for (name, document) in [
        ("openapi.json", http_doors::openapi(&product, None)),
        (
            "openapi-registration-authority.json",
            http_doors::registration_openapi(&product, None),
        ),
    ] {
        let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = document.to_pretty_json().unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, text).unwrap();
        } else {
            assert!(
                std::fs::read_to_string(path).unwrap() == text,
                "run this test with UPDATE_DOCS=1 and commit docs/{name}"
            );
        }
    }
}
