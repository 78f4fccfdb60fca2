//! Who calls: client certificates as curl, Python's requests and `openssl s_client` show them, and
//! as a proxy forwards them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{ToolOutput, openssl, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client::{Api, PIN, SOFTWARE, decoded, merged, text};
use super::parties::{Operator, User};
use crate::client::{specimen, video};
use crate::harness::{Installation, Sandbox, avouch};
use crate::sql;

/// What a client that is none of ours is told.
const MISSING: &str = "no client certificate was presented";
const UNKNOWN: &str = "the client certificate belongs to no API user";
const EXPIRED: &str = "the client certificate is not valid at this time";
const REVOKED: &str = "the client certificate was revoked or suspended";
const DISABLED: &str = "the API user or its registration authority is disabled";
const UNREADABLE: &str = "the forwarded client certificate cannot be read";

/// One answer as curl saw it.
#[derive(Debug)]
struct Seen {
    status: u16,
    version: String,
    body: Value,
}

impl Seen {
    #[track_caller]
    fn refused(&self, error: &str) {
        assert_eq!(self.status, 401, "{self:?}");
        for member in ["error", "detail"] {
            assert_eq!(self.body[member], error, "{self:?}");
        }
        assert_eq!(self.body["code"], "401", "{self:?}");
        assert_eq!(text(&self.body["id"]).len(), 16, "{self:?}");
    }
}

/// Calls with curl; what it sends beside the URL is in `more`.
#[track_caller]
fn curl(url: &str, more: &[&OsStr]) -> Seen {
    let form = "\n%{http_code} %{http_version}";
    let arguments = [
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "60",
    ];
    let arguments = arguments.into_iter().chain(["--write-out", form, url]);
    let arguments = arguments.map(OsStr::new).chain(more.iter().copied());
    let told = run("curl", arguments, b"").must_accept().text();
    let (body, end) = told.rsplit_once('\n').expect("curl tells the status");
    let (status, version) = end.split_once(' ').expect("and the version");
    Seen {
        status: status.parse().expect("a number"),
        version: version.to_owned(),
        body: serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {told}")),
    }
}

fn path_of(api: &Api, member: &str) -> PathBuf {
    Path::new(text(api.told(member))).to_owned()
}

/// The sandbox's own API user.
fn own(api: &Api) -> (PathBuf, PathBuf) {
    (
        path_of(api, "client_certificate"),
        path_of(api, "client_key"),
    )
}

#[tokio::test]
async fn curl_is_known_by_its_certificate_in_every_version_of_tls_and_http() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (certificate, key) = own(&api);
    let authority = path_of(&api, "server_ca");
    let url = api.url("/registrationauthorities/");
    for (tls, http, version) in [
        (["--tlsv1.2", "--tls-max", "1.2"], "--http1.1", "1.1"),
        (["--tlsv1.2", "--tls-max", "1.2"], "--http2", "2"),
        (["--tlsv1.3", "--tls-max", "1.3"], "--http1.1", "1.1"),
        (["--tlsv1.3", "--tls-max", "1.3"], "--http2", "2"),
    ] {
        let base: Vec<&OsStr> = tls
            .into_iter()
            .chain([http, "--cacert"])
            .map(OsStr::new)
            .chain([authority.as_os_str()])
            .collect();
        let identity = [
            "--cert".as_ref(),
            certificate.as_os_str(),
            "--key".as_ref(),
            key.as_os_str(),
        ];
        let seen = curl(&url, &[&base[..], &identity].concat());
        assert_eq!(
            (seen.status, seen.version.as_str()),
            (200, version),
            "{seen:?}"
        );
        assert!(seen.body["count"].as_i64() >= Some(1), "{seen:?}");
        curl(&url, &base).refused(MISSING);
    }
    // Nobody speaks without TLS here, nor an old one.
    let plain = url.replace("https://", "http://");
    let arguments = ["--silent", "--noproxy", "*", "--max-time", "60", &plain];
    run("curl", arguments, b"").must_refuse();
    let old = [
        "s_client",
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
        "-connect",
        host(&api),
    ];
    openssl(old, b"").must_refuse();
}

