//! Looking at a PDF without changing it: whether it can be signed, and what signatures it has.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    appearance::Appearance,
    catalog::Catalog,
    digest::{Covered, digests},
    document::Document,
    error::PdfError,
    field::{FieldTarget, Purpose, Site},
    form::Form,
    object::{Dictionary, Object, Ref},
    page,
    permission::Certification,
    signature, syntax, text,
};

/// What a PDF is, as far as signing it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfFacts {
    /// Major and minor version: the header's, or the catalogue's if that is higher.
    pub version: (u8, u8),
    /// Pages, as the page tree declares them.
    pub pages: u64,
    /// Signatures and document time-stamps, whatever they are worth.
    pub signatures: usize,
    /// Full names of the signature fields that wait for a signature and may be given one.
    pub empty_fields: Vec<String>,
    /// What the author of a certified file still allows. [`Certification::NoChanges`] never
    /// shows up here: such a file is refused.
    pub certification: Option<Certification>,
    /// The part and level of PDF/A that the metadata claim, such as `2B`.
    pub pdf_a: Option<String>,
}

/// A signature, or a document time-stamp, found in a file. Nothing about it is validated but its
/// place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSignature {
    /// Full name of the field.
    pub field_name: String,
    /// `/SubFilter`, such as `ETSI.CAdES.detached` or `ETSI.RFC3161`.
    pub sub_filter: String,
    /// `/ByteRange` as it stands; four numbers in every regular signature.
    pub byte_range: Vec<u64>,
    /// What `/Contents` holds, without the zeros behind the DER.
    pub cms: Vec<u8>,
    /// SHA-256 over the signed ranges, computed now; `None` if [`Coverage::Irregular`].
    pub digest: Option<[u8; 32]>,
    /// How much of the file is signed.
    pub covers: Coverage,
    /// `/M`, where it is a date.
    pub claimed_time: Option<OffsetDateTime>,
    /// `/Name`.
    pub name: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
}

/// How much of a file a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every byte but its own `/Contents`.
    WholeFile,
    /// Every byte but its own `/Contents` up to the end of an earlier revision.
    Revision,
    /// Anything else: the ranges leave out more than the signature's own `/Contents`, reach
    /// beyond the file or end within a revision. Such a signature vouches for nothing.
    Irregular,
}

/// Facts about a PDF that can be signed, or the reason why it can't be.
///
/// # Errors
///
/// Those of [`prepare`](crate::prepare) and [`prepare_time_stamp`](crate::prepare_time_stamp) for
/// the same file: an invisible signature in a new field and an archive time-stamp are rehearsed, so
/// what passes here can be signed and archived. Beyond these, [`PdfError::Broken`] where what is
/// appended would change what was there: this reads the whole file, which they do not.
pub fn inspect(pdf: &[u8]) -> Result<PdfFacts, PdfError> {
    Document::with(pdf, |document| {
        let site = Site::survey(document, Purpose::PLAIN)?;
        let catalog = &site.catalog;
        let facts = PdfFacts {
            version: catalog.version(document)?,
            pages: page::page_count(document, catalog.dictionary())?,
            signatures: site.signatures,
            empty_fields: site.empty_fields(),
            certification: site.certification(),
            // A claim that can't be read is none.
            pdf_a: pdf_a_claim(document, catalog.dictionary()).unwrap_or_default(),
        };
        site.check_roles(document)?;
        signature::rehearse(document, site)?;
        document.check_settled()?;
        Ok(facts)
    })
}

/// Whether signatures like these can be put into a file, one after the other; cheaper than to
/// [prepare](crate::prepare) them, since nothing is drawn and nothing is hashed.
///
/// # Errors
///
/// Those of [`prepare`](crate::prepare) for the first that can't be.
pub fn find_places(pdf: &[u8], wanted: &[WantedPlace<'_>]) -> Result<(), PdfError> {
    Document::with(pdf, |document| {
        let mut site = Site::survey(document, Purpose::PLAIN)?;
        for place in wanted {
            let purpose = Purpose::Signature {
                reason: place.reason,
                appearance: place.appearance,
            };
            let chosen = site.choose(document, place.field, purpose)?;
            site.check_place(document, &chosen, purpose)?;
        }
        Ok(())
    })
}

/// Where a signature is to stand, as in [`SignatureSpec`](crate::SignatureSpec).
#[derive(Debug, Clone, Copy)]
pub struct WantedPlace<'a> {
    /// The signature field.
    pub field: &'a FieldTarget,
    /// `/Reason`, which a field may prescribe.
    pub reason: Option<&'a str>,
    /// What it looks like; only page and box count.
    pub appearance: Option<&'a Appearance>,
}

/// Every signature in the file, in the order of the form's fields.
///
/// # Errors
///
/// Those that keep the file from being read; what is wrong with a single signature is said by
/// its [`Coverage`]. A file that may not be signed can still be looked at.
pub fn signatures(pdf: &[u8]) -> Result<Vec<EmbeddedSignature>, PdfError> {
    Document::with(pdf, |document| {
        let form = Form::read(document, &Catalog::read(document)?)?;
        let mut found = Vec::new();
        form.walk(document, |field| {
            if let Some((id, dictionary)) = field.signature(document)? {
                found.push(read_signature(document, field.name, id, &dictionary)?);
            }
            Ok(())
        })?;
        let digests = digests(pdf, found.iter().filter_map(|(_, covered)| *covered))?;
        let signatures = found.into_iter().map(|(mut signature, covered)| {
            signature.digest = covered.and_then(|covered| digests.get(&covered).copied());
            signature
        });
        Ok(signatures.collect())
    })
}

