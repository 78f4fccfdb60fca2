//! The operator's subcommands for registration: what each makes, says and refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use testkit::{Revocation, pdfsig, pyhanko, qpdf_check, workspace_root};

use crate::harness::{Installation, Options, Sandbox, avouch, read_json};

/// A subcommand's subcommands, and a task of each.
const SUBCOMMANDS: [(&str, &[&str]); 4] = [
    ("ra", &["create", "list", "show", "set"]),
    ("rao", &["create", "appoint", "list", "show"]),
    ("api-user", &["create", "list", "disable", "enable"]),
    ("scratchcard", &["create", "list", "move"]),
];

/// Runs the program and expects this exit status.
#[track_caller]
fn run(status: i32, arguments: &[&str]) -> String {
    let output = avouch()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let out = String::from_utf8(output.stdout).expect("text");
    let err = String::from_utf8(output.stderr).expect("text");
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}\n{out}{err}"
    );
    assert!(!err.contains("panicked"), "{err}");
    if status == 0 { out } else { err }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// An installation's operator at the command line.
struct Operator<'a>(&'a Installation);

impl Operator<'_> {
    /// What a command answers in JSON.
    #[track_caller]
    fn asks(&self, command: &[&str]) -> Value {
        let answer = self.reads(&[command, &["--json"]].concat());
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// What a command prints.
    #[track_caller]
    fn reads(&self, command: &[&str]) -> String {
        let config = self.0.config();
        run(0, &[command, &["--config", text(&config)]].concat())
    }

    /// What a command complains of.
    #[track_caller]
    fn is_refused(&self, command: &[&str], part: &str) {
        let config = self.0.config();
        let err = run(1, &[command, &["--config", text(&config)]].concat());
        assert!(err.starts_with("avouch: "), "{err}");
        assert!(err.contains(part), "{part:?} is not in: {err}");
    }
}

#[test]
fn every_subcommand_explains_itself_with_examples() {
    let overview = run(0, &["--help"]);
    for (subject, tasks) in SUBCOMMANDS {
        assert!(overview.contains(&format!("\n  {subject} ")), "{overview}");
        let help = run(0, &[subject, "--help"]);
        let examples = help.split_once("Examples:\n").expect("examples").1;
        assert!(
            examples.contains(&format!("avouch {subject} ")),
            "{examples}"
        );
        for task in tasks {
            assert!(help.contains(&format!("\n  {task} ")), "{help}");
            let help = run(0, &[subject, task, "--help"]);
            assert!(help.contains("--json"), "{help}");
            let examples = help.split_once("Examples:\n").map_or("", |(_, it)| it);
            for flag in examples
                .lines()
                .filter(|line| !line.contains("curl") && !line.contains("https:"))
                .flat_map(str::split_whitespace)
                .filter(|word| word.starts_with("--"))
            {
                let explained =
                    help.contains(&format!("{flag} <")) || help.contains(&format!("{flag}\n"));
                assert!(explained, "{flag} is not explained:\n{help}");
            }
        }
        let wrong = run(2, &[subject, "list"]);
        assert!(wrong.contains("--config"), "{wrong}");
    }
}

#[test]
fn authorities_form_a_tree_and_keep_what_is_set() {
    let installation = Installation::init([""; 0]);
    let operator = Operator(&installation);
    let branch = operator.asks(&[
        "ra",
        "create",
        "--name",
        "Branch",
        "--parent",
        "1",
        "country=IT",
        "videoid_steps=2",
        "documents_per_phone=3",
    ]);
    let number = branch["pk"].as_i64().expect("a number").to_string();
    for (field, value) in [
        ("name", Value::from("Branch")),
        ("parent", 1.into()),
        ("country", "IT".into()),
        ("videoid_steps", 2.into()),
        ("documents_per_phone", 3.into()),
        ("webhook_url", Value::Null),
    ] {
        assert_eq!(branch[field], value, "{field}: {branch}");
    }
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let changed = operator.asks(&[
        "ra",
        "set",
        &number,
        "documents_per_phone=",
        "language=it",
        "--webhook-secret",
        secret,
        "webhook_url=https://example.org/hook",
    ]);
    assert_eq!(changed["documents_per_phone"], Value::Null);
    assert_eq!(changed["language"], "it");
    assert_eq!(changed["webhook_url"], "https://example.org/hook");
    assert_eq!(changed["videoid_steps"], 2, "what was not named stays");
    assert_eq!(operator.asks(&["ra", "show", &number]), changed);

    let list = operator.reads(&["ra", "list"]);
    assert_eq!(list.lines().count(), 3, "{list}");
    assert_eq!(
        operator.asks(&["ra", "list"]).as_array().map(Vec::len),
        Some(2)
    );

    operator.is_refused(&["ra", "show", "99"], "authority");
    operator.is_refused(&["ra", "create", "--name", "Branch"], "exists already");
    operator.is_refused(&["ra", "set", &number, "country=Spain"], "country");
    operator.is_refused(&["ra", "set", &number, "parent=2"], "parent");
    operator.is_refused(&["ra", "set", &number], "nothing to set");
    let config = installation.config();
    let unknown = run(2, &["ra", "set", "1", "town=X", "--config", text(&config)]);
    assert!(unknown.contains("town"), "{unknown}");
    run(0, &["audit", "--config", text(&config)]);
}

