//! Videos that cannot be used.

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use testkit::run;

use super::{clients, untouched};
use crate::client::{OneShot, Pks, evidence, specimen, video};
use crate::harness::Sandbox;

/// What ffmpeg makes with these arguments, in this format.
fn film(format: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film");
    let mut all = vec!["-v", "error", "-y"];
    all.extend(arguments);
    let path_text = path.to_str().expect("a path in UTF-8");
    all.extend(["-f", format, path_text]);
    run("ffmpeg", all, b"").must_accept();
    std::fs::read(path).expect("ffmpeg wrote it")
}

/// Videos that are none, and a part of what must be said of each.
fn unusable() -> Vec<(&'static str, Bytes, &'static str)> {
    let good = video();
    let sound = film(
        "mp4",
        &["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"],
    );
    let avi = film(
        "avi",
        &["-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=5"],
    );
    let mut no_index = good.to_vec();
    let moov = no_index
        .windows(4)
        .position(|four| four == b"moov")
        .expect("an index");
    no_index[moov..moov + 4].copy_from_slice(b"free");
    vec![
        ("empty", Bytes::new(), "the video is empty"),
        (
            "text",
            "This is not a video.".into(),
            "the file looks like plain text",
        ),
        (
            "long text",
            "no video ".repeat(100_000).into(),
            "the file looks like plain text",
        ),
        (
            "a page",
            "<!doctype html><p>413".into(),
            "the file looks like an HTML page",
        ),
        (
            "a picture",
            specimen("selfie.jpg").into(),
            "the file looks like a JPEG image",
        ),
        (
            "a document",
            specimen("agreement.pdf").into(),
            "the file looks like a PDF document",
        ),
        (
            "noise",
            (0..50_000_u32)
                .map(|n| ((n * n) >> 3) as u8)
                .collect::<Vec<_>>()
                .into(),
            "the file looks like",
        ),
        ("sound", sound.into(), "no video track"),
        (
            "another container",
            avi.into(),
            "the file looks like an AVI video",
        ),
        ("half of it", good.slice(..good.len() / 2), ""),
        ("all but a byte", good.slice(..good.len() - 1), ""),
        ("the first 40 bytes", good.slice(..40), ""),
        ("no index", no_index.into(), ""),
    ]
}

#[tokio::test]
async fn an_unusable_video_is_an_error_from_which_a_good_one_recovers() {
    let sandbox = Sandbox::shared();
    let films = unusable();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (what, film, why) in &films {
            let answer = client.video(pks, film.clone()).await;
            let words = answer.refusal(415);
            assert!(
                words.starts_with("Unsupported file type: "),
                "{what}: {answer}"
            );
            assert!(words.contains(why), "{what}: {answer}");
            let record = client.record(pks).await;
            assert_eq!(record["status"], "VIDEOERROR", "{what}");
            assert_eq!(record["videoid"]["video_uploaded"], false, "{what}");
            let path = format!("/videoid/{}/video", pks.request);
            client.get(&path).await.refused(404, "Request not found");
        }
        client.video(pks, video()).await.success();
        assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
        is_stored(&client, pks).await;

        // A bad one after a good one takes nothing away.
        client.video(pks, "no video".into()).await.refusal(415);
        assert_eq!(client.status(pks).await, "VIDEOERROR");
        is_stored(&client, pks).await;
        assert!(
            client
                .evidences(pks, &evidence())
                .await
                .missing()
                .is_empty()
        );
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    }
}

async fn is_stored(client: &OneShot, pks: Pks) {
    let answer = client.get(&format!("/videoid/{}/video", pks.request)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.body == video(), "another video came back");
}

#[tokio::test]
async fn a_form_must_leave_no_doubt_about_the_video() {
    let sandbox = Sandbox::shared();
    let file = |name: &str| Part::stream(video()).file_name(name.to_owned());
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let path = client.video_path(pks);
        let none = "No video file provided";
        let forms = [
            (Form::new().text("video_name", "a.mp4"), none),
            (
                Form::new()
                    .part("front", file("a.mp4"))
                    .part("rear", file("b.mp4")),
                none,
            ),
            (
                Form::new()
                    .part("video", file("a.mp4"))
                    .part("video", file("b.mp4")),
                "More than one video file provided",
            ),
        ];
        for (form, words) in forms {
            untouched(&client, pks, client.post_form(&path, form))
                .await
                .refused(400, words);
        }
        let words = "Expected a multipart/form-data body with a boundary";
        untouched(
            &client,
            pks,
            client.post(&path, &json!({ "video": "aGVsbG8=" })),
        )
        .await
        .refused(400, words);
        let raw = client.request(reqwest::Method::POST, &path).body(video());
        untouched(&client, pks, client.send(raw))
            .await
            .refused(400, words);
        let raw = client
            .request(reqwest::Method::POST, &path)
            .header("content-type", "video/mp4");
        untouched(&client, pks, client.send(raw.body(video())))
            .await
            .refused(400, words);

        // One file under another name is the video all the same.
        let form = Form::new()
            .text("comment", "a film")
            .part("file", file("a.mp4"));
        client.post_form(&path, form).await.success();
        is_stored(&client, pks).await;
    }
}
