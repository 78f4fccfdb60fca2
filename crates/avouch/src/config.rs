//! The configuration: one struct, every field documented, unknown keys refused.
//!
//! `template.toml` beside this file is what `avouch init` writes; a test holds the two together.

mod hsm;
mod registration_authority;
mod signature;
mod tsa;

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pki::AuthorityUrls;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub use hsm::Hsm;
pub use registration_authority::RegistrationAuthority;
pub use signature::{KeyKind, OneTimeKeys, Signature};
pub use tsa::Tsa;

/// The whole configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who runs this server.
    pub organisation: Organisation,
    /// Where it listens.
    #[serde(default)]
    pub server: Server,
    /// Where it keeps things.
    #[serde(default)]
    pub storage: Storage,
    /// Certificates.
    #[serde(default)]
    pub certificates: Certificates,
    /// Signatures.
    #[serde(default)]
    pub signature: Signature,
    /// Others who are asked for time-stamps.
    pub tsa: Option<Tsa>,
    /// A token that holds keys.
    pub hsm: Option<Hsm>,
    /// The One-Shot doors.
    #[serde(default)]
    pub one_shot: OneShot,
    /// The Registration Authority API.
    #[serde(default)]
    pub registration_authority: RegistrationAuthority,
    /// One-time codes.
    #[serde(default)]
    pub otp: Otp,
    /// Mails.
    #[serde(default)]
    pub mail: Mail,
    /// Webhooks.
    #[serde(default)]
    pub webhooks: Webhooks,
    /// Upload limits.
    #[serde(default)]
    pub limits: Limits,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// Who runs this server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Name, as contracts print it.
    pub name: String,
    /// Law and place of jurisdiction, as contracts print them.
    #[serde(default = "default_law")]
    pub applicable_law: String,
}

impl Organisation {
    /// An organisation of that name under the default law.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            applicable_law: default_law(),
        }
    }
}

fn default_law() -> String {
    "the law of the provider's place of establishment".to_owned()
}

/// Where the server listens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// Under which URL clients and verifiers reach it.
    pub public_url: Url,
    /// A reverse proxy in front ends TLS.
    pub behind_proxy: bool,
    /// TLS of our own.
    pub tls: Option<Tls>,
    /// Connections at once; more wait.
    pub max_connections: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            public_url: Url::parse("http://127.0.0.1:8420").expect("a URL as written here"),
            behind_proxy: false,
            tls: None,
            max_connections: 1024,
        }
    }
}

/// TLS of our own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file: the server's certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file: the private key.
    pub key: PathBuf,
}

/// Where the server keeps things. Relative paths start at the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// `sqlite:PATH` or `postgres://…`.
    pub database: SecretString,
    /// Folder for evidence and documents, encrypted.
    pub blobs: PathBuf,
    /// Folder with the master key and the CA's keys.
    pub keys: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            database: SecretString::from("sqlite:avouch.db".to_owned()),
            blobs: PathBuf::from("blobs"),
            keys: PathBuf::from("keys"),
        }
    }
}

/// Certificates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// Hours for which a one-time certificate is valid.
    pub validity_hours: u32,
    /// Under which URL verifiers find OCSP answers, the revocation list and the CA's certificates;
    /// absent: the public URL.
    pub published_url: Option<Url>,
    /// In how many shards each CA's revocation lists are published, for certificates from now on.
    pub crl_shards: NonZeroU16,
    /// Only for a provider to whom a supervisory body has granted qualified status.
    pub qualified: Option<Qualified>,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            validity_hours: 24,
            published_url: None,
            crl_shards: AuthorityUrls::SHARDS,
            qualified: None,
        }
    }
}

/// What qualified certificates state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualified {
    /// Where the PKI disclosure statement stands.
    pub disclosure_statement: Url,
    /// Its language, ISO 639-1.
    #[serde(default = "default_language")]
    pub language: String,
}

fn default_language() -> String {
    "en".to_owned()
}

