//! Texts that people and their software really send, and texts that nobody should.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{clients, untouched};
use crate::client::{ANA, Dialect, evidence, external_unlock, specimen, video};
use crate::harness::Sandbox;

/// Names that must come back as they were sent.
const NAMES: [&str; 8] = [
    "عبد الرحمن",
    "בנימין",
    "Nguyễn Thị Minh Khai",
    "Zoe\u{308} O\u{301}",
    "山田 太郎",
    "👩‍👩‍👧 Ñandú",
    "O'Brien \"Bob\" <b>&amp;</b> \\ %s ${x} {{y}}",
    "Robert'); DROP TABLE request;--",
];

#[tokio::test]
async fn names_of_every_script_come_back_as_they_were_sent() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        for name in NAMES {
            let pks = client.create().await;
            let mut evidence = evidence();
            for member in ["given_name", "surname_1", "surname_2"] {
                evidence["videoid_data"]["ocr_data"][member] = name.into();
            }
            client.evidences(pks, &evidence).await.success();
            let record = client.record(pks).await;
            for member in ["given_name", "surname_1", "surname_2"] {
                assert_eq!(record[member], name);
            }
        }
    }
}

#[tokio::test]
async fn what_no_certificate_can_hold_is_refused_where_it_comes_in() {
    let sandbox = Sandbox::shared();
    let long = "must have no more than 149 characters";
    let control = "must not hold control characters";
    let cases = [
        ("given_name", "M".repeat(1 << 19), long),
        ("surname_1", "x".repeat(150), long),
        ("surname_2", "é".repeat(150), long),
        ("given_name", "Ana\u{202e}airaM".to_owned(), control),
        ("given_name", "\u{2067}Ana\u{2069}".to_owned(), control),
        ("surname_1", "line\nbreak".to_owned(), control),
        ("given_name", "\u{1b}[31mAna\u{7f}".to_owned(), control),
        (
            "serial_number",
            "9".repeat(59),
            "must have no more than 58 characters",
        ),
        (
            "serial_number",
            "№ 7".to_owned(),
            "must hold only letters from A to Z",
        ),
    ];
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (member, value, why) in &cases {
            let mut evidence = evidence();
            evidence["videoid_data"]["ocr_data"][member] = value.as_str().into();
            let answer = untouched(&client, pks, client.evidences(pks, &evidence)).await;
            let words = answer.refusal(400);
            assert!(words.contains(&format!("{member}: {why}")), "{answer}");

            let correction = json!({ *member: value });
            let path = format!("/request/{}", pks.request);
            let answer = untouched(&client, pks, client.put(&path, &correction)).await;
            assert!(
                answer.refusal(400).starts_with(&format!("{member}: {why}")),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_certificate_lacks_is_named_at_the_approval() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.reviewable(&ANA).await;
        let path = format!("/request/{}", pks.request);
        let none = json!({ "given_name": "", "surname_1": " ", "serial_number": "" });
        client.put(&path, &none).await.success();
        let answer = untouched(&client, pks, client.approve(pks, &client.token())).await;
        let words = answer.refusal(412);
        let start = format!(
            "Cannot approve Request {}: Invalid request fields: ",
            pks.request
        );
        let mut fields: Vec<_> = words
            .strip_prefix(&start)
            .unwrap_or(&words)
            .split("; ")
            .collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            ["given_name", "serial_number", "surname_1"],
            "{answer}"
        );

        // As long as it may be, and written as it may be: then it goes on.
        let full = json!({ "given_name": "Ñ".repeat(149), "surname_1": "Щ".repeat(149),
            "surname_2": "Ω".repeat(149), "serial_number": "9".repeat(58) });
        client.put(&path, &full).await.success();
        let approve = client.approve(pks, &client.token()).await;
        approve.said("Request approved successfully");
    }
}

