//! Digests signed in place of documents that never leave their owner.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::Digest;
use model::DigestAlgorithm::{self, Sha256, Sha384, Sha512};
use serde_json::{Value, json};
use testkit::openssl;

use crate::client::{
    ANA, Answer, DIALECTS, Dialect, OneShot, Pks, external_unlock, keys, specimen,
};
use crate::harness::Sandbox;

const CONTENT: &[u8] = b"a contract that its owner keeps";

fn digest(algorithm: DigestAlgorithm) -> Vec<u8> {
    Digest::of(algorithm, CONTENT).as_bytes().to_vec()
}

/// The file with a digest.
fn hashfile(digest: &[u8], algorithm: &str, more: Value) -> Vec<u8> {
    let mut file =
        json!({ "messageDigest": STANDARD.encode(digest), "digestAlgorithm": algorithm });
    for (name, value) in more.as_object().unwrap() {
        file[name] = value.clone();
    }
    file.to_string().into_bytes()
}

/// The digest as a message-digest attribute in DER, as the first clients send it.
fn as_attribute(digest: &[u8]) -> Vec<u8> {
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
    let len = digest.len() as u8;
    let mut out = vec![0x30, len + 15];
    out.extend(oid);
    out.extend([0x31, len + 2, 4, len]);
    out.extend(digest);
    out
}

async fn upload(client: &OneShot, pks: Pks, file: Vec<u8>) -> Answer {
    client
        .documents(pks, &[("hashfile", "hash.json", file)])
        .await
}

