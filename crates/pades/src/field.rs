//! Signature fields: which one a signature gets, and how it is filled or hung into form and page
//! (ISO 32000-2, 12.7.5.5).

use std::collections::HashSet;

use crate::{
    appearance::{self, Appearance},
    catalog::Catalog,
    document::Document,
    encryption::Protection,
    error::PdfError,
    form::{Field, Form},
    object::{Dictionary, Object, Ref},
    page::{self, Page},
    permission::{self, Certification, Permissions},
    revision::Revision,
    text,
};

/// Print and Locked (12.5.3): PDF/A wants Print set and Hidden, Invisible and NoView clear
/// (ISO 19005-2, 6.3.2).
const WIDGET_FLAGS: i64 = 1 << 2 | 1 << 7;

/// Which field a signature goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTarget {
    /// A new one of this name, made unique by a number if a field has it already.
    ///
    /// Where the document allows no new field, or none that can be seen, the first empty signature
    /// field takes its place.
    New(String),
    /// The empty signature field with this full name.
    Existing(String),
}

/// What is put into a field.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    Signature {
        reason: Option<&'a str>,
        appearance: Option<&'a Appearance>,
    },
    /// Not a change of the document in the sense of its author's permissions.
    TimeStamp,
}

impl Purpose<'_> {
    /// An invisible signature without a reason.
    pub const PLAIN: Self = Self::Signature {
        reason: None,
        appearance: None,
    };
}

/// The places of a document that a signature changes.
pub(crate) struct Site {
    pub catalog: Catalog,
    form: Form,
    permissions: Permissions,
    /// Signatures and document time-stamps, whatever they are worth.
    pub signatures: usize,
    /// Full names of all fields.
    taken: HashSet<String>,
    /// Signature fields without a signature, in the order of the form.
    empty: Vec<EmptyField>,
}

/// A signature field that waits for its signature.
struct EmptyField {
    id: Ref,
    name: String,
    dictionary: Dictionary,
    /// Where it is not the field itself. Signature fields have one at the most.
    widget: Option<(Ref, Dictionary)>,
}

/// The field that was chosen.
pub(crate) struct Chosen {
    pub name: String,
    existing: Option<EmptyField>,
}

impl Site {
    /// Finds the places, or the reason why nothing can be put into this document.
    pub fn survey(document: &Document<'_>, purpose: Purpose<'_>) -> Result<Self, PdfError> {
        let catalog = Catalog::read(document)?;
        let form = Form::read(document, &catalog)?;
        let mut permissions = Permissions::of_catalog(document, catalog.dictionary())?;
        let mut signatures = 0;
        let mut taken = HashSet::new();
        let mut empty = Vec::new();
        form.walk(document, |field| {
            if let Some((_, signature)) = field.signature(document)? {
                permissions.add(document, &signature)?;
                signatures += 1;
            } else if let Some(field) = EmptyField::of(document, &field)? {
                empty.push(field);
            }
            taken.insert(field.name);
            Ok(())
        })?;
        if let Purpose::Signature { .. } = purpose {
            if permissions.certification == Some(Certification::NoChanges) {
                return Err(PdfError::Certified);
            }
            if form.is_xfa(document)? {
                return Err(PdfError::Xfa);
            }
        }
        Ok(Self {
            catalog,
            form,
            permissions,
            signatures,
            taken,
            empty,
        })
    }

    pub fn certification(&self) -> Option<Certification> {
        self.permissions.certification
    }

    /// Names of the empty fields that no signature locked.
    pub fn empty_fields(&self) -> Vec<String> {
        let names = self.empty.iter().map(|field| &field.name);
        names
            .filter(|name| !self.permissions.is_locked(name))
            .cloned()
            .collect()
    }