/// Host and port.
fn host(api: &Api) -> &str {
    api.base.strip_prefix("https://").expect("TLS")
}

#[tokio::test]
async fn the_servers_certificate_is_good_for_the_names_that_clients_dial_and_for_no_others() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let authority = path_of(&api, "server_ca");
    let greet = |expected: [&str; 2]| {
        let arguments = [
            "s_client",
            "-connect",
            host(&api),
            "-verify_return_error",
            "-CAfile",
        ];
        let arguments = arguments.into_iter().map(OsStr::new);
        let arguments = arguments.chain([authority.as_os_str()]);
        openssl(arguments.chain(expected.map(OsStr::new)), b"")
    };
    for known in [
        ["-verify_ip", "127.0.0.1"],
        ["-verify_hostname", "localhost"],
    ] {
        let said = greet(known).must_accept().text();
        assert!(said.contains("Verification: OK"), "{said}");
    }
    for other in [
        ["-verify_ip", "192.0.2.1"],
        ["-verify_hostname", "ra.example.org"],
    ] {
        greet(other).must_refuse();
    }
}

#[tokio::test]
async fn an_integrators_python_goes_from_the_scratchcard_to_the_video() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let script = r#"
import json, sys, requests
api = json.load(sys.stdin)
base = api["base_url"] + "/api/v1"
session = requests.Session()
session.trust_env = False
session.verify = api["server_ca"]
session.cert = (api["client_certificate"], api["client_key"])
card = session.get(base + "/scratchcards/get_first_unused/", json={"ra": str(api["ra"])}).json()
created = session.post(base + "/requests/", json=dict(api["creation"], scratchcard=card["sn"]))
request = created.json()
video = request["videoid_data"]
data = session.put(f"{base}/videoid/{video['pk']}", json=api["evidence"])
with open(api["video"], "rb") as film:
    url = f"{api['base_url']}/v1/upload/video/{video['video_identifier'].replace('-', '')}/"
    sent = session.post(url, files={"video": ("video.mp4", film, "video/mp4")})
film = session.get(f"{base}/download/video/{video['video_identifier']}")
status = session.get(f"{base}/requests/{request['pk']}/").json()["status"]
stranger = requests.Session()
stranger.trust_env = False
stranger.verify = api["server_ca"]
try:
    requests.get(base + "/requests/", timeout=30)
    trusted = True
except requests.exceptions.SSLError:
    trusted = False
print(json.dumps({
    "created": [created.status_code, request["status"]],
    "data": [data.status_code, data.json()],
    "sent": [sent.status_code, sent.json()],
    "film": [film.headers["Content-Type"], len(film.content)],
    "status": status,
    "stranger": stranger.get(base + "/requests/").json()["error"],
    "trusted": trusted,
}))
"#;
    let more = json!({
        "creation": merged(api.creation_of(&crate::client::ANA), json!({ "videoid_mode": 1 })),
        "evidence": crate::client::evidence(),
        "video": testkit::workspace_root().join("specimens/video.mp4"),
    });
    let input = merged(
        sandbox.description()["registration_authority_api"].clone(),
        more,
    );
    let told = run("python", ["-c", script], input.to_string().as_bytes()).must_accept();
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let done = json!([200, { "status": "200 OK" }]);
    assert_eq!(
        told,
        json!({
            "created": [201, "VIDEOPENDING"], "data": done, "sent": done,
            "film": ["video/mp4", specimen("video.mp4").len()], "status": "VIDEOREVIEW",
            "stranger": MISSING, "trusted": false,
        })
    );
}