#[tokio::test]
async fn a_name_from_right_to_left_goes_all_the_way_to_the_signature() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    let mut evidence = evidence();
    evidence["videoid_data"]["ocr_data"]["given_name"] = NAMES[0].into();
    evidence["videoid_data"]["ocr_data"]["surname_1"] = NAMES[3].into();
    client.evidences(pks, &evidence).await.success();
    client.video(pks, video()).await.success();
    client
        .approve(pks, &client.token())
        .await
        .said("Request approved successfully");
    client.contract(pks).await.pdf();
    client.agreement(pks).await;
    client
        .sign(pks, &external_unlock())
        .await
        .said("Documents correctly signed");
    let certificate = client.record(pks).await["certificate_set"][0].clone();
    let subject = certificate["subject"].as_str().expect("a subject");
    assert!(subject.contains(NAMES[0]), "{subject}");
}

#[tokio::test]
async fn a_megabyte_in_any_member_is_no_trouble() {
    let sandbox = Sandbox::shared();
    let long = "m".repeat(1 << 20);
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let calls = [
            (
                "/videoid".to_owned(),
                json!({ "email": long, "mobile_phone_number": long }),
            ),
            (
                format!("/videoid/{}/approve", pks.request),
                json!({ "token": long }),
            ),
            (
                format!("/videoid/{}/approve", pks.request),
                json!({ "username": long, "password": long, "pin": long }),
            ),
            (
                format!("/videoid/{}/refuse", pks.request),
                json!({ "token": long, "reason": long }),
            ),
            (format!("/sign/{}", pks.request), json!({ "secret": long })),
            (
                format!("/otp/{}", pks.request),
                json!({ "delivery_method": long }),
            ),
            (
                "/token".to_owned(),
                json!({ "username": long, "password": long }),
            ),
            (
                "/settings".to_owned(),
                json!({ "general": { "environment": long } }),
            ),
        ];
        for (path, body) in calls {
            let answer = untouched(&client, pks, client.post(&path, &body)).await;
            let words = answer.refusal(answer.status);
            assert!((400..500).contains(&answer.status), "{path}: {answer}");
            assert!(
                words.len() < 500,
                "{path} repeats what was sent: {} bytes",
                words.len()
            );
        }
        // What the sender may keep is kept, however it is called, as long as the claim is no longer
        // than a megabyte.
        let mut evidence = evidence();
        evidence["acceptance"]["whole"] = long.as_str().into();
        let answer = untouched(&client, pks, client.evidences(pks, &evidence)).await;
        answer.refused(
            400,
            "Missing required parameters: acceptance: must have no more than 1 MiB",
        );
        let members = evidence["acceptance"].as_object_mut().expect("members");
        members.remove("whole");
        let half = &long[..long.len() / 2 - 1024];
        evidence["acceptance"][half] = half.into();
        evidence["acceptance"]["__proto__"] = json!({ "constructor": [[[[]]]] });
        evidence["videoid_data"]["unknown"] = Value::Null;
        assert_eq!(client.evidences(pks, &evidence).await.missing(), ["video"]);
    }
}

#[tokio::test]
async fn file_names_are_taken_for_names_and_not_for_paths() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let long = format!("{}.pdf", "n".repeat(5000));
        let names = [
            ("../../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\Vertrag.pdf", "Vertrag.pdf"),
            ("Договор №1 – “итог”.pdf", "Договор №1 – “итог”.pdf"),
            ("contrato\u{202e}fdp.exe", "contrato\u{202e}fdp.exe"),
            (".hidden.pdf", "hidden.pdf"),
            ("semi;colon=%41.pdf", "semi;colon=%41.pdf"),
            (&long, &long[long.len() - 200..]),
        ];
        for (sent, kept) in names {
            let part = Part::bytes(specimen("terms.pdf")).file_name(sent.to_owned());
            let form = Form::new().part("file", part);
            client
                .post_form(&format!("/document/{}", pks.request), form)
                .await
                .success();
            let listed = client
                .get(&format!("/documents/{}", pks.request))
                .await
                .payload();
            let (uid, document) = listed
                .as_object()
                .expect("documents")
                .iter()
                .next_back()
                .expect("one");
            assert_eq!(document["filename"], kept, "{sent}");
            let answer = client.document(pks, "original", uid).await;
            assert_eq!(answer.pdf(), specimen("terms.pdf"));
            let header = answer.headers["content-disposition"].as_bytes();
            assert!(
                header.iter().all(|byte| (b' '..=b'~').contains(byte)),
                "{answer:?}"
            );
            assert!(!header.windows(2).any(|two| two == b".."), "{answer:?}");
        }
    }
}
