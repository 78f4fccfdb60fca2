//! Judges signature containers offline: digest, certificate reference, signature, chain and
//! time-stamp. It asks nobody about revocation.
//!
//! It reads what [`crate::cms`] and [`crate::tsa`] make and others' containers of the same form:
//! one signer, SHA-256, ECDSA on P-256 or RSA PKCS #1, DER throughout.

use crypto::sha256;
use der::Decode;
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::decode::{
    self, CertificateParts, Elements, INTEGER, OCTET_STRING, SEQUENCE, SET, context,
};
use crate::facts::display_name;
use crate::{CertificateFacts, ObjectIdentifier, PkiError, encode, oid};

/// Certificates between a signer and its root, at most.
const MAX_PATH: usize = 6;

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
    /// The signature is over other content than what was given.
    #[error("the content is not what was signed")]
    Content,
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
    let signed = Signed::parse(without_padding(cms)?, oid::CT_DATA)?;
    let certificate = signed.verify(content_digest)?;
    let time_stamp = signed
        .time_stamp_token()?
        .map(|token| {
            let imprint = sha256(signed.signature);
            verify_time_stamp(token, &imprint, roots)
                .map_err(|error| VerifyError::TimeStamp(Box::new(error)))
        })
        .transpose()?;
    let at = time_stamp.unwrap_or(now);
    trace(
        certificate,
        &signed.certificates,
        roots,
        at,
        Purpose::Signature,
    )?;
    Ok(Verified {
        certificate: certificate.to_vec(),
        signer: CertificateFacts::read(certificate)?,
        time_stamp,
    })
}

/// Verifies a DER TimeStampToken over a SHA-256 `imprint` and returns its time.
pub fn verify_time_stamp(
    token: &[u8],
    imprint: &[u8; 32],
    roots: &[Vec<u8>],
) -> Result<OffsetDateTime, VerifyError> {
    let signed = Signed::parse(token, oid::CT_TST_INFO)?;
    let info = signed
        .embedded
        .ok_or(PkiError::Malformed("time-stamp token"))?;
    let certificate = signed.verify(&sha256(info))?;
    let at = stamped_time(info, imprint)?;
    trace(
        certificate,
        &signed.certificates,
        roots,
        at,
        Purpose::TimeStamping,
    )?;
    Ok(at)
}

/// SignedData with one SignerInfo (RFC 5652 §5).
struct Signed<'a> {
    kind: ObjectIdentifier,
    embedded: Option<&'a [u8]>,
    certificates: Vec<&'a [u8]>,
    issuer_and_serial: &'a [u8],
    /// The content of the signed attributes' SET OF.
    attributes: &'a [u8],
    signature: &'a [u8],
    unsigned_attributes: Option<&'a [u8]>,
}

impl<'a> Signed<'a> {
    fn parse(der: &'a [u8], kind: ObjectIdentifier) -> Result<Self, VerifyError> {
        const WHAT: &str = "signature container";
        let mut info = Elements::of(SEQUENCE, der, WHAT)?;
        if info.oid()? != oid::CT_SIGNED_DATA {
            return Err(PkiError::Malformed(WHAT).into());
        }
        let mut data = info.inside(context(0))?.inside(SEQUENCE)?;
        info.finish()?;
        data.integer()?;
        data.next(SET)?;
        let mut encapsulated = data.inside(SEQUENCE)?;
        if encapsulated.oid()? != kind {
            return Err(PkiError::Malformed(WHAT).into());
        }
        let embedded = match encapsulated.is_finished() {
            true => None,
            false => Some(encapsulated.inside(context(0))?.content(OCTET_STRING)?),
        };
        let mut certificates = Vec::new();
        if let Some(set) = data.optional(context(0))? {
            let mut set = Elements::of(context(0), set, WHAT)?;
            while !set.is_finished() {
                certificates.push(set.any()?);
            }
        }
        data.optional(context(1))?;
        let mut signers = data.inside(SET)?;
        data.finish()?;
        let mut signer = signers.inside(SEQUENCE)?;
        signers.finish()?;

        signer.integer()?;
        let issuer_and_serial = signer.next(SEQUENCE)?;
        let (digest, _) = decode::algorithm(signer.next(SEQUENCE)?, WHAT)?;
        let attributes = signer.content(context(0))?;
        let (algorithm, _) = decode::algorithm(signer.next(SEQUENCE)?, WHAT)?;
        let signature = signer.content(OCTET_STRING)?;
        let unsigned_attributes = signer.optional(context(1))?;
        signer.finish()?;
        let supported = [
            oid::ECDSA_WITH_SHA256,
            oid::SHA256_WITH_RSA,
            oid::RSA_ENCRYPTION,
        ];
        if digest != oid::SHA256 || !supported.contains(&algorithm) {
            return Err(VerifyError::Unreadable("unsupported algorithm".into()));
        }
        Ok(Self {
            kind,
            embedded,
            certificates,
            issuer_and_serial,
            attributes,
            signature,
            unsigned_attributes,
        })
    }