#[test]
fn an_officers_secrets_are_printed_once_and_kept_nowhere() {
    let installation = Installation::init([""; 0]);
    let operator = Operator(&installation);
    let one_more = [
        "rao",
        "create",
        "--ra",
        "1",
        "--given-name",
        "Rosa",
        "--surname",
        "Oficial",
        "--username",
        "rosa",
    ];
    operator.is_refused(&one_more, "enrols like a subscriber");
    let made = operator.asks(&[&one_more[..], &["--again"]].concat());
    assert_eq!(made["username"], "rosa");
    for secret in ["password", "pin"] {
        let secret = made[secret].as_str().expect("a text");
        assert!(secret.len() >= 8);
        installation.confide(secret);
        for file in ["avouch.db", "avouch.db-wal", "avouch.toml"] {
            let content = fs::read(installation.dir().join(file)).unwrap_or_default();
            let there = content
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!there, "{file} holds a secret in the clear");
        }
    }
    let shown = operator.asks(&["rao", "show", &made["pk"].to_string()]);
    assert_eq!(shown["given_name"], "Rosa");
    assert_eq!(shown["certificate"]["valid"], "VALID");
    assert!(
        !shown
            .to_string()
            .contains(made["password"].as_str().expect("a text"))
    );
    let list = operator.reads(&["rao", "list"]);
    assert!(
        list.contains("Rosa Oficial") && list.contains("First Officer"),
        "{list}"
    );

    operator.is_refused(
        &[
            "rao",
            "create",
            "--ra",
            "9",
            "--given-name",
            "A",
            "--surname",
            "B",
        ],
        "authority",
    );
    operator.is_refused(&["rao", "show", "99"], "officer");
    operator.is_refused(&["rao", "appoint", "--ra", "1", "--request", "99"], "99");
}

#[test]
fn a_batch_of_scratchcards_is_made_listed_and_moved() {
    let installation = Installation::init([""; 0]);
    let operator = Operator(&installation);
    operator.asks(&["ra", "create", "--name", "Branch", "--parent", "1"]);
    let csv = operator.reads(&[
        "scratchcard",
        "create",
        "--ra",
        "1",
        "--count",
        "12",
        "--csv",
    ]);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "sn,registration_authority,enrollment_code,erc,pin,puk"
    );
    assert_eq!(lines.len(), 13);
    let made = operator.asks(&["scratchcard", "create", "--ra", "1"]);
    let secrets = made[0]["secrets"].as_object().expect("four secrets");
    assert_eq!(secrets.len(), 4, "{made}");

    let listed = operator.asks(&["scratchcard", "list", "--ra", "1", "--unused"]);
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), 13, "all pages");
    assert!(listed.iter().all(|card| card.get("secrets").is_none()));
    let sn = |at: usize| listed[at]["sn"].as_str().expect("a number");

    let moved = operator.asks(&[
        "scratchcard",
        "move",
        "--from",
        "1",
        "--amount",
        "3",
        "--to",
        "2",
    ]);
    assert_eq!(moved["moved"], 3);
    let said = operator.reads(&[
        "scratchcard",
        "move",
        "--first",
        sn(5),
        "--last",
        sn(6),
        "--to",
        "2",
    ]);
    assert!(
        said.starts_with("2 moved to registration authority 2."),
        "{said}"
    );
    let there = operator.asks(&["scratchcard", "list", "--ra", "2"]);
    let there: Vec<_> = there
        .as_array()
        .expect("a list")
        .iter()
        .map(|card| &card["sn"])
        .collect();
    assert_eq!(there, [sn(0), sn(1), sn(2), sn(5), sn(6)]);

    let config = installation.config();
    let neither = run(
        2,
        &[
            "scratchcard",
            "move",
            "--to",
            "2",
            "--config",
            text(&config),
        ],
    );
    assert!(neither.contains("--from"), "{neither}");
    operator.is_refused(&["scratchcard", "create", "--ra", "9"], "authority");
}