/// Calls of every kind that must all ask first who calls.
const DOORS: [(Method, &str); 11] = [
    (Method::GET, "/requests/"),
    (Method::POST, "/requests/"),
    (Method::GET, "/requests/1/"),
    (Method::DELETE, "/requests/x/cancel/"),
    (Method::POST, "/requests/1/pl_upload_document/"),
    (Method::POST, "/requests/1/pl_approve/"),
    (Method::POST, "/scratchcards/revoke/"),
    (Method::GET, "/scratchcards/get_first_unused/"),
    (Method::POST, "/users/"),
    (Method::PUT, "/videoid/1"),
    (Method::POST, "/requests/cloud_renew/"),
];

/// Insists that no door opens, whatever is sent.
async fn shut_out(api: &Api, words: &str) {
    for (method, path) in DOORS {
        let answer = api.send(api.request(method, path).body("{\"a\": ")).await;
        answer.refused(401, "401", words);
    }
}

/// Files that OpenSSL makes.
struct Forge(TempDir);

impl Forge {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs openssl; arguments that begin with `@` are files of the folder.
    #[track_caller]
    fn openssl(&self, line: &str) -> ToolOutput {
        let arguments = line
            .split_whitespace()
            .map(|word| match word.strip_prefix('@') {
                Some(name) => self.path(name).into_os_string(),
                None => word.into(),
            });
        openssl(arguments, b"").must_accept()
    }

    /// A certificate by itself, and its key.
    fn self_made(&self) -> (PathBuf, PathBuf) {
        self.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Foreign \
             -keyout @foreign.key -out @foreign.crt",
        );
        (self.path("foreign.crt"), self.path("foreign.key"))
    }

    /// Another CA's certificate that says the same as this one: subject, serial number and key.
    fn twin(&self, (certificate, key): &(PathBuf, PathBuf)) -> (PathBuf, PathBuf) {
        let (authority, authority_key) = self.self_made();
        let (original, key) = (certificate.display(), key.display());
        let serial = self
            .openssl(&format!("x509 -in {original} -noout -serial"))
            .text();
        let serial = serial.trim().trim_start_matches("serial=");
        self.openssl(&format!(
            "x509 -in {original} -x509toreq -signkey {key} -out @twin.csr"
        ));
        fs::write(self.path("extensions"), "basicConstraints = CA:FALSE").expect("a folder");
        self.openssl(&format!(
            "x509 -req -in @twin.csr -CA {} -CAkey {} -set_serial 0x{serial} -days 30 \
             -extfile @extensions -out @twin.crt",
            authority.display(),
            authority_key.display()
        ));
        (self.path("twin.crt"), PathBuf::from(key.to_string()))
    }
}

#[tokio::test]
async fn certificates_from_elsewhere_open_no_door() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let nobody = api.clone().without_identity();
    shut_out(&nobody, MISSING).await;

    let forge = Forge::new();
    let (certificate, key) = forge.self_made();
    let stranger = api.clone().with_identity(&certificate, &key);
    shut_out(&stranger, UNKNOWN).await;

    // A video is asked for its sender as well, unless the authority lets devices upload.
    let open = json!({ "video_upload_auth": "identifier" });
    let from_devices = api.clone().for_authority(api.new_authority(open).await);
    let filmed = api.new_videoid_request().await;
    for (client, words) in [(&nobody, MISSING), (&stranger, UNKNOWN)] {
        let answer = client.post_video(&filmed, video()).await;
        let form = json!({ "title": "Upload Video Error", "description": words });
        answer.refused_with(401, "401", words, &form);
    }
    assert_eq!(api.status(&filmed).await, "VIDEOPENDING");
    let filmed = from_devices.new_videoid_request().await;
    nobody.post_video(&filmed, video()).await.ok();
    assert_eq!(api.status(&filmed).await, "VIDEOINCOMPLETE");
    let (certificate, key) = forge.twin(&own(&api));
    shut_out(&api.clone().with_identity(&certificate, &key), UNKNOWN).await;

    // A subscriber's certificate is from here, and its holder still no API user.
    let (case, _) = api.approved(SOFTWARE).await;
    let (certificate, key) = software_identity(&sandbox, &api, case.pk, &forge).await;
    let subscriber = api.clone().with_identity(&certificate, &key);
    shut_out(&subscriber, UNKNOWN).await;
    assert_eq!(api.get("/requests/").await.status, 200);
}

