//! Mails through a mail server.
//!
//! One connection carries one mail: what happened to it is then known for certain, and an idle
//! connection cannot have died unseen.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::time::timeout;
use url::Host;

use crate::failure::Failure;
use crate::letter;
use crate::mail::MailMessage;

/// How long to wait for the answer to the goodbye, when the mail has already been taken.
const GOODBYE: Duration = Duration::from_secs(1);

/// How to reach a mail server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpServer {
    /// Its name or address. The operator's choice, so private addresses are fine.
    pub host: String,
    /// Its port; 465, 587 or 25 where none is given, as `security` says.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// The name to log in with; without it nobody logs in.
    #[serde(default)]
    pub username: Option<String>,
    /// The password that goes with it.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Whom mails are from, as in `Example Trust <noreply@example.org>`.
    pub from: String,
    /// One attempt takes no longer than this, connecting included.
    #[serde(default = "half_a_minute")]
    pub timeout_seconds: u32,
    /// A PEM file with the certificates to trust instead of the system's.
    #[serde(default)]
    pub trust: Option<PathBuf>,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS from the first byte (RFC 8314).
    #[default]
    Tls,
    /// TLS after `STARTTLS`; a server that does not offer it gets nothing.
    Starttls,
    /// None at all, which only loopback and private addresses get.
    None,
}

/// The mail server's configuration cannot work: the operator's mistake.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The host is neither a name nor an address.
    #[error("the mail server's host is neither a name nor an address")]
    NotAHost,
    /// The host is a public address, where mails would travel in the open.
    #[error("a mail server with security = \"none\" must have a loopback or private address")]
    InTheOpen,
    /// The sender is no mailbox.
    #[error("the mail server's from is no mailbox such as Example <noreply@example.org>")]
    NotASender,
    /// There is a name without a password, or a password without a name.
    #[error("the mail server's username and password go together")]
    HalfALogin,
    /// There is no time to send anything in.
    #[error("the mail server's timeout_seconds must be at least 1")]
    NoTime,
    /// The file of trusted certificates cannot be read.
    #[error("the mail server's trust file cannot be read: {0}")]
    TrustFile(std::io::ErrorKind),
    /// The file of trusted certificates holds none, or the system has none to trust.
    #[error("there are no certificates to trust the mail server by")]
    NothingToTrust,
}