    /// Checks content type, digest, certificate reference and signature (RFC 5652 §5.4 and §5.6,
    /// RFC 5035 §5); returns the signer's certificate.
    fn verify(&self, digest: &[u8; 32]) -> Result<&'a [u8], VerifyError> {
        let set = encode::tlv(SET, &[self.attributes]);
        if value(&set, SET, oid::ATTRIBUTE_CONTENT_TYPE)? != Some(&encode::oid(&self.kind)) {
            return Err(VerifyError::Content);
        }
        let message_digest = value(&set, SET, oid::ATTRIBUTE_MESSAGE_DIGEST)?;
        if message_digest.and_then(|value| decode::content(OCTET_STRING, value))
            != Some(digest.as_slice())
        {
            return Err(VerifyError::Content);
        }

        let certificate = self.signer_certificate()?;
        let reference = value(&set, SET, oid::ATTRIBUTE_SIGNING_CERTIFICATE_V2)?
            .ok_or(VerifyError::Reference)?;
        // SigningCertificateV2 → certs → the first ESSCertIDv2 → certHash, by SHA-256 if nothing
        // else is said (RFC 5035 §4).
        let mut id = Elements::of(SEQUENCE, reference, "signing certificate reference")?
            .inside(SEQUENCE)?
            .inside(SEQUENCE)?;
        if let Some(algorithm) = id.optional(SEQUENCE)? {
            let (algorithm, _) = decode::algorithm(algorithm, "signing certificate reference")?;
            if algorithm != oid::SHA256 {
                return Err(VerifyError::Unreadable("unsupported algorithm".into()));
            }
        }
        if id.content(OCTET_STRING)? != sha256(certificate) {
            return Err(VerifyError::Reference);
        }

        let parts = CertificateParts::parse(certificate)?;
        crypto::verify(parts.public_key_info, &set, self.signature)
            .map_err(|_| VerifyError::Signature)?;
        Ok(certificate)
    }

    fn signer_certificate(&self) -> Result<&'a [u8], VerifyError> {
        let mut certificates = self.certificates.iter().copied();
        certificates
            .find(|der| {
                CertificateParts::parse(der)
                    .is_ok_and(|parts| parts.issuer_and_serial() == self.issuer_and_serial)
            })
            .ok_or_else(|| VerifyError::Unreadable("the signer's certificate is missing".into()))
    }

    fn time_stamp_token(&self) -> Result<Option<&'a [u8]>, VerifyError> {
        let Some(attributes) = self.unsigned_attributes else {
            return Ok(None);
        };
        Ok(value(
            attributes,
            context(1),
            oid::ATTRIBUTE_TIME_STAMP_TOKEN,
        )?)
    }
}

/// What a certificate is used for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Signature,
    TimeStamping,
}

/// Follows the certificate up to one of `roots` (RFC 5280 §6, without policies and names).
fn trace(
    certificate: &[u8],
    pool: &[&[u8]],
    roots: &[Vec<u8>],
    at: OffsetDateTime,
    purpose: Purpose,
) -> Result<(), VerifyError> {
    may_serve(certificate, purpose)?;
    let mut current = certificate;
    for below in 0..MAX_PATH {
        let parts = CertificateParts::parse(current)?;
        let facts = CertificateFacts::read(current)?;
        if !(facts.not_before..=facts.not_after).contains(&at.replace_nanosecond(0).unwrap_or(at)) {
            return Err(VerifyError::Validity {
                subject: facts.subject,
                at,
            });
        }
        if roots.iter().any(|root| root == current) {
            return Ok(());
        }
        let candidates = roots.iter().map(Vec::as_slice).chain(pool.iter().copied());
        let issuer = candidates
            .into_iter()
            .find(|candidate| issued(candidate, &parts));
        let Some(issuer) = issuer else { break };
        may_issue(issuer, below)?;
        current = issuer;
    }
    Err(VerifyError::Untrusted(display_name(
        CertificateParts::parse(current)?.subject,
    )))
}

fn issued(issuer: &[u8], certificate: &CertificateParts<'_>) -> bool {
    let supported = [oid::ECDSA_WITH_SHA256, oid::SHA256_WITH_RSA];
    CertificateParts::parse(issuer).is_ok_and(|issuer| {
        issuer.subject == certificate.issuer
            && supported.contains(&certificate.signature_algorithm)
            && crypto::verify(
                issuer.public_key_info,
                certificate.tbs,
                certificate.signature,
            )
            .is_ok()
    })
}

