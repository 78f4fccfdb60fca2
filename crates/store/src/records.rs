//! The rows, as plain values. Sealed bytes are opaque here: the service holds the keys.

use model::authority::AuthoritySettings;
use model::certificate::RevocationReason;
use model::event::WebhookFormat;
use model::evidence::ImageKind;
use model::{
    DocumentUid, Environment, HashDescriptor, ImageUid, Language, MetadataUid, RaId, RaoId,
    RequestPk, SecureElement, Status, TokenUid, UserId, VideoIdPk, Workflow,
};
use time::OffsetDateTime;

/// A registration authority: the tenant of requests and officers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationAuthority {
    /// Its number.
    pub id: RaId,
    /// The authority it is under; `None` for a root.
    pub parent: Option<RaId>,
    /// Its name, as contracts and certificates print it; unique.
    pub name: String,
    /// Organisation, person in charge, addresses: JSON, opaque here.
    pub particulars: String,
    /// What it decides about its requests.
    pub settings: AuthoritySettings,
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
    /// Its home: the registration authority that it belongs to.
    pub ra: RaId,
    /// The registration authorities where it may act.
    pub authorities: Vec<RaId>,
    /// The name it signs in with; unique.
    pub username: String,
    /// First names.
    pub given_name: String,
    /// First surname.
    pub surname_1: String,
    /// Second surname.
    pub surname_2: Option<String>,
    /// The officer's identity number, in the form of EN 319 412-1 §5.1.3.
    pub identity: String,
    /// The identity document's number, as it was given.
    pub document_number: Option<String>,
    /// What kind of document it is.
    pub document_description: Option<String>,
    /// Who issued it.
    pub document_issuer: Option<String>,
    /// Where mails reach the officer.
    pub email: Option<String>,
    /// Whether it may identify a person while another officer approves.
    pub is_identificator: bool,
    /// The officer's certificate, DER.
    pub certificate: Vec<u8>,
    /// That certificate's serial number, where we issued it.
    pub serial: Option<String>,
    /// When the officer was set up.
    pub created_at: OffsetDateTime,
}

/// The key in the cloud of an officer or a subscriber, and what opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The name that it is used with; unique.
    pub username: String,
    /// The request whose certificate it belongs to; `None` for an officer's that was set up here.
    pub request: Option<RequestPk>,
    /// Serial number of the certificate in force; empty where we did not issue it.
    pub serial: String,
    /// The password's PHC string.
    pub password_hash: String,
    /// The private key, wrapped under the PIN.
    pub wrapped_key: Vec<u8>,
    /// The private key, wrapped under the recovery code.
    pub recovery_key: Option<Vec<u8>>,
    /// Whether the wrapped keys are sealed under the master key as well.
    pub under_master: bool,
    /// Wrong passwords since the last right one.
    pub failures: i64,
    /// Wrong PINs since the last right one.
    pub pin_failures: i64,
    /// Until then nothing is tried.
    pub blocked_until: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A machine account that calls in the name of a registration authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUser {
    /// Its number.
    pub id: UserId,
    /// The registration authority it is bound to.
    pub ra: RaId,
    /// The number of its permission profile.
    pub permissions: i64,
    /// The request whose certificate authenticates it.
    pub request: Option<RequestPk>,
    /// The officer it belongs to.
    pub officer: Option<RaoId>,
    /// Serial number of a client certificate that was issued to it directly.
    pub serial: Option<String>,
    /// Whether it may call.
    pub enabled: bool,
    /// When it was set up.
    pub created_at: OffsetDateTime,
}

/// A scratchcard of a registration authority's stock.
#[derive(Clone, PartialEq, Eq)]
pub struct Scratchcard {
    /// The row's number.
    pub pk: i64,
    /// The number printed on it; unique.
    pub sn: String,
    /// Whose stock it is in.
    pub ra: RaId,
    /// Its secrets, sealed under the master key.
    pub secrets: Vec<u8>,
    /// The request that used it up.
    pub used_by: Option<RequestPk>,
    /// When it was made.
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

/// A picture that visible signatures may show; all but the picture itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its identifier.
    pub uid: ImageUid,
    /// The file name the client gave, with the extension of what is kept.
    pub file_name: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// When it arrived.
    pub uploaded_at: OffsetDateTime,
}

