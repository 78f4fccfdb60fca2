//! Others' signature containers (RFC 5652 §5): any number of signers, with or without signed
//! attributes, DER or what [`super::ber`] makes of it.

use crypto::foreign::{Hash, Scheme, Signed};
use der::Decode;
use time::OffsetDateTime;
use x509_cert::time::Time;

use super::{Certificate, VerifyError, algorithm, ber};
use crate::decode::{self, Elements, OCTET_STRING, SEQUENCE, SET, context};
use crate::{ObjectIdentifier, PkiError, encode, oid};

const WHAT: &str = "signature container";
/// Signers of one container, at most.
const MAX_SIGNERS: usize = 64;

/// A container as DER, ready to be read.
#[derive(Debug, Clone)]
pub struct Container(Vec<u8>);

impl Container {
    /// From DER or BER, which zeros may follow, as in a PDF's reserved space.
    pub fn read(bytes: &[u8]) -> Result<Self, VerifyError> {
        let (der, len) = ber::first_as_der(bytes)?;
        match bytes[len..].iter().all(|byte| *byte == 0) {
            true => Ok(Self(der)),
            false => Err(PkiError::Malformed(WHAT).into()),
        }
    }

    /// Its parts.
    pub fn signed_data(&self) -> Result<SignedData<'_>, VerifyError> {
        SignedData::parse(&self.0)
    }
}

/// SignedData.
#[derive(Debug)]
pub struct SignedData<'a> {
    /// What kind of content is signed.
    pub content_type: ObjectIdentifier,
    /// The content, where the container carries it.
    pub content: Option<&'a [u8]>,
    /// DER certificates.
    pub certificates: Vec<&'a [u8]>,
    /// DER CertificateLists.
    pub revocation_lists: Vec<&'a [u8]>,
    /// DER OCSPResponses (RFC 5940).
    pub ocsp_responses: Vec<&'a [u8]>,
    /// Who signed.
    pub signers: Vec<Signer<'a>>,
}

/// SignerInfo.
#[derive(Debug)]
pub struct Signer<'a> {
    content_type: ObjectIdentifier,
    identifier: &'a [u8],
    hash: Result<Hash, VerifyError>,
    /// As the SET OF that is signed.
    signed_attributes: Option<Vec<u8>>,
    scheme: Result<Scheme, VerifyError>,
    /// The signature value, which a signature time-stamp is over.
    pub signature: &'a [u8],
    unsigned_attributes: Option<&'a [u8]>,
}

/// Revocation data that a signer put into the container.
#[derive(Debug, Default)]
pub struct RevocationArchive {
    /// DER OCSPResponses.
    pub ocsp_responses: Vec<Vec<u8>>,
    /// DER CertificateLists.
    pub revocation_lists: Vec<Vec<u8>>,
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// All of it, in pieces that follow one another.
    Pieces(&'a [&'a [u8]]),
    /// Its digest by that hash only.
    Digest(Hash, &'a [u8]),
}

/// How signed attributes name the signer's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// signing-certificate (v1), by SHA-1.
    Sha1,
    /// signing-certificate-v2.
    V2,
}

impl<'a> SignedData<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, VerifyError> {
        let malformed = || VerifyError::from(PkiError::Malformed(WHAT));
        let mut info = Elements::of(SEQUENCE, der, WHAT)?;
        if info.oid()? != oid::CT_SIGNED_DATA {
            return Err(malformed());
        }
        let mut data = info.inside(context(0))?.inside(SEQUENCE)?;
        info.finish()?;
        data.integer()?;
        data.next(SET)?;
        let mut encapsulated = data.inside(SEQUENCE)?;
        let content_type = encapsulated.oid()?;
        let content = match encapsulated.optional(context(0))? {
            None => None,
            Some(explicit) => {
                let mut explicit = Elements::of(context(0), explicit, WHAT)?;
                Some(explicit.content(OCTET_STRING)?)
            }
        };
        encapsulated.finish()?;
        let mut certificates = Vec::new();
        if let Some(set) = data.optional(context(0))? {
            let mut set = Elements::of(context(0), set, WHAT)?;
            while !set.is_finished() {
                // Attribute certificates and the like have other tags (§10.2.2).
                let element = set.any()?;
                certificates.extend((element[0] == SEQUENCE).then_some(element));
            }
        }
        let mut revocation_lists = Vec::new();
        let mut ocsp_responses = Vec::new();
        if let Some(set) = data.optional(context(1))? {
            let mut set = Elements::of(context(1), set, WHAT)?;
            while !set.is_finished() {
                let element = set.any()?;
                if element[0] == SEQUENCE {
                    revocation_lists.push(element);
                } else if element[0] == context(1) {
                    let mut other = Elements::of(context(1), element, WHAT)?;
                    if other.oid()? == oid::REVOCATION_OCSP_RESPONSE {
                        ocsp_responses.push(other.any()?);
                    }
                }
            }
        }
        let mut infos = data.inside(SET)?;
        data.finish()?;
        let mut signers = Vec::new();
        while !infos.is_finished() {
            if signers.len() == MAX_SIGNERS {
                return Err(malformed());
            }
            signers.push(Signer::parse(infos.inside(SEQUENCE)?, content_type)?);
        }
        if signers.is_empty() {
            return Err(malformed());
        }
        Ok(Self {
            content_type,
            content,
            certificates,
            revocation_lists,
            ocsp_responses,
            signers,
        })
    }

    /// The one signer, where there must be no other.
    pub fn only_signer(&self) -> Result<&Signer<'a>, VerifyError> {
        match self.signers.as_slice() {
            [signer] => Ok(signer),
            _ => Err(PkiError::Malformed(WHAT).into()),
        }
    }
}

