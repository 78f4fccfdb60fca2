//! Two who sign: the signer with a one-time key, and somebody whose key is here for good.

use std::fs;

use serde_json::{Value, json};
use testkit::{Offline, pdfsig, pyhanko_offline, run};

use crate::acts::{approved, moment, order, soon_after, upload, verified};
use crate::client::{ANA, DIALECTS, Dialect, specimen};
use crate::harness::{Options, Sandbox};
use crate::registration::client::{Api, PIN, merged, text};

/// Credentials of a key that was enrolled through the Registration Authority API, and of the officer.
async fn countersigners(sandbox: &Sandbox) -> [Value; 2] {
    let api = Api::of(sandbox);
    let (case, secrets) = api.issued(sandbox).await;
    let password = text(&secrets["enrollment_code"]);
    sandbox.confide(password);
    let subscriber = json!({ "username": case.sn, "password": password, "pin": PIN });
    let mut officer = sandbox.client(Dialect::New).officer();
    officer.as_object_mut().unwrap().remove("rao");
    [subscriber, officer]
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_ask_for_it_are_signed_by_both_and_the_rest_by_one() {
    let sandbox = Sandbox::start(Options::default());
    let metadata = json!({ "metadata": "b3JkZXIgNDcxMQ==", "metadata_oid": "1.3.6.1.4.1.32473.1" });
    let credentials = countersigners(&sandbox).await;
    let desk = tempfile::tempdir().unwrap();
    for (dialect, credentials) in DIALECTS.into_iter().zip(credentials) {
        for level in ["LTV", "LTVA"] {
            let client = sandbox.client(dialect);
            let stored = client.post("/metadata", &metadata).await.payload();
            let pks = approved(&client).await;
            let files = ["agreement.pdf", "terms.pdf"].map(|name| ("file", name, specimen(name)));
            let uids = upload(&client, pks, &files).await;
            let look = json!({ "position": "60,100,260,150", "page": 0,
                               "signature_format": { "text_format": ["Second: %(CN)s"] } });
            let place = json!({ "position": "300,100,500,150", "page": 0 });
            let body = json!({
                "options": { &uids[0]: merged(place.clone(), json!({ "usecountersignature": true })),
                             &uids[1]: place },
                "signature_format": { "text_format": ["First: %(CN)s"] },
                "metadata": stored["metadata"],
                "signature": { "level": level },
                "countersignature": merged(credentials.clone(), look),
            });
            client
                .sign(pks, &order(body))
                .await
                .said("Documents correctly signed");

            let baseline = if level == "LTV" { "B-LT" } else { "B-LTA" };
            for (uid, signers) in uids.iter().zip([2, 1]) {
                let path = desk.path().join(format!("{uid}.pdf"));
                let signed = client.document(pks, "signed", uid).await.pdf();
                fs::write(&path, &signed).unwrap();
                let mut reports = pdfsig(&path, &sandbox.root());
                // Poppler lists archive time-stamps, whose form is unknown to it.
                reports.retain(|report| report.signature_type == "ETSI.CAdES.detached");
                assert_eq!(reports.len(), signers, "{reports:?}");
                assert!(reports.iter().all(|report| report.valid), "{reports:?}");
                let moment = moment(soon_after(&signed));
                let theirs =
                    pyhanko_offline(&moment, &[&path], &sandbox.root(), Offline::FileAlone);
                assert_eq!(theirs[0].len(), signers);
                for report in &theirs[0] {
                    let good = report.bottom_line && report.ades == "PASSED";
                    assert!(good, "{report:?}");
                }
                let ours = &verified(&sandbox.root(), std::slice::from_ref(&path), &[])[0];
                assert_eq!(ours["valid"], true, "{ours:#}");
                for signature in ours["signatures"].as_array().unwrap() {
                    assert_eq!(signature["level"], baseline, "{ours:#}");
                }
                let first = ["-f", "1", "-l", "1", path.to_str().unwrap(), "-"];
                let page = run("pdftotext", first, b"").must_accept().text();
                assert!(
                    page.contains(&format!("First: {}", ANA.given_name)),
                    "{page}"
                );
                assert_eq!(page.contains("Second:"), signers == 2, "{page}");
                assert_eq!(metadata_in(&signed), "order 4711");
            }
        }
    }
    sandbox.audit();
}

/// What the first signature of a PDF carries under the identifier of the test.
fn metadata_in(pdf: &[u8]) -> String {
    let script = "import io, sys\n\
         from asn1crypto import cms\n\
         from pyhanko.pdf_utils.reader import PdfFileReader\n\
         signature = PdfFileReader(io.BytesIO(sys.stdin.buffer.read())).embedded_signatures[0]\n\
         container = cms.ContentInfo.load(signature.pkcs7_content)\n\
         for attribute in container['content']['signer_infos'][0]['signed_attrs']:\n\
         \tif attribute['type'].dotted == '1.3.6.1.4.1.32473.1':\n\
         \t\tsys.stdout.buffer.write(attribute['values'][0].parse().native)";
    run("python", ["-c", script], pdf).must_accept().text()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_countersigner_who_may_nothing_is_signed() {
    let sandbox = Sandbox::start(Options::default());
    let [subscriber, officer] = countersigners(&sandbox).await;
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = approved(&client).await;
        let terms = ("file", "terms.pdf", specimen("terms.pdf"));
        let uids = upload(&client, pks, &[terms]).await;
        let wanted =
            json!({ "position": "60,100,260,150", "page": 0, "usecountersignature": "true" });
        let body = |second: Option<Value>| {
            let mut body = order(json!({ "options": { &uids[0]: wanted } }));
            if let Some(second) = second {
                body["countersignature"] = second;
            }
            body
        };
        let wrong = |member: &str, value: &str| {
            let mut second = subscriber.clone();
            second[member] = value.into();
            Some(second)
        };
        let incomplete = json!({ "username": officer["username"] });
        for second in [
            None,
            Some(incomplete),
            wrong("username", "nobody"),
            wrong("password", "guessed"),
            wrong("pin", "0000000x"),
        ] {
            let refused = client.sign(pks, &body(second)).await;
            refused.refused(403, "Invalid countersignature credentials");
        }
        assert_eq!(client.status(pks).await, "ENROLLREADY");
        assert_eq!(client.record(pks).await["certificate_set"], json!([]));
        let signed = client.sign(pks, &body(Some(officer.clone()))).await;
        signed.said("Documents correctly signed");
    }
}
