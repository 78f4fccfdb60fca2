//! What the contract leaves open and this server has decided, as far as a client can see it.

use serde_json::{Value, json};

use super::client::{Api, Case, merged, text, video_form};
use super::parties::Operator;
use crate::client::{ANA, evidence, video};
use crate::harness::{Installation, Sandbox};

/// Evidence of a passport, which has no rear.
fn passport() -> Value {
    let mut evidence = evidence();
    let data = &mut evidence["videoid_data"];
    data["images"]
        .as_object_mut()
        .unwrap()
        .remove("document_rear");
    data["ocr_data"]["id_document_type"] = "PAS".into();
    evidence
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_is_complete_with_every_piece_and_not_before() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let pieces = [
        "/acceptance",
        "/videoid_data/images/document_front",
        "/videoid_data/images/document_rear",
        "/videoid_data/images/document_photo",
        "/videoid_data/images/document_owner",
        "/videoid_data/ocr_data",
        "/videoid_data/security_checks",
        "/videoid_data/similarity_level",
    ];
    for piece in pieces {
        let case = api.new_videoid_request().await;
        let mut lacking = evidence();
        let (place, name) = piece.rsplit_once('/').unwrap();
        let place = lacking.pointer_mut(place).unwrap();
        place.as_object_mut().unwrap().remove(name);
        api.put_evidence(&case, &lacking).await.ok();
        api.post_video(&case, video()).await.ok();
        assert_eq!(api.status(&case).await, "VIDEOINCOMPLETE", "{piece}");
        api.put_evidence(&case, &evidence()).await.ok();
        assert_eq!(api.status(&case).await, "VIDEOREVIEW", "{piece}");
    }
    let case = Case::of(
        &api.create(json!({ "videoid_mode": 1, "id_document_type": "PAS" }))
            .await,
    );
    api.put_evidence(&case, &passport()).await.ok();
    api.post_video(&case, video()).await.ok();
    assert_eq!(
        api.status(&case).await,
        "VIDEOREVIEW",
        "a passport has no rear"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_checks_are_shown_and_left_to_the_officer() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.new_videoid_request().await;
    let mut doubtful = evidence();
    doubtful["videoid_data"]["security_checks"]["liveliness"] = false.into();
    doubtful["videoid_data"]["similarity_level"] = "low".into();
    api.put_evidence(&case, &doubtful).await.ok();
    api.post_video(&case, video()).await.ok();
    let record = api.record(&case).await;
    assert_eq!(record["status"], "VIDEOREVIEW");
    let kept = &record["videoid_data"]["data"];
    assert_eq!(
        kept["security_checks"],
        doubtful["videoid_data"]["security_checks"]
    );
    api.approve(&case).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_from_the_document_fills_gaps_and_overwrites_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let bare = json!({ "videoid_mode": 1, "given_name": "Eva", "surname_1": null,
                       "surname_2": null, "serial_number": null });
    let case = Case::of(&api.create(bare).await);
    api.put_evidence(&case, &evidence()).await.ok();
    let record = api.record(&case).await;
    assert_eq!(record["given_name"], "Eva");
    for (name, value) in [
        ("surname_1", ANA.surname_1),
        ("surname_2", ANA.surname_2),
        ("serial_number", ANA.serial_number),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    let change = json!({ "surname_1": "Corregida" });
    api.put(&case.path(""), &change).await.ok();
    api.put_evidence(&case, &evidence()).await.ok();
    let record = api.record(&case).await;
    assert_eq!(record["surname_1"], "Corregida");
    assert_eq!(
        record["videoid_data"]["validation_services"],
        json!({ "mismatches": ["given_name", "surname_1"] }),
        "the officer is told what differs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_officer_saw_on_the_document_is_locked() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let case = api.reviewable().await;
    let right = json!({ "given_name": "Ana" });
    api.put(&case.path(""), &right).await.ok();
    let validate = case.path("validate_videoid");
    api.post(&validate, &api.officer()).await.ok();
    let before = api.record(&case).await;
    for (name, value) in [
        ("given_name", "Eva"),
        ("surname_1", ""),
        ("serial_number", "00000001R"),
    ] {
        let answer = api.put(&case.path(""), &json!({ name: value })).await;
        let refusal = answer.refusal(412);
        assert_eq!(refusal["error"], "Invalid request status");
        assert_eq!(
            refusal["reason"],
            format!("{name} was identified and stays")
        );
    }
    assert_eq!(api.record(&case).await, before, "nothing changed");
    // What no document says can still be corrected, and a client may send all fields back.
    let rest = json!({ "given_name": "Ana", "surname_1": before["surname_1"], "title": "Dr." });
    assert_eq!(api.put(&case.path(""), &rest).await.ok()["title"], "Dr.");
    api.approve(&case).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_may_upload_by_the_identifier_alone_where_the_authority_lets_it() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let device = api.clone().without_identity();
    let closed = api.new_videoid_request().await;
    let answer = device.post_video(&closed, video()).await;
    assert_eq!(answer.refusal(401)["code"], "401");
    let settings = json!({ "video_upload_auth": "identifier" });
    let ra = api.new_authority(settings).await;
    let case = api.clone().for_authority(ra).new_videoid_request().await;
    // Not by a number that one could guess, and nothing but the video.
    for guess in [case.pk, case.video_pk] {
        let path = format!("/v1/upload/video/{guess}/");
        let answer = device.multipart(&path, video_form(video())).await;
        assert_eq!(answer.refusal(401)["code"], "401");
    }
    device.put_evidence(&case, &evidence()).await.refusal(401);
    let path = format!("/download/video/{}/", case.video_identifier);
    device.get(&path).await.refusal(401);
    let done = json!({ "status": "200 OK" });
    assert_eq!(device.post_video(&case, video()).await.ok(), done);
    assert_eq!(api.status(&case).await, "VIDEOINCOMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_blank_where_the_authority_keeps_them_back() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({ "blank_secrets": true })).await;
    let api = api.for_authority(ra);
    let (_, secrets) = api.approved(super::client::CLOUD).await;
    for name in ["erc", "pin", "puk"] {
        assert_eq!(secrets[name], "", "{name}");
    }
    assert_eq!(text(&secrets["enrollment_code"]).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_stock_is_filled_where_the_authority_wants_it() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let path = format!("/scratchcards/?registration_authority={ra}");
    assert_eq!(api.get(&path).await.ok()["count"], 0);
    let own = api.clone().for_authority(ra);
    let first = own.unused_card().await;
    let list = api.get(&path).await.ok();
    assert!(list["count"].as_i64() > Some(0), "{list}");
    assert_eq!(list["results"][0]["sn"], first, "the lowest");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_outside_its_window_takes_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let own = api.clone().for_authority(ra);
    own.new_classic_request().await;
    let card = own.unused_card().await;
    let past = json!({ "enabled_from": "2020-01-01", "enabled_until": "2020-12-31" });
    let path = format!("/registrationauthorities/{ra}/");
    api.put(&path, &past).await.ok();
    let body = super::client::merged(own.creation_of(&ANA), json!({ "scratchcard": card }));
    let answer = own.post("/requests/", &body).await;
    let words = "You do not have permission to perform this action.";
    answer.refused(500, "500", words);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_clients_come_under_the_status_that_fits_where_the_operator_wants_it() {
    let mut installation = Installation::init(["--organisation", "Example Trust"]);
    let operator = Operator::of_installation(&installation);
    let ra = operator.new_authority(None, &["country=ES"]);
    let user = operator.new_user(ra, "administrator");
    installation.serve(&[
        ("AVOUCH__REGISTRATION_AUTHORITY__LISTEN", "127.0.0.1:0"),
        ("AVOUCH__REGISTRATION_AUTHORITY__STRICT_HTTP", "true"),
    ]);
    let told = installation.wait_for_log("serving the Registration Authority API");
    let told: Value = serde_json::from_str(&told).expect("a log line is JSON");
    let folder = user.certificate.parent().expect("a file in a folder");
    let api = Api::new(&json!({
        "base_url": told["public_url"], "ra": ra, "server_ca": folder.join("ca.pem"),
        "client_certificate": user.certificate, "client_key": user.key,
    }));
    // The words and the code stay what existing clients know.
    let creation = merged(api.creation_of(&ANA), json!({ "scratchcard": "1" }));
    let answer = api.post("/requests/", &creation).await;
    answer.refused(400, "500", "Invalid ScratchCard");
    let answer = api.get("/rao/987654321/").await;
    answer.refused(404, "500", "Rao matching query does not exist.");
    let answer = api.get("/registrationauthorities/987654321/").await;
    let words = "You do not have permission to perform this action.";
    answer.refused(403, "500", words);
    // What has a status of its own keeps it.
    let answer = api.get("/requests/987654321/").await;
    answer.refused(404, "400", "No Request matches the given query.");
}
