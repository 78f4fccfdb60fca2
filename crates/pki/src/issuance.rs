//! The way of a certificate: [`Draft`] → [`Linted`] → [`Recorded`] → [`Signed`].
//!
//! Each step consumes the one before it, so that a certificate that fails its lints cannot be
//! signed, and none is signed before its exact bytes could be stored. After a crash, the stored
//! bytes give the same [`Recorded`] again and the same serial number is used, never a second one.

use std::num::NonZeroU16;
use std::sync::Arc;

use crypto::{KeyAlgorithm, SigningKey};
use model::Entropy;
use time::{Duration, OffsetDateTime};

use crate::decode::{CertificateParts, Elements, SEQUENCE};
use crate::{CertificateFacts, PkiError, decode, encode, lint, oid};

/// A certification authority that issues: its certificate, its key, and where relying parties
/// find its certificate and its revocation answers.
#[derive(Clone)]
pub struct Issuer {
    certificate: Vec<u8>,
    subject: Vec<u8>,
    key_identifier: Vec<u8>,
    not_after: OffsetDateTime,
    key: Arc<dyn SigningKey>,
    pointers: Pointers,
}

/// What an issuer writes into the certificates it issues: authority information access and
/// revocation list (RFC 5280 §4.2.2.1 and §4.2.1.13). Plain `http` is usual: the answers are signed
/// themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointers {
    /// Where its OCSP responder answers.
    pub ocsp: String,
    /// Where its own certificate can be fetched, as DER.
    pub certificate: String,
    /// Where its revocation lists can be fetched, if it publishes them. Only certificates that last
    /// point there.
    pub lists: Option<Lists>,
    /// Where the one list can be fetched that tells of authorities, if it publishes one.
    pub authority_list: Option<String>,
}

/// Where an issuer's revocation lists can be fetched. Beside the complete one there are shards, each
/// of which tells of a part of the certificates: a revocation then makes a short list out of date,
/// and relying parties fetch a short one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// What the addresses begin with; a slash, the shard's number and `.crl` follow.
    pub folder: String,
    /// How many there are, for certificates that are issued from now on.
    pub shards: NonZeroU16,
}

impl Lists {
    /// The shard for the certificate of a key (DER SubjectPublicKeyInfo).
    ///
    /// Fails with [`PkiError::Malformed`].
    pub fn shard_for(&self, public_key_info: &[u8]) -> Result<u16, PkiError> {
        let [high, low, ..] = key_identifier(public_key_info)?;
        Ok(u16::from_be_bytes([high, low]) % self.shards)
    }

    /// Where a shard is.
    pub fn address(&self, shard: u16) -> String {
        Self::address_in(&self.folder, shard)
    }

    /// Where a shard is, of the lists that are in that folder.
    pub fn address_in(folder: &str, shard: u16) -> String {
        format!("{folder}/{shard}.crl")
    }
}

impl Issuer {
    /// Joins a CA certificate (DER) and its key.
    ///
    /// Fails with [`PkiError::Malformed`] or, where the key is another certificate's, with
    /// [`PkiError::Mismatch`].
    pub fn new(
        certificate: Vec<u8>,
        key: Arc<dyn SigningKey>,
        pointers: Pointers,
    ) -> Result<Self, PkiError> {
        let parts = CertificateParts::parse(&certificate)?;
        belongs(&parts, key.as_ref())?;
        let subject = parts.subject.to_vec();
        let key_identifier = key_identifier(parts.public_key_info)?.to_vec();
        let not_after = CertificateFacts::read(&certificate)?.not_after;
        Ok(Self {
            certificate,
            subject,
            key_identifier,
            not_after,
            key,
            pointers,
        })
    }

    /// The issuer's own certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The issuer's key.
    pub fn key(&self) -> &Arc<dyn SigningKey> {
        &self.key
    }

    /// The last second of its certificate: nothing that it issues lasts longer.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Whether a certificate on record was drawn up for this issuer and its key.
    pub fn drew_up(&self, recorded: &Recorded) -> bool {
        let names_issuer = parts_of(&recorded.tbs).is_ok_and(|parts| parts.issuer == self.subject);
        names_issuer && recorded.authority_key.as_deref() == Some(self.key_identifier())
    }

    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// What it writes into the certificates that it issues.
    pub fn pointers(&self) -> &Pointers {
        &self.pointers
    }

    /// The key identifier that what it issues names it by (RFC 5280 §4.2.1.1).
    pub fn key_identifier(&self) -> &[u8] {
        &self.key_identifier
    }

