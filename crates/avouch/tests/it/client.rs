//! A One-Shot client for both dialects, strict about the shape of every answer.

use std::fs;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// Which form of the API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    New,
    Legacy,
}

/// Both dialects.
pub const DIALECTS: [Dialect; 2] = [Dialect::New, Dialect::Legacy];

/// Somebody who is identified.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub given_name: &'static str,
    pub surname_1: &'static str,
    pub surname_2: &'static str,
    pub serial_number: &'static str,
    pub email: &'static str,
    pub phone: &'static str,
}

impl Person {
    /// All that must not stand in a log.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> {
        let Self {
            given_name,
            surname_1,
            surname_2,
            serial_number,
            email,
            phone,
        } = *self;
        [
            given_name,
            surname_1,
            surname_2,
            serial_number,
            email,
            phone,
        ]
        .into_iter()
        .filter(|text| !text.is_empty())
    }
}

/// The signer of most tests.
pub const ANA: Person = Person {
    given_name: "Ana María",
    surname_1: "Ejemplo",
    surname_2: "Núñez-Łęcka",
    serial_number: "X0000000T",
    email: "ana.ejemplo@example.com",
    phone: "+34600123987",
};

/// A signer with a Greek name.
pub const ELENI: Person = Person {
    given_name: "Ελένη",
    surname_1: "Παπαδοπούλου",
    surname_2: "",
    serial_number: "AK472913",
    email: "eleni@example.gr",
    phone: "+306912345678",
};

/// A signer with a Cyrillic name.
pub const YORDAN: Person = Person {
    given_name: "Йордан",
    surname_1: "Щърбанов",
    surname_2: "Юлиев",
    serial_number: "641288057",
    email: "yordan@example.bg",
    phone: "+359881234567",
};

/// Everybody.
pub const PEOPLE: [Person; 3] = [ANA, ELENI, YORDAN];

/// A file of the specimens that the project ships.
pub fn specimen(name: &str) -> Vec<u8> {
    let path = testkit::workspace_root().join("specimens").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The specimen video.
pub fn video() -> Bytes {
    static VIDEO: OnceLock<Bytes> = OnceLock::new();
    VIDEO.get_or_init(|| specimen("video.mp4").into()).clone()
}

/// The evidence of [`ANA`], as a business sends it.
pub fn evidence() -> Value {
    evidence_of(&ANA)
}

/// The evidence of a person.
pub fn evidence_of(person: &Person) -> Value {
    let image = |name: &str| STANDARD.encode(specimen(name));
    json!({
        "acceptance": {
            "description": "accepted", "ip": "192.0.2.10", "user-agent": "ExampleBrowser/1.0",
            "date": 1_750_000_000_000_i64,
            "url-doc-termsconditions": "https://example.com/terms",
            "url-doc-privacypolicy": "https://example.com/privacy",
            "url-web-videoid": "https://example.com/vid",
        },
        "videoid_data": {
            "images": {
                "document_front": image("id-front.jpg"), "document_rear": image("id-rear.jpg"),
                "document_photo": image("id-photo.jpg"), "document_owner": image("selfie.jpg"),
            },
            "ocr_data": {
                "given_name": person.given_name, "surname_1": person.surname_1,
                "surname_2": person.surname_2, "serial_number": person.serial_number,
                "mobile_phone_number": person.phone, "email": person.email,
                "id_document_type": "IDC", "id_document_country": "ES",
            },
            "security_checks": {
                "otp_validation": true, "documents_match": true, "data_integrity": true,
                "document_notcopy": true, "document_notexpired": true,
                "document_notunderage": true, "liveliness": true,
            },
            "similarity_level": "high",
        },
    })
}

/// The numbers of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pks {
    pub request: i64,
    pub videoid: i64,
}

/// A client of one sandbox in one dialect.
#[derive(Clone)]
pub struct OneShot {
    pub http: Client,
    pub base: String,
    pub dialect: Dialect,
    description: Arc<Value>,
    slash: bool,
}

