//! A client of the Registration Authority API, strict about the form of every refusal, and a
//! subscriber who follows a link.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::multipart::{Form, Part};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::client::{ANA, Person, evidence_of, keys, specimen, video};
use crate::harness::Sandbox;

/// A profile of a natural person whose key goes into the cloud.
pub const CLOUD: &str = "PFnubeAFCiudadano";
/// One whose key goes into a PKCS#12 file.
pub const SOFTWARE: &str = "PFSoftAFCiudadano";
/// One whose key is on the subscriber's card.
pub const CARD: &str = "PFqscdCiudadano";

/// The PIN, or file password, that subscribers choose.
pub const PIN: &str = "q7Lantern52";

/// A client of one installation, in the name of one API user.
#[derive(Clone)]
pub struct Api {
    http: Client,
    /// Scheme, host and port.
    pub base: String,
    /// The authority whose requests and scratchcards the helpers use.
    pub ra: i64,
    description: Arc<Value>,
    slash: bool,
}

/// A request, as far as its client must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub pk: i64,
    pub sn: String,
    /// 0 on classic requests.
    pub video_pk: i64,
    /// Empty on classic requests.
    pub video_identifier: String,
}

impl Case {
    /// Reads a request object.
    #[track_caller]
    pub fn of(request: &Value) -> Self {
        let video = &request["videoid_data"];
        let identifier = video["video_identifier"].as_str();
        Self {
            pk: request["pk"].as_i64().expect("a request has a number"),
            sn: text(&request["scratchcard"]).to_owned(),
            video_pk: video["pk"].as_i64().unwrap_or_default(),
            video_identifier: identifier.unwrap_or_default().to_owned(),
        }
    }

    /// A path below the request.
    pub fn path(&self, rest: &str) -> String {
        format!("/requests/{}/{rest}", self.pk)
    }
}

impl Api {
    /// The sandbox's API user.
    pub fn of(sandbox: &Sandbox) -> Self {
        Self::new(&sandbox.description()["registration_authority_api"])
    }

    /// The API user that this member of `sandbox.json` describes.
    pub fn new(description: &Value) -> Self {
        let mut api = Self {
            http: Client::new(),
            base: text(&description["base_url"]).to_owned(),
            ra: description["ra"].as_i64().expect("an authority's number"),
            description: Arc::new(description.clone()),
            slash: true,
        };
        let file = |name: &str| read(Path::new(text(&description[name])));
        let pem = [file("client_certificate"), file("client_key")].join(&b'\n');
        api.http = api.connect(Some(&pem));
        api
    }

    /// The same installation, in the name of whoever these PEM files make one.
    pub fn with_identity(mut self, certificate: &Path, key: &Path) -> Self {
        let pem = [read(certificate), read(key)].join(&b'\n');
        self.http = self.connect(Some(&pem));
        self
    }

    /// The same installation without a client certificate.
    pub fn without_identity(mut self) -> Self {
        self.http = self.connect(None);
        self
    }

    /// The same client without a slash at the end of any path.
    pub fn without_slash(mut self) -> Self {
        self.slash = false;
        self
    }

    /// The same client with the requests of another authority.
    pub fn for_authority(mut self, ra: i64) -> Self {
        self.ra = ra;
        self
    }

    fn connect(&self, identity: Option<&[u8]>) -> Client {
        let authority = read(Path::new(text(&self.description["server_ca"])));
        let trusted = Certificate::from_pem_bundle(&authority).expect("PEM certificates");
        let mut http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only(trusted);
        if let Some(pem) = identity {
            http = http.identity(Identity::from_pem(pem).expect("a certificate and its key"));
        }
        http.build().expect("a client")
    }

    /// The URL of a path: below `/api/v1` unless it says itself where it lies.
    pub fn url(&self, path: &str) -> String {
        let (path, query) = path
            .split_once('?')
            .map_or((path, String::new()), |(p, q)| (p, format!("?{q}")));
        let prefix = match path.starts_with("/v1/") || path.starts_with("/api/") {
            true => "",
            false => "/api/v1",
        };
        let path = path.trim_end_matches('/');
        let slash = if self.slash { "/" } else { "" };
        format!("{}{prefix}{path}{slash}{query}", self.base)
    }