/// Enrols an approved request by calls; the key and certificate of its file, PEM.
async fn software_identity(
    sandbox: &Sandbox,
    api: &Api,
    request: i64,
    forge: &Forge,
) -> (PathBuf, PathBuf) {
    api.post(&format!("/requests/{request}/generate_otp/"), &json!({}))
        .await
        .ok();
    let code = sandbox.code_for(request).await;
    let body = json!({ "secret": code, "p12password": PIN });
    let path = format!("/requests/{request}/pl_p12_enroll/");
    let files = api.post(&path, &body).await.ok();
    let armoured = text(&files[0]);
    let bare: String = armoured
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let file = forge.path("holder.p12");
    fs::write(&file, decoded(&bare.into())).expect("the folder is writable");
    forge.openssl(&format!(
        "pkcs12 -in @holder.p12 -passin pass:{PIN} -nodes -nocerts -out @holder.key"
    ));
    forge.openssl(&format!(
        "pkcs12 -in @holder.p12 -passin pass:{PIN} -clcerts -nokeys -out @holder.crt"
    ));
    (forge.path("holder.crt"), forge.path("holder.key"))
}

#[tokio::test]
async fn a_user_whose_certificate_came_through_a_request_lives_and_dies_with_it() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (case, secrets) = api.approved(SOFTWARE).await;
    let forge = Forge::new();
    let (certificate, key) = software_identity(&sandbox, &api, case.pk, &forge).await;
    let holder = api.clone().with_identity(&certificate, &key);
    let body = json!({ "registration_authority": api.ra, "permission_profile": "2",
                       "request": case.pk, "rao": api.told("rao_id") });
    let user = api.post("/users/", &body).await.ok();
    assert_eq!(user["request"], case.pk);

    let made = holder.create(json!({ "paperless_mode": 1 })).await;
    assert_eq!(
        made["registering_user"],
        json!({ "pk": user["pk"], "permission_profile": 2,
                "registration_authority": api.ra, "request": case.pk })
    );
    let act = |reason: &'static str| {
        let body = json!({ "scratchcard": case.sn, "erc": secrets["erc"], "reason": reason });
        let api = &api;
        async move { api.post("/scratchcards/revoke/", &body).await.ok() }
    };
    // On the connection that is open, too.
    act("CERTIFICATEHOLD").await;
    shut_out(&holder, REVOKED).await;
    act("NOT_REVOKED").await;
    assert_eq!(holder.get("/requests/").await.status, 200);
    act("KEYCOMPROMISE").await;
    shut_out(&holder, REVOKED).await;
}

#[tokio::test]
async fn users_can_be_switched_off_and_certificates_and_authorities_come_to_their_end() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let operator = Operator::of(&sandbox);
    let ra = operator.new_authority(Some(api.ra), &[]);
    let User {
        pk,
        certificate,
        key,
    } = operator.new_user(ra, "requests");
    let (pk, client) = (
        pk.to_string(),
        api.clone().with_identity(&certificate, &key),
    );
    let welcome = || async { client.get("/requests/").await.ok() };
    welcome().await;

    operator.orders(&["api-user", "disable", &pk]);
    shut_out(&client, DISABLED).await;
    operator.orders(&["api-user", "enable", &pk]);
    welcome().await;

    let path = format!("/registrationauthorities/{ra}/");
    for (end, closed) in [
        ("enabled_until", "2020-12-31"),
        ("enabled_from", "2999-01-01"),
    ] {
        api.put(&path, &json!({ end: closed })).await.ok();
        shut_out(&client, DISABLED).await;
        api.put(&path, &json!({ end: null })).await.ok();
        welcome().await;
    }

    // No test waits until a certificate expires: its last moment is set back.
    let serial = openssl(
        [
            "x509".as_ref(),
            "-noout".as_ref(),
            "-serial".as_ref(),
            "-in".as_ref(),
            certificate.as_os_str(),
        ],
        b"",
    );
    let serial = serial.must_accept().text().trim().to_lowercase();
    let serial = serial.trim_start_matches("serial=");
    let moment = |column: &str, change: &str| {
        let statement = format!(
            "UPDATE certificate SET {column} = {column} {change} WHERE lower(serial) = '{serial}'"
        );
        sql::execute(&sandbox.dir().join("avouch.db"), &statement);
    };
    moment("not_after", "- 1000 * 86400000");
    shut_out(&client, EXPIRED).await;
    moment("not_after", "+ 1000 * 86400000");
    welcome().await;
    moment("not_before", "+ 1000 * 86400000");
    shut_out(&client, EXPIRED).await;
}

