//! The prepared signature: a revision that is complete but for the CMS.

use crypto::{Hashed, Sha256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    appearance::Appearance,
    document::Document,
    error::PdfError,
    field::{FieldTarget, Purpose, Site},
    object::{Dictionary, Object},
    revision::{self, Blanks, Revision},
    security::{self, SecurityStore},
    text,
};

/// Bytes of a revision beside the container and the security store: what is seldom exceeded, so
/// that it is seldom copied.
const USUAL_REVISION: usize = 4096;

/// What a signature says about itself in the file, next to the CMS, and what comes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureSpec {
    /// The signature field that it goes to.
    pub field: FieldTarget,
    /// `/Name`: the signer, for readers that do not look into the certificate.
    pub name: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
    /// The claimed time, `/M`. PAdES keeps it here and not in the CMS (EN 319 142-1, 6.3).
    pub signing_time: OffsetDateTime,
    /// What it looks like. `None` makes a new field invisible and leaves an existing one blank;
    /// in an existing field only text, picture and layout count, since it has its own place.
    pub appearance: Option<Appearance>,
    /// Goes into the file in the same revision, so that a signature is B-LT in one pass. What the
    /// file holds already is not written again.
    pub security_store: SecurityStore,
    /// Bytes to keep free for the CMS. It can't grow later.
    pub reserve: usize,
}

/// A document time-stamp: what is in the file by then is archived by it (EN 319 142-1, 5.4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeStampSpec {
    /// Goes into the file in the same revision, and under the time-stamp's protection.
    pub security_store: SecurityStore,
    /// Bytes to keep free for the time-stamp token. It can't grow later.
    pub reserve: usize,
}

/// A revision that is ready but for its CMS.
///
/// A plain value: it can be stored, sent to another machine and finished there by whoever has the
/// original file. It holds what is appended, not the file itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    base_len: usize,
    #[serde(with = "base64_bytes")]
    tail: Vec<u8>,
    /// The value of `/Contents` with its angle brackets, from the start of the tail.
    gap_start: usize,
    gap_end: usize,
    #[serde(with = "base64_bytes")]
    digest: [u8; 32],
}

/// Writes everything but the CMS of a new signature (`ETSI.CAdES.detached`; EN 319 142-1, 5.3).
///
/// The file is kept byte by byte; what is appended has the form of its newest revision. Costs one
/// pass of SHA-256 over `pdf` and time for the few objects that change, not for the file.
///
/// # Errors
///
/// Whatever makes the file unfit to be signed; see [`PdfError`].
pub fn prepare(pdf: &[u8], spec: &SignatureSpec) -> Result<Prepared, PdfError> {
    Order::signature(spec).prepare(pdf, &hash_of(pdf))
}

/// As [`prepare`], for a file that was hashed before: without that pass.
///
/// # Errors
///
/// As for [`prepare`].
pub fn prepare_hashed(pdf: &Hashed, spec: &SignatureSpec) -> Result<Prepared, PdfError> {
    Order::signature(spec).prepare(pdf.bytes(), pdf.hash())
}

/// Writes everything but the token of a document time-stamp (`ETSI.RFC3161`); [`Prepared`] takes
/// the token where a signature's would take its CMS.
///
/// It is no change in the sense of a certification (EN 319 142-1, 5.4), so a file whose author
/// allows none can be archived all the same.
///
/// # Errors
///
/// Whatever makes the file unfit; see [`PdfError`].
pub fn prepare_time_stamp(pdf: &[u8], spec: &TimeStampSpec) -> Result<Prepared, PdfError> {
    Order::time_stamp(&spec.security_store, spec.reserve).prepare(pdf, &hash_of(pdf))
}

/// As [`prepare_time_stamp`], for a file that was hashed before.
///
/// # Errors
///
/// As for [`prepare_time_stamp`].
pub fn prepare_time_stamp_hashed(pdf: &Hashed, spec: &TimeStampSpec) -> Result<Prepared, PdfError> {
    let order = Order::time_stamp(&spec.security_store, spec.reserve);
    order.prepare(pdf.bytes(), pdf.hash())
}

