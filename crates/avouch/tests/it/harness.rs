//! Running Avouch as a process: sandboxes and real installations, killed and started again.
//!
//! When a test fails, the log of its server is printed. When a server ends, its log is searched
//! for what must never stand in it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Dialect, OneShot, PEOPLE};
use crate::registration::client::PIN;

/// The program under test.
pub fn avouch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
    // What the developer has set must not reach the program.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AVOUCH__") {
            command.env_remove(name);
        }
    }
    command
}

/// What a server that is described so tells of itself.
pub async fn health(description: &Value) -> Value {
    let base = description["base_url"].as_str().expect("a URL");
    let answer = reqwest::get(format!("{base}/health"));
    let answer = answer.await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// How a sandbox is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub webhook_url: Option<String>,
    pub webhook_format: Option<&'static str>,
    pub webhook_secret: Option<String>,
    pub database: Option<String>,
    pub max_video_mib: Option<u64>,
    pub key_algorithm: Option<&'static str>,
}

/// A sandbox of `avouch sandbox` in a temporary folder. Clones share it.
#[derive(Clone)]
pub struct Sandbox(Arc<Running>);

struct Running {
    dir: TempDir,
    options: Options,
    address: SocketAddr,
    description: Value,
    log: Log,
    process: Mutex<Option<Process>>,
}

impl Sandbox {
    /// Starts one of the test's own.
    pub fn start(options: Options) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), options)
    }

    /// The same, on what lies in the folder already.
    pub fn start_in(dir: TempDir, options: Options) -> Self {
        let log = Log::default();
        let process = start_sandbox(dir.path(), &options, "127.0.0.1:0", &log);
        let description = read_json(&dir.path().join("sandbox.json"));
        let base = description["base_url"]
            .as_str()
            .expect("sandbox.json has a base URL");
        let address = base
            .trim_start_matches("http://")
            .parse()
            .expect("an address and a port");
        let process = Mutex::new(Some(process));
        Self(Arc::new(Running {
            dir,
            options,
            address,
            description,
            log,
            process,
        }))
    }

    /// The one that all tests share that only add requests of their own: no webhooks, SQLite,
    /// default limits.
    pub fn shared() -> Self {
        static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());
        let mut shared = lock(&SHARED);
        if let Some(running) = shared.upgrade() {
            return Self(running);
        }
        let sandbox = Self::start(Options::default());
        *shared = Arc::downgrade(&sandbox.0);
        sandbox
    }

    /// What `sandbox.json` tells.
    pub fn description(&self) -> &Value {
        &self.0.description
    }

    /// The folder that holds everything.
    pub fn dir(&self) -> &Path {
        self.0.dir.path()
    }

    /// Where it listens; it keeps its port when it is started again.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The root's certificate, PEM.
    pub fn root(&self) -> PathBuf {
        self.dir().join("keys/root.crt")
    }

    /// The database, as `--database` wants it.
    pub fn database(&self) -> String {
        let default = || format!("sqlite:{}", self.dir().join("avouch.db").display());
        self.0.options.database.clone().unwrap_or_else(default)
    }

    /// A client of this dialect.
    pub fn client(&self, dialect: Dialect) -> OneShot {
        OneShot::new(self.description(), dialect)
    }

    /// Ends the server as a power cut would: SIGKILL.
    pub fn kill(&self) {
        lock(&self.0.process)
            .take()
            .expect("the sandbox runs")
            .kill();
    }

    /// Asks the server to stop (SIGTERM) and waits until it has.
    pub fn terminate(&self) -> ExitStatus {
        lock(&self.0.process)
            .take()
            .expect("the sandbox runs")
            .terminate()
    }

    /// Starts the server again on the same folder and port.
    pub fn restart(&self) {
        let mut process = lock(&self.0.process);
        assert!(process.is_none(), "the sandbox still runs");
        let listen = self.0.address.to_string();
        *process = Some(start_sandbox(
            self.dir(),
            &self.0.options,
            &listen,
            &self.0.log,
        ));
    }

    /// Every text message so far, oldest first.
    pub fn texts(&self) -> Vec<Value> {
        outbox(&self.dir().join("sms.jsonl"))
    }

    /// Every mail so far, oldest first.
    pub fn mails(&self) -> Vec<Value> {
        outbox(&self.dir().join("mail.jsonl"))
    }

    /// Waits for the `count`th code that was sent for a request.
    pub async fn nth_code_for(&self, request: i64, count: usize) -> String {
        let text = nth_message(|| self.texts(), request, count).await;
        text["code"].as_str().expect("a code is a text").to_owned()
    }

    /// Waits for the `count`th mail that was sent for a request.
    pub async fn nth_mail_for(&self, request: i64, count: usize) -> Value {
        nth_message(|| self.mails(), request, count).await
    }

    /// Waits for the link that was mailed when a request was approved.
    pub async fn link_for(&self, request: i64) -> String {
        let mail = self.nth_mail_for(request, 1).await;
        mail["link"].as_str().expect("a link is a text").to_owned()
    }

    /// Waits for the code that was sent for a request.
    pub async fn code_for(&self, request: i64) -> String {
        self.nth_code_for(request, 1).await
    }

    /// Names a text that must not stand in the log.
    pub fn confide(&self, secret: &str) {
        self.0.log.confide(secret);
    }

    /// The log so far, of all its processes.
    pub fn log(&self) -> String {
        self.0.log.text()
    }

    /// Verifies the audit log with `avouch audit` and returns what that printed.
    #[track_caller]
    pub fn audit(&self) -> String {
        let output = avouch()
            .args(["audit", "--database", &self.database()])
            .output();
        let output = output.expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "the audit log is broken:\n{said}{complaint}"
        );
        said
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.0.log.show_if_failing();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = lock(&self.process).take() {
            process.kill();
        }
        if std::thread::panicking() {
            return;
        }
        let mut secrets = self.log.confided();
        let rao = &self.description["rao"];
        let api = &self.description["registration_authority_api"];
        for secret in [
            &rao["password"],
            &rao["pin"],
            &rao["token"],
            &api["rao_password"],
            &api["rao_pin"],
        ] {
            secrets.extend(secret.as_str().map(str::to_owned));
        }
        let billing = &self.description["billing"]["password"];
        secrets.extend(billing.as_str().map(str::to_owned));
        for text in outbox(&self.dir.path().join("sms.jsonl")) {
            for member in ["to", "code"] {
                secrets.extend(text[member].as_str().map(str::to_owned));
            }
        }
        for mail in outbox(&self.dir.path().join("mail.jsonl")) {
            secrets.extend(mail["to"].as_str().map(str::to_owned));
            let token = mail["link"]
                .as_str()
                .and_then(|link| link.rsplit('/').next());
            secrets.extend(token.map(str::to_owned));
        }
        self.log.must_be_clean(&secrets);
    }
}