/// Whether an authority may stand above `below` others and the end entity.
fn may_issue(der: &[u8], below: usize) -> Result<(), VerifyError> {
    let certificate = readable(der)?;
    let tbs = certificate.tbs_certificate();
    let constraints = tbs.get_extension::<BasicConstraints>().ok().flatten();
    let usage = tbs.get_extension::<KeyUsage>().ok().flatten();
    let allowed = constraints.is_some_and(|(_, constraints)| {
        constraints.ca
            && constraints
                .path_len_constraint
                .is_none_or(|most| below <= usize::from(most))
    });
    if !allowed || !usage.is_some_and(|(_, usage)| usage.key_cert_sign()) {
        let subject = tbs.subject().to_string();
        return Err(VerifyError::Purpose {
            subject,
            reason: "must not issue this certificate",
        });
    }
    Ok(())
}

fn may_serve(der: &[u8], purpose: Purpose) -> Result<(), VerifyError> {
    let certificate = readable(der)?;
    let tbs = certificate.tbs_certificate();
    let refuse = |reason| {
        Err(VerifyError::Purpose {
            subject: tbs.subject().to_string(),
            reason,
        })
    };
    let usage = tbs.get_extension::<KeyUsage>().ok().flatten();
    if !usage.is_some_and(|(_, usage)| usage.non_repudiation() || usage.digital_signature()) {
        return refuse("is not for signatures");
    }
    let extended = tbs.get_extension::<ExtendedKeyUsage>().ok().flatten();
    let stamps = matches!(&extended, Some((true, usage)) if usage.0 == [oid::KP_TIME_STAMPING]);
    match purpose {
        Purpose::TimeStamping if !stamps => refuse("is not for time-stamping alone"),
        Purpose::Signature if stamps => refuse("is for time-stamping only"),
        _ => Ok(()),
    }
}

/// Reads a certificate and refuses critical extensions that are not understood here.
fn readable(der: &[u8]) -> Result<Certificate, VerifyError> {
    const UNDERSTOOD: [ObjectIdentifier; 4] = [
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::EXTENDED_KEY_USAGE,
        oid::CERTIFICATE_POLICIES,
    ];
    let certificate = Certificate::from_der(der).map_err(|_| PkiError::Malformed("certificate"))?;
    let tbs = certificate.tbs_certificate();
    let mut extensions = tbs.extensions().into_iter().flatten();
    if extensions.any(|one| one.critical && !UNDERSTOOD.contains(&one.extn_id)) {
        let subject = tbs.subject().to_string();
        let reason = "has a critical extension that is not understood";
        return Err(VerifyError::Purpose { subject, reason });
    }
    Ok(certificate)
}

/// TSTInfo's time, if it is about `imprint` (RFC 3161 §2.4.2).
fn stamped_time(info: &[u8], imprint: &[u8; 32]) -> Result<OffsetDateTime, VerifyError> {
    const WHAT: &str = "time-stamp token";
    let mut parts = Elements::of(SEQUENCE, info, WHAT)?;
    parts.integer()?;
    parts.oid()?;
    let mut message = parts.inside(SEQUENCE)?;
    let (algorithm, _) = decode::algorithm(message.next(SEQUENCE)?, WHAT)?;
    if algorithm != oid::SHA256 || message.content(OCTET_STRING)? != imprint {
        return Err(VerifyError::Content);
    }
    parts.next(INTEGER)?;
    Ok(parts.generalized_time()?)
}

/// The one value of an attribute that must not be there twice.
fn value(set: &[u8], tag: u8, id: ObjectIdentifier) -> Result<Option<&[u8]>, PkiError> {
    const WHAT: &str = "attributes";
    let mut list = Elements::of(tag, set, WHAT)?;
    let mut found = None;
    while !list.is_finished() {
        let mut attribute = list.inside(SEQUENCE)?;
        if attribute.oid()? == id {
            let mut values = attribute.inside(SET)?;
            if found.replace(values.any()?).is_some() || !values.is_finished() {
                return Err(PkiError::Malformed(WHAT));
            }
        }
    }
    Ok(found)
}

fn without_padding(cms: &[u8]) -> Result<&[u8], VerifyError> {
    use der::{Reader, SliceReader};
    const MALFORMED: PkiError = PkiError::Malformed("signature container");
    let first = SliceReader::new(cms).and_then(|mut reader| reader.tlv_bytes());
    let first = first.map_err(|_| MALFORMED)?;
    match cms[first.len()..].iter().all(|byte| *byte == 0) {
        true => Ok(first),
        false => Err(MALFORMED.into()),
    }
}
