//! The use cases: create, take in evidence, review, approve, make a code, sign, erase.
//!
//! Every use case follows one pattern. Slow work (decoding, probing, rendering, signing) happens
//! first and outside any transaction; content goes into the blob store; then one transaction takes
//! the request's row, asks [`model::transition`], and writes row, audit entry and outbox messages
//! together. What must leave the server (webhooks, text messages) leaves after the commit.
//!
//! No wire names of any API and no SQL live here.

mod advance;
mod archive;
mod asynchronous;
mod authorities;
mod books;
mod bounds;
mod case;
mod classic;
mod codes;
mod creation;
mod credentials;
mod decisions;
mod documents;
pub mod enrolment;
mod error;
mod fields;
mod files;
mod hashes;
mod images;
mod install;
mod intake;
mod issuance;
mod issuance_log;
mod key_pool;
mod mail;
mod metadata;
mod one_time_keys;
mod papers;
mod pdf;
mod register;
pub mod registration;
mod requests;
mod revocation;
mod security;
mod server_identity;
mod settings;
mod signing;
mod stamping;
mod subscriber;
mod sweep;
mod tokens;
mod trust;
mod video_id;
mod webhooks;

use std::sync::Arc;

use blob::BlobStore;
use crypto::MasterKey;
use model::otp::OtpPolicy;
use model::{Clock, Entropy, Level, Posture};
use pki::profile::natural_person::Qualification;
use store::Store;
use tokio::sync::{Notify, Semaphore};

pub use archive::{ArchiveWalk, Renewal, due_name};
pub use asynchronous::{Progress, SigningTurn};
pub use authorities::{AuthorityStanding, notice};
pub use classic::{BLANK, Background, CreatedClassic, NewClassic};
pub use codes::CodeDelivery;
pub use creation::RequestTerms;
pub use credentials::Credentials;
pub use documents::{
    DocumentCopy, DocumentRoom, DocumentView, FileContent, NewContent, NewDocument,
    UploadedDocument,
};
pub use error::Error;
pub use fields::{Problem, Problems};
pub use hashes::NewHash;
pub use images::{ImageView, MAX_IMAGE_BYTES, MAX_IMAGES, NewImage};
pub use install::{NewAuthority, NewOfficer, OfficerView};
pub use intake::{EvidenceUpload, Intake, VideoContent, VideoIntake};
pub use issuance_log::{LogAudit, LogFault, LogTile};
pub use key_pool::KeyPoolGauges;
pub use metadata::{MAX_METADATA_BYTES, MetadataView, NewMetadata};
pub use one_time_keys::{KeyPlace, OneTimeKeys};
pub use register::{RegisterEntry, RegisterMark, RegisterPage, RegisterSearch};
pub use requests::{CertificateView, RequestUpdate, RequestView};
pub use revocation::{Freshness, MAX_CRL_SHARDS, OcspAnswer};
pub use server_identity::ServerIdentity;
pub use signing::{
    AppearanceOrder, Countersignature, DocumentOrder, PictureOrder, SignCommand, SignOrder,
    TextOrder,
};
pub use stamping::{OutsideStamper, StamperStanding, TimeStamping};
pub use store::{AttachmentKind, CertificateState};
pub use sweep::Swept;
pub use tokens::{NewToken, TokenView};
pub use transparency::Receipt;
pub use trust::TrustAnchors;
pub use video_id::{CreatedVideoId, NewVideoId};

/// What the service is made of.
pub struct Parts {
    /// Rows.
    pub store: Store,
    /// Content.
    pub blobs: BlobStore,
    /// The key that wraps every other one.
    pub master: MasterKey,
    /// The CA, the TSA and the OCSP responders.
    pub anchors: TrustAnchors,
    /// The keys of one-time certificates.
    pub one_time_keys: OneTimeKeys,
    /// Draws up contracts and declarations.
    pub renderer: contract::Renderer,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator decided.
    pub policy: Policy,
    /// Told after every commit that queued something.
    pub outbox: Arc<Notify>,
}

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The organisation that runs this server, as contracts print it.
    pub provider: String,
    /// Law and place of jurisdiction, as contracts print them.
    pub applicable_law: String,
    /// Upload limits.
    pub limits: Limits,
    /// Rules for one-time codes.
    pub otp: OtpPolicy,
    /// How codes reach people.
    pub code_delivery: CodeDelivery,
    /// How long a webhook is retried.
    pub webhook_lifetime: time::Duration,
    /// How long a mail is retried.
    pub mail_lifetime: time::Duration,
    /// How long an enrolment link opens.
    pub link_lifetime: time::Duration,
    /// Where people reach this server, without a trailing slash: enrolment links begin so.
    pub public_url: String,
    /// How long a one-time certificate is valid.
    pub certificate_validity: time::Duration,
    /// The level of signatures where neither a call nor the authority nor the settings name one.
    pub signature_level: Level,
    /// How one-time certificates stand to revocation.
    pub posture: Posture,
    /// What profiles for qualified certificates state. Only an operator to whom a supervisory
    /// body has granted that status may state anything.
    pub qualification: Qualification,
}