fn start_sandbox(dir: &Path, options: &Options, listen: &str, log: &Log) -> Process {
    let mut command = avouch();
    command
        .arg("sandbox")
        .arg("--dir")
        .arg(dir)
        .args(["--listen", listen]);
    let Options {
        webhook_url,
        webhook_format,
        webhook_secret,
        database,
        max_video_mib,
        key_algorithm,
    } = options;
    let mib = max_video_mib.map(|mib| mib.to_string());
    for (flag, value) in [
        ("--webhook-url", webhook_url.as_deref()),
        ("--webhook-format", *webhook_format),
        ("--webhook-secret", webhook_secret.as_deref()),
        ("--database", database.as_deref()),
        ("--max-video-mib", mib.as_deref()),
        ("--key-algorithm", *key_algorithm),
    ] {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    let mut process = Process::spawn(command, log);
    let stdout = process
        .child
        .stdout
        .as_mut()
        .expect("standard output is piped");
    let mut said = String::new();
    BufReader::new(stdout)
        .read_line(&mut said)
        .expect("standard output is text");
    if !said.starts_with("ready http://") {
        process.kill();
        panic!(
            "a sandbox said {said:?} instead of \"ready \" and its URL:\n{}",
            log.text()
        );
    }
    process
}

/// A real installation, of `avouch init`, run by `avouch serve`.
pub struct Installation {
    dir: TempDir,
    log: Log,
    /// What `init` printed.
    pub said: String,
    process: Option<Process>,
    address: Option<SocketAddr>,
}

impl Installation {
    /// Makes one, with these flags beside `--dir`.
    pub fn init<A: AsRef<OsStr>>(flags: impl IntoIterator<Item = A>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let output = avouch()
            .arg("init")
            .arg("--dir")
            .arg(dir.path())
            .args(flags)
            .output();
        let output = output.expect("the program starts");
        let said = String::from_utf8(output.stdout).expect("standard output is text");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "init failed:\n{said}{complaint}");
        Self {
            dir,
            log: Log::default(),
            said,
            process: None,
            address: None,
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir().join("avouch.toml")
    }

    /// Something that `init` printed behind this label, such as `password`.
    #[track_caller]
    pub fn printed(&self, label: &str) -> &str {
        let line = |line: &'_ str| line.trim().strip_prefix(label).map(str::len);
        let found = self
            .said
            .lines()
            .find_map(|text| line(text).map(|length| text[text.len() - length..].trim()));
        found.unwrap_or_else(|| panic!("init did not print {label:?}:\n{}", self.said))
    }

    /// Serves on a free port of the loopback interface, under these environment variables
    /// (`AVOUCH__OTP__ATTEMPTS`), and returns the base URL.
    pub fn serve(&mut self, variables: &[(&str, &str)]) -> String {
        self.serve_with(variables, &[])
    }

    /// The same, with flags of `avouch serve`; `https` is for the caller to know.
    pub fn serve_with(&mut self, variables: &[(&str, &str)], flags: &[&str]) -> String {
        assert!(self.process.is_none(), "it is served already");
        let mut command = avouch();
        command.arg("serve").arg("--config").arg(self.config());
        if !flags.contains(&"--listen") {
            let same = self
                .address
                .map_or_else(|| "127.0.0.1:0".to_owned(), |a| a.to_string());
            command.args(["--listen", &same]);
        }
        self.run(command, variables, flags)
    }

    /// Serves where the file or these environment variables say.
    pub fn serve_as_configured(&mut self, variables: &[(&str, &str)]) -> String {
        let mut command = avouch();
        command.arg("serve").arg("--config").arg(self.config());
        self.run(command, variables, &[])
    }

    fn run(&mut self, mut command: Command, variables: &[(&str, &str)], flags: &[&str]) -> String {
        command
            .args(flags)
            .envs(variables.iter().map(|(n, v)| (OsString::from(n), *v)));
        let earlier = self.log.count("\"message\":\"serving\"");
        let mut process = Process::spawn(command, &self.log);
        let serving = self
            .log
            .wait_for("\"message\":\"serving\"", earlier, &mut process.child);
        let line: Value = serde_json::from_str(&serving).expect("a log line is JSON");
        let address = line["address"].as_str().expect("the log names the address");
        self.address = Some(address.parse().expect("an address and a port"));
        self.process = Some(process);
        format!("http://{address}")
    }

    /// The registration authority and its officer, in the form of `sandbox.json`, for a client.
    pub fn description(&self) -> Value {
        let base = format!("http://{}", self.address.expect("it has been served"));
        let number = |label| self.printed(label).parse::<i64>().expect("a number");
        serde_json::json!({
            "base_url": base,
            "one_shot": {
                "base": format!("{base}/oneshot/api/v1"), "legacy_base": format!("{base}/api/v1"),
            },
            "registration_authority": number("Registration authority"),
            "profile": "PFnubeNC",
            "rao": {
                "id": number("Officer (RAO)"), "username": self.printed("user name"),
                "password": self.printed("password"), "pin": self.printed("PIN"),
            },
        })
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("it is served").kill();
    }

    /// SIGTERM, and waits until it has stopped.
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.take().expect("it is served").terminate()
    }

    /// Waits for a log line that contains this.
    pub fn wait_for_log(&mut self, part: &str) -> String {
        let process = self.process.as_mut().expect("it is served");
        self.log.wait_for(part, 0, &mut process.child)
    }

    /// Names a text that must not stand in the log.
    pub fn confide(&self, secret: &str) {
        self.log.confide(secret);
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
        self.log.show_if_failing();
        if !std::thread::panicking() {
            let mut secrets = self.log.confided();
            for label in ["password", "PIN"] {
                secrets.insert(self.printed(label).to_owned());
            }
            self.log.must_be_clean(&secrets);
        }
    }
}

