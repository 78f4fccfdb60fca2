//! `avouch sandbox`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use crypto::SystemEntropy;
use delivery::{FileOutbox, WebhookSecret};
use model::event::WebhookFormat;
use pki::AuthorityNames;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service::{NewAuthority, NewToken, Service};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::{App, StopSignals, Texts};
use crate::cli;
use crate::config::{Config, Log, LogFormat, Organisation};
use crate::init::{Person, create_officer, digits};
use crate::installation::{Keys, make_private_folder, published_at, write_private};
use crate::logging;
use crate::server::Server;
use crate::system::SystemClock;

/// What `sandbox.json` tells.
#[derive(Clone, Serialize, Deserialize)]
pub struct Description {
    /// Base URL of everything.
    pub base_url: String,
    /// The One-Shot doors.
    pub one_shot: OneShotDescription,
    /// The registration authority's number.
    pub registration_authority: i64,
    /// A certificate profile that works.
    pub profile: String,
    /// The officer.
    pub rao: RaoDescription,
    /// A billing account, as clients want to send one.
    pub billing: BillingDescription,
    /// File with the text messages.
    pub sms_outbox: PathBuf,
    /// File with the mails.
    pub mail_outbox: PathBuf,
    /// PEM file with the root's certificate.
    pub root_certificate: PathBuf,
    /// PEM file with the issuing CA's certificate.
    pub issuing_certificate: PathBuf,
    /// Where the TSA answers.
    pub tsa_url: String,
    /// Where the OCSP responder answers.
    pub ocsp_url: String,
}

/// The One-Shot doors.
#[derive(Clone, Serialize, Deserialize)]
pub struct OneShotDescription {
    /// Base of the new dialect.
    pub base: String,
    /// Base of the legacy dialect.
    pub legacy_base: String,
}

/// The sandbox's officer.
#[derive(Clone, Serialize, Deserialize)]
pub struct RaoDescription {
    /// Number.
    pub id: i64,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// PIN.
    pub pin: String,
    /// Token that stands for all of them.
    pub token: String,
}

/// The sandbox's billing account.
#[derive(Clone, Serialize, Deserialize)]
pub struct BillingDescription {
    /// User name.
    pub username: String,
    /// Password, in base64 as it is sent.
    pub password: String,
}

/// A sandbox that is ready to serve.
pub struct Sandbox {
    /// What `sandbox.json` tells.
    pub description: Description,
    config: Config,
    app: App,
    server: Server,
}

/// Runs a sandbox until it is told to stop.
pub async fn run(options: cli::Sandbox) -> anyhow::Result<()> {
    logging::start(&Log {
        level: "info".to_owned(),
        format: LogFormat::Text,
    })?;
    let sandbox = Sandbox::open(&options).await?;
    let base_url = sandbox.description.base_url.clone();
    let stop = CancellationToken::new();
    let signals = StopSignals::listen()?;
    let running = tokio::spawn(sandbox.serve(stop.clone()));
    println!("ready {base_url}");
    signals.first().await;
    stop.cancel();
    running.await?;
    Ok(())
}

impl Sandbox {
    /// Makes or reopens a sandbox and writes `sandbox.json`.
    pub async fn open(options: &cli::Sandbox) -> anyhow::Result<Self> {
        ensure!(
            options.listen.ip().is_loopback(),
            "a sandbox listens on loopback only"
        );
        make_private_folder(&options.dir)?;
        let dir = std::path::absolute(&options.dir)?;
        let mut config = configuration(&dir, options);
        let server = Server::bind(&config.server).await?;
        let address = server.address()?;
        config.server.public_url = address_url(address)?;

        let keys = open_keys(&config)?;
        let secret = options
            .webhook_secret
            .as_deref()
            .map(WebhookSecret::parse)
            .transpose()?;
        let secret = secret.map(|secret| secret.seal(&keys.master, &SystemEntropy));
        let app = App::open(&config, keys, Texts::Into(dir.join("sms.jsonl"))).await?;
        FileOutbox::open(&dir.join("mail.jsonl"))?;

        let path = dir.join("sandbox.json");
        let known = known(&path)?;
        let (authority, rao, billing) = match known {
            Some(known) => (known.registration_authority, known.rao, known.billing),
            None => furnish(&app.service).await?,
        };
        let format = match options.webhook_format.as_str() {
            "status" => WebhookFormat::Status,
            _ => WebhookFormat::Event,
        };
        let url = options.webhook_url.as_ref().map(Url::to_string);
        app.service
            .direct_webhooks(model::RaId(authority), url, format, secret)
            .await?;

        let base_url = config
            .server
            .public_url
            .as_str()
            .trim_end_matches('/')
            .to_owned();
        let description = Description {
            one_shot: OneShotDescription {
                base: format!("{base_url}/oneshot/api/v1"),
                legacy_base: format!("{base_url}/api/v1"),
            },
            registration_authority: authority,
            profile: "PFnubeNC".to_owned(),
            rao,
            billing,
            sms_outbox: dir.join("sms.jsonl"),
            mail_outbox: dir.join("mail.jsonl"),
            root_certificate: dir.join("keys/root.crt"),
            issuing_certificate: dir.join("keys/issuing.crt"),
            tsa_url: format!("{base_url}/tsa"),
            ocsp_url: format!("{base_url}/ocsp"),
            base_url,
        };
        let mut json = serde_json::to_vec_pretty(&description)?;
        json.push(b'\n');
        write_private(&path, &json)?;
        Ok(Self {
            description,
            config,
            app,
            server,
        })
    }