    /// A request to be filled in, for [`Api::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let sent = self.try_send(request).await;
        sent.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// The same, for servers that may be killed meanwhile and for handshakes that may fail.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        answer_to(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub async fn multipart(&self, path: &str, form: Form) -> Answer {
        self.send(self.request(Method::POST, path).multipart(form))
            .await
    }

    /// A POST without a body.
    pub async fn call(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// Reads what lies beside the API, such as its description.
    pub async fn beside(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.base)))
            .await
    }

    /// A member of `sandbox.json`'s description of the API.
    pub fn told(&self, name: &str) -> &Value {
        &self.description[name]
    }

    /// The sandbox's officer, as decisions want it.
    pub fn officer(&self) -> Value {
        json!({ "username": self.told("rao_username"), "password": self.told("rao_password"),
                "pin": self.told("rao_pin"), "rao_id": self.told("rao_id") })
    }

    /// The officer's credentials and further members.
    pub fn officer_with(&self, more: Value) -> Value {
        merged(self.officer(), more)
    }

    /// Number of the first unused scratchcard. Nobody reserves it.
    pub async fn unused_card(&self) -> String {
        let path = format!("/scratchcards/get_first_unused/?ra={}", self.ra);
        text(&self.get(&path).await.ok()["sn"]).to_owned()
    }

    /// All that the profiles of natural persons demand, but for the scratchcard.
    pub fn creation_of(&self, person: &Person) -> Value {
        json!({
            "profile": CLOUD,
            "registration_authority": self.ra.to_string(),
            "secure_element": "2",
            "email": person.email,
            "country_name": "ES",
            "id_document_type": "IDC",
            "id_document_country": "ES",
            "serial_number": person.serial_number,
            "given_name": person.given_name,
            "surname_1": person.surname_1,
            "surname_2": person.surname_2,
            "mobile_phone_number": person.phone,
        })
    }

    /// Creates a request for [`ANA`] with a fresh scratchcard; `more` adds members or takes the
    /// place of usual ones. Answers the request object.
    pub async fn create(&self, more: Value) -> Value {
        loop {
            let card = json!({ "scratchcard": self.unused_card().await });
            let body = merged(merged(self.creation_of(&ANA), card), more.clone());
            let answer = self.post("/requests/", &body).await;
            // Another test was quicker with the same card: ask again, as clients do.
            if answer.status == 500 && answer.json()["error"] == "Invalid ScratchCard" {
                continue;
            }
            return answer.created();
        }
    }

    /// A request of the External VideoID workflow: `VIDEOPENDING`.
    pub async fn new_videoid_request(&self) -> Case {
        self.case(json!({ "videoid_mode": 1 }), "VIDEOPENDING")
            .await
    }

    /// A request of the classic workflow: `CREATED`.
    pub async fn new_classic_request(&self) -> Case {
        self.case(json!({ "paperless_mode": 1 }), "CREATED").await
    }

    /// A classic request for another profile: `CREATED`.
    pub async fn new_request_for(&self, profile: &str) -> Case {
        let element = match profile {
            SOFTWARE => 0,
            CARD => 1,
            _ => 2,
        };
        let more = json!({ "paperless_mode": 1, "profile": profile, "secure_element": element,
                           "smartcard_sn": "0123456789" });
        self.case(more, "CREATED").await
    }

    async fn case(&self, more: Value, status: &str) -> Case {
        let request = self.create(more).await;
        assert_eq!(request["status"], status);
        Case::of(&request)
    }

    /// Acceptance, stills and claims of a person.
    pub async fn put_evidence(&self, case: &Case, evidence: &Value) -> Answer {
        self.put(&format!("/videoid/{}", case.video_pk), evidence)
            .await
    }

    pub async fn post_video(&self, case: &Case, video: Bytes) -> Answer {
        let path = format!("/v1/upload/video/{}/", case.video_identifier);
        self.multipart(&path, video_form(video)).await
    }

    /// All evidence: `VIDEOREVIEW`.
    pub async fn submit_evidence(&self, case: &Case) {
        let done = json!({ "status": "200 OK" });
        let evidence = evidence_of(&ANA);
        assert_eq!(self.put_evidence(case, &evidence).await.ok(), done);
        assert_eq!(self.post_video(case, video()).await.ok(), done);
        assert_eq!(self.status(case).await, "VIDEOREVIEW");
    }

    /// Uploads a paper and answers its number.
    pub async fn upload_document(&self, case: &Case, kind: &str, content: Vec<u8>) -> i64 {
        let form = document_form(kind, content);
        let path = case.path("pl_upload_document/");
        let uploaded = self.multipart(&path, form).await.created();
        uploaded["pk"].as_i64().expect("a document has a number")
    }

    /// Front and rear of the identity document, which approvals of classic requests demand.
    pub async fn upload_documents(&self, case: &Case) {
        for (kind, file) in [
            ("document_front", "id-front.jpg"),
            ("document_rear", "id-rear.jpg"),
        ] {
            self.upload_document(case, kind, specimen(file)).await;
        }
    }

    /// Approves: `ENROLLREADY`. Answers the scratchcard's secrets and the request.
    pub async fn approve(&self, case: &Case) -> Value {
        let path = case.path("pl_approve/");
        let decided = self.post(&path, &self.officer()).await.ok();
        assert_eq!(decided["request"]["status"], "ENROLLREADY");
        decided
    }

    /// A new External VideoID request in `VIDEOREVIEW`.
    pub async fn reviewable(&self) -> Case {
        let case = self.new_videoid_request().await;
        self.submit_evidence(&case).await;
        case
    }

    /// A new classic request in `ENROLLREADY`, of this profile, and its scratchcard's secrets.
    pub async fn approved(&self, profile: &str) -> (Case, Value) {
        let case = self.new_request_for(profile).await;
        self.upload_documents(&case).await;
        let decided = self.approve(&case).await;
        (case, decided["secrets"].clone())
    }

    /// A new request in `ISSUED`, its key in the cloud under [`PIN`], and its scratchcard's
    /// secrets.
    pub async fn issued(&self, sandbox: &Sandbox) -> (Case, Value) {
        let (case, secrets) = self.approved(CLOUD).await;
        self.enrol_cloud(sandbox, &case).await;
        (case, secrets)
    }

    /// The subscriber follows the link in the mail and chooses [`PIN`]: `ISSUED`.
    pub async fn enrol_cloud(&self, sandbox: &Sandbox, case: &Case) {
        let mut visitor = Visitor::at(&sandbox.link_for(case.pk).await);
        visitor.enrol(sandbox, case, PIN).await;
        assert_eq!(self.status(case).await, "ISSUED");
    }

    /// The request object.
    pub async fn record(&self, case: &Case) -> Value {
        self.get(&case.path("")).await.ok()
    }

    /// Where the request stands.
    pub async fn status(&self, case: &Case) -> String {
        text(&self.record(case).await["status"]).to_owned()
    }

    /// A new authority below the sandbox's, with these members beside its name, where the
    /// sandbox's officer may act. It has no scratchcards until the first is asked for.
    pub async fn new_authority(&self, more: Value) -> i64 {
        // Its officers are one list, read and written back.
        static TURN: Mutex<()> = Mutex::const_new(());
        let name = fresh("Authority");
        let body = merged(json!({ "name": name, "parent": self.told("ra") }), more);
        let made = self.post("/registrationauthorities/", &body).await.ok();
        let ra = made["pk"].as_i64().expect("an authority has a number");
        let _turn = TURN.lock().await;
        let path = format!("/rao/{}/", self.told("rao_id"));
        let mut places = self.get(&path).await.ok()["registration_authority"].clone();
        let list = places.as_array_mut().expect("a list of authorities");
        list.push(ra.into());
        let body = json!({ "registration_authority": places });
        self.put(&path, &body).await.ok();
        ra
    }
}

