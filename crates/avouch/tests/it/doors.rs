//! Everything at the doors that is not the workflow: keys, TLS, errors of our own, the reference
//! page, headers, patience, and an orderly end.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use testkit::{openssl, run, workspace_root};

use crate::browser::Browser;
use crate::client::{DIALECTS, Dialect, OneShot, evidence, video};
use crate::harness::{Installation, Options, Sandbox};
use crate::raw::{Wire, exchange};

const CLIENT_KEYS: [&str; 2] = ["key-of-the-first-client", "key-of-the-second-client"];
const ADMIN_KEY: &str = "key-of-the-administrator";

fn plain() -> Client {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    client.build().expect("a client")
}

#[tokio::test]
async fn with_keys_nobody_passes_without_one() {
    let mut installation = Installation::init([""; 0]);
    let url = installation.serve(&[
        ("AVOUCH__ONE_SHOT__API_KEYS", &CLIENT_KEYS.join(",")),
        ("AVOUCH__ONE_SHOT__ADMIN_KEY", ADMIN_KEY),
    ]);
    for key in CLIENT_KEYS.into_iter().chain([ADMIN_KEY]) {
        installation.confide(key);
    }
    for dialect in DIALECTS {
        let client = OneShot::new(&installation.description(), dialect);
        for (method, path) in [
            (Method::GET, "/hello"),
            (Method::GET, "/settings"),
            (Method::POST, "/settings"),
            (Method::GET, "/tokens"),
            (Method::POST, "/videoid"),
            (Method::GET, "/request/1001"),
            (Method::POST, "/videoid/1001/video"),
            (Method::POST, "/document/1001"),
            (Method::DELETE, "/request/1001"),
            (Method::GET, "/upload/video/1001"),
        ] {
            if path.starts_with("/upload") {
                continue;
            }
            let request = || client.request(method.clone(), path);
            for keyless in [
                request(),
                request().header("X-API-Key", ""),
                request().header("X-API-Key", "key-of-nobody-at-all"),
                request().header("X-API-Key", &CLIENT_KEYS[0][..10]),
                request().header("X-API-Key", CLIENT_KEYS.join(",")),
                request().bearer_auth("key-of-nobody-at-all"),
                request().basic_auth("user", Some(CLIENT_KEYS[0])),
                request().query(&[("X-API-Key", CLIENT_KEYS[0])]),
            ] {
                let answer = client.send(keyless).await;
                answer.refused(401, "Missing or unknown API key");
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
            for key in CLIENT_KEYS.into_iter().chain([ADMIN_KEY]) {
                for with_key in [
                    request().header("x-api-key", key),
                    request().bearer_auth(key),
                ] {
                    assert_ne!(client.send(with_key).await.status, 401, "{method} {path}");
                }
            }
        }
        // Settings are the administrator's.
        let patch = json!({ "request": { "default_profile": "PFnubeNC" } });
        let post = |key: &str| {
            client
                .request(Method::POST, "/settings")
                .json(&patch)
                .bearer_auth(key)
        };
        let refused = client.send(post(CLIENT_KEYS[0])).await;
        refused.refused(403, "You do not have permission to perform this action");
        client
            .send(post(ADMIN_KEY))
            .await
            .said("Settings saved successfully");
    }
    for (method, path) in [
        (Method::POST, "/v1/upload/video/1001"),
        (Method::GET, "/v1/download/video/1001"),
    ] {
        let answer = plain()
            .request(method, format!("{url}{path}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let described = plain().get(format!("{url}/openapi.json")).send().await;
    let described: Value = described.expect("an answer").json().await.expect("JSON");
    let keys = described["security"].as_array().expect("schemes");
    assert!(keys.contains(&json!({ "api_key": [] })), "{keys:?}");
    assert!(keys.contains(&json!({ "bearer": [] })), "{keys:?}");
    // What verifiers and operators need stays open.
    for path in [
        "/health",
        "/openapi.json",
        "/docs",
        "/pki/root.crt",
        "/pki/issuing.pem",
    ] {
        let answer = plain()
            .get(format!("{url}{path}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn an_admin_key_alone_guards_the_settings_alone() {
    let mut installation = Installation::init([""; 0]);
    installation.serve(&[("AVOUCH__ONE_SHOT__ADMIN_KEY", ADMIN_KEY)]);
    installation.confide(ADMIN_KEY);
    let client = OneShot::new(&installation.description(), Dialect::New);
    client.create().await;
    let answer = client.post("/settings", &json!({})).await;
    answer.refused(403, "You do not have permission to perform this action");
    assert_eq!(answer.reason(), "changing the settings takes the admin key");
    let request = client.request(Method::POST, "/settings").json(&json!({}));
    client
        .send(request.header("X-API-Key", ADMIN_KEY))
        .await
        .said("Settings saved successfully");
}

#[tokio::test]
async fn our_own_doors_answer_errors_as_problems() {
    let sandbox = Sandbox::shared();
    let base = sandbox.description()["base_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::GET, "/pki/nothing.crt", 404),
        (Method::GET, "/oneshot", 404),
        (Method::GET, "/oneshot/api/v2/hello", 404),
        (Method::GET, "/api/v1x/hello", 404),
        (Method::DELETE, "/health", 405),
        (Method::GET, "/tsa", 405),
        (Method::POST, "/openapi.json", 405),
    ] {
        let request = plain().request(method.clone(), format!("{base}{path}"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], status);
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
    }
    // OCSP and time-stamping have words of their own for what they do not understand.
    for (path, answer_type) in [
        ("/ocsp", "application/ocsp-response"),
        ("/tsa", "application/timestamp-reply"),
    ] {
        for rubbish in [
            &b""[..],
            b"rubbish",
            b"\x30\x80",
            b"\x30\x03\x02\x01\x01",
            &[0x30; 5000],
        ] {
            let request = plain().post(format!("{base}{path}")).body(rubbish.to_vec());
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(answer.headers()["content-type"], answer_type, "{path}");
        }
    }
    let answer = plain()
        .get(format!("{base}/ocsp/rubbish"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        answer.headers()["content-type"],
        "application/ocsp-response"
    );
    let answer = plain().get(&base).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (307, &"/docs".parse().expect("a header"))
    );
}

#[tokio::test]
async fn health_says_how_it_is() {
    let sandbox = Sandbox::shared();
    let base = sandbox.description()["base_url"].as_str().expect("a URL");
    let answer = plain()
        .get(format!("{base}/health/"))
        .send()
        .await
        .expect("an answer");
    let health: Value = answer.json().await.expect("JSON");
    assert_eq!(health["status"], "ok");
    assert_eq!(health["database"], "SQLite");
    assert!(
        health["outbox_pending"].is_i64() && health["outbox_dead"] == 0,
        "{health}"
    );
}

#[tokio::test]
async fn the_description_that_is_served_is_the_committed_one() {
    let sandbox = Sandbox::shared();
    let base = sandbox.description()["base_url"].as_str().expect("a URL");
    let served = plain()
        .get(format!("{base}/openapi.json"))
        .send()
        .await
        .expect("an answer");
    let mut served: Value = served.json().await.expect("JSON");
    let committed = fs::read(workspace_root().join("docs/openapi.json")).expect("it is committed");
    let mut committed: Value = serde_json::from_slice(&committed).expect("JSON");
    assert_eq!(served["servers"], json!([{ "url": base }]));
    assert_eq!(served["openapi"], "3.1.0");
    // Where there are no keys, none is described.
    assert_eq!(served.get("security"), None);
    for document in [&mut served, &mut committed] {
        let members = document.as_object_mut().expect("an object");
        members.retain(|name, _| name != "servers" && name != "security");
    }
    assert!(
        served == committed,
        "docs/openapi.json is stale: run `make openapi`"
    );
}

#[tokio::test]
async fn every_request_has_an_id_and_every_answer_its_headers() {
    let sandbox = Sandbox::start(Options::default());
    let base = sandbox.description()["base_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let pks = sandbox.client(Dialect::New).create().await;
    let mut ids = std::collections::BTreeSet::new();
    let paths = [
        "/health".to_owned(),
        "/docs".to_owned(),
        "/openapi.json".to_owned(),
        "/nothing".to_owned(),
        "/api/v1/hello".to_owned(),
        "/api/v1/nothing".to_owned(),
        format!("/oneshot/api/v1/request/{}", pks.request),
        "/oneshot/api/v1/request/987654321".to_owned(),
        "/pki/root.crt".to_owned(),
    ];
    for path in &paths {
        let answer = plain()
            .get(format!("{base}{path}"))
            .send()
            .await
            .expect("an answer");
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .unwrap_or_else(|| panic!("{path} lacks {name}"));
            value.to_str().expect("text").to_owned()
        };
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(
            header("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            header("content-security-policy").starts_with("default-src 'none'"),
            "{path}"
        );
        if path.contains("/v1/") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
        assert!(
            answer.headers().get("server").is_none()
                && answer.headers().get("set-cookie").is_none()
        );
        assert!(ids.insert(header("x-request-id")), "an id was given twice");
    }
    for (sent, kept) in [
        ("my-id_7.x", true),
        ("a b", false),
        ("<script>", false),
        (&"x".repeat(65), false),
        ("", false),
    ] {
        let request = plain()
            .get(format!("{base}/health"))
            .header("x-request-id", sent);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.headers()["x-request-id"] == sent, kept, "{sent}");
        if kept {
            ids.insert(sent.to_owned());
        }
    }
    let log = sandbox.log();
    for id in ids {
        assert!(
            log.lines().any(|line| line.contains(&id)),
            "{id} is not in the log:\n{log}"
        );
    }
    assert!(!log.contains("<script>"), "{log}");
    // Route patterns, not paths.
    assert!(log.contains("/oneshot/api/v1/request/{pk}"), "{log}");
}

/// A certificate for 127.0.0.1 and its key, as PEM files.
fn server_certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    .map(str::to_owned);
    let files = [
        "-keyout".to_owned(),
        text(&key),
        "-out".to_owned(),
        text(&certificate),
    ];
    openssl(arguments.into_iter().chain(files), b"").must_accept();
    (certificate, key)
}

fn curl(arguments: &[&str]) -> testkit::ToolOutput {
    run(
        "curl",
        [
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
        ]
        .iter()
        .chain(arguments),
        b"",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_the_operators_certificate() {
    let mut installation = Installation::init([""; 0]);
    let (certificate, key) = server_certificate(installation.dir());
    // Relative paths start at the configuration file.
    let tls = [
        ("AVOUCH__SERVER__TLS__CERTIFICATE", "tls.pem"),
        ("AVOUCH__SERVER__TLS__KEY", "tls.key"),
    ];
    let url = installation.serve(&tls).replace("http://", "https://");
    let ca = certificate.to_str().expect("UTF-8");

    let hello = format!("{url}/oneshot/api/v1/hello");
    for (version, number) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let answer = curl(&[
            "--cacert",
            ca,
            version,
            "--write-out",
            "%{http_version}",
            &hello,
        ])
        .must_accept();
        assert_eq!(
            answer.text(),
            format!("{{\"status\":\"success\",\"message\":\"Hello\"}}{number}")
        );
    }
    curl(&["--cacert", ca, "--tlsv1.2", "--tls-max", "1.2", &hello]).must_accept();
    curl(&["--cacert", ca, "--tls-max", "1.1", &hello]).must_refuse();
    curl(&[&hello]).must_refuse();
    // Whoever speaks no TLS gets nothing, and the server goes on.
    curl(&[&hello.replace("https://", "http://")]).must_refuse();

    // A video goes in and comes out in ranges.
    let film = workspace_root().join("specimens/video.mp4");
    let create = r#"{"mobile_phone_number": "+34600123987", "email": "ana.ejemplo@example.com",
        "registration_authority": 1, "profile": "PFnubeNC"}"#;
    let create = curl(&[
        "--cacert",
        ca,
        "--data",
        create,
        &format!("{url}/oneshot/api/v1/videoid"),
    ])
    .must_accept();
    let created: Value = serde_json::from_slice(&create.stdout).expect("JSON");
    let path = format!(
        "{url}/oneshot/api/v1/videoid/{}/video",
        created["detail"]["videoid_pk"]
    );
    let form = format!("video=@{}", film.display());
    curl(&["--cacert", ca, "--fail", "--form", &form, &path]).must_accept();
    let whole = fs::read(&film).expect("a specimen");
    for (range, expected) in [
        ("0-99", &whole[..100]),
        ("500000-", &whole[500_000..]),
        ("-7", &whole[whole.len() - 7..]),
    ] {
        for version in ["--http1.1", "--http2"] {
            let part =
                curl(&["--cacert", ca, version, "--fail", "--range", range, &path]).must_accept();
            assert!(part.stdout == expected, "{range} over {version}");
        }
    }
    assert!(installation.terminate().success());

    // What cannot work is named at the start.
    let (other, _) = (installation.dir().join("other"), ());
    fs::create_dir(&other).expect("the folder is writable");
    let (_, other_key) = server_certificate(&other);
    let config = installation.config();
    let serve = |certificate: &Path, key: &Path| {
        let output = crate::harness::avouch()
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .env("AVOUCH__SERVER__TLS__CERTIFICATE", certificate)
            .env("AVOUCH__SERVER__TLS__KEY", key)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    let nowhere = Path::new("nowhere.pem");
    assert!(serve(nowhere, &key).contains("server.tls.certificate"));
    assert!(serve(&certificate, nowhere).contains("server.tls.key"));
    assert!(serve(&config, &key).contains("no certificate in it"));
    assert!(serve(&certificate, &certificate).contains("server.tls.key"));
    assert!(serve(&certificate, &other_key).contains("server.tls"));
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    let head = |path: String| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n\
                 Content-Length: 1000000\r\n\r\n--x\r\n"
        )
    };
    let before = client.record(pks).await;
    let (half_a_head, nothing, half_a_film, half_a_document) = tokio::join!(
        exchange(sandbox.address(), "GET /health HTTP/1.1\r\nHost: loc"),
        exchange(sandbox.address(), ""),
        exchange(
            sandbox.address(),
            head(format!("/oneshot/api/v1/videoid/{}/video", pks.videoid))
        ),
        exchange(
            sandbox.address(),
            head(format!("/api/v1/document/{}", pks.request))
        ),
    );
    for answer in [half_a_head, nothing] {
        assert!(
            answer.as_ref().is_none_or(|answer| answer.status == 408),
            "{answer:?}"
        );
    }
    let words = "The request body did not arrive in time";
    let film = half_a_film.expect("an answer");
    assert_eq!(film.status, 408, "{film:?}");
    assert!(
        film.body.starts_with("{\"status\":\"error\"") && film.body.contains(words),
        "{film:?}"
    );
    let document = half_a_document.expect("an answer");
    assert_eq!(document.status, 408, "{document:?}");
    assert!(
        document.body.starts_with("{\"status\":\"408 ") && document.body.contains(words),
        "{document:?}"
    );
    assert_eq!(client.record(pks).await, before);
}

/// How many files there are in a folder and its folders.
fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => files_below(&path),
            _ => 1,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_finishes_what_is_under_way() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    client.evidences(pks, &evidence()).await.success();
    let content = [
        b"--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"v\"\r\n\r\n".as_slice(),
        &video(),
        b"\r\n--x--\r\n",
    ]
    .concat();
    let head = format!(
        "POST /oneshot/api/v1/videoid/{}/video HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n",
        pks.videoid,
        content.len()
    );
    let blobs = sandbox.dir().join("blobs");
    let before = files_below(&blobs);
    let mut wire = Wire::open(sandbox.address()).await;
    wire.send(head)
        .await
        .send(&content[..content.len() / 2])
        .await;
    // The upload is certainly under way once its blob is there.
    while files_below(&blobs) == before {
        tokio::task::yield_now().await;
    }
    let stopping = sandbox.clone();
    let stopped = tokio::task::spawn_blocking(move || stopping.terminate());
    while tokio::net::TcpStream::connect(sandbox.address())
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    let answer = wire
        .send(&content[content.len() / 2..])
        .await
        .answer()
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(stopped.await.expect("it ends").success());

    sandbox.restart();
    assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    let stored = client.get(&format!("/videoid/{}/video", pks.videoid)).await;
    assert!(stored.body == video(), "{stored}");
}

/// A script that returns all text of the page, once it has this part. The renderer draws into
/// trees of its own, which the document's text leaves out.
fn shown(part: &str) -> String {
    format!(
        "const text = tree => tree.textContent + [...tree.querySelectorAll('*')]\
             .map(element => element.shadowRoot ? text(element.shadowRoot) : '').join(' ');\
         const page = text(document.body);\
         return page.includes('{part}') ? page : null"
    )
}

#[tokio::test]
async fn the_reference_page_works_without_the_internet() {
    let sandbox = Sandbox::shared();
    let base = sandbox.description()["base_url"].as_str().expect("a URL");
    let pictures = workspace_root().join("target/pages");
    fs::create_dir_all(&pictures).expect("the target folder is writable");
    for (name, width, height) in [("desktop", 1280, 900), ("telephone", 390, 844)] {
        let browser = Browser::open(width, height).await;
        browser.go(&format!("{base}/docs")).await;
        let text = browser.wait_for(&shown("Create a VideoID request")).await;
        let text = text.as_str().expect("text");
        for part in ["Avouch", "Upload evidences", "Sign", "One-Shot"] {
            assert!(text.contains(part), "{name}: {part} is not shown");
        }
        let wider = browser
            .run("return document.documentElement.scrollWidth - window.innerWidth")
            .await;
        assert!(
            wider.as_i64().is_some_and(|pixels| pixels <= 0),
            "{name}: {wider} pixels too wide"
        );
        browser
            .screenshot(&pictures.join(format!("docs-{name}.png")))
            .await;

        // One endpoint, as people open it.
        browser
            .go(&format!("{base}/docs#post-/oneshot/api/v1/videoid"))
            .await;
        browser.wait_for(&shown("mobile_phone_number")).await;
        browser
            .screenshot(&pictures.join(format!("docs-{name}-endpoint.png")))
            .await;

        let requested = browser.requested().await;
        assert!(requested.len() >= 4, "{requested:?}");
        for url in requested {
            assert!(
                // The browser's own pages are within it.
                ["data:", "chrome:", base]
                    .iter()
                    .any(|start| url.starts_with(start)),
                "{name} asked for {url}"
            );
        }
        let console = browser.console().await;
        let severe: Vec<_> = console
            .iter()
            .filter(|entry| entry["level"] != "INFO")
            .collect();
        assert!(severe.is_empty(), "{name}: {severe:#?}");
    }
}