/// Shows a certificate, whoever's the key is that signs the handshake.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// What comes back over a connection with this certificate and this key; nothing where the
/// handshake fails.
async fn answer_to(
    api: &Api,
    certificate: &Path,
    key: &Path,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pem = |path| PrivateKeyDer::from_pem_file(path).expect("a private key");
    let signing = provider
        .key_provider
        .load_private_key(pem(key))
        .expect("a usable key");
    let shown = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(path_of(api, "server_ca")).expect("a root");
    roots.add(authority).expect("a root");
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(Shows(Arc::new(CertifiedKey::new(
            vec![shown],
            signing,
        )))));
    let stream = TcpStream::connect(host(api)).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let request = "GET /api/v1/requests/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_certificate_is_nothing_without_its_key() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (certificate, key) = own(&api);
    let forge = Forge::new();
    let (_, other) = forge.self_made();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let known = answer_to(&api, &certificate, &key, version).await;
        let known = known.expect("an answer");
        assert!(known.starts_with("HTTP/1.1 200"), "{known}");
        let thief = answer_to(&api, &certificate, &other, version).await;
        assert!(thief.is_err(), "{version:?}: {thief:?}");
    }
}

#[tokio::test]
async fn every_connection_proves_anew_whose_it_is() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let (certificate, key) = own(&api);
    let (authority, forge) = (path_of(&api, "server_ca"), Forge::new());
    let request = "GET /api/v1/requests/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let greet = |version: &str, session: [&OsStr; 2], identity: &[&OsStr]| {
        let arguments = [
            "s_client",
            version,
            "-connect",
            host(&api),
            "-ign_eof",
            "-CAfile",
        ];
        let arguments = arguments
            .into_iter()
            .map(OsStr::new)
            .chain([authority.as_os_str()]);
        let arguments = arguments.chain(session).chain(identity.iter().copied());
        openssl(arguments, request.as_bytes()).text()
    };
    let identity = [
        "-cert".as_ref(),
        certificate.as_os_str(),
        "-key".as_ref(),
        key.as_os_str(),
    ];
    for version in ["-tls1_2", "-tls1_3"] {
        let file = forge.path(version);
        let first = greet(version, ["-sess_out".as_ref(), file.as_os_str()], &identity);
        assert!(first.contains("HTTP/1.1 200"), "{first}");
        // The server gave out nothing by which it could be recognised as the same client.
        assert!(!file.exists(), "{first}");
    }
}

/// An installation whose Registration Authority API listens, and two API users of authorities side
/// by side.
struct Behind {
    installation: Installation,
    operator: Operator,
    users: [(i64, User); 2],
}

impl Behind {
    fn new() -> Self {
        let installation = Installation::init(["--organisation", "Example Trust"]);
        let operator = Operator::of_installation(&installation);
        let users = [(); 2].map(|()| {
            let ra = operator.new_authority(None, &[]);
            (ra, operator.new_user(ra, "read-only"))
        });
        Self {
            installation,
            operator,
            users,
        }
    }