/// A signature without its digest, and what it covers unless that is irregular.
fn read_signature(
    document: &Document<'_>,
    field_name: String,
    id: Option<Ref>,
    dictionary: &Dictionary,
) -> Result<(EmbeddedSignature, Option<Covered>), PdfError> {
    let text = |key| match document.value(dictionary, key) {
        Ok(Object::String(bytes)) => Ok(Some(text::decode(&bytes))),
        other => other.map(|_| None),
    };
    let byte_range: Vec<u64> = match document.value(dictionary, "ByteRange")? {
        Object::Array(numbers) => numbers
            .iter()
            .map_while(|number| {
                number
                    .as_integer()
                    .and_then(|number| u64::try_from(number).ok())
            })
            .collect(),
        _ => Vec::new(),
    };
    let container = match dictionary.get("Contents") {
        Some(Object::String(container)) => container.as_slice(),
        _ => &[],
    };
    let span = match id {
        Some(id) => document.object(id)?.and_then(|object| object.span),
        None => None,
    };
    let data = document.data;
    let covered =
        covered(data, &byte_range).filter(|covered| surrounds(data, *covered, container, span));
    let signature = EmbeddedSignature {
        field_name,
        sub_filter: match document.value(dictionary, "SubFilter")? {
            Object::Name(name) => String::from_utf8_lossy(&name).into_owned(),
            _ => String::new(),
        },
        byte_range,
        cms: container[..der_length(container).unwrap_or(container.len())].to_vec(),
        digest: None,
        covers: match covered {
            None => Coverage::Irregular,
            Some(covered) if covered.end == data.len() => Coverage::WholeFile,
            Some(_) => Coverage::Revision,
        },
        claimed_time: match document.value(dictionary, "M")? {
            Object::String(date) => text::decode_date(&date),
            _ => None,
        },
        name: text("Name")?,
        reason: text("Reason")?,
        location: text("Location")?,
    };
    Ok((signature, covered))
}

/// What the ranges cover, if they are two, start at the file's first byte and lie within it.
fn covered(data: &[u8], byte_range: &[u64]) -> Option<Covered> {
    let &[0, before, after, length] = byte_range else {
        return None;
    };
    let end = after.checked_add(length)?;
    let [before, after, end] = [before, after, end].map(|at| usize::try_from(at).ok());
    let (before, after, end) = (before?, after?, end?);
    (before <= after && end <= data.len()).then_some(Covered { before, after, end })
}

/// True if the gap between the ranges is `container` as a hexadecimal string, inside the
/// signature's own object, and the second range ends where a revision does.
fn surrounds(
    data: &[u8],
    covered: Covered,
    container: &[u8],
    object: Option<Range<usize>>,
) -> bool {
    let Covered { before, after, end } = covered;
    let within = object.is_some_and(|object| object.start < before && after < object.end);
    let [b'<', digits @ .., b'>'] = &data[before..after] else {
        return false;
    };
    within
        && syntax::decode_hex(digits).is_some_and(|gap| gap == container)
        && (end == data.len() || data[covered.tail()].trim_ascii_end().ends_with(b"%%EOF"))
}

/// Length of the DER value at the start of `bytes`, its header included (X.690, 8.1.3).
fn der_length(bytes: &[u8]) -> Option<usize> {
    let (header, length) = match *bytes.get(1)? {
        short @ 0..=0x7F => (2, usize::from(short)),
        long @ 0x81..=0x84 => {
            let octets = bytes.get(2..2 + usize::from(long & 0x7F))?;
            let length = octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            (2 + octets.len(), length)
        }
        _ => return None,
    };
    header
        .checked_add(length)
        .filter(|total| *total <= bytes.len())
}

/// The claim in the XMP metadata (ISO 19005-2, 6.6.4), as an attribute or as an element.
pub(crate) fn pdf_a_claim(
    document: &Document<'_>,
    catalog: &Dictionary,
) -> Result<Option<String>, PdfError> {
    let Some(id) = catalog.get("Metadata").and_then(Object::as_reference) else {
        return Ok(None);
    };
    let Some(metadata) = document.object(id)? else {
        return Ok(None);
    };
    if metadata.stream.is_none() {
        return Ok(None);
    }
    let xmp = document.stream_data(id, &metadata)?;
    let value = |name: &[u8]| {
        let at = memchr::memmem::find(&xmp, name)?;
        let rest = &xmp[at + name.len()..];
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
        let value: Vec<_> = rest
            .strip_prefix(b"\"")
            .or_else(|| rest.strip_prefix(b"'"))
            .or_else(|| rest.strip_prefix(b">"))?
            .trim_ascii_start()
            .iter()
            .copied()
            .take_while(u8::is_ascii_alphanumeric)
            .take(2)
            .collect();
        String::from_utf8(value)
            .ok()
            .filter(|value| !value.is_empty())
    };
    Ok(value(b"pdfaid:part").map(|part| part + &value(b"pdfaid:conformance").unwrap_or_default()))
}