/// Upload limits, in bytes unless said otherwise.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A JSON body: four photographs in base64 must fit.
    pub json_bytes: u64,
    /// A video.
    pub video_bytes: u64,
    /// One document.
    pub document_bytes: u64,
    /// Documents of one request, counted.
    pub documents: usize,
    /// One paper of a registration.
    pub attachment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 48 << 20,
            video_bytes: 512 << 20,
            document_bytes: 64 << 20,
            documents: 10,
            attachment_bytes: 15 << 20,
        }
    }
}

/// How the server's stores are doing.
#[derive(Debug, Clone)]
pub struct Health {
    /// Which engine answers.
    pub database: &'static str,
    /// Messages that wait to leave.
    pub outbox_pending: i64,
    /// Messages that were given up.
    pub outbox_dead: i64,
    /// Approvals and signatures that wait to be made in the background.
    pub jobs_pending: i64,
    /// Those that were given up.
    pub jobs_failed: i64,
    /// The keys made ahead, where any are.
    pub key_pool: Option<KeyPoolGauges>,
    /// The authorities whose certificates are near their end, or over.
    pub ending: Vec<AuthorityStanding>,
    /// Others who may be asked for time-stamps.
    pub time_stampers: Vec<StamperStanding>,
}

/// The use cases. Cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    /// Decoding, deriving, rendering and signing take a core each, and some of it takes much
    /// memory (a photograph of 50 megapixels, a key derivation): as much at once as there are
    /// cores, first come, first served. Counted in halves.
    cores: Semaphore,
    per_request: files::KeyedLocks,
    /// Told after every commit that queued a job.
    jobs: Notify,
    revocation: revocation::Revocation,
    stamping: TimeStamping,
}

impl Service {
    /// Puts the parts together; time-stamps are our own.
    pub fn new(parts: Parts) -> Self {
        Self::with_time_stamping(parts, TimeStamping::default())
    }

    /// Puts the parts together, with others who may be asked for time-stamps.
    pub fn with_time_stamping(parts: Parts, stamping: TimeStamping) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                cores: Semaphore::new(2 * cores()),
                per_request: files::KeyedLocks::default(),
                jobs: Notify::new(),
                revocation: revocation::Revocation::default(),
                stamping,
            }),
        }
    }

    /// Upload limits, for doors that refuse before reading.
    pub fn limits(&self) -> &Limits {
        &self.policy().limits
    }

    /// How the stores are doing.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database does not answer.
    pub async fn health(&self) -> Result<Health, Error> {
        let mut reader = self.store().read().await?;
        let messages = store::outbox::counts(&mut reader).await?;
        let jobs = store::jobs::counts(&mut reader).await?;
        let mut ending = self.authority_standings();
        ending.retain(|one| one.ending);
        Ok(Health {
            database: self.store().engine(),
            outbox_pending: messages.pending,
            outbox_dead: messages.dead,
            jobs_pending: jobs.pending,
            jobs_failed: jobs.failed,
            key_pool: self.inner.parts.one_time_keys.gauges(),
            ending,
            time_stampers: self.time_stamper_standings(),
        })
    }

    fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    fn blobs(&self) -> &BlobStore {
        &self.inner.parts.blobs
    }

    fn master(&self) -> &MasterKey {
        &self.inner.parts.master
    }

    /// The authorities as they are now: whoever needs several of their parts asks once.
    fn anchors(&self) -> Arc<trust::Anchors> {
        self.inner.parts.anchors.now()
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.inner.parts.entropy
    }

    fn policy(&self) -> &Policy {
        &self.inner.parts.policy
    }

    fn now(&self) -> time::OffsetDateTime {
        self.inner.parts.clock.now()
    }

    /// Runs slow work off the runtime's threads, when its turn comes.
    async fn at_work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.in_turn(2, work).await
    }

    /// As [`Service::at_work`], for work that takes next to no memory of its own and waits for a disk
    /// or a token in between: twice as much at once.
    async fn at_light_work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.in_turn(1, work).await
    }

    /// The same for work that is slow only if it may block, and else takes next to no time.
    async fn at_light_work_if<T: Send + 'static>(
        &self,
        may_block: bool,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, Error> {
        if may_block {
            self.at_light_work(work).await
        } else {
            Ok(work(self))
        }
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        halves: u32,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let stopped = || Error::Internal("a worker stopped unexpectedly".into());
        let turn = self.inner.cores.acquire_many(halves).await;
        let _turn = turn.map_err(|_| stopped())?;
        let service = self.clone();
        tokio::task::spawn_blocking(move || work(&service))
            .await
            .map_err(|_| stopped())
    }
}

/// Two at least, so that one long job does not stop all others.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}
