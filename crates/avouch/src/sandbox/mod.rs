//! `avouch sandbox`.

mod description;
mod registration;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, ensure};
use axum::Router;
use crypto::SystemEntropy;
use delivery::WebhookSecret;
use model::event::WebhookFormat;
use pki::AuthorityNames;
use secrecy::SecretString;
use service::{NewAuthority, NewToken, Service};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::{App, Messages, StopSignals};
use crate::cli;
use crate::config::{Config, Log, LogFormat, Organisation};
use crate::init::{Person, create_officer, digits};
use crate::installation::{Keys, RootHome, make_private_folder};
use crate::key_home::KeyHome;
use crate::listeners::main_server;
use crate::logging;
use crate::server::Server;
use crate::system::SystemClock;

use description::{BillingDescription, OneShotDescription, RaoDescription};
pub use description::{Description, RegistrationDescription};

/// A sandbox that is ready to serve.
pub struct Sandbox {
    /// What `sandbox.json` tells.
    pub description: Description,
    app: App,
    doors: Vec<(Server, Router)>,
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
        let listens = [Some(options.listen), options.registration_listen];
        ensure!(
            listens.iter().flatten().all(|one| one.ip().is_loopback()),
            "a sandbox listens on loopback only"
        );
        make_private_folder(&options.dir)?;
        let dir = std::path::absolute(&options.dir)?;
        let known = Description::read(&dir)?;
        let known_database = || known.as_ref()?.database.clone();
        let database = options.database.clone().or_else(known_database);
        let mut config = configuration(&dir, database.as_deref());
        config.server.listen = options.listen;
        if let Some(mib) = options.max_video_mib {
            config.limits.video_mib = mib;
        }
        config.signature.key_algorithm = options.key_algorithm;
        let server = main_server(&config).await?;
        let address = server.address()?;
        config.server.public_url = address_url(address)?;

        let keys = open_keys(&config)?;
        let root = keys.authorities.root.clone();
        let secret = options
            .webhook_secret
            .as_deref()
            .map(WebhookSecret::parse)
            .transpose()?;
        let secret = secret.map(|secret| secret.seal(&keys.master, &SystemEntropy));
        let messages = Messages::Into {
            texts: dir.join("sms.jsonl"),
            mails: dir.join("mail.jsonl"),
        };
        let app = App::open(&config, keys, messages).await?;

        let known_api = known
            .as_ref()
            .and_then(|known| known.registration_authority_api.clone());
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

        let api = registration::Furnishing {
            dir: &dir,
            config: &config,
            app: &app,
            root: &root,
            ra: model::RaId(authority),
        };
        let (api_door, api) = api
            .open(options.registration_listen, known_api.as_ref(), &rao)
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
            registration_authority_api: Some(api),
            database,
            base_url,
        };
        description.write(&dir)?;
        Ok(Self {
            description,
            doors: vec![(server, app.router(&config)), api_door],
            app,
        })
    }

    /// Serves until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        self.app.run(self.doors, stop).await;
    }
}

/// The configuration of a sandbox that was started before, for commands that work on it.
pub fn configuration_of(dir: &Path) -> anyhow::Result<Config> {
    let dir = std::path::absolute(dir)?;
    let description = Description::read(&dir)?
        .with_context(|| format!("there is no sandbox in {}", dir.display()))?;
    let mut config = configuration(&dir, description.database.as_deref());
    config.server.public_url = Url::parse(&description.base_url)?;
    Ok(config)
}

/// How every sandbox in `dir` is configured, with another database than its own if one is named.
fn configuration(dir: &Path, database: Option<&str>) -> Config {
    let mut config = Config::for_organisation(Organisation::named("Avouch Sandbox"));
    config.webhooks.allow = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
    config.registration_authority.enrolment_by_api = true;
    if let Some(database) = database {
        config.storage.database = SecretString::from(database);
    }
    config.anchor(dir);
    config
}

fn open_keys(config: &Config) -> anyhow::Result<Keys> {
    if config.storage.keys.exists() {
        return Keys::load(&config.storage.keys, KeyHome::open(config)?);
    }
    let names = AuthorityNames {
        country: "ES".to_owned(),
        organisation: config.organisation.name.clone(),
        organisation_identifier: None,
        prefix: config.organisation.name.clone(),
    };
    let urls = config.authority_urls();
    let (keys, _) = Keys::create(
        &config.storage.keys,
        &names,
        &urls,
        RootHome::Online,
        KeyHome::open(config)?,
        &SystemClock,
        &SystemEntropy,
    )?;
    Ok(keys)
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
    let officer = create_officer(service, authority, digits(8), person, false).await?;
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

fn address_url(address: SocketAddr) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://{address}"))?)
}
