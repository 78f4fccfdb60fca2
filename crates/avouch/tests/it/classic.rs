//! Requests that are created and approved in one call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};

use crate::client::{
    ANA, Answer, DIALECTS, Dialect, ELENI, OneShot, Person, Pks, YORDAN, external_unlock, specimen,
};
use crate::harness::{Options, Sandbox};
use crate::registration::client::Api;
use crate::sql;

/// What creates a request for a person, approved with the sandbox's token.
pub fn creation_of(client: &OneShot, person: &Person) -> Value {
    let mut creation = client.creation_of(person);
    for (name, value) in [
        ("given_name", person.given_name),
        ("surname_1", person.surname_1),
        ("surname_2", person.surname_2),
        ("serial_number", person.serial_number),
        ("token", client.token()["token"].as_str().expect("a token")),
    ] {
        creation[name] = value.into();
    }
    creation
}

/// The number of the request that was created.
#[track_caller]
pub fn number(answer: &Answer) -> Pks {
    let pk = match answer.dialect {
        Dialect::New => answer.json()["detail"]["pk"].as_i64(),
        Dialect::Legacy => answer.json()["details"].as_i64(),
    };
    let request = pk.unwrap_or_else(|| panic!("no number: {answer}"));
    // Such a request has no VideoID that anybody is told of.
    Pks {
        request,
        videoid: request,
    }
}

