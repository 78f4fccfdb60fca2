//! Pictures for visible signatures.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::client::{ANA, Answer, DIALECTS, Dialect, OneShot, external_unlock, keys, specimen};
use crate::harness::{Options, Sandbox};

/// The colour of every test picture.
const RED: [u8; 3] = [200, 30, 60];

fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_pixel(width, height, Rgb(RED));
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

async fn upload(client: &OneShot, files: &[(&'static str, &'static str, Vec<u8>)]) -> Answer {
    let form = files
        .iter()
        .fold(Form::new(), |form, (field, name, content)| {
            form.part(*field, Part::bytes(content.clone()).file_name(*name))
        });
    client.post_form("/image", form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_uploaded_fetched_listed_and_deleted() {
    let sandbox = Sandbox::start(Options::default());
    let png = picture(300, 100);
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        assert_eq!(client.get("/images").await.payload(), json!({}));
        let answer = upload(&client, &[("image", "logo.png", png.clone())]).await;
        let success = answer.success();
        let uid = match dialect {
            Dialect::New => {
                let uid = success["details"]["image_uid"].as_str().unwrap().to_owned();
                let detail = json!({ "image_uid": uid });
                let message = format!("Image uploaded with uid '{uid}'");
                let whole = json!({ "status": "success", "message": message,
                                    "detail": detail, "details": detail });
                assert_eq!(success, whole);
                uid
            }
            Dialect::Legacy => success["details"].as_str().unwrap().to_owned(),
        };
        uid.parse::<uuid::Uuid>().unwrap();

        let path = format!("/image/{uid}");
        let fetched = client.get(&path).await;
        assert_eq!(
            (fetched.status, fetched.header("content-type")),
            (200, "image/png")
        );
        assert!(fetched.body == png);

        // Several at once, a JPEG among them, which becomes a PNG.
        let jpeg = specimen("selfie.jpg");
        let several = [("image", "a.png", png.clone()), ("image2", "b.jpg", jpeg)];
        let uids = upload(&client, &several).await.payload();
        let uids: Vec<_> = uids
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                one["image_uid"]
                    .as_str()
                    .or(one.as_str())
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let converted = client.get(&format!("/image/{}", uids[1])).await;
        assert_eq!(converted.header("content-type"), "image/png");
        assert!(converted.header("content-disposition").contains("b.png"));
        assert!(converted.body.starts_with(b"\x89PNG"));

        let listed = client.get("/images").await.payload();
        assert_eq!(keys(&listed), [&uid, &uids[0], &uids[1]], "oldest first");
        let one = &listed[&uid];
        assert_eq!(
            keys(one),
            ["filename", "ext", "mime", "size", "upload_date"]
        );
        assert_eq!(one["size"], json!([300, 100]));
        assert_eq!(
            (&one["ext"], &one["mime"]),
            (&json!(".png"), &json!("image/png"))
        );
        assert_eq!(listed[&uids[1]]["filename"], "b.png");
        let date = one["upload_date"].as_str().unwrap();
        assert_eq!(
            (date.len(), &date[4..5], &date[19..20]),
            (26, "-", "."),
            "{date}"
        );

        client.delete(&path).await.said("Image deleted");
        let words = format!("Image with uid {uid} not found");
        client.get(&path).await.refused(404, &words);
        let on_disk = format!("{words} on disk");
        client.delete(&path).await.refused(404, &on_disk);
        client
            .delete("/images")
            .await
            .said("Images deleted successfully");
        assert_eq!(client.get("/images").await.payload(), json!({}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused() {
    let sandbox = Sandbox::start(Options::default());
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let missing = "Missing required parameter: 'image'";
        for form in [
            Form::new().text("other", "text"),
            Form::new().text("image", ""),
        ] {
            client.post_form("/image", form).await.refused(400, missing);
        }
        let refused = upload(
            &client,
            &[("image", "a.gif", b"GIF89a\x01\0\x01\0".to_vec())],
        )
        .await;
        refused.refused(
            415,
            "Image file type not supported: a.gif: the file looks like a GIF image, send JPEG or PNG",
        );
        // A bomb: small as a file, large as a picture.
        let bomb = upload(&client, &[("image", "b.png", picture(9000, 9000))]).await;
        assert!(bomb.refusal(415).contains("9000 x 9000 pixels"), "{bomb}");
        let mut torn = picture(99, 99);
        torn.truncate(torn.len() - 20);
        let torn = [
            ("image", "good.png", picture(9, 9)),
            ("image", "torn.png", torn),
        ];
        assert!(
            upload(&client, &torn)
                .await
                .refusal(415)
                .contains("torn.png")
        );
        let large = [("image", "large.png", vec![0; (8 << 20) + 1])];
        upload(&client, &large).await.refusal(413);
        assert_eq!(
            client.get("/images").await.payload(),
            json!({}),
            "all or none"
        );

        let no_uid = "Missing required parameters: Image uid not specified";
        client.get("/image").await.refused(400, no_uid);
        let no_uid = "Missing required parameters: No image uid specified";
        client.delete("/image").await.refused(400, no_uid);
        let words = "Image with uid nonsense not found";
        client.get("/image/nonsense").await.refused(404, words);
        let wrong = client.send(client.request(Method::PUT, "/images")).await;
        assert_eq!(wrong.status, 405, "{wrong}");
    }
}

/// A picture stays where it is over a restart, and no file holds it in the clear.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_shows_an_uploaded_image_after_a_restart() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let png = picture(300, 100);
    let uploaded = upload(&client, &[("image", "logo.png", png.clone())]).await;
    let uid = uploaded.payload()["image_uid"].as_str().unwrap().to_owned();
    let pks = client.approved(&ANA).await;
    let document = client.agreement(pks).await;
    sandbox.kill();
    let header = &png[..64];
    for file in ["avouch.db", "avouch.db-wal"] {
        let Ok(bytes) = std::fs::read(sandbox.dir().join(file)) else {
            continue;
        };
        let found = bytes.windows(header.len()).any(|window| window == header);
        assert!(!found, "{file}");
    }
    sandbox.restart();

    let mut order = external_unlock();
    let appearance = |image: &str| json!({ "appearance": { "position": "300,100,500,150", "page": 0, "image": image } });
    let lost = "33333333-3333-4333-8333-333333333333";
    order["signature"] = appearance(lost);
    let refused = client.sign(pks, &order).await;
    assert_eq!(refused.status, 404, "{refused}");
    let words = format!("The image {lost} cannot be found on disk");
    assert_eq!(refused.json()["details"], json!({ &document: words }));
    order["signature"] = appearance(&uid);
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    let signed = client.document(pks, "signed", &document).await.pdf();
    let shown = pixels(&signed);
    assert!(shown > 1000, "{shown} pixels of the picture's colour");
}

/// How many pixels of the first page have the picture's colour, as Poppler renders it.
fn pixels(pdf: &[u8]) -> usize {
    let arguments = ["-r", "50", "-f", "1", "-l", "1", "-png", "-"];
    let page = testkit::run("pdftoppm", arguments, pdf)
        .must_accept()
        .stdout;
    let page = image::load_from_memory(&page).unwrap().into_rgb8();
    let near = |pixel: &&Rgb<u8>| (0..3).all(|at| pixel.0[at].abs_diff(RED[at]) < 10);
    page.pixels().filter(near).count()
}
