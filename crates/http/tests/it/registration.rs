//! The workflows of the Registration Authority API, on the wire.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::house::form;
use crate::office::{BASE, Office};

const IDENTITY: [(&str, &str); 7] = [
    ("given_name", "Ana"),
    ("surname_1", "Prueba"),
    ("id_document_type", "IDC"),
    ("id_document_country", "ES"),
    ("serial_number", "00000000T"),
    ("mobile_phone_number", "+34600000000"),
    ("country_name", "ES"),
];

fn identity() -> Value {
    IDENTITY
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn filmed() -> Value {
    let mut body = identity();
    body["videoid_mode"] = 1.into();
    body
}

fn officer() -> Value {
    json!({ "username": "officer", "password": "correct horse", "pin": "123456", "rao_id": "1" })
}

/// The form of an upload of the specimen video.
fn video() -> Vec<u8> {
    let mut body =
        b"--b\r\nContent-Disposition: form-data; name=\"video\"; filename=\"v.mp4\"\r\n\r\n"
            .to_vec();
    body.extend_from_slice(specimens::VIDEO);
    body.extend_from_slice(b"\r\n--b--\r\n");
    body
}

#[tokio::test]
async fn a_filmed_identification_from_the_scratchcard_to_the_approval() {
    let office = Office::open().await;
    let created = office.create(filmed()).await;
    assert_eq!(created["status"], "VIDEOPENDING");
    let (pk, video_pk) = (&created["pk"], &created["videoid_data"]["pk"]);
    let identifier = created["videoid_data"]["video_identifier"]
        .as_str()
        .unwrap();
    assert_eq!(identifier.len(), 36);

    let path = format!("/v1/upload/video/{}/", identifier.replace('-', ""));
    let answer = office.post_form(&path, video()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({ "status": "200 OK" }))
    );
    let status = office.get(&format!("/api/v1/requests/{pk}")).await.json();
    assert_eq!(status["status"], "VIDEOINCOMPLETE");

    let evidence = specimens::evidences();
    let answer = office
        .put(&format!("/api/v1/videoid/{video_pk}"), evidence.clone())
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({ "status": "200 OK" }))
    );
    let request = office.get(&format!("/api/v1/requests/{pk}/")).await.json();
    assert_eq!(request["status"], "VIDEOREVIEW");
    let record = &request["videoid_data"];
    assert_eq!(record["status"], "REVIEW");
    assert_eq!(record["requests"], json!([pk]));
    assert_eq!(record["acceptance"], evidence["acceptance"]);
    assert_eq!(
        record["data"], evidence["videoid_data"],
        "what was uploaded comes back"
    );
    let listed = office.get("/api/v1/requests/").await.json();
    assert_eq!(
        listed["results"][0]["videoid_data"]["data"].get("images"),
        None
    );

    let again = office.put(&format!("/api/v1/videoid/{pk}"), evidence).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["code"]),
        (412, &json!("412"))
    );
    let range = Request::get(format!("/api/v1/download/video/{pk}/"))
        .header("range", "bytes=4-7")
        .body(Body::empty());
    let part = office.send(range.unwrap()).await;
    assert_eq!(
        (part.status.as_u16(), part.content.as_slice()),
        (206, b"ftyp".as_slice())
    );
    assert_eq!(part.header("content-type"), "video/mp4");

    let validate = format!("/api/v1/requests/{pk}/validate_videoid");
    let mut wrong = officer();
    wrong["pin"] = "654321".into();
    let refused = office.post(&validate, wrong).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (403, &json!("Invalid RAO credentials"))
    );
    let validated = office.post(&validate, officer()).await.json();
    assert_eq!(validated["request"]["status"], "CREATED", "{validated}");
    assert_eq!(validated["request"]["videoid_data"]["status"], "VALIDATED");
    assert_eq!(
        validated["request"]["videoid_data"]["validation_operator"]["pk"],
        1
    );
    assert!(validated["secrets"]["erc"].as_str().unwrap().len() == 10);

    let declaration = json!({ "rao": 1, "type": "APPROVE" });
    let declaration = office
        .post(
            &format!("/api/v1/requests/{pk}/generates_tbs_receipt/"),
            declaration,
        )
        .await
        .json();
    assert!(
        declaration["receipt"].as_str().unwrap().contains("\r\n"),
        "{declaration}"
    );
    let approve = format!("/api/v1/requests/{pk}/pl_approve/");
    let mut stranger = officer();
    stranger["rao_id"] = 99.into();
    let refused = office.post(&approve, stranger).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (500, &json!("Rao matching query does not exist."))
    );
    let approved = office.post(&approve, officer()).await.json();
    assert_eq!(approved["request"]["status"], "ENROLLREADY", "{approved}");
    assert_eq!(approved["request"]["approving_rao"]["pk"], 1);
    assert_eq!(
        approved["request"]["approving_user"]["registration_authority"],
        office.authority
    );

    let link = format!("/api/v1/requests/{pk}/preauthlink/");
    let link = office.post(&link, json!({})).await.json();
    let link = link["preauthenticatedlink"].as_str().unwrap();
    let token = link
        .strip_prefix("http://localhost/lcmpl/enrollment/auth/")
        .unwrap();
    assert!(
        token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()),
        "{link}"
    );

    let contract = json!({ "type": "signed_contract" });
    let contract = office
        .post(&format!("/api/v1/requests/{pk}/pl_get_document/"), contract)
        .await
        .json();
    assert_eq!(contract[0]["type"], "signed_contract");
    assert!(
        contract[0]["document"]
            .as_str()
            .unwrap()
            .starts_with("JVBERi")
    );
    let cancelled = office
        .call(
            Method::DELETE,
            &format!("/api/v1/requests/{pk}/cancel/"),
            Body::empty(),
        )
        .await;
    assert_eq!(cancelled.json(), json!({ "status": "Request cancelled" }));
}