impl OneShot {
    /// A client of the instance that `sandbox.json` describes.
    pub fn new(description: &Value, dialect: Dialect) -> Self {
        let name = match dialect {
            Dialect::New => "base",
            Dialect::Legacy => "legacy_base",
        };
        let base = description["one_shot"][name]
            .as_str()
            .expect("a base URL")
            .to_owned();
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let http = http.build().expect("a client");
        Self {
            http,
            base,
            dialect,
            description: Arc::new(description.clone()),
            slash: false,
        }
    }

    /// The same client with a slash at the end of every path.
    pub fn with_slash(mut self) -> Self {
        self.slash = true;
        self
    }

    /// The same client under another base URL.
    pub fn at(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self
    }

    /// The URL of a path of this dialect.
    pub fn url(&self, path: &str) -> String {
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let slash = if self.slash { "/" } else { "" };
        let query = query.map_or(String::new(), |query| format!("?{query}"));
        format!("{}{path}{slash}{query}", self.base)
    }

    /// A request to be filled in, for [`OneShot::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let sent = self.try_send(request).await;
        sent.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// The same, for servers that may be killed meanwhile.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let (http, request) = request.build_split();
        let request = request?;
        let call = format!("{} {}", request.method(), request.url().path());
        let response = http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Answer {
            call,
            dialect: self.dialect,
            status,
            headers,
            body,
        })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn post_form(&self, path: &str, form: Form) -> Answer {
        self.send(self.request(Method::POST, path).multipart(form))
            .await
    }

    /// What creates a request for a person.
    pub fn creation_of(&self, person: &Person) -> Value {
        json!({
            "mobile_phone_number": person.phone,
            "email": person.email,
            "registration_authority": self.description["registration_authority"],
            "profile": self.description["profile"],
        })
    }

    /// The officer's user name, password and PIN.
    pub fn officer(&self) -> Value {
        let rao = &self.description["rao"];
        json!({ "username": rao["username"], "password": rao["password"], "pin": rao["pin"],
                "rao": rao["id"] })
    }

    /// The sandbox's token.
    pub fn token(&self) -> Value {
        json!({ "token": self.description["rao"]["token"] })
    }

    /// Creates a request for [`ANA`].
    pub async fn create(&self) -> Pks {
        self.create_for(&ANA).await
    }

    /// Creates a request.
    pub async fn create_for(&self, person: &Person) -> Pks {
        let created = self
            .post("/videoid", &self.creation_of(person))
            .await
            .payload();
        let number = |name: &str| {
            created[name]
                .as_i64()
                .unwrap_or_else(|| panic!("no {name}"))
        };
        Pks {
            request: number("request_pk"),
            videoid: number("videoid_pk"),
        }
    }

    /// The number that this dialect's paths below `/videoid` carry.
    pub fn videoid(&self, pks: Pks) -> i64 {
        match self.dialect {
            Dialect::New => pks.videoid,
            Dialect::Legacy => pks.request,
        }
    }

    pub async fn evidences(&self, pks: Pks, evidence: &Value) -> Answer {
        self.post(
            &format!("/videoid/{}/evidences", self.videoid(pks)),
            evidence,
        )
        .await
    }

    /// The path of the video's upload.
    pub fn video_path(&self, pks: Pks) -> String {
        match self.dialect {
            Dialect::New => format!("/videoid/{}/video", pks.videoid),
            Dialect::Legacy => format!("/videoid/{}/evidences/video", pks.request),
        }
    }

    pub async fn video(&self, pks: Pks, video: Bytes) -> Answer {
        let part = Part::stream(video).file_name("video.mp4");
        self.post_form(&self.video_path(pks), Form::new().part("video", part))
            .await
    }

    pub async fn approve(&self, pks: Pks, credentials: &Value) -> Answer {
        let path = match self.dialect {
            Dialect::New => format!("/videoid/{}/approve", pks.videoid),
            Dialect::Legacy => format!("/request/{}/approve", pks.request),
        };
        self.post(&path, credentials).await
    }

    pub async fn documents(&self, pks: Pks, files: &[(&str, &str, Vec<u8>)]) -> Answer {
        let form = files
            .iter()
            .fold(Form::new(), |form, (field, name, content)| {
                let part = Part::bytes(content.clone()).file_name((*name).to_owned());
                form.part((*field).to_owned(), part)
            });
        self.post_form(&format!("/document/{}", pks.request), form)
            .await
    }

    /// Uploads the specimen agreement and returns its identifier.
    pub async fn agreement(&self, pks: Pks) -> String {
        let files = [("file", "agreement.pdf", specimen("agreement.pdf"))];
        let payload = self.documents(pks, &files).await.payload();
        let uid = match self.dialect {
            Dialect::New => &payload["uid"],
            Dialect::Legacy => &payload,
        };
        uid.as_str().expect("an identifier").to_owned()
    }

    pub async fn otp(&self, pks: Pks) -> Answer {
        self.send(self.request(Method::POST, &format!("/otp/{}", pks.request)))
            .await
    }

    pub async fn sign(&self, pks: Pks, body: &Value) -> Answer {
        self.post(&format!("/sign/{}", pks.request), body).await
    }

    pub async fn contract(&self, pks: Pks) -> Answer {
        let path = match self.dialect {
            Dialect::New => format!("/contract/{}", pks.request),
            Dialect::Legacy => format!("/document/{}/contract", pks.request),
        };
        self.get(&path).await
    }

    /// A document's copy, `signed` or `original`.
    pub async fn document(&self, pks: Pks, copy: &str, uid: &str) -> Answer {
        self.get(&format!("/document/{}/{copy}/{uid}", pks.request))
            .await
    }

    /// The request's record.
    pub async fn record(&self, pks: Pks) -> Value {
        self.get(&format!("/request/{}", pks.request))
            .await
            .payload()
    }

    /// Where the request stands.
    pub async fn status(&self, pks: Pks) -> String {
        let record = self.record(pks).await;
        record["status"]
            .as_str()
            .expect("a status is a text")
            .to_owned()
    }

    /// A request of a person in `VIDEOREVIEW`.
    pub async fn reviewable(&self, person: &Person) -> Pks {
        let pks = self.create_for(person).await;
        self.evidences(pks, &evidence_of(person)).await.payload();
        self.video(pks, video()).await.payload();
        assert_eq!(self.status(pks).await, "VIDEOREVIEW");
        pks
    }

    /// A request of a person in `ENROLLREADY`.
    pub async fn approved(&self, person: &Person) -> Pks {
        let pks = self.reviewable(person).await;
        self.approve(pks, &self.token())
            .await
            .said("Request approved successfully");
        pks
    }
}

