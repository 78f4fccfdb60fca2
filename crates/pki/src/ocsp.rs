//! Revocation answers (RFC 6960, nonces by RFC 9654).

use std::sync::Arc;

use crypto::{SigningKey, sha1_identifier, sha256};
use model::certificate::RevocationReason;
use time::{Duration, OffsetDateTime};

use crate::decode::{self, CertificateParts, Elements, OCTET_STRING, SEQUENCE};
use crate::{CertificateFacts, PkiError, encode, issuance, oid};

/// No request is longer than this, in bytes; doors need not read further.
pub const MAX_REQUEST_LEN: usize = 8192;
/// No request asks about more certificates than this.
pub const MAX_QUESTIONS: usize = 20;
/// Longest CertID, in bytes, that names a certificate by SHA-256 and no superfluous parameters.
const MAX_COMMON_LEN: usize = 112;
/// Longest nonce that is echoed, in bytes (RFC 9654 §2.1).
const MAX_NONCE_LEN: usize = 128;

/// What is known about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was issued and is not revoked.
    Good,
    /// It was revoked.
    Revoked {
        /// When.
        at: OffsetDateTime,
        /// Why, if that is known.
        reason: Option<RevocationReason>,
    },
    /// It was never issued.
    Unknown,
}

/// A request without an answer: OCSPResponseStatus (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no OCSPRequest, or one beyond our bounds: the client's fault.
    #[error("malformed OCSP request")]
    MalformedRequest = 1,
    /// We failed.
    #[error("internal error")]
    InternalError = 2,
    /// We cannot answer now.
    #[error("try later")]
    TryLater = 3,
    /// The question is about certificates of another issuer.
    #[error("not authoritative for this issuer")]
    Unauthorized = 6,
}

impl Refusal {
    /// The DER OCSPResponse that says so. It is not signed.
    pub fn response(self) -> Vec<u8> {
        encode::sequence(&[&encode::enumerated(self as u8)])
    }
}

/// Anything that cannot be read is the client's fault.
impl From<PkiError> for Refusal {
    fn from(_: PkiError) -> Self {
        Refusal::MalformedRequest
    }
}

/// An OCSPRequest, read. Its signature, if it has one, is not looked at: answers are public.
#[derive(Debug, Clone)]
pub struct Request {
    questions: Vec<Question>,
    /// The value of the nonce extension, an OCTET STRING, to be echoed as it is.
    nonce: Option<Vec<u8>>,
}

/// CertID (RFC 6960 §4.1.1).
#[derive(Debug, Clone)]
struct Question {
    element: Vec<u8>,
    algorithm: IdentifierHash,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
    serial: String,
}

#[derive(Debug, Clone, Copy)]
enum IdentifierHash {
    Sha1,
    Sha256,
}

/// How CertIDs name an issuer under one hash: by its name and by its public key's bits.
struct IssuerIdentifier {
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
}

impl IssuerIdentifier {
    fn new(name: &[u8], key: &[u8], hash: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        Self {
            name_hash: hash(name),
            key_hash: hash(key),
        }
    }

    fn names(&self, question: &Question) -> bool {
        self.name_hash == question.name_hash && self.key_hash == question.key_hash
    }
}

impl Request {
    /// Reads a DER OCSPRequest.
    ///
    /// Fails with [`Refusal::MalformedRequest`], or with [`Refusal::Unauthorized`] where an issuer
    /// is named by a hash that we do not know.
    pub fn parse(der: &[u8]) -> Result<Self, Refusal> {
        const WHAT: &str = "OCSPRequest";
        if der.len() > MAX_REQUEST_LEN {
            return Err(Refusal::MalformedRequest);
        }
        let mut request = Elements::of(SEQUENCE, der, WHAT)?;
        let mut tbs = request.inside(SEQUENCE)?;
        request.optional(decode::context(0))?;
        request.finish()?;

        if let Some(version) = tbs.optional(decode::context(0))? {
            let mut version = Elements::of(decode::context(0), version, WHAT)?;
            if version.integer()? != [0] {
                return Err(Refusal::MalformedRequest);
            }
        }
        tbs.optional(decode::context(1))?;
        let mut list = tbs.inside(SEQUENCE)?;
        let extensions = tbs.optional(decode::context(2))?;
        tbs.finish()?;

        let mut questions = Vec::new();
        while !list.is_finished() {
            let mut single = list.inside(SEQUENCE)?;
            questions.push(Question::parse(single.next(SEQUENCE)?)?);
            single.optional(decode::context(0))?;
            single.finish()?;
        }
        if !(1..=MAX_QUESTIONS).contains(&questions.len()) {
            return Err(Refusal::MalformedRequest);
        }
        let nonce = extensions.map(nonce).transpose()?.flatten();
        Ok(Self { questions, nonce })
    }

