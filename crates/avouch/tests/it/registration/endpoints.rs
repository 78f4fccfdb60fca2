//! Every row of the contract's index, with and without a slash at the end: what success answers,
//! member by member, and every other name under which a call is known.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::client::{
    Api, CARD, CLOUD, Case, PIN, SOFTWARE, Visitor, assert_members, decoded, document_form, fresh,
    merged, opened, text, video_form,
};
use crate::client::{ANA, evidence, keys, specimen, video};
use crate::harness::Sandbox;

/// The members of a request in their order, as the contract's sample has them.
const REQUEST: [&str; 95] = [
    "pk",
    "given_name",
    "surname_1",
    "surname_2",
    "sex",
    "id_document_type",
    "id_document_country",
    "serial_number",
    "country_name",
    "citizenship",
    "residence",
    "organization_email",
    "email",
    "title",
    "organization_name",
    "organizational_unit_1",
    "organizational_unit_2",
    "organization_identifier",
    "responsible_name",
    "responsible_first_surname",
    "responsible_second_surname",
    "responsible_email",
    "responsible_serial",
    "responsible_position",
    "subscriber_responsible_serial",
    "administrative_unit",
    "empowerment",
    "representation",
    "circumstances",
    "limit",
    "registration",
    "process_application",
    "entity_owner",
    "entity_owner_serial_number",
    "description",
    "certificate_set",
    "profile",
    "scratchcard",
    "status",
    "registering_user",
    "approving_user",
    "producing_user",
    "registration_authority",
    "secure_element",
    "validity_time",
    "smartcard_sn",
    "citizen_tax_number",
    "birth_date",
    "birth_country",
    "birth_city",
    "birth_province",
    "birth_state",
    "birth_district",
    "birth_canton",
    "id_document_description",
    "id_document_issuer",
    "organization_rol",
    "professional_id_number",
    "mobile_phone_number",
    "fix_phone_number",
    "residence_address",
    "residence_city",
    "residence_province",
    "residence_postal_code",
    "residence_state",
    "residence_district",
    "residence_canton",
    "organization_tax_number",
    "organization_address",
    "organization_city",
    "organization_province",
    "organization_country",
    "organization_postal_code",
    "organization_state",
    "organization_url",
    "responsible_legal_level",
    "subscriber",
    "responsible_legal_documents",
    "special_conditions",
    "responsible_registry_data",
    "approving_rao",
    "producing_rao",
    "id_document_number",
    "id_responsible_document_type",
    "id_responsible_document_country",
    "id_responsible_document_number",
    "organizational_unit_3",
    "paperless_mode",
    "videoid_mode",
    "ext_recognition_data",
    "complement_number",
    "id_responsible_document_issuer",
    "provider_registration_number",
    "communication_language",
    "identification_rao",
];

/// A field of profiles that the contract's sample leaves out.
const EXTRA: &str = "organizational_unit_4";

const USER: [&str; 4] = [
    "pk",
    "permission_profile",
    "registration_authority",
    "request",
];

const OFFICER: [&str; 10] = [
    "pk",
    "given_name",
    "surname_1",
    "surname_2",
    "certificate",
    "id_document_number",
    "id_document_description",
    "id_document_issuer",
    "registration_authority",
    "registration_authority_master",
];

const NESTED: [&str; 10] = [
    "profile",
    "status",
    "valid_from",
    "valid_to",
    "valid",
    "revokation_reason",
    "serial_number",
    "subject",
    "data",
    "issuer",
];

const FLAT: [&str; 10] = [
    "data",
    "profile",
    "subject",
    "issuer",
    "valid_from",
    "valid_to",
    "serial_number",
    "status",
    "pk",
    "revokation_reason",
];

const VIDEO_ID: [&str; 11] = [
    "pk",
    "status",
    "provider",
    "videoid_link",
    "requests",
    "refusal_reason",
    "data",
    "video_identifier",
    "validation_services",
    "acceptance",
    "validation_operator",
];

