//! Forms that break off, contradict themselves or never end, and forms that only look broken.

use bytes::Bytes;
use reqwest::Method;

use super::{clients, untouched};
use crate::client::{Answer, OneShot, Pks, specimen, video};
use crate::harness::Sandbox;
use crate::raw::Wire;

/// A part with a file.
fn part(boundary: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// A form with one file.
fn form(boundary: &str, name: &str, content: &[u8]) -> Vec<u8> {
    [
        part(boundary, name, content),
        format!("--{boundary}--\r\n").into(),
    ]
    .concat()
}

/// Where the files of both kinds go, and a good one of each.
fn uploads(client: &OneShot, pks: Pks) -> [(String, Vec<u8>); 2] {
    [
        (client.video_path(pks), video().to_vec()),
        (
            format!("/document/{}", pks.request),
            specimen("agreement.pdf"),
        ),
    ]
}

async fn post(client: &OneShot, path: &str, content_types: &[&str], body: Vec<u8>) -> Answer {
    let mut request = client.request(Method::POST, path).body(body);
    for content_type in content_types {
        request = request.header("content-type", *content_type);
    }
    client.send(request).await
}

const MULTIPART: &str = "multipart/form-data; boundary=cut";

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (path, content) in uploads(&client, pks) {
            let url: reqwest::Url = client.url(&path).parse().expect("a URL");
            let whole = form("cut", "video", &content);
            for chunked in [false, true] {
                let framing = match chunked {
                    true => "Transfer-Encoding: chunked".to_owned(),
                    false => format!("Content-Length: {}", whole.len()),
                };
                let head = format!(
                    "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MULTIPART}\r\n{framing}\r\n\r\n",
                    url.path()
                );
                // In the part's head, in the middle, and inside the closing boundary.
                for cut in [30, whole.len() / 2, whole.len() - 3] {
                    let sent = match chunked {
                        true => {
                            [format!("{cut:x}\r\n").as_bytes(), &whole[..cut], b"\r\n"].concat()
                        }
                        false => whole[..cut].to_vec(),
                    };
                    let cut_off = async {
                        let mut wire = Wire::open(sandbox.address()).await;
                        wire.send(&head).await.send(&sent).await.half_close().await;
                        wire.answer().await
                    };
                    let before = super::seen(&client, pks).await;
                    let answer = cut_off.await;
                    // Whoever closes cannot demand an answer, but it must not be success.
                    if let Some(answer) = &answer {
                        assert_eq!(answer.status, 400, "cut at {cut}: {answer:?}");
                    }
                    assert_eq!(
                        super::seen(&client, pks).await,
                        before,
                        "cut at {cut}: {answer:?}"
                    );
                }
            }
            // The whole form after that is taken.
            post(&client, &path, &[MULTIPART], whole).await.success();
        }
    }
}

#[tokio::test]
async fn a_form_without_its_end_is_refused() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (path, content) in uploads(&client, pks) {
            let whole = form("cut", "video", &content);
            let open = |bytes: usize| whole[..whole.len() - bytes].to_vec();
            let ended =
                "Could not parse multipart body - the form ended before its closing boundary";
            for body in [
                open(4),
                open(9),
                whole[..whole.len() / 2].to_vec(),
                Vec::new(),
            ] {
                untouched(&client, pks, post(&client, &path, &[MULTIPART], body))
                    .await
                    .refused(400, ended);
            }
            let other = form("other", "video", &content);
            assert!(
                untouched(&client, pks, post(&client, &path, &[MULTIPART], other))
                    .await
                    .refusal(400)
                    .starts_with("Could not parse")
            );
            let broken = b"--cut\r\nthis is no header\r\n\r\nx\r\n--cut--\r\n".to_vec();
            untouched(&client, pks, post(&client, &path, &[MULTIPART], broken))
                .await
                .refusal(400);
        }
    }
}

#[tokio::test]
async fn a_form_without_parts_lacks_its_files() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let words = [
            "No video file provided",
            "Missing required parameters: no file provided",
        ];
        for ((path, _), words) in uploads(&client, pks).into_iter().zip(words) {
            for body in ["--cut--\r\n", "\r\n--cut--", "--cut--"] {
                let call = post(&client, &path, &[MULTIPART], body.into());
                untouched(&client, pks, call).await.refused(400, words);
            }
        }
    }
}

