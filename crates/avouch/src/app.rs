//! Wiring: from a configuration and keys to a service, its doors and its dispatcher.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use blob::BlobStore;
use console::ConsoleConfig;
use crypto::SystemEntropy;
use delivery::{AllowList, Dispatcher, FileOutbox, MailRoute, SmsRoute};
use futures::future::join_all;
use http_doors::{DoorConfig, Keys as DoorKeys, Product, RegistrationDoorConfig};
use model::otp::OtpPolicy;
use model::{Clock, Entropy, RaId};
use pki::profile::natural_person::{Disclosure, Qualification};
use secrecy::ExposeSecret;
use service::{CodeDelivery, Limits, OneTimeKeys, Parts, Policy, Service, TrustAnchors};
use store::Store;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::ca::duty::Duty;
use crate::config::{Config, Tsa};
use crate::installation::Keys;
use crate::server::Server;
use crate::system::SystemClock;
use crate::{log, renew};

/// What `GET /version` and the OpenAPI document call the program.
pub const PRODUCT: Product = Product {
    name: "avouch",
    version: env!("CARGO_PKG_VERSION"),
};

/// How often blobs without a row are looked for, and how old they must be.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 3600);
const SWEEP_AGE: time::Duration = time::Duration::days(1);

/// Everything that runs, but for the listeners.
pub struct App {
    /// The use cases.
    pub service: Service,
    store: Store,
    dispatcher: Dispatcher,
    duty: Duty,
    renew_before_days: u32,
}

/// How texts and mails leave.
pub enum Messages {
    /// As the configuration says.
    AsConfigured,
    /// Into files, in the sandbox.
    Into {
        /// The texts.
        texts: PathBuf,
        /// The mails.
        mails: PathBuf,
    },
}

impl Messages {
    fn routes(self, config: &Config) -> anyhow::Result<(SmsRoute, MailRoute)> {
        let file = |path: &PathBuf| {
            FileOutbox::open(path).with_context(|| format!("cannot open {}", path.display()))
        };
        Ok(match self {
            Messages::Into { texts, mails } => (
                SmsRoute::File(file(&texts)?),
                MailRoute::File(file(&mails)?),
            ),
            Messages::AsConfigured => (
                config
                    .otp
                    .sms_gateway
                    .clone()
                    .map_or(SmsRoute::Nowhere, SmsRoute::Gateway),
                config
                    .mail
                    .smtp
                    .clone()
                    .map_or(MailRoute::Nowhere, MailRoute::Smtp),
            ),
        })
    }
}

impl App {
    /// Opens the stores and puts everything together. Nothing runs yet.
    pub async fn open(config: &Config, keys: Keys, messages: Messages) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let outbox = Arc::new(Notify::new());
        let Keys {
            master,
            home,
            authorities,
            root_list,
        } = keys;

        let store = Store::open(config.storage.database.expose_secret())
            .await
            .context("storage.database")?;
        let blobs = BlobStore::local(&config.storage.blobs)
            .await
            .with_context(|| format!("storage.blobs {}", config.storage.blobs.display()))?;
        let urls = config.authority_urls();
        let anchors = TrustAnchors::new(authorities, &urls).context("storage.keys")?;