/// A picture with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedImage {
    /// What is known about it.
    pub image: Image,
    /// The PNG, sealed.
    pub sealed: Vec<u8>,
}

/// Metadata that signatures may carry as a signed attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Its identifier.
    pub uid: MetadataUid,
    /// The attribute's object identifier, dotted.
    pub oid: String,
    /// The bytes, sealed.
    pub sealed: Vec<u8>,
    /// When it was stored.
    pub stored_at: OffsetDateTime,
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
    /// Which way it came in.
    pub workflow: Workflow,
    /// Where it stands.
    pub status: Status,
    /// The registration authority.
    pub ra: RaId,
    /// The certificate profile's name.
    pub profile: String,
    /// What holds the subscriber's key.
    pub secure_element: SecureElement,
    /// Days that the certificate is to be valid, where the client asked for it.
    pub validity_days: Option<i64>,
    /// Whether no paper is to be printed and signed by hand.
    pub paperless: bool,
    /// The language that the subscriber is spoken to in.
    pub language: Option<Language>,
    /// The environment the client named.
    pub environment: Environment,
    /// Whether approval and signature are done in the background.
    pub asynchronous: bool,
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
    /// The officer who identified the person, where another one approves.
    pub identification_officer: Option<RaoId>,
    /// The officer who validated the evidence.
    pub validation_officer: Option<RaoId>,
    /// The API user that created it.
    pub registering_user: Option<UserId>,
    /// The API user that approved it.
    pub approving_user: Option<UserId>,
    /// When it was approved.
    pub approved_at: Option<OffsetDateTime>,
    /// Whether an officer enabled it for renewal.
    pub renewal_enabled: bool,
    /// How often it was renewed.
    pub renewals: i64,
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
    /// Its number among all documents; `None` where it came before there were any.
    pub number: Option<i64>,
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

/// Where a stored file lies and what it is.
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
    /// What it is.
    pub kind: DocumentKind,
    /// Until when the signed copy can be validated without a new archive time-stamp; `None` where
    /// it carries nothing to validate it with.
    pub good_until: Option<OffsetDateTime>,
}

impl Document {
    /// Whether it carries its signature itself.
    pub fn is_pdf(&self) -> bool {
        self.kind == DocumentKind::Pdf
    }
}

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentKind {
    /// A PDF.
    Pdf,
    /// The digest of something that its owner keeps.
    Hash(HashDescriptor),
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
    /// Its number among all documents; `None` where it came before there were any.
    pub number: Option<i64>,
    /// As drawn up, unsigned.
    pub unsigned: StoredFile,
    /// With the officer's signature.
    pub approved: StoredFile,
    /// With the signer's signature too.
    pub signed: Option<StoredFile>,
    /// Until when the last of its copies can be validated without a new archive time-stamp.
    pub good_until: Option<OffsetDateTime>,
}

/// What an officer uploads, or a client on behalf of one, where nothing is filmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttachmentKind {
    /// The identity document's front.
    DocumentFront,
    /// The identity document's rear.
    DocumentRear,
    /// The owner with the identity document.
    DocumentOwner,
    /// Any further document.
    ExtraDocument,
    /// Evidence from a filmed identification.
    VideoIdEvidence,
}

impl AttachmentKind {
    /// All of them.
    pub const ALL: [AttachmentKind; 5] = [
        AttachmentKind::DocumentFront,
        AttachmentKind::DocumentRear,
        AttachmentKind::DocumentOwner,
        AttachmentKind::ExtraDocument,
        AttachmentKind::VideoIdEvidence,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            AttachmentKind::DocumentFront => "document_front",
            AttachmentKind::DocumentRear => "document_rear",
            AttachmentKind::DocumentOwner => "document_owner",
            AttachmentKind::ExtraDocument => "extra_document",
            AttachmentKind::VideoIdEvidence => "videoid_evidence",
        }
    }
}

