//! Bodies over the limits: refused before they are read, or as soon as they are too long.

use bytes::Bytes;
use futures::stream;
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use super::{clients, untouched};
use crate::client::{Dialect, OneShot, Pks, evidence, specimen, video};
use crate::harness::{Options, Sandbox};
use crate::raw::Wire;

const TERABYTE: u64 = 1 << 40;
const MIB: usize = 1 << 20;

fn small() -> Sandbox {
    Sandbox::start(Options {
        max_video_mib: Some(1),
        ..Options::default()
    })
}

/// Sends a request's head alone, with this length, and reads what is answered to that.
async fn head_only(
    sandbox: &Sandbox,
    path: &str,
    length: u64,
    more: &str,
) -> Option<(u16, String)> {
    let mut wire = Wire::open(sandbox.address()).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n\
         Content-Length: {length}\r\n{more}\r\n"
    );
    wire.send(head).await;
    wire.answer()
        .await
        .map(|answer| (answer.status, answer.body))
}

fn path_of(client: &OneShot, path: &str) -> String {
    client
        .url(path)
        .parse::<reqwest::Url>()
        .expect("a URL")
        .path()
        .to_owned()
}

/// A body of this many bytes whose length the client does not tell.
fn endless(start: &'static str, bytes: usize) -> reqwest::Body {
    let first = Ok::<_, std::io::Error>(Bytes::from_static(start.as_bytes()));
    let piece = Bytes::from(vec![b' '; 64 << 10]);
    let rest = (0..bytes / piece.len()).map(move |_| Ok(piece.clone()));
    reqwest::Body::wrap_stream(stream::iter(std::iter::once(first).chain(rest)))
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_a_byte_is_read() {
    let sandbox = small();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let Pks { request, videoid } = pks;
        for path in [
            "/videoid".to_owned(),
            "/token".to_owned(),
            "/settings".to_owned(),
            format!("/videoid/{videoid}/evidences"),
            format!("/videoid/{videoid}/video"),
            format!("/videoid/{request}/evidences/video"),
            format!("/videoid/{videoid}/approve"),
            format!("/videoid/{videoid}/refuse"),
            format!("/document/{request}"),
            format!("/otp/{request}"),
            format!("/sign/{request}"),
        ] {
            let path = path_of(&client, &path);
            let before = super::seen(&client, pks).await;
            let (status, body) = head_only(&sandbox, &path, TERABYTE, "")
                .await
                .expect("an answer");
            assert_eq!(status, 413, "{path}: {body}");
            let body: serde_json::Value = serde_json::from_str(&body).expect("the dialect's form");
            let expected = match client.dialect {
                Dialect::New => "error",
                Dialect::Legacy => "413 Payload Too Large",
            };
            assert_eq!(body["status"], expected, "{path}");
            let words = body["details"].as_str().expect("words");
            assert!(
                words.starts_with("Request body too large: the limit is "),
                "{path}: {words}"
            );
            assert_eq!(super::seen(&client, pks).await, before, "{path}");
        }
        // What would be refused anyway is refused for that.
        let path = path_of(&client, "/document/987654321");
        assert_eq!(
            head_only(&sandbox, &path, TERABYTE, "")
                .await
                .expect("an answer")
                .0,
            404
        );
    }
    for path in ["/tsa", "/ocsp"] {
        let (status, body) = head_only(&sandbox, path, TERABYTE, "")
            .await
            .expect("an answer");
        assert_eq!(status, 413, "{path}: {body}");
        assert!(body.contains("\"type\":\"about:blank\""), "{path}: {body}");
    }
}

#[tokio::test]
async fn whoever_asks_before_sending_is_told_not_to() {
    let sandbox = small();
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    let path = path_of(&client, &client.video_path(pks));
    let expect = "Expect: 100-continue\r\n";
    let (status, _) = head_only(&sandbox, &path, TERABYTE, expect)
        .await
        .expect("an answer");
    assert_eq!(status, 413);
    let (status, _) = head_only(&sandbox, &path, 1000, expect)
        .await
        .expect("an answer");
    assert_eq!(status, 100);
}

#[tokio::test]
async fn a_body_that_grows_over_the_limit_is_refused_on_the_way() {
    let sandbox = small();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let evidences = format!("/videoid/{}/evidences", client.videoid(pks));
        for path in ["/videoid", &evidences] {
            let request = client
                .request(Method::POST, path)
                .body(endless("{", 49 * MIB));
            let answer = untouched(&client, pks, client.send(request)).await;
            answer.refused(413, "Request body too large: the limit is 50331648 bytes");
        }

        let film =
            |body: reqwest::Body| Form::new().part("video", Part::stream(body).file_name("v"));
        let answer = untouched(
            &client,
            pks,
            client.post_form(&client.video_path(pks), film(endless("", 3 * MIB))),
        )
        .await;
        answer.refused(413, "Request body too large: the limit is 1048576 bytes");
        // A client that tells the length and goes on sending still gets to read the answer.
        let call = client.video(pks, Bytes::from(vec![0; 8 * MIB]));
        let answer = untouched(&client, pks, call).await;
        answer.refused(413, "Request body too large: the limit is 1048576 bytes");
        // One byte over; and exactly at the limit, which is no reason to refuse.
        let padded = |size: usize| {
            let mut film = video().to_vec();
            let free = (size - film.len()) as u32;
            film.extend(free.to_be_bytes());
            film.extend(b"free");
            film.resize(size, 0);
            Bytes::from(film)
        };
        untouched(&client, pks, client.video(pks, padded(MIB + 1)))
            .await
            .refusal(413);
        client.video(pks, padded(MIB)).await.success();
        assert_eq!(client.evidences(pks, &evidence()).await.missing(), [""; 0]);

        let path = format!("/document/{}", pks.request);
        let large = Part::stream(endless("%PDF-1.7\n", 65 * MIB)).file_name("large.pdf");
        let good = Part::bytes(specimen("terms.pdf")).file_name("terms.pdf");
        let form = Form::new().part("file", good).part("file2", large);
        let answer = untouched(&client, pks, client.post_form(&path, form)).await;
        answer.refused(413, "Request body too large: the limit is 67108864 bytes");
    }
}