impl<'a> Signer<'a> {
    fn parse(mut info: Elements<'a>, content_type: ObjectIdentifier) -> Result<Self, VerifyError> {
        info.integer()?;
        let identifier = info.any()?;
        let hash = algorithm::hash(info.next(SEQUENCE)?);
        let signed_attributes = match info.optional(context(0))? {
            None => None,
            Some(element) => {
                let set = decode::content(context(0), element);
                Some(encode::tlv(SET, &[set.ok_or(PkiError::Malformed(WHAT))?]))
            }
        };
        let scheme = algorithm::scheme(info.next(SEQUENCE)?, hash.clone().ok());
        let signature = info.content(OCTET_STRING)?;
        let unsigned_attributes = info.optional(context(1))?;
        info.finish()?;
        Ok(Self {
            content_type,
            identifier,
            hash,
            signed_attributes,
            scheme,
            signature,
            unsigned_attributes,
        })
    }

    /// Whether it names this certificate as the signer's (§5.3).
    pub fn is_by(&self, certificate: &Certificate) -> bool {
        let issuer_and_serial = encode::sequence(&[certificate.issuer(), certificate.serial()]);
        self.identifier == issuer_and_serial
            || certificate
                .key_identifier()
                .is_some_and(|id| self.identifier == encode::tlv(0x80, &[id]))
    }

    /// The hash over the content.
    pub fn hash(&self) -> Result<Hash, VerifyError> {
        self.hash.clone()
    }

    /// The scheme of the signature.
    pub fn scheme(&self) -> Result<Scheme, VerifyError> {
        self.scheme.clone()
    }

    /// Checks content type, digest and signature (§5.4, §5.6).
    pub fn check(
        &self,
        content: Content<'_>,
        certificate: &Certificate,
    ) -> Result<(), VerifyError> {
        let scheme = self.scheme()?;
        let key = certificate.public_key_info();
        let verified = match (&self.signed_attributes, content) {
            (Some(set), content) => {
                self.check_content(set, content)?;
                scheme.verify(key, Signed::Message(set), self.signature)
            }
            // Only content of type id-data may be signed without attributes (§5.3).
            (None, _) if self.content_type != oid::CT_DATA => return Err(VerifyError::Content),
            (None, Content::Pieces(pieces)) => match scheme.hash() {
                Some(hash) => scheme.verify(key, Signed::Hash(&hash.of(pieces)), self.signature),
                None => scheme.verify(key, Signed::Message(&pieces.concat()), self.signature),
            },
            (None, Content::Digest(hash, digest)) if scheme.hash() == Some(hash) => {
                scheme.verify(key, Signed::Hash(digest), self.signature)
            }
            (None, Content::Digest(..)) => return Err(self.other_digest()),
        };
        verified.map_err(|error| match error {
            crypto::CryptoError::PublicKey => {
                VerifyError::Unsupported("the signer's key, with this algorithm".into())
            }
            _ => VerifyError::Signature,
        })
    }

    fn check_content(&self, set: &[u8], content: Content<'_>) -> Result<(), VerifyError> {
        let hash = self.hash()?;
        let digest = match content {
            Content::Pieces(pieces) => hash.of(pieces),
            Content::Digest(other, digest) if other == hash => digest.to_vec(),
            Content::Digest(..) => return Err(self.other_digest()),
        };
        let content_type = value(set, SET, oid::ATTRIBUTE_CONTENT_TYPE)?;
        if content_type != Some(&encode::oid(&self.content_type)) {
            return Err(VerifyError::Content);
        }
        let message_digest = value(set, SET, oid::ATTRIBUTE_MESSAGE_DIGEST)?;
        match message_digest.and_then(|value| decode::content(OCTET_STRING, value)) {
            Some(signed) if signed == digest => Ok(()),
            _ => Err(VerifyError::Content),
        }
    }