/// A document that an officer uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its number among all documents.
    pub number: i64,
    /// The request it belongs to.
    pub request: RequestPk,
    /// What it is.
    pub kind: AttachmentKind,
    /// What the client calls it.
    pub label: Option<String>,
    /// Where it lies.
    pub file: StoredFile,
    /// Media type as found by looking.
    pub media_type: String,
    /// When it arrived.
    pub uploaded_at: OffsetDateTime,
}

/// A subscriber's way to the certificate: the link, the device that opened it, what it picks up.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The request it belongs to.
    pub request: RequestPk,
    /// Digest of the link's token, which finds it; unique.
    pub token_digest: [u8; 32],
    /// The token itself, sealed, for who asks for the link again.
    pub token: Vec<u8>,
    /// When the link was made.
    pub created_at: OffsetDateTime,
    /// When it stops working.
    pub expires_at: OffsetDateTime,
    /// Digest of the secret of the device that showed its code.
    pub device: Option<[u8; 32]>,
    /// Until when that device is known.
    pub device_until: Option<OffsetDateTime>,
    /// When the certificate was issued.
    pub completed_at: Option<OffsetDateTime>,
    /// The PKCS#12 file, sealed, until it is taken.
    pub pickup: Option<Vec<u8>>,
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
    /// On hold; may become valid again.
    Suspended,
    /// Revoked, for ever.
    Revoked,
}

/// An end-entity certificate. The subject's name stands only in the DER bytes of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// Its number among all certificates.
    pub number: i64,
    /// The request it was issued for; `None` for an officer's.
    pub request: Option<RequestPk>,
    /// Whether it renews an earlier one of the request.
    pub renewal: bool,
    /// Who issues it, by the identifier of the key, lower-case hexadecimal.
    pub issuer: String,
    /// The shard of the issuer's revocation lists that it points to, if it does.
    pub shard: Option<i64>,
    /// How far it has come.
    pub state: CertificateState,
    /// The exact bytes that will be signed; empty once the certificate says them itself. Like it they
    /// name the subject, and like it they are not sealed: a CA keeps what it issued.
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
    /// When it was revoked or put on hold.
    pub revoked_at: Option<OffsetDateTime>,
    /// Why.
    pub reason: Option<RevocationReason>,
}

/// A certificate of one of the authorities themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorityCertificate {
    /// Serial number, lower-case hexadecimal without leading zeros.
    pub serial: String,
    /// The office that it is for, as in `issuing`.
    pub office: String,
    /// Who issued it, by the identifier of the key; the root's own is its own.
    pub issuer: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Start of validity.
    pub not_before: OffsetDateTime,
    /// End of validity.
    pub not_after: OffsetDateTime,
    /// When it was first seen.
    pub recorded_at: OffsetDateTime,
}

/// Which sender an outbox row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// HTTP POST to a client's URL.
    Webhook,
    /// A text message.
    Sms,
    /// An e-mail.
    Mail,
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
    /// Webhook: the URL. Text message and mail: empty.
    pub target: String,
    /// What the log may name: the event's name, or `otp`.
    pub label: String,
    /// The body as it will be sent; sealed under the master key for text messages
    /// and mails.
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

/// What is done in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// The approval of a request that was created asynchronously.
    Approve,
    /// The signature that its code has opened.
    Sign,
}

/// A job as far as it may be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whether it is not tried any more.
    pub given_up: bool,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// A leased job.
#[derive(Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// Number in the queue.
    pub number: i64,
    /// Attempts, this one included; also the fencing token of the lease.
    pub attempts: i64,
    /// The request that it is for.
    pub request: RequestPk,
    /// What is to be done.
    pub kind: JobKind,
    /// With what, sealed under the request's data key.
    pub payload: Vec<u8>,
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
