//! Signature fields: the interactive form, its field tree, and the widget that a signature adds
//! (ISO 32000-2, 12.7).

use std::collections::HashSet;

use crate::{
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

/// Print and Locked (12.5.3): PDF/A wants Print set and Hidden, Invisible and NoView clear
/// (ISO 19005-2, 6.3.2).
const WIDGET_FLAGS: i64 = 1 << 2 | 1 << 7;

/// What the author of a certified document still allows (12.8.2.2, table 257).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certification {
    /// P = 1: nothing, not even another signature.
    NoChanges,
    /// P = 2: filling in forms and signing.
    FormFilling,
    /// P = 3: the same, and annotations.
    Annotations,
}

/// The places of a document that a signature changes.
pub(crate) struct Site {
    pub catalog_id: Ref,
    pub catalog: Dictionary,
    pub form: Form,
    page_id: Ref,
    page: Dictionary,
}

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
    /// All partial names from the root, joined by full stops (12.7.4.2).
    pub name: String,
    pub dictionary: Dictionary,
    is_signature: bool,
}

/// Whether a walk goes on: below a field, or to the next page.
pub(crate) enum Descend {
    Yes,
    No,
}

impl Site {
    /// Finds the places, or the reason why this document can't be signed.
    pub fn survey(document: &Document<'_>) -> Result<Self, PdfError> {
        let (catalog_id, catalog) = document.catalog()?;
        if certification(document, &catalog)? == Some(Certification::NoChanges) {
            return Err(PdfError::Certified);
        }
        let form = Form::read(document, &catalog)?;
        if !document.value(&form.dictionary, "XFA")?.is_null() {
            return Err(PdfError::Xfa);
        }
        let (page_id, page) = first_page(document, &catalog)?;
        Ok(Self {
            catalog_id,
            catalog,
            form,
            page_id,
            page,
        })
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3` … that no field has.
    ///
    /// The new field stands at the root, so it meets only names without a full stop; one in
    /// `wanted` would read as a path and is replaced.
    pub fn free_name(&self, document: &Document<'_>, wanted: &str) -> Result<String, PdfError> {
        let wanted = if wanted.is_empty() {
            "Signature"
        } else {
            wanted
        }
        .replace('.', "_");
        let mut taken = HashSet::new();
        walk_fields(document, &self.form.fields, |field| {
            let named = !field.name.is_empty();
            if named {
                taken.insert(field.name);
            }
            Ok(if named { Descend::No } else { Descend::Yes })
        })?;
        Ok((1..)
            .map(|number| match number {
                1 => wanted.clone(),
                _ => format!("{wanted}_{number}"),
            })
            .find(|name| !taken.contains(name))
            .unwrap_or(wanted))
    }

    /// Adds a field `name` with `value` as its signature, invisible, on the first page.
    ///
    /// A visible one differs in the widget's `/Rect`, `/AP` and page alone.
    pub fn add_signature_field(
        mut self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        name: &str,
        value: Ref,
    ) -> Result<(), PdfError> {
        let widget_id = revision.allocate()?;
        let widget = Dictionary::default()
            .with("Type", Object::name("Annot"))
            .with("Subtype", Object::name("Widget"))
            .with("FT", Object::name("Sig"))
            .with("T", text::encode(name))
            .with("V", Object::Reference(value))
            .with("F", Object::Integer(WIDGET_FLAGS))
            .with("Rect", Object::Array(vec![Object::Integer(0); 4]))
            .with("P", Object::Reference(self.page_id));
        revision.put(widget_id, &Object::Dictionary(widget))?;

        let annotations = self.page.get("Annots").unwrap_or(&Object::Null);
        let (id, mut list) = array(
            document,
            annotations,
            "a page's annotations are not an array",
            self.page_id,
        )?;
        list.push(Object::Reference(widget_id));
        match id {
            Some(id) => revision.put(id, &Object::Array(list))?,
            None => {
                self.page.set("Annots", Object::Array(list));
                revision.put(self.page_id, &Object::Dictionary(self.page))?;
            }
        }
        self.form
            .add_field(document, revision, widget_id, self.catalog_id, self.catalog)
    }
}

impl Form {
    pub fn read(document: &Document<'_>, catalog: &Dictionary) -> Result<Self, PdfError> {
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
        let holder = id.unwrap_or(Ref {
            number: 0,
            generation: 0,
        });
        let (fields_id, fields) = array(
            document,
            entry,
            "the form's fields are not an array",
            holder,
        )?;
        Ok(Self {
            id,
            dictionary,
            fields_id,
            fields,
            exists: true,
        })
    }

    fn add_field(
        mut self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        widget: Ref,
        catalog_id: Ref,
        mut catalog: Dictionary,
    ) -> Result<(), PdfError> {
        self.fields.push(Object::Reference(widget));
        let flags = document
            .value(&self.dictionary, "SigFlags")?
            .as_integer()
            .unwrap_or(0);
        let mut changed = false;
        match self.fields_id {
            Some(id) => revision.put(id, &Object::Array(self.fields))?,
            None => {
                self.dictionary.set("Fields", Object::Array(self.fields));
                changed = true;
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
            (Some(id), _) => revision.put(id, &form),
            (None, true) => {
                catalog.set("AcroForm", form);
                revision.put(catalog_id, &Object::Dictionary(catalog))
            }
            (None, false) => {
                let id = revision.allocate()?;
                revision.put(id, &form)?;
                catalog.set("AcroForm", Object::Reference(id));
                revision.put(catalog_id, &Object::Dictionary(catalog))
            }
        }
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

/// Calls `visit` for every field below `roots`, each object once, parents before children.
pub(crate) fn walk_fields(
    document: &Document<'_>,
    roots: &[Object],
    mut visit: impl FnMut(Field) -> Result<Descend, PdfError>,
) -> Result<(), PdfError> {
    let mut seen = HashSet::new();
    let mut stack: Vec<_> = roots
        .iter()
        .rev()
        .map(|root| (root.clone(), String::new(), false, 0))
        .collect();
    while let Some((node, prefix, parent_is_signature, depth)) = stack.pop() {
        if let Object::Reference(id) = node
            && !seen.insert(id)
        {
            continue;
        }
        let (_, Object::Dictionary(dictionary)) = document.locate(&node)? else {
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
            Object::String(partial) if prefix.is_empty() => text::decode(&partial),
            Object::String(partial) => format!("{prefix}.{}", text::decode(&partial)),
            _ => prefix,
        };
        let is_signature = match document.value(&dictionary, "FT")? {
            Object::Name(kind) => kind == b"Sig",
            _ => parent_is_signature,
        };
        let kids = match document.value(&dictionary, "Kids")? {
            Object::Array(kids) => kids,
            _ => Vec::new(),
        };
        let field = Field {
            name: name.clone(),
            dictionary,
            is_signature,
        };
        if let Descend::Yes = visit(field)? {
            let kids = kids.into_iter().rev();
            stack.extend(kids.map(|kid| (kid, name.clone(), is_signature, depth + 1)));
        }
    }
    Ok(())
}

/// The level that a certifying signature grants (12.8.2.2), if there is one.
pub(crate) fn certification(
    document: &Document<'_>,
    catalog: &Dictionary,
) -> Result<Option<Certification>, PdfError> {
    let Object::Dictionary(permissions) = document.value(catalog, "Perms")? else {
        return Ok(None);
    };
    let Object::Dictionary(signature) = document.value(&permissions, "DocMDP")? else {
        return Ok(None);
    };
    let Object::Array(references) = document.value(&signature, "Reference")? else {
        return Ok(None);
    };
    for reference in &references {
        let (_, Object::Dictionary(reference)) = document.locate(reference)? else {
            continue;
        };
        if document.value(&reference, "TransformMethod")?.as_name() != Some(b"DocMDP") {
            continue;
        }
        let level = match document.value(&reference, "TransformParams")? {
            Object::Dictionary(parameters) => document.value(&parameters, "P")?.as_integer(),
            _ => None,
        };
        return Ok(Some(match level {
            Some(1) => Certification::NoChanges,
            Some(3) => Certification::Annotations,
            // The default where P is absent (table 257).
            _ => Certification::FormFilling,
        }));
    }
    Ok(None)
}

/// The number of pages that the page tree declares; where it does not, its leaves are counted.
pub(crate) fn page_count(document: &Document<'_>, catalog: &Dictionary) -> Result<u64, PdfError> {
    if let Object::Dictionary(root) = document.value(catalog, "Pages")?
        && let Some(count) = document.value(&root, "Count")?.as_integer()
        && let Ok(count) = u64::try_from(count)
    {
        return Ok(count);
    }
    let mut count = 0;
    walk_pages(document, catalog, |_, _| {
        count += 1;
        Descend::Yes
    })?;
    Ok(count)
}

fn first_page(
    document: &Document<'_>,
    catalog: &Dictionary,
) -> Result<(Ref, Dictionary), PdfError> {
    let mut first = None;
    walk_pages(document, catalog, |id, page| {
        first = Some((id, page));
        Descend::No
    })?;
    first.ok_or_else(|| PdfError::at_byte("the page tree holds no page", document.data.len()))
}

/// Visits the leaves of the page tree (7.7.3) in order, until `visit` says no.
fn walk_pages(
    document: &Document<'_>,
    catalog: &Dictionary,
    mut visit: impl FnMut(Ref, Dictionary) -> Descend,
) -> Result<(), PdfError> {
    let mut seen = HashSet::new();
    let mut stack: Vec<_> = catalog.get("Pages").cloned().into_iter().collect();
    while let Some(node) = stack.pop() {
        let (Some(id), Object::Dictionary(page)) = document.locate(&node)? else {
            continue;
        };
        if !seen.insert(id) {
            continue;
        }
        match document.value(&page, "Kids")? {
            Object::Array(kids) => stack.extend(kids.into_iter().rev()),
            _ if page.is_type("Pages") => {}
            _ => {
                if let Descend::No = visit(id, page) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The array that `entry` is or leads to, and the object that holds it; empty where it is absent.
fn array(
    document: &Document<'_>,
    entry: &Object,
    what: &'static str,
    owner: Ref,
) -> Result<(Option<Ref>, Vec<Object>), PdfError> {
    match document.locate(entry)? {
        (id, Object::Array(items)) => Ok((id, items)),
        (_, Object::Null) => Ok((None, Vec::new())),
        (id, _) => Err(PdfError::in_object(what, id.unwrap_or(owner).number)),
    }
}
