//! One PAdES signature on one PDF, at any level.

use std::cell::Cell;

use bytes::Bytes;
use crypto::{Digest, Hashed, SigningKey};
use model::{HashDescriptor, Level};
use pades::{Appearance, FieldTarget, PdfError, SecurityStore, SignatureSpec, TimeStampSpec};
use pki::cms::{CmsSigner, HashAttributes, HashedContent, TimeStamper};
use pki::verify::OcspResponse;

use crate::stamping::TimeSource;
use crate::trust::issuing;
use crate::{Error, Service};

/// The field that a signature gets unless the order names one.
pub(crate) const FIELD: &str = "Signature";

/// How often a document time-stamp is tried whose token gets longer each time.
const STAMPING_ATTEMPTS: usize = 3;

/// Who signs, with which key and certificate.
pub(crate) struct Signatory<'a> {
    pub(crate) key: &'a dyn SigningKey,
    /// DER; issued by us and good now.
    pub(crate) certificate: &'a [u8],
    pub(crate) particulars: Particulars,
    pub(crate) level: Level,
    /// DER Attributes that are signed along (RFC 5652 §5.3).
    pub(crate) attributes: &'a [Vec<u8>],
    /// Who is asked for time-stamps; the usual one where nobody is named.
    pub(crate) tsa_url: Option<&'a str>,
}

/// What the signature dictionary tells a reader.
#[derive(Clone, Default)]
pub(crate) struct Particulars {
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) location: Option<String>,
}

/// Everything that the signatures of one act share: made once, used for all its documents.
pub(crate) struct Signer<'a> {
    service: &'a Service,
    cms: CmsSigner<'a>,
    source: TimeSource<'a>,
    /// How many time-stamps did not fit beside their signatures.
    outgrown: Cell<usize>,
    security: SecurityStore,
    particulars: Particulars,
    level: Level,
}

/// How a signature stands in one file.
#[derive(Default)]
pub(crate) struct Place {
    /// An empty field of this name is used where the file has one.
    pub(crate) field_name: Option<String>,
    /// How it shows.
    pub(crate) appearance: Option<Appearance>,
}

impl Place {
    /// Does what takes a field: with the empty one of the name where the file has it, else with a
    /// new one.
    pub(crate) fn with_field<T>(
        &self,
        work: impl Fn(FieldTarget) -> Result<T, PdfError>,
    ) -> Result<T, PdfError> {
        if let Some(name) = &self.field_name {
            match work(FieldTarget::Existing(name.clone())) {
                Err(PdfError::NoSuchField(_)) => {}
                done => return done,
            }
        }
        let name = self.field_name.as_deref().unwrap_or(FIELD);
        work(FieldTarget::New(name.to_owned()))
    }
}

impl Service {
    /// Gets ready to sign: mints what the level needs beside the signatures.
    pub(crate) fn signer<'a>(&'a self, signatory: Signatory<'a>) -> Result<Signer<'a>, Error> {
        let Signatory {
            key,
            certificate,
            particulars,
            level,
            attributes,
            tsa_url,
        } = signatory;
        let anchors = self.anchors();
        let chain = anchors.chain_of(certificate).map_err(issuing)?;
        let cms = CmsSigner::new(key, certificate, chain)
            .map_err(issuing)?
            .with_attributes(attributes.to_vec())
            .map_err(issuing)?;
        let source = self.time_source(tsa_url)?;
        Ok(Signer {
            service: self,
            cms,
            security: self.security_store(certificate, level, &source)?,
            source,
            outgrown: Cell::new(0),
            particulars,
            level,
        })
    }
}

