//! Time-stamps of somebody else: an authority made with OpenSSL, behind HTTP, in all its moods.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::openssl;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::acts::{House, approved, verified};
use crate::client::Pks;
use crate::harness::health;

/// What the authority does with the next question.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Good,
    /// Good, with many certificates in the token.
    Talkative,
    /// 503.
    Closed,
    /// No answer.
    Silent,
    /// An answer to another question: of another nonce and imprint.
    Confused,
    /// No TimeStampResp.
    Babbling,
}

/// Somebody else's time-stamp authority.
struct Authority {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    desk: TempDir,
    mood: Mutex<Mood>,
    /// The credentials that came with each question.
    asked: Mutex<Vec<String>>,
    /// Questions about the unit's certificate.
    status_asked: Mutex<usize>,
}

impl Shared {
    fn path(&self, name: &str) -> String {
        self.desk.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn token(&self, question: &[u8], talkative: bool) -> Vec<u8> {
        let question = self.put("question.tsq", question);
        let (settings, unit, key) = (
            self.path("tsa.cnf"),
            self.path("unit.pem"),
            self.path("unit.key"),
        );
        let answer = self.path("answer.tsr");
        let chain = self.path(if talkative { "crowd.pem" } else { "root.pem" });
        let arguments = [
            "ts",
            "-reply",
            "-config",
            &settings,
            "-queryfile",
            &question,
            "-signer",
            &unit,
            "-inkey",
            &key,
            "-chain",
            &chain,
            "-out",
            &answer,
        ];
        openssl(arguments, b"").must_accept();
        fs::read(answer).unwrap()
    }
}

impl Authority {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            desk: tempfile::tempdir().unwrap(),
            mood: Mutex::new(Mood::Good),
            asked: Mutex::default(),
            status_asked: Mutex::default(),
        });
        establish(&shared, address);
        let router = Router::new()
            .route("/tsa", post(stamp))
            .route("/ocsp", post(status))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            address,
            shared,
            server,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    fn be(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    fn questions(&self) -> usize {
        lock(&self.shared.asked).len()
    }

    /// Its root and the house's, in one file.
    fn roots_with(&self, house: &House) -> PathBuf {
        let own = fs::read_to_string(house.root()).unwrap();
        let others = fs::read_to_string(self.shared.path("root.pem")).unwrap();
        self.shared.put("both.pem", own + &others).into()
    }

    /// The house that asks it for time-stamps.
    async fn house(&self) -> House {
        let (url, roots) = (self.url(), self.shared.path("root.pem"));
        House::start(&[
            ("AVOUCH__TSA__URL", &url),
            ("AVOUCH__TSA__ROOTS", &roots),
            ("AVOUCH__TSA__USERNAME", "avouch"),
            ("AVOUCH__TSA__PASSWORD", "open sesame"),
            ("AVOUCH__TSA__TIMEOUT_SECONDS", "2"),
        ])
        .await
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn establish(shared: &Shared, address: SocketAddr) {
    let serial = shared.put("serial", "01");
    let settings = format!(
        "[req]\ndistinguished_name = none\n[none]\n\
         [tsa]\ndefault_tsa = unit\n[unit]\nserial = {serial}\nsigner_digest = sha256\n\
         default_policy = 1.3.6.1.4.1.32473.3.1\ndigests = sha256\naccuracy = secs:1\n\
         ess_cert_id_chain = no\ness_cert_id_alg = sha256\n\
         [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n\
         subjectKeyIdentifier = hash\n\
         [stamping]\nextendedKeyUsage = critical, timeStamping\n\
         keyUsage = critical, digitalSignature\nsubjectKeyIdentifier = hash\n\
         authorityKeyIdentifier = keyid\nauthorityInfoAccess = OCSP;URI:http://{address}/ocsp\n"
    );
    let settings = shared.put("tsa.cnf", settings);
    let new_key = ["-newkey", "rsa:2048", "-nodes", "-config", &settings];
    let root = |name: &str| {
        let (certificate, key) = (shared.path(&format!("{name}.pem")), shared.path("root.key"));
        let key = if name == "root" {
            key
        } else {
            shared.path("stranger.key")
        };
        let subject = format!("/C=ES/O=Other/CN=Outside {name}");
        let mut arguments = vec!["req", "-x509", "-extensions", "ca", "-days", "300"];
        arguments.extend(new_key);
        arguments.extend(["-subj", &subject, "-keyout", &key, "-out", &certificate]);
        openssl(arguments, b"").must_accept();
        fs::read_to_string(certificate).unwrap()
    };
    let mut crowd = root("root");
    for stranger in ["one", "two", "three", "four", "five"] {
        crowd += &root(stranger);
    }
    shared.put("crowd.pem", crowd);
    let (request, key) = (shared.path("unit.csr"), shared.path("unit.key"));
    let mut arguments = vec!["req", "-subj", "/C=ES/O=Other/CN=Outside Unit"];
    arguments.extend(new_key);
    arguments.extend(["-keyout", &key, "-out", &request]);
    openssl(arguments, b"").must_accept();
    let (root, root_key, unit) = (
        shared.path("root.pem"),
        shared.path("root.key"),
        shared.path("unit.pem"),
    );
    let arguments = [
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &root,
        "-CAkey",
        &root_key,
        "-set_serial",
        "4660",
        "-days",
        "200",
        "-extfile",
        &settings,
        "-extensions",
        "stamping",
        "-out",
        &unit,
    ];
    openssl(arguments, b"").must_accept();
    let row = "V\t491231235959Z\t\t1234\tunknown\t/C=ES/O=Other/CN=Outside Unit\n";
    shared.put("index.txt", row);
}

async fn stamp(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let credentials = headers.get("authorization");
    let credentials = credentials.map(|value| value.to_str().unwrap().to_owned());
    lock(&shared.asked).push(credentials.unwrap_or_default());
    let mood = *lock(&shared.mood);
    match mood {
        Mood::Good | Mood::Talkative => {
            let token = shared.token(&body, mood == Mood::Talkative);
            ([("content-type", "application/timestamp-reply")], token).into_response()
        }
        Mood::Closed => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Silent => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
        Mood::Confused => {
            let other = openssl(
                ["ts", "-query", "-data", "/dev/null", "-sha256", "-cert"],
                b"",
            );
            shared
                .token(&other.must_accept().stdout, false)
                .into_response()
        }
        Mood::Babbling => "what a day".into_response(),
    }
}

async fn status(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    *lock(&shared.status_asked) += 1;
    let question = shared.put("status.req", body);
    let (index, root, key, answer) = (
        shared.path("index.txt"),
        shared.path("root.pem"),
        shared.path("root.key"),
        shared.path("status.resp"),
    );
    let arguments = [
        "ocsp", "-index", &index, "-CA", &root, "-rsigner", &root, "-rkey", &key, "-reqin",
        &question, "-ndays", "1", "-respout", &answer,
    ];
    openssl(arguments, b"").must_accept();
    fs::read(answer).unwrap().into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `avouch verify`'s report on one file, with both roots. What B-T cannot say about revocation is
/// forgiven, and to no file of a higher level.
fn judged(authority: &Authority, house: &House, pdf: &[u8]) -> Value {
    let file = authority.shared.put("signed.pdf", pdf);
    let roots = authority.roots_with(house);
    let files = [file.into()];
    let forgiving = ["--tolerate-missing-revocation"];
    let report = verified(&roots, &files, &forgiving).remove(0);
    assert_eq!(report["valid"], true, "{report:#}");
    if levels(&report)
        .iter()
        .any(|level| level.starts_with("B-LT"))
    {
        let strict = verified(&roots, &files, &[]).remove(0);
        assert_eq!(strict["valid"], true, "{strict:#}");
    }
    report
}

fn levels(report: &Value) -> Vec<&str> {
    let signatures = report["signatures"].as_array().unwrap().iter();
    signatures.filter_map(|one| one["level"].as_str()).collect()
}

/// The tokens of a file, which OpenSSL must accept.
fn tokens_hold(authority: &Authority, pdf: &[u8]) {
    for (number, signature) in pades::signatures(pdf).unwrap().iter().enumerate() {
        if signature.sub_filter != "ETSI.RFC3161" {
            continue;
        }
        let range = |at: usize| {
            let number = |at: usize| usize::try_from(signature.byte_range[at]).unwrap();
            &pdf[number(at)..number(at) + number(at + 1)]
        };
        let shared = &authority.shared;
        let content = shared.put(&format!("{number}.bytes"), [range(0), range(2)].concat());
        let token = shared.put(&format!("{number}.token"), &signature.cms);
        let root = shared.path("root.pem");
        let arguments = [
            "ts",
            "-verify",
            "-data",
            &content,
            "-in",
            &token,
            "-token_in",
            "-CAfile",
            &root,
        ];
        openssl(arguments, b"").must_accept();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_time_stamps_stand_in_signatures_with_what_validates_them() {
    let authority = Authority::open().await;
    let house = authority.house().await;
    for (level, expected) in [("T", "B-T"), ("LTV", "B-LT"), ("LTVA", "B-LTA")] {
        let order = json!({ "signature": { "level": level } });
        let pdf = house.signed_agreement(order).await;
        let report = judged(&authority, &house, &pdf);
        assert_eq!(levels(&report)[0], expected, "{report:#}");
        let text = report.to_string();
        assert!(text.contains("Outside Unit"), "{report:#}");
        tokens_hold(&authority, &pdf);
    }
    let asked = lock(&authority.shared.asked).clone();
    assert!(asked.len() > 6);
    // avouch:open sesame
    assert!(
        asked
            .iter()
            .all(|one| one == "Basic YXZvdWNoOm9wZW4gc2VzYW1l")
    );
    assert_eq!(*lock(&authority.shared.status_asked), 1, "answers are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_fit_stands_over_the_document() {
    let authority = Authority::open().await;
    let mut house = authority.house().await;
    let order = || json!({ "signature": { "level": "LTV" } });
    let count = |pdf: &[u8]| pades::signatures(pdf).unwrap().len();
    assert_eq!(count(&house.signed_agreement(order()).await), 1);

    // Papers learn of it too: the request is approved before the unit begins to talk.
    let client = house.client();
    let pks = approved(&client).await;
    let uid = client.agreement(pks).await;
    let mut command = order();
    command["secret"] = house.code(pks).await.into();
    authority.be(Mood::Talkative);
    client
        .sign(pks, &command)
        .await
        .said("Documents correctly signed");
    let grown = client.document(pks, "signed", &uid).await.pdf();
    assert_eq!(count(&grown), 2, "signature and document time-stamp");
    judged(&authority, &house, &grown);
    tokens_hold(&authority, &grown);

    // The next token finds its room, also after the server was away.
    assert_eq!(count(&house.signed_agreement(order()).await), 1);
    house.installation.kill();
    let (url, roots) = (authority.url(), authority.shared.path("root.pem"));
    house.serve(&[("AVOUCH__TSA__URL", &url), ("AVOUCH__TSA__ROOTS", &roots)]);
    assert_eq!(count(&house.signed_agreement(order()).await), 1);
}

/// What `/health` tells of the authority.
async fn standing(house: &House) -> Value {
    health(&house.installation.description()).await["time_stampers"][0].clone()
}

async fn refused(house: &House, pks: Pks, order: &Value) -> (u16, String) {
    let answer = house.client().sign(pks, order).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    (answer.status, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_costs_neither_code_nor_certificate() {
    let authority = Authority::open().await;
    let house = authority.house().await;
    let client = house.client();
    for moods in [
        [Mood::Closed, Mood::Confused],
        [Mood::Babbling, Mood::Silent],
    ] {
        let pks = approved(&client).await;
        client.agreement(pks).await;
        let order = json!({ "secret": house.code(pks).await });
        for mood in moods {
            authority.be(mood);
            let (status, text) = refused(&house, pks, &order).await;
            assert_eq!(status, 500, "{text}");
            assert!(text.contains("time-stamp authority"), "{text}");
            let health = standing(&house).await;
            assert_eq!(health["url"], authority.url(), "{health}");
            assert!(health["failing"].is_string(), "{health}");
        }
        authority.be(Mood::Good);
        client
            .sign(pks, &order)
            .await
            .said("Documents correctly signed");
        let health = standing(&house).await;
        assert_eq!(health["failing"], Value::Null, "{health}");
        assert!(health["longest_token"].as_u64() > Some(500), "{health}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_authority_that_is_known_to_be_away() {
    let authority = Authority::open().await;
    let house = authority.house().await;
    let pks = approved(&house.client()).await;
    house.client().agreement(pks).await;
    let order = json!({ "secret": house.code(pks).await });
    authority.be(Mood::Closed);
    for _ in 0..3 {
        assert_eq!(refused(&house, pks, &order).await.0, 500);
    }
    let questions = authority.questions();
    assert_eq!(refused(&house, pks, &order).await.0, 500);
    assert_eq!(authority.questions(), questions);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_authorities_that_the_operator_allows_are_asked() {
    let authority = Authority::open().await;
    let (url, roots) = (authority.url(), authority.shared.path("root.pem"));
    let house = House::start(&[
        ("AVOUCH__TSA__ALLOWED", &url),
        ("AVOUCH__TSA__ROOTS", &roots),
    ])
    .await;
    let client = house.client();
    let named = |url: &str| json!({ "signature": { "level": "T", "tsa_url": url } });
    let by_whom = |pdf: &[u8]| {
        let report = judged(&authority, &house, pdf);
        report.to_string().contains("Outside Unit")
    };
    assert!(!by_whom(&house.signed_agreement(json!({})).await));
    assert!(by_whom(&house.signed_agreement(named(&url)).await));

    let pks = approved(&client).await;
    client.agreement(pks).await;
    let mut order = named("http://169.254.169.254/tsa");
    order["secret"] = house.code(pks).await.into();
    let (status, text) = refused(&house, pks, &order).await;
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("signature.tsa_url"), "{text}");

    let settings = |url: &str| json!({ "tsa": { "tsa_url": url } });
    let answer = client
        .post("/settings", &settings("http://nobody.example/"))
        .await;
    assert_eq!(answer.status, 400);
    let saved = client.post("/settings", &settings(&url)).await;
    saved.said("Settings saved successfully");
    assert!(by_whom(&house.signed_agreement(json!({})).await));
}