    /// Serves it with these settings of the API and tells where that listens.
    fn serve(&mut self, settings: &[(&str, &str)]) -> String {
        let names: Vec<_> = settings
            .iter()
            .map(|(name, _)| format!("AVOUCH__REGISTRATION_AUTHORITY__{name}"))
            .collect();
        let mut variables = vec![("AVOUCH__REGISTRATION_AUTHORITY__LISTEN", "127.0.0.1:0")];
        variables.extend(
            names
                .iter()
                .map(String::as_str)
                .zip(settings.iter().map(|(_, v)| *v)),
        );
        self.installation.serve(&variables);
        let line = self
            .installation
            .wait_for_log("serving the Registration Authority API");
        let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
        text(&line["address"]).to_owned()
    }

    /// The header's values for a certificate in each form.
    fn forms(&self, user: &User) -> [String; 3] {
        let certificate = user.certificate.as_os_str();
        let arguments = [
            "x509".as_ref(),
            "-outform".as_ref(),
            "DER".as_ref(),
            "-in".as_ref(),
            certificate,
        ];
        let der = openssl(arguments, b"").must_accept().stdout;
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
        let pem = fs::read_to_string(&user.certificate).expect("a PEM file");
        // As nginx writes $ssl_client_escaped_cert.
        let escape = |c: char| match c {
            c if c.is_ascii_alphanumeric() || "-._~".contains(c) => c.to_string(),
            c => format!("%{:02X}", u32::from(c)),
        };
        [
            format!(":{base64}:"),
            pem.chars().map(escape).collect(),
            base64,
        ]
    }
}

/// The authorities that a caller sees, by the answer to its list of them.
#[track_caller]
fn authorities(seen: &Seen) -> Vec<i64> {
    assert_eq!(seen.status, 200, "{seen:?}");
    let list = seen.body["results"].as_array().expect("a list");
    list.iter().filter_map(|one| one["pk"].as_i64()).collect()
}

const PROXY: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.1";

