//! Detached signature containers (RFC 5652): for PDF as EN 319 142-1 profiles them for
//! `ETSI.CAdES.detached`, and for content of which only the digest is known as EN 319 122-1 does.
//!
//! Signed attributes are content type, message digest and signing-certificate-v2. In a PDF there is
//! no signing time beside them: its own dictionary carries the claimed time (EN 319 142-1 §6.3). A
//! time-stamp over the signature goes into the unsigned attributes and lifts the signature from B-B
//! to B-T.

use const_oid::ObjectIdentifier;
use crypto::{Digest, KeyAlgorithm, SigningKey, sha256};
use model::DigestAlgorithm;
use time::OffsetDateTime;

use crate::attributes::{self, SignedAttributes};
use crate::decode::CertificateParts;
use crate::{PkiError, encode, issuance, oid};

/// Makes time-stamp tokens over a SHA-256 imprint (RFC 3161).
pub trait TimeStamper {
    /// A DER TimeStampToken over `imprint`.
    fn time_stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, PkiError>;

    /// No token is longer than this, in bytes.
    fn max_token_len(&self) -> usize;
}

/// Content of which only the digest is known.
#[derive(Debug, Clone, Copy)]
pub struct HashedContent<'a> {
    /// The digest. What else is hashed on the way to the signature is hashed by its algorithm too
    /// (RFC 5652 §5.4).
    pub digest: &'a Digest,
    /// What is signed with it. `None`: the signature is over the digest itself and says nothing
    /// else, as CMS allows and CAdES does not.
    pub attributes: Option<HashAttributes<'a>>,
}

/// What a signature says besides the attributes that every one of ours has.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashAttributes<'a> {
    /// The claimed time; CAdES baseline wants it (EN 319 122-1 §6.3).
    pub signing_time: Option<OffsetDateTime>,
    /// Further DER Attributes, as [`attributes::check`] allows them.
    pub others: &'a [Vec<u8>],
}

/// Signs content digests with one key; made once, used for many documents.
pub struct CmsSigner<'a> {
    key: &'a dyn SigningKey,
    container: Container,
    attributes: Vec<Vec<u8>>,
}

impl<'a> CmsSigner<'a> {
    /// With the signer's DER `certificate` and the certificates that lead from it towards the
    /// root; the root itself need not be there.
    ///
    /// Fails with [`PkiError::Malformed`] or, where the key is another certificate's, with
    /// [`PkiError::Mismatch`].
    pub fn new(
        key: &'a dyn SigningKey,
        certificate: &[u8],
        chain: &[Vec<u8>],
    ) -> Result<Self, PkiError> {
        Ok(Self {
            key,
            container: Container::new(key, certificate, chain)?,
            attributes: Vec::new(),
        })
    }

    /// With further DER Attributes in every signature that has signed attributes.
    ///
    /// Fails with [`PkiError::Value`] where [`attributes::check`] does.
    pub fn with_attributes(self, attributes: Vec<Vec<u8>>) -> Result<Self, PkiError> {
        attributes::check(&attributes)?;
        Ok(Self { attributes, ..self })
    }

    /// Signs the SHA-256 `content_digest` and returns the DER ContentInfo: PAdES B-T with a
    /// time-stamper, B-B without.
    ///
    /// A token that is longer than the time-stamper promised is left out: no room was kept for
    /// it, and the key may not sign twice. The time-stamper knows.
    pub fn sign(
        &self,
        content_digest: &[u8; 32],
        time_stamper: Option<&dyn TimeStamper>,
    ) -> Result<Vec<u8>, PkiError> {
        let attributes = self.pades_attributes(content_digest);
        let digest = Digest::of(DigestAlgorithm::Sha256, &attributes.to_be_signed());
        let room = time_stamper.map(TimeStamper::max_token_len);
        self.finish(&digest, Some(&attributes), time_stamper, room)
    }

    /// Signs content by its digest alone and returns the DER ContentInfo of a `.p7m`: CAdES B-T
    /// with a time-stamper, B-B without.
    ///
    /// Fails with [`PkiError::Value`] where an attribute is not allowed or there twice.
    pub fn sign_hash(
        &self,
        content: &HashedContent<'_>,
        time_stamper: Option<&dyn TimeStamper>,
    ) -> Result<Vec<u8>, PkiError> {
        let Some(wanted) = content.attributes else {
            return self.finish(content.digest, None, time_stamper, None);
        };
        let others = [&self.attributes[..], wanted.others].concat();
        attributes::check(&others)?;
        let attributes = self
            .container
            .signed_attributes(&oid::CT_DATA, content.digest.as_bytes())
            .with_signing_time(wanted.signing_time)
            .with(&others);
        let digest = Digest::of(content.digest.algorithm(), &attributes.to_be_signed());
        self.finish(&digest, Some(&attributes), time_stamper, None)
    }

    /// No container that [`CmsSigner::sign`] makes with this time-stamper is longer than this,
    /// in bytes.
    pub fn max_size(&self, time_stamper: Option<&dyn TimeStamper>) -> usize {
        let attributes = self.pades_attributes(&[0; 32]);
        let token = time_stamper.map(|stamper| vec![0; stamper.max_token_len()]);
        self.container
            .largest(&DETACHED, &attributes, token.as_deref())
    }