    /// The extension of what it signs that names its key, by the key identifier only (RFC 5280
    /// §4.2.1.1).
    pub(crate) fn authority_key_identifier(&self) -> Vec<u8> {
        let value = encode::sequence(&[&encode::tlv(0x80, &[&self.key_identifier])]);
        encode::extension(&oid::AUTHORITY_KEY_IDENTIFIER, false, &value)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("pointers", &self.pointers)
            .finish_non_exhaustive()
    }
}

/// When a certificate is valid; both ends are included (RFC 5280 §4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: OffsetDateTime,
    /// Last second.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// How long one-time certificates are valid unless configured otherwise.
    pub const ONE_DAY: Duration = Duration::DAY;

    /// From `start`, in whole seconds, for as long as `lasting`.
    pub fn starting(start: OffsetDateTime, lasting: Duration) -> Self {
        let not_before = start.replace_nanosecond(0).unwrap_or(start);
        Self {
            not_before,
            not_after: not_before + lasting - Duration::SECOND,
        }
    }
}

/// A certificate as a profile drew it up; nothing has been checked.
#[derive(Debug)]
pub struct Draft {
    tbs: Vec<u8>,
}

impl Draft {
    /// Draws a certificate up that `issuer` is to sign.
    ///
    /// Fails with [`PkiError::Value`] where it would outlive the issuer.
    pub(crate) fn issued(
        issuer: &Issuer,
        content: Content<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, PkiError> {
        if content.validity.not_after > issuer.not_after {
            return Err(PkiError::Value {
                field: "the end of validity",
                reason: "lies after the end of the issuing authority's own certificate".into(),
            });
        }
        Self::assemble(
            &issuer.subject,
            issuer.key.algorithm(),
            Some(issuer.authority_key_identifier()),
            content,
            entropy,
        )
    }

    /// Draws a certificate up that its own key is to sign.
    pub(crate) fn self_issued(
        key: &dyn SigningKey,
        content: Content<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, PkiError> {
        let issuer = content.subject.clone();
        Self::assemble(&issuer, key.algorithm(), None, content, entropy)
    }

    /// Checks the draft against the rules for its kind.
    ///
    /// Fails with [`PkiError::Lint`] and all findings.
    pub fn lint(self) -> Result<Linted, PkiError> {
        judge(&self.tbs)?;
        Ok(Linted { tbs: self.tbs })
    }

    fn assemble(
        issuer: &[u8],
        algorithm: KeyAlgorithm,
        authority_key_identifier: Option<Vec<u8>>,
        content: Content<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Self, PkiError> {
        let subject_key_identifier = encode::extension(
            &oid::SUBJECT_KEY_IDENTIFIER,
            false,
            &encode::octet_string(&key_identifier(content.public_key_info)?),
        );
        let mut extensions = authority_key_identifier.unwrap_or_default();
        extensions.extend_from_slice(&subject_key_identifier);
        extensions.extend(content.extensions.concat());
        let validity = encode::sequence(&[
            &encode::certificate_time(content.validity.not_before),
            &encode::certificate_time(content.validity.not_after),
        ]);
        let tbs = encode::sequence(&[
            &encode::context(0, &encode::small(2)),
            &encode::unsigned(&random_serial(entropy)),
            &encode::signature_algorithm(algorithm),
            issuer,
            &validity,
            &content.subject,
            content.public_key_info,
            &encode::context(3, &encode::sequence(&[&extensions])),
        ]);
        Ok(Self { tbs })
    }
}

/// What a profile decides about a certificate; identifiers of keys are added to the extensions.
pub(crate) struct Content<'a> {
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key_info: &'a [u8],
    pub(crate) validity: Validity,
    pub(crate) extensions: Vec<Vec<u8>>,
}

/// A certificate that keeps the rules.
#[derive(Debug)]
pub struct Linted {
    tbs: Vec<u8>,
}

impl Linted {
    /// Makes the certificate ready to be stored; store [`Recorded::tbs`] before signing.
    pub fn record(self) -> Result<Recorded, PkiError> {
        Recorded::of(self.tbs)
    }
}

/// A certificate whose exact bytes are, or are about to be, on record.
#[derive(Debug, Clone)]
pub struct Recorded {
    tbs: Vec<u8>,
    serial: String,
    /// The issuer's key identifier; a root's certificate has none.
    authority_key: Option<Vec<u8>>,
}

impl Recorded {
    /// Takes up a stored certificate again. It is linted anew, since the bytes come from outside.
    ///
    /// Fails with [`PkiError::Malformed`] or [`PkiError::Lint`].
    pub fn from_tbs(tbs: &[u8]) -> Result<Self, PkiError> {
        judge(tbs)?;
        Self::of(tbs.to_vec())
    }

    /// The DER TBSCertificate: exactly what will be signed.
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    /// The serial number as lower-case hexadecimal digits.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The shard of the issuer's revocation lists that the certificate points to, if it does.
    pub fn shard(&self, lists: &Lists) -> Option<u16> {
        let parts = parts_of(&self.tbs).ok()?;
        let shard = lists.shard_for(parts.public_key_info).ok()?;
        let address = lists.address(shard);
        let mut parts = self.tbs.windows(address.len());
        parts
            .any(|part| part == address.as_bytes())
            .then_some(shard)
    }

    /// Signs.
    ///
    /// Fails with [`PkiError::Mismatch`] where the certificate was drawn up for another issuer.
    pub fn sign(self, issuer: &Issuer) -> Result<Signed, PkiError> {
        if !issuer.drew_up(&self) {
            return Err(PkiError::Mismatch(
                "the certificate was drawn up for another issuer",
            ));
        }
        self.seal(issuer.key.as_ref())
    }

    /// Signs a root certificate with its own key.
    ///
    /// Fails with [`PkiError::Mismatch`] where `key` is not the certificate's own.
    pub fn sign_self(self, key: &dyn SigningKey) -> Result<Signed, PkiError> {
        let parts = parts_of(&self.tbs)?;
        if parts.issuer != parts.subject || parts.public_key_info != key.public_key_info() {
            return Err(PkiError::Mismatch(
                "the certificate is not one of this key's own",
            ));
        }
        self.seal(key)
    }

    fn of(tbs: Vec<u8>) -> Result<Self, PkiError> {
        let parsed = parse(&tbs)?;
        let serial = decode::serial_hex(parsed.serial_number().as_bytes());
        let authority_key = authority_key(&parsed);
        Ok(Self {
            tbs,
            serial,
            authority_key,
        })
    }

    fn seal(self, key: &dyn SigningKey) -> Result<Signed, PkiError> {
        let signature = key.sign(&self.tbs)?;
        let certificate = encode::sequence(&[
            &self.tbs,
            &encode::signature_algorithm(key.algorithm()),
            &encode::bit_string(&signature),
        ]);
        Ok(Signed {
            certificate,
            serial: self.serial,
        })
    }
}

/// An issued certificate.
#[derive(Debug, Clone)]
pub struct Signed {
    certificate: Vec<u8>,
    serial: String,
}

impl Signed {
    /// The DER certificate.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The serial number as lower-case hexadecimal digits.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The DER certificate, by value.
    pub fn into_certificate(self) -> Vec<u8> {
        self.certificate
    }
}

/// The key identifier by method 1 of RFC 5280 §4.2.1.2: SHA-1 over the public key's bits.
pub(crate) fn key_identifier(public_key_info: &[u8]) -> Result<[u8; 20], PkiError> {
    Ok(crypto::sha1_identifier(decode::public_key_bits(
        public_key_info,
    )?))
}

/// The identifier of the issuer's key, where the certificate says it.
pub(crate) fn authority_key(tbs: &x509_cert::TbsCertificate) -> Option<Vec<u8>> {
    let (_, authority) = tbs
        .get_extension::<x509_cert::ext::pkix::AuthorityKeyIdentifier>()
        .ok()??;
    Some(authority.key_identifier?.as_bytes().to_vec())
}

/// Checks that `key` is the one that the certificate certifies.
pub(crate) fn belongs(parts: &CertificateParts<'_>, key: &dyn SigningKey) -> Result<(), PkiError> {
    if parts.public_key_info == key.public_key_info() {
        Ok(())
    } else {
        Err(PkiError::Mismatch(
            "the private key does not belong to the certificate",
        ))
    }
}

fn judge(tbs: &[u8]) -> Result<(), PkiError> {
    let findings = lint::check(tbs);
    if findings.is_empty() {
        Ok(())
    } else {
        Err(PkiError::Lint(findings))
    }
}

fn parse(tbs: &[u8]) -> Result<x509_cert::TbsCertificate, PkiError> {
    der::Decode::from_der(tbs).map_err(|_| PkiError::Malformed("certificate"))
}

struct TbsParts<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    public_key_info: &'a [u8],
}

fn parts_of(tbs: &[u8]) -> Result<TbsParts<'_>, PkiError> {
    let mut parts = Elements::of(SEQUENCE, tbs, "certificate")?;
    parts.optional(decode::context(0))?;
    parts.any()?;
    parts.any()?;
    let issuer = parts.next(SEQUENCE)?;
    parts.any()?;
    let subject = parts.next(SEQUENCE)?;
    let public_key_info = parts.next(SEQUENCE)?;
    Ok(TbsParts {
        issuer,
        subject,
        public_key_info,
    })
}

/// 126 random bits in 16 bytes, always positive and always of the same length (RFC 5280 §4.1.2.2
/// allows 20 bytes): nobody can prepare a certificate's digest without knowing its serial.
fn random_serial(entropy: &dyn Entropy) -> [u8; 16] {
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}
