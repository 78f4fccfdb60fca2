//! The command line: what each subcommand makes, says and refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use testkit::{Revocation, pdfsig, pyhanko, qpdf_check, workspace_root};

use crate::client::Dialect;
use crate::harness::{Installation, Options, Sandbox, avouch, read_json};
use crate::sql;

const SUBCOMMANDS: [&str; 6] = ["init", "serve", "sandbox", "demo", "openapi", "audit"];

/// What a run of the program came to.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    /// Insists on exit status 1 and one line of complaint that has all these parts.
    #[track_caller]
    fn complained(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.starts_with("avouch: "), "{}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in: {}", self.err);
        }
    }
}

/// Runs the program to its end.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let output = avouch()
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Every file and folder below, the folder itself included.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files below and what is in them.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = tree(folder).into_iter().filter(|path| path.is_file());
    files
        .map(|path| {
            let content = fs::read(&path).expect("a file");
            (path, content)
        })
        .collect()
}

#[test]
fn help_explains_every_subcommand_with_examples() {
    let overview = run(&["--help"], &[]);
    assert_eq!(overview.code, Some(0));
    for subcommand in SUBCOMMANDS {
        assert!(
            overview.out.contains(&format!("\n  {subcommand} ")),
            "{}",
            overview.out
        );
        let help = run(&[subcommand, "--help"], &[]);
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        let examples = help.out.split_once("Examples:\n").expect("examples").1;
        assert!(
            examples.contains(&format!("avouch {subcommand}")),
            "{examples}"
        );
        // What the examples use is explained above them.
        for flag in examples
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(
                help.out.contains(&format!("{flag} <")) || help.out.contains(&format!("{flag}\n")),
                "{flag} is not explained:\n{}",
                help.out
            );
        }
    }
    let version = run(&["--version"], &[]);
    assert_eq!(
        version.out,
        format!("avouch {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_wrong_command_line_is_explained() {
    for (arguments, part) in [
        (&["frobnicate"][..], "frobnicate"),
        (&[], "Usage"),
        (&["init"], "--dir"),
        (&["serve"], "--config"),
        (&["sandbox"], "--dir"),
        (&["demo", "--dir", "x", "--listen", "nowhere"], "--listen"),
        (&["audit"], "--config"),
        (&["openapi", "--format", "yaml"], "--format"),
    ] {
        let wrong = run(arguments, &[]);
        assert_eq!(wrong.code, Some(2), "{arguments:?}");
        assert!(wrong.err.contains(part), "{arguments:?}: {}", wrong.err);
    }
}

#[test]
fn init_makes_an_installation_that_only_its_owner_can_read() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("deep/avouch");
    let init = [
        "init",
        "--dir",
        text(&dir),
        "--organisation",
        "Example \"Trust\" SL",
    ];
    let made = run(&init, &[]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert_eq!(made.err, "");

    for path in tree(&dir) {
        let mode = path.metadata().expect("it is there").permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
    // The credentials are on the screen and nowhere else.
    let printed = |label: &str| {
        let line = made
            .out
            .lines()
            .find_map(|line| line.trim().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label}: {}", made.out))
            .trim()
            .to_owned()
    };
    let (user, password, pin) = (printed("user name"), printed("password"), printed("PIN"));
    assert!(
        user.len() > 3 && password.len() >= 16 && pin.len() >= 6,
        "{}",
        made.out
    );
    for (path, content) in contents(&dir) {
        for secret in [&password, &pin] {
            let there = content
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!there, "{} holds a secret in the clear", path.display());
        }
    }
    // It says what to type next, and that works.
    let config = dir.join("avouch.toml");
    assert!(
        made.out
            .contains(&format!("avouch serve --config {}", config.display())),
        "{}",
        made.out
    );
    let audit = run(&["audit", "--config", text(&config)], &[]);
    assert_eq!(audit.code, Some(0), "{}", audit.err);

    // A second one changes nothing.
    let before = contents(&dir);
    run(&init, &[]).complained(&["avouch.toml exists"]);
    assert!(
        contents(&dir) == before,
        "the second init changed something"
    );
    fs::remove_file(&config).expect("it is there");
    run(&init, &[]).complained(&["keys", "move the folder away"]);
}

#[test]
fn an_init_that_fails_is_not_in_the_way_of_the_next() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let long = "Example ".repeat(20);
    for (flag, value, part) in [
        ("--country", "Spain", "Spain"),
        ("--organisation", long.as_str(), "organisation"),
        ("--database", "mysql://localhost/avouch", "storage.database"),
        (
            "--database",
            "postgres://127.0.0.1:1/avouch",
            "storage.database",
        ),
        ("--officer-identity", "nonsense", "identity"),
    ] {
        let dir = parent.path().join(format!("{flag}{}", value.len()));
        run(&["init", "--dir", text(&dir), flag, value], &[]).complained(&[part]);
        // Nothing is in the way of the next try.
        let again = run(&["init", "--dir", text(&dir)], &[]);
        assert_eq!(again.code, Some(0), "after {flag}: {}", again.err);
    }
}