    fn pades_attributes(&self, content_digest: &[u8; 32]) -> SignedAttributes {
        self.container
            .signed_attributes(&oid::CT_DATA, content_digest)
            .with(&self.attributes)
    }

    fn finish(
        &self,
        digest: &Digest,
        attributes: Option<&SignedAttributes>,
        time_stamper: Option<&dyn TimeStamper>,
        room: Option<usize>,
    ) -> Result<Vec<u8>, PkiError> {
        let content = Content {
            digest: digest.algorithm(),
            ..DETACHED
        };
        let signature = self.key.sign_digest(digest)?;
        let token = time_stamper
            .map(|stamper| stamper.time_stamp(&sha256(&signature)))
            .transpose()?
            .filter(|token| room.is_none_or(|room| token.len() <= room));
        Ok(self
            .container
            .assemble(&content, attributes, &signature, token.as_deref()))
    }
}

/// What a container is about.
pub(crate) struct Content<'a> {
    pub(crate) kind: ObjectIdentifier,
    /// The content itself, where the container carries it.
    pub(crate) embedded: Option<&'a [u8]>,
    pub(crate) with_certificates: bool,
    /// What content and signed attributes are hashed by.
    pub(crate) digest: DigestAlgorithm,
}

const DETACHED: Content<'static> = Content {
    kind: oid::CT_DATA,
    embedded: None,
    with_certificates: true,
    digest: DigestAlgorithm::Sha256,
};

/// The parts of a container that depend on the signer only.
pub(crate) struct Container {
    issuer_and_serial: Vec<u8>,
    signing_certificate: Vec<u8>,
    /// The content of the certificate set.
    certificates: Vec<u8>,
    key_algorithm: KeyAlgorithm,
}

impl Container {
    pub(crate) fn new(
        key: &dyn SigningKey,
        certificate: &[u8],
        chain: &[Vec<u8>],
    ) -> Result<Self, PkiError> {
        let parts = CertificateParts::parse(certificate)?;
        issuance::belongs(&parts, key)?;
        // ESSCertIDv2 with SHA-256, its default, and no issuerSerial (RFC 5035 §4).
        let id = encode::sequence(&[&encode::octet_string(&sha256(certificate))]);
        let reference = encode::sequence(&[&encode::sequence(&[&id])]);
        let chain = chain.iter().map(Vec::as_slice);
        Ok(Self {
            issuer_and_serial: parts.issuer_and_serial(),
            signing_certificate: encode::attribute(
                &oid::ATTRIBUTE_SIGNING_CERTIFICATE_V2,
                &reference,
            ),
            certificates: encode::sorted([certificate].into_iter().chain(chain).collect()),
            key_algorithm: key.algorithm(),
        })
    }

    /// The attributes that every signature has.
    pub(crate) fn signed_attributes(
        &self,
        kind: &ObjectIdentifier,
        digest: &[u8],
    ) -> SignedAttributes {
        SignedAttributes::new(kind, digest).with(std::slice::from_ref(&self.signing_certificate))
    }

    /// The DER ContentInfo.
    pub(crate) fn assemble(
        &self,
        content: &Content<'_>,
        signed_attributes: Option<&SignedAttributes>,
        signature: &[u8],
        token: Option<&[u8]>,
    ) -> Vec<u8> {
        let digest_algorithm = encode::digest_algorithm(content.digest);
        let signed = signed_attributes.map(|attributes| encode::context(0, &attributes.content()));
        let unsigned = token.map(|token| {
            let attribute = encode::attribute(&oid::ATTRIBUTE_TIME_STAMP_TOKEN, token);
            encode::context(1, &attribute)
        });
        let signer_info = encode::sequence(&[
            &encode::small(1),
            &self.issuer_and_serial,
            &digest_algorithm,
            signed.as_deref().unwrap_or_default(),
            &encode::signature_algorithm_over(self.key_algorithm, content.digest),
            &encode::octet_string(signature),
            unsigned.as_deref().unwrap_or_default(),
        ]);
        let embedded = content
            .embedded
            .map(|bytes| encode::context(0, &encode::octet_string(bytes)));
        let encapsulated = encode::sequence(&[
            &encode::oid(&content.kind),
            embedded.as_deref().unwrap_or_default(),
        ]);
        let certificates = content
            .with_certificates
            .then(|| encode::context(0, &self.certificates));
        // Version 3 for content other than id-data (RFC 5652 §5.1).
        let version = if content.kind == oid::CT_DATA { 1 } else { 3 };
        let signed_data = encode::sequence(&[
            &encode::small(version),
            &encode::set(&digest_algorithm),
            &encapsulated,
            certificates.as_deref().unwrap_or_default(),
            &encode::set(&signer_info),
        ]);
        encode::sequence(&[
            &encode::oid(&oid::CT_SIGNED_DATA),
            &encode::context(0, &signed_data),
        ])
    }

    /// Length of the container with the longest signature that the key can make.
    pub(crate) fn largest(
        &self,
        content: &Content<'_>,
        signed_attributes: &SignedAttributes,
        token: Option<&[u8]>,
    ) -> usize {
        let signature = vec![0; self.key_algorithm.max_signature_len()];
        self.assemble(content, Some(signed_attributes), &signature, token)
            .len()
    }
}
