//! Signature containers for PDF: detached CMS SignedData (RFC 5652) as EN 319 122-1 and
//! EN 319 142-1 profile it for `ETSI.CAdES.detached`.
//!
//! Signed attributes are content type, message digest and signing-certificate-v2, and no signing
//! time: the PDF's own dictionary carries the claimed time (EN 319 142-1 §6.3). A time-stamp over
//! the signature goes into the unsigned attributes and lifts the signature from B-B to B-T.

use const_oid::ObjectIdentifier;
use crypto::{SigningKey, sha256};

use crate::decode::CertificateParts;
use crate::{PkiError, encode, issuance, oid};

/// Makes time-stamp tokens over a SHA-256 imprint (RFC 3161).
pub trait TimeStamper {
    /// A DER TimeStampToken over `imprint`.
    fn time_stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, PkiError>;

    /// No token is longer than this, in bytes.
    fn max_token_len(&self) -> usize;
}

/// Signs content digests with one key; made once, used for many documents.
pub struct CmsSigner<'a> {
    key: &'a dyn SigningKey,
    container: Container,
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
        })
    }

    /// Signs the SHA-256 `content_digest` and returns the DER ContentInfo: PAdES B-T with a
    /// time-stamper, B-B without.
    pub fn sign(
        &self,
        content_digest: &[u8; 32],
        time_stamper: Option<&dyn TimeStamper>,
    ) -> Result<Vec<u8>, PkiError> {
        let attributes = self
            .container
            .signed_attributes(&oid::CT_DATA, content_digest);
        let signature = self.key.sign(&encode::tlv(0x31, &[&attributes]))?;
        let token = time_stamper
            .map(|stamper| stamper.time_stamp(&sha256(&signature)))
            .transpose()?;
        Ok(self
            .container
            .assemble(&DETACHED, &attributes, &signature, token.as_deref()))
    }

    /// No container that [`CmsSigner::sign`] makes with this time-stamper is longer than this,
    /// in bytes.
    pub fn max_size(&self, time_stamper: Option<&dyn TimeStamper>) -> usize {
        let attributes = self.container.signed_attributes(&oid::CT_DATA, &[0; 32]);
        let token = time_stamper.map(|stamper| vec![0; stamper.max_token_len()]);
        self.container
            .largest(&DETACHED, &attributes, token.as_deref())
    }
}

/// What a container is about.
pub(crate) struct Content<'a> {
    pub(crate) kind: ObjectIdentifier,
    /// The content itself, where the container carries it.
    pub(crate) embedded: Option<&'a [u8]>,
    pub(crate) with_certificates: bool,
}

const DETACHED: Content<'static> = Content {
    kind: oid::CT_DATA,
    embedded: None,
    with_certificates: true,
};

/// The parts of a container that depend on the signer only.
pub(crate) struct Container {
    issuer_and_serial: Vec<u8>,
    signing_certificate: Vec<u8>,
    /// The content of the certificate set.
    certificates: Vec<u8>,
    signature_algorithm: Vec<u8>,
    max_signature_len: usize,
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
            signature_algorithm: encode::signature_algorithm(key.algorithm()),
            max_signature_len: key.algorithm().max_signature_len(),
        })
    }

    /// The content of the signed attributes' SET OF. The signature is over the SET itself
    /// (RFC 5652 §5.4).
    pub(crate) fn signed_attributes(&self, kind: &ObjectIdentifier, digest: &[u8; 32]) -> Vec<u8> {
        let kind = encode::attribute(&oid::ATTRIBUTE_CONTENT_TYPE, &encode::oid(kind));
        let digest = encode::attribute(
            &oid::ATTRIBUTE_MESSAGE_DIGEST,
            &encode::octet_string(digest),
        );
        encode::sorted(vec![&kind, &digest, &self.signing_certificate])
    }

    /// The DER ContentInfo.
    pub(crate) fn assemble(
        &self,
        content: &Content<'_>,
        signed_attributes: &[u8],
        signature: &[u8],
        token: Option<&[u8]>,
    ) -> Vec<u8> {
        let digest_algorithm = encode::algorithm(&oid::SHA256);
        let unsigned = token.map(|token| {
            let attribute = encode::attribute(&oid::ATTRIBUTE_TIME_STAMP_TOKEN, token);
            encode::context(1, &attribute)
        });
        let signer_info = encode::sequence(&[
            &encode::small(1),
            &self.issuer_and_serial,
            &digest_algorithm,
            &encode::context(0, signed_attributes),
            &self.signature_algorithm,
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
        signed_attributes: &[u8],
        token: Option<&[u8]>,
    ) -> usize {
        self.assemble(
            content,
            signed_attributes,
            &vec![0; self.max_signature_len],
            token,
        )
        .len()
    }
}