#[test]
fn every_key_that_the_template_shows_is_a_key() {
    let installation = Installation::init([""; 0]);
    let template = fs::read_to_string(installation.config()).expect("it was written");
    // Settings are commented out without a blank, remarks with one.
    let is_setting =
        |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let hidden = template.lines().filter(is_setting).count();
    assert!(hidden > 20, "{template}");
    let shown: String = template
        .lines()
        .map(|line| if is_setting(&line) { &line[1..] } else { line })
        .fold(String::new(), |text, line| text + line + "\n");
    let all = installation.dir().join("all.toml");
    fs::write(&all, &shown).expect("the folder is writable");
    let audit = run(&["audit", "--config", text(&all)], &[]);
    assert_eq!(audit.code, Some(0), "{}", audit.err);

    // What is shown for a default is the default: nothing changes when it is spelt out.
    for (number, line) in shown.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        let misspelt: String = shown
            .lines()
            .enumerate()
            .map(|(at, line)| {
                if at == number {
                    line.replacen(key, &format!("{key}x"), 1)
                } else {
                    line.to_owned()
                }
            })
            .fold(String::new(), |text, line| text + &line + "\n");
        fs::write(&all, misspelt).expect("the folder is writable");
        if key == "Content-Type" || key == "Authorization" {
            continue;
        }
        run(&["audit", "--config", text(&all)], &[]).complained(&[&format!("{key}x")]);
    }
}

#[test]
fn wrong_values_are_named_before_anything_starts() {
    let installation = Installation::init([""; 0]);
    let config = installation.config();
    let serve = ["serve", "--config", text(&config)];
    for (variable, value, parts) in [
        (
            "AVOUCH__OTP__ATTEMPTS",
            "0",
            ["otp.attempts", "from 1 to 100"],
        ),
        (
            "AVOUCH__OTP__TEXT",
            "no code in here",
            ["otp.text", "{code}"],
        ),
        ("AVOUCH__LIMITS__VIDEO_MIB", "many", ["video_mib", "many"]),
        ("AVOUCH__LIMITS__DOCUMENTS", "-1", ["documents", "-1"]),
        (
            "AVOUCH__SERVER__LISTEN",
            "everywhere",
            ["listen", "socket address"],
        ),
        (
            "AVOUCH__SERVER__PUBLIC_URL",
            "nowhere",
            ["public_url", "URL"],
        ),
        (
            "AVOUCH__SERVER__NONSENSE",
            "1",
            ["unknown field", "nonsense"],
        ),
        ("AVOUCH__NONSENSE", "1", ["unknown field", "nonsense"]),
        (
            "AVOUCH__ONE_SHOT__API_KEYS",
            "short",
            ["one_shot", "16 characters"],
        ),
        (
            "AVOUCH__ONE_SHOT__ADMIN_KEY",
            "short",
            ["one_shot", "16 characters"],
        ),
        (
            "AVOUCH__WEBHOOKS__ALLOW",
            "10.0.0.0/99",
            ["webhooks.allow", "10.0.0.0/99"],
        ),
        (
            "AVOUCH__LOG__LEVEL",
            "loud=louder=loudest",
            ["log.level", "loud"],
        ),
        ("AVOUCH__LOG__FORMAT", "xml", ["format", "xml"]),
        (
            "AVOUCH__STORAGE__KEYS",
            "elsewhere",
            ["elsewhere", "master.key"],
        ),
        (
            "AVOUCH__STORAGE__DATABASE",
            "mysql://localhost/x",
            ["storage.database", "postgres://"],
        ),
    ] {
        run(&serve, &[(variable, value)]).complained(&parts);
    }
    let missing = installation.dir().join("nowhere.toml");
    run(&["serve", "--config", text(&missing)], &[]).complained(&["nowhere.toml"]);
    let broken = installation.dir().join("broken.toml");
    fs::write(&broken, "[server\nlisten = 1").expect("the folder is writable");
    run(&["serve", "--config", text(&broken)], &[]).complained(&["broken.toml"]);
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let mut installation = Installation::init([""; 0]);
    // The file says 127.0.0.1.
    let listen = [("AVOUCH__SERVER__LISTEN", "127.0.0.2:0")];
    let url = installation.serve_as_configured(&listen);
    assert!(url.starts_with("http://127.0.0.2:"), "{url}");
    assert!(installation.terminate().success());
    let url = installation.serve_with(&listen, &["--listen", "127.0.0.3:0"]);
    assert!(url.starts_with("http://127.0.0.3:"), "{url}");
    assert!(installation.terminate().success());
}