/// The One-Shot doors. Their API has no authentication of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneShot {
    /// Where the list is not empty each call must bring one of these in `X-API-Key` or as a
    /// bearer token. At least 16 characters each.
    pub api_keys: Vec<SecretString>,
    /// Where set, changing the settings takes this key and no other.
    pub admin_key: Option<SecretString>,
}

/// One-time codes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otp {
    /// How long a code may be used, in minutes.
    pub lifetime_minutes: u32,
    /// Wrong codes after which it is void.
    pub attempts: u32,
    /// Pause between two codes for one request, in seconds.
    pub cooldown_seconds: u32,
    /// The text; `{code}`, `{request}` and `{minutes}` are filled in.
    pub text: String,
    /// How texts are sent; without it no code can be asked for.
    pub sms_gateway: Option<delivery::SmsGateway>,
}

impl Default for Otp {
    fn default() -> Self {
        Self {
            lifetime_minutes: 10,
            attempts: 5,
            cooldown_seconds: 60,
            text: "{code} is your code to sign request {request}. It is valid for {minutes} \
                   minutes. Give it to nobody but the page on which you sign."
                .to_owned(),
            sms_gateway: None,
        }
    }
}

/// Mails to subscribers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// How long an undelivered mail is retried, in hours.
    pub retry_hours: u32,
    /// The mail server; without it links reach nobody.
    pub smtp: Option<delivery::SmtpServer>,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            retry_hours: 72,
            smtp: None,
        }
    }
}

/// Webhooks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Private or loopback targets that are allowed all the same: addresses, networks in CIDR
    /// form, or host names.
    pub allow: Vec<String>,
    /// How long an undelivered event is retried, in hours.
    pub retry_hours: u32,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            retry_hours: 24,
        }
    }
}

/// Upload limits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A JSON body, in MiB.
    pub json_mib: u64,
    /// A video, in MiB.
    pub video_mib: u64,
    /// A document, in MiB.
    pub document_mib: u64,
    /// Documents of one request.
    pub documents: usize,
    /// A paper of a registration, in MiB.
    pub attachment_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_mib: 48,
            video_mib: 512,
            document_mib: 64,
            documents: 10,
            attachment_mib: 15,
        }
    }
}

/// The log, on standard error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,delivery=debug`.
    pub level: String,
    /// `json` or `text`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Json,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

impl Config {
    /// Where certificates say that their revocation is published.
    pub fn published_url(&self) -> &Url {
        let own = self.certificates.published_url.as_ref();
        own.unwrap_or(&self.server.public_url)
    }

    /// What the authorities publish, and where.
    pub fn authority_urls(&self) -> AuthorityUrls {
        AuthorityUrls::at(self.published_url().as_str()).with_shards(self.certificates.crl_shards)
    }

    /// The defaults.
    pub fn for_organisation(organisation: Organisation) -> Self {
        Self {
            organisation,
            server: Server::default(),
            storage: Storage::default(),
            certificates: Certificates::default(),
            signature: Signature::default(),
            tsa: None,
            hsm: None,
            one_shot: OneShot::default(),
            registration_authority: RegistrationAuthority::default(),
            otp: Otp::default(),
            mail: Mail::default(),
            webhooks: Webhooks::default(),
            limits: Limits::default(),
            log: Log::default(),
        }
    }

