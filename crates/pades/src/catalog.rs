//! The catalogue, which several parts of a signature change and which is written once
//! (ISO 32000-2, 7.7.2).

use crate::{
    document::{self, Document},
    error::PdfError,
    object::{Dictionary, Object, Ref},
    revision::Revision,
};

/// The version that made signatures of EN 319 142-1 part of PDF itself.
const NATIVE: (u8, u8) = (2, 0);

/// The trailer's `/Root` and the changes to it.
pub(crate) struct Catalog {
    id: Ref,
    dictionary: Dictionary,
    changed: bool,
}

impl Catalog {
    pub fn read(document: &Document<'_>) -> Result<Self, PdfError> {
        let (id, dictionary) = document.catalog()?;
        Ok(Self {
            id,
            dictionary,
            changed: false,
        })
    }

    pub fn id(&self) -> Ref {
        self.id
    }

    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    pub fn get(&self, key: &str) -> Option<&Object> {
        self.dictionary.get(key)
    }

    pub fn set(&mut self, key: &str, value: Object) {
        self.dictionary.set(key, value);
        self.changed = true;
    }

    /// Major and minor version of the document: the header's, or the one here if that is higher.
    pub fn version(&self, document: &Document<'_>) -> Result<(u8, u8), PdfError> {
        let own = match document.value(&self.dictionary, "Version")? {
            Object::Name(name) => document::parse_version(&name),
            _ => None,
        };
        Ok(own.unwrap_or_default().max(document.header_version()))
    }

    /// Says that a file of an older version uses what EN 319 142-1 defines (its clause 5.6;
    /// ISO 32000-1, 7.12).
    pub fn declare_extension(&mut self, document: &Document<'_>) -> Result<(), PdfError> {
        if self.version(document)? >= NATIVE {
            return Ok(());
        }
        let entry = self.get("Extensions").unwrap_or(&Object::Null);
        let mut extensions = match document.locate_plain(entry)? {
            (_, Object::Dictionary(extensions)) => extensions,
            _ => Dictionary::default(),
        };
        if extensions.get("ESIC").is_some() {
            return Ok(());
        }
        let ours = Dictionary::default()
            .with("BaseVersion", Object::name("1.7"))
            .with("ExtensionLevel", Object::Integer(1));
        extensions.set("ESIC", Object::Dictionary(ours));
        self.set("Extensions", Object::Dictionary(extensions));
        Ok(())
    }

    /// Writes the catalogue if it was changed.
    pub fn finish(self, revision: &mut Revision<'_, '_>) -> Result<(), PdfError> {
        if !self.changed {
            return Ok(());
        }
        revision.put(self.id, &Object::Dictionary(self.dictionary))
    }
}
