//! The loop that leases, sends and reports.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crypto::MasterKey;
use model::{Clock, Entropy};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use store::{Channel, Leased, OutboxMessage, Store, StoreError, outbox};
use time::OffsetDateTime;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use url::Url;

use crate::failure::Failure;
use crate::file_outbox::{self, FileOutbox};
use crate::guard::{AllowList, GuardedResolver};
use crate::retry::RetrySchedule;
use crate::sms::{Gateway, SmsGateway, TextMessage, origin, sms_context};
use crate::template::TemplateError;
use crate::webhook;

/// Between the end of an attempt and the end of its lease, for the report.
const FOR_THE_REPORT: Duration = Duration::from_secs(10);
/// Attempts at the same time.
const SIDE_BY_SIDE: usize = 64;
/// How often to look although nobody called: for what another process queued or left behind.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Where messages go, and when again.
#[derive(Debug, Clone)]
pub struct Config {
    /// The way of text messages.
    pub sms: SmsRoute,
    /// Webhook targets that are permitted although they are not public.
    pub allow: AllowList,
    /// Pauses after failures.
    pub retry: RetrySchedule,
    /// One attempt takes no longer than this, connecting included.
    pub attempt: Duration,
}

impl Default for Config {
    /// No text messages, public targets only, ten seconds an attempt.
    fn default() -> Self {
        Self {
            sms: SmsRoute::default(),
            allow: AllowList::default(),
            retry: RetrySchedule::default(),
            attempt: Duration::from_secs(10),
        }
    }
}

/// The way of text messages.
#[derive(Debug, Clone, Default)]
pub enum SmsRoute {
    /// None: text messages wait until they expire.
    #[default]
    Nowhere,
    /// Through an HTTP gateway.
    Gateway(SmsGateway),
    /// Into a file, in the sandbox.
    File(FileOutbox),
}

/// The configuration cannot work: the operator's mistake.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text message gateway's templates.
    #[error(transparent)]
    Sms(#[from] TemplateError),
}

/// Sends what is due. Clones share everything.
#[derive(Clone)]
pub struct Dispatcher {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    master: MasterKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    wake: Arc<Notify>,
    sms: Sms,
    allow: Arc<AllowList>,
    retry: RetrySchedule,
    attempt: Duration,
    // Made at the first use: reading the system's root certificates costs time and memory that a
    // server without webhooks need not spend.
    guarded: OnceCell<Client>,
    plain: OnceCell<Client>,
}