/// Calls with curl and answers the HTTP status and the body.
fn curl(flags: &[&str], url: &str) -> (String, String) {
    let common = ["-sS", "--max-time", "20", "-w", "\n%{http_code}"];
    let said = testkit::run("curl", [&common, flags, &[url]].concat(), b"").must_accept();
    let said = said.text();
    let (body, status) = said.rsplit_once('\n').expect("two lines at least");
    (status.to_owned(), body.to_owned())
}

#[test]
fn an_api_user_gets_in_with_its_certificate_and_out_when_disabled() {
    let mut installation = Installation::init([""; 0]);
    let out = installation.dir().join("shop");
    let create = [
        "api-user",
        "create",
        "--ra",
        "1",
        "--name",
        "shop",
        "--out",
        text(&out),
    ];
    let issued = Operator(&installation).asks(&create);
    assert_eq!(issued["permissions"], "requests");
    for (member, name) in [
        ("certificate", "shop.crt"),
        ("key", "shop.key"),
        ("server_ca", "ca.pem"),
    ] {
        let file = out.join(name);
        assert_eq!(issued[member], text(&file));
        let mode = file
            .metadata()
            .expect("it was written")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    Operator(&installation).is_refused(&create, "exists");
    let path = |name: &str| text(&out.join(name)).to_owned();
    let (certificate, key, ca) = (path("shop.crt"), path("shop.key"), path("ca.pem"));
    let issuing = installation.dir().join("keys/issuing.crt");
    let verify = [
        "verify",
        "-purpose",
        "sslclient",
        "-CAfile",
        &ca,
        "-untrusted",
        text(&issuing),
    ];
    testkit::run("openssl", [&verify[..], &[&certificate]].concat(), b"").must_accept();

    let listen = [("AVOUCH__REGISTRATION_AUTHORITY__LISTEN", "127.0.0.1:0")];
    installation.serve(&listen);
    let line = installation.wait_for_log("serving the Registration Authority API");
    let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
    let base = line["public_url"].as_str().expect("a URL");
    let url = format!("{base}/api/v1/requests/");
    let shown = ["--cacert", &ca, "--cert", &certificate, "--key", &key];
    for version in ["1.2", "1.3"] {
        let flags = [&shown[..], &["--tls-max", version]].concat();
        assert_eq!(curl(&flags, &url).0, "200", "TLS {version}");
    }
    // No certificate, and one from elsewhere: both learn it in the API's words.
    let stranger = installation.dir().join("stranger");
    let (foreign, its_key) = (
        stranger.with_extension("crt"),
        stranger.with_extension("key"),
    );
    let making = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=stranger",
        "-days",
        "1",
        "-out",
        text(&foreign),
        "-keyout",
        text(&its_key),
    ];
    testkit::run("openssl", making, b"").must_accept();
    for flags in [
        &["--cacert", ca.as_str()][..],
        &[
            "--cacert",
            &ca,
            "--cert",
            text(&foreign),
            "--key",
            text(&its_key),
        ],
    ] {
        let (status, body) = curl(flags, &url);
        assert_eq!(status, "401", "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["code"], "401");
    }
    // A certificate alone proves nothing: the handshake is signed with its key.
    let stolen = testkit::run(
        "curl",
        [
            "-sS",
            "--cacert",
            &ca,
            "--cert",
            &certificate,
            "--key",
            text(&its_key),
            &url,
        ],
        b"",
    );
    assert!(!stolen.accepted(), "{}", stolen.transcript());

    // The server runs all the while.
    let number = issued["pk"].to_string();
    let operator = Operator(&installation);
    assert_eq!(
        operator.asks(&["api-user", "disable", &number])["enabled"],
        false
    );
    assert_eq!(curl(&shown, &url).0, "401");
    let list = operator.reads(&["api-user", "list"]);
    assert!(list.contains("disabled"), "{list}");
    assert_eq!(
        operator.asks(&["api-user", "enable", &number])["enabled"],
        true
    );
    assert_eq!(curl(&shown, &url).0, "200");
    operator.is_refused(&["api-user", "disable", "99"], "user");
    assert!(installation.terminate().success());
}

#[test]
fn a_proxy_vouches_for_clients_only_where_it_is_configured() {
    for (from, expected) in [("127.0.0.1", "200"), ("10.0.0.0/8", "401")] {
        let mut installation = Installation::init([""; 0]);
        let out = installation.dir().join("shop");
        let create = [
            "api-user",
            "create",
            "--ra",
            "1",
            "--name",
            "shop",
            "--out",
            text(&out),
        ];
        Operator(&installation).asks(&create);
        let pem = fs::read_to_string(out.join("shop.crt")).expect("it was written");
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let header = format!("Client-Cert: :{base64}:");
        installation.serve(&[
            ("AVOUCH__REGISTRATION_AUTHORITY__LISTEN", "127.0.0.1:0"),
            ("AVOUCH__REGISTRATION_AUTHORITY__PLAIN", "true"),
            (
                "AVOUCH__REGISTRATION_AUTHORITY__FORWARDED_CERTIFICATE__FROM",
                from,
            ),
        ]);
        let line = installation.wait_for_log("serving the Registration Authority API");
        let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
        let url = format!(
            "{}/api/v1/requests/",
            line["public_url"].as_str().expect("a URL")
        );
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        assert_eq!(curl(&["-H", &header], &url).0, expected, "from {from}");
        assert_eq!(curl(&[], &url).0, "401");
        assert!(installation.terminate().success());
    }
}

#[tokio::test]
async fn a_sandbox_that_is_started_again_keeps_its_client_and_its_port() {
    let sandbox = Sandbox::start(Options::default());
    let api = sandbox.description()["registration_authority_api"].clone();
    assert!(
        api["free_scratchcards"]
            .as_i64()
            .is_some_and(|free| free >= 200),
        "{api}"
    );
    let base = api["base_url"].as_str().expect("a URL");
    let member = |name: &str| api[name].as_str().expect("a path").to_owned();
    let (ca, certificate, key) = (
        member("server_ca"),
        member("client_certificate"),
        member("client_key"),
    );
    let flags = ["--cacert", &ca, "--cert", &certificate, "--key", &key];
    let url = format!("{base}/api/v1/scratchcards/get_first_unused/");
    let (status, first) = curl(&flags, &url);
    assert_eq!(status, "200", "{first}");

    // The command line works on it too.
    let dir = text(sandbox.dir());
    let list = run(
        0,
        &["scratchcard", "list", "--dir", dir, "--unused", "--json"],
    );
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert!(list.as_array().is_some_and(|cards| cards.len() >= 200));
    run(
        0,
        &[
            "ra",
            "create",
            "--dir",
            dir,
            "--name",
            "Elsewhere",
            "--parent",
            "1",
        ],
    );
    let away = [
        "scratchcard",
        "move",
        "--dir",
        dir,
        "--from",
        "1",
        "--amount",
        "50",
        "--to",
        "2",
    ];
    run(0, &away);
    assert!(sandbox.terminate().success());
    sandbox.restart();
    let again = read_json(&sandbox.dir().join("sandbox.json"));
    let again = &again["registration_authority_api"];
    assert_eq!(
        *again, api,
        "fifty cards were made anew, and all else is what it was"
    );
    assert_eq!(curl(&flags, &url).0, "200");
}

#[test]
fn the_demo_plays_the_registration_authoritys_workflow_too() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("demo");
    let said = run(0, &["demo", "--dir", text(&dir), "--exit"]);
    let out = dir.join("out");
    let root = dir.join("keys/root.crt");
    for (name, signers) in [("registration-contract.pdf", 2), ("cloud-agreement.pdf", 1)] {
        let pdf = out.join(name);
        assert!(said.contains(&format!("✓ {name}")), "{said}");
        qpdf_check(&pdf);
        let reports = pdfsig(&pdf, &root);
        assert_eq!(reports.len(), signers, "{name}");
        assert!(reports.iter().all(|report| report.valid), "{name}");
        let opinions = pyhanko(&pdf, &root, Revocation::Ignore);
        assert!(
            opinions.iter().all(|one| one.trusted && one.bottom_line),
            "{opinions:#?}"
        );
    }
    assert!(said.contains("OCSP and the revocation list say"), "{said}");

    let summary = read_json(&out.join("summary-registration-authority.json"));
    let steps = summary.as_array().expect("steps");
    let statuses = steps
        .iter()
        .filter_map(|step| step["status_after"].as_str());
    let mut passed: Vec<_> = statuses.collect();
    passed.dedup();
    assert_eq!(
        passed,
        [
            "VIDEOPENDING",
            "VIDEOINCOMPLETE",
            "VIDEOREVIEW",
            "CREATED",
            "ENROLLREADY",
            "ISSUED"
        ]
    );
    for step in steps {
        let status = step["http_status"].as_i64().expect("a number");
        assert!((200..400).contains(&status), "{step}");
    }
}

#[test]
fn the_committed_description_of_the_api_is_the_one_that_the_code_gives() {
    let file = workspace_root().join("docs/openapi-registration-authority.json");
    let committed = fs::read_to_string(file).expect("it is committed");
    let printed = run(0, &["openapi", "--api", "registration-authority"]);
    assert!(
        printed == committed,
        "docs/openapi-registration-authority.json is stale: run `make openapi`"
    );
}

#[test]
fn a_reader_who_has_enough_is_no_error() {
    let mut child = avouch()
        .args(["openapi"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child of ours");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
