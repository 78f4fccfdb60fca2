//! The document security store: what a validator needs for as long as the signatures live
//! (ISO 32000-2, 12.8.4.3; ETSI EN 319 142-1, 5.4.2).

use std::collections::HashSet;

use crate::{
    catalog::Catalog,
    document::Document,
    error::PdfError,
    object::{Dictionary, Object},
    revision::Revision,
};

/// Validation data as DER, of all signatures of a file together.
///
/// Dictionaries of validation related information (VRI) are not written: EN 319 142-1 leaves them
/// open, and they would name everything a second time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityStore {
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// OCSP responses (RFC 6960, `OCSPResponse`).
    pub ocsp_responses: Vec<Vec<u8>>,
    /// Certificate revocation lists.
    pub revocation_lists: Vec<Vec<u8>>,
}

impl SecurityStore {
    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// Bytes of everything in it.
    pub(crate) fn size(&self) -> usize {
        let lists = self.lists();
        lists
            .iter()
            .flat_map(|(_, list)| list.iter())
            .map(Vec::len)
            .sum()
    }

    /// Under their keys in the dictionary (table 267).
    fn lists(&self) -> [(&'static str, &[Vec<u8>]); 3] {
        [
            ("Certs", &self.certificates),
            ("OCSPs", &self.ocsp_responses),
            ("CRLs", &self.revocation_lists),
        ]
    }
}

/// What the security store of a file holds now; empty where there is none.
///
/// Entries that lead nowhere or can't be unpacked are left out.
///
/// # Errors
///
/// Those that keep the file from being read.
pub fn security_store(pdf: &[u8]) -> Result<SecurityStore, PdfError> {
    Document::with(pdf, |document| {
        let held = Held::read(document, &Catalog::read(document)?)?;
        let [certificates, ocsp_responses, revocation_lists] =
            ["Certs", "OCSPs", "CRLs"].map(|key| held.list(document, key));
        let contents = |list: Result<List, PdfError>| {
            list.map(|list| list.contents.into_iter().flatten().collect())
        };
        Ok(SecurityStore {
            certificates: contents(certificates)?,
            ocsp_responses: contents(ocsp_responses)?,
            revocation_lists: contents(revocation_lists)?,
        })
    })
}

/// Adds to the file's store what it does not hold yet. What it holds stays, under its old numbers; its
/// dictionary and its lists are written anew, since something else may share those that are there.
pub(crate) fn add(
    document: &Document<'_>,
    store: &SecurityStore,
    catalog: &mut Catalog,
    revision: &mut Revision<'_, '_>,
) -> Result<(), PdfError> {
    let mut held = Held::read(document, catalog)?;
    let mut changed = false;
    for (key, additions) in store.lists() {
        if additions.is_empty() {
            continue;
        }
        let mut list = held.list(document, key)?;
        let mut known: HashSet<&[u8]> = list.contents.iter().flatten().map(Vec::as_slice).collect();
        let before = list.entries.len();
        for addition in additions {
            if known.insert(addition) {
                let id = revision.put_stream(Dictionary::default(), addition)?;
                list.entries.push(Object::Reference(id));
            }
        }
        if list.entries.len() == before {
            continue;
        }
        held.dictionary.set(key, Object::Array(list.entries));
        changed = true;
    }
    if !changed {
        return Ok(());
    }
    let dictionary = Object::Dictionary(held.dictionary);
    let id = revision.allocate()?;
    revision.put(id, &dictionary)?;
    catalog.set("DSS", Object::Reference(id));
    Ok(())
}

/// The store's dictionary as the file has it.
struct Held {
    dictionary: Dictionary,
}

/// One of the store's three arrays.
struct List {
    entries: Vec<Object>,
    /// What the entries hold; `None` for those that can't be read.
    contents: Vec<Option<Vec<u8>>>,
}

impl Held {
    fn read(document: &Document<'_>, catalog: &Catalog) -> Result<Self, PdfError> {
        let entry = catalog.get("DSS").unwrap_or(&Object::Null);
        match document.locate_plain(entry)? {
            (_, Object::Dictionary(dictionary)) => Ok(Self { dictionary }),
            (_, Object::Null) => Ok(Self {
                dictionary: Dictionary::default().with("Type", Object::name("DSS")),
            }),
            (id, _) => Err(PdfError::in_object(
                "the security store is not a dictionary",
                id.unwrap_or(catalog.id()).number,
            )),
        }
    }

    fn list(&self, document: &Document<'_>, key: &str) -> Result<List, PdfError> {
        let entry = self.dictionary.get(key).unwrap_or(&Object::Null);
        let entries = match document.locate(entry)?.1 {
            Object::Array(entries) => entries,
            _ => Vec::new(),
        };
        let contents = entries
            .iter()
            .map(|entry| content(document, entry))
            .collect::<Result<_, _>>()?;
        Ok(List { entries, contents })
    }
}

fn content(document: &Document<'_>, entry: &Object) -> Result<Option<Vec<u8>>, PdfError> {
    let Some(id) = entry.as_reference() else {
        return Ok(None);
    };
    let Some(object) = document.object(id)? else {
        return Ok(None);
    };
    match document.stream_data(id, &object) {
        Err(PdfError::Broken { .. } | PdfError::Filter(_)) => Ok(None),
        read => read.map(Some),
    }
}
