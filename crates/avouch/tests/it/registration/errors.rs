//! The contract's table of errors and each call's own: HTTP status, `code` and words, the odd
//! ones too.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::client::{
    Answer, Api, CLOUD, Case, PIN, document_form, fresh, merged, text, video_form,
};
use super::parties::Operator;
use crate::client::{ANA, evidence, specimen, video};
use crate::harness::Sandbox;

const NO_REQUEST: &str = "No Request matches the given query.";
const NO_CARD: &str = "No ScratchCard matches the given query.";
const STATUS: &str = "Invalid request status";
const PARAMETERS: &str = "Invalid paramiters";
const CARD: &str = "Invalid ScratchCard";
const PERMISSION: &str = "You do not have permission to perform this action.";

/// Nobody has this number.
const NOBODY: i64 = 999_999_999;

/// Every call on one request, with what it would need there.
fn calls_on_a_request(api: &Api, sn: &str) -> Vec<(Method, &'static str, Value)> {
    let officer = api.officer();
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    vec![
        (get.clone(), "", json!(null)),
        (put, "", json!({ "given_name": "Eva" })),
        (Method::DELETE, "cancel/", json!(null)),
        (get.clone(), "validate/", json!(null)),
        (
            post.clone(),
            "generates_tbs_receipt/",
            json!({ "rao": api.told("rao_id"), "type": "APPROVE" }),
        ),
        (
            post.clone(),
            "generate_document/",
            json!({ "doctype": "contract" }),
        ),
        (post.clone(), "pl_delete_document/", json!({ "docpk": 1 })),
        (
            post.clone(),
            "pl_get_document/",
            json!({ "type": "document_front" }),
        ),
        (get.clone(), "pl_get_documents/", json!(null)),
        (post.clone(), "pl_approve/", officer.clone()),
        (post.clone(), "preauthlink/", json!(null)),
        (get.clone(), "preauthlink/", json!(null)),
        (post.clone(), "enable_renewal/", json!(null)),
        (post.clone(), "disable_renewal/", json!(null)),
        (get, "renewal_status/", json!(null)),
        (post.clone(), "generate_otp_for_unlock/", json!(null)),
        (
            post.clone(),
            "unlock_pin/",
            json!({ "scratchcard": sn, "enrollment_code": "x", "newpin": PIN, "otp": "123456" }),
        ),
        (post.clone(), "validate_videoid", officer.clone()),
        (post.clone(), "refuse_videoid", officer),
        (post.clone(), "generate_otp/", json!({ "scratchcard": sn })),
        (
            post.clone(),
            "generate_otp_for_qs/",
            json!({ "pin": PIN, "puk": PIN }),
        ),
        (
            post.clone(),
            "pl_cloud_enroll/",
            json!({ "secret": "123456", "pin": PIN }),
        ),
        (
            post.clone(),
            "plq_cloud_enroll/",
            json!({ "secret": "123456", "pin": PIN }),
        ),
        (
            post,
            "pl_p12_enroll/",
            json!({ "secret": "123456", "p12password": PIN }),
        ),
    ]
}

async fn send(api: &Api, method: &Method, path: &str, body: &Value) -> Answer {
    let request = api.request(method.clone(), path);
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    api.send(request).await
}

/// A paper that may be uploaded.
fn paper() -> Form {
    document_form("document_front", specimen("id-front.jpg"))
}

