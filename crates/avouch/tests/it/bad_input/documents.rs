//! Files that cannot be signed, and too many of them.

use std::fs;
use std::path::Path;

use serde_json::json;
use testkit::{Revocation, openssl, pdfsig, pyhanko, qpdf_check, run};

use super::{clients, untouched};
use crate::client::{ANA, Dialect, external_unlock, specimen};
use crate::harness::Sandbox;

/// What qpdf makes of the specimen with these arguments.
fn by_qpdf(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (input, output) = (folder.path().join("in.pdf"), folder.path().join("out.pdf"));
    fs::write(&input, specimen("agreement.pdf")).expect("the folder is writable");
    let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    let files = [text(&input), text(&output)];
    let all = arguments
        .iter()
        .map(|argument| (*argument).to_owned())
        .chain(files);
    run("qpdf", all, b"").must_accept();
    fs::read(output).expect("qpdf wrote it")
}

/// Files that cannot be signed, and a part of what must be said of each.
fn unsignable() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = specimen("agreement.pdf");
    let half = good[..good.len() / 2].to_vec();
    let mut zeros = good.clone();
    zeros[1024..].fill(0);
    vec![
        ("0 bytes", Vec::new(), "not a PDF"),
        ("text", b"Dear Sir or Madam".to_vec(), "not a PDF"),
        ("a picture", specimen("selfie.jpg"), "not a PDF"),
        ("a page", b"<!doctype html><p>404".to_vec(), "not a PDF"),
        (
            "a ZIP archive",
            b"PK\x03\x04\x14\0\0\0".to_vec(),
            "not a PDF",
        ),
        ("only a header", b"%PDF-1.7\n".to_vec(), "broken"),
        (
            "a header and rubbish",
            b"%PDF-1.7\nrubbish rubbish rubbish".to_vec(),
            "broken",
        ),
        ("half of it", half, "broken"),
        ("zeros", zeros, "broken"),
        (
            "encrypted",
            by_qpdf(&["--encrypt", "open", "own", "256", "--"]),
            "encrypted",
        ),
        (
            "encrypted the old way",
            by_qpdf(&[
                "--allow-weak-crypto",
                "--encrypt",
                "open",
                "own",
                "128",
                "--",
            ]),
            "encrypted",
        ),
        (
            "protected against changes",
            by_qpdf(&["--encrypt", "", "own", "256", "--modify=none", "--"]),
            "protected",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_taken() {
    let sandbox = Sandbox::shared();
    let files = unsignable();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        for (what, file, why) in &files {
            let answer = untouched(
                &client,
                pks,
                client.documents(pks, &[("file", "agreement.pdf", file.clone())]),
            )
            .await;
            let words = answer.refusal(415);
            assert!(
                words.starts_with("Unsupported file type: agreement.pdf: "),
                "{what}: {answer}"
            );
            assert!(words.contains(why), "{what}: {answer}");

            // Beside good ones, none is taken.
            let good = specimen("agreement.pdf");
            let many = [
                ("a", "a.pdf", good.clone()),
                ("b", "b.pdf", file.clone()),
                ("c", "c.pdf", good),
            ];
            let answer = untouched(&client, pks, client.documents(pks, &many)).await;
            assert!(
                answer
                    .refusal(415)
                    .starts_with("Unsupported file type: b.pdf: "),
                "{what}: {answer}"
            );
        }
        let open = by_qpdf(&["--encrypt", "", "own", "256", "--"]);
        let open = client.documents(pks, &[("file", "open.pdf", open)]).await;
        open.payload();
        // Whatever its name says.
        let program = ("file", "agreement.exe", specimen("agreement.pdf"));
        client.documents(pks, &[program]).await.payload();
    }
}

#[tokio::test]
async fn a_form_without_files_is_refused() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let path = format!("/document/{}", pks.request);
        let none = "Missing required parameters: no file provided";
        let text = reqwest::multipart::Form::new().text("comment", "no file");
        untouched(&client, pks, client.post_form(&path, text))
            .await
            .refused(400, none);

        let words = "Expected a multipart/form-data body with a boundary";
        untouched(
            &client,
            pks,
            client.post(&path, &json!({ "file": "JVBERi0=" })),
        )
        .await
        .refused(400, words);
    }
}

