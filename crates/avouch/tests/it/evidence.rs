//! Bringing evidence: in any order, piece by piece, wrong and then right, and getting the video
//! back.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{
    ANA, Answer, DIALECTS, Dialect, OneShot, Pks, evidence, evidence_of, specimen, video,
};
use crate::harness::{Options, Sandbox};

/// A film in another container, from the tests of the prober.
fn film(name: &str) -> Bytes {
    let path = testkit::workspace_root()
        .join("crates/evidence/tests/media")
        .join(name);
    fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into()
}

async fn download(client: &OneShot, pks: Pks, headers: &[(&str, &str)]) -> Answer {
    let request = client.request(
        Method::GET,
        &format!("/videoid/{}/video", client.videoid(pks)),
    );
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    client.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn either_order_completes() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let missing = client.video(pks, video()).await.missing();
        let expected = [
            "acceptance",
            "document_front",
            "document_rear",
            "document_owner",
            "ocr_data",
            "security_checks",
            "similarity_level",
        ];
        assert_eq!(missing, expected);
        let record = client.record(pks).await;
        assert_eq!(record["status"], "VIDEOINCOMPLETE");
        assert_eq!(record["videoid"]["missing"], json!(expected));
        assert_eq!(record["videoid"]["evidences_uploaded"], false);
        assert_eq!(record["videoid"]["video_uploaded"], true);

        let answer = client.evidences(pks, &evidence()).await;
        assert_eq!(answer.missing(), [""; 0]);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
        let closed = client.video(pks, video()).await;
        let words = format!(
            "Cannot upload video for Request {}: Invalid VideoId status 'COMPLETE'",
            pks.request
        );
        closed.refused(412, &words);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_merged_block_by_block() {
    let sandbox = Sandbox::shared();
    let whole = evidence();
    let data = &whole["videoid_data"];
    let image =
        |name: &str| json!({ "videoid_data": { "images": { name: data["images"][name] } } });
    let block = |name: &str| json!({ "videoid_data": { name: data[name] } });
    let steps = [
        (block("similarity_level"), "similarity_level"),
        (image("document_owner"), "document_owner"),
        (json!({ "acceptance": whole["acceptance"] }), "acceptance"),
        (block("security_checks"), "security_checks"),
        (image("document_front"), "document_front"),
        (block("ocr_data"), "ocr_data"),
        (image("document_rear"), "document_rear"),
    ];
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let mut missing = Vec::new();
        for (body, brought) in &steps {
            let before = missing;
            missing = client.evidences(pks, body).await.missing();
            assert!(before.is_empty() || before.contains(&(*brought).to_owned()));
            assert!(
                !missing.contains(&(*brought).to_owned()),
                "{brought}: {missing:?}"
            );
            assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
            // Sent again before completion, a block replaces the one before.
            let again = client.evidences(pks, body).await.missing();
            assert_eq!(again, missing);
        }
        assert_eq!(missing, ["video"]);

        let other = json!({ "videoid_data": { "ocr_data": {
            "given_name": "Eva", "surname_1": "Muestra", "serial_number": "Y1" } } });
        assert_eq!(client.evidences(pks, &other).await.missing(), ["video"]);
        let record = client.record(pks).await;
        assert_eq!(record["given_name"], "Eva");
        assert_eq!(record["surname_2"], Value::Null);
        assert_eq!(
            record["mobile_phone_number"], ANA.phone,
            "codes go where the business said"
        );

        // OCR data that lacks a member is refused whole, and nothing of the body is kept.
        let lacking = json!({ "videoid_data": { "ocr_data": { "given_name": "Zoe" } } });
        let words = "Missing required parameters: surname_1, serial_number";
        client.evidences(pks, &lacking).await.refused(400, words);
        let record = client.record(pks).await;
        assert_eq!(
            (&record["given_name"], &record["status"]),
            (&json!("Eva"), &json!("VIDEOINCOMPLETE"))
        );
        assert_eq!(client.video(pks, video()).await.missing(), [""; 0]);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passport_has_no_rear_side() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let mut body = evidence();
    body["videoid_data"]["images"]
        .as_object_mut()
        .unwrap()
        .remove("document_rear");
    let pks = client.create().await;
    let missing = client.evidences(pks, &body).await.missing();
    assert_eq!(missing, ["document_rear", "video"]);
    body["videoid_data"]["ocr_data"]["id_document_type"] = "PAS".into();
    assert_eq!(client.evidences(pks, &body).await.missing(), ["video"]);
    client.video(pks, video()).await.payload();
    assert_eq!(client.status(pks).await, "VIDEOREVIEW");
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_material_leads_to_videoerror_and_a_good_upload_back() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let mut bad = evidence();
        bad["videoid_data"]["images"]["document_owner"] = "bm90IGFuIGltYWdl".into();
        let refusal = client.evidences(pks, &bad).await.refusal(400);
        assert!(refusal.contains("document_owner"), "{refusal}");
        assert_eq!(client.status(pks).await, "VIDEOERROR");
        // Nothing of the bad upload was kept.
        let record = client.record(pks).await;
        assert_eq!(record["given_name"], Value::Null);

        assert_eq!(
            client.evidences(pks, &evidence()).await.missing(),
            ["video"]
        );
        assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
        for bad in [
            Bytes::from_static(b"This is no film."),
            video().slice(..video().len() / 2),
        ] {
            let refusal = client.video(pks, bad).await.refusal(415);
            assert!(refusal.starts_with("Unsupported file type: "), "{refusal}");
            assert_eq!(client.status(pks).await, "VIDEOERROR");
        }
        download(&client, pks, &[])
            .await
            .refused(404, "Request not found");
        // What was good before is still there: only the video had to come again.
        assert_eq!(client.video(pks, video()).await.missing(), [""; 0]);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");

        // From VIDEOERROR an officer may also refuse.
        let pks = client.create().await;
        client
            .video(pks, Bytes::from_static(b"Neither is this."))
            .await
            .refusal(415);
        let mut refuse = client.token();
        refuse["reason"] = "Unusable".into();
        let path = format!("/videoid/{}/refuse", client.videoid(pks));
        client
            .post(&path, &refuse)
            .await
            .said("Videoid refuse completed");
        assert_eq!(client.status(pks).await, "CANCELLED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_upload_does_not_cost_a_good_one() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    client.video(pks, film("plain.webm")).await.payload();
    client
        .video(pks, Bytes::from_static(b"no film"))
        .await
        .refusal(415);
    assert_eq!(client.status(pks).await, "VIDEOERROR");
    // The first video still counts.
    assert!(download(&client, pks, &[]).await.body == film("plain.webm"));
    assert_eq!(client.evidences(pks, &evidence()).await.missing(), [""; 0]);
    assert_eq!(client.status(pks).await, "VIDEOREVIEW");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_video_replaces_the_first_and_leaves_nothing_of_it() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    let films = [
        ("plain.mp4", "video/mp4"),
        ("fragmented.mp4", "video/mp4"),
        ("plain.mov", "video/quicktime"),
        ("plain.3gp", "video/3gpp"),
        ("live.webm", "video/webm"),
        ("plain.mkv", "video/x-matroska"),
    ];
    for (name, media_type) in films {
        client.video(pks, film(name)).await.payload();
        let answer = download(&client, pks, &[]).await;
        assert!(answer.body == film(name), "{name} came back different");
        assert_eq!(answer.header("content-type"), media_type, "{name}");
        let blobs = files_below(&sandbox.dir().join("blobs"));
        assert_eq!(blobs.len(), 1, "{name}: {blobs:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_video_comes_back_whole_and_in_ranges() {
    let sandbox = Sandbox::shared();
    let video = video();
    let size = video.len();
    let digest = format!("\"{}\"", hex::encode(crypto::sha256(&video)));
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        download(&client, pks, &[])
            .await
            .refused(404, "Request not found");
        client.video(pks, video.clone()).await.payload();

        let whole = download(&client, pks, &[]).await;
        assert_eq!(whole.status, 200);
        assert!(whole.body == video);
        assert_eq!(whole.header("content-type"), "video/mp4");
        assert_eq!(whole.header("content-length"), size.to_string());
        assert_eq!(whole.header("accept-ranges"), "bytes");
        assert_eq!(whole.header("etag"), digest);

        let path = format!("/videoid/{}/video", client.videoid(pks));
        let head = client.send(client.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), size.to_string());
        assert_eq!(head.header("etag"), digest);

        // The storage encrypts in pieces of 256 KiB: ranges lie before, on and over a border.
        let border = (256 << 10).min(size / 2);
        for (first, last) in [
            (0, 0),
            (0, 99),
            (border - 1, border),
            (border, border),
            (1, size - 2),
            (0, size - 1),
        ] {
            let part = download(&client, pks, &[("range", &format!("bytes={first}-{last}"))]).await;
            check_part(&part, &video, first, last);
        }
        let part = download(&client, pks, &[("range", "bytes=-500")]).await;
        check_part(&part, &video, size - 500, size - 1);
        let part = download(&client, pks, &[("range", &format!("bytes={}-", size - 7))]).await;
        check_part(&part, &video, size - 7, size - 1);
        let part = download(&client, pks, &[("range", "bytes=10-999999999999")]).await;
        check_part(&part, &video, 10, size - 1);

        let beyond = download(&client, pks, &[("range", &format!("bytes={size}-"))]).await;
        beyond.refused(416, "The range lies beyond the end of the video");
        assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));

        // A resumed download goes on only where the content is still the same.
        let fresh = [("range", "bytes=5-9"), ("if-range", digest.as_str())];
        check_part(&download(&client, pks, &fresh).await, &video, 5, 9);
        let stale = [("range", "bytes=5-9"), ("if-range", "\"other\"")];
        let answer = download(&client, pks, &stale).await;
        assert!(answer.status == 200 && answer.body == video);
        let known = download(&client, pks, &[("if-none-match", &digest)]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));

        // Piece by piece, it is whole again.
        let mut joined = Vec::new();
        while joined.len() < size {
            let last = (joined.len() + 333_333).min(size) - 1;
            let range = format!("bytes={}-{last}", joined.len());
            joined.extend_from_slice(&download(&client, pks, &[("range", &range)]).await.body);
        }
        assert!(joined == video);
    }
}