/// A running Avouch whose standard error is read.
struct Process {
    child: Child,
    reader: JoinHandle<()>,
}

impl Process {
    fn spawn(mut command: Command, log: &Log) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = log.clone();
        let reader = std::thread::spawn(move || log.read(stderr));
        Self { child, reader }
    }

    fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.reader.join();
    }

    fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        testkit::run("kill", ["-TERM", &pid], b"").must_accept();
        let status = self.child.wait().expect("it is a child of ours");
        let _ = self.reader.join();
        status
    }
}

/// The lines of a log and what must not stand in them. Clones share it.
#[derive(Clone, Default)]
struct Log(Arc<LogState>);

#[derive(Default)]
struct LogState {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
    confided: Mutex<BTreeSet<String>>,
}

impl Log {
    fn read(&self, stderr: impl Read) {
        for line in BufReader::new(stderr).split(b'\n') {
            let Ok(line) = line else { return };
            lock(&self.0.lines).push(String::from_utf8_lossy(&line).into_owned());
            self.0.grown.notify_all();
        }
    }

    fn text(&self) -> String {
        lock(&self.0.lines).join("\n")
    }

    fn count(&self, part: &str) -> usize {
        lock(&self.0.lines)
            .iter()
            .filter(|line| line.contains(part))
            .count()
    }