    /// Reads the file and the environment over it, and checks what can be checked.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let file = config::File::from(path).format(config::FileFormat::Toml);
        let environment = config::Environment::with_prefix("AVOUCH")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("one_shot.api_keys")
            .with_list_parse_key("registration_authority.forwarded_certificate.from")
            .with_list_parse_key("tsa.allowed")
            .with_list_parse_key("webhooks.allow");
        let mut config: Config = config::Config::builder()
            .add_source(file)
            .add_source(environment)
            .build()
            .and_then(config::Config::try_deserialize)
            .with_context(|| format!("configuration {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        config.anchor(base);
        config.check()?;
        Ok(config)
    }

    /// Makes relative paths start at `base`.
    pub fn anchor(&mut self, base: &Path) {
        use secrecy::ExposeSecret;
        let storage = &mut self.storage;
        for path in [&mut storage.blobs, &mut storage.keys] {
            *path = base.join(&*path);
        }
        if let Some(path) = storage.database.expose_secret().strip_prefix("sqlite:") {
            let path = base.join(path.trim_start_matches("//"));
            storage.database = SecretString::from(format!("sqlite:{}", path.display()));
        }
        let listeners = [&mut self.server.tls, &mut self.registration_authority.tls];
        for tls in listeners.into_iter().flatten() {
            tls.certificate = base.join(&tls.certificate);
            tls.key = base.join(&tls.key);
        }
        if let Some(hsm) = &mut self.hsm {
            hsm.anchor(base);
        }
        if let Some(tsa) = &mut self.tsa {
            tsa.anchor(base);
        }
        if let Some(trust) = self.mail.smtp.as_mut().and_then(|smtp| smtp.trust.as_mut()) {
            *trust = base.join(&*trust);
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        use secrecy::ExposeSecret;
        let keys = self
            .one_shot
            .api_keys
            .iter()
            .chain(&self.one_shot.admin_key);
        for key in keys {
            if key.expose_secret().len() < 16 {
                bail!("one_shot: an API key needs at least 16 characters");
            }
        }
        let range = |name: &str, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                bail!("{name} must be from {low} to {high}, not {value}")
            }
        };
        range(
            "certificates.validity_hours",
            self.certificates.validity_hours.into(),
            1,
            24 * 365,
        )?;
        range(
            "certificates.crl_shards",
            self.certificates.crl_shards.get().into(),
            1,
            service::MAX_CRL_SHARDS.into(),
        )?;
        range(
            "otp.lifetime_minutes",
            self.otp.lifetime_minutes.into(),
            1,
            24 * 60,
        )?;
        range("otp.attempts", self.otp.attempts.into(), 1, 100)?;
        range(
            "otp.cooldown_seconds",
            self.otp.cooldown_seconds.into(),
            0,
            24 * 3600,
        )?;
        range(
            "webhooks.retry_hours",
            self.webhooks.retry_hours.into(),
            1,
            24 * 30,
        )?;
        range("mail.retry_hours", self.mail.retry_hours.into(), 1, 24 * 30)?;
        range(
            "registration_authority.link_days",
            self.registration_authority.link_days.into(),
            1,
            365,
        )?;
        range("limits.json_mib", self.limits.json_mib, 1, 1024)?;
        range("limits.video_mib", self.limits.video_mib, 1, 64 * 1024)?;
        range("limits.document_mib", self.limits.document_mib, 1, 1024)?;
        range("limits.documents", self.limits.documents as u64, 1, 1000)?;
        range("limits.attachment_mib", self.limits.attachment_mib, 1, 1024)?;
        range(
            "server.max_connections",
            self.server.max_connections as u64,
            1,
            100_000,
        )?;
        self.signature.level()?;
        range(
            "signature.keys_ahead",
            self.signature.keys_ahead as u64,
            1,
            10_000,
        )?;
        if let Some(tsa) = &self.tsa {
            tsa.check()?;
        }
        match &self.hsm {
            Some(hsm) => hsm.check()?,
            None if self.signature.one_time_keys == OneTimeKeys::Pkcs11 => {
                bail!("signature.one_time_keys = \"pkcs11\" needs the section hsm")
            }
            None => {}
        }
        let database = self.storage.database.expose_secret();
        let schemes = ["sqlite:", "postgres://", "postgresql://"];
        if !schemes.iter().any(|scheme| database.starts_with(scheme)) {
            bail!("storage.database must begin with sqlite: or postgres://");
        }
        if !self.otp.text.contains("{code}") {
            bail!("otp.text must contain {{code}}");
        }
        self.registration_authority.check()
    }
}