/// The members of a body as texts, which is how forms have them.
fn texts(body: &Value) -> Vec<(String, String)> {
    let members = body.as_object().expect("an object").iter();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    members
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn multipart(body: &Value, files: &[(&str, &str)]) -> Form {
    let form = texts(body)
        .into_iter()
        .fold(Form::new(), |form, (name, value)| form.text(name, value));
    files.iter().fold(form, |form, (name, file)| {
        let part = Part::bytes(specimen(file)).file_name((*file).to_owned());
        form.part((*name).to_owned(), part)
    })
}

const IMAGES: [(&str, &str); 3] = [
    ("document_front", "id-front.jpg"),
    ("document_rear", "id-rear.jpg"),
    ("document_owner", "selfie.jpg"),
];

/// Images and a further PDF, in the database's words.
fn kept(sandbox: &Sandbox, pks: Pks) -> Vec<Value> {
    let statement = format!(
        "SELECT kind, media_type FROM attachment WHERE request = {} ORDER BY number",
        pks.request
    );
    sql::query(&sandbox.dir().join("avouch.db"), &statement)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_the_body_creates_approves_and_leads_to_a_signature() {
    let sandbox = Sandbox::shared();
    for (dialect, person) in DIALECTS.into_iter().zip([ANA, YORDAN]) {
        let client = sandbox.client(dialect);
        let body = creation_of(&client, &person);
        let path = match dialect {
            Dialect::New => "/create",
            Dialect::Legacy => "/request",
        };
        let files = [&IMAGES[..], &[("extra_document", "agreement.pdf")]].concat();
        let mut in_json = body.clone();
        for (name, file) in &files {
            in_json[*name] = STANDARD.encode(specimen(file)).into();
        }
        let post = || client.request(Method::POST, path);
        let sent = [
            client
                .send(post().multipart(multipart(&body, &files)))
                .await,
            client.send(post().json(&in_json)).await,
            client.send(post().form(&texts(&body))).await,
        ];
        for (index, answer) in sent.iter().enumerate() {
            let pks = number(answer);
            let pk = pks.request;
            let expected = match dialect {
                Dialect::New => {
                    let detail = json!({ "pk": pk, "status": "ENROLLREADY", "asyncmode": false });
                    let message = format!("Request created with pk {pk}");
                    json!({ "status": "success", "message": message, "detail": detail, "details": detail })
                }
                Dialect::Legacy => json!({ "status": "201 Created", "details": pk }),
            };
            assert_eq!(answer.json(), expected);
            let code = if dialect == Dialect::New { 200 } else { 201 };
            assert_eq!(answer.status, code, "{answer}");

            let record = client.record(pks).await;
            assert_eq!(record["status"], "ENROLLREADY");
            assert_eq!(record["given_name"], person.given_name);
            assert_eq!(record["id_document_type"], "IDC");
            assert_eq!(
                (&record["videoid_mode"], &record["videoid"]),
                (&json!(false), &Value::Null)
            );
            assert!(record["approving_rao"]["pk"].is_i64(), "{record}");
            let images = kept(&sandbox, pks);
            if index < 2 {
                let jpeg = |kind: &str| json!([kind, "image/jpeg"]);
                let mut all = IMAGES.map(|(kind, _)| jpeg(kind)).to_vec();
                all.push(json!(["extra_document", "application/pdf"]));
                assert_eq!(images, all);
            } else {
                assert_eq!(images, Vec::<Value>::new());
            }

            client.contract(pks).await.pdf();
            let uid = client.agreement(pks).await;
            client
                .sign(pks, &external_unlock())
                .await
                .said("Documents correctly signed");
            assert_eq!(client.status(pks).await, "ISSUED");
            client.document(pks, "signed", &uid).await.pdf();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_the_paths_and_the_envelope_the_prefixs() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect).with_slash();
        let body = creation_of(&client, &ELENI);
        for (path, code, line) in [("/create", 200, "200 OK"), ("/request", 201, "201 Created")] {
            let answer = client.post(path, &body).await;
            assert_eq!(answer.status, code, "{answer}");
            let status = answer.json()["status"].clone();
            match dialect {
                Dialect::New => assert_eq!(status, "success"),
                Dialect::Legacy => assert_eq!(status, line),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loose_types_spelt_out_credentials_and_terms_from_the_settings_will_do() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let ra = sandbox.description()["registration_authority"].clone();
    let settings = json!({ "request": { "default_ra": ra, "default_profile": "PFnubeNC" } });
    client.post("/settings", &settings).await.success();

    let mut body = creation_of(&client, &ELENI);
    let members = body.as_object_mut().unwrap();
    for name in ["registration_authority", "profile", "token"] {
        members.remove(name);
    }
    members.extend(client.officer().as_object().unwrap().clone());
    members.extend(object(json!({
        "id_document_type": "pas", "id_document_country": "gr", "communication_language": "ES",
        "residence_city": "Αθήνα", "useasync": 0, "surname_2": null, "nobody_knows": [1],
        "billing_username": "account-7", "billing_password": STANDARD.encode("secret"),
        "env": "test", "serial_number": 472_913,
    })));
    let pks = number(&client.post("/create", &body).await);
    let record = client.record(pks).await;
    assert_eq!(record["profile"], "PFnubeNC");
    assert_eq!(record["registration_authority"], ra);
    assert_eq!(
        (&record["id_document_type"], &record["id_document_country"]),
        (&json!("PAS"), &json!("GR"))
    );
    assert_eq!(
        (&record["serial_number"], &record["surname_2"]),
        (&json!("472913"), &Value::Null)
    );
    assert_eq!(record["communication_language"], "ES");
    let contract = client.contract(pks).await.pdf();
    let text = testkit::run("pdftotext", ["-", "-"], &contract).must_accept();
    assert!(
        String::from_utf8_lossy(&text.stdout).contains("CONTRATO")
            || String::from_utf8_lossy(&text.stdout).contains("Contrato")
    );

    // A language that papers are not in is the authority's.
    let mut polish = creation_of(&client, &ELENI);
    polish["communication_language"] = "PL".into();
    let pks = number(&client.post("/create", &polish).await);
    assert_eq!(client.record(pks).await["communication_language"], "");
}

/// A refusal of a creation: the change to the body that leads to it, code, and what `details` has.
fn refusals(client: &OneShot) -> Vec<(Value, u16, Value)> {
    let nothing = Value::Null;
    let officer = client.officer();
    let with = |change: Value| {
        let mut whole = object(json!({ "token": nothing }));
        whole.extend(officer.as_object().unwrap().clone());
        whole.extend(object(change));
        Value::Object(whole)
    };
    let no_image = |kind: &str| json!({ kind: STANDARD.encode("no image at all") });
    vec![
        (
            json!({ "mobile_phone_number": nothing }),
            400,
            json!("Missing parameter: mobile_phone_number required"),
        ),
        (
            json!({ "mobile_phone_number": " " }),
            400,
            json!("Missing parameter: mobile_phone_number required"),
        ),
        (
            json!({ "mobile_phone_number": "600123987" }),
            400,
            json!("Please use the mobile phone number with an international prefix"),
        ),
        (
            json!({ "email": "nobody" }),
            400,
            json!("Enter a valid email address"),
        ),
        (
            json!({ "env": "staging" }),
            400,
            json!("Environment staging does not exist"),
        ),
        (
            json!({ "id_document_type": "DRIVER" }),
            400,
            json!(
                "The id_document_type specified is not valid. Valid options are IDC, PAS, PNO, TIN, CI, CE"
            ),
        ),
        (
            json!({ "email": nothing }),
            400,
            json!({ "email": ["This field is required"] }),
        ),
        (
            json!({ "given_name": "", "surname_1": nothing }),
            400,
            json!({ "given_name": ["This field may not be blank"] }),
        ),
        (
            json!({ "id_document_country": "XX" }),
            400,
            json!({ "id_document_country": ["'XX' is not a valid ISO 3166-1 alpha-2 country code"] }),
        ),
        (
            json!({ "registration_authority": "one" }),
            400,
            json!({ "registration_authority": ["must be a number"] }),
        ),
        (
            json!({ "callback": "ftp://example.org", "useasync": true }),
            400,
            json!({ "callback": ["Enter a valid URL"] }),
        ),
        (
            json!({ "callback": format!("https://example.org/{}", "a".repeat(2048)), "useasync": true }),
            400,
            json!({ "callback": ["must have no more than 2048 characters"] }),
        ),
        (json!({ "document_front": "?" }), 400, nothing.clone()),
        (no_image("document_owner"), 400, nothing.clone()),
        (
            no_image("extra_document"),
            400,
            json!({ "extra_document": ["neither JPEG nor PNG nor PDF"] }),
        ),
        (
            with(json!({ "pin": nothing })),
            400,
            json!("Missing required parameters: incomplete RAO's credentials"),
        ),
        (
            json!({ "token": nothing }),
            400,
            json!("Missing required parameters: incomplete RAO's credentials"),
        ),
        (
            with(json!({ "pin": "000000" })),
            403,
            json!("Invalid RAO Credentials"),
        ),
        (
            with(json!({ "password": "wrong" })),
            403,
            json!("Invalid RAO Credentials"),
        ),
        (
            with(json!({ "rao": "999" })),
            403,
            json!("Invalid RAO Credentials"),
        ),
        (
            with(json!({ "username": "nobody" })),
            404,
            json!("Error getting RAO's id. Make sure the credentials are correct"),
        ),
        (
            json!({ "token": "00000000-0000-4000-8000-000000000000" }),
            404,
            json!("Token not found"),
        ),
        (
            json!({ "profile": "PFunknown" }),
            403,
            json!("You do not have permission to perform this action"),
        ),
        (
            json!({ "profile": "EMPUBsoft" }),
            403,
            json!("You do not have permission to perform this action"),
        ),
        (
            json!({ "registration_authority": 999 }),
            404,
            json!("Registration Authority not found"),
        ),
        (
            json!({ "profile": "PFnubeAFEmpresa" }),
            403,
            json!("You do not have permission to perform this action"),
        ),
        (
            json!({ "serial_number": nothing, "surname_1": nothing }),
            412,
            json!(
                "Error occured during request approval: Invalid request fields: \
                 serial_number; surname_1"
            ),
        ),
        (
            json!({ "given_name": "Ñ".repeat(150) }),
            400,
            json!({ "given_name": ["must have no more than 149 characters"] }),
        ),
        (
            json!({ "billing_password": "not base64!" }),
            500,
            json!("Billing credentials not valid. Please check if they are base64 encoded"),
        ),
    ]
}

/// What a refused creation must leave as it was. Wrong passwords are counted elsewhere.
const TABLES: [&str; 7] = [
    "request",
    "paper",
    "attachment",
    "outbox",
    "job",
    "document",
    "certificate",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_words_and_changes_nothing() {
    let sandbox = Sandbox::start(Options {
        webhook_url: Some("http://127.0.0.1:9/".to_owned()),
        ..Options::default()
    });
    let database = sandbox.dir().join("avouch.db");
    let rows =
        || TABLES.map(|table| sql::number(&database, &format!("SELECT COUNT(*) FROM {table}")));
    let blobs = || walkdir(&sandbox.dir().join("blobs"));
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let before = (rows(), blobs());
        for (change, code, details) in refusals(&client) {
            let mut body = creation_of(&client, &ANA);
            body["document_front"] = STANDARD.encode(specimen("id-front.jpg")).into();
            body.as_object_mut().unwrap().extend(object(change.clone()));
            let answer = client.post("/create", &body).await;
            assert_eq!(answer.status, code, "{change}: {answer}");
            let told = answer.json();
            if !details.is_null() {
                assert_eq!(told["details"], details, "{change}: {answer}");
            }
            match dialect {
                Dialect::New => {
                    assert_eq!(
                        (&told["status"], &told["detail"]),
                        (&json!("error"), &told["details"])
                    );
                    assert!(told["message"].is_string(), "{answer}");
                }
                Dialect::Legacy => {
                    let line = told["status"].as_str().unwrap();
                    assert!(line.starts_with(&format!("{code} ")), "{answer}");
                }
            }
        }
        let form = client.request(Method::POST, "/create");
        let cut = form
            .header("content-type", "multipart/form-data; boundary=b")
            .body("--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nx");
        client.send(cut).await.refusal(400);
        client
            .send(client.request(Method::POST, "/create").body("{\"a\":"))
            .await
            .refusal(400);
        // What was written for a refused call is removed after its answer.
        for _ in 0..100 {
            if (rows(), blobs()) == before {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!((rows(), blobs()), before);
    }
    let client = sandbox.client(Dialect::New);
    let pks = number(&client.post("/create", &creation_of(&client, &ANA)).await);
    assert_eq!(client.status(pks).await, "ENROLLREADY");
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_may_demand_images_of_document_and_owner() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let ra = api
        .new_authority(json!({ "identity_images_mandatory": true }))
        .await;
    let told = &sandbox.description()["registration_authority_api"];
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let mut body = creation_of(&client, &ANA);
        let members = body.as_object_mut().unwrap();
        members.remove("token");
        members.extend(object(json!({
            "registration_authority": ra,
            "username": told["rao_username"], "password": told["rao_password"],
            "pin": told["rao_pin"], "rao": told["rao_id"],
        })));
        let create = |body: Value, files: Vec<(&'static str, &'static str)>| {
            let client = client.clone();
            async move { client.post_form("/create", multipart(&body, &files)).await }
        };
        let missing = "Error occured during request approval: Missing required docs";
        create(body.clone(), Vec::new()).await.refused(400, missing);
        for left_out in 0..3 {
            let mut files = IMAGES.to_vec();
            files.remove(left_out);
            create(body.clone(), files).await.refused(400, missing);
        }
        let whole = create(body.clone(), IMAGES.to_vec()).await;
        assert_eq!(kept(&sandbox, number(&whole)).len(), 3);
        // A passport has no rear.
        let mut passport = body.clone();
        passport["id_document_type"] = "PAS".into();
        let two = vec![IMAGES[0], IMAGES[2]];
        number(&create(passport, two).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn such_a_request_takes_no_evidence_and_can_be_cancelled() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = number(&client.post("/create", &creation_of(&client, &ANA)).await);
        let closed = client.evidences(pks, &crate::client::evidence()).await;
        closed.refusal(412);
        client
            .approve(pks, &client.token())
            .await
            .refused(412, "Invalid request status");
        client
            .delete(&format!("/request/{}", pks.request))
            .await
            .said("Request directory removed successfully");
        assert_eq!(client.status(pks).await, "CANCELLED");
    }
    // Nor does it exist for the other API.
    let client = sandbox.client(Dialect::New);
    let pks = number(&client.post("/create", &creation_of(&client, &ANA)).await);
    let api = Api::of(&sandbox);
    assert_eq!(
        api.get(&format!("/requests/{}/", pks.request)).await.status,
        404
    );
}

#[track_caller]
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("no object: {other}"),
    }
}

/// Files below a folder.
fn walkdir(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => walkdir(&entry.path()),
            _ => 1,
        })
        .sum()
}
