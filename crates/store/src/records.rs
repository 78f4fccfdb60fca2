//! The rows, as plain values. Sealed bytes are opaque here: the service holds the keys.

use model::event::WebhookFormat;
use model::evidence::ImageKind;
use model::{DocumentUid, Environment, RaId, RaoId, RequestPk, Status, TokenUid, VideoIdPk};
use time::OffsetDateTime;

/// A registration authority: the tenant of requests and officers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationAuthority {
    /// Its number.
    pub id: RaId,
    /// Its name, as contracts and certificates print it.
    pub name: String,
    /// Where its events go, if anywhere.
    pub webhook_url: Option<String>,
    /// In which form.
    pub webhook_format: WebhookFormat,
    /// The Standard Webhooks secret, sealed.
    pub webhook_secret: Option<Vec<u8>>,
    /// Whether VideoID requests may be created.
    pub videoid_enabled: bool,
    /// Names of external authentication methods that may replace the one-time code.
    pub external_unlock: Vec<String>,
    /// When it was set up.
    pub created_at: OffsetDateTime,
}

/// A registration authority officer.
#[derive(Clone, PartialEq, Eq)]
pub struct Officer {
    /// Its number.
    pub id: RaoId,
    /// The registration authority it works for.
    pub ra: RaId,
    /// The name it signs in with; unique.
    pub username: String,
    /// The password's PHC string.
    pub password_hash: String,
    /// First names.
    pub given_name: String,
    /// First surname.
    pub surname_1: String,
    /// Second surname.
    pub surname_2: Option<String>,
    /// The officer's identity number, in the form of EN 319 412-1 §5.1.3.
    pub identity: String,
    /// The officer's certificate, DER.
    pub certificate: Vec<u8>,
    /// The officer's private key, wrapped under the PIN.
    pub wrapped_key: Vec<u8>,
    /// When the officer was set up.
    pub created_at: OffsetDateTime,
}

/// Stored credentials of an officer.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identifier.
    pub uid: TokenUid,
    /// The officer's user name.
    pub username: String,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Whether a PIN is stored.
    pub has_pin: bool,
    /// The environment it was made for.
    pub environment: Environment,
    /// User name, password and PIN, sealed.
    pub sealed: Vec<u8>,
    /// Keyed digest over the credentials; finds a second token with the same ones.
    pub fingerprint: Vec<u8>,
    /// Whether it may be deleted; the sandbox's own may not.
    pub deletable: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A request and its VideoID record.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The request's number.
    pub pk: RequestPk,
    /// The VideoID record's number, from the same sequence.
    pub videoid_pk: VideoIdPk,
    /// The VideoID record's opaque name: 32 hexadecimal digits.
    pub video_identifier: String,
    /// The scratchcard's number: seven digits or more.
    pub scratchcard: String,
    /// Where it stands.
    pub status: Status,
    /// The registration authority.
    pub ra: RaId,
    /// The certificate profile's name.
    pub profile: String,
    /// The environment the client named.
    pub environment: Environment,
    /// A target for this request's events instead of the registration authority's.
    pub webhook_url: Option<String>,
    /// The payload form of this request's events, where it differs from the authority's.
    pub webhook_format: Option<WebhookFormat>,
    /// The request's data key, wrapped under the master key. Erasing it erases the person.
    pub data_key: Vec<u8>,
    /// The subject, sealed under the data key.
    pub subject: Vec<u8>,
    /// Billing account named by the client, if any; its password is not kept.
    pub billing_username: Option<String>,
    /// Why an officer refused, sealed under the data key.
    pub refuse_reason: Option<Vec<u8>>,
    /// The officer who approved or refused.
    pub officer: Option<RaoId>,
    /// External authentication that unlocked the signature: method and transaction, sealed.
    pub external_unlock: Option<Vec<u8>>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// One stored still image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceImage {
    /// Which one.
    pub kind: ImageKind,
    /// The blob that holds it.
    pub blob: String,
    /// SHA-256 over the image as received.
    pub sha256: [u8; 32],
    /// Size in bytes.
    pub size: i64,
    /// `image/jpeg` or `image/png`, as found by looking.
    pub media_type: String,
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
}

/// The stored video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceVideo {
    /// The blob that holds it.
    pub blob: String,
    /// SHA-256 over the video as received.
    pub sha256: [u8; 32],
    /// Size in bytes.
    pub size: i64,
    /// Media type as found by looking, as in `video/mp4`.
    pub media_type: String,
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// Length in milliseconds; unknown for some live recordings.
    pub duration_ms: Option<i64>,
    /// Video codec as found by looking.
    pub codec: String,
    /// When it arrived.
    pub received_at: OffsetDateTime,
}

