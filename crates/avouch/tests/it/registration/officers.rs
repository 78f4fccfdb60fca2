//! How there come to be more officers: the first one is made with the installation, every further
//! one enrols like any subscriber and is appointed.

use serde_json::{Value, json};
use testkit::openssl;

use super::client::{Api, CLOUD, PIN, decoded, merged, text};
use super::parties::Operator;
use crate::client::ANA;
use crate::harness::Sandbox;

/// What appoints the holder of a certificate.
fn appointment(api: &Api, certificate: &Value) -> Value {
    json!({
        "registration_authority_master": api.ra.to_string(),
        "registration_authority": [api.ra],
        "certificate": certificate,
        "given_name": "Rosa",
        "surname_1": "Segunda",
        "surname_2": "Oficial",
        "id_document_number": "00000001R",
        "email": "rosa@example.org",
        "is_identificator": true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_appointed_and_approves_and_so_is_the_next() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let mut officer = api.officer();
    // The first approves the second, the second the third.
    for by_number in [false, true] {
        let case = api.new_classic_request().await;
        api.upload_documents(&case).await;
        let approved = api.post(&case.path("pl_approve/"), &officer).await.ok();
        assert_eq!(
            approved["request"]["approving_rao"]["pk"],
            officer["rao_id"]
        );
        api.enrol_cloud(&sandbox, &case).await;
        let certificate = api.record(&case).await["certificate_set"][0].clone();

        let named = match by_number {
            true => json!(case.pk),
            false => certificate["data"].clone(),
        };
        let appointed = api.post("/rao/", &appointment(&api, &named)).await.ok();
        assert_eq!(
            appointed["certificate"]["serial_number"],
            certificate["serial_number"]
        );
        assert_eq!(appointed["certificate"]["valid"], "VALID");
        assert_eq!(appointed["registration_authority"], json!([api.ra]));
        assert_eq!(appointed["is_identificator"], true);
        let again = api.post("/rao/", &appointment(&api, &named)).await;
        assert_eq!(again.refusal(500)["code"], "500");
        officer = json!({
            "username": case.sn, "password": approved["secrets"]["enrollment_code"], "pin": PIN,
            "rao_id": appointed["pk"],
        });
    }

    // The third decides everything that an officer decides.
    let filmed = api.reviewable().await;
    let receipt = json!({ "rao": officer["rao_id"], "type": "APPROVE" });
    let declared = api
        .post(&filmed.path("generates_tbs_receipt/"), &receipt)
        .await
        .ok();
    assert!(
        text(&declared["receipt"]).contains("Rosa Segunda Oficial"),
        "{declared}"
    );
    let validated = api
        .post(&filmed.path("validate_videoid"), &officer)
        .await
        .ok();
    let operator = &validated["request"]["videoid_data"]["validation_operator"];
    assert_eq!(operator["pk"], officer["rao_id"]);
    api.post(&filmed.path("pl_approve/"), &officer).await.ok();
    let body = json!({ "type": "signed_contract" });
    let contract = api.post(&filmed.path("pl_get_document/"), &body).await.ok();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("contract.pdf");
    std::fs::write(&path, decoded(&contract[0]["document"])).expect("the folder is writable");
    let signatures = testkit::pdfsig(&path, &sandbox.root());
    assert_eq!(signatures.len(), 1, "{signatures:?}");
    assert!(signatures[0].valid, "{signatures:?}");
    // With the key that was made when the officer enrolled as a subscriber.
    let record = api.record(&filmed).await;
    let der = decoded(&record["approving_rao"]["certificate"]["data"]);
    let options = ["-noout", "-subject", "-nameopt", "utf8,sname"];
    let subject = openssl([&["x509", "-inform", "DER"][..], &options].concat(), &der);
    let subject = subject.must_accept().text();
    assert!(
        subject.contains(ANA.given_name),
        "not the subscriber's: {subject}"
    );
    let refused = api.reviewable().await;
    let body = merged(officer.clone(), json!({ "reason": "blurred document" }));
    let answer = api.post(&refused.path("refuse_videoid"), &body).await.ok();
    assert_eq!(
        answer,
        json!({ "videoid_status": "REFUSED", "reason": "blurred document" })
    );
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officers_power_ends_with_its_certificate() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (case, secrets) = api.issued(&sandbox).await;
    let appointed = api
        .post("/rao/", &appointment(&api, &json!(case.pk)))
        .await
        .ok();
    let officer = json!({ "username": case.sn, "password": secrets["enrollment_code"],
                          "pin": PIN, "rao_id": appointed["pk"] });
    let classic = api.new_classic_request().await;
    api.upload_documents(&classic).await;
    let act = |reason: &'static str| {
        let body = json!({ "scratchcard": case.sn, "erc": secrets["erc"], "reason": reason });
        let api = &api;
        async move { api.post("/scratchcards/revoke/", &body).await.ok() }
    };
    act("CERTIFICATEHOLD").await;
    let answer = api.post(&classic.path("pl_approve/"), &officer).await;
    answer.refused(403, "403", "Invalid RAO credentials");
    assert_eq!(api.status(&classic).await, "CREATED");
    act("NOT_REVOKED").await;
    api.post(&classic.path("pl_approve/"), &officer).await.ok();
    act("PRIVILEGESWITHDRAWN").await;
    let filmed = api.reviewable().await;
    for path in ["validate_videoid", "pl_approve/", "refuse_videoid"] {
        let answer = api.post(&filmed.path(path), &officer).await;
        answer.refused(403, "403", "Invalid RAO credentials");
    }
    let seen = api.get(&format!("/rao/{}/", appointed["pk"])).await.ok();
    assert_eq!(seen["certificate"]["valid"], "REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_appointed_without_a_good_certificate_from_here() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (early, _) = api.approved(CLOUD).await;
    let (revoked, secrets) = api.issued(&sandbox).await;
    let body = json!({ "scratchcard": revoked.sn, "erc": secrets["erc"], "reason": "SUPERSEDED" });
    api.post("/scratchcards/revoke/", &body).await.ok();
    let other = api.record(&revoked).await["certificate_set"][0]["data"].clone();
    let user = Operator::of(&sandbox).new_user(api.ra, "read-only");
    let machine = std::fs::read_to_string(&user.certificate).expect("a PEM file");
    let ca = std::fs::read_to_string(sandbox.dir().join("keys/issuing.crt")).expect("a PEM file");
    for certificate in [
        json!(early.pk),
        json!(revoked.pk),
        other,
        json!(987_654_321),
        json!(0),
        json!("MAMCAQA="),
        json!("no certificate"),
        json!(machine),
        json!(ca),
    ] {
        let answer = api.post("/rao/", &appointment(&api, &certificate)).await;
        let said = answer.refusal(500);
        assert!(text(&said["error"]).contains("'certificate'"), "{answer}");
    }
    let answer = api.post("/rao/", &json!({})).await;
    let said = answer.refusal(500);
    for name in [
        "registration_authority_master",
        "certificate",
        "given_name",
        "surname_1",
    ] {
        assert!(
            text(&said["error"]).contains(&format!("'{name}'")),
            "{name}: {answer}"
        );
    }
}
