//! Signatures that show: for all documents or one by one, where and as they were asked for, and the words
//! for what cannot be shown.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use testkit::run;

use crate::acts::{approved, order, upload};
use crate::client::{ANA, Answer, DIALECTS, Dialect, OneShot, specimen};
use crate::harness::Sandbox;

/// Left, bottom, right and top of the box that most orders ask for.
const POSITION: &str = "300,100,500,150";
const PAGE_HEIGHT: f64 = 841.89;

/// A word on a page, in points from the top left of the page as it shows.
#[derive(Debug)]
struct Word {
    text: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Word {
    /// Whether it lies in the box of [`POSITION`].
    fn is_in_the_box(&self) -> bool {
        self.left >= 300.0
            && self.right <= 500.0
            && self.top >= PAGE_HEIGHT - 150.0
            && self.bottom <= PAGE_HEIGHT - 100.0
    }
}

/// The words of one page, counted from 1, as Poppler reads them.
fn words(pdf: &[u8], page: &str) -> Vec<Word> {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("signed.pdf");
    fs::write(&path, pdf).unwrap();
    let arguments = ["-bbox", "-f", page, "-l", page, path.to_str().unwrap(), "-"];
    let text = run("pdftotext", arguments, b"").must_accept().text();
    text.lines().filter_map(word).collect()
}

/// Reads `<word xMin="1.0" yMin="2.0" xMax="3.0" yMax="4.0">text</word>`.
fn word(line: &str) -> Option<Word> {
    let (tag, text) = line.trim().strip_prefix("<word ")?.split_once('>')?;
    let numbers: Vec<f64> = tag
        .split('"')
        .skip(1)
        .step_by(2)
        .map(|number| number.parse().unwrap())
        .collect();
    let [left, top, right, bottom] = numbers.try_into().unwrap();
    Some(Word {
        text: text.trim_end_matches("</word>").to_owned(),
        left,
        top,
        right,
        bottom,
    })
}

/// What stands in the box of [`POSITION`], in reading order.
fn shown(pdf: &[u8], page: &str) -> String {
    let words = words(pdf, page);
    let inside: Vec<_> = words
        .iter()
        .filter(|word| word.is_in_the_box())
        .map(|word| word.text.as_str())
        .collect();
    inside.join(" ")
}

/// The agreement with its first page turned by so many degrees.
fn turned(degrees: &str) -> Vec<u8> {
    let desk = tempfile::tempdir().unwrap();
    let (from, to) = (desk.path().join("from.pdf"), desk.path().join("to.pdf"));
    fs::write(&from, specimen("agreement.pdf")).unwrap();
    let turn = format!("--rotate={degrees}:1");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    run("qpdf", [turn, text(&from), text(&to)], b"").must_accept();
    fs::read(&to).unwrap()
}

/// Pixels of a colour in a region of a page, as Poppler draws it at one pixel a point.
fn pixels(pdf: &[u8], page: &str, colour: [u8; 3], x: u32, y: u32, size: (u32, u32)) -> usize {
    let (x, y) = (x.to_string(), y.to_string());
    let (width, height) = (size.0.to_string(), size.1.to_string());
    let arguments = [
        "-r", "72", "-f", page, "-l", page, "-x", &x, "-y", &y, "-W", &width, "-H", &height,
        "-png", "-",
    ];
    let drawn = run("pdftoppm", arguments, pdf).must_accept().stdout;
    let drawn = image::load_from_memory(&drawn).unwrap().into_rgb8();
    let near = |pixel: &&image::Rgb<u8>| (0..3).all(|at| pixel.0[at].abs_diff(colour[at]) < 12);
    drawn.pixels().filter(near).count()
}

/// Signs these files in one act and returns the results.
async fn signed(
    client: &OneShot,
    files: &[Vec<u8>],
    body: impl Fn(&[String]) -> Value,
) -> Vec<Bytes> {
    let pks = approved(client).await;
    let files: Vec<_> = files
        .iter()
        .map(|content| ("file", "file.pdf", content.clone()))
        .collect();
    let uids = upload(client, pks, &files).await;
    client
        .sign(pks, &order(body(&uids)))
        .await
        .said("Documents correctly signed");
    let mut signed = Vec::new();
    for uid in &uids {
        signed.push(client.document(pks, "signed", uid).await.pdf());
    }
    signed
}

#[tokio::test(flavor = "multi_thread")]
async fn one_appearance_shows_on_every_document() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let files = [specimen("agreement.pdf"), specimen("terms.pdf")];
    let look = json!({ "signature": { "location": "Sevilla", "appearance": {
        "text": ["Signed by %(CN)s", "%(DATE)s in %(L)s %(NOBODY)s!"],
        "date": "on %Y.%m %Z", "timezone": "Asia/Tokyo", "position": POSITION, "page": -1,
    } } });
    let signed = signed(&client, &files, |_| look.clone()).await;
    // The last page of two, and the only one.
    for (pdf, page) in signed.iter().zip(["2", "1"]) {
        let shown = shown(pdf, page);
        let name = format!(
            "Signed by {} {} {}",
            ANA.given_name, ANA.surname_1, ANA.surname_2
        );
        assert!(shown.starts_with(&name), "{shown}");
        let (_, date) = shown.split_once(" on 20").expect("a date");
        assert!(date.ends_with("JST in Sevilla !"), "{shown}");
    }
    assert_eq!(
        shown(&signed[0], "1"),
        shown(&specimen("agreement.pdf"), "1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn options_show_it_on_single_documents() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::Legacy);
    let terms = specimen("terms.pdf");
    let files = [terms.clone(), terms.clone(), turned("+90"), turned("+270")];
    let place = json!({ "position": "300, 100, 500, 150", "page": "0" });
    let signed = signed(&client, &files, |uids| {
        json!({
            "options": { &uids[0]: place, &uids[2]: place, &uids[3]: place },
            "signature_format": { "text_format": ["Firmado", "%(E)"], "timezone": "Europe/Madrid" },
        })
    })
    .await;
    assert_eq!(shown(&signed[0], "1"), format!("Firmado {}", ANA.email));
    assert_eq!(shown(&signed[1], "1"), "", "nothing was asked for it");
    // On turned pages it stands upright in the box as a reader sees it, which is what Poppler draws.
    for pdf in &signed[2..] {
        let drawn = pixels(pdf, "1", [0; 3], 300, 595 - 150, (200, 50));
        let before = pixels(&files[2], "1", [0; 3], 300, 595 - 150, (200, 50));
        assert!(drawn != before, "{drawn} black pixels, {before} before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_shows_alone_behind_or_beside_the_text() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let red = [200, 30, 60];
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(200, 200, image::Rgb(red))
        .write_to(&mut picture, image::ImageFormat::Png)
        .unwrap();
    let inline = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(picture.get_ref())
    };
    let look = |more: Value| {
        let look = json!({ "position": POSITION, "page": 0, "b64_image": inline });
        json!({ "signature": { "appearance": crate::registration::client::merged(look, more) } })
    };
    let terms = [specimen("terms.pdf")];
    let top = (PAGE_HEIGHT - 150.0) as u32;
    for (more, text) in [
        (json!({}), ""),
        (json!({ "text": ["Agreed"] }), "Agreed"),
        (json!({ "text": ["Agreed"], "horizontal": true }), "Agreed"),
    ] {
        let pdf = &signed(&client, &terms, |_| look(more.clone())).await[0];
        assert_eq!(shown(pdf, "1"), text, "{more}");
        let all = pixels(pdf, "1", red, 300, top, (200, 50));
        assert!(all > 1000, "{more}: {all} pixels");
        if more["horizontal"] == true {
            let right = pixels(pdf, "1", red, 400, top, (100, 50));
            assert!(right == 0, "the picture is beside: {right} pixels");
        }
        let outside = pixels(pdf, "1", red, 0, 0, (595, top - 2));
        assert_eq!(outside, 0);
    }
}

/// The words of a refusal by document.
#[track_caller]
fn refused_by_document(answer: &Answer, status: u16, expected: &Value) {
    assert_eq!(answer.status, status, "{answer}");
    let body = answer.json();
    assert_eq!(body["details"], *expected, "{answer}");
    match answer.dialect {
        Dialect::New => {
            assert_eq!(body["detail"], *expected, "{answer}");
            assert_eq!(body["status"], "error");
            assert!(body["message"].is_string());
        }
        Dialect::Legacy => assert!(
            body["status"]
                .as_str()
                .unwrap()
                .starts_with(&status.to_string())
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_refused_in_the_contract_s_words_and_the_code_stays_good() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = approved(&client).await;
        let terms = || ("file", "terms.pdf", specimen("terms.pdf"));
        let uids = upload(&client, pks, &[terms(), terms()]).await;
        let (first, second) = (uids[0].as_str(), uids[1].as_str());
        client.otp(pks).await.said("OTP generated");
        let code = sandbox.code_for(pks.request).await;
        let sign = async |mut body: Value| {
            body["secret"] = code.clone().into();
            client.sign(pks, &body).await
        };

        let body = json!({ "options": { first: { "page": 0 }, second: { "position": POSITION } } });
        let words = json!({
            first: format!("Missing required parameter 'position' for file {first}"),
            second: format!("Missing required parameter 'page' for file {second}"),
        });
        refused_by_document(&sign(body).await, 400, &words);

        let lost = "33333333-3333-4333-8333-333333333333";
        let place = json!({ "position": POSITION, "page": 0, "image": lost });
        let words = format!("The image {lost} cannot be found on disk");
        let body = json!({ "options": { second: place } });
        refused_by_document(&sign(body).await, 404, &json!({ second: words }));
        let body = json!({ "signature": { "appearance": place } });
        let all = json!({ first: words, second: words });
        refused_by_document(&sign(body).await, 404, &all);

        let other = "11111111-1111-4111-8111-111111111111";
        let another = "22222222-2222-4222-8222-222222222222";
        let place = json!({ "position": POSITION, "page": 0 });
        let body = json!({ "options": { another: place, other: place, first: place } });
        let words = format!(
            "The following documents are not found in Request's folders: {other}, {another}"
        );
        sign(body).await.refused(404, &words);

        let appearance = |more: Value| json!({ "signature": { "appearance": more } });
        let missing = sign(appearance(json!({ "page": 0 }))).await;
        missing.refused(
            400,
            "Missing required parameter: 'signature.appearance.position'",
        );
        for (more, words) in [
            (json!({ "page": 7 }), "no page 7"),
            (json!({ "page": -2 }), "no page -2"),
            (json!({ "page": "one" }), "signature.appearance.page"),
            (
                json!({ "position": "900,900,999,999" }),
                "outside of the page",
            ),
            (
                json!({ "position": "300,100,300,150" }),
                "signature.appearance.position",
            ),
            (json!({ "position": "300,100,500" }), "four numbers"),
            (json!({ "timezone": "Mars/Olympus" }), "timezone"),
            (json!({ "b64_image": "%%" }), "b64_image"),
            (
                json!({ "image": "bm90IGEgcGljdHVyZSwgYnV0IGxvbmcgZW5vdWdo" }),
                "image",
            ),
        ] {
            let body = appearance(crate::registration::client::merged(place.clone(), more));
            let refused = sign(body.clone()).await.refusal(400);
            assert!(refused.contains(words), "{body}: {refused}");
        }
        assert_eq!(client.status(pks).await, "ENROLLREADY");
        sign(json!({ "options": { first: place } }))
            .await
            .said("Documents correctly signed");
    }
}
