//! The workflow from creation to signed documents, in both dialects, with the statuses read back
//! after every step and every envelope checked by its shape.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::client::{ANA, Dialect, OneShot, Pks, evidence, external_unlock, keys, specimen, video};
use crate::harness::Sandbox;

/// How a run approves and signs.
#[derive(Clone, Copy)]
pub enum Way {
    TokenAndCode,
    CredentialsAndExternal,
    CredentialsAndCode,
    TokenAndExternal,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_dialect_from_end_to_end() {
    let sandbox = Sandbox::shared();
    run(&sandbox, &sandbox.client(Dialect::New), Way::TokenAndCode).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_dialect_with_a_slash_at_the_end_of_every_path() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New).with_slash();
    run(&sandbox, &client, Way::CredentialsAndExternal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_legacy_dialect_from_end_to_end_with_request_pk_only() {
    let sandbox = Sandbox::shared();
    run(
        &sandbox,
        &sandbox.client(Dialect::Legacy),
        Way::CredentialsAndCode,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_legacy_dialect_with_a_slash_at_the_end_of_every_path() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::Legacy).with_slash();
    run(&sandbox, &client, Way::TokenAndExternal).await;
}

/// One request from its creation to the removal of its signed documents.
pub async fn run(sandbox: &Sandbox, client: &OneShot, way: Way) {
    let pks = create(client).await;
    bring_evidence(client, pks).await;
    correct(client, pks).await;
    approve(client, pks, way).await;
    let documents = upload(client, pks).await;
    let contract = client.contract(pks).await.pdf();
    match way {
        Way::TokenAndCode | Way::CredentialsAndCode => sign_by_code(sandbox, client, pks).await,
        Way::CredentialsAndExternal | Way::TokenAndExternal => {
            sign_by_external_unlock(client, pks).await;
        }
    }
    issued(client, pks).await;
    fetch(client, pks, &documents).await;
    let signed = client.contract(pks).await.pdf();
    assert!(signed.len() > contract.len() && signed.starts_with(&contract));
    let drawn_up = client
        .get(&format!("/contract/{}?document_type=original", pks.request))
        .await;
    let drawn_up = drawn_up.pdf();
    assert!(drawn_up.len() < contract.len() && contract.starts_with(&drawn_up));
    clear_away(client, pks, &documents).await;
    assert_eq!(client.status(pks).await, "ISSUED");
}

async fn create(client: &OneShot) -> Pks {
    let answer = client.post("/videoid", &client.creation_of(&ANA)).await;
    let body = answer.success();
    let payload = answer.payload();
    assert_eq!(keys(&payload), ["videoid_pk", "videoid_link", "request_pk"]);
    assert_eq!(payload["videoid_link"], "");
    let pks = Pks {
        request: payload["request_pk"].as_i64().unwrap(),
        videoid: payload["videoid_pk"].as_i64().unwrap(),
    };
    assert_ne!(pks.request, pks.videoid);
    let message = format!("VideoID created with pk {}", pks.videoid);
    match client.dialect {
        Dialect::New => assert_eq!(
            body,
            json!({ "status": "success", "messsage": message, "message": message,
                    "detail": payload, "details": payload })
        ),
        Dialect::Legacy => assert_eq!(body, json!({ "status": "200 OK", "details": payload })),
    }
    assert_eq!(client.status(pks).await, "VIDEOPENDING");
    pks
}

async fn bring_evidence(client: &OneShot, pks: Pks) {
    let uploaded = client.evidences(pks, &evidence()).await.success();
    let expected = match client.dialect {
        Dialect::New => {
            let stands = json!({ "status": "VIDEOINCOMPLETE", "missing": ["video"] });
            json!({ "status": "success", "message": "Videoid evidences uploaded",
                    "detail": stands, "details": stands, "missing": ["video"] })
        }
        Dialect::Legacy => json!({ "status": "200 OK", "details": "Videoid evidences uploaded",
                                   "missing": ["video"] }),
    };
    assert_eq!(uploaded, expected);
    assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
    client
        .contract(pks)
        .await
        .refused(412, "Invalid request status");

    let uploaded = client.video(pks, video()).await.success();
    let expected = match client.dialect {
        Dialect::New => {
            let stands = json!({ "status": "VIDEOREVIEW", "missing": [] });
            json!({ "status": "success", "message": "Videoid video upload completed",
                    "detail": stands, "details": stands })
        }
        Dialect::Legacy => {
            json!({ "status": "200 OK", "details": "Videoid video upload completed" })
        }
    };
    assert_eq!(uploaded, expected);
    assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    client
        .contract(pks)
        .await
        .refused(412, "Invalid request status");
}

/// The record before approval, and a correction of it.
async fn correct(client: &OneShot, pks: Pks) {
    let record = client.record(pks).await;
    let scratchcard = record["scratchcard"].as_str().unwrap().to_owned();
    assert_eq!(scratchcard.len(), 7, "{scratchcard}");
    let mut expected = json!({
        "pk": pks.request,
        "status": "VIDEOREVIEW",
        "profile": "PFnubeNC",
        "registration_authority": client.creation_of(&ANA)["registration_authority"],
        "scratchcard": scratchcard,
        "secure_element": 2,
        "validity_time": "1",
        "given_name": ANA.given_name,
        "surname_1": ANA.surname_1,
        "surname_2": ANA.surname_2,
        "serial_number": ANA.serial_number,
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "country_name": "ES",
        "email": ANA.email,
        "mobile_phone_number": ANA.phone,
        "birth_date": null,
        "communication_language": "",
        "videoid_mode": true,
        "paperless_mode": true,
        "certificate_set": [],
        "registering_user": null,
        "approving_user": null,
        "approving_rao": null,
        "videoid": {
            "videoid_pk": pks.videoid,
            "evidences_uploaded": true,
            "video_uploaded": true,
            "missing": [],
            "refuse_reason": null,
        },
    });
    assert_eq!(record, expected);

    let correction = json!({ "scratchcard": scratchcard, "surname_2": "Núñez",
                             "birth_date": "31/12/1990" });
    let answer = client
        .put(&format!("/request/{}", pks.request), &correction)
        .await;
    match client.dialect {
        Dialect::New => {
            assert_eq!(answer.json()["message"], "Request updated");
            let triple = json!({ "videoid_pk": pks.videoid, "videoid_link": "",
                                 "request_pk": pks.request });
            assert_eq!(answer.payload(), triple);
        }
        Dialect::Legacy => answer.said("Request updated"),
    }
    expected["surname_2"] = "Núñez".into();
    expected["birth_date"] = "31/12/1990".into();
    // Either number names the request.
    let by_videoid = client.get(&format!("/request/{}", pks.videoid)).await;
    assert_eq!(by_videoid.payload(), expected);

    let path = format!("/request/{}", pks.request);
    let wrong = client
        .put(&path, &json!({ "scratchcard": "1", "given_name": "Eva" }))
        .await;
    let words = format!(
        "Cannot update the Request {}: Invalid ScratchCard",
        pks.request
    );
    wrong.refused(400, &words);
    assert_eq!(client.record(pks).await, expected);
}

async fn approve(client: &OneShot, pks: Pks, way: Way) {
    let credentials = match way {
        Way::TokenAndCode | Way::TokenAndExternal => client.token(),
        Way::CredentialsAndCode | Way::CredentialsAndExternal => client.officer(),
    };
    client
        .approve(pks, &credentials)
        .await
        .said("Request approved successfully");
    assert_eq!(client.status(pks).await, "ENROLLREADY");
    client
        .approve(pks, &credentials)
        .await
        .refused(412, "Invalid request status");

    let record = client.record(pks).await;
    let rao = client.officer()["rao"].clone();
    let authority = record["registration_authority"].clone();
    let user = json!({ "pk": rao, "request": null, "permission_profile": "RAO",
                       "registration_authority": authority });
    assert_eq!(record["approving_user"], user);
    assert_eq!(record["registering_user"], user);
    let officer = &record["approving_rao"];
    assert_eq!(
        keys(officer),
        [
            "pk",
            "given_name",
            "surname_1",
            "surname_2",
            "id_document_number",
            "id_document_issuer",
            "id_document_description",
            "is_identificator",
            "registration_authority_master",
            "registration_authority",
            "certificate"
        ]
    );
    assert_eq!(officer["pk"], rao);
    assert_eq!(officer["registration_authority"], json!([authority]));
    check_certificate(&officer["certificate"]);
    assert_eq!(record["certificate_set"], json!([]));
    let closed = client.evidences(pks, &evidence()).await;
    closed.refused(
        412,
        &format!(
            "Cannot upload evidences data for Request {}: Invalid VideoId status 'COMPLETE'",
            pks.request
        ),
    );
    let path = format!("/request/{}", pks.request);
    client
        .put(&path, &json!({ "given_name": "E" }))
        .await
        .refused(412, "Invalid request status");
}

/// What was uploaded: identifier, file name, content.
type Uploaded = Vec<(String, String, Bytes)>;

async fn upload(client: &OneShot, pks: Pks) -> Uploaded {
    let [agreement, terms] = ["agreement.pdf", "terms.pdf"].map(specimen);
    // The same name twice, and a third one.
    let files = [
        ("file", "agreement.pdf", agreement.clone()),
        ("file", "terms.pdf", terms.clone()),
        ("annex", "annex.pdf", terms.clone()),
    ];
    let payload = client.documents(pks, &files).await.payload();
    let listed = payload.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let field = match client.dialect {
        Dialect::New => "name",
        Dialect::Legacy => "key",
    };
    let mut documents = Vec::new();
    for (item, (name, file_name, content)) in listed.iter().zip(files) {
        assert_eq!(keys(item), [field, "filename", "uid", "digest"]);
        assert_eq!(item[field], name);
        assert_eq!(item["filename"], file_name);
        assert_eq!(item["digest"], hex::encode(crypto::sha256(&content)));
        let uid = item["uid"].as_str().unwrap().to_owned();
        assert_eq!(uid.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
        documents.push((uid, file_name.to_owned(), Bytes::from(content)));
    }
    // One alone is answered in another form.
    let uid = client.agreement(pks).await;
    documents.push((uid, "agreement.pdf".to_owned(), agreement.into()));

    assert_eq!(client.status(pks).await, "ENROLLREADY");
    for path in ["documents", "document"] {
        let list = client
            .get(&format!("/{path}/{}", pks.request))
            .await
            .payload();
        check_list(&list, &documents, false);
    }
    for (uid, ..) in &documents {
        client
            .document(pks, "signed", uid)
            .await
            .refused(404, "Document not found");
    }
    documents
}

fn check_list(list: &Value, documents: &Uploaded, signed: bool) {
    let uids: Vec<_> = documents.iter().map(|(uid, ..)| uid.as_str()).collect();
    assert_eq!(keys(list), uids, "in the order of upload");
    for (uid, file_name, content) in documents {
        let item = &list[uid.as_str()];
        let expected = [
            "filename",
            "ext",
            "mime",
            "size",
            "upload_date",
            "signed",
            "digest",
        ];
        assert_eq!(keys(item), expected);
        assert_eq!(item["filename"], *file_name);
        assert_eq!(item["ext"], ".pdf");
        assert_eq!(item["mime"], "application/pdf");
        assert_eq!(item["size"], content.len());
        assert_eq!(item["digest"], hex::encode(crypto::sha256(content)));
        assert_eq!(item["signed"], signed);
        let date = item["upload_date"].as_str().unwrap();
        let shape: String = date
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        assert_eq!(shape, "99/99/9999 99:99:99");
    }
}

async fn sign_by_code(sandbox: &Sandbox, client: &OneShot, pks: Pks) {
    let secret = |code: &str| json!({ "secret": code });
    client
        .sign(pks, &secret("123456"))
        .await
        .refused(403, "Confirmation Code invalid");
    client.otp(pks).await.said("OTP generated");
    client.otp(pks).await.refused(
        412,
        "Error occured during OTP generation: Otp generated less than a minute ago",
    );
    let code = sandbox.code_for(pks.request).await;
    assert!(
        code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
        "{code}"
    );
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = client.sign(pks, &secret(wrong)).await;
    refused.refused(403, "Confirmation Code invalid");
    client
        .sign(pks, &json!({}))
        .await
        .refused(400, "Missing required parameter: 'secret'");
    assert_eq!(client.status(pks).await, "ENROLLREADY");

    client
        .sign(pks, &secret(&code))
        .await
        .said("Documents correctly signed");
    assert_eq!(client.status(pks).await, "ISSUED");
    let again = client.sign(pks, &secret(&code)).await;
    again.refused(412, "Request already in ISSUED status");
    client.otp(pks).await.refused(
        412,
        "Error occured during OTP generation: Invalid request status",
    );
}

async fn sign_by_external_unlock(client: &OneShot, pks: Pks) {
    for (body, other) in [
        (
            json!({ "ext_unlock_type": "biometric" }),
            "ext_unlock_value",
        ),
        (
            json!({ "secret": "1", "ext_unlock_value": "txn-0001" }),
            "ext_unlock_type",
        ),
    ] {
        let words = format!("Missing required parameter: '{other}'");
        client.sign(pks, &body).await.refused(400, &words);
    }
    let unknown = json!({ "ext_unlock_type": "astrology", "ext_unlock_value": "Leo" });
    let words = "You do not have permission to perform this action";
    client.sign(pks, &unknown).await.refused(403, words);
    assert_eq!(client.status(pks).await, "ENROLLREADY");

    let mut body = external_unlock();
    body["secret"] = "customer code".into();
    client
        .sign(pks, &body)
        .await
        .said("Documents correctly signed");
    assert_eq!(client.status(pks).await, "ISSUED");
    let again = client.sign(pks, &body).await;
    again.refused(412, "Request already in ISSUED status");
}

async fn issued(client: &OneShot, pks: Pks) {
    let record = client.record(pks).await;
    let [certificate] = record["certificate_set"].as_array().unwrap().as_slice() else {
        panic!("not one certificate: {record}");
    };
    check_certificate(certificate);
    let subject = certificate["subject"].as_str().unwrap();
    for part in [ANA.given_name, "Ejemplo Núñez", ANA.serial_number] {
        assert!(subject.contains(part), "no {part} in {subject}");
    }
    let pdf = specimen("terms.pdf");
    let late = client.documents(pks, &[("file", "late.pdf", pdf)]).await;
    late.refused(412, "Invalid request status");
    let cancelled = client.delete(&format!("/request/{}", pks.request)).await;
    cancelled.refused(412, "Invalid request status");
}

fn check_certificate(certificate: &Value) {
    let expected = [
        "profile",
        "status",
        "valid",
        "valid_from",
        "valid_to",
        "serial_number",
        "issuer",
        "subject",
        "data",
    ];
    assert_eq!(keys(certificate), expected);
    assert_eq!(certificate["status"], "VALID");
    assert_eq!(certificate["valid"], true);
    let serial = certificate["serial_number"].as_str().unwrap();
    assert!(
        serial.bytes().all(|b| b.is_ascii_hexdigit()) && serial.len() >= 16,
        "{serial}"
    );
    for name in ["valid_from", "valid_to"] {
        let time = certificate[name].as_str().unwrap();
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        assert_eq!(shape, "99999999 99:99:99");
    }
    let pem = certificate["data"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
}

async fn fetch(client: &OneShot, pks: Pks, documents: &Uploaded) {
    let list = client
        .get(&format!("/documents/{}", pks.request))
        .await
        .payload();
    check_list(&list, documents, true);
    for (uid, file_name, content) in documents {
        let path = format!("/document/{}/{uid}", pks.request);
        let answer = client.document(pks, "signed", uid).await;
        assert!(
            answer
                .header("content-disposition")
                .contains(file_name.as_str())
        );
        let signed = answer.pdf();
        assert!(signed.len() > content.len() && signed.starts_with(content));
        let by_query = client
            .get(&format!("{path}?document_type=signed"))
            .await
            .pdf();
        let by_default = client.get(&path).await.pdf();
        assert!(by_query == signed && by_default == signed);

        let original = client.document(pks, "original", uid).await.pdf();
        let by_query = client
            .get(&format!("{path}?document_type=original"))
            .await
            .pdf();
        assert!(original == *content && by_query == *content);
        let other = client.get(&format!("{path}?document_type=drawn")).await;
        other.refused(400, "document_type: must be 'signed' or 'original'");
    }
}

async fn clear_away(client: &OneShot, pks: Pks, documents: &Uploaded) {
    let [first, second, ..] = documents.as_slice() else {
        unreachable!("four were uploaded")
    };
    // One copy, then the rest of it.
    let path = format!("/document/{}/signed/{}", pks.request, second.0);
    client
        .delete(&path)
        .await
        .said("Document successfully deleted");
    client
        .document(pks, "signed", &second.0)
        .await
        .refused(404, "Document not found");
    client.document(pks, "original", &second.0).await.pdf();
    let words = format!("Document not found with uid {} and type signed", second.0);
    client.delete(&path).await.refused(404, &words);
    // Both copies.
    let path = format!("/document/{}/{}", pks.request, first.0);
    client
        .delete(&path)
        .await
        .said("Document successfully deleted");
    for copy in ["signed", "original"] {
        client
            .document(pks, copy, &first.0)
            .await
            .refused(404, "Document not found");
    }
    let words = format!("Document not found with uid {} and type any", first.0);
    client.delete(&path).await.refused(404, &words);
    // All that is left.
    let (path, words) = match client.dialect {
        Dialect::New => (
            "document",
            format!("Documents deleted for Request {}", pks.request),
        ),
        Dialect::Legacy => ("documents", "Documents deleted successfully".to_owned()),
    };
    let path = format!("/{path}/{}", pks.request);
    client.delete(&path).await.said(&words);
    let none = "No documents found for specified Request";
    client.get(&path).await.refused(404, none);
    client.delete(&path).await.refused(404, none);
}
