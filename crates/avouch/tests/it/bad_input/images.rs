//! Stills that cannot be used, and base64 in the forms that clients send.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::clients;
use crate::client::{Answer, OneShot, Pks, evidence, specimen, video};
use crate::harness::Sandbox;

/// Evidence with this text in place of an image.
fn with_image(kind: &str, text: &str) -> Value {
    let mut evidence = evidence();
    evidence["videoid_data"]["images"][kind] = text.into();
    evidence
}

/// A PNG (ISO/IEC 15948) whose header claims this size, with this content in its one chunk of
/// data.
fn png(width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [
        (b"IHDR", header.as_slice()),
        (b"IDAT", data),
        (b"IEND", &[]),
    ] {
        png.extend((content.len() as u32).to_be_bytes());
        let named = [name.as_slice(), content].concat();
        png.extend(&named);
        png.extend(crc(&named).to_be_bytes());
    }
    png
}

/// The checksum of PNG's chunks.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// The specimen with other dimensions in its frame header (ISO/IEC 10918-1 B.2.2).
fn jpeg_claiming(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = specimen("selfie.jpg");
    let marker = |two: &[u8]| matches!(two, [0xff, 0xc0 | 0xc2]);
    let frame = jpeg.windows(2).position(marker).expect("a frame header");
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// A PNG of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ\
                     RU5ErkJggg==";

/// Images that are none, and a part of what must be said of each.
fn unusable() -> Vec<(&'static str, String, &'static str)> {
    let selfie = specimen("selfie.jpg");
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    vec![
        ("0 bytes", String::new(), "the image is empty"),
        ("blanks", " \r\n".to_owned(), "the image is empty"),
        ("rubbish", "this is *not* base64".to_owned(), "not base64"),
        ("URL alphabet", "_-_-".to_owned(), "not base64"),
        ("cut base64", "aGVsb".to_owned(), "not base64"),
        ("letters beyond ASCII", "åäö=".to_owned(), "not base64"),
        (
            "a data URL without data",
            "data:image/png;base64".to_owned(),
            "the image is empty",
        ),
        (
            "text",
            encode(b"just some text"),
            "the file looks like plain text",
        ),
        (
            "a page",
            encode(b"<!doctype html><p>502"),
            "the file looks like an HTML page",
        ),
        (
            "SVG",
            encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "SVG drawings are not accepted",
        ),
        (
            "SVG in a data URL",
            format!(
                "data:image/svg+xml;base64,{}",
                encode(b"<?xml version='1.0'?><svg/>")
            ),
            "SVG drawings are not accepted",
        ),
        (
            "GIF",
            encode(b"GIF89a\x40\0\x40\0\x80\0\0"),
            "the file looks like a GIF image",
        ),
        (
            "WebP",
            encode(b"RIFF\x10\0\0\0WEBPVP8 "),
            "the file looks like a WebP image",
        ),
        (
            "HEIF",
            encode(b"\0\0\0\x18ftypheic\0\0\0\0"),
            "the file looks like a HEIF image",
        ),
        (
            "PDF",
            encode(&specimen("agreement.pdf")),
            "the file looks like a PDF document",
        ),
        (
            "video",
            encode(&video()),
            "the file looks like an MPEG-4 file",
        ),
        (
            "one pixel",
            PIXEL.replace(' ', ""),
            "the image has 1 x 1 pixels",
        ),
        (
            "two billion pixels, PNG",
            encode(&png(50_000, 40_000, b"")),
            "the image claims 50000 x 40000 pixels",
        ),
        (
            "two billion pixels, JPEG",
            encode(&jpeg_claiming(50_000, 40_000)),
            "the image claims 50000 x 40000 pixels",
        ),
        (
            "2^62 pixels",
            encode(&png(1 << 31, 1 << 31, b"")),
            "the image",
        ),
        ("no pixels", encode(&png(0, 0, b"")), "the image"),
        (
            "PNG without data",
            encode(&png(100, 100, b"")),
            "cannot be decoded",
        ),
        (
            "PNG with rubbish",
            encode(&png(100, 100, &[7; 500])),
            "cannot be decoded",
        ),
        (
            "JPEG signature only",
            encode(&selfie[..3]),
            "cannot be decoded",
        ),
        (
            "half a JPEG",
            encode(&selfie[..selfie.len() / 2]),
            "cannot be decoded",
        ),
        (
            "JPEG without end",
            encode(&selfie[..selfie.len() - 2]),
            "cannot be decoded",
        ),
    ]
}

#[track_caller]
fn refused_for(answer: &Answer, kind: &str, why: &str, what: &str) {
    let words = answer.refusal(400);
    assert!(
        words.starts_with(&format!("Unusable images: {kind}: ")),
        "{what}: {answer}"
    );
    assert!(words.contains(why), "{what}: {answer}");
}

async fn recovers(client: &OneShot, pks: Pks) {
    assert_eq!(
        client.evidences(pks, &evidence()).await.missing(),
        ["video"]
    );
    assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
}

#[tokio::test]
async fn an_unusable_image_is_an_error_from_which_a_good_one_recovers() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (what, text, why) in unusable() {
            let answer = client
                .evidences(pks, &with_image("document_front", &text))
                .await;
            refused_for(&answer, "document_front", why, what);
            let record = client.record(pks).await;
            assert_eq!(record["status"], "VIDEOERROR", "{what}");
            assert_eq!(
                record["given_name"],
                Value::Null,
                "{what}: something of it was kept"
            );
            let missing = record["videoid"]["missing"].as_array().expect("a list");
            assert!(missing.contains(&json!("acceptance")), "{what}: {record}");
        }
        recovers(&client, pks).await;

        // From VIDEOINCOMPLETE, too, and what was good before stays.
        let answer = client
            .evidences(pks, &with_image("document_owner", "rubbish!"))
            .await;
        refused_for(&answer, "document_owner", "not base64", "rubbish");
        assert_eq!(client.status(pks).await, "VIDEOERROR");
        assert_eq!(client.record(pks).await["given_name"], "Ana María");
        assert!(client.video(pks, video()).await.missing().is_empty());
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    }
}

#[tokio::test]
async fn every_unusable_image_of_an_upload_is_named() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let mut evidence = with_image("document_front", "");
        evidence["videoid_data"]["images"]["document_rear"] = STANDARD.encode("<svg/>").into();
        evidence["videoid_data"]["images"]["document_owner"] = "?".into();
        let words = client.evidences(pks, &evidence).await.refusal(400);
        for part in [
            "document_front: the image is empty",
            "document_rear: SVG drawings",
            "document_owner: not base64",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        recovers(&client, pks).await;
    }
}

#[tokio::test]
async fn base64_comes_in_many_forms() {
    let sandbox = Sandbox::shared();
    let image = specimen("id-front.jpg");
    let text = STANDARD.encode(&image);
    let lines = |end: &str| {
        let lines = text
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line));
        lines.collect::<Vec<_>>().join(end) + end
    };
    let forms = [
        lines("\n"),
        lines("\r\n"),
        lines(" \t"),
        format!("data:image/jpeg;base64,{text}"),
        format!("DATA:image/jpeg;name=a.jpg;base64,\n{}", lines("\r\n")),
        STANDARD_NO_PAD.encode(&image),
        format!("  {text}  "),
    ];
    for client in clients(&sandbox) {
        for form in &forms {
            let pks = client.create().await;
            let answer = client
                .evidences(pks, &with_image("document_front", form))
                .await;
            assert_eq!(answer.missing(), ["video"]);
        }
    }
}