/// What the sandbox's registration authority allows in place of a code.
pub fn external_unlock() -> Value {
    json!({ "ext_unlock_type": "biometric", "ext_unlock_value": "txn-0001" })
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub call: String,
    pub dialect: Dialect,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let content_type = self.header("content-type");
        assert!(
            content_type.starts_with("application/json"),
            "{content_type}: {self}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// A header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Insists on success in the dialect's envelope, with a payload, and returns that.
    #[track_caller]
    pub fn payload(&self) -> Value {
        let body = self.success();
        let payload = match self.dialect {
            Dialect::New => {
                assert_eq!(body["detail"], body["details"], "twins differ: {self}");
                body.get("detail")
            }
            Dialect::Legacy => body.get("details"),
        };
        payload
            .cloned()
            .unwrap_or_else(|| panic!("no payload: {self}"))
    }

    /// Insists on success with these words and no payload.
    #[track_caller]
    pub fn said(&self, words: &str) {
        let expected = match self.dialect {
            Dialect::New => json!({ "status": "success", "message": words }),
            Dialect::Legacy => json!({ "status": "200 OK", "details": words }),
        };
        assert_eq!(self.success(), expected, "{self}");
    }

    /// Insists on success in the dialect's envelope and returns the whole body.
    #[track_caller]
    pub fn success(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        let body = self.json();
        let keys = keys(&body);
        match self.dialect {
            Dialect::New => {
                assert_eq!(body["status"], "success", "{self}");
                assert!(body["message"].is_string(), "{self}");
                assert_eq!(
                    keys.contains(&"detail"),
                    keys.contains(&"details"),
                    "{self}"
                );
                self.allow(
                    &keys,
                    &["status", "message", "messsage", "detail", "details"],
                );
            }
            Dialect::Legacy => {
                assert_eq!(body["status"], "200 OK", "{self}");
                assert!(keys.contains(&"details"), "{self}");
                self.allow(&keys, &["status", "details"]);
            }
        }
        body
    }

    /// Insists on this refusal in the dialect's envelope.
    #[track_caller]
    pub fn refused(&self, status: u16, words: &str) {
        let text = self.refusal(status);
        assert_eq!(text, words, "{self}");
    }

    /// Insists on a refusal with this code in the dialect's envelope and returns its words.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self}");
        let body = self.json();
        let keys = keys(&body);
        let text = body["details"]
            .as_str()
            .unwrap_or_else(|| panic!("no words: {self}"));
        match self.dialect {
            Dialect::New => {
                self.allow(&keys, &["status", "message", "detail", "details", "reason"]);
                assert_eq!(body["status"], "error", "{self}");
                assert_eq!(body["message"], text, "{self}");
                assert_eq!(body["detail"], text, "{self}");
                assert!(body.get("reason").is_none_or(Value::is_string), "{self}");
            }
            Dialect::Legacy => {
                self.allow(&keys, &["status", "details"]);
                let line = body["status"].as_str().unwrap_or_default();
                let known = line == "Invalid JSON" && status == 400;
                assert!(known || line.starts_with(&format!("{status} ")), "{self}");
            }
        }
        text.to_owned()
    }

    /// The new dialect's addition to a refusal's words.
    #[track_caller]
    pub fn reason(&self) -> String {
        self.json()["reason"]
            .as_str()
            .unwrap_or_else(|| panic!("no reason: {self}"))
            .to_owned()
    }

    /// Insists on a PDF and returns it.
    #[track_caller]
    pub fn pdf(&self) -> Bytes {
        assert_eq!(self.status, 200, "{self}");
        assert_eq!(self.header("content-type"), "application/pdf", "{self}");
        assert!(
            self.header("content-disposition")
                .starts_with("attachment; filename="),
            "{self}"
        );
        assert!(self.body.starts_with(b"%PDF-"), "{self}");
        self.body.clone()
    }

    /// What an upload of evidence says is still missing, in either dialect.
    #[track_caller]
    pub fn missing(&self) -> Vec<String> {
        let body = self.success();
        if self.dialect == Dialect::New && body.get("missing").is_some() {
            assert_eq!(body["missing"], body["detail"]["missing"], "{self}");
        }
        let Some(listed) = body.get("missing") else {
            return Vec::new();
        };
        let names = listed
            .as_array()
            .unwrap_or_else(|| panic!("no list: {self}"));
        names
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    }

    #[track_caller]
    fn allow(&self, keys: &[&str], allowed: &[&str]) {
        // Uploads of evidence say what is missing beside the documented members.
        let upload = ["/evidences", "/video"];
        let path = self.call.trim_end_matches('/');
        let may_miss = upload.iter().any(|end| path.ends_with(end)) && self.status == 200;
        for key in keys {
            let known = allowed.contains(key) || (*key == "missing" && may_miss);
            assert!(known, "unknown member {key}: {self}");
        }
        let three_s = self.call.starts_with("POST") && path.ends_with("/videoid");
        assert!(!keys.contains(&"messsage") || three_s, "{self}");
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.body[..self.body.len().min(600)];
        write!(
            f,
            "{}: {} {}",
            self.call,
            self.status,
            String::from_utf8_lossy(start)
        )
    }
}

/// The member names of an object, in order.
#[track_caller]
pub fn keys(object: &Value) -> Vec<&str> {
    let members = object
        .as_object()
        .unwrap_or_else(|| panic!("no object: {object}"));
    members.keys().map(String::as_str).collect()
}