fn hash_of(pdf: &[u8]) -> Sha256 {
    let mut hash = Sha256::new();
    hash.update(pdf);
    hash
}

impl Prepared {
    /// SHA-256 over the two ranges, which the CMS signs as its message digest.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Length of the file that was prepared, in bytes.
    pub fn base_len(&self) -> usize {
        self.base_len
    }

    /// Bytes of CMS that fit.
    pub fn reserve(&self) -> usize {
        self.gap_end
            .saturating_sub(self.gap_start)
            .saturating_sub(2)
            / 2
    }

    /// Puts the CMS in and returns what is to be appended to the file: file and tail, one after
    /// the other, are the signed PDF. No copy of the file is made.
    ///
    /// # Errors
    ///
    /// [`PdfError::ContainerTooSmall`] if the CMS is longer than [`Prepared::reserve`], and
    /// [`PdfError::WrongBase`] if this value was damaged in storage.
    pub fn seal(mut self, cms: &[u8]) -> Result<Vec<u8>, PdfError> {
        let damaged = || PdfError::WrongBase("its container is not where it was");
        let gap = self
            .tail
            .get_mut(self.gap_start..self.gap_end)
            .ok_or_else(damaged)?;
        let [b'<', digits @ .., b'>'] = gap else {
            return Err(damaged());
        };
        let reserved = digits.len() / 2;
        if cms.len() > reserved {
            return Err(PdfError::ContainerTooSmall {
                needed: cms.len(),
                reserved,
            });
        }
        revision::fill_contents(digits, cms);
        Ok(self.tail)
    }

    /// The whole signed PDF: `base` with the [sealed](Prepared::seal) tail.
    ///
    /// # Errors
    ///
    /// As for [`Prepared::seal`], and [`PdfError::WrongBase`] if `base` has another length than
    /// the file that was prepared. That it is the same file is the caller's word.
    pub fn embed(self, base: &[u8], cms: &[u8]) -> Result<Vec<u8>, PdfError> {
        if base.len() != self.base_len {
            return Err(PdfError::WrongBase("the file has another length"));
        }
        let tail = self.seal(cms)?;
        let mut signed = Vec::with_capacity(base.len() + tail.len());
        signed.extend_from_slice(base);
        signed.extend_from_slice(&tail);
        Ok(signed)
    }
}

/// Without the tail, which holds a person's name.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Prepared")
            .field("base_len", &self.base_len)
            .field("tail_len", &self.tail.len())
            .field("reserve", &self.reserve())
            .finish_non_exhaustive()
    }
}

/// Does to the structure of the file everything that [`prepare`] and [`prepare_time_stamp`] do, and
/// keeps nothing.
pub(crate) fn rehearse(document: &Document<'_>, site: Site) -> Result<(), PdfError> {
    let rehearse = |order: Order<'_>, site| {
        let (revision, _, _) = order.assemble(document, site)?;
        revision.finish(&[0; 16]).map(drop)
    };
    let security_store = &SecurityStore::default();
    let signature = Order {
        field: FieldTarget::New("Signature".into()),
        purpose: Purpose::PLAIN,
        value: dictionary("Sig", "ETSI.CAdES.detached"),
        security_store,
        reserve: 0,
    };
    rehearse(signature, site)?;
    let time_stamp = Order::time_stamp(security_store, 0);
    rehearse(time_stamp, Site::survey(document, Purpose::TimeStamp)?)
}

/// What a signature and a document time-stamp have in common.
struct Order<'a> {
    field: FieldTarget,
    purpose: Purpose<'a>,
    /// Without the entries that are written last.
    value: Dictionary,
    security_store: &'a SecurityStore,
    reserve: usize,
}

impl<'o> Order<'o> {
    fn signature(spec: &'o SignatureSpec) -> Self {
        Self {
            field: spec.field.clone(),
            purpose: Purpose::Signature {
                reason: spec.reason.as_deref(),
                appearance: spec.appearance.as_ref(),
            },
            value: signature_dictionary(spec),
            security_store: &spec.security_store,
            reserve: spec.reserve,
        }
    }

