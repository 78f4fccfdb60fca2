//! The loop that leases, sends and reports.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crypto::MasterKey;
use model::{Clock, Entropy};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use serde::de::DeserializeOwned;
use store::{Channel, Leased, OutboxMessage, Store, StoreError, outbox};
use time::OffsetDateTime;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use url::Url;

use crate::config::{Config, ConfigError, MailRoute, SmsRoute};
use crate::failure::Failure;
use crate::file_outbox::{FileOutbox, Line};
use crate::guard::{AllowList, GuardedResolver};
use crate::mail::{MailMessage, mail_context};
use crate::retry::RetrySchedule;
use crate::sms::{Gateway, TextMessage, origin, sms_context};
use crate::smtp::Mailer;
use crate::webhook;

/// Between the end of an attempt and the end of its lease, for the report.
const FOR_THE_REPORT: Duration = Duration::from_secs(10);
/// Attempts at the same time.
const SIDE_BY_SIDE: usize = 64;
/// How often to look although nobody called: for what another process queued or left behind.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
    mail: Mail,
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

enum Mail {
    Nowhere,
    Smtp(Box<Mailer>),
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
        let mail = match config.mail {
            MailRoute::Nowhere => Mail::Nowhere,
            MailRoute::Smtp(server) => Mail::Smtp(Box::new(Mailer::new(&server)?)),
            MailRoute::File(file) => Mail::File(file),
        };
        let inner = Inner {
            store,
            master,
            clock,
            entropy,
            wake,
            sms,
            mail,
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
        let channels = [Channel::Webhook, Channel::Sms, Channel::Mail];
        let lease = self.inner.longest_attempt() + FOR_THE_REPORT;
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
        let message = &row.message;
        // A code or a link that has expired would only puzzle its receiver.
        let late = message.expires_at <= self.inner.clock.now();
        match message.channel {
            Channel::Webhook => self.inner.send_webhook(message).await,
            Channel::Sms | Channel::Mail if late => Err(Failure::Expired),
            Channel::Sms => self.inner.send_text(message).await,
            Channel::Mail => self.inner.send_mail(message).await,
        }
    }

    fn shown_target(&self, row: &Leased) -> String {
        match row.message.channel {
            Channel::Webhook => {
                Url::parse(&row.message.target).map_or_else(|_| String::new(), |url| origin(&url))
            }
            Channel::Sms => match &self.inner.sms {
                Sms::Nowhere => String::new(),
                Sms::Gateway(gateway) => gateway.origin(),
                Sms::File(_) => "file".to_owned(),
            },
            Channel::Mail => match &self.inner.mail {
                Mail::Nowhere => String::new(),
                Mail::Smtp(mailer) => mailer.origin(),
                Mail::File(_) => "file".to_owned(),
            },
        }
    }
}

impl Inner {
    async fn send_webhook(&self, message: &OutboxMessage) -> Result<(), Failure> {
        let client = self.guarded_client().await?;
        let now = self.clock.now();
        webhook::send(client, &self.allow, &self.master, message, now).await
    }

    async fn send_text(&self, message: &OutboxMessage) -> Result<(), Failure> {
        let open = || self.open::<TextMessage>(&sms_context(&message.id), &message.payload);
        match &self.sms {
            Sms::Nowhere => Err(Failure::NoSender),
            Sms::Gateway(gateway) => {
                let text = open()?;
                gateway
                    .send(self.plain_client().await?, &message.id, &text)
                    .await
            }
            Sms::File(file) => file.append(Line::of_text(&open()?, message)?).await,
        }
    }

    async fn send_mail(&self, message: &OutboxMessage) -> Result<(), Failure> {
        let open = || self.open::<MailMessage>(&mail_context(&message.id), &message.payload);
        match &self.mail {
            Mail::Nowhere => Err(Failure::NoSender),
            Mail::Smtp(mailer) => mailer.send(&message.id, &open()?, message.created_at).await,
            Mail::File(file) => file.append(Line::of_mail(&open()?, message)?).await,
        }
    }

    /// The longest that any channel's attempt takes.
    fn longest_attempt(&self) -> Duration {
        match &self.mail {
            Mail::Smtp(mailer) => self.attempt.max(mailer.longest_attempt()),
            Mail::Nowhere | Mail::File(_) => self.attempt,
        }
    }

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

    fn open<T: DeserializeOwned>(&self, context: &str, sealed: &[u8]) -> Result<T, Failure> {
        let opened = self
            .master
            .open(context, sealed)
            .map_err(|_| Failure::Unreadable)?;
        serde_json::from_slice(&opened).map_err(|_| Failure::Unreadable)
    }
}

enum Verdict {
    Delivered,
    Again(OffsetDateTime, String),
    GivenUp(String),
}
