//! The description of the API: served as committed, without a client certificate, and sound.

use std::fs;

use serde_json::{Value, json};
use testkit::{run, workspace_root};

use super::client::Api;
use crate::harness::Sandbox;

#[tokio::test]
async fn whoever_reaches_the_listener_may_read_how_it_is_used() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for reader in [api.clone(), api.without_identity()] {
        let mut served = reader.beside("/openapi.json").await.ok();
        assert_eq!(served["servers"], json!([{ "url": reader.base }]));
        let committed = workspace_root().join("docs/openapi-registration-authority.json");
        let committed = fs::read(committed).expect("it is committed");
        let mut committed: Value = serde_json::from_slice(&committed).expect("JSON");
        for document in [&mut served, &mut committed] {
            let members = document.as_object_mut().expect("an object");
            members.remove("servers");
        }
        assert!(
            served == committed,
            "docs/openapi-registration-authority.json is stale: run `make openapi`"
        );

        let home = reader.beside("/").await;
        assert_eq!((home.status, home.header("location")), (307, "/docs"));
        let page = reader.beside("/docs").await;
        assert_eq!(page.status, 200, "{page}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let html = String::from_utf8(page.body.to_vec()).expect("text");
        let links = html.split(['"', '\'']).filter(|part| part.starts_with('/'));
        let links: Vec<_> = links.collect();
        assert!(links.len() >= 3, "script, style and document: {html}");
        for link in links {
            let part = reader.beside(link).await;
            assert_eq!(part.status, 200, "{part}");
            assert!(!part.body.is_empty(), "{link}");
        }
        assert!(!html.contains("://"), "it loads from elsewhere: {html}");
    }
}

#[test]
fn both_descriptions_are_sound_openapi() {
    for name in ["openapi.json", "openapi-registration-authority.json"] {
        let document = workspace_root().join("docs").join(name);
        run("openapi-spec-validator", [document], b"").must_accept();
    }
}