fn half_a_minute() -> u32 {
    30
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

/// A mail server whose configuration was tried.
pub(crate) struct Mailer {
    host: String,
    port: u16,
    protection: Protection,
    login: Option<Credentials>,
    from: Mailbox,
    hello: ClientId,
    timeout: Duration,
}

enum Protection {
    Tls(TlsParameters),
    Starttls(TlsParameters),
    None,
}

impl Mailer {
    /// Tries the configuration, so that a mistake is told at the start and not at the first mail.
    /// Reads the certificates to trust.
    pub(crate) fn new(server: &SmtpServer) -> Result<Self, SmtpError> {
        let host = host(&server.host).ok_or(SmtpError::NotAHost)?;
        let tls = || tls(&host, server.trust.as_deref());
        let (protection, usual_port) = match server.security {
            SmtpSecurity::Tls => (Protection::Tls(tls()?), 465),
            SmtpSecurity::Starttls => (Protection::Starttls(tls()?), 587),
            SmtpSecurity::None => (Protection::None, 25),
        };
        // A name is judged when it is resolved.
        let public = |address: IpAddr| !is_near(address);
        if server.security == SmtpSecurity::None && host.parse().is_ok_and(public) {
            return Err(SmtpError::InTheOpen);
        }
        let login = match (&server.username, &server.password) {
            (Some(name), Some(password)) => Some(Credentials::new(
                name.clone(),
                password.expose_secret().to_owned(),
            )),
            (None, None) => None,
            _ => return Err(SmtpError::HalfALogin),
        };
        if server.timeout_seconds == 0 {
            return Err(SmtpError::NoTime);
        }
        let from = sender(&server.from).ok_or(SmtpError::NotASender)?;
        Ok(Self {
            host,
            port: server.port.unwrap_or(usual_port),
            protection,
            login,
            hello: ClientId::Domain(from.email.domain().to_owned()),
            from,
            timeout: Duration::from_secs(server.timeout_seconds.into()),
        })
    }

    /// Sends the mail once.
    pub(crate) async fn send(
        &self,
        message_id: &str,
        mail: &MailMessage,
        at: OffsetDateTime,
    ) -> Result<(), Failure> {
        let letter = letter::write(&self.from, message_id, mail, at)?;
        let mut connection = timeout(self.timeout, self.hand_over(&letter))
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        // The mail has been taken; a goodbye that nobody answers must not send it again.
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    /// One attempt takes no longer than this.
    pub(crate) fn longest_attempt(&self) -> Duration {
        self.timeout + GOODBYE
    }

    /// The server, for the log.
    pub(crate) fn origin(&self) -> String {
        let scheme = match self.protection {
            Protection::Tls(_) => "smtps",
            Protection::Starttls(_) | Protection::None => "smtp",
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    async fn hand_over(&self, letter: &Message) -> Result<AsyncSmtpConnection, Failure> {
        // Whatever the server says before it hears of the mail is no judgement on the mail.
        let mut connection = self.connect().await?;
        connection
            .send(letter.envelope(), &letter.formatted())
            .await
            .map_err(|error| match answer(&error) {
                Some(answer) if error.is_permanent() => Failure::MailRefused(answer),
                _ if error.is_client() => Failure::NotAMail,
                _ => failure(&error, Failure::Broken),
            })?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let refused = |error: Error| failure(&error, Failure::Connection);
        let addresses = self.addresses().await?;
        let wrapped = match &self.protection {
            Protection::Tls(tls) => Some(tls.clone()),
            Protection::Starttls(_) | Protection::None => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            &addresses[..],
            Some(self.timeout),
            &self.hello,
            wrapped,
            None,
        )
        .await
        .map_err(refused)?;
        if let Protection::Starttls(tls) = &self.protection {
            if !connection.can_starttls() {
                return Err(Failure::NoStarttls);
            }
            let upgraded = connection.starttls(tls.clone(), &self.hello).await;
            upgraded.map_err(refused)?;
        }
        if let Some(login) = &self.login {
            let logged_in = connection.auth(DEFAULT_MECHANISMS, login).await;
            logged_in.map_err(|error| match answer(&error) {
                Some(answer) => Failure::Login(answer),
                None => failure(&error, Failure::NoLogin),
            })?;
        }
        Ok(connection)
    }

    /// Where the server is; in the open, only what is near.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|_| Failure::Connection)?;
        if !matches!(self.protection, Protection::None) {
            return Ok(found.collect());
        }
        let near: Vec<_> = found.filter(|found| is_near(found.ip())).collect();
        if near.is_empty() {
            return Err(Failure::InTheOpen);
        }
        Ok(near)
    }
}

/// A name in lower case, or an address without brackets.
fn host(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) => Some(name),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

fn sender(text: &str) -> Option<Mailbox> {
    let mailbox: Mailbox = text.parse().ok()?;
    let email = letter::address(mailbox.email.as_ref())?;
    Some(Mailbox::new(mailbox.name, email))
}

fn tls(host: &str, trust: Option<&Path>) -> Result<TlsParameters, SmtpError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = trust {
        let pem =
            std::fs::read_to_string(path).map_err(|error| SmtpError::TrustFile(error.kind()))?;
        // The library takes a file without certificates for one with few.
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(SmtpError::NothingToTrust);
        }
        let certificates =
            Certificate::from_pem(pem.as_bytes()).map_err(|_| SmtpError::NothingToTrust)?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificates);
    }
    builder.build().map_err(|_| SmtpError::NothingToTrust)
}

/// Whether what travels there stays on this machine or this site.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// What an error means, where the server gave no answer: `otherwise`, unless the error says more.
fn failure(error: &Error, otherwise: Failure) -> Failure {
    match answer(error) {
        Some(answer) => Failure::MailDeferred(answer),
        None if error.is_timeout() => Failure::Timeout,
        None => otherwise,
    }
}