#[tokio::test]
async fn a_classic_request_with_its_papers() {
    let office = Office::open().await;
    let created = office.create(json!({ "paperless_mode": 1 })).await;
    assert_eq!(created["status"], "CREATED");
    assert_eq!(created.get("videoid_data"), None);
    assert_eq!(created["paperless_mode"], true);
    let base = format!("/api/v1/requests/{}", created["pk"]);

    let missing = office.get(&format!("{base}/validate/")).await.json();
    assert!(
        missing
            .as_array()
            .unwrap()
            .contains(&json!(["given_name", "missing"])),
        "{missing}"
    );
    let updated = office.put(&format!("{base}/"), identity()).await.json();
    assert_eq!(updated["given_name"], "Ana");
    assert_eq!(
        office.get(&format!("{base}/validate")).await.json(),
        json!([])
    );

    let refused = office.post(&format!("{base}/pl_approve/"), officer()).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (400, &json!("Missing required docs"))
    );

    let upload = format!("{base}/pl_upload_document/");
    let paper = |kind: &str, content: &[u8]| {
        let mut body = form(&[("name=\"type\"", kind)])
            .replace("--b--\r\n", "")
            .into_bytes();
        body.extend_from_slice(
            b"--b\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a\"\r\n\r\n",
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--b--\r\n");
        body
    };
    let front = office
        .post_form(&upload, paper("document_front", specimens::ID_FRONT))
        .await;
    assert_eq!(
        (front.status.as_u16(), &front.json()["type"]),
        (201, &json!("document_front"))
    );
    let text = office
        .post_form(&upload, paper("document_rear", b"plain text"))
        .await;
    assert_eq!(
        (text.status.as_u16(), &text.json()["error"]),
        (500, &json!("Invalid content_type"))
    );
    for kind in ["contract", "videoid_evidence", "nothing", ""] {
        let wrong = office
            .post_form(&upload, paper(kind, specimens::ID_REAR))
            .await;
        assert_eq!(
            (wrong.status.as_u16(), &wrong.json()["code"]),
            (412, &json!("418")),
            "{kind}"
        );
        assert_eq!(wrong.json()["error"], "Invalid paramiters");
    }
    let nothing = office
        .post_form(&upload, form(&[("name=\"type\"", "document_rear")]))
        .await;
    assert_eq!(nothing.json()["code"], "418");

    let get = format!("{base}/pl_get_document/");
    let as_json = office
        .post(&get, json!({ "type": "document_front" }))
        .await
        .json();
    let as_form = office
        .post_form(&get, form(&[("name=\"type\"", "document_front")]))
        .await
        .json();
    assert_eq!(as_json, as_form);
    assert_eq!(as_json[0]["pk"], front.json()["pk"]);
    let rear = office.post(&get, json!({ "type": "document_rear" })).await;
    assert_eq!((rear.status.as_u16(), rear.json()), (200, json!([])));

    let delete = format!("{base}/pl_delete_document/");
    let gone = office.post(&delete, json!({ "docpk": 999_999 })).await;
    assert_eq!(
        (gone.status.as_u16(), &gone.json()["error"]),
        (404, &json!("No documents found with id 999999"))
    );
    assert_eq!(
        office.post(&delete, json!({ "docpk": "x" })).await.status,
        500
    );
    let pk = front.json()["pk"].to_string();
    let deleted = office
        .post_form(&delete, form(&[("name=\"docpk\"", &pk)]))
        .await;
    assert_eq!(
        deleted.json(),
        json!({ "status": "Document deleted successfully" })
    );
}

