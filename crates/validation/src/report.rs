//! What a validation found: for people in [`SignatureReport::reason`] and its like, for programs
//! in the fields. The names are stable; `docs/verifying.md` describes them.

use pades::{Certification, ChangeKind};
use serde::Serialize;
use time::OffsetDateTime;

/// The findings about one file.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether there is at least one signature, or document time-stamp, and all are
    /// [`Indication::TotalPassed`].
    ///
    /// A document time-stamp beside signatures may be in doubt, which costs a level; it may not be
    /// broken.
    pub valid: bool,
    /// The time at which the file was judged.
    #[serde(with = "time::serde::rfc3339")]
    pub validated_at: OffsetDateTime,
    /// Until when the algorithms are recommended that nothing newer in the file makes up for; `None`
    /// where no end is published. Before then it wants another archive time-stamp.
    #[serde(with = "time::serde::rfc3339::option")]
    pub algorithms_until: Option<OffsetDateTime>,
    /// The signatures, oldest first.
    pub signatures: Vec<SignatureReport>,
    /// Time-stamps over the whole file as it was then, oldest first.
    pub document_time_stamps: Vec<TimeStampReport>,
}

/// The findings about one signature.
#[derive(Debug, Clone, Serialize)]
pub struct SignatureReport {
    /// The name of its field, in a PDF.
    pub field: Option<String>,
    /// `/SubFilter` in a PDF, such as `ETSI.CAdES.detached`; `CMS` for a container of its own.
    pub format: String,
    /// The verdict.
    pub indication: Indication,
    /// Why it did not pass, in the standard's words.
    pub sub_indication: Option<SubIndication>,
    /// Why it did not pass, in plain words.
    pub reason: Option<String>,
    /// The highest level that the signature reaches; `None` where it is not even B-B.
    pub level: Option<Level>,
    /// For each level above, what is missing.
    pub higher_levels: Vec<MissingLevel>,
    /// The signer's certificate, where it was found.
    pub signer: Option<CertificateReport>,
    /// From the signer's issuer up to the trusted root; empty where no trusted path was found.
    pub chain: Vec<CertificateReport>,
    /// When the signer says that it was made.
    #[serde(with = "time::serde::rfc3339::option")]
    pub claimed_time: Option<OffsetDateTime>,
    /// When it existed at the latest, by the earliest valid time-stamp.
    #[serde(with = "time::serde::rfc3339::option")]
    pub proven_time: Option<OffsetDateTime>,
    /// Hash and signature algorithm.
    pub algorithm: Option<String>,
    /// Time-stamps over the signature alone.
    pub time_stamps: Vec<TimeStampReport>,
    /// What was signed, in a PDF.
    pub coverage: Option<Coverage>,
    /// What was changed in the file after the signature.
    pub later_changes: Option<LaterChanges>,
    /// What does not make it invalid, but should be known.
    pub warnings: Vec<String>,
}

/// The findings about one time-stamp.
#[derive(Debug, Clone, Serialize)]
pub struct TimeStampReport {
    /// The name of its field, if it is a document time-stamp.
    pub field: Option<String>,
    /// The verdict.
    pub indication: Indication,
    /// Why it did not pass, in the standard's words.
    pub sub_indication: Option<SubIndication>,
    /// Why it did not pass, in plain words.
    pub reason: Option<String>,
    /// The time that it states.
    #[serde(with = "time::serde::rfc3339::option")]
    pub time: Option<OffsetDateTime>,
    /// The time-stamping unit's certificate, where it was found.
    pub unit: Option<CertificateReport>,
    /// From the unit's issuer up to the trusted root.
    pub chain: Vec<CertificateReport>,
    /// Hash and signature algorithm.
    pub algorithm: Option<String>,
    /// What was changed in the file after a document time-stamp.
    pub later_changes: Option<LaterChanges>,
    /// What does not make it invalid, but should be known.
    pub warnings: Vec<String>,
}

/// One certificate.
#[derive(Debug, Clone, Serialize)]
pub struct CertificateReport {
    /// RFC 4514.
    pub subject: String,
    /// The subject's common name; empty if it has none.
    pub common_name: String,
    /// RFC 4514.
    pub issuer: String,
    /// Hexadecimal digits.
    pub serial: String,
    /// First second of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// How it stands to revocation; `None` where nobody got as far as to ask.
    pub revocation: Option<RevocationReport>,
}

/// How a certificate stands to revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RevocationReport {
    /// It is trusted by whoever asked.
    Trusted,
    /// Nobody has to ask: it is a short-term certificate, or a responder's that is never checked.
    NotNeeded,
    /// It was not revoked.
    Good {
        /// Who says so: `ocsp` or `crl`.
        source: Source,
        /// As of when.
        #[serde(with = "time::serde::rfc3339")]
        as_of: OffsetDateTime,
    },
    /// The file does not say, which whoever asked tolerates.
    Unknown,
}

/// Kinds of revocation data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An OCSP answer.
    Ocsp,
    /// A revocation list.
    Crl,
}