/// Where a stored PDF lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The blob that holds it.
    pub blob: String,
    /// SHA-256 over its bytes.
    pub sha256: [u8; 32],
    /// Size in bytes.
    pub size: i64,
}

/// A document to be signed, or signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its identifier.
    pub uid: DocumentUid,
    /// The request it belongs to.
    pub request: RequestPk,
    /// Its place in the order of upload, from 0.
    pub position: i64,
    /// The form field it came in.
    pub field_name: String,
    /// The file name the client gave.
    pub file_name: String,
    /// The original; gone when the client deleted just that copy.
    pub original: Option<StoredFile>,
    /// The signed copy, once there is one.
    pub signed: Option<StoredFile>,
    /// When it arrived.
    pub uploaded_at: OffsetDateTime,
}

/// A paper that the server itself draws up for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaperKind {
    /// The service contract.
    Contract,
    /// The officer's declaration.
    Declaration,
}

/// A paper and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Which one.
    pub kind: PaperKind,
    /// As drawn up, unsigned.
    pub unsigned: StoredFile,
    /// With the officer's signature.
    pub approved: StoredFile,
    /// With the signer's signature too.
    pub signed: Option<StoredFile>,
}

/// A one-time code, without the code.
#[derive(Clone, PartialEq, Eq)]
pub struct Otp {
    /// Salt of the keyed digest.
    pub salt: [u8; 16],
    /// Keyed digest of the code.
    pub digest: [u8; 32],
    /// The rules' view of it.
    pub state: model::otp::OtpState,
}

/// How far an end-entity certificate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateState {
    /// Its exact content is on record; no signature of it has left the server.
    Recorded,
    /// Signed and given out.
    Valid,
    /// Revoked.
    Revoked,
}

/// An end-entity certificate. The subject's name stands only in the DER bytes of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// The request it was issued for; `None` for an officer's.
    pub request: Option<RequestPk>,
    /// How far it has come.
    pub state: CertificateState,
    /// The exact bytes that are or will be signed. Like the certificate they name the subject, and
    /// like it they are not sealed: a CA keeps what it issued.
    pub tbs: Vec<u8>,
    /// The certificate, DER, once signed.
    pub der: Option<Vec<u8>>,
    /// The one-time private key, sealed under the data key; gone once the signatures are stored.
    pub sealed_key: Option<Vec<u8>>,
    /// Start of validity.
    pub not_before: OffsetDateTime,
    /// End of validity.
    pub not_after: OffsetDateTime,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

/// Which sender an outbox row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// HTTP POST to a client's URL.
    Webhook,
    /// A text message.
    Sms,
}

/// Something that must leave the server after the commit.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The message's identifier, the same at every attempt.
    pub id: String,
    /// Which sender takes it.
    pub channel: Channel,
    /// Messages of one request and one channel leave in the order of their numbers.
    pub request: RequestPk,
    /// Webhook: the URL. Text message: empty.
    pub target: String,
    /// What the log may name: the event's name, or `otp`.
    pub label: String,
    /// The body as it will be sent; sealed under the master key for text messages.
    pub payload: Vec<u8>,
    /// The webhook secret, sealed under the master key, when the message is to be signed.
    pub secret: Option<Vec<u8>>,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// After this it is given up.
    pub expires_at: OffsetDateTime,
}

/// A leased outbox row.
#[derive(Clone, PartialEq, Eq)]
pub struct Leased {
    /// Number in the queue.
    pub number: i64,
    /// Attempts before this one; also the fencing token of the lease.
    pub attempts: i64,
    /// What to send.
    pub message: OutboxMessage,
}

/// One entry of the audit log, before it is chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened.
    pub at: OffsetDateTime,
    /// Who did it: `client`, `officer 3`, `system`.
    pub actor: String,
    /// What was done, as in `transition` or `video-read`.
    pub action: String,
    /// The request concerned.
    pub request: Option<RequestPk>,
    /// Particulars as a JSON object: statuses, digests, reasons by code. Never personal data.
    pub details: String,
}

/// A chained audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedEntry {
    /// Number in the log, from 1.
    pub number: i64,
    /// What was entered.
    pub entry: AuditEntry,
    /// Hash of the entry before it; zeros for the first.
    pub previous: [u8; 32],
    /// Hash over this entry and `previous`.
    pub hash: [u8; 32],
}