#[tokio::test]
async fn ten_documents_and_no_more() {
    let sandbox = Sandbox::shared();
    let file = || ("file", "a.pdf", specimen("terms.pdf"));
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let words = format!(
            "Maximum number of document reached for Request {}",
            pks.request
        );
        untouched(&client, pks, client.documents(pks, &vec![file(); 11]))
            .await
            .refused(400, &words);
        let six = client.documents(pks, &vec![file(); 6]).await.payload();
        assert_eq!(six.as_array().map(Vec::len), Some(6));
        untouched(&client, pks, client.documents(pks, &vec![file(); 5]))
            .await
            .refused(400, &words);
        client.documents(pks, &vec![file(); 4]).await.payload();
        untouched(&client, pks, client.documents(pks, &[file()]))
            .await
            .refused(400, &words);
        let listed = client
            .get(&format!("/documents/{}", pks.request))
            .await
            .payload();
        assert_eq!(listed.as_object().map(serde_json::Map::len), Some(10));
    }
}

/// The specimen, signed by a stranger with other software.
fn signed_by_a_stranger() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    openssl(
        [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=Stranger",
            "-days",
            "2",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
        b"",
    )
    .must_accept();
    let (input, output) = (path("in.pdf"), path("out.pdf"));
    fs::write(&input, specimen("agreement.pdf")).expect("the folder is writable");
    run(
        "pyhanko",
        [
            "sign",
            "addsig",
            "--field",
            "Stranger",
            "pemder",
            "--no-pass",
            "--key",
            &key,
            "--cert",
            &certificate,
            &input,
            &output,
        ],
        b"",
    )
    .must_accept();
    fs::read(output).expect("pyHanko wrote it")
}

/// The specimen with its index pointing into nothing, which can be mended without guessing.
fn damaged() -> Vec<u8> {
    let mut damaged = specimen("agreement.pdf");
    let index = damaged.windows(9).rposition(|nine| nine == b"startxref");
    damaged.truncate(index.expect("an index"));
    damaged.extend(b"startxref\n99999999\n%%EOF\n");
    damaged
}

#[tokio::test]
async fn signed_and_damaged_documents_are_signed_as_they_are() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::Legacy);
    let pks = client.approved(&ANA).await;
    let files = [
        ("signed.pdf", signed_by_a_stranger()),
        ("damaged.pdf", damaged()),
    ];
    let parts: Vec<_> = files
        .iter()
        .map(|(name, content)| ("file", *name, content.clone()))
        .collect();
    let uploaded = client.documents(pks, &parts).await.payload();
    let uids: Vec<_> = (0..2)
        .map(|n| uploaded[n]["uid"].as_str().expect("an identifier"))
        .collect();
    client
        .sign(pks, &external_unlock())
        .await
        .said("Documents correctly signed");

    let folder = tempfile::tempdir().expect("a temporary folder");
    for (uid, (name, before)) in uids.iter().zip(&files) {
        let signed = client.document(pks, "signed", uid).await.pdf();
        assert!(signed.starts_with(before), "bytes of {name} changed");
        let path = folder.path().join(name);
        fs::write(&path, &signed).expect("the folder is writable");
        qpdf_check(&path);
        let reports = pdfsig(&path, &sandbox.root());
        assert!(reports.iter().all(|report| report.valid), "{reports:#?}");
        let ours = reports.last().expect("a signature");
        assert!(ours.covers_whole_document, "{reports:#?}");
        assert_ne!(ours.signer, "Stranger", "{reports:#?}");
        let opinions = pyhanko(&path, &sandbox.root(), Revocation::Ignore);
        let ours = opinions.last().expect("a signature");
        assert!(ours.trusted && ours.bottom_line, "{opinions:#?}");
        assert_eq!(reports.len(), if *name == "signed.pdf" { 2 } else { 1 });
    }
}