#[test]
fn only_loopback_is_served_without_tls() {
    let installation = Installation::init([""; 0]);
    let config = installation.config();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        run(
            &["serve", "--config", text(&config), "--listen", listen],
            &[],
        )
        .complained(&["passwords in the clear", "server.tls", "--behind-proxy"]);
        let dir = installation.dir().join("sandbox");
        run(&["sandbox", "--dir", text(&dir), "--listen", listen], &[]).complained(&["loopback"]);
    }
    // An IPv6 form of loopback counts as an outside address, and is none: it serves to show that
    // a proxy in front is believed.
    let mut installation = installation;
    installation.serve_with(&[], &["--listen", "[::ffff:127.0.0.1]:0", "--behind-proxy"]);
    assert!(installation.terminate().success());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let sandbox = Sandbox::shared();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let address = sandbox.address().to_string();
    let taken = run(
        &["sandbox", "--dir", text(dir.path()), "--listen", &address],
        &[],
    );
    taken.complained(&[&address]);
}

#[tokio::test]
async fn audit_finds_a_flipped_byte() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    for _ in 0..3 {
        client.create().await;
    }
    let said = sandbox.audit();
    let entries: i64 = said
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    assert!(entries >= 3, "{said}");
    let head = said
        .lines()
        .nth(1)
        .and_then(|line| line.strip_prefix("head "))
        .expect("a head");
    assert!(
        head.len() == 64 && head.bytes().all(|b| b.is_ascii_hexdigit()),
        "{said}"
    );
    sandbox.terminate();

    let database = sandbox.dir().join("avouch.db");
    // The database itself refuses changes; whoever owns it can take that away.
    let guards = sql::query(
        &database,
        "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    );
    assert!(!guards.is_empty());
    for guard in guards {
        let name = guard[0].as_str().expect("a name");
        sql::execute(&database, &format!("DROP TRIGGER {name}"));
    }
    let created = "SELECT min(number) FROM audit WHERE details LIKE '%VIDEOPENDING%'";
    let number = sql::number(&database, created);
    let update = |set: &str| {
        let statement = format!("UPDATE audit SET {set} WHERE number = {number}");
        sql::execute(&database, &statement);
    };
    let audit = |url: &str| run(&["audit", "--database", url], &[]);
    for (change, undo) in [
        (
            "details = replace(details, 'VIDEOPENDING', 'VIDEOPENDINH')",
            "details = replace(details, 'VIDEOPENDINH', 'VIDEOPENDING')",
        ),
        ("at = at + 1", "at = at - 1"),
        ("actor = actor || ' '", "actor = trim(actor)"),
    ] {
        update(change);
        audit(&sandbox.database()).complained(&[&format!("broken at entry {number}:")]);
        update(undo);
        assert_eq!(audit(&sandbox.database()).out, said);
    }
    sql::execute(
        &database,
        &format!("DELETE FROM audit WHERE number = {entries}"),
    );
    audit(&sandbox.database()).complained(&[&format!("broken at entry {entries}")]);

    // A database that is not there is not made.
    let nowhere = sandbox.dir().join("nowhere.db");
    audit(&format!("sqlite:{}", nowhere.display())).complained(&["nowhere.db"]);
    assert!(!nowhere.exists(), "auditing made a database");
}

