//! A loopback mail server that records what reaches it: aiosmtpd, and Python's own reader of mails.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::judges::pki::openssl;
use crate::tools::{tool, workspace_root};

/// How the server is to behave.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmtpSetup<'a> {
    /// How connections are protected.
    pub security: SinkSecurity,
    /// The name and password without which it takes nothing.
    pub login: Option<(&'a str, &'a str)>,
    /// What it answers instead of 250, in order, each to the first mail that comes to this point.
    pub replies: &'a [(At, &'a str)],
}

/// How connections to the sink are protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SinkSecurity {
    /// Not at all.
    #[default]
    None,
    /// By `STARTTLS`, before which it takes nothing.
    Starttls,
    /// From the first byte.
    Tls,
}

/// The point of a mail's way at which a reply is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The receiver's address (`RCPT`).
    Recipient,
    /// The whole mail (`DATA`); the reply `drop` takes it and breaks the connection.
    Content,
}

/// A mail that was offered to the sink.
#[derive(Debug, Clone, Deserialize)]
pub struct ReceivedMail {
    /// The sink's reply.
    pub answered: String,
    /// The envelope's sender.
    pub from: String,
    /// The envelope's receivers.
    pub to: Vec<String>,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Whether the client had logged in.
    pub logged_in: bool,
    /// The mail as Python reads it; `None` when its receiver was refused.
    pub read: Option<ReadMail>,
}

/// A mail as Python's email package reads it.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadMail {
    /// Names and decoded values of its headers, in order.
    pub headers: Vec<(String, String)>,
    /// The media types of its parts, outermost first.
    pub parts: Vec<String>,
    /// The plain text, with `\n` at the ends of its lines.
    pub text: Option<String>,
    /// The HTML, likewise.
    pub html: Option<String>,
    /// What came with it.
    pub attachments: Vec<ReadAttachment>,
    /// What Python found wrong with it.
    pub defects: Vec<String>,
    /// Its bytes as they came.
    pub source: Vec<u8>,
}

impl ReadMail {
    /// A header's decoded values.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        let values = self.headers.iter().filter(named);
        values.map(|(_, value)| value.as_str()).collect()
    }
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReadAttachment {
    /// Its decoded name.
    pub name: Option<String>,
    /// Its media type.
    pub media_type: String,
    /// Its decoded bytes.
    pub content: Vec<u8>,
}

/// The server; it stops when dropped, and with the test process.
#[derive(Debug)]
pub struct SmtpSink {
    port: u16,
    records: Arc<watch::Sender<Vec<ReceivedMail>>>,
    folder: TempDir,
    process: Child,
    // The server runs for as long as this is open.
    _stdin: ChildStdin,
}

impl SmtpSink {
    /// Starts listening on a random port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When aiosmtpd or OpenSSL is missing or does not do its work.
    pub fn start(setup: SmtpSetup<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder for the certificates");
        make_certificates(folder.path());
        let replies = setup.replies.iter().map(|(at, reply)| {
            let at = match at {
                At::Recipient => "recipient",
                At::Content => "content",
            };
            (at, reply)
        });
        let arguments = json!({
            "certificate": folder.path().join("server.pem"),
            "key": folder.path().join("server.key"),
            "security": match setup.security {
                SinkSecurity::None => "none",
                SinkSecurity::Starttls => "starttls",
                SinkSecurity::Tls => "tls",
            },
            "login": setup.login,
            "replies": replies.collect::<Vec<_>>(),
        });
        let mut process = Command::new(tool("python"))
            .arg(workspace_root().join("crates/testkit/judges/smtp_sink.py"))
            .arg(arguments.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python was just found");
        let stdin = process.stdin.take().expect("piped above");
        let stdout = process.stdout.take().expect("piped above");
        let mut lines = BufReader::new(stdout).lines();
        let port = lines
            .next()
            .and_then(|line| line.ok()?.parse().ok())
            .expect("aiosmtpd starts, or has just said why not");
        let records = Arc::new(watch::Sender::new(Vec::new()));
        let recorder = Arc::clone(&records);
        thread::spawn(move || record(lines, &recorder));
        Self {
            port,
            records,
            folder,
            process,
            _stdin: stdin,
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A PEM file with the authority of the server's certificate, which is for `localhost` only.
    pub fn trust(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Everything offered so far, in order of arrival.
    pub fn received(&self) -> Vec<ReceivedMail> {
        self.records.borrow().clone()
    }

    /// Waits until at least `count` mails have been offered.
    ///
    /// # Panics
    ///
    /// After a minute, with what was offered.
    pub async fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        let mut records = self.records.subscribe();
        let enough = records.wait_for(|records| records.len() >= count);
        match tokio::time::timeout(Duration::from_secs(60), enough).await {
            Ok(Ok(records)) => records.clone(),
            _ => panic!("waited for {count} mails, got {:#?}", self.received()),
        }
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn record(lines: Lines<BufReader<ChildStdout>>, records: &watch::Sender<Vec<ReceivedMail>>) {
    for line in lines.map_while(Result::ok) {
        let mail = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("smtp_sink.py said ({error}): {line}"));
        records.send_modify(|records| records.push(mail));
    }
}

/// `authority.pem`, and `server.pem` with `server.key` for `localhost`.
fn make_certificates(folder: &Path) {
    let make = |name: &str, subject: &str, rest: &str| {
        let file = |ending: &str| {
            folder
                .join(format!("{name}.{ending}"))
                .display()
                .to_string()
        };
        let (key, certificate) = (file("key"), file("pem"));
        let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        let rest = rest.replace("FOLDER", &folder.display().to_string());
        let arguments = arguments
            .split(' ')
            .chain(["-subj", subject, "-keyout", &key, "-out", &certificate])
            .chain(rest.split_whitespace());
        openssl(arguments, b"").must_accept();
    };
    make("authority", "/CN=Authority of the sink", "");
    make(
        "server",
        "/CN=localhost",
        "-CA FOLDER/authority.pem -CAkey FOLDER/authority.key \
         -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost",
    );
}