    /// Waits for one more line with `part` than `earlier`.
    fn wait_for(&self, part: &str, earlier: usize, child: &mut Child) -> String {
        let mut lines = lock(&self.0.lines);
        for _ in 0..600 {
            let found = lines
                .iter()
                .filter(|line| line.contains(part))
                .nth(earlier)
                .cloned();
            if let Some(line) = found {
                return line;
            }
            let ended = child.try_wait().ok().flatten();
            assert!(
                ended.is_none(),
                "it ended ({ended:?}):\n{}",
                lines.join("\n")
            );
            let waited = self.0.grown.wait_timeout(lines, Duration::from_millis(100));
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        panic!("no {part:?} in the log:\n{}", lines.join("\n"))
    }

    fn confide(&self, secret: &str) {
        lock(&self.0.confided).insert(secret.to_owned());
    }

    /// The personal data that tests send, the PIN that they choose, and what they confided.
    fn confided(&self) -> BTreeSet<String> {
        let mut secrets = lock(&self.0.confided).clone();
        secrets.insert(PIN.to_owned());
        for person in PEOPLE {
            secrets.extend(person.texts().map(str::to_owned));
        }
        secrets
    }

    fn show_if_failing(&self) {
        if std::thread::panicking() {
            let lines = lock(&self.0.lines);
            let last = lines.len().saturating_sub(60);
            eprintln!(
                "--- the server's log, last lines ---\n{}",
                lines[last..].join("\n")
            );
        }
    }

    /// Neither secrets nor panics nor failures of the server's own may stand in a log.
    fn must_be_clean(&self, secrets: &BTreeSet<String>) {
        for line in lock(&self.0.lines).iter() {
            for trouble in ["panicked at", " ERROR ", "\"level\":\"ERROR\""] {
                assert!(!line.contains(trouble), "the server failed: {line}");
            }
            // The time at the beginning is made of digits, as codes are.
            let told = line.split_once('Z').map_or(line.as_str(), |(_, told)| told);
            for secret in secrets {
                assert!(
                    !mentions(told, secret),
                    "the log gives away {secret:?}: {line}"
                );
            }
        }
    }
}

/// Whether `text` has `word` as a word of its own: six digits within a longer number are no code.
fn mentions(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '.';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// What a sandbox wrote into a file instead of sending it; a line that is being written is not
/// there yet.
fn outbox(path: &Path) -> Vec<Value> {
    let written = fs::read_to_string(path).unwrap_or_default();
    let whole = written.rfind('\n').map_or(0, |at| at + 1);
    written[..whole]
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

/// Waits for the `count`th message for a request: longer than a lease lasts, since a process that was
/// killed while it sent one keeps it until then.
async fn nth_message(messages: impl Fn() -> Vec<Value>, request: i64, count: usize) -> Value {
    for _ in 0..6000 {
        let own = messages()
            .into_iter()
            .filter(|one| one["request_pk"] == request)
            .nth(count - 1);
        if let Some(message) = own {
            return message;
        }
        // The file says nothing when it grows.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!(
        "message {count} for request {request} never came: {:?}",
        messages()
    )
}

/// A file as JSON.
#[track_caller]
pub fn read_json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_search_for_leaks_finds_words_and_not_parts_of_numbers() {
    assert!(mentions("code=123456 sent", "123456"));
    assert!(mentions("to \"+34600\"", "+34600"));
    assert!(mentions("subject Ana", "Ana"));
    assert!(!mentions("ms=0.123456", "123456"));
    assert!(!mentions("serial 9123456a", "123456"));
    assert!(!mentions("Analysis", "Ana"));
}