    /// Serves until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let router = self.app.router(&self.config);
        self.app.run(self.server, router, stop).await;
    }
}

fn configuration(dir: &Path, options: &cli::Sandbox) -> Config {
    let mut config = Config::for_organisation(Organisation::named("Avouch Sandbox"));
    config.server.listen = options.listen;
    if let Some(database) = &options.database {
        config.storage.database = SecretString::from(database.clone());
    }
    config.webhooks.allow = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
    config.anchor(dir);
    if let Some(mib) = options.max_video_mib {
        config.limits.video_mib = mib;
    }
    config
}

fn open_keys(config: &Config) -> anyhow::Result<Keys> {
    if config.storage.keys.exists() {
        return Keys::load(&config.storage.keys);
    }
    let names = AuthorityNames {
        country: "ES".to_owned(),
        organisation: config.organisation.name.clone(),
        organisation_identifier: None,
        prefix: config.organisation.name.clone(),
    };
    let urls = published_at(&config.server.public_url);
    Keys::create(
        &config.storage.keys,
        &names,
        &urls,
        &SystemClock,
        &SystemEntropy,
    )
}

/// The registration authority, officer, token and billing account of a new sandbox.
async fn furnish(service: &Service) -> anyhow::Result<(i64, RaoDescription, BillingDescription)> {
    use base64::Engine;
    let authority = service
        .create_authority(NewAuthority {
            name: "Sandbox Registration Authority".to_owned(),
            webhook_url: None,
            webhook_format: WebhookFormat::default(),
            webhook_secret: None,
            external_unlock: vec!["biometric".to_owned()],
        })
        .await?;
    let person = Person {
        given_name: "Olivia".to_owned(),
        surname: "Sandbox".to_owned(),
        identity: format!("PI:ES-{}", digits(10)),
        country: "ES".to_owned(),
    };
    let officer = create_officer(service, authority, digits(8), person).await?;
    let token = service
        .create_standing_token(NewToken {
            username: Some(officer.username.clone()),
            password: Some(SecretString::from(officer.password.clone())),
            pin: Some(SecretString::from(officer.pin.clone())),
            env: Some("sandbox".to_owned()),
        })
        .await?;
    let mut general = serde_json::Map::new();
    general.insert(
        "general".to_owned(),
        serde_json::json!({ "environment": "sandbox" }),
    );
    service.update_settings(&general).await?;

    let rao = RaoDescription {
        id: officer.id,
        username: officer.username,
        password: officer.password,
        pin: officer.pin,
        token: token.to_string(),
    };
    let billing = BillingDescription {
        username: format!("billing-{}", digits(6)),
        password: base64::engine::general_purpose::STANDARD.encode(digits(12)),
    };
    Ok((authority.0, rao, billing))
}

/// What an earlier start wrote. A sandbox whose first start was cut short is furnished anew.
fn known(path: &Path) -> anyhow::Result<Option<Description>> {
    match std::fs::read(path) {
        Ok(json) => serde_json::from_slice(&json)
            .map(Some)
            .with_context(|| format!("{} is no sandbox's description", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn address_url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}"))?)
}
