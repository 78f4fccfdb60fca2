//! Every path under which a call is served: prefixes, strays and aliases.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::client::{DIALECTS, Dialect, Pks, evidence, specimen, video};
use crate::harness::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn the_doubled_prefix_and_the_stray_paths_are_served_without_redirects() {
    let sandbox = Sandbox::shared();
    let new = sandbox.client(Dialect::New);
    let doubled = new.clone().at(&format!("{}/api/v1", new.base));
    for client in [doubled.clone(), doubled.with_slash()] {
        client.get("/hello").await.said("Hello");
        let pks = client.create().await;
        client.evidences(pks, &evidence()).await.payload();
        assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
        client.video(pks, video()).await.payload();
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
        client.agreement(pks).await;
    }

    let legacy = sandbox.client(Dialect::Legacy);
    let base = sandbox.description()["base_url"]
        .as_str()
        .unwrap()
        .to_owned();
    for stray in [
        legacy.clone().at(&base),
        legacy.clone().with_slash().at(&base),
    ] {
        let pks = legacy.create().await;
        let part = Part::stream(video()).file_name("v.mp4");
        let path = format!("/v1/upload/video/{}", pks.request);
        let answer = stray
            .post_form(&path, Form::new().part("video", part))
            .await;
        assert_eq!(answer.json()["details"], "Videoid video upload completed");
        let got = stray
            .get(&format!("/v1/download/video/{}", pks.videoid))
            .await;
        assert_eq!((got.status, got.body == video()), (200, true));
        let unknown = stray
            .get("/v1/download/video/0123456789abcdef0123456789abcdef")
            .await;
        unknown.refused(404, "Request not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alias_does_what_its_primary_path_does() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let Pks { request, videoid } = pks;
        // Some clients send evidence as an update.
        let answer = client
            .put(&format!("/videoid/{videoid}"), &evidence())
            .await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
        let part = Part::stream(video()).file_name("v.mp4");
        let path = format!("/videoid/{videoid}/evidences/video");
        client
            .post_form(&path, Form::new().part("video", part))
            .await
            .payload();
        for path in [
            format!("/videoid/{request}/video"),
            format!("/videoid/{request}/download/video"),
            format!("/download/video/{videoid}"),
        ] {
            let got = client.get(&path).await;
            assert_eq!((got.status, got.body == video()), (200, true), "{path}");
        }
        let path = format!("/videoid/{videoid}");
        let update = client.put(&path, &json!({ "given_name": "Eva" })).await;
        assert_eq!(update.status, 200, "{update}");
        assert_eq!(client.record(pks).await["given_name"], "Eva");

        let part = || Part::bytes(specimen("terms.pdf")).file_name("terms.pdf");
        let path = format!("/documents/{request}");
        client
            .post_form(&path, Form::new().part("file", part()))
            .await
            .payload();
        let path = format!("/requests/{videoid}/approve");
        client
            .post(&path, &client.token())
            .await
            .said("Request approved successfully");
        let [one, other] = [
            client.get(&format!("/contract/{videoid}")).await.pdf(),
            client
                .get(&format!("/document/{request}/contract"))
                .await
                .pdf(),
        ];
        assert!(one == other);
        client
            .delete(&format!("/requests/{request}/cancel"))
            .await
            .said("Request directory removed successfully");
        assert_eq!(client.status(pks).await, "CANCELLED");
    }
}