    fn time_stamp(security_store: &'o SecurityStore, reserve: usize) -> Self {
        Self {
            field: FieldTarget::New("Timestamp".into()),
            purpose: Purpose::TimeStamp,
            value: dictionary("DocTimeStamp", "ETSI.RFC3161"),
            security_store,
            reserve,
        }
    }

    /// `hash` is that of the whole file.
    fn prepare(&self, pdf: &[u8], hash: &Sha256) -> Result<Prepared, PdfError> {
        Document::with(pdf, |document| self.prepare_in(document, hash.clone()))
    }

    fn prepare_in(&self, document: &Document<'_>, mut hash: Sha256) -> Result<Prepared, PdfError> {
        let site = Site::survey(document, self.purpose)?;
        let (revision, blanks, name) = self.assemble(document, site)?;
        let mut tail = revision.finish(&self.file_id(&hash, &name))?;
        blanks.fill_byte_range(document.data.len(), &mut tail);
        hash.update(&tail[..blanks.contents.start]);
        hash.update(&tail[blanks.contents.end..]);
        Ok(Prepared {
            base_len: document.data.len(),
            tail,
            gap_start: blanks.contents.start,
            gap_end: blanks.contents.end,
            digest: hash.finish(),
        })
    }

    /// A revision with all objects, its blanks, and the name of the field.
    fn assemble<'d, 'a>(
        &self,
        document: &'d Document<'a>,
        mut site: Site,
    ) -> Result<(Revision<'d, 'a>, Blanks, String), PdfError> {
        let chosen = site.choose(document, &self.field, self.purpose)?;
        let name = chosen.name.clone();
        let mut value = self.value.clone();
        if let Some(locks) = chosen.locks(document, &site.catalog)? {
            value.set("Reference", locks);
        }
        let store = self.security_store;
        let capacity = 2 * self.reserve + store.size() + USUAL_REVISION;
        let mut revision = Revision::new(document, capacity);
        let (value_id, blanks) = revision.put_signature_value(value, self.reserve)?;
        security::add(document, store, &mut site.catalog, &mut revision)?;
        site.catalog.declare_extension(document)?;
        site.fill(document, &mut revision, chosen, value_id, self.purpose)?;
        Ok((revision, blanks, name))
    }

    /// An identifier for the new state of the file (ISO 32000-2, 14.4), from what makes it new:
    /// the file as it was, the field and what is said about the signature.
    fn file_id(&self, base: &Sha256, field: &str) -> [u8; 16] {
        let mut hash = base.clone();
        hash.update(field.as_bytes());
        let mut value = Vec::new();
        self.value.write(&mut value);
        hash.update(&value);
        let digest = hash.finish();
        std::array::from_fn(|index| digest[index])
    }
}

/// Table 255 of ISO 32000-2; `/Contents` and `/ByteRange` follow when it is written.
fn dictionary(kind: &str, sub_filter: &str) -> Dictionary {
    Dictionary::default()
        .with("Type", Object::name(kind))
        .with("Filter", Object::name("Adobe.PPKLite"))
        .with("SubFilter", Object::name(sub_filter))
}

fn signature_dictionary(spec: &SignatureSpec) -> Dictionary {
    let mut value =
        dictionary("Sig", "ETSI.CAdES.detached").with("M", text::encode_date(spec.signing_time));
    for (key, entry) in [
        ("Name", &spec.name),
        ("Reason", &spec.reason),
        ("Location", &spec.location),
        ("ContactInfo", &spec.contact),
    ] {
        if let Some(entry) = entry {
            value.set(key, text::encode(entry));
        }
    }
    value
}

/// Bytes as one base64 string, where serde's default is a list of numbers.
mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(
        bytes: &impl AsRef<[u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        T::try_from(bytes).map_err(|_| D::Error::custom("wrong number of bytes"))
    }
}