/// Verdicts (EN 319 102-1 §5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Indication {
    /// It is valid.
    #[serde(rename = "TOTAL-PASSED")]
    TotalPassed,
    /// What is there does not suffice for a verdict.
    #[serde(rename = "INDETERMINATE")]
    Indeterminate,
    /// It is invalid.
    #[serde(rename = "TOTAL-FAILED")]
    TotalFailed,
}

/// Reasons for verdicts (EN 319 102-1 §5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubIndication {
    /// It is not formed as it must be, or the file was changed in a way that is not allowed.
    FormatFailure,
    /// What was signed is something else.
    HashFailure,
    /// The signature value is not the key's.
    SigCryptoFailure,
    /// What the signature says about itself does not hold together.
    SigConstraintsFailure,
    /// An algorithm is not supported, or was too weak.
    CryptoConstraintsFailure,
    /// An algorithm has become too weak, and nothing proves that the object is older than that.
    CryptoConstraintsFailureNoPoe,
    /// The signer's certificate is not there.
    NoSigningCertificateFound,
    /// No path leads to a trusted root.
    NoCertificateChainFound,
    /// A certificate was used for what it is not for.
    ChainConstraintsFailure,
    /// The signer's certificate was revoked before the signature is proven to have existed.
    RevokedNoPoe,
    /// An authority's certificate was revoked before that.
    RevokedCaNoPoe,
    /// A certificate had expired before the signature is proven to have existed.
    OutOfBoundsNoPoe,
    /// A certificate was not valid yet.
    NotYetValid,
    /// There is no revocation data that speaks of the time in question.
    TryLater,
    /// Nothing proves that something is as old as it must be.
    NoPoe,
    /// Times contradict one another.
    TimestampOrderFailure,
}

impl SubIndication {
    /// The standard's word.
    pub fn word(self) -> &'static str {
        use SubIndication as S;
        match self {
            S::FormatFailure => "FORMAT_FAILURE",
            S::HashFailure => "HASH_FAILURE",
            S::SigCryptoFailure => "SIG_CRYPTO_FAILURE",
            S::SigConstraintsFailure => "SIG_CONSTRAINTS_FAILURE",
            S::CryptoConstraintsFailure => "CRYPTO_CONSTRAINTS_FAILURE",
            S::CryptoConstraintsFailureNoPoe => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            S::NoSigningCertificateFound => "NO_SIGNING_CERTIFICATE_FOUND",
            S::NoCertificateChainFound => "NO_CERTIFICATE_CHAIN_FOUND",
            S::ChainConstraintsFailure => "CHAIN_CONSTRAINTS_FAILURE",
            S::RevokedNoPoe => "REVOKED_NO_POE",
            S::RevokedCaNoPoe => "REVOKED_CA_NO_POE",
            S::OutOfBoundsNoPoe => "OUT_OF_BOUNDS_NO_POE",
            S::NotYetValid => "NOT_YET_VALID",
            S::TryLater => "TRY_LATER",
            S::NoPoe => "NO_POE",
            S::TimestampOrderFailure => "TIMESTAMP_ORDER_FAILURE",
        }
    }
}

/// Baseline levels (EN 319 142-1 §6, EN 319 122-1 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Level {
    /// Signature and reference to the certificate.
    #[serde(rename = "B-B")]
    B,
    /// And proof of when it existed.
    #[serde(rename = "B-T")]
    T,
    /// And all that a validator needs.
    #[serde(rename = "B-LT")]
    Lt,
    /// And a time-stamp over all of that.
    #[serde(rename = "B-LTA")]
    Lta,
}

impl Level {
    /// All, lowest first.
    pub const ALL: [Level; 4] = [Level::B, Level::T, Level::Lt, Level::Lta];

    /// The standards' name.
    pub fn name(self) -> &'static str {
        match self {
            Level::B => "B-B",
            Level::T => "B-T",
            Level::Lt => "B-LT",
            Level::Lta => "B-LTA",
        }
    }
}

/// A level that is not reached.
#[derive(Debug, Clone, Serialize)]
pub struct MissingLevel {
    /// Which.
    pub level: Level,
    /// Why not, in plain words.
    pub why: String,
}

/// How much of a PDF a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// All of it.
    WholeFile,
    /// All that was there when it was made; something was appended later.
    EarlierRevision,
    /// Not what a signature must cover.
    Irregular,
}

/// What was changed in a PDF after a signature.
#[derive(Debug, Clone, Serialize)]
pub struct LaterChanges {
    /// Whether the signature allows all of it.
    pub permitted: bool,
    /// How far the changes go; `None` where nothing that matters was changed.
    pub most: Option<ChangeKind>,
    /// What the signatures up to this one allow, where they say so.
    pub certification: Option<Certification>,
    /// The changes, in plain words.
    pub changes: Vec<ChangeReport>,
}

/// One change.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeReport {
    /// How far it goes.
    pub kind: ChangeKind,
    /// What was changed.
    pub what: String,
}