#[test]
fn the_committed_description_is_the_one_that_the_code_gives() {
    let committed =
        fs::read_to_string(workspace_root().join("docs/openapi.json")).expect("it is committed");
    let printed = run(&["openapi"], &[]);
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""));
    assert!(
        printed.out == committed,
        "docs/openapi.json is stale: run `make openapi`"
    );
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("openapi.json");
    let written = run(&["openapi", "--output", text(&file)], &[]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""));
    assert!(fs::read_to_string(&file).expect("it was written") == committed);
    let nowhere = dir.path().join("no/such/folder.json");
    run(&["openapi", "--output", text(&nowhere)], &[]).complained(&["folder.json"]);
}

#[test]
fn the_demo_plays_the_workflow_and_leaves_what_it_signed() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let dir = parent.path().join("demo");
    let demo = ["demo", "--dir", text(&dir), "--exit"];
    let played = run(&demo, &[]);
    assert_eq!(played.code, Some(0), "{}{}", played.out, played.err);
    assert!(!played.out.contains("Ctrl-C"), "{}", played.out);

    let out = dir.join("out");
    let pdfs: Vec<_> = tree(&out)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "pdf"))
        .collect();
    assert!(pdfs.len() >= 2, "{pdfs:?}");
    for pdf in &pdfs {
        assert!(
            played
                .out
                .contains(text(pdf.file_name().expect("a name").as_ref())),
            "{}",
            played.out
        );
        qpdf_check(pdf);
        let root = dir.join("keys/root.crt");
        assert!(pdfsig(pdf, &root).iter().all(|report| report.valid));
        let opinions = pyhanko(pdf, &root, Revocation::Ignore);
        assert!(
            opinions
                .iter()
                .all(|one| one.trusted && one.bottom_line && one.timestamp.is_some()),
            "{opinions:#?}"
        );
    }
    assert!(
        played.out.contains(&out.display().to_string()),
        "{}",
        played.out
    );

    let summary = read_json(&out.join("summary.json"));
    let steps = summary.as_array().expect("steps");
    for step in steps {
        let keys = crate::client::keys(step);
        assert_eq!(
            keys,
            ["call", "http_status", "status_before", "status_after", "ms"],
            "{step}"
        );
        assert_eq!(step["http_status"], 200, "{step}");
        assert!(step["ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{step}");
        let call = step["call"].as_str().expect("a call");
        assert!(
            played
                .out
                .contains(&call.chars().take(32).collect::<String>()),
            "{call} was not shown: {}",
            played.out
        );
    }
    let mut passed: Vec<_> = steps
        .iter()
        .map(|step| step["status_after"].as_str().expect("a status"))
        .collect();
    passed.dedup();
    assert_eq!(
        passed,
        [
            "VIDEOPENDING",
            "VIDEOINCOMPLETE",
            "VIDEOREVIEW",
            "ENROLLREADY",
            "ISSUED"
        ]
    );
    assert_eq!(steps[0]["status_before"], Value::Null);
    for pair in steps.windows(2) {
        assert_eq!(
            pair[0]["status_after"], pair[1]["status_before"],
            "{pair:#?}"
        );
    }

    // A second one would mix with the first.
    run(&demo, &[]).complained(&["not empty"]);
}

#[tokio::test]
async fn without_exit_the_demo_stays_up_until_it_is_interrupted() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut child = avouch()
        .args(["demo", "--dir", text(dir.path())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = BufReader::new(child.stdout.take().expect("piped above"));
    let mut said = String::new();
    for line in stdout.lines() {
        said += &line.expect("text");
        said.push('\n');
        if said.contains("Ctrl-C") {
            break;
        }
    }
    assert!(said.contains("Ctrl-C"), "it ended: {said}");
    let sandbox = read_json(&dir.path().join("sandbox.json"));
    let url = format!("{}/docs", sandbox["base_url"].as_str().expect("a URL"));
    assert!(said.contains(&url), "{said}");
    let page = reqwest::get(&url).await.expect("the sandbox is up");
    assert_eq!(page.status(), 200);
    testkit::run("kill", ["-INT", &child.id().to_string()], b"").must_accept();
    let output = child.wait_with_output().expect("a child of ours");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
