//! A store with requests in it, and dispatchers over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crypto::MasterKey;
use delivery::{AllowList, Config, Dispatcher, RetrySchedule};
use model::authority::AuthoritySettings;
use model::{
    Clock, Entropy, Environment, RaId, RequestPk, SecureElement, Status, VideoIdPk, Workflow,
};
use store::outbox::Counts;
use store::{Channel, OutboxMessage, RegistrationAuthority, Request, Store, outbox};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct House {
    pub store: Store,
    pub master: MasterKey,
    pub clock: Arc<TestClock>,
    pub wake: Arc<Notify>,
    pub url: String,
    _folder: TempDir,
}

/// A running dispatcher.
pub struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops it and waits for the attempts under way.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

impl House {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("avouch.db").display().to_string();
        Self::at(url, folder).await
    }

    pub async fn at(url: String, folder: TempDir) -> Self {
        let store = Store::open(&url).await.unwrap();
        let clock = Arc::new(TestClock::new());
        let house = Self {
            store,
            master: MasterKey::generate(&Counting::default()),
            clock,
            wake: Arc::new(Notify::new()),
            url,
            _folder: folder,
        };
        let mut tx = house.store.begin().await.unwrap();
        let authority = RegistrationAuthority {
            id: RaId(1),
            parent: None,
            name: "House".to_owned(),
            particulars: "{}".to_owned(),
            settings: AuthoritySettings::default(),
            webhook_url: None,
            webhook_format: model::event::WebhookFormat::Event,
            webhook_secret: None,
            videoid_enabled: true,
            external_unlock: Vec::new(),
            created_at: house.clock.now(),
        };
        store::authorities::insert(&mut tx, &authority)
            .await
            .unwrap();
        for pk in 1..=9 {
            store::requests::insert(&mut tx, &house.request(pk))
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        house
    }

    /// Starts a dispatcher that may call the loopback interface and is quick to try again.
    pub fn start(&self) -> Running {
        self.start_with(Config {
            allow: AllowList::loopback(),
            ..quick()
        })
    }

    pub fn start_with(&self, config: Config) -> Running {
        start(self.store.clone(), self, config)
    }

    /// Queues a webhook and notifies, as the service does.
    pub async fn webhook(&self, request: i64, id: &str, target: &str) {
        let message = self.message(Channel::Webhook, request, id, target);
        self.queue(&OutboxMessage {
            payload: format!("{{\"id\":\"{id}\"}}").into(),
            ..message
        })
        .await;
    }

    pub async fn queue(&self, message: &OutboxMessage) {
        let mut tx = self.store.begin().await.unwrap();
        outbox::enqueue(&mut tx, message).await.unwrap();
        tx.commit().await.unwrap();
        self.wake.notify_one();
    }

    pub fn message(&self, channel: Channel, request: i64, id: &str, target: &str) -> OutboxMessage {
        let now = self.clock.now();
        OutboxMessage {
            id: id.to_owned(),
            channel,
            request: RequestPk(request),
            target: target.to_owned(),
            label: "REQUEST_CREATED".to_owned(),
            payload: Vec::new(),
            secret: None,
            created_at: now,
            expires_at: now + time::Duration::DAY,
        }
    }

    pub async fn counts(&self) -> (i64, i64) {
        let mut reader = self.store.read().await.unwrap();
        let Counts { pending, dead } = outbox::counts(&mut reader).await.unwrap();
        (pending, dead)
    }

    /// Looks until so many messages are pending and dead.
    pub async fn settles_at(&self, pending: i64, dead: i64) {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        for _ in 0..12_000 {
            looks.tick().await;
            if self.counts().await == (pending, dead) {
                return;
            }
        }
        panic!("the outbox stays at {:?}", self.counts().await);
    }

    fn request(&self, pk: i64) -> Request {
        Request {
            pk: RequestPk(pk),
            videoid_pk: VideoIdPk(1000 + pk),
            video_identifier: format!("{pk:032x}"),
            scratchcard: format!("400000{pk}"),
            workflow: Workflow::OneShot,
            status: Status::VideoPending,
            ra: RaId(1),
            profile: "profile".to_owned(),
            secure_element: SecureElement::Cloud,
            validity_days: None,
            paperless: true,
            language: None,
            environment: Environment::Sandbox,
            webhook_url: None,
            webhook_format: None,
            data_key: Vec::new(),
            subject: Vec::new(),
            billing_username: None,
            refuse_reason: None,
            officer: None,
            identification_officer: None,
            validation_officer: None,
            registering_user: None,
            approving_user: None,
            approved_at: None,
            renewal_enabled: false,
            renewals: 0,
            external_unlock: None,
            asynchronous: false,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        }
    }
}

/// Starts a dispatcher over a store that may be another process's view of the same database.
pub fn start(store: Store, house: &House, config: Config) -> Running {
    let dispatcher = Dispatcher::new(
        config,
        store,
        house.master.clone(),
        house.clock.clone(),
        Arc::new(Counting::default()),
        Arc::clone(&house.wake),
    )
    .unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(dispatcher.run(shutdown.clone()));
    Running { shutdown, task }
}

pub fn quick() -> Config {
    let moment = time::Duration::milliseconds(1);
    Config {
        retry: RetrySchedule {
            first: moment,
            longest: moment,
        },
        ..Config::default()
    }
}

/// The real time at first, since outside verifiers compare with it; then as the test moves it.
pub struct TestClock {
    began: OffsetDateTime,
    since: Instant,
    moved: AtomicI64,
}

impl TestClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "outside verifiers look at the real clock"
    )]
    fn new() -> Self {
        Self {
            began: SystemTime::now().into(),
            since: Instant::now(),
            moved: AtomicI64::new(0),
        }
    }

    pub fn advance(&self, by: time::Duration) {
        self.moved
            .fetch_add(by.whole_milliseconds() as i64, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        let moved = time::Duration::milliseconds(self.moved.load(Ordering::SeqCst));
        self.began + self.since.elapsed() + moved
    }
}

/// Different bytes at every call, the same in every run.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let count = self
                .0
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&count.to_le_bytes()[..chunk.len()]);
        }
    }
}
