//! Putting a signature into its field: a new one is hung into form and page, an existing one keeps
//! its place.

use super::{Chosen, EmptyField, Purpose, Site};
use crate::{
    appearance::{self, Appearance},
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Ref},
    page::{self, Page, Placement},
    revision::Revision,
    text,
};

/// Print and Locked (12.5.3): PDF/A wants Print set and Hidden, Invisible and NoView clear
/// (ISO 19005-2, 6.3.2).
const WIDGET_FLAGS: i64 = 1 << 2 | 1 << 7;

impl Site {
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
        let new_field = match chosen.existing {
            None => Some(self.add(document, revision, &chosen.name, value, purpose)?),
            Some(field) => {
                let look = match purpose {
                    Purpose::Signature { appearance, .. } => appearance,
                    Purpose::TimeStamp => None,
                };
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
        purpose: Purpose<'_>,
    ) -> Result<Ref, PdfError> {
        let index = match purpose {
            Purpose::Signature {
                appearance: Some(look),
                ..
            } => look.page,
            _ => 0,
        };
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
        match purpose {
            Purpose::Signature {
                appearance: Some(look),
                ..
            } => {
                let placement = page.place(document, look.rect)?;
                widget.set("Rect", placement.rect_object());
                let form = self.draw(document, revision, look, &placement)?;
                widget.set("AP", normal_appearance(form));
            }
            // PDF/A-1 wants one even where nothing is to be seen (ISO 19005-1, 6.9).
            Purpose::Signature { .. } => {
                let form = revision.put_stream(empty_form(), b"")?;
                widget.set("AP", normal_appearance(form));
            }
            // A time-stamp's field should have none (ISO 32000-2, 12.8.5).
            Purpose::TimeStamp => {}
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
            Some(look) => self.draw(document, revision, look, &placement)?,
            None => revision.put_stream(empty_form(), b"")?,
        };
        widget.set("AP", normal_appearance(form));
        Ok(())
    }

    fn draw(
        &self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        look: &Appearance,
        placement: &Placement,
    ) -> Result<Ref, PdfError> {
        let rules = appearance::Rules::of(document, self.catalog.dictionary())?;
        appearance::build(revision, look, placement, rules)
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
