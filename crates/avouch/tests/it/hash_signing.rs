//! Digests at every level and beside PDFs, judged by OpenSSL, by pyHanko and by `avouch verify`.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::Digest;
use model::DigestAlgorithm::{Sha256, Sha384, Sha512};
use serde_json::{Value, json};
use testkit::{openssl, run};

use crate::acts::{approved, order, upload, verified};
use crate::client::{DIALECTS, specimen};
use crate::harness::Sandbox;

const CONTENT: &[u8] = b"a contract that its owner keeps";

/// What pyHanko and asn1crypto find in a container over [`CONTENT`], by an implementation of CMS that
/// has nothing to do with ours.
fn pyhanko_says(p7m: &Path, root: &Path) -> Value {
    let script = "import asyncio, json, sys\n\
         from asn1crypto import cms\n\
         from pyhanko.keys import load_cert_from_pemder\n\
         from pyhanko.sign.validation import async_validate_detached_cms\n\
         from pyhanko_certvalidator import ValidationContext\n\
         container = cms.ContentInfo.load(open(sys.argv[1], 'rb').read())['content']\n\
         context = ValidationContext(trust_roots=[load_cert_from_pemder(sys.argv[2])])\n\
         status = asyncio.run(async_validate_detached_cms(sys.argv[3].encode(), container, context))\n\
         signer = container['signer_infos'][0]\n\
         stamp = status.timestamp_validity\n\
         json.dump({\n\
         'sound': status.intact and status.valid and status.trusted,\n\
         'stamp': stamp and stamp.intact and stamp.valid and stamp.trusted,\n\
         'digest': signer['digest_algorithm']['algorithm'].native,\n\
         'content': container['encap_content_info']['content'].native,\n\
         'attributes': [one['type'].dotted for one in signer['signed_attrs']],\n\
         }, sys.stdout)";
    let content = std::str::from_utf8(CONTENT).unwrap();
    let [p7m, root] = [p7m, root].map(|path| path.to_str().unwrap());
    let output = run("python", ["-c", script, p7m, root, content], b"").must_accept();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_has_the_level_that_it_can_have() {
    let sandbox = Sandbox::shared();
    let root = sandbox.root();
    let desk = tempfile::tempdir().unwrap();
    let content = desk.path().join("content");
    fs::write(&content, CONTENT).unwrap();
    let algorithms = [
        (Sha256, "sha256WithRSAEncryption", "sha256"),
        (Sha384, "sha384", "sha384"),
        (Sha512, "sha512", "sha512"),
    ];
    for (level, reached, pdf_level) in [
        ("BASIC", "B-B", "B-B"),
        ("T", "B-T", "B-T"),
        ("LTV", "B-T", "B-LT"),
        ("LTVA", "B-T", "B-LTA"),
    ] {
        let dialect = DIALECTS[usize::from(level.len() > 3)];
        let client = sandbox.client(dialect);
        let pks = approved(&client).await;
        let mut files = vec![("file", "terms.pdf", specimen("terms.pdf"))];
        for (algorithm, name, _) in algorithms {
            let digest = STANDARD.encode(Digest::of(algorithm, CONTENT).as_bytes());
            let file = json!({ "messageDigest": digest, "digestAlgorithm": name });
            files.push(("hashfile", "hash.json", file.to_string().into_bytes()));
        }
        let uids = upload(&client, pks, &files).await;
        // Nothing shows on what is no PDF, whatever is asked for.
        let look = json!({ "position": "300,100,500,150", "page": 0 });
        let signature = json!({ "level": level, "appearance": look });
        client
            .sign(pks, &order(json!({ "signature": signature })))
            .await
            .said("Documents correctly signed");

        let tolerant = "--tolerate-missing-revocation";
        let pdf = desk.path().join("terms.pdf");
        let signed = client.document(pks, "signed", &uids[0]).await.pdf();
        fs::write(&pdf, &signed).unwrap();
        let ours = &verified(&root, &[pdf], &[tolerant])[0];
        assert_eq!(ours["signatures"][0]["level"], pdf_level, "{ours:#}");

        for (uid, (_, _, name)) in uids[1..].iter().zip(algorithms) {
            let signed = client.document(pks, "signed", uid).await;
            assert_eq!(signed.header("content-type"), "application/pkcs7-mime");
            let p7m = desk.path().join("hash.p7m");
            fs::write(&p7m, &signed.body).unwrap();

            let [file, about, trusted] = [&p7m, &content, &root].map(|path| path.to_str().unwrap());
            let verify = ["cms", "-verify", "-cades", "-binary", "-inform", "DER"];
            let what = ["-in", file, "-content", about, "-CAfile", trusted];
            let rest = ["-purpose", "any", "-out", "/dev/null"];
            openssl(verify.into_iter().chain(what).chain(rest), b"").must_accept();

            let theirs = pyhanko_says(&p7m, &root);
            assert_eq!(theirs["sound"], true, "{theirs}");
            let stamp = match reached {
                "B-T" => json!(true),
                _ => Value::Null,
            };
            assert_eq!(theirs["stamp"], stamp, "{level}: {theirs}");
            assert_eq!(theirs["digest"], name);
            assert_eq!(theirs["content"], Value::Null, "the content is elsewhere");
            let signing_certificate = json!("1.2.840.113549.1.9.16.2.47");
            let attributes = theirs["attributes"].as_array().unwrap();
            assert!(attributes.contains(&signing_certificate), "{theirs}");

            let flags = [tolerant, "--content", about];
            let ours = &verified(&root, std::slice::from_ref(&p7m), &flags)[0];
            assert_eq!(ours["valid"], true, "{ours:#}");
            assert_eq!(ours["signatures"][0]["level"], reached, "{ours:#}");
        }
    }
}