#[track_caller]
fn check_part(answer: &Answer, video: &Bytes, first: usize, last: usize) {
    assert_eq!(answer.status, 206, "{first}-{last}");
    let place = format!("bytes {first}-{last}/{}", video.len());
    assert_eq!(answer.header("content-range"), place);
    assert_eq!(
        answer.header("content-length"),
        (last - first + 1).to_string()
    );
    assert!(answer.body == video[first..=last], "{place}: other bytes");
}

/// What an attacker finds who carries the disk away without the keys.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_readable_at_rest() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let pks = client.reviewable(&ANA).await;
    client.agreement(pks).await;
    client
        .approve(pks, &client.token())
        .await
        .said("Request approved successfully");
    client.otp(pks).await.said("OTP generated");
    let code = sandbox.code_for(pks.request).await;
    let mut refuse = client.token();
    refuse["reason"] = "Melancholia".into();
    let other = client.create_for(&ANA).await;
    client.evidences(other, &evidence_of(&ANA)).await.payload();
    let path = format!("/videoid/{}/refuse", other.videoid);
    client
        .post(&path, &refuse)
        .await
        .said("Videoid refuse completed");
    // Closed cleanly, the database is one file.
    assert!(sandbox.terminate().success());

    let rao = &sandbox.description()["rao"];
    let needles: Vec<(&str, Vec<u8>)> = vec![
        ("a surname", ANA.surname_1.into()),
        ("a first name", ANA.given_name.into()),
        ("a document number", ANA.serial_number.into()),
        ("a phone number", ANA.phone.into()),
        ("an e-mail address", ANA.email.into()),
        ("the reason of a refusal", b"Melancholia".to_vec()),
        ("a photograph", specimen("selfie.jpg")[..64].to_vec()),
        ("a JPEG", b"\xff\xd8\xff\xe0".to_vec()),
        ("a film", b"ftyp".to_vec()),
        ("a PDF", b"%PDF-".to_vec()),
        ("a private key", b"PRIVATE KEY".to_vec()),
        // Short enough to turn up by chance in a megabyte of ciphertext; not with its quotes.
        ("a code", format!("\"{code}\"").into_bytes()),
        ("a password", rao["password"].as_str().unwrap().into()),
        ("a token's content", b"\"pin\":".to_vec()),
    ];
    // The sandbox tells its owner these two on purpose.
    let told = ["sandbox.json", "sms.jsonl"];
    let files = files_below(sandbox.dir());
    assert!(files.iter().any(|path| path.ends_with("avouch.db")));
    for path in files {
        // The API client's own key lies there for whoever plays the client.
        if path
            .parent()
            .is_some_and(|folder| folder.ends_with("client"))
        {
            continue;
        }
        if told.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let content = fs::read(&path).unwrap();
        for (what, needle) in &needles {
            // Four bytes turn up by chance in random ones; a file begins with its magic.
            let magic = needle.len() <= 5;
            let region = if magic {
                &content[..content.len().min(64)]
            } else {
                &content[..]
            };
            let found = region
                .windows(needle.len())
                .any(|window| window == needle.as_slice());
            assert!(!found, "{what} is readable in {}", path.display());
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