fn labelled() -> Form {
    let part = Part::bytes(specimen("terms.pdf")).file_name("terms.pdf");
    Form::new().text("label", "Power").part("document", part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_there_has_the_words_of_each_call() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for (method, call, body) in calls_on_a_request(&api, "1") {
        let path = format!("/requests/{NOBODY}/{call}");
        let answer = send(&api, &method, &path, &body).await;
        match call {
            "pl_approve/" => answer.refused(404, "400", ""),
            "validate_videoid" | "refuse_videoid" => answer.refused(400, "400", NO_REQUEST),
            "generate_otp_for_unlock/" => {
                answer.refused(500, "500", "Request matching query does not exist.");
            }
            "unlock_pin/" => answer.refused(412, "412", "Invalid Request"),
            _ => answer.refused(404, "400", NO_REQUEST),
        }
        // A number that is none has no words at all.
        for malformed in ["abc", "-1", "1.5", "1e3"] {
            let path = format!("/requests/{malformed}/{call}");
            let answer = send(&api, &method, &path, &body).await;
            match call {
                "validate_videoid" | "refuse_videoid" => answer.refused(400, "400", ""),
                "generate_otp_for_unlock/" => {
                    answer.refused(500, "500", "Request matching query does not exist.");
                }
                "unlock_pin/" => answer.refused(412, "412", "Invalid Request"),
                _ => answer.refused(404, "400", ""),
            }
        }
    }
    for (form, call) in [
        (paper(), "pl_upload_document/"),
        (labelled(), "upload_videoid_evidence/"),
    ] {
        let path = format!("/requests/{NOBODY}/{call}");
        api.multipart(&path, form)
            .await
            .refused(404, "400", NO_REQUEST);
    }
    let path = format!("/videoid/{NOBODY}");
    let nobody = "No VideoID matches the given query.";
    api.put(&path, &evidence())
        .await
        .refused(404, "400", nobody);
    for name in [NOBODY.to_string(), "0".repeat(32), "abc".to_owned()] {
        let path = format!("/v1/upload/video/{name}/");
        no_video(&api.multipart(&path, video_form(video())).await);
        let path = format!("/download/video/{name}/");
        api.get(&path).await.refused(404, "400", NO_REQUEST);
    }
    let case = api.new_videoid_request().await;
    let path = format!("/download/video/{}/", case.video_identifier);
    api.get(&path).await.refused(404, "400", NO_REQUEST);
}

#[track_caller]
fn no_video(answer: &Answer) {
    let words = "No video file provided";
    let documented = json!({ "title": "Upload Video Error", "description": words });
    answer.refused_with(400, "400", words, &documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_at_the_wrong_time_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let created = api.new_classic_request().await;
    let review = api.reviewable().await;
    let (ready, _) = api.approved(CLOUD).await;
    let (issued, secrets) = api.issued(&sandbox).await;
    let gone = api.new_classic_request().await;
    api.delete(&gone.path("cancel/")).await.ok();
    let enrols = [
        "generate_otp/",
        "generate_otp_for_qs/",
        "pl_cloud_enroll/",
        "plq_cloud_enroll/",
        "pl_p12_enroll/",
    ];
    let changes = ["", "validate/", "generates_tbs_receipt/", "pl_approve/"];
    let judges = ["validate_videoid", "refuse_videoid"];
    let later = ["enable_renewal/", "preauthlink/"];
    for (case, refused) in [
        (&created, [&judges[..], &enrols, &later].concat()),
        (&review, [&enrols[..], &later].concat()),
        (
            &ready,
            [&changes[..], &judges, &["enable_renewal/"]].concat(),
        ),
        (
            &issued,
            [&changes[..], &judges, &enrols, &["preauthlink/", "cancel/"]].concat(),
        ),
        (
            &gone,
            [&changes[..], &judges, &enrols, &later, &["cancel/"]].concat(),
        ),
    ] {
        let before = api.record(case).await;
        for (method, call, body) in calls_on_a_request(&api, &case.sn) {
            // Looking is possible at any time.
            if refused.contains(&call) && !(call.is_empty() && method == Method::GET) {
                let answer = send(&api, &method, &case.path(call), &body).await;
                answer.refused(412, "412", STATUS);
            }
        }
        assert_eq!(api.record(case).await, before);
    }
    for case in [&ready, &issued, &gone] {
        for (form, call) in [
            (paper(), "pl_upload_document/"),
            (labelled(), "upload_videoid_evidence/"),
        ] {
            let answer = api.multipart(&case.path(call), form).await;
            answer.refused(412, "412", STATUS);
        }
    }
    let papers = api.get(&issued.path("pl_get_documents/")).await.ok();
    let delete = json!({ "docpk": papers[0]["pk"] });
    let answer = api.post(&issued.path("pl_delete_document/"), &delete).await;
    answer.refused(412, "412", STATUS);

    // Evidence is closed once it is complete.
    let answer = api.put_evidence(&review, &evidence()).await;
    answer.refused(412, "412", STATUS);
    let answer = api.post_video(&review, video()).await;
    let documented = json!({ "title": "Upload Video Error", "description": STATUS });
    answer.refused_with(412, "412", STATUS, &documented);

    let body = json!({ "scratchcard": issued.sn, "erc": secrets["erc"], "reason": "SUPERSEDED" });
    api.post("/scratchcards/revoke/", &body).await.ok();
    let answer = api.call(&issued.path("enable_renewal/")).await;
    answer.refused(412, "412", STATUS);
}

#[tokio::test(flavor = "multi_thread")]
async fn scratchcards_that_do_not_fit() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let empty = json!({ "auto_scratchcards": false });
    let (none, other) = (
        api.new_authority(empty).await,
        api.new_authority(json!({})).await,
    );
    let used = api.new_classic_request().await;
    let foreign = api.clone().for_authority(other).unused_card().await;
    for card in [used.sn.as_str(), &foreign, "1", "abc", " "] {
        let body = merged(api.creation_of(&ANA), json!({ "scratchcard": card }));
        let answer = api.post("/requests/", &body).await;
        match card.trim() {
            "" => assert!(text(&answer.refusal(500)["error"]).contains("scratchcard")),
            _ => answer.refused(500, "500", CARD),
        }
    }
    let case = api.new_classic_request().await;
    for card in [used.sn.as_str(), &foreign, "1"] {
        let answer = api
            .put(&case.path(""), &json!({ "scratchcard": card }))
            .await;
        answer.refused(500, "500", CARD);
    }
    assert_eq!(api.record(&case).await["scratchcard"], case.sn);

    let first = "/scratchcards/get_first_unused/";
    for ra in [none, NOBODY] {
        let answer = api.get(&format!("{first}?ra={ra}")).await;
        answer.refused(404, "400", NO_CARD);
    }
    for card in [NOBODY.to_string(), "abc".to_owned()] {
        let path = format!("/scratchcards/{card}/");
        api.get(&path).await.refused(404, "400", NO_CARD);
    }
    let unknown = "ScratchCard matching query does not exist.";
    let answer = api
        .post("/scratchcards/isused/", &json!({ "sn": "1" }))
        .await;
    answer.refused(500, "500", unknown);
    let revoke = "/scratchcards/revoke/";
    let body = json!({ "scratchcard": "1", "erc": "0123456789", "reason": "SUPERSEDED" });
    api.post(revoke, &body).await.refused(500, "500", unknown);
    let body = merged(body, json!({ "scratchcard": foreign }));
    api.post(revoke, &body).await.refused(500, "500", unknown);

    // Missing, blank and wrong parameters; one call spells it right.
    let (issued, secrets) = api.issued(&sandbox).await;
    let erc = text(&secrets["erc"]);
    let code = text(&secrets["enrollment_code"]);
    for (body, whoami, renewal) in [
        (json!({}), true, true),
        (json!({ "scratchcard": issued.sn }), true, true),
        (json!({ "scratchcard": issued.sn, "erc": " " }), true, true),
        (
            json!({ "scratchcard": issued.sn, "erc": "0000000000" }),
            true,
            true,
        ),
        (json!({ "scratchcard": "1", "erc": erc }), true, true),
        (
            json!({ "scratchcard": issued.sn, "erc": code }),
            false,
            false,
        ),
        (
            json!({ "scratchcard": issued.sn, "erc": erc }),
            false,
            false,
        ),
    ] {
        let answer = api.post("/scratchcards/whoami/", &body).await;
        match whoami {
            true => answer.refused(412, "418", "Invalid parameters"),
            false => assert_eq!(answer.ok()["pk"], issued.pk),
        }
        let answer = api.post("/requests/is_renewable/", &body).await;
        match renewal {
            true => answer.refused(412, "418", PARAMETERS),
            false => answer.refused(412, "426", "Request not enabled for renewal by RAO"),
        }
    }
    // A revocation wants the revocation code and nothing else.
    for (erc, reason) in [
        (code, "SUPERSEDED"),
        ("", "SUPERSEDED"),
        (erc, "BOREDOM"),
        (erc, ""),
    ] {
        let body = json!({ "scratchcard": issued.sn, "erc": erc, "reason": reason });
        api.post(revoke, &body)
            .await
            .refused(412, "418", PARAMETERS);
    }
    let record = api.record(&issued).await;
    assert_eq!(record["certificate_set"][0]["valid"], "VALID");

    let body = json!({ "registration_authority": api.ra, "sn": issued.sn, "secrets": {
        "erc": "0123456789", "enrollment_code": "aB3:d,9_", "pin": "01234567", "puk": "76543210" } });
    let answer = api.post("/scratchcards/", &body).await;
    assert!(
        text(&answer.refusal(500)["error"]).starts_with("{'sn': ["),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_creations_and_corrections_say_of_missing_and_wrong_fields() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let api = api.for_authority(ra);
    let whole = merged(
        api.creation_of(&ANA),
        json!({ "scratchcard": api.unused_card().await }),
    );
    for name in ["profile", "scratchcard", "registration_authority", "email"] {
        for value in [json!(null), json!(""), json!("  ")] {
            let body = merged(whole.clone(), json!({ name: value }));
            let answer = api.post("/requests/", &body).await;
            let words = format!("{{'{name}': ['This field is required.']}}");
            answer.refused(500, "500", &words);
        }
    }
    let answer = api.post("/requests/", &json!({})).await;
    let words = answer.refusal(500)["error"].clone();
    for name in ["profile", "scratchcard", "registration_authority", "email"] {
        assert!(text(&words).contains(&format!("'{name}'")), "{words}");
    }
    for (name, value) in [
        ("profile", json!("PFnobody")),
        ("email", json!("nobody")),
        ("secure_element", json!(0)),
        ("secure_element", json!(7)),
        ("validity_time", json!(2)),
        ("videoid_mode", json!("maybe")),
        ("mobile_phone_number", json!("12")),
        ("id_document_country", json!("Spain")),
        ("communication_language", json!("xx")),
        ("given_name", json!(["Ana"])),
        ("given_name", json!(true)),
        ("webhook_url", json!(["https://example.org/"])),
        ("webhook_url", json!("ftp://example.org/")),
    ] {
        let answer = api
            .post("/requests/", &merged(whole.clone(), json!({ name: value })))
            .await;
        let words = answer.refusal(500)["error"].clone();
        assert!(
            text(&words).starts_with(&format!("{{'{name}': [")),
            "{words}"
        );
    }
    let identifier = json!({ "identification_rao": NOBODY });
    let answer = api
        .post("/requests/", &merged(whole.clone(), identifier))
        .await;
    answer.refused(500, "500", "Rao matching query does not exist.");
    let ra = json!({ "registration_authority": NOBODY });
    let answer = api.post("/requests/", &merged(whole.clone(), ra)).await;
    answer.refused(500, "500", PERMISSION);
    // None of all these used the card up.
    let card = json!({ "sn": whole["scratchcard"] });
    let used = api.post("/scratchcards/isused/", &card).await;
    assert_eq!(used.ok(), json!(false));

    for setting in ["videoid_enabled", "enable_external_auth"] {
        let ra = api.new_authority(json!({ setting: false })).await;
        let own = api.clone().for_authority(ra);
        let card = json!({ "scratchcard": own.unused_card().await, "videoid_mode": 1 });
        let answer = own
            .post("/requests/", &merged(own.creation_of(&ANA), card))
            .await;
        let words = format!("Videoid not enabled for Registration Authority {ra}");
        answer.refused(500, "500", &words);
        own.new_classic_request().await;
    }

    let limits = json!({ "documents_per_phone": 1 });
    let own = api.clone().for_authority(api.new_authority(limits).await);
    own.new_classic_request().await;
    let more = json!({ "scratchcard": own.unused_card().await, "serial_number": "00000008X" });
    let answer = own
        .post("/requests/", &merged(own.creation_of(&ANA), more))
        .await;
    answer.refused(
        412,
        "412",
        "Too many different documents share this phone number",
    );

    let case = api.new_classic_request().await;
    let before = api.record(&case).await;
    for (name, value) in [
        ("email", json!("")),
        ("profile", json!("PFnobody")),
        ("validity_time", json!("x")),
        ("registration_authority", json!("")),
    ] {
        let answer = api
            .put(&case.path(""), &json!({ name: value, "sex": "F" }))
            .await;
        let words = answer.refusal(500)["error"].clone();
        assert!(text(&words).contains(&format!("'{name}'")), "{words}");
    }
    assert_eq!(api.record(&case).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_credentials_that_are_wrong_or_incomplete() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let review = api.reviewable().await;
    // An authority where the sandbox's officer may not act.
    let name = fresh("Authority");
    let body = json!({ "name": name, "parent": api.ra });
    let made = api.post("/registrationauthorities/", &body).await.ok();
    let foreign = api.clone().for_authority(made["pk"].as_i64().unwrap());
    let foreign = foreign.reviewable().await;

    for call in ["pl_approve/", "validate_videoid", "refuse_videoid"] {
        let path = review.path(call);
        for missing in ["username", "password", "pin", "rao_id"] {
            let answer = api
                .post(&path, &api.officer_with(json!({ missing: null })))
                .await;
            match call {
                "pl_approve/" => answer.refused(412, "418", PARAMETERS),
                _ => assert_eq!(answer.refusal(500)["code"], "500"),
            }
        }
        for unknown in [json!(NOBODY), json!("abc")] {
            let body = api.officer_with(json!({ "rao_id": unknown }));
            let answer = api.post(&path, &body).await;
            answer.refused(500, "500", "Rao matching query does not exist.");
        }
        // A wrong user name is not counted against the officer, nor tried.
        let body = api.officer_with(json!({ "username": "nobody" }));
        let answer = api.post(&path, &body).await;
        answer.refused(403, "403", "Invalid RAO credentials");
        let answer = api.post(&foreign.path(call), &api.officer()).await;
        answer.refused(500, "500", PERMISSION);
    }
    for (name, value) in [("password", "wrong"), ("pin", "wrong")] {
        let body = api.officer_with(json!({ name: value }));
        let answer = api.post(&review.path("pl_approve/"), &body).await;
        answer.refused(403, "403", "Invalid RAO credentials");
    }
    let body = api.officer_with(json!({ "reason": "x".repeat(1001) }));
    let answer = api.post(&review.path("refuse_videoid"), &body).await;
    let words = "{'reason': ['must have no more than 1000 characters']}";
    answer.refused(500, "500", words);
    assert_eq!(api.status(&review).await, "VIDEOREVIEW");
    assert_eq!(api.status(&foreign).await, "VIDEOREVIEW");
    // All right, and what was counted is forgotten.
    let body = api.officer_with(json!({ "lang": "xx" }));
    let answer = api.post(&review.path("pl_approve/"), &body).await;
    answer.refused(412, "418", PARAMETERS);
    api.approve(&review).await;

    let receipt = review.path("generates_tbs_receipt/");
    let case = api.new_classic_request().await;
    for body in [
        json!({ "rao": api.told("rao_id") }),
        json!({ "type": "APPROVE" }),
        json!({ "rao": api.told("rao_id"), "type": "REFUSE" }),
    ] {
        let answer = api.post(&receipt, &body).await;
        answer.refused(412, "418", PARAMETERS);
    }
    let body = json!({ "rao": NOBODY, "type": "APPROVE" });
    let answer = api.post(&case.path("generates_tbs_receipt/"), &body).await;
    answer.refused(500, "500", "Rao matching query does not exist.");
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_and_evidence_that_are_missing_or_of_another_kind() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_classic_request().await;
    let upload = case.path("pl_upload_document/");
    let file = || Part::bytes(specimen("id-front.jpg")).file_name("front.jpg");
    for form in [
        Form::new().text("type", "document_front"),
        Form::new().part("document", file()),
        Form::new()
            .text("type", "contract")
            .part("document", file()),
        Form::new()
            .text("type", "videoid_evidence")
            .part("document", file()),
        Form::new().text("type", " ").part("document", file()),
    ] {
        let answer = api.multipart(&upload, form).await;
        answer.refused(412, "418", PARAMETERS);
    }
    for content in [
        &b"plain text"[..],
        b"GIF89a\x01\x00\x01\x00",
        b"%PDF-1.7 only",
    ] {
        let form = document_form("extra_document", content.to_vec());
        let answer = api.multipart(&upload, form).await;
        answer.refused(500, "500", "Invalid content_type");
    }
    let evidence_path = case.path("upload_videoid_evidence/");
    let answer = api
        .multipart(&evidence_path, Form::new().part("document", file()))
        .await;
    answer.refused(412, "418", PARAMETERS);
    let answer = api
        .multipart(&evidence_path, Form::new().text("label", "x"))
        .await;
    answer.refused(412, "418", PARAMETERS);
    assert_eq!(
        api.get(&case.path("pl_get_documents/")).await.ok(),
        json!([])
    );

    let delete = case.path("pl_delete_document/");
    let answer = api.post(&delete, &json!({ "docpk": 401 })).await;
    answer.refused(404, "404", "No documents found with id 401");
    for (body, words) in [
        (json!({}), "This field is required."),
        (json!({ "docpk": null }), "This field is required."),
        (json!({ "docpk": "abc" }), "must be a number"),
        (json!({ "docpk": [401] }), "must be a text"),
    ] {
        let words = format!("{{'docpk': ['{words}']}}");
        api.post(&delete, &body).await.refused(500, "500", &words);
    }
    // Another request's paper is none of this one's.
    let other = api.new_classic_request().await;
    let pk = api
        .upload_document(&other, "document_front", specimen("id-front.jpg"))
        .await;
    let answer = api.post(&delete, &json!({ "docpk": pk })).await;
    answer.refused(404, "404", &format!("No documents found with id {pk}"));

    for (call, body) in [
        ("pl_get_document/", json!({})),
        ("pl_get_document/", json!({ "type": "selfie" })),
        ("pl_get_document/", json!({ "type": "contract" })),
        ("generate_document/", json!({})),
        ("generate_document/", json!({ "doctype": "novel" })),
    ] {
        let answer = api.post(&case.path(call), &body).await;
        answer.refused(412, "418", PARAMETERS);
    }
    let body = json!({ "type": "contract", "rao_id": NOBODY });
    let answer = api.post(&case.path("pl_get_document/"), &body).await;
    answer.refused(500, "500", "Rao matching query does not exist.");

    let filmed = api.new_videoid_request().await;
    let before = api.record(&filmed).await;
    let path = format!("/videoid/{}", filmed.video_pk);
    for body in [
        json!({ "videoid_data": { "images": { "document_front": "no base64!" } } }),
        json!({ "videoid_data": { "images": { "document_front": 7.5 } } }),
        json!({ "videoid_data": { "images": [] } }),
        json!({ "videoid_data": "all of it" }),
        json!({ "videoid_data": { "ocr_data": ["x"] } }),
        json!({ "videoid_data": { "security_checks": true } }),
        json!({ "videoid_data": { "similarity_level": {} } }),
        json!({ "acceptance": "yes" }),
    ] {
        api.put(&path, &body).await.refused(412, "418", PARAMETERS);
    }
    assert_eq!(api.record(&filmed).await, before);
    let upload = format!("/v1/upload/video/{}/", filmed.video_identifier);
    no_video(&api.call(&upload).await);
    no_video(&api.post(&upload, &json!({ "video": "x" })).await);
    no_video(
        &api.multipart(&upload, Form::new().text("note", "none"))
            .await,
    );
    assert_eq!(api.record(&filmed).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_among_officers_users_and_authorities() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for (path, words) in [
        ("/rao", "Rao matching query does not exist."),
        ("/users", "User matching query does not exist."),
        ("/registrationauthorities", PERMISSION),
    ] {
        for number in [NOBODY.to_string(), "abc".to_owned()] {
            let path = format!("{path}/{number}/");
            api.get(&path).await.refused(500, "500", words);
            api.put(&path, &json!({})).await.refused(500, "500", words);
        }
    }
    let authorities = "/registrationauthorities/";
    let own = api.get(&format!("{authorities}{}/", api.ra)).await.ok();
    let body = json!({ "name": own["name"], "parent": api.ra });
    let answer = api.post(authorities, &body).await;
    answer.refused(500, "500", "{'name': ['This field must be unique.']}");
    for (body, name) in [
        (json!({ "parent": api.ra }), "name"),
        (json!({ "name": "Orphan" }), "parent"),
        (json!({ "name": "N", "parent": "abc" }), "parent"),
        (
            json!({ "name": "N", "parent": api.ra, "enabled_from": "1/2/3" }),
            "enabled_from",
        ),
        (
            json!({ "name": "N", "parent": api.ra, "webhook_format": "xml" }),
            "webhook_format",
        ),
        (
            json!({ "name": "N", "parent": api.ra, "videoid_steps": [2] }),
            "videoid_steps",
        ),
        (
            json!({ "name": "N", "parent": api.ra, "city": true }),
            "city",
        ),
    ] {
        let answer = api.post(authorities, &body).await;
        let words = answer.refusal(500)["error"].clone();
        assert!(
            text(&words).starts_with(&format!("{{'{name}': [")),
            "{words}"
        );
    }
    let body = json!({ "name": "Foreign", "parent": NOBODY });
    api.post(authorities, &body)
        .await
        .refused(500, "500", PERMISSION);

    let case = api.new_classic_request().await;
    let officer = json!({
        "registration_authority_master": api.ra, "registration_authority": [api.ra],
        "certificate": case.pk, "given_name": "Rosa", "surname_1": "Oficial",
    });
    for name in [
        "registration_authority_master",
        "registration_authority",
        "certificate",
        "given_name",
        "surname_1",
    ] {
        let body = merged(officer.clone(), json!({ name: null }));
        let words = format!("{{'{name}': ['This field is required.']}}");
        api.post("/rao/", &body).await.refused(500, "500", &words);
    }
    // Its request is not issued.
    let answer = api.post("/rao/", &officer).await;
    assert!(
        text(&answer.refusal(500)["error"]).starts_with("{'certificate': ["),
        "{answer}"
    );
    let body = merged(officer, json!({ "registration_authority": [NOBODY] }));
    api.post("/rao/", &body)
        .await
        .refused(500, "500", PERMISSION);

    let user = json!({ "registration_authority": api.ra, "permission_profile": 2,
                       "request": case.pk, "rao": api.told("rao_id") });
    for name in ["registration_authority", "permission_profile", "request"] {
        let body = merged(user.clone(), json!({ name: null }));
        let words = format!("{{'{name}': ['This field is required.']}}");
        api.post("/users/", &body).await.refused(500, "500", &words);
    }
    for (more, words) in [
        (
            json!({ "request": NOBODY }),
            "Request matching query does not exist.",
        ),
        (json!({ "registration_authority": NOBODY }), PERMISSION),
    ] {
        let body = merged(user.clone(), more);
        api.post("/users/", &body).await.refused(500, "500", words);
    }
    for (more, name) in [
        (json!({ "permission_profile": 5 }), "permission_profile"),
        (json!({}), "request"),
    ] {
        let answer = api.post("/users/", &merged(user.clone(), more)).await;
        let words = answer.refusal(500)["error"].clone();
        assert!(
            text(&words).starts_with(&format!("{{'{name}': [")),
            "{words}"
        );
    }
    let (issued, _) = api.issued(&sandbox).await;
    let body = merged(user, json!({ "request": issued.pk, "rao": NOBODY }));
    let answer = api.post("/users/", &body).await;
    answer.refused(500, "500", "Rao matching query does not exist.");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so_in_the_form_of_each_call() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_classic_request().await;
    let (ready, _) = api.approved(CLOUD).await;
    let before = (api.record(&case).await, api.record(&ready).await);
    let user = Operator::of(&sandbox).new_user(api.ra, "read-only");
    let looks = api.clone().with_identity(&user.certificate, &user.key);
    assert_eq!(looks.record(&case).await, before.0);
    // Calls that create or change say so under 500, and so do an officer's decisions.
    let body = merged(
        api.creation_of(&ANA),
        json!({ "scratchcard": api.unused_card().await }),
    );
    for (method, path, body) in [
        (Method::POST, "/requests/".to_owned(), body),
        (Method::PUT, case.path(""), json!({ "sex": "F" })),
        (Method::POST, case.path("pl_approve/"), api.officer()),
        (Method::POST, "/rao/".to_owned(), json!({})),
        (Method::POST, "/users/".to_owned(), json!({})),
        (
            Method::POST,
            "/registrationauthorities/".to_owned(),
            json!({}),
        ),
        (Method::POST, "/scratchcards/".to_owned(), json!({})),
    ] {
        let answer = send(&looks, &method, &path, &body).await;
        answer.refused(500, "500", PERMISSION);
    }
    let answer = looks.call(&ready.path("preauthlink/")).await;
    answer.refused_with(403, "403", PERMISSION, &json!({ "detail": PERMISSION }));
    let answer = looks.delete(&case.path("cancel/")).await;
    answer.refused(403, "403", PERMISSION);
    let answer = looks
        .multipart(&case.path("pl_upload_document/"), paper())
        .await;
    answer.refused(403, "403", PERMISSION);
    let denied = "Permission Denied";
    let documented = json!({ "moved": 0, "details": denied });
    let body = json!({ "from_ra": api.ra, "to_ra": api.ra, "amount": 1 });
    let answer = looks.post("/scratchcards/move/", &body).await;
    answer.refused_with(403, "403", denied, &documented);
    let body = json!({ "from_ra": NOBODY, "to_ra": api.ra, "amount": 1 });
    let answer = api.post("/scratchcards/move/", &body).await;
    answer.refused_with(403, "403", denied, &documented);
    assert_eq!((api.record(&case).await, api.record(&ready).await), before);

    let stranger = api.without_identity();
    for (method, path) in [
        (Method::GET, "/requests/".to_owned()),
        (Method::POST, "/requests/".to_owned()),
        (Method::GET, case.path("")),
        (Method::POST, case.path("pl_approve/")),
        (Method::POST, "/scratchcards/move/".to_owned()),
        (Method::GET, "/users/".to_owned()),
    ] {
        let answer = send(&stranger, &method, &path, &json!({})).await;
        let body = answer.refusal(401);
        assert_eq!(body["code"], "401");
        assert_eq!(body["error"], "no client certificate was presented");
    }
    // Nor does a stranger learn which paths make sense.
    for (method, call, body) in calls_on_a_request(&stranger, "1") {
        let path = format!("/requests/abc/{call}");
        send(&stranger, &method, &path, &body).await.refusal(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_are_told_where() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_classic_request().await;
    let broken = async |method: Method, path: &str, body: &'static str| {
        let request = api
            .request(method, path)
            .header("content-type", "application/json");
        api.send(request.body(body)).await
    };
    for (body, words) in [
        ("", None),
        (
            "{\"a\": 1,}",
            Some("Expecting property name enclosed in double quotes: line 1 column 9 (char 8)"),
        ),
        (
            "{\n\"a\" 1}",
            Some("Expecting ':' delimiter: line 2 column 5 (char 6)"),
        ),
        (
            "{\"a\": }",
            Some("Expecting value: line 1 column 7 (char 6)"),
        ),
    ] {
        let answer = broken(Method::PUT, &case.path(""), body).await;
        let Some(words) = words else {
            assert_eq!(answer.ok()["pk"], case.pk, "an empty body changes nothing");
            continue;
        };
        let words = format!("JSON parse error - {words}");
        answer.refused_with(400, "400", &words, &json!({ "detail": words }));
    }
    for path in [
        "/requests/".to_owned(),
        "/requests/is_renewable/".to_owned(),
        "/requests/check_contact_data_limits/".to_owned(),
        "/scratchcards/whoami/".to_owned(),
        "/scratchcards/revoke/".to_owned(),
        "/registrationauthorities/".to_owned(),
        "/rao/".to_owned(),
        "/users/".to_owned(),
        case.path("pl_approve/"),
        case.path("validate_videoid"),
        case.path("generates_tbs_receipt/"),
        case.path("pl_get_document/"),
    ] {
        let body = broken(Method::POST, &path, "{").await.refusal(400);
        assert!(
            text(&body["detail"]).starts_with("JSON parse error - "),
            "{path}: {body}"
        );
    }
    // Two calls know no other error than 500.
    for path in [case.path("unlock_pin/"), "/scratchcards/move/".to_owned()] {
        let body = broken(Method::POST, &path, "{").await.refusal(500);
        assert_eq!(body["code"], "500");
        assert!(body.get("detail").is_none(), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_secrets_that_are_refused() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (case, _) = api.approved(CLOUD).await;
    let enrol = case.path("pl_cloud_enroll/");
    let invalid = "Confirmation Code invalid";
    let documented = json!({ "status": invalid });
    // Before any was sent, and a wrong one.
    let body = json!({ "secret": "000000", "pin": PIN });
    let answer = api.post(&enrol, &body).await;
    answer.refused_with(403, "403", invalid, &documented);
    let wrong = json!({ "scratchcard": "1" });
    let answer = api.post(&case.path("generate_otp/"), &wrong).await;
    answer.refused(500, "500", CARD);
    api.call(&case.path("generate_otp/")).await.ok();
    let code = sandbox.code_for(case.pk).await;
    let other = if code == "000000" { "000001" } else { "000000" };
    let body = json!({ "secret": other, "pin": PIN });
    let answer = api.post(&enrol, &body).await;
    answer.refused_with(403, "403", invalid, &documented);
    for body in [
        json!({ "secret": code }),
        json!({ "pin": PIN }),
        json!({ "secret": code, "pin": "short1" }),
        json!({ "secret": code, "pin": "onlyletters" }),
        json!({ "secret": code, "pin": "1234567890" }),
    ] {
        api.post(&enrol, &body)
            .await
            .refused(412, "418", PARAMETERS);
    }
    // The key is to go into the cloud.
    let body = json!({ "secret": code, "p12password": PIN });
    let answer = api.post(&case.path("pl_p12_enroll/"), &body).await;
    answer.refused(412, "418", PARAMETERS);
    assert_eq!(api.status(&case).await, "ENROLLREADY");
    let body = json!({ "secret": code, "pin": PIN });
    api.post(&enrol, &body).await.ok();
    api.post(&enrol, &body).await.refused(412, "412", STATUS);

    let unlock = case.path("unlock_pin/");
    let refused = "Invalid Request";
    for body in [
        json!({}),
        json!({ "scratchcard": case.sn, "otp": "000000" }),
    ] {
        api.post(&unlock, &body).await.refused(412, "412", refused);
    }
    let secrets: Value = {
        let list = api
            .get(&format!("/scratchcards/?sn={}", case.sn))
            .await
            .ok();
        serde_json::from_str(text(&list["results"][0]["secrets"])).unwrap()
    };
    let whole = json!({ "scratchcard": case.sn, "enrollment_code": secrets["enrollment_code"],
                        "newpin": "Meadow73kite", "otp": "000000" });
    for more in [
        json!({ "scratchcard": "1" }),
        json!({ "enrollment_code": "x" }),
    ] {
        let answer = api.post(&unlock, &merged(whole.clone(), more)).await;
        answer.refused(412, "412", refused);
    }
    // Nothing is locked.
    let answer = api.post(&unlock, &whole).await;
    assert_eq!(answer.refusal(500)["code"], "500");
    for call in ["/requests/cloud_renew/", "/requests/soft_renew/"] {
        for body in [
            json!({}),
            json!({ "username": case.sn, "password": "x", "pin": PIN }),
            json!({ "username": "1", "password": "x", "pin": PIN }),
        ] {
            api.post(call, &body).await.refused(412, "418", PARAMETERS);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_renewed_says_why() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({ "renewal_enabled": false })).await;
    let own = api.clone().for_authority(ra);
    let (case, secrets) = own.issued(&sandbox).await;
    let answer = own.call(&case.path("enable_renewal/")).await;
    answer.refused(412, "412", "Request not eligible for renewal");
    let settings = format!("/registrationauthorities/{ra}/");
    let ask = json!({ "scratchcard": case.sn, "erc": secrets["erc"] });
    let check = "/requests/is_renewable/";
    own.post(check, &ask)
        .await
        .refused(412, "422", "Renewal not available");
    let body = json!({ "renewal_enabled": true, "renewal_needs_officer": false });
    own.put(&settings, &body).await.ok();
    own.call(&case.path("disable_renewal/")).await.ok();
    let words = "Renewal disabled by Registration Authority Officer";
    own.post(check, &ask).await.refused(412, "421", words);
    own.call(&case.path("enable_renewal/")).await.ok();
    own.post(check, &ask).await.ok();
    for (reason, code, words) in [
        ("CERTIFICATEHOLD", "427", "Certificate suspended"),
        ("KEYCOMPROMISE", "419", "Certificate revoked"),
    ] {
        let body = merged(ask.clone(), json!({ "reason": reason }));
        own.post("/scratchcards/revoke/", &body).await.ok();
        own.post(check, &ask).await.refused(412, code, words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_none_have_the_same_form() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for path in [
        "/nothing/",
        "/requests/1/nothing/",
        "/v1/upload/",
        "/api/v2/requests/",
    ] {
        let body = api.get(path).await.refusal(404);
        assert_eq!(body["code"], "404", "{path}");
        assert_eq!(body["detail"], body["error"]);
    }
    for (method, path) in [
        (Method::DELETE, "/requests/"),
        (Method::PATCH, "/requests/1/"),
        (Method::GET, "/scratchcards/isused/"),
        (Method::POST, "/requests/1/cancel/"),
    ] {
        let answer = api.send(api.request(method, path)).await;
        assert_eq!(answer.refusal(405)["code"], "405", "{path}");
    }
    let case: Case = api.new_videoid_request().await;
    let path = format!("/download/video/{}/", case.pk);
    api.post_video(&case, video()).await.ok();
    let beyond = api
        .request(Method::GET, &path)
        .header("range", "bytes=999999999-");
    let answer = api.send(beyond).await;
    answer.refusal(416);
    assert_eq!(
        answer.header("content-range"),
        format!("bytes */{}", video().len())
    );
}