#[tokio::test]
async fn a_content_type_must_name_a_boundary() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
        for (path, content) in uploads(&client, pks) {
            for content_type in [
                "multipart/form-data",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=\"\"",
                "multipart/mixed; boundary=cut",
                "application/json",
                "text/plain",
                "",
                &long,
            ] {
                let body = form("cut", "video", &content);
                let words = "Expected a multipart/form-data body with a boundary";
                untouched(&client, pks, post(&client, &path, &[content_type], body))
                    .await
                    .refused(400, words);
            }
        }
    }
}

#[tokio::test]
async fn of_two_boundaries_the_last_counts() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (path, content) in uploads(&client, pks) {
            let last = form("last", "video", &content);
            let accepted: [&[&str]; 6] = [
                &["multipart/form-data; boundary=first; boundary=last"],
                &["multipart/form-data; boundary=first, multipart/form-data; boundary=last"],
                &[
                    "multipart/form-data; boundary=first",
                    "multipart/form-data; boundary=last",
                ],
                &["application/json", "multipart/form-data; boundary=last"],
                &["Multipart/Form-Data;charset=utf-8;BOUNDARY=\"last\""],
                &["multipart/form-data; boundary=\"first\"; boundary=last"],
            ];
            for content_types in accepted {
                let answer = post(&client, &path, content_types, last.clone()).await;
                assert_eq!(answer.status, 200, "{content_types:?}: {answer}");
            }
            let first = form("first", "video", &content);
            untouched(&client, pks, post(&client, &path, accepted[0], first))
                .await
                .refusal(400);
        }
    }
}

#[tokio::test]
async fn unusual_forms_are_read_as_the_standard_says() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let path = format!("/document/{}", pks.request);
        let pdf = specimen("terms.pdf");
        let boundary = "'()+_,-./:=?0123456789";
        let quoted = format!("multipart/form-data; boundary=\"{boundary}\"");
        post(&client, &path, &[&quoted], form(boundary, "file", &pdf))
            .await
            .payload();
        // Something before and something after, which readers skip (RFC 2046, 5.1.1).
        let around = [
            b"preamble\r\n".as_slice(),
            &form("cut", "file", &pdf),
            b"epilogue",
        ]
        .concat();
        post(&client, &path, &[MULTIPART], around).await.payload();
        // Content that looks like a boundary and is none.
        let mut tricky = specimen("terms.pdf");
        tricky.extend(b"\r\n--cu\r\n-\r\n--\r\n\r\r\n--\n--cut\n");
        let form_of_it = form("cut", "file", &tricky);
        let uid = uid(&post(&client, &path, &[MULTIPART], form_of_it).await);
        let kept = client.document(pks, "original", &uid).await.pdf();
        assert!(kept == tricky, "the content changed on its way");
        // A part without a name, a file name or a Content-Type.
        let bare = [
            b"--cut\r\nContent-Disposition: form-data\r\n\r\n".as_slice(),
            &pdf,
            b"\r\n--cut--\r\n",
        ]
        .concat();
        post(&client, &path, &[MULTIPART], bare).await.payload();
        // Chunk by chunk.
        let body = form("cut", "file", &pdf);
        let pieces = body
            .chunks(997)
            .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)));
        let stream = reqwest::Body::wrap_stream(futures::stream::iter(pieces.collect::<Vec<_>>()));
        let request = client
            .request(Method::POST, &path)
            .header("content-type", MULTIPART)
            .body(stream);
        client.send(request).await.payload();
    }
}

#[tokio::test]
async fn endless_forms_are_cut_short() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (path, _) in uploads(&client, pks) {
            let many = [
                b"--cut\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(100_000),
                b"--cut--\r\n".to_vec(),
            ]
            .concat();
            let long_head = [
                b"--cut\r\nX: ".as_slice(),
                &vec![b'x'; 5 << 20],
                b"\r\n\r\n\r\n--cut--\r\n",
            ]
            .concat();
            let long_name = part("cut", &"n".repeat(3 << 20), b"x");
            for body in [
                many,
                long_head,
                long_name,
                b"--".repeat(2 << 20),
                vec![b'\n'; 4 << 20],
            ] {
                let words = untouched(&client, pks, post(&client, &path, &[MULTIPART], body))
                    .await
                    .refusal(400);
                assert!(
                    words.starts_with("Could not parse multipart body - "),
                    "{words}"
                );
            }
        }
    }
}

/// The identifier of the only document of an upload.
fn uid(answer: &Answer) -> String {
    let payload = answer.payload();
    let uid = payload.get("uid").unwrap_or(&payload);
    uid.as_str().expect("an identifier").to_owned()
}