        let (sms, mail) = messages.routes(config)?;
        let code_delivery = match sms {
            SmsRoute::Nowhere => CodeDelivery::None,
            _ => CodeDelivery::Sms {
                text: config.otp.text.clone(),
            },
        };
        let delivery = delivery::Config {
            sms,
            mail,
            allow: AllowList::new(&config.webhooks.allow).context("webhooks.allow")?,
            ..delivery::Config::default()
        };
        let dispatcher = Dispatcher::new(
            delivery,
            store.clone(),
            master.clone(),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            Arc::clone(&outbox),
        )
        .context("otp.sms_gateway or mail.smtp")?;
        let stamping = config.tsa.as_ref().map(Tsa::open).transpose()?;
        let parts = Parts {
            store: store.clone(),
            blobs,
            master,
            anchors,
            one_time_keys: OneTimeKeys::new(
                config.signature.algorithm(),
                config.signature.key_place(),
                home.vault().cloned(),
            )?,
            renderer: contract::Renderer::new(),
            clock,
            entropy,
            policy: policy(config, code_delivery),
            outbox,
        };
        let service = Service::with_time_stamping(parts, stamping.unwrap_or_default());
        service.publish_root_list(root_list.as_deref())?;
        service.record_authorities().await?;
        let duty = Duty::new(config, home.clone(), service.clone())?;
        Ok(Self {
            service,
            store,
            dispatcher,
            duty,
            renew_before_days: config.signature.renew_before_days,
        })
    }

    /// The main listener's doors: machines' and people's.
    pub fn router(&self, config: &Config) -> Router {
        let mut doors = DoorConfig::new(base_url(config), PRODUCT, Arc::new(SystemEntropy));
        let digest = |key: &secrecy::SecretString| crypto::sha256(key.expose_secret().as_bytes());
        doors.keys = DoorKeys::new(
            crypto::sha256,
            config.one_shot.api_keys.iter().map(digest).collect(),
            config.one_shot.admin_key.as_ref().map(digest),
        );
        let pages = ConsoleConfig {
            public_url: base_url(config),
            organisation: config.organisation.name.clone(),
            entropy: Arc::new(SystemEntropy),
            secure_cookies: config.server.public_url.scheme() == "https",
        };
        let pages = console::router(self.service.clone(), pages);
        http_doors::router(self.service.clone(), doors, pages)
    }

    /// The Registration Authority API, reached under `base_url`.
    pub fn registration_router(&self, config: &Config, base_url: String) -> anyhow::Result<Router> {
        let api = &config.registration_authority;
        let door = RegistrationDoorConfig {
            forwarded: api.forwarded()?,
            enrolment_by_api: api.enrolment_by_api,
            strict_http: api.strict_http,
            ..RegistrationDoorConfig::new(base_url, PRODUCT, Arc::new(SystemEntropy))
        };
        Ok(http_doors::registration_router(self.service.clone(), door))
    }

    /// How many scratchcards of an authority no request has used up.
    pub async fn free_scratchcards(&self, ra: RaId) -> anyhow::Result<i64> {
        let mut reader = self.store.read().await?;
        Ok(store::scratchcards::count_unused(&mut reader, ra).await?)
    }

    /// Closes the stores of an app that was never run.
    pub async fn close(self) {
        self.store.close().await;
    }

    /// Serves, sends, works off jobs, looks after the authorities and sweeps until `stop`; then lets everything under way finish.
    pub async fn run(self, doors: Vec<(Server, Router)>, stop: CancellationToken) {
        let sending = tokio::spawn(self.dispatcher.run(stop.clone()));
        let working = tokio::spawn(self.service.clone().run_jobs(stop.clone()));
        let watching = tokio::spawn(self.duty.run(stop.clone()));
        let meeting = tokio::spawn(meet_time_stampers(self.service.clone()));
        let renewing = renew::keep(self.service.clone(), self.renew_before_days, stop.clone());
        let renewing = tokio::spawn(renewing);
        let logging = tokio::spawn(log::keep(self.service.clone(), stop.clone()));
        let sweeping = tokio::spawn(sweep(self.service, stop.clone()));
        let serving = doors
            .into_iter()
            .map(|(server, router)| server.run(router, stop.clone()));
        join_all(serving).await;
        let _ = sending.await;
        let _ = working.await;
        let _ = watching.await;
        meeting.abort();
        let _ = renewing.await;
        let _ = logging.await;
        let _ = sweeping.await;
        self.store.close().await;
    }
}

/// SIGINT and SIGTERM, which end the program in an orderly way from here on. Made before the
/// program says that it is ready: whoever reads that may stop it at once.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Begins to listen.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Resolves at the first of them.
    pub async fn first(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Says at the start how others' time-stamp authorities are doing.
async fn meet_time_stampers(service: Service) {
    match service.meet_time_stampers().await {
        Ok(standings) => {
            for one in standings.iter().filter(|one| one.failing.is_none()) {
                let longest = one.longest_token.unwrap_or_default();
                tracing::info!(url = %one.url, longest, "a time-stamp authority answers");
            }
        }
        Err(error) => tracing::warn!(%error, "meeting time-stamp authorities failed"),
    }
}

async fn sweep(service: Service, stop: CancellationToken) {
    loop {
        match service.sweep(SWEEP_AGE).await {
            Ok(swept) if swept.removed > 0 => {
                tracing::info!(seen = swept.seen, removed = swept.removed, "swept blobs");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "sweeping blobs failed"),
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Where people and machines reach the main listener, without a trailing slash.
fn base_url(config: &Config) -> String {
    let url = config.server.public_url.as_str();
    url.trim_end_matches('/').to_owned()
}

fn policy(config: &Config, code_delivery: CodeDelivery) -> Policy {
    let mib = |count: u64| count << 20;
    Policy {
        provider: config.organisation.name.clone(),
        applicable_law: config.organisation.applicable_law.clone(),
        limits: Limits {
            json_bytes: mib(config.limits.json_mib),
            video_bytes: mib(config.limits.video_mib),
            document_bytes: mib(config.limits.document_mib),
            documents: config.limits.documents,
            attachment_bytes: mib(config.limits.attachment_mib),
        },
        otp: OtpPolicy {
            lifetime: time::Duration::minutes(config.otp.lifetime_minutes.into()),
            attempts: config.otp.attempts.into(),
            cooldown: time::Duration::seconds(config.otp.cooldown_seconds.into()),
            ..OtpPolicy::default()
        },
        code_delivery,
        webhook_lifetime: time::Duration::hours(config.webhooks.retry_hours.into()),
        mail_lifetime: time::Duration::hours(config.mail.retry_hours.into()),
        link_lifetime: time::Duration::days(config.registration_authority.link_days.into()),
        public_url: base_url(config),
        certificate_validity: time::Duration::hours(config.certificates.validity_hours.into()),
        // A level that has no name was refused when the configuration was read.
        signature_level: config.signature.level().unwrap_or_default(),
        posture: config.signature.posture,
        qualification: qualification(config),
    }
}

fn qualification(config: &Config) -> Qualification {
    match &config.certificates.qualified {
        None => Qualification::None,
        Some(qualified) => Qualification::Qualified {
            qscd: false,
            disclosures: vec![Disclosure {
                url: qualified.disclosure_statement.to_string(),
                language: qualified.language.clone(),
            }],
        },
    }
}
