//! Repositories over SQLite and PostgreSQL: rows in, rows out, no rule of the workflow.
//!
//! One SQL text serves both engines (`$n` placeholders, `RETURNING`, `ON CONFLICT`; times as
//! milliseconds, flags as 0 or 1, lists as JSON text); only row locks and the unfolding of lists
//! differ.
//!
//! Reads take a [`Reader`], writes a [`Tx`]; a `Tx` is a `Reader` too, so a read works on both:
//!
//! ```no_run
//! # async fn example(store: store::Store) -> Result<(), store::StoreError> {
//! use model::RequestPk;
//!
//! let mut tx = store.begin().await?;
//! if let Some(mut request) = store::requests::lock(&mut tx, RequestPk(1001)).await? {
//!     request.refuse_reason = None;
//!     store::requests::update(&mut tx, &request).await?;
//! }
//! tx.commit().await?;
//! # Ok(()) }
//! ```
//!
//! # Locks
//!
//! On SQLite a [`Tx`] excludes every other one. On PostgreSQL it sees what others commit, so a
//! transaction that changes a request begins with [`requests::lock`]; everything that belongs to
//! the request (evidence, documents, codes, queued messages) is guarded by that lock. What counts
//! tries of a credential takes [`credentials::lock`], after the request's. Append to the audit log
//! last: its head is locked until the commit, for everybody.

pub mod archives;
pub mod attachments;
pub mod audit;
pub mod authorities;
pub mod authority_certificates;
mod blobs;
pub mod certificates;
mod connection;
pub mod credentials;
pub mod documents;
pub mod enrolments;
mod error;
pub mod evidence;
mod field;
pub mod images;
pub mod jobs;
pub mod log;
pub mod metadata;
mod migrations;
pub mod officers;
pub mod otps;
pub mod outbox;
pub mod papers;
mod postgres;
mod records;
pub mod register;
pub mod requests;
pub mod scratchcards;
pub mod sequence;
pub mod settings;
mod sqlite;
pub mod subject_index;
pub mod time_stamping_units;
pub mod tokens;
pub mod users;

pub use blobs::blobs_in_use;
pub use connection::{Health, Reader, Store, Tx};
pub use error::StoreError;
pub use officers::OfficerFilter;
pub use records::{
    ApiUser, Attachment, AttachmentKind, AuditEntry, AuthorityCertificate, Certificate,
    CertificateState, ChainedEntry, Channel, Credential, Document, DocumentKind, Enrolment,
    EvidenceImage, EvidenceVideo, Image, Job, JobKind, Leased, LeasedJob, Metadata, Officer, Otp,
    OutboxMessage, Paper, PaperKind, RegistrationAuthority, Request, Scratchcard, SealedImage,
    StoredFile, Token,
};
pub use requests::RequestFilter;
