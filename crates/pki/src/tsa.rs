//! Time-stamping (RFC 3161, RFC 5816, EN 319 422).
//!
//! Times are whole seconds, cut and not rounded, with an accuracy of one second. Tokens carry
//! signing-certificate-v2 and a random 128-bit serial number.

pub mod client;
mod info;

use std::sync::Arc;

use const_oid::ObjectIdentifier;
use crypto::{SigningKey, sha256};
use model::{Clock, DigestAlgorithm, Entropy};
use time::OffsetDateTime;

use crate::cms::{Container, Content, TimeStamper};
use crate::decode::{self, BOOLEAN, Elements, INTEGER, OCTET_STRING, OID, SEQUENCE};
use crate::{PkiError, encode, oid};

/// No request is longer than this, in bytes; doors need not read further.
pub const MAX_REQUEST_LEN: usize = 4096;

/// A time-stamping unit.
pub struct Tsa {
    key: Arc<dyn SigningKey>,
    container: Container,
    policy: ObjectIdentifier,
}

impl Tsa {
    /// With the unit's DER `certificate` and those that lead from it towards the root, under the
    /// ETSI best-practices policy.
    ///
    /// Fails with [`PkiError::Malformed`] or, where the key is another certificate's, with
    /// [`PkiError::Mismatch`].
    pub fn new(
        certificate: &[u8],
        chain: &[Vec<u8>],
        key: Arc<dyn SigningKey>,
    ) -> Result<Self, PkiError> {
        let container = Container::new(key.as_ref(), certificate, chain)?;
        Ok(Self {
            key,
            container,
            policy: oid::POLICY_TIME_STAMP,
        })
    }

    /// Under another policy.
    pub fn with_policy(self, policy: ObjectIdentifier) -> Self {
        Self { policy, ..self }
    }

    /// Whether stamping may keep a thread waiting: [`SigningKey::may_block`].
    pub fn may_block(&self) -> bool {
        self.key.may_block()
    }

    /// Answers a DER TimeStampReq with a DER TimeStampResp. A request that cannot be granted is
    /// answered with a rejection that says why (RFC 3161 §2.4.2).
    ///
    /// Fails only where the key does.
    pub fn respond(
        &self,
        request: &[u8],
        now: OffsetDateTime,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, PkiError> {
        let token = match Request::parse(request).and_then(|request| self.accept(request)) {
            Err(refusal) => return Ok(refusal.response()),
            Ok(request) => self.issue(&request, now, entropy)?,
        };
        let granted = encode::sequence(&[&encode::small(0)]);
        Ok(encode::sequence(&[&granted, &token]))
    }

    /// A DER TimeStampToken over a SHA-256 `imprint`, with certificates.
    pub fn token(
        &self,
        imprint: &[u8; 32],
        now: OffsetDateTime,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, PkiError> {
        let imprint = sha256_imprint(imprint);
        let request = Request {
            imprint: &imprint,
            policy: None,
            nonce: None,
            with_certificates: true,
        };
        self.issue(&request, now, entropy)
    }

    /// This unit as a [`TimeStamper`] that reads `clock` for every token.
    pub fn stamper<'a>(&'a self, clock: &'a dyn Clock, entropy: &'a dyn Entropy) -> Stamper<'a> {
        Stamper {
            tsa: self,
            clock,
            entropy,
        }
    }

    fn accept<'a>(&self, request: Request<'a>) -> Result<Request<'a>, Refusal> {
        match request.policy {
            Some(policy) if policy != self.policy => Err(Refusal::UnacceptedPolicy),
            _ => Ok(request),
        }
    }

    fn issue(
        &self,
        request: &Request<'_>,
        now: OffsetDateTime,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, PkiError> {
        let mut serial = [0; 16];
        entropy.fill(&mut serial);
        let info = self.info(request, now, &serial);
        let content = content(&info, request.with_certificates);
        let attributes = self
            .container
            .signed_attributes(&content.kind, &sha256(&info));
        let signature = self.key.sign(&attributes.to_be_signed())?;
        Ok(self
            .container
            .assemble(&content, Some(&attributes), &signature, None))
    }

    /// TSTInfo (RFC 3161 §2.4.2).
    fn info(&self, request: &Request<'_>, now: OffsetDateTime, serial: &[u8; 16]) -> Vec<u8> {
        let accuracy = encode::sequence(&[&encode::small(1)]);
        encode::sequence(&[
            &encode::small(1),
            &encode::oid(&self.policy),
            request.imprint,
            &encode::unsigned(serial),
            &encode::generalized_time(now),
            &accuracy,
            request.nonce.unwrap_or_default(),
        ])
    }
}

/// A time-stamping unit together with the clock and the randomness that it uses.
pub struct Stamper<'a> {
    tsa: &'a Tsa,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
}