#[tokio::test]
async fn the_first_unused_scratchcard_is_asked_for_in_four_ways() {
    let office = Office::open().await;
    let path = "/api/v1/scratchcards/get_first_unused/";
    let own = office.get(path).await.json();
    let secrets: Value = serde_json::from_str(own["secrets"].as_str().unwrap()).unwrap();
    let names: Vec<_> = secrets.as_object().unwrap().keys().collect();
    assert_eq!(names, ["erc", "enrollment_code", "pin", "puk"]);
    let authority = office.authority;
    for body in [
        json!({ "ra": authority }),
        json!({ "ra": authority.to_string() }),
    ] {
        let card = office.call(Method::GET, path, body.to_string()).await;
        assert_eq!(card.json(), own);
    }
    let card = office.get(&format!("{path}?ra={authority}")).await;
    assert_eq!(card.json(), own);

    let foreign = office.get(&format!("{path}?ra=999")).await;
    assert_eq!(
        (foreign.status.as_u16(), &foreign.json()["error"]),
        (404, &json!("No ScratchCard matches the given query."))
    );
    let broken = office.call(Method::GET, path, "{\"ra\": ").await;
    assert_eq!(broken.status, 400);
    assert_eq!(
        broken.json()["detail"],
        "JSON parse error - Expecting value: line 1 column 8 (char 7)"
    );
}

#[tokio::test]
async fn a_scratchcard_is_used_once() {
    let office = Office::open().await;
    let created = office.create(json!({})).await;
    let sn = &created["scratchcard"];
    let body = json!({
        "profile": "PFnubeAFCiudadano", "scratchcard": sn,
        "registration_authority": office.authority, "email": "eva@example.org",
    });
    let second = office.post("/api/v1/requests/", body).await;
    assert_eq!(
        (
            second.status.as_u16(),
            &second.json()["code"],
            &second.json()["error"]
        ),
        (500, &json!("500"), &json!("Invalid ScratchCard"))
    );
    let used = office
        .post("/api/v1/scratchcards/isused/", json!({ "sn": sn }))
        .await;
    assert_eq!(used.json(), json!(true));
    let unknown = office
        .post("/api/v1/scratchcards/isused/", json!({ "sn": "0" }))
        .await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]),
        (500, &json!("ScratchCard matching query does not exist."))
    );
    let who = json!({ "scratchcard": sn, "erc": "wrong" });
    let who = office.post("/api/v1/scratchcards/whoami/", who).await;
    assert_eq!(
        (who.status.as_u16(), &who.json()["error"]),
        (412, &json!("Invalid parameters"))
    );
}

