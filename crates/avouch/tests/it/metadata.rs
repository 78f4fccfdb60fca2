//! Metadata that signatures carry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use crate::client::{ANA, DIALECTS, Dialect, external_unlock, keys};
use crate::harness::{Options, Sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_stored_read_listed_and_deleted() {
    let sandbox = Sandbox::start(Options::default());
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let nothing = "Metadata not found on disk";
        client.get("/metadata").await.refused(404, nothing);
        let body = json!({ "metadata": "b3JkZXIgNDcxMQ==", "metadata_oid": "1.3.6.1.4.1.32473.1" });
        let stored = client.post("/metadata", &body).await.payload();
        assert_eq!(keys(&stored), ["metadata"]);
        let uid = stored["metadata"].as_str().unwrap().to_owned();
        assert!(
            uid.len() == 32 && uid.bytes().all(|c| c.is_ascii_hexdigit()),
            "{uid}"
        );
        let other = json!({ "metadata": "AA==", "metadata_oid": "1.2.3.4" });
        let other = client.post("/metadata", &other).await.payload();
        let other = other["metadata"].as_str().unwrap();

        let path = format!("/metadata/{uid}");
        let one = json!({ "oid": "1.3.6.1.4.1.32473.1", "metadata": "b3JkZXIgNDcxMQ==" });
        assert_eq!(client.get(&path).await.payload(), one);
        let listed = client.get("/metadata").await.payload();
        assert_eq!(keys(&listed), [uid.as_str(), other], "oldest first");
        assert_eq!(listed[&uid], one);

        client
            .delete(&path)
            .await
            .said("Metadata successfully deleted");
        client.get(&path).await.refused(404, nothing);
        client.delete(&path).await.refused(404, nothing);
        client
            .delete("/metadata")
            .await
            .said("All metadata deleted");
        client
            .delete("/metadata")
            .await
            .said("All metadata deleted");
        client.get("/metadata").await.refused(404, nothing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_is_refused() {
    let sandbox = Sandbox::start(Options::default());
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let missing = client.post("/metadata", &json!({})).await;
        missing.refused(400, "Missing required parameters: metadata, metadata_oid");
        let broken = client
            .send(client.request(Method::POST, "/metadata").body("{"))
            .await;
        assert!(broken.refusal(400).starts_with("Could not parse JSON body"));
        if dialect == Dialect::Legacy {
            assert_eq!(broken.json()["status"], "400 Invalid JSON");
        }
        // The last two are the message digest and the signature time-stamp.
        let digest = ["1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.14"];
        for oid in ["order", "3.1", "1", ""].into_iter().chain(digest) {
            let body = json!({ "metadata": "AA==", "metadata_oid": oid });
            let refused = client.post("/metadata", &body).await.refusal(400);
            assert!(refused.contains("metadata_oid"), "{oid}: {refused}");
        }
        let large = STANDARD.encode(vec![0; (64 << 10) + 1]);
        for metadata in ["%%", &large] {
            let body = json!({ "metadata": metadata, "metadata_oid": "1.2.3.4" });
            let refused = client.post("/metadata", &body).await.refusal(400);
            assert!(refused.contains("metadata"), "{refused}");
        }
        client.get("/metadata").await.refusal(404);
    }
}

/// The attribute in the signature of a PDF, read by pyHanko.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_carry_it_under_its_identifier() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::Legacy);
    let body = json!({ "metadata": STANDARD.encode("order 4711"),
                       "metadata_oid": "1.3.6.1.4.1.32473.1" });
    let stored = client.post("/metadata", &body).await.payload();
    let pks = client.approved(&ANA).await;
    let document = client.agreement(pks).await;
    let mut order = external_unlock();
    order["metadata"] = json!("00000000000040008000000000000000");
    let unknown = client.sign(pks, &order).await;
    unknown.refused(404, "Metadata not found on disk");
    order["metadata"] = stored["metadata"].clone();
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    let signed = client.document(pks, "signed", &document).await.pdf();
    let script = "import io, sys\n\
         from pyhanko.pdf_utils.reader import PdfFileReader\n\
         signature = PdfFileReader(io.BytesIO(sys.stdin.buffer.read())).embedded_signatures[0]\n\
         for attribute in signature.signer_info['signed_attrs']:\n\
         \tif attribute['type'].dotted == '1.3.6.1.4.1.32473.1':\n\
         \t\tsys.stdout.buffer.write(attribute['values'][0].parse().native)";
    let carried = testkit::run("python", ["-c", script], &signed).must_accept();
    assert_eq!(carried.text(), "order 4711");
    // Deleted metadata stays in what was signed, and a signature that is there already is not asked.
    client
        .delete("/metadata")
        .await
        .said("All metadata deleted");
    client.document(pks, "signed", &document).await.pdf();
}