enum Sms {
    Nowhere,
    Gateway(Gateway),
    File(FileOutbox),
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Prepares a dispatcher. `wake` is notified after each commit that queued a message.
    pub fn new(
        config: Config,
        store: Store,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        wake: Arc<Notify>,
    ) -> Result<Self, ConfigError> {
        let sms = match config.sms {
            SmsRoute::Nowhere => Sms::Nowhere,
            SmsRoute::Gateway(gateway) => Sms::Gateway(Gateway::new(&gateway)?),
            SmsRoute::File(file) => Sms::File(file),
        };
        let inner = Inner {
            store,
            master,
            clock,
            entropy,
            wake,
            sms,
            allow: Arc::new(config.allow),
            retry: config.retry,
            attempt: config.attempt,
            guarded: OnceCell::new(),
            plain: OnceCell::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Sends until told to stop, then waits for the attempts under way.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut attempts = JoinSet::new();
        loop {
            let pause = match self.start_due(&mut attempts).await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(%error, "the outbox cannot be read");
                    LOOK_AGAIN
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.inner.wake.notified() => {}
                Some(_) = attempts.join_next(), if !attempts.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Starts an attempt for everything that is due and says how long nothing else will be.
    async fn start_due(&self, attempts: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        while let Some(Ok(())) = attempts.try_join_next() {}
        let now = self.inner.clock.now();
        let due = {
            let mut reader = self.inner.store.read().await?;
            outbox::next_due_at(&mut reader).await?
        };
        // Only a read so far: looking must not keep writers waiting.
        let Some(due) = due else {
            return Ok(LOOK_AGAIN);
        };
        if due > now {
            let pause = Duration::try_from(due - now).unwrap_or(LOOK_AGAIN);
            return Ok(pause.min(LOOK_AGAIN));
        }
        let room = SIDE_BY_SIDE.saturating_sub(attempts.len());
        if room == 0 {
            return Ok(LOOK_AGAIN);
        }
        let mut tx = self.inner.store.begin().await?;
        let channels = [Channel::Webhook, Channel::Sms];
        let lease = self.inner.attempt + FOR_THE_REPORT;
        let lease = time::Duration::try_from(lease).unwrap_or(time::Duration::HOUR);
        let leased = outbox::lease(&mut tx, &channels, now, lease, room as i64).await?;
        tx.commit().await?;
        // Due, yet not leased: another process has it.
        let pause = if leased.is_empty() {
            LOOK_AGAIN
        } else {
            Duration::ZERO
        };
        for row in leased {
            let this = self.clone();
            attempts.spawn(async move { this.attempt(row).await });
        }
        Ok(pause)
    }

    /// One attempt and the report on it. No transaction is open while it sends.
    async fn attempt(&self, row: Leased) {
        let outcome = self.send(&row).await;
        let now = self.inner.clock.now();
        let pause = self.inner.retry.pause(row.attempts, &*self.inner.entropy);
        let verdict = match outcome {
            Ok(()) => Verdict::Delivered,
            Err(failure) if failure.is_final() || now + pause >= row.message.expires_at => {
                Verdict::GivenUp(failure.to_string())
            }
            Err(failure) => Verdict::Again(now + pause, failure.to_string()),
        };
        let receiver = self.shown_target(&row);
        let (request, event, attempt) = (row.message.request, &row.message.label, row.attempts + 1);
        match &verdict {
            Verdict::Delivered => info!(%request, event, attempt, receiver, "delivered"),
            Verdict::Again(_, why) => {
                info!(%request, event, attempt, receiver, why, "will be tried again");
            }
            Verdict::GivenUp(why) => warn!(%request, event, attempt, receiver, why, "given up"),
        }
        // A report that is lost costs a repetition when the lease ends, no more.
        match self.report(&row, &verdict).await {
            Ok(true) => {}
            Ok(false) => debug!(%request, event, attempt, "the lease had passed to another"),
            Err(error) => warn!(%request, event, attempt, %error, "the outcome is not recorded"),
        }
    }

    async fn report(&self, row: &Leased, verdict: &Verdict) -> Result<bool, StoreError> {
        let mut tx = self.inner.store.begin().await?;
        let (number, attempts) = (row.number, row.attempts);
        let ours = match verdict {
            Verdict::Delivered => outbox::delivered(&mut tx, number, attempts).await?,
            Verdict::Again(at, why) => outbox::failed(&mut tx, number, attempts, *at, why).await?,
            Verdict::GivenUp(why) => outbox::dead(&mut tx, number, attempts, why).await?,
        };
        tx.commit().await?;
        Ok(ours)
    }

    async fn send(&self, row: &Leased) -> Result<(), Failure> {
        let inner = &self.inner;
        let message = &row.message;
        match (message.channel, &inner.sms) {
            (Channel::Webhook, _) => {
                let client = inner.guarded_client().await?;
                let now = inner.clock.now();
                webhook::send(client, &inner.allow, &inner.master, message, now).await
            }
            // A code that has expired would only puzzle its receiver.
            (Channel::Sms, _) if message.expires_at <= inner.clock.now() => Err(Failure::Expired),
            (Channel::Sms, Sms::Nowhere) => Err(Failure::NoSender),
            (Channel::Sms, Sms::Gateway(gateway)) => {
                let text = inner.open(message)?;
                gateway
                    .send(inner.plain_client().await?, &message.id, &text)
                    .await
            }
            (Channel::Sms, Sms::File(file)) => {
                let file = file.clone();
                let text = inner.open(message)?;
                let line = file_outbox::line(&text, message.request, message.created_at);
                match tokio::task::spawn_blocking(move || file.append(&line?)).await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(Failure::File(error.kind())),
                    Err(_) => Err(Failure::File(std::io::ErrorKind::Other)),
                }
            }
        }
    }

    fn shown_target(&self, row: &Leased) -> String {
        match (row.message.channel, &self.inner.sms) {
            (Channel::Webhook, _) => {
                Url::parse(&row.message.target).map_or_else(|_| String::new(), |url| origin(&url))
            }
            (Channel::Sms, Sms::Gateway(gateway)) => gateway.origin(),
            (Channel::Sms, Sms::File(_)) => "file".to_owned(),
            (Channel::Sms, Sms::Nowhere) => String::new(),
        }
    }
}

impl Inner {
    async fn guarded_client(&self) -> Result<&Client, Failure> {
        let guard = GuardedResolver(Arc::clone(&self.allow));
        let make = || async { self.client().dns_resolver(guard).build() };
        self.guarded
            .get_or_try_init(make)
            .await
            .map_err(|_| Failure::Client)
    }

    async fn plain_client(&self) -> Result<&Client, Failure> {
        let make = || async { self.client().build() };
        self.plain
            .get_or_try_init(make)
            .await
            .map_err(|_| Failure::Client)
    }

    /// Redirects would lead around the guard, and so would a proxy from the environment.
    fn client(&self) -> ClientBuilder {
        Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(self.attempt)
            .user_agent(concat!("Avouch/", env!("CARGO_PKG_VERSION")))
    }

    fn open(&self, message: &OutboxMessage) -> Result<TextMessage, Failure> {
        let opened = self
            .master
            .open(&sms_context(&message.id), &message.payload)
            .map_err(|_| Failure::Unreadable)?;
        serde_json::from_slice(&opened).map_err(|_| Failure::Unreadable)
    }
}

enum Verdict {
    Delivered,
    Again(OffsetDateTime, String),
    GivenUp(String),
}