#[tokio::test]
async fn lists_come_in_pages_of_ten_and_keep_their_filters() {
    let office = Office::open().await;
    for _ in 0..11 {
        office.create(json!({ "surname_1": "Prueba" })).await;
    }
    office.create(json!({ "surname_1": "Otra" })).await;
    let first = office
        .get("/api/v1/requests/?surname_1=Prueba")
        .await
        .json();
    assert_eq!(
        (&first["count"], &first["previous"]),
        (&json!(11), &Value::Null)
    );
    assert_eq!(first["results"].as_array().unwrap().len(), 10);
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        next,
        format!("{BASE}/api/v1/requests/?surname_1=Prueba&page=2")
    );
    let second = office.get(next.strip_prefix(BASE).unwrap()).await.json();
    assert_eq!(second["results"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
    assert_eq!(
        second["previous"],
        format!("{BASE}/api/v1/requests/?surname_1=Prueba&page=1")
    );

    let beyond = office
        .get("/api/v1/requests/?surname_1=Prueba&page=3")
        .await;
    assert_eq!(
        (beyond.status.as_u16(), &beyond.json()["detail"]),
        (404, &json!("Invalid page."))
    );
    for (filter, count) in [
        ("status=CREATED", 12),
        ("status=ISSUED", 0),
        ("status=NONSENSE", 0),
        ("registration_authority=abc", 0),
        ("videoid_mode=1", 0),
        ("videoid_mode=false", 12),
        ("email=ana%40example.org&surname_1=Otra", 1),
    ] {
        let list = office
            .get(&format!("/api/v1/requests/?{filter}"))
            .await
            .json();
        assert_eq!(list["count"], count, "{filter}");
    }
}

#[tokio::test]
async fn a_request_has_every_member_in_order_and_comes_back_unharmed() {
    let office = Office::open().await;
    let sent = json!({ "organizational_unit_4": "Four", "sex": "F", "secure_element": "2" });
    let created = office.create(sent).await;
    let names: Vec<_> = created
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names.len(), 96);
    assert_eq!(names[..4], ["pk", "given_name", "surname_1", "surname_2"]);
    assert_eq!(
        names[93..],
        [
            "communication_language",
            "identification_rao",
            "organizational_unit_4"
        ]
    );
    assert_eq!(created["organizational_unit_4"], "Four");
    assert_eq!(created["secure_element"], 2);
    assert_eq!(created["validity_time"], "730");
    assert_eq!(created["given_name"], Value::Null);
    assert_eq!(created["registering_user"].as_object().unwrap().len(), 4);

    let path = format!("/api/v1/requests/{}/", created["pk"]);
    let back = office.put(&path, created.clone()).await;
    assert_eq!((back.status.as_u16(), back.json()), (200, created));
}

#[tokio::test]
async fn evidence_that_is_malformed_changes_nothing() {
    let office = Office::open().await;
    let created = office.create(filmed()).await;
    let path = format!("/api/v1/videoid/{}", created["videoid_data"]["pk"]);
    for body in [
        json!({ "videoid_data": { "images": { "document_front": "?!" } } }),
        json!({ "videoid_data": { "images": { "document_front": "" } } }),
        json!({ "videoid_data": { "images": { "document_front": 7.5, "document_rear": {} } } }),
        json!({ "videoid_data": { "images": [] } }),
        json!({ "data": "text" }),
        json!({ "acceptance": [] }),
        json!({ "data": { "similarity_level": {} } }),
    ] {
        let answer = office.put(&path, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (412, &json!("418")),
            "{body}"
        );
    }
    let status = office
        .get(&format!("/api/v1/requests/{}", created["pk"]))
        .await
        .json();
    assert_eq!(status["status"], "VIDEOPENDING");

    let alias = json!({ "data": { "similarity_level": "high" } });
    assert_eq!(office.put(&path, alias).await.status, 200);
    let unknown = office.put("/api/v1/videoid/999999", json!({})).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]),
        (404, &json!("No VideoID matches the given query."))
    );
    let nameless = office.post_form("/v1/upload/video/0", video()).await;
    assert_eq!(
        (nameless.status.as_u16(), &nameless.json()["description"]),
        (400, &json!("No video file provided"))
    );
    let empty = office.post("/v1/upload/video/0", json!({})).await;
    assert_eq!(
        (empty.status.as_u16(), &empty.json()["title"]),
        (400, &json!("Upload Video Error"))
    );
}