/// The server's reply code and its enhanced code (RFC 3463), as in `550 5.1.1`, and not the words
/// after them, which may repeat the address.
fn answer(error: &Error) -> Option<String> {
    let code = error.status()?;
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let first = words.split_whitespace().next().unwrap_or_default();
    let numbers: Vec<_> = first.split('.').collect();
    let number = |text: &&str| (1..=3).contains(&text.len()) && text.parse::<u16>().is_ok();
    Some(match numbers.len() == 3 && numbers.iter().all(number) {
        true => format!("{code} {first}"),
        false => code.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(host: &str, security: &str) -> SmtpServer {
        let from = "Example Trust <noreply@example.org>";
        serde_json::from_value(json!({ "host": host, "security": security, "from": from })).unwrap()
    }

    fn refused(server: &SmtpServer) -> String {
        match Mailer::new(server) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn ports_follow_from_the_protection() {
        let cases = [
            ("tls", "smtps://mail.example:465"),
            ("starttls", "smtp://mail.example:587"),
            ("none", "smtp://mail.example:25"),
        ];
        for (security, expected) in cases {
            let mailer = Mailer::new(&server("Mail.Example", security)).unwrap();
            assert_eq!(mailer.origin(), expected);
        }
        let unsaid = json!({ "host": "mail.example", "from": "noreply@example.org" });
        let unsaid: SmtpServer = serde_json::from_value(unsaid).unwrap();
        assert_eq!(unsaid.security, SmtpSecurity::Tls);
        let misspelt = json!({ "host": "a", "from": "a@b.example", "securty": "none" });
        assert!(serde_json::from_value::<SmtpServer>(misspelt).is_err());
    }

    #[test]
    fn mistakes_are_told_at_the_start() {
        let good = || server("mail.example", "tls");
        let from = |from: &str| SmtpServer {
            from: from.to_owned(),
            ..good()
        };
        let trust = |path: &str| SmtpServer {
            trust: Some(path.into()),
            ..good()
        };
        let cases = [
            (server("", "tls"), "host"),
            (server("mail example", "tls"), "host"),
            (server("mail.example:25", "tls"), "host"),
            (server("9.9.9.9", "none"), "loopback or private"),
            (server("[2606:4700::1111]", "none"), "loopback or private"),
            (server("::ffff:9.9.9.9", "none"), "loopback or private"),
            (from("Example Trust"), "from"),
            (from("noreply@[127.0.0.1]"), "from"),
            (
                from("Example\r\nBcc: eve@evil.example <a@b.example>"),
                "from",
            ),
            (from("\"A\r\nBcc: eve@evil.example\" <a@b.example>"), "from"),
            (
                SmtpServer {
                    username: Some("avouch".to_owned()),
                    ..good()
                },
                "go together",
            ),
            (
                SmtpServer {
                    password: Some("s3cret".into()),
                    ..good()
                },
                "go together",
            ),
            (
                SmtpServer {
                    timeout_seconds: 0,
                    ..good()
                },
                "timeout",
            ),
            (trust("/nowhere"), "cannot be read"),
            (
                trust(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
                "no certificates",
            ),
        ];
        for (number, (server, expected)) in cases.iter().enumerate() {
            let told = refused(server);
            assert!(told.contains(expected), "{number}: {told}");
        }
    }

    #[test]
    fn only_what_is_near_is_reached_in_the_open() {
        let near = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "::1",
            "fd00::1",
        ];
        for host in near {
            assert!(Mailer::new(&server(host, "none")).is_ok(), "{host}");
        }
        let far = [
            "9.9.9.9",
            "172.32.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "2606:4700::1111",
            "ff02::1",
        ];
        for host in far {
            assert!(Mailer::new(&server(host, "none")).is_err(), "{host}");
            assert!(Mailer::new(&server(host, "tls")).is_ok(), "{host}");
        }
    }

    #[test]
    fn the_password_does_not_print() {
        let server = SmtpServer {
            username: Some("avouch".to_owned()),
            password: Some("s3cret".into()),
            ..server("mail.example", "tls")
        };
        let shown = format!("{server:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