    /// The CertID of the one certificate that is asked about, where the answer would be the same
    /// for everybody: without a nonce, and named as everybody names it.
    pub fn common(&self) -> Option<&[u8]> {
        match self.questions.as_slice() {
            [one] if self.nonce.is_none() && one.element.len() <= MAX_COMMON_LEN => {
                Some(&one.element)
            }
            _ => None,
        }
    }

    /// The serial numbers asked about, as lower-case hexadecimal digits.
    pub fn serials(&self) -> impl Iterator<Item = &str> {
        self.questions
            .iter()
            .map(|question| question.serial.as_str())
    }
}

impl Question {
    fn parse(element: &[u8]) -> Result<Self, Refusal> {
        const WHAT: &str = "CertID";
        let mut parts = Elements::of(SEQUENCE, element, WHAT)?;
        let (algorithm, _) = decode::algorithm(parts.next(SEQUENCE)?, WHAT)?;
        let name_hash = parts.content(OCTET_STRING)?.to_vec();
        let key_hash = parts.content(OCTET_STRING)?.to_vec();
        let serial = decode::serial_hex(parts.integer()?);
        parts.finish()?;
        let algorithm = match algorithm {
            oid::SHA1 => IdentifierHash::Sha1,
            oid::SHA256 => IdentifierHash::Sha256,
            _ => return Err(Refusal::Unauthorized),
        };
        Ok(Self {
            element: element.to_vec(),
            algorithm,
            name_hash,
            key_hash,
            serial,
        })
    }
}

/// Answers for one issuer, with a delegated key (RFC 6960 §4.2.2.2).
pub struct Responder {
    key: Arc<dyn SigningKey>,
    certificate: Vec<u8>,
    key_hash: [u8; 20],
    by_sha1: IssuerIdentifier,
    by_sha256: IssuerIdentifier,
    archive_cutoff: OffsetDateTime,
    fresh_for: Duration,
}

impl Responder {
    /// How long an answer may be relied on unless configured otherwise.
    pub const FRESH_FOR: Duration = Duration::hours(1);

    /// For certificates of `issuer` (DER), answering with `certificate` (DER) and its key.
    ///
    /// Fails with [`PkiError::Malformed`] or, where the parts do not belong together, with
    /// [`PkiError::Mismatch`].
    pub fn new(
        issuer: &[u8],
        certificate: Vec<u8>,
        key: Arc<dyn SigningKey>,
    ) -> Result<Self, PkiError> {
        let own = CertificateParts::parse(&certificate)?;
        let issuing = CertificateParts::parse(issuer)?;
        let issuer_facts = CertificateFacts::read(issuer)?;
        issuance::belongs(&own, key.as_ref())?;
        let named = CertificateFacts::read(&certificate)?.authority_key_identifier;
        let is_issuer = named.is_some_and(|id| id == issuer_facts.key_identifier);
        if !is_issuer || own.issuer != issuing.subject {
            return Err(PkiError::Mismatch(
                "the responder was appointed by another issuer",
            ));
        }
        let key_hash = issuance::key_identifier(own.public_key_info)?;
        let (name, issuer_key) = (
            issuing.subject,
            decode::public_key_bits(issuing.public_key_info)?,
        );
        let identified = |hash: fn(&[u8]) -> Vec<u8>| IssuerIdentifier::new(name, issuer_key, hash);
        let by_sha1 = identified(|data| sha1_identifier(data).to_vec());
        let by_sha256 = identified(|data| sha256(data).to_vec());
        let archive_cutoff = issuer_facts.not_before;
        let fresh_for = Self::FRESH_FOR;
        Ok(Self {
            key,
            certificate,
            key_hash,
            by_sha1,
            by_sha256,
            archive_cutoff,
            fresh_for,
        })
    }

    /// How long its answers may be relied on.
    pub fn fresh_for(&self) -> Duration {
        self.fresh_for
    }

    /// With answers that may be relied on for another time.
    pub fn with_fresh_for(self, fresh_for: Duration) -> Self {
        Self { fresh_for, ..self }
    }

    /// The responder's own certificate, DER: a part of every answer.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether answering may keep a thread waiting: [`SigningKey::may_block`].
    pub fn may_block(&self) -> bool {
        self.key.may_block()
    }

    /// Whether this responder answers for every issuer that the request names.
    pub fn serves(&self, request: &Request) -> bool {
        request
            .questions
            .iter()
            .all(|question| self.knows(question))
    }