#[tokio::test]
async fn numbers_in_paths_that_are_none_have_an_empty_error() {
    let office = Office::open().await;
    for (path, error) in [
        ("/api/v1/requests/abc/", ""),
        ("/api/v1/requests/-5", ""),
        ("/api/v1/requests/5%00", ""),
        (
            "/api/v1/requests/999999/",
            "No Request matches the given query.",
        ),
        (
            "/api/v1/requests/99999999999999999999/",
            "No Request matches the given query.",
        ),
        (
            "/api/v1/scratchcards/abc/",
            "No ScratchCard matches the given query.",
        ),
    ] {
        let answer = office.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        let body = answer.json();
        assert_eq!(
            (&body["code"], &body["error"]),
            (&json!("400"), &json!(error)),
            "{path}"
        );
    }
    for (path, error) in [
        ("/api/v1/rao/abc/", "Rao matching query does not exist."),
        (
            "/api/v1/users/999999/",
            "User matching query does not exist.",
        ),
        (
            "/api/v1/registrationauthorities/999999/",
            "You do not have permission to perform this action.",
        ),
    ] {
        let answer = office.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (500, &json!(error)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn authorities_officers_and_users_are_kept() {
    let office = Office::open().await;
    let new = json!({ "name": "Branch", "parent": office.authority, "videoid_enabled": "1", "country": "ES" });
    let branch = office
        .post("/api/v1/registrationauthorities/", new.clone())
        .await;
    assert_eq!(branch.status, 200, "{}", branch.json());
    let branch = branch.json();
    assert_eq!(
        (&branch["parent"], &branch["videoid_enabled"]),
        (&json!(office.authority), &json!(true))
    );
    assert_eq!(
        (&branch["operators"], &branch["country"]),
        (&json!([]), &json!("ES"))
    );
    let twin = office.post("/api/v1/registrationauthorities/", new).await;
    assert_eq!(
        (twin.status.as_u16(), &twin.json()["error"]),
        (500, &json!("{'name': ['This field must be unique.']}"))
    );
    let path = format!("/api/v1/registrationauthorities/{}/", branch["pk"]);
    let changed = office
        .put(&path, json!({ "videoid_enabled": false }))
        .await
        .json();
    assert_eq!(
        (&changed["videoid_enabled"], &changed["name"]),
        (&json!(false), &json!("Branch"))
    );
    let filmed = json!({
        "profile": "PFnubeAFCiudadano", "scratchcard": "0", "videoid_mode": 1,
        "registration_authority": branch["pk"], "email": "ana@example.org",
    });
    let refused = office.post("/api/v1/requests/", filmed).await;
    let words = format!(
        "Videoid not enabled for Registration Authority {}",
        branch["pk"]
    );
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (500, &json!(words))
    );

    let officers = office.get("/api/v1/rao/").await.json();
    assert_eq!(officers["results"][0]["given_name"], "Olga", "{officers}");
    let officer = office
        .put("/api/v1/rao/1/", json!({ "id_identificator": 1 }))
        .await
        .json();
    assert_eq!(officer["is_identificator"], true, "{officer}");
    let users = office.get("/api/v1/users/").await.json();
    assert_eq!(users["results"][0]["permission_profile"], 1, "{users}");
}
