//! The interactive form and its tree of fields (ISO 32000-2, 12.7).

use std::{collections::HashSet, rc::Rc};

use memchr::memmem;

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
    pub fields: Vec<Object>,
    exists: bool,
    changed: bool,
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
    /// `/V` is text, here or above.
    has_text: bool,
}

/// What a field passes on to its kids.
#[derive(Clone)]
struct Inherited {
    name: Rc<str>,
    is_signature: bool,
    has_text: bool,
    depth: usize,
}

impl Form {
    pub fn read(document: &Document<'_>, catalog: &Catalog) -> Result<Self, PdfError> {
        let entry = catalog.get("AcroForm").unwrap_or(&Object::Null);
        let (id, dictionary) = match document.locate_plain(entry)? {
            (id, Object::Dictionary(dictionary)) => (id, dictionary),
            (_, Object::Null) => return Ok(Self::default()),
            (id, _) => {
                let number = id.map_or(0, |id| id.number);
                return Err(PdfError::in_object("the form is not a dictionary", number));
            }
        };
        let entry = dictionary.get("Fields").unwrap_or(&Object::Null);
        let fields = document.array(
            entry,
            "the form's fields are not an array",
            id.unwrap_or(catalog.id()),
        )?;
        Ok(Self {
            id,
            dictionary,
            fields,
            exists: true,
            changed: false,
        })
    }

    /// The object that it is; `None` where it stands in the catalogue itself.
    pub fn id(&self) -> Option<Ref> {
        self.id
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
        let mut seen: HashSet<_> = self.id.into_iter().collect();
        let root = Inherited {
            name: "".into(),
            is_signature: false,
            has_text: false,
            depth: 0,
        };
        let roots = self.fields.iter().rev();
        let mut stack: Vec<_> = roots.map(|field| (field.clone(), root.clone())).collect();
        while let Some((node, mut above)) = stack.pop() {
            if let Object::Reference(id) = node
                && !seen.insert(id)
            {
                continue;
            }
            let (id, Object::Dictionary(dictionary)) = document.locate_plain(&node)? else {
                continue;
            };
            // Broken forms list what is no field, and whose changes would not be a field's.
            if ["Catalog", "Pages", "Page"]
                .iter()
                .any(|kind| dictionary.is_type(kind))
            {
                continue;
            }
            if above.depth > MAX_DEPTH {
                let what = "form fields are nested too deeply";
                return Err(PdfError::Limit {
                    what,
                    limit: MAX_DEPTH as u64,
                });
            }
            above.depth += 1;
            match document.value(&dictionary, "T")? {
                Object::String(partial) if above.name.is_empty() => {
                    above.name = text::decode(&partial).into();
                }
                Object::String(partial) => {
                    above.name = format!("{}.{}", above.name, text::decode(&partial)).into();
                }
                _ => {}
            }
            // A long name that many fields share would take far more than the file has.
            document.spend(above.name.len())?;
            if let Object::Name(kind) = document.value(&dictionary, "FT")? {
                above.is_signature = kind == b"Sig";
            }
            if let Some(Object::String(text)) = dictionary.get("V") {
                // A byte order mark alone is an empty text, too.
                above.has_text = !matches!(text.as_slice(), [] | [0xFE, 0xFF]);
            }
            let kids = match document.value(&dictionary, "Kids")? {
                Object::Array(kids) => kids,
                _ => Vec::new(),
            };
            let below = kids.iter().rev();
            stack.extend(below.map(|kid| (kid.clone(), above.clone())));
            visit(Field {
                id,
                name: above.name.to_string(),
                dictionary,
                kids,
                is_signature: above.is_signature,
                has_text: above.has_text,
            })?;
        }
        Ok(())
    }

    /// Takes back that readers are to draw the fields themselves, where they are drawn already.
    ///
    /// Readers based on Poppler take `/NeedAppearances` to mean all fields, and draw signatures,
    /// which they can't, as nothing. It goes only with the first signature, since for earlier
    /// ones it would be a change of the form; and it stays where it may be needed.
    pub fn keep_looks(&mut self, document: &Document<'_>) -> Result<(), PdfError> {
        let asked = document.value(&self.dictionary, "NeedAppearances")?;
        if asked != Object::Boolean(true) {
            return Ok(());
        }
        let mut all_drawn = true;
        self.walk(document, |field| {
            all_drawn = all_drawn && field.is_drawn(document);
            Ok(())
        })?;
        if all_drawn {
            self.dictionary
                .set("NeedAppearances", Object::Boolean(false));
            self.changed = true;
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
        if let Some(field) = new_field {
            // Into the form itself: an object that is the list may serve something else, too.
            self.fields.push(Object::Reference(field));
            self.dictionary.set("Fields", Object::Array(self.fields));
            self.changed = true;
        }
        if flags & SIGNATURE_FLAGS != SIGNATURE_FLAGS {
            self.dictionary
                .set("SigFlags", Object::Integer(flags | SIGNATURE_FLAGS));
            self.changed = true;
        }
        if !self.changed {
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

    /// False for a widget that shows nothing unless readers draw it. Software that fills in forms
    /// without drawing leaves the looks of an empty field behind, in which no text is shown.
    fn is_drawn(&self, document: &Document<'_>) -> bool {
        let subtype = self.dictionary.get("Subtype").and_then(Object::as_name);
        if self.is_signature || subtype != Some(b"Widget") {
            return true;
        }
        let Ok(Object::Dictionary(looks)) = document.value(&self.dictionary, "AP") else {
            return false;
        };
        if !self.has_text {
            return true;
        }
        let Some(id) = looks.get("N").and_then(Object::as_reference) else {
            return false;
        };
        let drawing = match document.object(id) {
            Ok(Some(form)) => document.stream_data(id, &form).unwrap_or_default(),
            _ => Vec::new(),
        };
        [&b"Tj"[..], b"TJ"]
            .iter()
            .any(|operator| memmem::find(&drawing, operator).is_some())
    }
}
