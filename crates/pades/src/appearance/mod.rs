//! What a visible signature looks like: lines of text and a picture in a box on a page.
//!
//! The result is one form XObject with everything that it needs (ISO 32000-2, 12.5.5): fonts are
//! embedded, and in a file that claims to be PDF/A, colours do not depend on a device. The pieces:
//! `font` turns text into glyphs, `layout` fits lines into the box, `picture` reads what senders
//! upload (`jpeg` what of it may stay as it is), `draw` writes the form, with fonts by `embed` and
//! colours by `colour`.

mod colour;
mod draw;
mod embed;
mod font;
mod jpeg;
mod layout;
mod picture;

use crate::{
    document::Document,
    error::PdfError,
    inspect,
    object::{Dictionary, Object},
};

pub(crate) use draw::{build, number};
pub use picture::{Picture, PictureError};

/// A visible signature, ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Appearance {
    /// Counted from zero; negative numbers count from the end, so that -1 is the last page.
    pub page: i64,
    /// Where on the page.
    pub rect: Rect,
    /// The text, as it shall be read; long lines are wrapped.
    pub lines: Vec<String>,
    /// A picture, such as a handwritten signature or a seal.
    pub picture: Option<Picture>,
    /// How text and picture share the box.
    pub layout: Layout,
}

/// A box in points, from the bottom left corner of the page as it is displayed: cropped, rotated
/// and scaled. Any two opposite corners will do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// From the left edge to a corner.
    pub x1: f64,
    /// From the bottom edge to the same corner.
    pub y1: f64,
    /// From the left edge to the opposite corner.
    pub x2: f64,
    /// From the bottom edge to the opposite corner.
    pub y2: f64,
}

/// How text and picture share the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The picture fills the box and the text runs over it.
    #[default]
    Behind,
    /// The picture stands on the left and the text on the right.
    Beside,
}

/// What a file asks of the things that are drawn in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Colours must mean the same on every device: it claims to be PDF/A.
    pub calibrated: bool,
    /// What is drawn may let shine through what is below: not in PDF/A-1, and in later parts only
    /// where an output intent says in which colours to mix (ISO 19005-2, 6.2.10).
    pub transparent: bool,
}

impl Rules {
    pub fn of(document: &Document<'_>, catalog: &Dictionary) -> Result<Self, PdfError> {
        // A claim that can't be read is none.
        let claim = inspect::pdf_a_claim(document, catalog).unwrap_or_default();
        let intents = document.value(catalog, "OutputIntents")?;
        let has_intent = matches!(intents, Object::Array(intents) if !intents.is_empty());
        Ok(Self {
            calibrated: claim.is_some(),
            transparent: claim.is_none_or(|claim| !claim.starts_with('1') && has_intent),
        })
    }
}