/// OpenSSL's word on a `.p7m` over the content.
fn judged(sandbox: &Sandbox, p7m: &[u8], content: &[u8], cades: bool) -> testkit::ToolOutput {
    let desk = tempfile::tempdir().unwrap();
    let (signature, text) = (desk.path().join("a.p7m"), desk.path().join("content"));
    fs::write(&signature, p7m).unwrap();
    fs::write(&text, content).unwrap();
    let root = sandbox.root();
    let mut arguments = vec!["cms", "-verify", "-binary", "-inform", "DER"];
    arguments.extend(cades.then_some("-cades"));
    let paths = [&signature, &text, &root].map(|path| path.to_str().unwrap());
    arguments.extend(["-in", paths[0], "-content", paths[1], "-CAfile", paths[2]]);
    arguments.extend(["-purpose", "any", "-out", "/dev/null"]);
    openssl(arguments, b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_signed_in_every_form() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.approved(&ANA).await;
        let [d256, d384, d512] = [Sha256, Sha384, Sha512].map(digest);
        // An attribute of the client's own, DER: a description as a UTF8String.
        let other =
            b"\x30\x16\x06\x0a\x2b\x06\x01\x04\x01\x81\xfd\x59\x02\x01\x31\x08\x0c\x06choice";
        let forms = [
            (d256.clone(), hashfile(&d256, "sha256", json!({})), true),
            (
                d256.clone(),
                hashfile(&as_attribute(&d256), "sha256WithRSAEncryption", json!({})),
                true,
            ),
            (
                d384.clone(),
                hashfile(&d384, "sha384", json!({ "addSigningTime": 0 })),
                true,
            ),
            (
                d512.clone(),
                hashfile(
                    &as_attribute(&d512),
                    "sha512",
                    json!({ "otherAuthAttributes": [STANDARD.encode(other)] }),
                ),
                true,
            ),
            (
                d256.clone(),
                hashfile(&d256, "sha256", json!({ "addAuthAttribute": 0 })),
                false,
            ),
        ];
        // With a PDF among them, in one call.
        let mut files: Vec<_> = forms
            .iter()
            .map(|(_, file, _)| ("hashfile", "hash.json", file.clone()))
            .collect();
        files.push(("file", "agreement.pdf", specimen("agreement.pdf")));
        let uploaded = client.documents(pks, &files).await.payload();
        let uploaded = uploaded.as_array().unwrap();
        let uid = |at: usize| uploaded[at]["uid"].as_str().unwrap();
        for (at, (digest, file, _)) in forms.iter().enumerate() {
            assert_eq!(uploaded[at]["digest"], hex::encode(digest));
            let original = client.document(pks, "original", uid(at)).await;
            assert_eq!(original.header("content-type"), "application/json");
            assert!(original.body == file);
            client
                .document(pks, "signed", uid(at))
                .await
                .refused(404, "Document not found");
        }
        let listed = client
            .get(&format!("/documents/{}", pks.request))
            .await
            .payload();
        let one = &listed[uid(0)];
        assert_eq!(
            (&one["ext"], &one["mime"]),
            (&json!(".json"), &json!("application/json"))
        );
        assert_eq!(
            (&one["digest"], &one["signed"]),
            (&json!(hex::encode(&d256)), &json!(false))
        );
        assert_eq!(listed[uid(5)]["mime"], "application/pdf");

        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        client.document(pks, "signed", uid(5)).await.pdf();
        for (at, (_, _, cades)) in forms.iter().enumerate() {
            let signed = client.document(pks, "signed", uid(at)).await;
            assert_eq!(signed.header("content-type"), "application/pkcs7-mime");
            assert!(signed.header("content-disposition").contains("hash.p7m"));
            judged(&sandbox, &signed.body, CONTENT, *cades).must_accept();
            judged(&sandbox, &signed.body, b"something else", *cades).must_refuse();
            let arguments = ["cms", "-cmsout", "-print", "-noout", "-inform", "DER"];
            let shown = openssl(arguments, &signed.body).must_accept().text();
            assert!(shown.contains("timeStampToken"), "{shown}");
            assert_eq!(
                shown.contains("signingTime"),
                *cades && at != 2,
                "{at}: {shown}"
            );
            assert_eq!(
                shown.contains("1.3.6.1.4.1.32473.2.1"),
                at == 3,
                "{at}: {shown}"
            );
        }
        assert_eq!(
            client
                .get(&format!("/documents/{}", pks.request))
                .await
                .payload()[uid(0)]["signed"],
            true
        );

        let path = format!("/document/{}/{}", pks.request, uid(0));
        client
            .delete(&path)
            .await
            .said("Document successfully deleted");
        client.get(&path).await.refused(404, "Document not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_digest_is_answered_as_one_document_is() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let file = hashfile(&digest(Sha256), "sha256", json!({}));
        let payload = upload(&client, pks, file).await.payload();
        match dialect {
            Dialect::New => {
                assert_eq!(keys(&payload), ["name", "uid"]);
                assert_eq!(payload["name"], "hashfile");
            }
            Dialect::Legacy => assert!(payload.is_string()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_digest_is_refused_with_the_reason() {
    let sandbox = Sandbox::shared();
    let digest = digest(Sha256);
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        let nothing = upload(&client, pks, b"{}".to_vec()).await;
        nothing.refused(
            400,
            "Missing required parameters: messageDigest, digestAlgorithm",
        );
        let broken = upload(&client, pks, b"{".to_vec()).await.refusal(400);
        assert!(broken.starts_with("Could not parse JSON body"), "{broken}");
        let ours = STANDARD.encode(as_attribute(&digest));
        for (file, member) in [
            (hashfile(&digest, "md5", json!({})), "digestAlgorithm"),
            (hashfile(&digest, "sha512", json!({})), "messageDigest"),
            (
                hashfile(&digest[..20], "sha256", json!({})),
                "messageDigest",
            ),
            (
                hashfile(
                    &digest,
                    "sha256",
                    json!({ "otherAuthAttributes": ["MAA="] }),
                ),
                "otherAuthAttributes",
            ),
            (
                hashfile(&digest, "sha256", json!({ "otherAuthAttributes": [ours] })),
                "otherAuthAttributes",
            ),
            (
                hashfile(&digest, "sha256", json!({ "addAuthAttribute": "maybe" })),
                "addAuthAttribute",
            ),
        ] {
            let refused = upload(&client, pks, file).await.refusal(400);
            assert!(refused.contains(member), "{member}: {refused}");
        }
        let large = upload(&client, pks, vec![b' '; (256 << 10) + 1]).await;
        large.refusal(413);
        // A bad one among good ones: none is taken.
        let good = hashfile(&digest, "sha256", json!({}));
        let bad = hashfile(&digest, "md5", json!({}));
        let files = [("hashfile", "a.json", good), ("hashfile", "b.json", bad)];
        client.documents(pks, &files).await.refusal(400);
        let listed = client.get(&format!("/documents/{}", pks.request)).await;
        listed.refused(404, "No documents found for specified Request");
    }
}