/// A client of each form of path.
fn both(sandbox: &Sandbox) -> [Api; 2] {
    let api = Api::of(sandbox);
    [api.clone(), api.without_slash()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_whole_by_every_call() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let more = json!({
            "videoid_mode": "1", "validity_time": 365, "organizational_unit_4": "Fourth",
            "birth_date": "01/02/1990", "limit": "none", "communication_language": "es",
            "webhook_url": "http://127.0.0.1:9/", "nobody_knows": "this",
        });
        let created = api.create(more).await;
        let case = Case::of(&created);
        request_shape(&created);
        let mut expected = json!({
            "pk": case.pk,
            "given_name": ANA.given_name,
            "surname_1": ANA.surname_1,
            "surname_2": ANA.surname_2,
            "id_document_type": "IDC",
            "id_document_country": "ES",
            "serial_number": ANA.serial_number,
            "country_name": "ES",
            "email": ANA.email,
            "limit": "none",
            "certificate_set": [],
            "profile": CLOUD,
            "scratchcard": case.sn,
            "status": "VIDEOPENDING",
            "registering_user": created["registering_user"],
            "registration_authority": api.ra,
            "secure_element": 2,
            "validity_time": "365",
            "birth_date": "01/02/1990",
            "mobile_phone_number": ANA.phone,
            "paperless_mode": false,
            "videoid_mode": true,
            "communication_language": "es",
            EXTRA: "Fourth",
            "videoid_data": {
                "pk": case.video_pk,
                "status": "PENDING",
                "provider": 2,
                "videoid_link": "",
                "requests": [case.pk],
                "refusal_reason": "",
                "data": {},
                "video_identifier": case.video_identifier,
                "validation_services": {},
                "acceptance": {},
                "validation_operator": null,
            },
        });
        for name in REQUEST {
            if expected.get(name).is_none() {
                expected[name] = Value::Null;
            }
        }
        assert_eq!(created, expected);
        assert_eq!(keys(&created["registering_user"]), USER);
        assert_eq!(created["registering_user"]["permission_profile"], 1);
        assert_eq!(
            created["registering_user"]["registration_authority"],
            api.told("ra").clone()
        );
        assert_ne!(case.pk, case.video_pk);
        let hyphens = case.video_identifier.match_indices('-').map(|(at, _)| at);
        assert_eq!(hyphens.collect::<Vec<_>>(), [8, 13, 18, 23]);

        // The same is got, found by its card, and answered to a correction.
        assert_eq!(api.record(&case).await, expected);
        let found = api
            .get(&format!("/requests/?scratchcard={}", case.sn))
            .await
            .ok();
        assert_eq!(
            found,
            json!({ "count": 1, "next": null, "previous": null, "results": [expected] })
        );
        let correction = json!({ "surname_2": null, "sex": "F", "validity_time": "730" });
        let corrected = api.put(&case.path(""), &correction).await.ok();
        expected["surname_2"] = Value::Null;
        expected["sex"] = "F".into();
        expected["validity_time"] = "730".into();
        assert_eq!(corrected, expected);
        // A client may send back the whole object that it was given.
        assert_eq!(api.put(&case.path(""), &corrected).await.ok(), expected);

        let secrets = secrets_of(&api, &case.sn).await;
        for secret in ["erc", "enrollment_code"] {
            let body = json!({ "scratchcard": case.sn, "erc": secrets[secret] });
            assert_eq!(
                api.post("/scratchcards/whoami/", &body).await.ok(),
                expected
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_creation_leaves_out_has_the_usual_value() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let bare = json!({
            "profile": CLOUD, "scratchcard": api.unused_card().await, "email": "ana@example.org",
            "registration_authority": api.ra,
        });
        let answer = api.post("/requests/", &bare).await;
        if answer.status == 500 {
            // Another test took the card.
            continue;
        }
        let created = answer.created();
        request_shape(&created);
        assert_eq!(created["status"], "CREATED");
        assert_eq!(created["validity_time"], "730");
        assert_eq!(created["secure_element"], 2);
        assert_eq!(created["communication_language"], "");
        for flag in ["videoid_mode", "paperless_mode"] {
            assert_eq!(created[flag], false, "{flag}");
        }
        let missing = api.get(&Case::of(&created).path("validate/")).await.ok();
        let missing: Vec<_> = missing.as_array().unwrap().iter().collect();
        let named = |name: &&str| missing.contains(&&json!([name, "missing"]));
        let demanded = [
            "id_document_type",
            "id_document_country",
            "serial_number",
            "given_name",
            "surname_1",
            "mobile_phone_number",
        ];
        assert!(demanded.iter().all(named), "{missing:?}");
        assert_eq!(missing.len(), demanded.len(), "{missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_flags_are_taken_in_every_spelling_and_bodies_in_every_form() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    let api = api.for_authority(ra);
    for (flag, filmed) in [
        (json!(1), true),
        (json!(true), true),
        (json!("1"), true),
        (json!("true"), true),
        (json!(0), false),
        (json!(false), false),
        (json!("0"), false),
        (json!("false"), false),
        (json!(null), false),
    ] {
        let more = json!({ "videoid_mode": flag, "registration_authority": ra,
                           "secure_element": 2, "validity_time": "1095" });
        let created = api.create(more).await;
        assert_eq!(created["videoid_mode"], filmed, "{flag}");
        assert_eq!(created["validity_time"], "1095");
    }
    let body = merged(
        api.creation_of(&ANA),
        json!({ "scratchcard": api.unused_card().await }),
    );
    let form: Vec<_> = body
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect();
    let encoded = api.send(api.request(Method::POST, "/requests/").form(&form));
    let created = encoded.await.created();
    assert_eq!(created["given_name"], ANA.given_name);
    let form = Form::new().text("given_name", "Eva").text("sex", "F");
    let path = Case::of(&created).path("");
    let corrected = api.send(api.request(Method::PUT, &path).multipart(form));
    assert_eq!(corrected.await.ok()["given_name"], "Eva");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_unused_card_may_be_asked_for_in_three_ways_and_is_not_reserved() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api.new_authority(json!({})).await;
    for api in [api.clone(), api.clone().without_slash()] {
        let path = "/scratchcards/get_first_unused/";
        let first = api.get(&format!("{path}?ra={ra}")).await.ok();
        assert_eq!(first["registration_authority"], ra);
        for number in [json!({ "ra": ra }), json!({ "ra": ra.to_string() })] {
            let asked = api.send(api.request(Method::GET, path).json(&number));
            assert_eq!(asked.await.ok(), first);
        }
        // Without a word the authority is that of the client certificate.
        let own = api.get(path).await.ok();
        assert_eq!(&own["registration_authority"], api.told("ra"));

        let pk = &first["pk"];
        assert_eq!(api.get(&format!("/scratchcards/{pk}/")).await.ok(), first);
        assert!(
            first["sn"]
                .as_str()
                .unwrap()
                .bytes()
                .all(|b| b.is_ascii_digit())
        );
        // JSON inside a text, blanks and order included.
        let inner: Value = serde_json::from_str(text(&first["secrets"])).unwrap();
        assert_eq!(keys(&inner), ["erc", "enrollment_code", "pin", "puk"]);
        let written = format!(
            "{{\"erc\": {}, \"enrollment_code\": {}, \"pin\": {}, \"puk\": {}}}",
            inner["erc"], inner["enrollment_code"], inner["pin"], inner["puk"]
        );
        assert_eq!(text(&first["secrets"]), written);

        let is_used = json!({ "sn": first["sn"] });
        let used = api.post("/scratchcards/isused/", &is_used).await;
        assert_eq!((used.status, &used.body[..]), (200, b"false".as_slice()));
        api.clone().for_authority(ra).new_classic_request().await;
        let used = api.post("/scratchcards/isused/", &is_used).await;
        assert_eq!((used.status, &used.body[..]), (200, b"true".as_slice()));
        assert_ne!(
            api.get(&format!("{path}?ra={ra}")).await.ok()["sn"],
            first["sn"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scratchcards_made_elsewhere_are_added_changed_and_moved() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let (from, to) = (
            api.new_authority(json!({ "auto_scratchcards": false }))
                .await,
            api.new_authority(json!({ "auto_scratchcards": false }))
                .await,
        );
        let secrets = json!({ "erc": "0123456789", "enrollment_code": "aB3:d,9_",
                              "pin": "01234567", "puk": "76543210" });
        let start = 9_000_000_000 + from * 100;
        for (n, sent) in [
            json!(secrets.to_string()),
            secrets.clone(),
            json!(secrets.to_string()),
        ]
        .into_iter()
        .enumerate()
        {
            let sn = (start + n as i64).to_string();
            let body = json!({ "registration_authority": from, "sn": sn, "secrets": sent });
            let card = api.post("/scratchcards/", &body).await.created();
            assert_members(&card, &["pk", "sn", "registration_authority", "secrets"]);
            assert_eq!(card["sn"], sn);
            let stored: Value = serde_json::from_str(text(&card["secrets"])).unwrap();
            assert_eq!(stored, secrets);
            let renamed = json!({ "sn": (start + 50 + n as i64).to_string() });
            let changed = api
                .put(&format!("/scratchcards/{}/", card["pk"]), &renamed)
                .await
                .ok();
            assert_eq!(changed["sn"], renamed["sn"]);
            assert_eq!(changed["secrets"], card["secrets"]);
        }
        let first = json!({ "from_ra": from.to_string(), "to_ra": to, "amount": "1" });
        let moved = api.post("/scratchcards/move/", &first).await.ok();
        assert_eq!(moved, json!({ "moved": 1 }));
        let range = json!({ "from_sn": (start + 51).to_string(), "to_sn": start + 60,
                            "to_ra": to });
        let moved = api.post("/scratchcards/move/", &range).await.ok();
        assert_eq!(moved, json!({ "moved": 2 }));
        let all = json!({ "from_ra": from, "to_ra": to, "amount": 10 });
        let moved = api.post("/scratchcards/move/", &all).await.ok();
        assert_eq!(moved["moved"], 0);
        assert!(moved["details"].is_string(), "{moved}");
        let there = api
            .get(&format!("/scratchcards/?registration_authority={to}"))
            .await
            .ok();
        assert_eq!(there["count"], 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_known_by_every_name_and_path() {
    let sandbox = Sandbox::shared();
    let done = json!({ "status": "200 OK" });
    for api in both(&sandbox) {
        let case = api.new_videoid_request().await;
        let bare = without_hyphens(&case);
        let names = [
            case.video_pk.to_string(),
            case.pk.to_string(),
            case.video_identifier.clone(),
            bare.clone(),
        ];
        let mut old = evidence();
        let inner = old.as_object_mut().unwrap().remove("videoid_data").unwrap();
        old["data"] = inner;
        for name in &names {
            for (method, path, body) in [
                (Method::PUT, format!("/videoid/{name}"), &old),
                (
                    Method::PUT,
                    format!("/videoid/{name}/evidences"),
                    &evidence(),
                ),
                (Method::POST, format!("/videoid/{name}/evidences"), &old),
                (Method::PUT, format!("/upload/data/{name}/"), &evidence()),
            ] {
                let put = api.send(api.request(method, &path).json(body)).await;
                assert_eq!(put.ok(), done, "{path}");
            }
        }
        let record = api.record(&case).await;
        assert_eq!(
            record["videoid_data"]["acceptance"],
            evidence()["acceptance"]
        );
        assert_eq!(record["videoid_data"]["data"], evidence()["videoid_data"]);
        assert_members(&record["videoid_data"], &VIDEO_ID);
        // Lists leave the images out.
        let listed = api
            .get(&format!("/requests/?scratchcard={}", case.sn))
            .await
            .ok();
        let mut data = evidence()["videoid_data"].clone();
        data.as_object_mut().unwrap().remove("images");
        assert_eq!(listed["results"][0]["videoid_data"]["data"], data);

        let uploads: [fn(&Case) -> String; 5] = [
            |case| format!("/v1/upload/video/{}/", case.video_identifier),
            |case| format!("/v1/upload/video/{}/", without_hyphens(case)),
            |case| format!("/api/v1/upload/video/{}/", without_hyphens(case)),
            |case| format!("/videoid/{}/evidences/video", case.video_pk),
            |case| format!("/videoid/{}/video", case.pk),
        ];
        for path in uploads {
            let case = api.new_videoid_request().await;
            let path = path(&case);
            let sent = api.multipart(&path, video_form(video())).await;
            assert_eq!(sent.ok(), done, "{path}");
            assert_eq!(api.status(&case).await, "VIDEOINCOMPLETE");
        }
        api.post_video(&case, video()).await.ok();
        assert_eq!(api.status(&case).await, "VIDEOREVIEW");

        for path in [
            format!("/download/video/{}/", case.video_identifier),
            format!("/download/video/{bare}/"),
            format!("/download/video/{}/", case.pk),
            format!("/download/video/{}/", case.video_pk),
            format!("/v1/download/video/{}/", case.video_identifier),
        ] {
            let downloaded = api.get(&path).await;
            assert_eq!(downloaded.status, 200, "{path}");
            assert_eq!(downloaded.header("content-type"), "video/mp4");
            assert_eq!(downloaded.body, video(), "{path}");
        }
        let path = format!("/download/video/{}/", case.pk);
        let part = api
            .request(Method::GET, &path)
            .header("range", "bytes=100-199");
        let part = api.send(part).await;
        assert_eq!(part.status, 206, "{part}");
        assert_eq!(part.body, video().slice(100..200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_may_come_piece_by_piece_and_numbers_are_taken_for_levels() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    for level in [json!(87), json!("87"), json!("Medium"), json!("HIGH")] {
        let case = api.new_videoid_request().await;
        let whole = evidence();
        api.put_evidence(&case, &json!({ "acceptance": whole["acceptance"] }))
            .await
            .ok();
        assert_eq!(api.status(&case).await, "VIDEOINCOMPLETE");
        let mut data = whole["videoid_data"].clone();
        data["similarity_level"] = level.clone();
        for image in data["images"].as_object_mut().unwrap().values_mut() {
            // Base64 with the line breaks of MIME.
            let lines: Vec<_> = text(image).as_bytes().chunks(76).collect();
            *image = String::from_utf8(lines.join(&b"\r\n"[..])).unwrap().into();
        }
        api.put_evidence(&case, &json!({ "videoid_data": data }))
            .await
            .ok();
        api.post_video(&case, video()).await.ok();
        let record = api.record(&case).await;
        assert_eq!(record["status"], "VIDEOREVIEW", "{level}");
        let kept = &record["videoid_data"]["data"];
        assert_eq!(kept["similarity_level"], level);
        // What goes out has no line breaks.
        assert_eq!(kept["images"], whole["videoid_data"]["images"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_are_uploaded_fetched_replaced_and_deleted() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let case = api.new_classic_request().await;
        let upload = case.path("pl_upload_document/");
        let files = [
            ("document_front", "id-front.jpg"),
            ("document_rear", "id-rear.jpg"),
            ("document_owner", "selfie.jpg"),
            ("extra_document", "agreement.pdf"),
            ("extra_document", "terms.pdf"),
        ];
        let mut papers = Vec::new();
        for (kind, file) in files {
            let form = document_form(kind, specimen(file));
            let stored = api.multipart(&upload, form).await.created();
            assert_members(&stored, &["pk", "type"]);
            assert_eq!(stored["type"], kind);
            papers.push(json!({ "pk": stored["pk"], "type": kind,
                                "document": STANDARD.encode(specimen(file)) }));
        }
        let all = case.path("pl_get_documents/");
        assert_eq!(api.get(&all).await.ok(), json!(papers));
        let one = case.path("pl_get_document/");
        for (kind, expected) in [
            ("document_front", &papers[..1]),
            ("document_rear", &papers[1..2]),
            ("document_owner", &papers[2..3]),
            ("extra_document", &papers[3..]),
            ("signed_contract", &[]),
        ] {
            let by_json = api.post(&one, &json!({ "type": kind })).await.ok();
            assert_eq!(by_json, json!(expected), "{kind}");
            let form = Form::new().text("type", kind);
            assert_eq!(api.multipart(&one, form).await.ok(), by_json);
        }
        // Front, rear and owner are one each.
        let form = document_form("document_front", specimen("id-photo.jpg"));
        let replaced = api.multipart(&upload, form).await.created();
        assert_ne!(replaced["pk"], papers[0]["pk"]);
        let front = api
            .post(&one, &json!({ "type": "document_front" }))
            .await
            .ok();
        assert_eq!(front.as_array().unwrap().len(), 1);
        assert_eq!(decoded(&front[0]["document"]), specimen("id-photo.jpg"));

        let delete = case.path("pl_delete_document/");
        let form = Form::new().text("docpk", papers[3]["pk"].to_string());
        let gone = json!({ "status": "Document deleted successfully" });
        assert_eq!(api.multipart(&delete, form).await.ok(), gone);
        let body = json!({ "docpk": papers[4]["pk"] });
        assert_eq!(api.post(&delete, &body).await.ok(), gone);
        let left = api.get(&all).await.ok();
        assert_eq!(left.as_array().unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_counts_as_papers_and_more_may_be_added() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let case = api.reviewable().await;
        let path = case.path("upload_videoid_evidence/");
        for method in [Method::POST, Method::PUT] {
            let form = Form::new().text("label", "Power of attorney").part(
                "document",
                Part::bytes(specimen("terms.pdf")).file_name("p.pdf"),
            );
            let stored = api
                .send(api.request(method, &path).multipart(form))
                .await
                .created();
            assert_members(&stored, &["pk", "type"]);
            assert_eq!(stored["type"], "videoid_evidence");
        }
        let papers = api.get(&case.path("pl_get_documents/")).await.ok();
        let listed: Vec<_> = papers
            .as_array()
            .unwrap()
            .iter()
            .map(|paper| (text(&paper["type"]), decoded(&paper["document"])))
            .collect();
        for (kind, file) in [
            ("document_front", "id-front.jpg"),
            ("document_rear", "id-rear.jpg"),
            ("document_owner", "selfie.jpg"),
            ("videoid_evidence", "terms.pdf"),
        ] {
            assert!(listed.contains(&(kind, specimen(file))), "{kind}");
        }
        assert_eq!(listed.len(), 5);
        assert!(
            papers
                .as_array()
                .unwrap()
                .iter()
                .all(|paper| paper["pk"].is_i64())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_comes_by_either_call_and_is_a_sound_pdf() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let case = api.new_classic_request().await;
        let as_text = api
            .post(
                &case.path("generate_document/"),
                &json!({ "doctype": "contract" }),
            )
            .await
            .ok();
        assert_eq!(keys(&as_text), ["document"]);
        sound(&latin_1(text(&as_text["document"])));
        for rao in [
            api.told("rao_id").clone(),
            api.told("rao_id").to_string().into(),
        ] {
            let body = json!({ "type": "contract", "rao_id": rao });
            let drafted = api.post(&case.path("pl_get_document/"), &body).await.ok();
            assert_members(&drafted[0], &["document", "type"]);
            sound(&decoded(&drafted[0]["document"]));
        }
        api.upload_documents(&case).await;
        api.approve(&case).await;
        // The one that was approved, and the same with the officer's signature.
        let body = json!({ "type": "contract" });
        let contract = api.post(&case.path("pl_get_document/"), &body).await.ok();
        let contract = decoded(&contract[0]["document"]);
        let as_text = api
            .post(
                &case.path("generate_document/"),
                &json!({ "doctype": "contract" }),
            )
            .await
            .ok();
        assert_eq!(latin_1(text(&as_text["document"])), contract);
        let form = Form::new().text("type", "signed_contract");
        let signed = api
            .multipart(&case.path("pl_get_document/"), form)
            .await
            .ok();
        let bytes = decoded(&signed[0]["document"]);
        assert!(bytes.len() > contract.len() && bytes.starts_with(&contract));
        let all = api.get(&case.path("pl_get_documents/")).await.ok();
        assert!(
            all.as_array().unwrap().contains(&signed[0]),
            "{}",
            keys(&signed[0]).len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_take_numbers_as_texts_and_a_language() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let case = api.reviewable().await;
        let rao = api.told("rao_id").to_string();
        let body = api.officer_with(json!({ "rao_id": rao, "lang": "ES", "receipt": "x" }));
        let decided = api.post(&case.path("pl_approve/"), &body).await.ok();
        assert_eq!(keys(&decided), ["secrets", "request"]);
        let request = &decided["request"];
        request_shape(request);
        assert_eq!(request["communication_language"], "es");
        officer_shape(&request["approving_rao"]);
        officer_shape(&request["videoid_data"]["validation_operator"]);
        assert_eq!(keys(&request["approving_user"]), USER);
        let secrets = secrets_of(&api, &case.sn).await;
        assert_eq!(decided["secrets"], secrets);
        let mail = sandbox.nth_mail_for(case.pk, 1).await;
        assert!(text(&mail["text"]).starts_with("Hola"), "{mail}");
        assert_eq!(api.record(&case).await, *request);

        let out = api.get(&case.path("preauthlink/")).await.ok();
        assert_eq!(out, json!({ "preauthenticatedlink": mail["link"] }));
        let renewed = api.call(&case.path("preauthlink/")).await.ok();
        assert_eq!(keys(&renewed), ["preauthenticatedlink"]);
        assert_ne!(renewed, out);
        assert_eq!(api.get(&case.path("preauthlink/")).await.ok(), renewed);
        // Only the newest opens.
        let open = |link: &Value| Visitor::at(text(&link["preauthenticatedlink"]));
        assert_eq!(open(&out).open("").await.status, 404);
        assert_eq!(open(&renewed).open("").await.status, 200);
        sandbox.confide(token_of(&renewed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_request_has_its_certificate_and_the_calls_of_its_life() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let (case, secrets) = api.issued(&sandbox).await;
        let record = api.record(&case).await;
        let [certificate] = record["certificate_set"].as_array().unwrap().as_slice() else {
            panic!("not one: {record}")
        };
        assert_members(certificate, &NESTED);
        assert_eq!(certificate["profile"], "PFnubeAF");
        assert_eq!(certificate["revokation_reason"], Value::Null);
        let name = format!("{} {} {}", ANA.given_name, ANA.surname_1, ANA.surname_2);
        let subject = text(&certificate["subject"]);
        let number = format!("IDCES-{}", ANA.serial_number);
        assert!(subject.starts_with(&format!("CN={name}, ")), "{subject}");
        assert!(subject.contains(&format!("2.5.4.5={number}")), "{subject}");
        for date in ["valid_from", "valid_to"] {
            let shape: String = text(&certificate[date])
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { c })
                .collect();
            assert_eq!(shape, "9999-99-99T99:99:99Z");
        }
        let serial = text(&certificate["serial_number"]);
        assert_eq!(serial, serial_of(&decoded(&certificate["data"])));

        let status = case.path("renewal_status/");
        assert_eq!(
            api.get(&status).await.ok(),
            json!({ "request_is_renewable": false, "renewal_enabled": false,
                    "reason": "Not yet enabled" })
        );
        let enabled = api.call(&case.path("enable_renewal/")).await.ok();
        assert_eq!(enabled, json!({ "status": "Renewal enabled for request" }));
        assert_eq!(
            api.get(&status).await.ok(),
            json!({ "request_is_renewable": true, "renewal_enabled": true, "reason": "" })
        );
        for secret in ["erc", "enrollment_code"] {
            let body = json!({ "scratchcard": case.sn, "erc": secrets[secret] });
            let renewable = api.post("/requests/is_renewable/", &body).await.ok();
            assert_eq!(keys(&renewable), ["torenew", "renewed", "request"]);
            assert_eq!(renewable["renewed"], false);
            flat_shape(&renewable["torenew"], "type");
            assert_eq!(renewable["torenew"]["type"], "FIRSTISSUE");
            assert_eq!(renewable["torenew"]["serial_number"], *serial);
            assert_eq!(renewable["request"]["pk"], case.pk);
        }
        let disabled = api.call(&case.path("disable_renewal/")).await.ok();
        assert_eq!(
            disabled,
            json!({ "status": "Renewal disabled for request" })
        );

        let renewal = json!({ "doctype": "contract_renew" });
        let contract = api
            .post(&case.path("generate_document/"), &renewal)
            .await
            .ok();
        sound(&latin_1(text(&contract["document"])));

        for (reason, status, valid, number) in [
            ("CERTIFICATEHOLD", 1, "SUSPENDED", json!(6)),
            ("NOT_REVOKED", 0, "VALID", json!(null)),
            ("SUPERSEDED", 2, "REVOKED", json!(4)),
        ] {
            let body = json!({ "scratchcard": case.sn, "erc": secrets["erc"], "reason": reason });
            let revoked = api.post("/scratchcards/revoke/", &body).await.ok();
            let [certificate] = revoked.as_array().unwrap().as_slice() else {
                panic!("not one: {revoked}")
            };
            flat_shape(certificate, "type");
            assert_eq!(certificate["status"], status);
            assert_eq!(certificate["revokation_reason"], number);
            let record = api.record(&case).await;
            assert_eq!(record["status"], "ISSUED");
            let nested = &record["certificate_set"][0];
            assert_eq!(nested["valid"], valid);
            assert_eq!(nested["revokation_reason"], number);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_data_are_checked_against_the_authoritys_limits() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let limits = json!({ "documents_per_phone": 1, "documents_per_email": 1 });
        let ra = api.new_authority(limits).await;
        let api = api.for_authority(ra);
        api.new_classic_request().await;
        let path = "/requests/check_contact_data_limits/";
        for (number, phone, email, reason) in [
            (ANA.serial_number, ANA.phone, ANA.email, None),
            ("00000001R", "+34600000009", "eva@example.org", None),
            (
                "00000001R",
                ANA.phone,
                "eva@example.org",
                Some("phone number"),
            ),
            ("00000001R", "+34600000009", ANA.email, Some("email")),
            (
                "00000001R",
                ANA.phone,
                ANA.email,
                Some("phone number and email"),
            ),
        ] {
            let body = json!({ "registration_authority": ra.to_string(), "serial_number": number,
                               "mobile_phone_number": phone, "email": email });
            let expected = match reason {
                None => json!({ "result": "ok", "registration_authority": ra }),
                Some(what) => json!({
                    "result": "ko", "registration_authority": ra,
                    "reason": format!("Too many different documents share this {what}"),
                }),
            };
            assert_eq!(api.post(path, &body).await.ok(), expected, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_pin_is_unlocked_by_a_code() {
    let sandbox = Sandbox::shared();
    let [api, bare] = both(&sandbox);
    let (case, secrets) = api.issued(&sandbox).await;
    let code = bare.call(&case.path("generate_otp_for_unlock/")).await.ok();
    assert_eq!(
        code,
        json!({ "status": "success", "message": "OTP sent via SMS" })
    );
    // Five wrong PINs lock it, also where no renewal would be allowed.
    for _ in 0..5 {
        let body = json!({ "username": case.sn, "password": secrets["enrollment_code"],
                           "pin": "wrong99wrong" });
        let refused = api.post("/requests/cloud_renew/", &body).await;
        refused.refused(412, "418", "Invalid paramiters");
    }
    let new_pin = "Meadow73kite";
    let body = json!({
        "scratchcard": case.sn, "enrollment_code": secrets["enrollment_code"],
        "newpin": new_pin, "otp": sandbox.nth_code_for(case.pk, 2).await,
    });
    let unlocked = bare.post(&case.path("unlock_pin/"), &body).await.ok();
    assert_eq!(
        unlocked,
        json!({ "status": "success", "message": "Pin unlocked successfully" })
    );
    sandbox.confide(new_pin);
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_are_created_listed_read_and_changed() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let name = fresh("Example RA");
        let documented = json!({
            "name": name, "parent": api.ra, "enabled_from": "2020-01-01",
            "enabled_until": "2090-12-31", "organization_tax_number": "X0000000",
            "organization_name": "Example Org", "responsible_name": "Rita",
            "responsible_first_surname": "Jefa", "responsible_second_surname": null,
            "responsible_serial": "00000002W", "email": "ra@example.org",
            "fix_phone_number": "+34900000000", "mobile_phone_number": null, "city": "Ciudad",
            "postal_code": "00000", "province": "Provincia", "url": "https://example.org",
            "address": null, "state": null, "country": "ES", "enable_external_auth": true,
            "videoid_enabled": true, "videoid_provider": 2,
        });
        let sent = merged(documented.clone(), json!({ "parent": api.ra.to_string() }));
        let made = api.post("/registrationauthorities/", &sent).await.ok();
        let expected = merged(documented, json!({ "pk": made["pk"], "operators": [] }));
        // Settings of this server stand beside the documented members.
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&made[name], value, "{name}");
        }
        for name in ["webhook_url", "webhook_format", "videoid_steps"] {
            assert!(made.get(name).is_some(), "{name}");
        }
        let path = format!("/registrationauthorities/{}/", made["pk"]);
        assert_eq!(api.get(&path).await.ok(), made);
        let change = json!({ "videoid_enabled": "0", "city": null, "videoid_steps": "2" });
        let changed = api.put(&path, &change).await.ok();
        let news = json!({ "videoid_enabled": false, "city": null, "videoid_steps": 2 });
        assert_eq!(changed, merged(made, news));
        assert_eq!(api.get(&path).await.ok(), changed);

        let list = api.get("/registrationauthorities/").await.ok();
        assert_members(&list, &["count", "next", "previous", "results"]);
        let own = &list["results"][0];
        assert_eq!(own["pk"], api.ra, "the lowest comes first");
        let operators = own["operators"].as_array().unwrap();
        assert!(!operators.is_empty());
        assert!(operators.iter().all(|operator| keys(operator) == USER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_becomes_an_officer_and_an_officer_is_changed() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let (case, _) = api.issued(&sandbox).await;
        let certificate = api.record(&case).await["certificate_set"][0].clone();
        // By the number of its request, or by the certificate itself.
        let by_number = case.pk.to_string();
        let named = match api.url("/x").ends_with('/') {
            true => json!(by_number),
            false => certificate["data"].clone(),
        };
        let body = json!({
            "registration_authority_master": api.ra.to_string(),
            "registration_authority": [api.ra], "certificate": named, "given_name": "Rosa",
            "surname_1": "Oficial", "surname_2": "Uno", "id_document_number": "00000001R",
            "email": "rosa@example.org",
        });
        let officer = api.post("/rao/", &body).await.ok();
        officer_shape(&officer);
        assert_eq!(
            officer,
            json!({
                "pk": officer["pk"], "given_name": "Rosa", "surname_1": "Oficial",
                "surname_2": "Uno", "certificate": certificate,
                "id_document_number": "00000001R", "id_document_description": "",
                "id_document_issuer": "", "registration_authority": [api.ra],
                "registration_authority_master": api.ra, "is_identificator": false,
            })
        );
        let path = format!("/rao/{}/", officer["pk"]);
        assert_eq!(api.get(&path).await.ok(), officer);
        let change = json!({ "id_identificator": true, "surname_2": "Dos" });
        let changed = api.put(&path, &change).await.ok();
        let news = json!({ "is_identificator": true, "surname_2": "Dos" });
        assert_eq!(changed, merged(officer, news));

        // It may now identify whom another officer approves.
        let more = json!({ "identification_rao": changed["pk"] });
        let request = api.create(more).await;
        assert_eq!(request["identification_rao"], changed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_from_issued_requests_and_changed() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let (case, _) = api.issued(&sandbox).await;
        let rao = api.told("rao_id");
        let body = json!({ "registration_authority": api.ra.to_string(), "permission_profile": 2,
                           "request": case.pk, "rao": rao });
        let user = api.post("/users/", &body).await.ok();
        assert_eq!(
            user,
            json!({ "pk": user["pk"], "permission_profile": 2, "registration_authority": api.ra,
                    "request": case.pk, "rao": rao })
        );
        let path = format!("/users/{}/", user["pk"]);
        assert_eq!(api.get(&path).await.ok(), user);
        let change = json!({ "registration_authority": api.ra, "permission_profile": "3" });
        let changed = api.put(&path, &change).await.ok();
        assert_eq!(changed, merged(user, json!({ "permission_profile": 3 })));
        // Who shows the certificate is one user and no other.
        let taken = "{'request': ['This field must be unique.']}";
        let second = api.post("/users/", &body).await;
        second.refused(500, "500", taken);
        let (other, _) = api.issued(&sandbox).await;
        let body = merged(body, json!({ "request": other.pk }));
        let user = api.post("/users/", &body).await.ok();
        let path = format!("/users/{}/", user["pk"]);
        let answer = api.put(&path, &json!({ "request": case.pk })).await;
        answer.refused(500, "500", taken);
        assert_eq!(api.get(&path).await.ok(), user);
        let list = api.get("/users/").await.ok();
        assert_members(&list, &["count", "next", "previous", "results"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_enrol_and_renew_by_calls_where_the_operator_allows_it() {
    let sandbox = Sandbox::shared();
    for api in both(&sandbox) {
        let (cloud, secrets) = api.approved(CLOUD).await;
        let body = json!({ "scratchcard": cloud.sn });
        let sent = api.post(&cloud.path("generate_otp/"), &body).await.ok();
        assert_eq!(sent, json!({ "delivery_method": "sms" }));
        let code = sandbox.code_for(cloud.pk).await;
        let body = json!({ "secret": code, "pin": PIN });
        let issued = api.post(&cloud.path("pl_cloud_enroll/"), &body).await.ok();
        flat_shape(&issued[0], "request");
        assert_eq!(issued[0]["request"], cloud.pk);
        assert_eq!(api.status(&cloud).await, "ISSUED");

        api.call(&cloud.path("enable_renewal/")).await.ok();
        let body = json!({ "username": cloud.sn, "password": secrets["enrollment_code"],
                           "pin": PIN });
        let renewed = api.post("/requests/cloud_renew/", &body).await.ok();
        flat_shape(&renewed[0], "type");
        assert_eq!(renewed[0]["type"], "RENEWAL");
        assert_ne!(renewed[0]["serial_number"], issued[0]["serial_number"]);
        assert_eq!(api.status(&cloud).await, "RENEWED");
        let set = api.record(&cloud).await["certificate_set"].clone();
        assert_eq!(set.as_array().unwrap().len(), 2);

        let (software, secrets) = api.approved(SOFTWARE).await;
        api.call(&software.path("generate_otp/")).await.ok();
        let code = sandbox.code_for(software.pk).await;
        let body = json!({ "secret": code, "p12password": PIN });
        let file = api.post(&software.path("pl_p12_enroll/"), &body).await.ok();
        assert_eq!(file.as_array().unwrap().len(), 1);
        file_opens(&file[0]);
        assert_eq!(api.status(&software).await, "ISSUED");
        api.call(&software.path("enable_renewal/")).await.ok();
        let body = json!({ "username": software.sn, "password": secrets["enrollment_code"],
                           "pin": PIN });
        let renewed = api.post("/requests/soft_renew/", &body).await.ok();
        assert_eq!(renewed[0]["type"], "RENEWAL");
        file_opens(&renewed[0]["pkcs12"]);
        assert_eq!(api.status(&software).await, "RENEWED");

        let (qualified, _) = api.approved("PFnubeQAFCiudadano").await;
        let body = json!({ "pin": PIN, "puk": "76543210" });
        let sent = api
            .post(&qualified.path("generate_otp_for_qs/"), &body)
            .await
            .ok();
        let result = &sent["result"];
        assert_members(result, &["qualified", "number", "webunlock"]);
        assert_eq!(
            (&result["qualified"], &result["webunlock"]),
            (&json!(true), &json!(true))
        );
        let number = &api.record(&qualified).await["mobile_phone_number"];
        assert_eq!(&result["number"], number);
        let code = sandbox.code_for(qualified.pk).await;
        let body = json!({ "secret": code, "pin": PIN });
        let issued = api
            .post(&qualified.path("plq_cloud_enroll/"), &body)
            .await
            .ok();
        flat_shape(&issued[0], "request");
        assert_eq!(api.status(&qualified).await, "ISSUED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_profile_is_approved_and_its_page_asks_for_a_key_request() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (case, _) = api.approved(CARD).await;
    assert_eq!(api.record(&case).await["secure_element"], 1);
    let mut visitor = Visitor::at(&sandbox.link_for(case.pk).await);
    visitor.ask_for_code().await;
    let page = visitor.open("").await;
    let page = String::from_utf8_lossy(&page.body);
    assert!(page.contains("request_text"), "{page}");
}

/// The members of a request, in their order; `videoid_data` on filmed ones alone.
#[track_caller]
fn request_shape(request: &Value) {
    let filmed = request["videoid_mode"] == true;
    let expected = REQUEST.into_iter().chain(filmed.then_some("videoid_data"));
    let seen = keys(request).into_iter().filter(|name| *name != EXTRA);
    assert_eq!(seen.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(request.get(EXTRA).is_some());
    for number in ["pk", "registration_authority", "secure_element"] {
        assert!(request[number].is_i64(), "{number}");
    }
    assert!(request["validity_time"].is_string());
    if filmed {
        assert_eq!(keys(&request["videoid_data"]), VIDEO_ID);
    }
}

#[track_caller]
fn officer_shape(officer: &Value) {
    let names: Vec<_> = OFFICER.into_iter().chain(["is_identificator"]).collect();
    assert_members(officer, &names);
    assert_members(&officer["certificate"], &NESTED);
}

/// A certificate by itself, with this member at its end.
#[track_caller]
fn flat_shape(certificate: &Value, last: &str) {
    let names: Vec<_> = FLAT.into_iter().chain([last]).collect();
    assert_members(certificate, &names);
    assert!(certificate["pk"].is_i64(), "{certificate}");
}

/// The secrets of a card, from the list.
async fn secrets_of(api: &Api, sn: &str) -> Value {
    let list = api.get(&format!("/scratchcards/?sn={sn}")).await.ok();
    assert_eq!(list["count"], 1);
    serde_json::from_str(text(&list["results"][0]["secrets"])).unwrap()
}

fn without_hyphens(case: &Case) -> String {
    case.video_identifier.replace('-', "")
}

fn token_of(link: &Value) -> &str {
    text(&link["preauthenticatedlink"])
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

/// The bytes whose characters are U+0000 to U+00FF.
#[track_caller]
fn latin_1(text: &str) -> Vec<u8> {
    let byte = |c: char| u8::try_from(u32::from(c)).expect("a character below U+0100");
    text.chars().map(byte).collect()
}

/// What OpenSSL reads as a certificate's serial number.
#[track_caller]
fn serial_of(der: &[u8]) -> String {
    let said = testkit::run("openssl", ["x509", "-noout", "-serial"], der);
    let said = said.must_accept().text();
    said.trim().trim_start_matches("serial=").to_lowercase()
}

/// qpdf finds nothing wrong.
#[track_caller]
fn sound(pdf: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contract.pdf");
    std::fs::write(&file, pdf).unwrap();
    let arguments = [Path::new("--check"), file.as_path()];
    testkit::run("qpdf", arguments, b"").must_accept();
}

/// A PKCS#12 file in armour.
#[track_caller]
fn file_opens(armoured: &Value) {
    let armoured = text(armoured);
    let body = armoured
        .strip_prefix("-----BEGIN PKCS12-----\n")
        .and_then(|rest| rest.trim_end().strip_suffix("-----END PKCS12-----"))
        .unwrap_or_else(|| panic!("no armour: {armoured}"));
    let base64: String = body.split_ascii_whitespace().collect();
    let pem = opened(&STANDARD.decode(base64).unwrap());
    // OpenSSL prints names in Latin-1.
    let pem = String::from_utf8_lossy(&pem);
    assert!(pem.contains("PRIVATE KEY") && pem.contains("BEGIN CERTIFICATE"));
}
