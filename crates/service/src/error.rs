//! Why a use case refused. The doors turn each variant into the words of their dialect.

use model::otp::OtpRefusal;
use model::{DocumentUid, IllegalTransition, RequestPk, Status};

use crate::enrolment::LinkRefusal;
use crate::fields::Problems;
use crate::registration::{ClientRefusal, ContactLimit, RenewalRefusal};

/// What a use case answers instead of doing its work. Nothing was changed, unless the variant
/// says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller left fields out or filled them wrongly; all of them are named.
    #[error("{0}")]
    Fields(Problems),
    /// No request or VideoID has this number.
    #[error("request {0} not found")]
    UnknownRequest(String),
    /// No registration authority has this number.
    #[error("registration authority not found")]
    UnknownAuthority,
    /// No token has this identifier.
    #[error("token {0} not found")]
    UnknownToken(String),
    /// The request has no such document, or not in the copy asked for.
    #[error("document {uid} not found")]
    UnknownDocument {
        /// What was asked for.
        uid: String,
        /// Which copy was asked for.
        copy: Option<crate::documents::DocumentCopy>,
    },
    /// The request has no documents at all.
    #[error("no documents found for request {0}")]
    NoDocuments(RequestPk),
    /// Documents whose content is missing from the store, or that a call names and the request
    /// does not have.
    #[error("documents not there: {0:?}")]
    LostDocuments(Vec<String>),
    /// Documents that are to show an image which was never uploaded, each with its name.
    #[error("{} images are not there", .0.len())]
    UnknownImages(Vec<(DocumentUid, String)>),
    /// No picture has this identifier.
    #[error("image {0} not found")]
    UnknownImage(String),
    /// An uploaded picture cannot be shown in a signature.
    #[error("{file_name}: {reason}")]
    UnusableImage {
        /// The file name the client gave.
        file_name: String,
        /// Why not.
        reason: evidence::image::ImageRefusal,
    },
    /// There is no metadata under this identifier, or none at all.
    #[error("metadata not found")]
    UnknownMetadata,
    /// User name, password or PIN of the countersigner do not fit, or its certificate may not sign.
    #[error("wrong countersigner")]
    WrongCountersigner,
    /// The request has no video.
    #[error("no video found for request {0}")]
    NoVideo(RequestPk),
    /// No officer has this user name.
    #[error("no officer of this name")]
    UnknownOfficer,
    /// Neither a token nor user name, password and PIN together.
    #[error("incomplete officer credentials")]
    IncompleteCredentials,
    /// Password, PIN or officer number do not fit, or the officer belongs to another authority.
    #[error("wrong officer credentials")]
    WrongCredentials,
    /// The billing account's password is not base64, as it is to be sent.
    #[error("the billing password is not base64")]
    BillingCredentials,
    /// The registration authority takes no VideoID requests.
    #[error("VideoID is not enabled for registration authority {0}")]
    VideoIdDisabled(model::RaId),
    /// The profile is unknown or does not serve this workflow.
    #[error("profile {0} is not available")]
    ProfileNotAvailable(String),
    /// The external authentication method is not on the authority's list.
    #[error("external authentication by {0} is not enabled")]
    ExternalUnlockNotAllowed(String),
    /// Not possible in the request's status.
    #[error("not possible in status {0}")]
    WrongStatus(Status),
    /// Evidence for a request whose evidence is complete or which is over.
    #[error("the evidence of request {0} is closed")]
    EvidenceClosed(RequestPk),
    /// Approval of a subject who lacks fields that the profile demands.
    #[error("the subject lacks {}", .fields.join(", "))]
    IncompleteSubject {
        /// The request.
        request: RequestPk,
        /// The fields, by wire name.
        fields: Vec<String>,
    },
    /// A still image is unusable. The request is now in `VIDEOERROR`.
    #[error("unusable image: {0}")]
    UnusableImages(Problems),
    /// The video is unusable. The request is now in `VIDEOERROR`.
    #[error("unusable video: {0}")]
    UnusableVideo(evidence::video::VideoRefusal),
    /// An upload is larger than the operator allows.
    #[error("larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// An uploaded file cannot be signed.
    #[error("{file_name}: {reason}")]
    NotSignable {
        /// The file name the client gave.
        file_name: String,
        /// Why not.
        reason: pades::PdfError,
    },
    /// More documents than a request may hold.
    #[error("request {request} may hold {limit} documents")]
    TooManyDocuments {
        /// The request.
        request: RequestPk,
        /// How many it may hold.
        limit: usize,
    },
    /// The scratchcard is not the request's.
    #[error("wrong scratchcard for request {0}")]
    WrongScratchcard(RequestPk),
    /// A code was made less than the pause ago.
    #[error("a code was made less than {seconds} seconds ago")]
    CodeTooSoon {
        /// The pause.
        seconds: i64,
    },
    /// Codes were guessed at so often that none is sent any more.
    #[error("too many wrong codes in a row; no code is sent any more")]
    CodesGuessed,
    /// No way is configured to deliver a code.
    #[error("codes cannot be delivered by {0}")]
    NoDelivery(String),
    /// The code does not open the signature. `None`: none was ever made.
    #[error("code refused")]
    CodeRefused(Option<OtpRefusal>),
    /// The same credentials are stored already.
    #[error("a token with these credentials exists")]
    TokenExists,
    /// The sandbox's own token stays.
    #[error("this token may not be deleted")]
    TokenProtected,
    /// No signing key is ready: the pool is empty, or the vault away. Nothing happened.
    #[error("no signing key is ready")]
    NoKeyReady {
        /// When it is worth asking again, in seconds.
        retry_after: u32,
    },
    /// The time-stamp authority gave nothing that can be taken. Nothing was signed.
    #[error("no time-stamp: {reason}")]
    NoTimeStamp {
        /// What was wrong; nothing secret.
        reason: String,
        /// When it is worth asking again, in seconds.
        retry_after: u32,
    },
    /// The disk or the object store is full; nothing was stored.
    #[error("storage is full")]
    StorageFull,
    /// The client certificate stands for no API user, or for one who may not call now.
    #[error("{0}")]
    UnknownClient(ClientRefusal),
    /// The caller may not do that, or not there.
    #[error("not permitted")]
    NotPermitted,
    /// A list has no such page.
    #[error("no such page")]
    NoSuchPage,
    /// No request, VideoID or video has this identifier.
    #[error("VideoID {0} not found")]
    UnknownVideoId(String),
    /// No scratchcard has this number, or its secret is another.
    #[error("scratchcard not found")]
    UnknownScratchcard,
    /// The scratchcard is unknown, used, or another authority's.
    #[error("the scratchcard cannot be used")]
    InvalidScratchcard,
    /// No officer has this number.
    #[error("officer not found")]
    UnknownOfficerNumber,
    /// The authority has an officer: another one is enrolled, not made.
    #[error(
        "the registration authority has an officer, RAO {0}: a further one enrols like a subscriber \
         and is then appointed"
    )]
    OfficerExists(model::RaoId),
    /// No API user has this number.
    #[error("user not found")]
    UnknownUser,
    /// The request has no paper of this number.
    #[error("paper {0} not found")]
    UnknownAttachment(i64),
    /// Papers without which a request that nobody filmed is not approved.
    #[error("images of the identity document are missing")]
    MissingPapers,
    /// A correction of fields that an officer has seen on the identity document.
    #[error("{} was identified and stays", .0.join(", "))]
    IdentifiedFields(Vec<&'static str>),
    /// A paper of a type that is not accepted.
    #[error("neither JPEG nor PNG nor PDF")]
    ContentType,
    /// A name or number that must be unique exists already.
    #[error("{field} exists already")]
    Duplicate {
        /// The field, by wire name.
        field: &'static str,
    },
    /// Contact data shared by too many people.
    #[error("{0}")]
    ContactLimit(ContactLimit),
    /// The scratchcard's secret is another.
    #[error("wrong secret")]
    WrongSecret,
    /// Too many wrong passwords or PINs.
    #[error("blocked after too many wrong passwords or PINs")]
    CredentialBlocked,
    /// The certificate cannot be renewed.
    #[error("the certificate cannot be renewed")]
    NotRenewable(RenewalRefusal),
    /// The request has no certificate that could be renewed.
    #[error("the request is not eligible for renewal")]
    NotEligibleForRenewal,
    /// Number, enrollment code or one-time code are wrong.
    #[error("the PIN is not unlocked")]
    UnlockRefused,
    /// Only a locked PIN is unlocked.
    #[error("the PIN is not locked")]
    PinNotLocked,
    /// The enrolment link opens nothing.
    #[error("{0}")]
    LinkRefused(LinkRefusal),
    /// A PIN or password that breaks the rule.
    #[error("8 to 64 characters, with at least 2 letters and 2 digits")]
    WeakSecret,
    /// The profile or request wants the key elsewhere.
    #[error("the key is to be held elsewhere")]
    WrongElement,
    /// The PKCS#10 request cannot be used.
    #[error("the certificate request cannot be used: {0}")]
    UnusableKeyRequest(String),
    /// The PKCS#12 file was handed out before, or there is none.
    #[error("the file was handed out before")]
    FileTaken,
    /// Should not happen: something of ours failed. The log has it.
    #[error("{0}")]
    Internal(String),
}

impl From<IllegalTransition> for Error {
    fn from(refused: IllegalTransition) -> Self {
        Error::WrongStatus(refused.from)
    }
}

impl From<store::StoreError> for Error {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::StorageFull => Error::StorageFull,
            other => Error::Internal(format!("database: {other}")),
        }
    }
}

impl From<blob::BlobError> for Error {
    fn from(error: blob::BlobError) -> Self {
        match error {
            blob::BlobError::StorageFull => Error::StorageFull,
            other => Error::Internal(format!("blob store: {other}")),
        }
    }
}

impl From<crypto::CryptoError> for Error {
    fn from(error: crypto::CryptoError) -> Self {
        match error {
            crypto::CryptoError::Unreachable => Error::NoKeyReady {
                retry_after: crate::one_time_keys::VAULT_PAUSE,
            },
            other => Error::Internal(format!("cryptography: {other}")),
        }
    }
}

impl From<serde_json::Error> for Error {
    /// Only the server's own records come this way; a failure's text would quote them.
    fn from(_: serde_json::Error) -> Self {
        Error::Internal("a record of ours does not parse".into())
    }
}