impl TimeStamper for Stamper<'_> {
    fn time_stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, PkiError> {
        self.tsa.token(imprint, self.clock.now(), self.entropy)
    }

    fn max_token_len(&self) -> usize {
        let imprint = sha256_imprint(&[0; 32]);
        let request = Request {
            imprint: &imprint,
            policy: None,
            nonce: None,
            with_certificates: true,
        };
        // The serial's highest bit costs a byte; every other part has a fixed length.
        let info = self
            .tsa
            .info(&request, OffsetDateTime::UNIX_EPOCH, &[0xff; 16]);
        let content = content(&info, true);
        let attributes = self
            .tsa
            .container
            .signed_attributes(&content.kind, &[0; 32]);
        self.tsa.container.largest(&content, &attributes, None)
    }
}

/// Why a request is refused: PKIFailureInfo (RFC 3161 §2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    BadAlgorithm,
    BadRequest,
    BadDataFormat,
    UnacceptedPolicy,
    UnacceptedExtension,
}

impl Refusal {
    fn response(self) -> Vec<u8> {
        let (bit, text) = match self {
            Refusal::BadAlgorithm => (0, "the imprint must be SHA-256, SHA-384 or SHA-512"),
            Refusal::BadRequest => (2, "the request's version must be 1"),
            Refusal::BadDataFormat => (5, "the request is no TimeStampReq in DER"),
            Refusal::UnacceptedPolicy => (15, "this unit does not issue under that policy"),
            Refusal::UnacceptedExtension => (16, "this unit supports no extensions"),
        };
        let rejection = encode::small(2);
        let free_text = encode::sequence(&[&encode::utf8(text)]);
        let status = encode::sequence(&[&rejection, &free_text, &encode::single_bit(bit)]);
        encode::sequence(&[&status])
    }
}

/// Structures that cannot be read at all are `badDataFormat`.
impl From<PkiError> for Refusal {
    fn from(_: PkiError) -> Self {
        Refusal::BadDataFormat
    }
}

/// TimeStampReq (RFC 3161 §2.4.1).
struct Request<'a> {
    /// MessageImprint, which goes into the token as it is.
    imprint: &'a [u8],
    policy: Option<ObjectIdentifier>,
    /// The INTEGER, which goes into the token as it is.
    nonce: Option<&'a [u8]>,
    with_certificates: bool,
}

impl<'a> Request<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, Refusal> {
        const WHAT: &str = "TimeStampReq";
        if der.len() > MAX_REQUEST_LEN {
            return Err(Refusal::BadDataFormat);
        }
        let mut parts = Elements::of(SEQUENCE, der, WHAT)?;
        if parts.integer()? != [1] {
            return Err(Refusal::BadRequest);
        }
        let imprint = parts.next(SEQUENCE)?;
        let policy = parts.optional(OID)?;
        let nonce = parts.optional(INTEGER)?;
        let with_certificates = parts
            .optional(BOOLEAN)?
            .is_some_and(|element| element.last() != Some(&0));
        if parts.optional(decode::context(0))?.is_some() {
            return Err(Refusal::UnacceptedExtension);
        }
        parts.finish()?;
        check_imprint(imprint)?;
        let policy = policy
            .map(|element| der::Decode::from_der(element).map_err(|_| Refusal::BadDataFormat))
            .transpose()?;
        Ok(Self {
            imprint,
            policy,
            nonce,
            with_certificates,
        })
    }
}

fn check_imprint(element: &[u8]) -> Result<(), Refusal> {
    const WHAT: &str = "MessageImprint";
    let mut parts = Elements::of(SEQUENCE, element, WHAT)?;
    let (algorithm, parameters) = decode::algorithm(parts.next(SEQUENCE)?, WHAT)?;
    let digest = parts.content(OCTET_STRING)?;
    parts.finish()?;
    let len = match algorithm {
        oid::SHA256 => 32,
        oid::SHA384 => 48,
        oid::SHA512 => 64,
        _ => return Err(Refusal::BadAlgorithm),
    };
    if parameters.is_some_and(|parameters| parameters != encode::NULL) {
        return Err(Refusal::BadAlgorithm);
    }
    if digest.len() == len {
        Ok(())
    } else {
        Err(Refusal::BadDataFormat)
    }
}

fn content(info: &[u8], with_certificates: bool) -> Content<'_> {
    Content {
        kind: oid::CT_TST_INFO,
        embedded: Some(info),
        with_certificates,
        digest: DigestAlgorithm::Sha256,
    }
}

fn sha256_imprint(digest: &[u8; 32]) -> Vec<u8> {
    encode::sequence(&[
        &encode::algorithm(&oid::SHA256),
        &encode::octet_string(digest),
    ])
}
