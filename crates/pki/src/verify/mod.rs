//! Judges signature containers offline, and reads what such a judgement needs: others' containers,
//! certificates, paths, time-stamps, OCSP answers and revocation lists.
//!
//! [`verify_detached`] and [`verify_time_stamp`] are the short way, for what comes straight from a
//! signer or a time-stamping unit: they ask nobody about revocation. The long way, with revocation,
//! proofs of existence and levels, is the room `validation`, built from the same readers.

mod algorithm;
mod ber;
mod certificate;
mod horizon;
mod path;
mod revocation;
mod signed_data;
mod sources;
mod token;

use std::sync::Arc;

use crypto::foreign::Hash;
use time::OffsetDateTime;

pub use certificate::{Certificate, Purpose};
pub use horizon::Horizon;
pub use path::{Issuers, Path};
pub use revocation::{OcspResponse, RevocationList, Statement};
pub use signed_data::{Container, Content, Reference, RevocationArchive, SignedData, Signer};
pub use sources::{Sources, ocsp_request};
pub use token::TokenInfo;

use crate::{CertificateFacts, PkiError, oid};

/// What a valid container shows.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The signer's DER certificate.
    pub certificate: Vec<u8>,
    /// What that certificate says.
    pub signer: CertificateFacts,
    /// When the signature existed, by a valid signature time-stamp; `None` without one.
    pub time_stamp: Option<OffsetDateTime>,
}

/// Why a container was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The bytes are no container of the kind that this verifier reads.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// It uses something that can't be verified here.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The signature is over other content than what was given.
    #[error("the content is not what was signed")]
    Content,
    /// The certificate that the signature names as its signer's is not there.
    #[error("the signer's certificate is missing")]
    NoCertificate,
    /// The signature refers to another certificate than the one that came with it.
    #[error("the signature names another certificate than the one it carries")]
    Reference,
    /// The signature is not the key's.
    #[error("the signature does not match the signer's certificate")]
    Signature,
    /// No path leads from the certificate to a trusted root.
    #[error("{0} is not vouched for by a trusted root")]
    Untrusted(String),
    /// A certificate was used outside its validity.
    #[error("the certificate of {subject} was not valid at {at}")]
    Validity {
        /// Whose certificate.
        subject: String,
        /// The time in question.
        at: OffsetDateTime,
    },
    /// A certificate was used for something that it does not allow.
    #[error("the certificate of {subject} {reason}")]
    Purpose {
        /// Whose certificate.
        subject: String,
        /// What it does not allow.
        reason: &'static str,
    },
    /// The time-stamp is not acceptable.
    #[error("time-stamp: {0}")]
    TimeStamp(Box<VerifyError>),
}

impl From<PkiError> for VerifyError {
    fn from(error: PkiError) -> Self {
        VerifyError::Unreadable(error.to_string())
    }
}

/// Verifies a detached container over content with this SHA-256 digest.
///
/// `cms` may be followed by zero bytes, as a PDF's reserved space is. `roots` are DER
/// certificates. The signer's chain is judged at the time of the signature time-stamp, or at
/// `now` without one.
pub fn verify_detached(
    cms: &[u8],
    content_digest: &[u8; 32],
    roots: &[Vec<u8>],
    now: OffsetDateTime,
) -> Result<Verified, VerifyError> {
    let container = Container::read(cms)?;
    let signed = container.signed_data()?;
    if signed.content_type != oid::CT_DATA {
        return Err(PkiError::Malformed("signature container").into());
    }
    let signer = signed.only_signer()?;
    let certificate = certificate_of(&signed, signer)?;
    signer.check(
        Content::Digest(algorithm::SHA256, content_digest),
        &certificate,
    )?;
    must_refer(signer, &certificate)?;
    let time_stamp = match signer.time_stamps()?.as_slice() {
        [] => None,
        [token] => {
            let imprint = algorithm::SHA256.of(&[signer.signature]);
            let stamped = stamped_time(token, algorithm::SHA256, &imprint, roots);
            Some(stamped.map_err(|error| VerifyError::TimeStamp(Box::new(error)))?)
        }
        _ => return Err(PkiError::Malformed("attributes").into()),
    };
    let at = time_stamp.unwrap_or(now);
    trace(&certificate, &signed, roots, at, Purpose::Signature)?;
    Ok(Verified {
        certificate: certificate.der().to_vec(),
        signer: certificate.facts().clone(),
        time_stamp,
    })
}

/// Verifies a DER TimeStampToken over a SHA-256 `imprint` and returns its time.
pub fn verify_time_stamp(
    token: &[u8],
    imprint: &[u8; 32],
    roots: &[Vec<u8>],
) -> Result<OffsetDateTime, VerifyError> {
    stamped_time(token, algorithm::SHA256, imprint, roots)
}

fn stamped_time(
    token: &[u8],
    hash: Hash,
    imprint: &[u8],
    roots: &[Vec<u8>],
) -> Result<OffsetDateTime, VerifyError> {
    let container = Container::read(token)?;
    let signed = container.signed_data()?;
    let info = TokenInfo::read(&signed)?;
    let signer = signed.only_signer()?;
    let certificate = certificate_of(&signed, signer)?;
    let content = signed.content.unwrap_or_default();
    signer.check(Content::Pieces(&[content]), &certificate)?;
    must_refer(signer, &certificate)?;
    if !info.is_over_digest(hash, imprint) {
        return Err(VerifyError::Content);
    }
    trace(
        &certificate,
        &signed,
        roots,
        info.time,
        Purpose::TimeStamping,
    )?;
    Ok(info.time)
}

fn certificate_of(
    signed: &SignedData<'_>,
    signer: &Signer<'_>,
) -> Result<Arc<Certificate>, VerifyError> {
    let certificates = signed.certificates.iter();
    certificates
        .filter_map(|der| Certificate::read(der).ok())
        .find(|certificate| signer.is_by(certificate))
        .map(Arc::new)
        .ok_or(VerifyError::NoCertificate)
}

fn must_refer(signer: &Signer<'_>, certificate: &Certificate) -> Result<(), VerifyError> {
    match signer.reference(certificate)? {
        Some(_) => Ok(()),
        None => Err(VerifyError::Reference),
    }
}

/// Looks for a path from the certificate to one of `roots` on which everybody was valid at `at`
/// and allowed to do what they did.
fn trace(
    certificate: &Arc<Certificate>,
    signed: &SignedData<'_>,
    roots: &[Vec<u8>],
    at: OffsetDateTime,
    purpose: Purpose,
) -> Result<(), VerifyError> {
    certificate.serves(purpose)?;
    let read = |der: &[u8]| Certificate::read(der).ok().map(Arc::new);
    let anchors = roots.iter().filter_map(|der| read(der)).collect();
    let others = signed
        .certificates
        .iter()
        .filter_map(|der| read(der))
        .collect();
    let mut verdict = Err(VerifyError::Untrusted(certificate.facts().issuer()));
    for path in Issuers::new(anchors, others).paths(certificate) {
        verdict = path.check_purposes(purpose).and_then(|()| {
            let expired = path.judged().iter().find(|one| !one.is_valid_at(at));
            expired.map_or(Ok(()), |one| {
                Err(VerifyError::Validity {
                    subject: one.facts().subject(),
                    at,
                })
            })
        });
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}
