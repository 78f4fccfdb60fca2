//! The interactive form and its tree of fields (ISO 32000-2, 12.7).

use std::{collections::HashSet, rc::Rc};

use crate::{
    catalog::Catalog,
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Ref},
    revision::Revision,
    text,
};

/// Fields inside one another. Real forms stay below ten.
const MAX_DEPTH: usize = 64;

/// `SignaturesExist` and `AppendOnly` (12.7.3, table 225).
const SIGNATURE_FLAGS: i64 = 0b11;

/// The interactive form; empty where the document has none yet.
#[derive(Default)]
pub(crate) struct Form {
    /// The object that is the form; `None` where it stands in the catalogue itself.
    id: Option<Ref>,
    dictionary: Dictionary,
    /// The object that is the list of fields; `None` where it stands in the form itself.
    fields_id: Option<Ref>,
    pub fields: Vec<Object>,
    exists: bool,
}

/// A node of the field tree.
pub(crate) struct Field {
    /// The object that it is; `None` where it stands in another object, against the standard.
    pub id: Option<Ref>,
    /// All partial names from the root, joined by full stops (12.7.4.2).
    pub name: String,
    pub dictionary: Dictionary,
    pub kids: Vec<Object>,
    /// `/FT` is `/Sig`, here or above.
    pub is_signature: bool,
}

impl Form {
    pub fn read(document: &Document<'_>, catalog: &Catalog) -> Result<Self, PdfError> {
        let entry = catalog.get("AcroForm").unwrap_or(&Object::Null);
        let (id, dictionary) = match document.locate(entry)? {
            (id, Object::Dictionary(dictionary)) => (id, dictionary),
            (_, Object::Null) => return Ok(Self::default()),
            (id, _) => {
                let number = id.map_or(0, |id| id.number);
                return Err(PdfError::in_object("the form is not a dictionary", number));
            }
        };
        let entry = dictionary.get("Fields").unwrap_or(&Object::Null);
        let (fields_id, fields) = document.array(
            entry,
            "the form's fields are not an array",
            id.unwrap_or(catalog.id()),
        )?;
        Ok(Self {
            id,
            dictionary,
            fields_id,
            fields,
            exists: true,
        })
    }

    /// True if the form's display comes from XFA and not from the pages.
    pub fn is_xfa(&self, document: &Document<'_>) -> Result<bool, PdfError> {
        Ok(!document.value(&self.dictionary, "XFA")?.is_null())
    }

    /// Calls `visit` for every field, each object once, parents before children.
    pub fn walk(
        &self,
        document: &Document<'_>,
        mut visit: impl FnMut(Field) -> Result<(), PdfError>,
    ) -> Result<(), PdfError> {
        let mut seen = HashSet::new();
        let roots = self.fields.iter().rev();
        let mut stack: Vec<_> = roots
            .map(|root| (root.clone(), Rc::<str>::from(""), false, 0))
            .collect();
        while let Some((node, prefix, parent_is_signature, depth)) = stack.pop() {
            if let Object::Reference(id) = node
                && !seen.insert(id)
            {
                continue;
            }
            let (id, Object::Dictionary(dictionary)) = document.locate(&node)? else {
                continue;
            };
            if depth > MAX_DEPTH {
                let what = "form fields are nested too deeply";
                return Err(PdfError::Limit {
                    what,
                    limit: MAX_DEPTH as u64,
                });
            }
            let name = match document.value(&dictionary, "T")? {
                Object::String(partial) if prefix.is_empty() => text::decode(&partial).into(),
                Object::String(partial) => format!("{prefix}.{}", text::decode(&partial)).into(),
                _ => prefix,
            };
            // A long name that many fields share would take far more than the file has.
            document.spend(name.len())?;
            let is_signature = match document.value(&dictionary, "FT")? {
                Object::Name(kind) => kind == b"Sig",
                _ => parent_is_signature,
            };
            let kids = match document.value(&dictionary, "Kids")? {
                Object::Array(kids) => kids,
                _ => Vec::new(),
            };
            let below = kids.iter().rev();
            stack.extend(below.map(|kid| (kid.clone(), Rc::clone(&name), is_signature, depth + 1)));
            visit(Field {
                id,
                name: name.to_string(),
                dictionary,
                kids,
                is_signature,
            })?;
        }
        Ok(())
    }

    /// Says that the document is signed, and lists `new_field` if there is one.
    pub fn finish(
        mut self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        new_field: Option<Ref>,
        catalog: &mut Catalog,
    ) -> Result<(), PdfError> {
        let flags = document.value(&self.dictionary, "SigFlags")?;
        let flags = flags.as_integer().unwrap_or(0);
        let mut changed = false;
        if let Some(field) = new_field {
            self.fields.push(Object::Reference(field));
            match self.fields_id {
                Some(id) => revision.put(id, &Object::Array(self.fields))?,
                None => {
                    self.dictionary.set("Fields", Object::Array(self.fields));
                    changed = true;
                }
            }
        }
        if flags & SIGNATURE_FLAGS != SIGNATURE_FLAGS {
            self.dictionary
                .set("SigFlags", Object::Integer(flags | SIGNATURE_FLAGS));
            changed = true;
        }
        if !changed {
            return Ok(());
        }
        let form = Object::Dictionary(self.dictionary);
        match (self.id, self.exists) {
            (Some(id), _) => revision.put(id, &form)?,
            (None, true) => catalog.set("AcroForm", form),
            (None, false) => {
                let id = revision.allocate()?;
                revision.put(id, &form)?;
                catalog.set("AcroForm", Object::Reference(id));
            }
        }
        Ok(())
    }
}

impl Field {
    /// The signature dictionary, and the object that holds it, if this field is signed.
    pub fn signature(
        &self,
        document: &Document<'_>,
    ) -> Result<Option<(Option<Ref>, Dictionary)>, PdfError> {
        let Some(value) = self.dictionary.get("V").filter(|_| self.is_signature) else {
            return Ok(None);
        };
        Ok(match document.locate(value)? {
            (id, Object::Dictionary(signature)) => Some((id, signature)),
            _ => None,
        })
    }
}