    /// The field that `target` names, or the reason why it can't be filled.
    pub fn choose(
        &mut self,
        document: &Document<'_>,
        target: &FieldTarget,
        purpose: Purpose<'_>,
    ) -> Result<Chosen, PdfError> {
        match target {
            FieldTarget::New(wanted) => {
                let name = self.free_name(wanted);
                let refusal = match self.may_create(document, &name, purpose) {
                    Ok(()) => {
                        return Ok(Chosen {
                            name,
                            existing: None,
                        });
                    }
                    Err(refusal) => refusal,
                };
                let usable = |field: &EmptyField| self.may_fill(document, field, purpose).is_ok();
                match self.empty.iter().position(usable) {
                    Some(index) => Ok(Chosen::existing(self.empty.swap_remove(index))),
                    None => Err(refusal),
                }
            }
            FieldTarget::Existing(name) => {
                let Some(index) = self.empty.iter().position(|field| field.name == *name) else {
                    let name = name.clone();
                    return Err(if self.taken.contains(&name) {
                        PdfError::FieldTaken(name)
                    } else {
                        PdfError::NoSuchField(name)
                    });
                };
                self.may_fill(document, &self.empty[index], purpose)?;
                Ok(Chosen::existing(self.empty.swap_remove(index)))
            }
        }
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3` … that no field has.
    ///
    /// The new field stands at the root, so it meets only names without a full stop; one in
    /// `wanted` would read as a path and is replaced.
    fn free_name(&self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() {
            "Signature"
        } else {
            wanted
        }
        .replace('.', "_");
        (1..)
            .map(|number| match number {
                1 => wanted.clone(),
                _ => format!("{wanted}_{number}"),
            })
            .find(|name| !self.taken.contains(name))
            .unwrap_or(wanted)
    }

    /// Whether earlier signatures stay valid, and the protection is respected, when a field is
    /// added. A time-stamp changes nothing that they vouch for.
    fn may_create(
        &self,
        document: &Document<'_>,
        name: &str,
        purpose: Purpose<'_>,
    ) -> Result<(), PdfError> {
        let protection = document.protection.as_ref();
        let creates = protection.is_none_or(Protection::permits_new_fields);
        match purpose {
            Purpose::Signature { appearance, .. } => {
                if !creates {
                    return Err(PdfError::Protected);
                }
                if appearance.is_some() && self.permissions.certification.is_some() {
                    return Err(PdfError::CertifiedAgainstFields);
                }
                self.check_lock(name)
            }
            // A signature in a field that was there can be archived, too.
            Purpose::TimeStamp => {
                if creates || protection.is_some_and(Protection::permits_filling_in) {
                    Ok(())
                } else {
                    Err(PdfError::Protected)
                }
            }
        }
    }

    fn check_lock(&self, name: &str) -> Result<(), PdfError> {
        if self.permissions.is_locked(name) {
            return Err(PdfError::Locked(name.to_owned()));
        }
        Ok(())
    }

    fn may_fill(
        &self,
        document: &Document<'_>,
        field: &EmptyField,
        purpose: Purpose<'_>,
    ) -> Result<(), PdfError> {
        let protection = document.protection.as_ref();
        if !protection.is_none_or(Protection::permits_filling_in) {
            return Err(PdfError::Protected);
        }
        self.check_lock(&field.name)?;
        match purpose {
            Purpose::Signature { reason, .. } => {
                permission::check_seed_values(document, &field.dictionary, reason)
            }
            Purpose::TimeStamp => Ok(()),
        }
    }

    /// Puts `value` into the chosen field, and everything that is still to be changed into the
    /// revision.
    pub fn fill(
        mut self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        chosen: Chosen,
        value: Ref,
        purpose: Purpose<'_>,
    ) -> Result<(), PdfError> {
        let look = match purpose {
            Purpose::Signature { appearance, .. } => appearance,
            Purpose::TimeStamp => None,
        };
        let new_field = match chosen.existing {
            None => Some(self.add(document, revision, &chosen.name, value, look)?),
            Some(field) => {
                self.fill_existing(document, revision, field, value, look)?;
                None
            }
        };
        self.form
            .finish(document, revision, new_field, &mut self.catalog)?;
        self.catalog.finish(revision)
    }

    /// Adds a field that is its own widget: at its place on a page, or invisible on the first.
    fn add(
        &self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        name: &str,
        value: Ref,
        look: Option<&Appearance>,
    ) -> Result<Ref, PdfError> {
        let index = look.map_or(0, |look| look.page);
        let page = page::find(document, self.catalog.dictionary(), index)?;
        let id = revision.allocate()?;
        let mut widget = Dictionary::default()
            .with("Type", Object::name("Annot"))
            .with("Subtype", Object::name("Widget"))
            .with("FT", Object::name("Sig"))
            .with("T", text::encode(name))
            .with("V", Object::Reference(value))
            .with("F", Object::Integer(WIDGET_FLAGS))
            .with("Rect", Object::Array(vec![Object::Integer(0); 4]))
            .with("P", Object::Reference(page.id));
        if let Some(look) = look {
            let placement = page.place(document, look.rect)?;
            widget.set("Rect", placement.rect_object());
            let rules = appearance::Rules::of(document, self.catalog.dictionary())?;
            let form = appearance::build(revision, look, &placement, rules)?;
            widget.set("AP", normal_appearance(form));
        }
        revision.put(id, &Object::Dictionary(widget))?;
        annotate(document, revision, page, id)?;
        Ok(id)
    }

    /// Fills a field that the document's author made, in its own place.
    fn fill_existing(
        &self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        mut field: EmptyField,
        value: Ref,
        look: Option<&Appearance>,
    ) -> Result<(), PdfError> {
        field.dictionary.set("V", Object::Reference(value));
        match field.widget {
            Some((id, mut widget)) => {
                self.dress(document, revision, &mut widget, look)?;
                revision.put(id, &Object::Dictionary(widget))?;
            }
            None => self.dress(document, revision, &mut field.dictionary, look)?,
        }
        revision.put(field.id, &Object::Dictionary(field.dictionary))
    }

    /// Gives a widget that has a place its appearance; an empty one where none is wanted, so that
    /// no "sign here" stays behind.
    fn dress(
        &self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        widget: &mut Dictionary,
        look: Option<&Appearance>,
    ) -> Result<(), PdfError> {
        let flags = document.value(widget, "F")?.as_integer().unwrap_or(0);
        widget.set("F", Object::Integer(flags | WIDGET_FLAGS));
        let page = match widget
            .get("P")
            .map(|page| document.locate(page))
            .transpose()?
        {
            Some((Some(id), Object::Dictionary(dictionary))) => Page { id, dictionary },
            _ => page::find(document, self.catalog.dictionary(), 0)?,
        };
        let placement = match page.place_field(document, widget) {
            Ok(placement) => placement,
            Err(PdfError::BoxEmpty) => return Ok(()),
            Err(error) => return Err(error),
        };
        let form = match look {
            Some(look) => {
                let rules = appearance::Rules::of(document, self.catalog.dictionary())?;
                appearance::build(revision, look, &placement, rules)?
            }
            None => revision.put_stream(empty_form(), b"")?,
        };
        widget.set("AP", normal_appearance(form));
        Ok(())
    }
}

impl EmptyField {
    /// `field`, if it is one: neither a widget of one nor a node above several.
    fn of(document: &Document<'_>, field: &Field) -> Result<Option<Self>, PdfError> {
        let Some(id) = field.id.filter(|_| field.is_signature) else {
            return Ok(None);
        };
        let widget = match field.kids.first().map(|kid| document.locate(kid)) {
            Some(kid) => match kid? {
                (Some(id), Object::Dictionary(widget)) => Some((id, widget)),
                _ => return Ok(None),
            },
            None => None,
        };
        let is_named = |dictionary: &Dictionary| dictionary.get("T").is_some();
        let above = widget.as_ref().is_some_and(|(_, kid)| is_named(kid));
        Ok((is_named(&field.dictionary) && !above).then(|| Self {
            id,
            name: field.name.clone(),
            dictionary: field.dictionary.clone(),
            widget,
        }))
    }
}

impl Chosen {
    fn existing(field: EmptyField) -> Self {
        Self {
            name: field.name.clone(),
            existing: Some(field),
        }
    }

    /// The `/Reference` that the field's lock asks of its signature.
    pub fn locks(
        &self,
        document: &Document<'_>,
        catalog: &Catalog,
    ) -> Result<Option<Object>, PdfError> {
        match &self.existing {
            Some(field) => permission::locks_of(document, &field.dictionary, catalog.id()),
            None => Ok(None),
        }
    }
}

/// Hangs a widget into its page.
fn annotate(
    document: &Document<'_>,
    revision: &mut Revision<'_, '_>,
    mut page: Page,
    widget: Ref,
) -> Result<(), PdfError> {
    let annotations = page.dictionary.get("Annots").unwrap_or(&Object::Null);
    let what = "a page's annotations are not an array";
    let (id, mut list) = document.array(annotations, what, page.id)?;
    list.push(Object::Reference(widget));
    match id {
        Some(id) => revision.put(id, &Object::Array(list)),
        None => {
            page.dictionary.set("Annots", Object::Array(list));
            revision.put(page.id, &Object::Dictionary(page.dictionary))
        }
    }
}

fn normal_appearance(form: Ref) -> Object {
    Object::Dictionary(Dictionary::default().with("N", Object::Reference(form)))
}

/// A form XObject that draws nothing (8.10.2).
fn empty_form() -> Dictionary {
    Dictionary::default()
        .with("Type", Object::name("XObject"))
        .with("Subtype", Object::name("Form"))
        .with("BBox", Object::Array(vec![Object::Integer(0); 4]))
        .with("Resources", Object::Dictionary(Dictionary::default()))
}