    /// The DER OCSPResponse: signed, or [`Refusal::Unauthorized`] where the request is about
    /// another issuer. `lookup` is given serial numbers as [`Request::serials`] writes them.
    ///
    /// Expired certificates are answered for as long as the issuer exists, which the answer says
    /// by its archive cutoff.
    ///
    /// Fails only where the key does.
    pub fn respond(
        &self,
        request: &Request,
        lookup: impl Fn(&str) -> Status,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, PkiError> {
        if !self.serves(request) {
            return Ok(Refusal::Unauthorized.response());
        }
        let answers: Vec<_> = request
            .questions
            .iter()
            .map(|question| (question.element.as_slice(), lookup(&question.serial)))
            .collect();
        self.answer(&answers, request.nonce.as_deref(), now)
    }

    /// The DER OCSPResponse about one certificate of the issuer that nobody asked about: to stand
    /// in a signature, or to be ready for who will ask. The issuer is named by SHA-1, as every
    /// client does and understands (RFC 5019 §2.1.1).
    ///
    /// Fails with [`PkiError::Malformed`] where the serial number is none, or where the key does.
    pub fn answer_about(
        &self,
        serial_hex: &str,
        status: Status,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, PkiError> {
        let identifier = encode::sequence(&[
            &encode::sequence(&[&encode::oid(&oid::SHA1), &encode::NULL]),
            &encode::octet_string(&self.by_sha1.name_hash),
            &encode::octet_string(&self.by_sha1.key_hash),
            &encode::unsigned(&decode::serial_bytes(serial_hex)?),
        ]);
        self.answer(&[(&identifier, status)], None, now)
    }

    /// A signed answer about these certificates, each by its CertID.
    fn answer(
        &self,
        about: &[(&[u8], Status)],
        nonce: Option<&[u8]>,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, PkiError> {
        let single = |(identifier, standing): &(&[u8], Status)| {
            encode::sequence(&[
                identifier,
                &status(*standing),
                &encode::generalized_time(now),
                &encode::context(0, &encode::generalized_time(now + self.fresh_for)),
                &encode::context(1, &encode::sequence(&[&self.archive_cutoff()])),
            ])
        };
        let responses: Vec<u8> = about.iter().flat_map(single).collect();
        let nonce = nonce.map(|nonce| {
            let extension = encode::extension(&oid::OCSP_NONCE, false, nonce);
            encode::context(1, &encode::sequence(&[&extension]))
        });
        let data = encode::sequence(&[
            &encode::context(2, &encode::octet_string(&self.key_hash)),
            &encode::generalized_time(now),
            &encode::sequence(&[&responses]),
            nonce.as_deref().unwrap_or_default(),
        ]);
        let signature = self.key.sign(&data)?;
        let basic = encode::sequence(&[
            &data,
            &encode::signature_algorithm(self.key.algorithm()),
            &encode::bit_string(&signature),
            &encode::context(0, &encode::sequence(&[&self.certificate])),
        ]);
        let bytes = encode::sequence(&[
            &encode::oid(&oid::OCSP_BASIC),
            &encode::octet_string(&basic),
        ]);
        let successful = encode::enumerated(0);
        Ok(encode::sequence(&[
            &successful,
            &encode::context(0, &bytes),
        ]))
    }

    fn archive_cutoff(&self) -> Vec<u8> {
        let cutoff = encode::generalized_time(self.archive_cutoff);
        encode::extension(&oid::OCSP_ARCHIVE_CUTOFF, false, &cutoff)
    }

    fn knows(&self, question: &Question) -> bool {
        match question.algorithm {
            IdentifierHash::Sha1 => self.by_sha1.names(question),
            IdentifierHash::Sha256 => self.by_sha256.names(question),
        }
    }
}

/// CertStatus (RFC 6960 §4.2.1).
fn status(status: Status) -> Vec<u8> {
    match status {
        Status::Good => encode::tlv(0x80, &[]),
        Status::Revoked { at, reason } => {
            let reason = encode::reason(reason)
                .map(|reason| encode::context(0, &reason))
                .unwrap_or_default();
            encode::tlv(0xa1, &[&encode::generalized_time(at), &reason])
        }
        Status::Unknown => encode::tlv(0x82, &[]),
    }
}

/// The nonce among a request's extensions (RFC 9654 §2.1): 1 to 128 bytes.
fn nonce(extensions: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    const WHAT: &str = "OCSPRequest";
    let mut list = Elements::of(decode::context(2), extensions, WHAT)?.inside(SEQUENCE)?;
    let mut found = None;
    while !list.is_finished() {
        let (id, critical, value) = decode::extension(&mut list)?;
        if id == oid::OCSP_NONCE {
            let nonce = decode::content(OCTET_STRING, value).ok_or(Refusal::MalformedRequest)?;
            if !(1..=MAX_NONCE_LEN).contains(&nonce.len()) || found.is_some() {
                return Err(Refusal::MalformedRequest);
            }
            found = Some(value.to_vec());
        } else if critical {
            return Err(Refusal::MalformedRequest);
        }
    }
    Ok(found)
}