#[tokio::test]
async fn behind_a_proxy_its_header_counts_and_nobody_elses() {
    let mut behind = Behind::new();
    let address = behind.serve(&[
        ("PLAIN", "true"),
        ("FORWARDED_CERTIFICATE__FROM", "192.0.2.7,127.0.0.2/32"),
    ]);
    let url = format!("http://{address}/api/v1/registrationauthorities/");
    let call = |from: &str, headers: &[&str]| {
        let headers = headers.iter().flat_map(|header| ["--header", header]);
        let arguments: Vec<&OsStr> = ["--interface", from]
            .into_iter()
            .chain(headers)
            .map(OsStr::new)
            .collect();
        curl(&url, &arguments)
    };
    let [(first, user), (second, other)] = behind.users.clone();
    for (form, other_form) in behind.forms(&user).iter().zip(behind.forms(&other)) {
        let (header, other_header) = (
            format!("Client-Cert: {form}"),
            format!("Client-Cert: {other_form}"),
        );
        assert_eq!(authorities(&call(PROXY, &[&header])), [first]);
        assert_eq!(authorities(&call(PROXY, &[&other_header])), [second]);
        call(STRANGER, &[&header]).refused(MISSING);
        // Two of them: one may be the client's own, which the proxy let through.
        call(PROXY, &[&header, &other_header]).refused(UNREADABLE);
        call(PROXY, &[&header, "Client-Cert: x"]).refused(UNREADABLE);
        let named_otherwise = format!("X-Client-Cert: {form}");
        call(PROXY, &[&named_otherwise]).refused(MISSING);
    }
    call(PROXY, &[]).refused(MISSING);
    call(PROXY, &["Client-Cert;"]).refused(MISSING);
    let whole = &behind.forms(&user)[0];
    // Whole bytes, and still no whole certificate.
    let cut = format!("Client-Cert: {}:", &whole[..401]);
    call(PROXY, &[&cut]).refused(UNKNOWN);
    for rubbish in [
        "null",
        ":",
        ":%:",
        "(null)",
        "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----",
        "-----BEGIN%20CERTIFICATE-----%0AMAMCAf8=",
        "%ff%fe",
    ] {
        call(PROXY, &[&format!("Client-Cert: {rubbish}")]).refused(UNREADABLE);
    }
    let forge = Forge::new();
    let (certificate, key) = forge.twin(&(user.certificate.clone(), user.key.clone()));
    let twin = User {
        pk: user.pk,
        certificate,
        key,
    };
    let header = format!("Client-Cert: {}", behind.forms(&twin)[0]);
    call(PROXY, &[&header]).refused(UNKNOWN);
    behind
        .operator
        .orders(&["api-user", "disable", &user.pk.to_string()]);
    let header = format!("Client-Cert: {}", behind.forms(&user)[0]);
    call(PROXY, &[&header]).refused(DISABLED);
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_shows_its_own_certificate_and_names_its_clients() {
    let mut behind = Behind::new();
    let address = behind.serve(&[
        ("FORWARDED_CERTIFICATE__HEADER", "X-SSL-Client-Cert"),
        ("FORWARDED_CERTIFICATE__FROM", PROXY),
    ]);
    let url = format!("https://{address}/api/v1/registrationauthorities/");
    let root = behind.installation.dir().join("keys/root.crt");
    let [(first, user), (second, other)] = behind.users.clone();
    let header = format!("X-SSL-Client-Cert: {}", behind.forms(&other)[1]);
    let call = |from: &str, shows: bool, forwards: bool| {
        let mut arguments: Vec<&OsStr> = vec!["--interface".as_ref(), from.as_ref()];
        arguments.extend(["--cacert".as_ref(), root.as_os_str()]);
        if shows {
            arguments.extend(["--cert".as_ref(), user.certificate.as_os_str()]);
            arguments.extend(["--key".as_ref(), user.key.as_os_str()]);
        }
        if forwards {
            arguments.extend(["--header".as_ref(), OsStr::new(&header)]);
        }
        curl(&url, &arguments)
    };
    assert_eq!(authorities(&call(PROXY, true, true)), [second]);
    assert_eq!(authorities(&call(PROXY, false, true)), [second]);
    call(PROXY, true, false).refused(MISSING);
    assert_eq!(authorities(&call(STRANGER, true, true)), [first]);
    assert_eq!(authorities(&call(STRANGER, true, false)), [first]);
    call(STRANGER, false, true).refused(MISSING);
}

#[test]
fn without_tls_the_api_listens_on_loopback_behind_a_named_proxy_only() {
    let installation = Installation::init(["--organisation", "Example Trust"]);
    let refused = |settings: &[(&str, &str)]| {
        let mut command = avouch();
        command
            .arg("serve")
            .arg("--config")
            .arg(installation.config());
        command.args(["--listen", "127.0.0.1:0"]);
        for (name, value) in settings {
            command.env(format!("AVOUCH__REGISTRATION_AUTHORITY__{name}"), value);
        }
        let output = command.output().expect("the program starts");
        assert!(!output.status.success(), "it served with {settings:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let plain = ("PLAIN", "true");
    let from = ("FORWARDED_CERTIFICATE__FROM", PROXY);
    let said = refused(&[("LISTEN", "127.0.0.1:0"), plain]);
    assert!(
        said.contains("registration_authority.plain needs forwarded_certificate"),
        "{said}"
    );
    let said = refused(&[("LISTEN", "0.0.0.0:0"), plain, from]);
    assert!(said.contains("would carry secrets in the clear"), "{said}");
    let said = refused(&[
        ("LISTEN", "127.0.0.1:0"),
        ("FORWARDED_CERTIFICATE__FROM", "nobody"),
    ]);
    assert!(
        said.contains("registration_authority.forwarded_certificate.from"),
        "{said}"
    );
}