/// A subscriber's browser without JavaScript: keeps the cookie, goes where it is sent.
pub struct Visitor {
    http: Client,
    /// The address in the mail.
    pub link: String,
    pub cookie: Option<String>,
}

impl Visitor {
    /// Somebody who has got this link.
    pub fn at(link: &str) -> Self {
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            http: http.build().expect("a client"),
            link: link.trim_end_matches('/').to_owned(),
            cookie: None,
        }
    }

    /// Reads the page; `rest` is empty or begins with a slash.
    pub async fn open(&mut self, rest: &str) -> Answer {
        let url = format!("{}{rest}", self.link);
        self.go(self.http.get(url)).await
    }

    /// Sends a form of the page.
    pub async fn send(&mut self, rest: &str, form: &[(&str, &str)]) -> Answer {
        let url = format!("{}{rest}", self.link);
        self.go(self.http.post(url).form(form)).await
    }

    async fn go(&mut self, request: RequestBuilder) -> Answer {
        let origin = origin(&self.link).to_owned();
        let mut answer = self.fetch(request.header(ORIGIN, &origin)).await;
        if answer.status == 303 {
            let to = answer.header(LOCATION.as_str()).to_owned();
            let to = match to.starts_with('/') {
                true => format!("{origin}{to}"),
                false => to,
            };
            answer = self.fetch(self.http.get(to)).await;
        }
        answer
    }

    async fn fetch(&mut self, mut request: RequestBuilder) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = answer_to(request).await;
        let answer = answer.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        if let Some((pair, _)) = answer.header(SET_COOKIE.as_str()).split_once(';') {
            self.cookie = Some(pair.to_owned());
        }
        answer
    }

    /// Accepts the contract and asks for the code.
    pub async fn ask_for_code(&mut self) {
        let page = self.open("").await;
        assert_eq!(page.status, 200, "{page}");
        let page = self.send("/code", &[("accept", "yes")]).await;
        assert_eq!(page.status, 200, "{page}");
    }

    /// The whole way, with this PIN or file password.
    pub async fn enrol(&mut self, sandbox: &Sandbox, case: &Case, secret: &str) -> Answer {
        self.ask_for_code().await;
        let code = sandbox.code_for(case.pk).await;
        let form = [
            ("code", code.as_str()),
            ("secret", secret),
            ("again", secret),
        ];
        let page = self.send("/enrol", &form).await;
        assert_eq!(page.status, 200, "{page}");
        page
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..path]
}