impl Signer<'_> {
    /// The container over a digest that came from outside: B-T at most, since there is no file that
    /// could carry more.
    pub(crate) fn sign_hash(&self, descriptor: &HashDescriptor) -> Result<Vec<u8>, Error> {
        let digest = Digest::from_bytes(descriptor.algorithm, &descriptor.digest)?;
        let attributes = HashAttributes {
            signing_time: descriptor.signing_time.then(|| self.service.now()),
            others: &descriptor.other_attributes,
        };
        let content = HashedContent {
            digest: &digest,
            attributes: descriptor.signed_attributes.then_some(attributes),
        };
        self.cms
            .sign_hash(&content, self.stamping())
            .map_err(|error| self.source.explain(error))
    }

    /// Everything of a signature but the container; slow, as it reads the whole file.
    pub(crate) fn prepare(&self, pdf: &Hashed, place: &Place) -> Result<pades::Prepared, PdfError> {
        place.with_field(|field| {
            let spec = SignatureSpec {
                field,
                name: self.particulars.name.clone(),
                reason: self.particulars.reason.clone(),
                location: self.particulars.location.clone(),
                contact: None,
                signing_time: self.service.now(),
                appearance: place.appearance.clone(),
                security_store: self.security.clone(),
                reserve: self.cms.max_size(self.stamping()),
            };
            pades::prepare_hashed(pdf, &spec)
        })
    }

    /// Signs a prepared revision of `pdf`, raises the file to the level, and returns what is to be
    /// appended to it.
    pub(crate) fn finish(&self, pdf: &Hashed, prepared: pades::Prepared) -> Result<Vec<u8>, Error> {
        let before = self.source.outgrown();
        let cms = self
            .cms
            .sign(&prepared.digest(), self.stamping())
            .map_err(|error| self.source.explain(error))?;
        let mut appended = prepared.seal(&cms).map_err(failed)?;
        // A time-stamp that did not fit beside the signature stands over the document instead: it
        // proves the time as well (EN 319 142-1 §6.3).
        let grown = self.source.outgrown() - before;
        self.outgrown.set(self.outgrown.get() + grown);
        if self.level < Level::Ltva && grown == 0 {
            return Ok(appended);
        }
        let security = SecurityStore {
            certificates: responders_of(&self.security.ocsp_responses),
            ..SecurityStore::default()
        };
        let signed = pdf.followed_by(Bytes::copy_from_slice(&appended));
        let stamp = self
            .service
            .archive_stamp(&self.source, &signed, security)?;
        appended.extend_from_slice(&stamp);
        Ok(appended)
    }

    /// How many time-stamps did not fit beside their signatures.
    pub(crate) fn outgrown(&self) -> usize {
        self.outgrown.get()
    }

    /// Both steps for one file.
    pub(crate) fn sign(&self, pdf: &Hashed, place: &Place) -> Result<Vec<u8>, Error> {
        let prepared = self.prepare(pdf, place).map_err(failed)?;
        self.finish(pdf, prepared)
    }

    fn stamping(&self) -> Option<&dyn TimeStamper> {
        (self.level > Level::Basic).then(|| self.source.stamper())
    }
}

impl Service {
    /// Makes a document time-stamp, which covers all that the file holds and `security` besides
    /// (EN 319 142-1 §5.4.3), and returns what is to be appended to the file.
    pub(crate) fn archive_stamp(
        &self,
        source: &TimeSource<'_>,
        pdf: &Hashed,
        security: SecurityStore,
    ) -> Result<Vec<u8>, Error> {
        let mut spec = TimeStampSpec {
            security_store: security,
            reserve: 0,
        };
        for _ in 0..STAMPING_ATTEMPTS {
            spec.reserve = source.room_now();
            let prepared = pades::prepare_time_stamp_hashed(pdf, &spec).map_err(failed)?;
            let token = source.stamper().time_stamp(&prepared.digest());
            let token = token.map_err(|error| source.explain(error))?;
            if token.len() <= spec.reserve {
                return prepared.seal(&token).map_err(failed);
            }
        }
        Err(Error::Internal(
            "each time-stamp token is much longer than the one before".into(),
        ))
    }
}

/// The certificates (DER) that came along with OCSP responses. Validators that go by the letter want
/// responders' in the store itself, where an archive time-stamp proves how old they are.
pub(crate) fn responders_of<'a>(responses: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Vec<u8>> {
    let responses = responses.into_iter();
    let read = responses.filter_map(|der| OcspResponse::read(der).ok());
    let certificates = read.flat_map(|response| response.certificates);
    certificates.map(<[u8]>::to_vec).collect()
}

/// A file that was found signable and yet is not, or a container that does not fit: ours.
pub(crate) fn failed(error: PdfError) -> Error {
    Error::Internal(format!("signing a PDF: {error}"))
}
