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
                self.fill_existing(document, revision, field, value, purpose.appearance())?;
                None
            }
        };
        if self.signatures == 0 && matches!(purpose, Purpose::Signature { .. }) {
            self.form.keep_looks(document)?;
        }
        self.form
            .finish(document, revision, new_field, &mut self.catalog)?;
        self.catalog.finish(revision)
    }

    /// Fails where what is to be seen in the chosen field has no place.
    pub fn check_place(
        &self,
        document: &Document<'_>,
        chosen: &Chosen,
        purpose: Purpose<'_>,
    ) -> Result<(), PdfError> {
        match &chosen.existing {
            None => {
                let (page, _) = self.new_place(document, purpose)?;
                annotations(document, &page).map(drop)
            }
            Some(field) => {
                let (id, widget) = field.shown();
                self.own_place(document, id, widget).map(drop)
            }
        }
    }

    /// The page of a new field, and the place there of what is to be seen.
    fn new_place(
        &self,
        document: &Document<'_>,
        purpose: Purpose<'_>,
    ) -> Result<(Page, Option<Placement>), PdfError> {
        let look = purpose.appearance();
        let index = look.map_or(0, |look| look.page);
        let page = page::find(document, self.catalog.dictionary(), index)?;
        let placement = look.map(|look| page.place(document, look.rect));
        Ok((page, placement.transpose()?))
    }

    /// The place of a widget that is there; `None` where there is nothing to be seen of it.
    fn own_place(
        &self,
        document: &Document<'_>,
        id: Ref,
        widget: &Dictionary,
    ) -> Result<Option<Placement>, PdfError> {
        let catalog = self.catalog.dictionary();
        let named = widget.get("P").map(|page| document.locate(page));
        let page = match named.transpose()? {
            Some((Some(id), Object::Dictionary(dictionary))) => Page { id, dictionary },
            _ => match page::showing(document, catalog, id)? {
                Some(page) => page,
                None => page::find(document, catalog, 0)?,
            },
        };
        match page.place_field(document, widget) {
            Ok(placement) => Ok(Some(placement)),
            Err(PdfError::BoxEmpty) => Ok(None),
            Err(error) => Err(error),
        }
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
        let (page, placement) = self.new_place(document, purpose)?;
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
        match (purpose, placement) {
            (
                Purpose::Signature {
                    appearance: Some(look),
                    ..
                },
                Some(placement),
            ) => {
                widget.set("Rect", placement.rect_object());
                let form = self.draw(document, revision, look, &placement)?;
                widget.set("AP", normal_appearance(form));
            }
            // PDF/A-1 wants one even where nothing is to be seen (ISO 19005-1, 6.9).
            (Purpose::Signature { .. }, _) => {
                let form = revision.put_stream(empty_form(), b"")?;
                widget.set("AP", normal_appearance(form));
            }
            // A time-stamp's field should have none (ISO 32000-2, 12.8.5).
            (Purpose::TimeStamp, _) => {}
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
                self.dress(document, revision, id, &mut widget, look)?;
                revision.put(id, &Object::Dictionary(widget))?;
            }
            None => self.dress(document, revision, field.id, &mut field.dictionary, look)?,
        }
        revision.put(field.id, &Object::Dictionary(field.dictionary))
    }

    /// Gives a widget that has a place its appearance; an empty one where none is wanted, so that
    /// no "sign here" stays behind.
    fn dress(
        &self,
        document: &Document<'_>,
        revision: &mut Revision<'_, '_>,
        id: Ref,
        widget: &mut Dictionary,
        look: Option<&Appearance>,
    ) -> Result<(), PdfError> {
        let flags = document.value(widget, "F")?.as_integer().unwrap_or(0);
        widget.set("F", Object::Integer(flags | WIDGET_FLAGS));
        let Some(placement) = self.own_place(document, id, widget)? else {
            return Ok(());
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
    // Into the page itself: some producers use one list for several pages, or for the form's fields.
    let mut list = annotations(document, &page)?;
    list.push(Object::Reference(widget));
    page.dictionary.set("Annots", Object::Array(list));
    revision.put(page.id, &Object::Dictionary(page.dictionary))
}

/// A page's list of annotations.
fn annotations(document: &Document<'_>, page: &Page) -> Result<Vec<Object>, PdfError> {
    let annotations = page.dictionary.get("Annots").unwrap_or(&Object::Null);
    let what = "a page's annotations are not an array";
    document.array(annotations, what, page.id)
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