    fn other_digest(&self) -> VerifyError {
        let name = self
            .hash
            .as_ref()
            .map_or("another hash", |hash| hash.name());
        VerifyError::Unsupported(format!("a digest by another hash than {name}"))
    }

    /// How the signed attributes name the signer's certificate (RFC 5035 §3, RFC 2634 §5.4): the
    /// best form that is there, or `None`. Fails with [`VerifyError::Reference`] where one names
    /// another certificate.
    pub fn reference(&self, certificate: &Certificate) -> Result<Option<Reference>, VerifyError> {
        let Some(set) = &self.signed_attributes else {
            return Ok(None);
        };
        let mut found = None;
        for (id, form) in [
            (oid::ATTRIBUTE_SIGNING_CERTIFICATE, Reference::Sha1),
            (oid::ATTRIBUTE_SIGNING_CERTIFICATE_V2, Reference::V2),
        ] {
            let Some(reference) = value(set, SET, id)? else {
                continue;
            };
            let mut first = Elements::of(SEQUENCE, reference, "signing certificate reference")?
                .inside(SEQUENCE)?
                .inside(SEQUENCE)?;
            let hash = match (form, first.optional(SEQUENCE)?) {
                (Reference::Sha1, _) => Hash::Sha1,
                (Reference::V2, None) => algorithm::SHA256,
                (Reference::V2, Some(algorithm)) => algorithm::hash(algorithm)?,
            };
            if first.content(OCTET_STRING)? != hash.of(&[certificate.der()]) {
                return Err(VerifyError::Reference);
            }
            found = Some(form);
        }
        Ok(found)
    }

    /// The signing-time attribute, which the signer claims (§11.3).
    pub fn signing_time(&self) -> Option<OffsetDateTime> {
        let set = self.signed_attributes.as_deref()?;
        let element = value(set, SET, oid::ATTRIBUTE_SIGNING_TIME).ok()??;
        Time::from_der(element).ok().map(decode::instant)
    }

    /// DER TimeStampTokens over the signature value.
    pub fn time_stamps(&self) -> Result<Vec<&'a [u8]>, VerifyError> {
        let Some(attributes) = self.unsigned_attributes else {
            return Ok(Vec::new());
        };
        Ok(values(
            attributes,
            context(1),
            oid::ATTRIBUTE_TIME_STAMP_TOKEN,
        )?)
    }

    /// What the attribute holds that older PDF signers put revocation data into (ISO 32000-2
    /// §12.8.3.3.2). What can't be read there is none.
    pub fn archived_revocation(&self) -> RevocationArchive {
        self.read_archive().unwrap_or_default()
    }

    fn read_archive(&self) -> Result<RevocationArchive, PkiError> {
        const WHAT: &str = "archived revocation data";
        let attribute = match &self.signed_attributes {
            Some(set) => value(set, SET, oid::ATTRIBUTE_REVOCATION_ARCHIVE)?,
            None => None,
        };
        let Some(archive) = attribute else {
            return Ok(RevocationArchive::default());
        };
        let mut archive = Elements::of(SEQUENCE, archive, WHAT)?;
        let mut list = |number| -> Result<Vec<Vec<u8>>, PkiError> {
            let mut found = Vec::new();
            if let Some(element) = archive.optional(context(number))? {
                let mut list = Elements::of(context(number), element, WHAT)?.inside(SEQUENCE)?;
                while !list.is_finished() {
                    found.push(list.any()?.to_vec());
                }
            }
            Ok(found)
        };
        Ok(RevocationArchive {
            revocation_lists: list(0)?,
            ocsp_responses: list(1)?,
        })
    }
}

/// All values of an attribute.
fn values(set: &[u8], tag: u8, id: ObjectIdentifier) -> Result<Vec<&[u8]>, PkiError> {
    const WHAT: &str = "attributes";
    let mut list = Elements::of(tag, set, WHAT)?;
    let mut found = Vec::new();
    while !list.is_finished() {
        let mut attribute = list.inside(SEQUENCE)?;
        if attribute.oid()? == id {
            let mut values = attribute.inside(SET)?;
            while !values.is_finished() {
                found.push(values.any()?);
            }
        }
    }
    Ok(found)
}

/// The one value of an attribute that must not be there twice.
fn value(set: &[u8], tag: u8, id: ObjectIdentifier) -> Result<Option<&[u8]>, PkiError> {
    match values(set, tag, id)?.as_slice() {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        _ => Err(PkiError::Malformed("attributes")),
    }
}