async fn answer_to(request: RequestBuilder) -> reqwest::Result<Answer> {
    let (http, request) = request.build_split();
    let request = request?;
    let call = format!("{} {}", request.method(), request.url().path());
    let response = http.execute(request).await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Answer {
        call,
        status,
        headers,
        body,
    })
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub call: String,
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

    /// Insists on 200 and gives the body.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// Insists on 201 and gives the body.
    #[track_caller]
    pub fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{self}");
        self.json()
    }

    /// Insists on a refusal with this code and these words and nothing undocumented beside them.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, error: &str) {
        self.refused_with(status, code, error, &json!({}));
    }

    /// The same, with members that this call has besides.
    #[track_caller]
    pub fn refused_with(&self, status: u16, code: &str, error: &str, documented: &Value) {
        let body = self.refusal(status);
        assert_eq!(body["code"], code, "{self}");
        assert_eq!(body["error"], error, "{self}");
        let documented = documented.as_object().expect("members");
        for (name, value) in documented {
            assert_eq!(&body[name], value, "{name}: {self}");
        }
        let common = ["code", "id", "error", "detail", "reason"];
        for name in body.as_object().into_iter().flatten().map(|(name, _)| name) {
            let known = common.contains(&name.as_str()) || documented.contains_key(name);
            assert!(known, "unknown member {name}: {self}");
        }
    }

    /// Insists on a refusal in the API's form and gives the body.
    #[track_caller]
    pub fn refusal(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        let body = self.json();
        for name in ["code", "error"] {
            assert!(body[name].is_string(), "no {name}: {self}");
        }
        let id = body["id"].as_str().unwrap_or_default();
        let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        assert!(id.len() == 16 && id.bytes().all(hexadecimal), "{self}");
        if [401, 403].contains(&status) {
            assert!(body["detail"].is_string(), "no detail: {self}");
        }
        if let Some(detail) = body.get("detail") {
            assert_eq!(detail, &body["error"], "{self}");
        }
        assert!(body.get("reason").is_none_or(Value::is_string), "{self}");
        body
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.body[..self.body.len().min(800)];
        write!(
            f,
            "{}: {} {}",
            self.call,
            self.status,
            String::from_utf8_lossy(start)
        )
    }
}

/// A name that nothing else in the sandbox has.
pub fn fresh(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A form with the video.
pub fn video_form(video: Bytes) -> Form {
    let part = Part::stream(video).file_name("video.mp4");
    Form::new().part("video", part)
}

/// A form with a paper.
pub fn document_form(kind: &str, content: Vec<u8>) -> Form {
    let part = Part::bytes(content).file_name("document");
    Form::new()
        .text("type", kind.to_owned())
        .part("document", part)
}

/// Certificate and key, PEM, from a PKCS#12 file whose password is [`PIN`].
pub fn opened(file: &[u8]) -> Vec<u8> {
    let password = format!("pass:{PIN}");
    let arguments = ["pkcs12", "-nodes", "-passin", &password];
    testkit::run("openssl", arguments, file)
        .must_accept()
        .stdout
}

/// Insists on exactly these members, in any order.
#[track_caller]
pub fn assert_members(object: &Value, names: &[&str]) {
    let sorted = |mut names: Vec<_>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(keys(object)), sorted(names.to_vec()), "{object}");
}

/// Both objects' members; the second's count.
#[track_caller]
pub fn merged(mut first: Value, second: Value) -> Value {
    let (Value::Object(members), Value::Object(more)) = (&mut first, second) else {
        panic!("no object: {first}");
    };
    members.extend(more);
    first
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A text in JSON.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// What a text in Base64 holds.
#[track_caller]
pub fn decoded(value: &Value) -> Vec<u8> {
    let bytes = STANDARD.decode(text(value));
    bytes.unwrap_or_else(|error| panic!("no Base64 ({error}): {value}"))
}
