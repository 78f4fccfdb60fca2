//! The contract that goes out by mail, before judges: both signatures, and still a PDF/A.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{qpdf_check, run};

use super::super::client::{Api, CARD, CLOUD, PIN, SOFTWARE, Visitor, decoded};
use super::Invited;
use super::enrolment::card_request;
use crate::harness::Sandbox;
use crate::judges::{check_pdfsig, check_pyhanko, common_name_of};

#[tokio::test(flavor = "multi_thread")]
async fn officer_and_subscriber_have_signed_what_is_mailed() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (profile, language) in [(CLOUD, "es"), (SOFTWARE, "it"), (CARD, "en")] {
        let Invited { case, link, .. } = Invited::to(&sandbox, &api, profile, language).await;
        let mut visitor = Visitor::at(&link);
        let approved = visitor.open("/contract.pdf").await;
        assert_eq!(approved.header("content-type"), "application/pdf");
        if profile == CARD {
            visitor.ask_for_code().await;
            let (request, _) = card_request(folder.path(), 0);
            let request = fs::read_to_string(request).expect("just written");
            let code = sandbox.code_for(case.pk).await;
            let form = [("code", code.as_str()), ("request_text", &request)];
            assert_eq!(visitor.send("/enrol", &form).await.status, 200);
        } else {
            visitor.enrol(&sandbox, &case, PIN).await;
        }

        let mail = sandbox.nth_mail_for(case.pk, 2).await;
        let record = api.record(&case).await;
        let attachments = mail["attachments"].as_array().expect("a list");
        let attached = &attachments[0];
        assert_eq!(attached["media_type"], "application/pdf");
        if profile == CARD {
            // What its owner loads onto the card.
            assert_eq!(attachments[1]["media_type"], "application/pkix-cert");
            assert_eq!(
                attachments[1]["content"],
                record["certificate_set"][0]["data"]
            );
        }
        assert_eq!(attachments.len(), 1 + usize::from(profile == CARD));
        let mailed = decoded(&attached["content"]);
        let body = json!({ "type": "signed_contract" });
        let papers = api.post(&case.path("pl_get_document/"), &body).await.ok();
        assert!(
            decoded(&papers[0]["document"]) == mailed,
            "the same by the API"
        );
        let shown = visitor.open("/contract.pdf").await;
        assert!(shown.body == mailed, "the same on the page");
        assert!(
            mailed.starts_with(&approved.body),
            "what was read is what is signed"
        );

        let officer = name_of(&record["approving_rao"]["certificate"]);
        let subscriber = name_of(&record["certificate_set"][0]);
        let signers = match profile {
            // A card's key is not here: its owner accepted by the code.
            CARD => vec![officer.as_str()],
            _ => vec![officer.as_str(), subscriber.as_str()],
        };
        let [first, last] = [("approved", &approved.body[..]), ("mailed", &mailed)]
            .map(|(name, pdf)| (folder.path().join(format!("{name}.pdf")), pdf))
            .map(|(path, pdf)| {
                fs::write(&path, pdf).expect("the folder is writable");
                path
            });
        judged(&first, &sandbox.root(), &signers[..1]);
        judged(&last, &sandbox.root(), &signers);
    }
}

/// Poppler, pyHanko and qpdf accept the file, which declares itself a PDF/A-2b.
#[track_caller]
fn judged(path: &Path, root: &Path, signers: &[&str]) {
    check_pdfsig(path, root, signers);
    check_pyhanko(path, root, signers);
    qpdf_check(path).must_accept();
    let declared = run("pdfinfo", ["-meta".as_ref(), path.as_os_str()], b"");
    let declared = declared.must_accept().text();
    for part in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>B</pdfaid:conformance>",
    ] {
        assert!(declared.contains(part), "no {part}: {declared}");
    }
}

/// The common name in a certificate of the API: DER in Base64.
fn name_of(certificate: &Value) -> String {
    let arguments = ["x509", "-inform", "DER"];
    let pem = testkit::openssl(arguments, &decoded(&certificate["data"]));
    common_name_of(&pem.must_accept().text())
}
