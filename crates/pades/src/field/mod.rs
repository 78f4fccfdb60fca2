//! Signature fields: which one a signature gets (ISO 32000-2, 12.7.5.5). `fill` puts it in.

mod fill;

use std::collections::HashSet;

use crate::{
    appearance::Appearance,
    catalog::Catalog,
    document::Document,
    encryption::Protection,
    error::PdfError,
    form::{Field, Form},
    object::{Dictionary, Object, Ref},
    page,
    permission::{self, Certification, Permissions},
    revision::TWO_ROLES,
};

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

impl<'a> Purpose<'a> {
    /// An invisible signature without a reason.
    pub const PLAIN: Self = Self::Signature {
        reason: None,
        appearance: None,
    };

    /// What is to be seen of it.
    fn appearance(self) -> Option<&'a Appearance> {
        match self {
            Self::Signature { appearance, .. } => appearance,
            Self::TimeStamp => None,
        }
    }
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
    /// Their objects.
    fields: HashSet<Ref>,
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
        if document.is_repaired_signed {
            return Err(PdfError::SignedAndDamaged);
        }
        let catalog = Catalog::read(document)?;
        let form = Form::read(document, &catalog)?;
        let mut permissions = Permissions::of_catalog(document, catalog.dictionary())?;
        let mut signatures = 0;
        let mut taken = HashSet::new();
        let mut fields = HashSet::new();
        let mut empty = Vec::new();
        form.walk(document, |field| {
            fields.extend(field.id);
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
            fields,
            empty,
        })
    }

    /// Fails where what is written anew in one role would change in another, too: a page's list of
    /// annotations, say, in an object that is also a field. Reads all pages.
    pub fn check_roles(&self, document: &Document<'_>) -> Result<(), PdfError> {
        let nodes = page::nodes(document, self.catalog.dictionary())?;
        let roles = nodes
            .iter()
            .chain(&self.fields)
            .copied()
            .chain(self.form.id())
            .chain([self.catalog.id()]);
        let mut seen = HashSet::new();
        for id in roles {
            if !seen.insert(id) {
                return Err(PdfError::in_object(TWO_ROLES, id.number));
            }
        }
        Ok(())
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

    /// The field that `target` names, or the reason why it can't be filled. It is taken from then
    /// on.
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
                        self.taken.insert(name.clone());
                        return Ok(Chosen {
                            name,
                            existing: None,
                        });
                    }
                    Err(refusal) => refusal,
                };
                let usable = |field: &EmptyField| self.may_fill(document, field, purpose).is_ok();
                match self.empty.iter().position(usable) {
                    Some(index) => Ok(Chosen::existing(self.empty.remove(index))),
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
                Ok(Chosen::existing(self.empty.remove(index)))
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
}

impl EmptyField {
    /// What of it stands on a page.
    fn shown(&self) -> (Ref, &Dictionary) {
        match &self.widget {
            Some((id, widget)) => (*id, widget),
            None => (self.id, &self.dictionary),
        }
    }

    /// `field`, if it is one: neither a widget of one nor a node above several.
    fn of(document: &Document<'_>, field: &Field) -> Result<Option<Self>, PdfError> {
        let Some(id) = field.id.filter(|_| field.is_signature) else {
            return Ok(None);
        };
        let widget = match field.kids.first().map(|kid| document.locate_plain(kid)) {
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
