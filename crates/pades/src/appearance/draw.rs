//! The form XObject of an appearance: its content and what it refers to.

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec_zlib;

use super::{
    Appearance, Layout, Rules,
    colour::ColourSpace,
    embed::Subset,
    font::{Piece, fonts},
    layout::{self, Block},
};
use crate::{
    error::PdfError,
    object::{Dictionary, Object, Ref},
    page::{Placement, Rotation},
    revision::Revision,
    text,
};

/// Between the edge of the box and the text, and between picture and text, in points.
const PADDING: f64 = 2.0;

/// The part of a box's width that is padding at most.
const MOST_PADDING: f64 = 0.05;

/// The part of a box's width that a picture beside text takes at most.
const MOST_PICTURE: f64 = 0.5;

/// Shifts below this, in thousandths of an em, are rounding.
const UNSEEN: f64 = 0.5;

/// How hard to try; more costs time and gains little.
pub(super) const COMPRESSION: u8 = 6;

/// A box in points, from the bottom left corner of the appearance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Draws `appearance` for the box at `placement`, and returns the form that a widget's
/// `/AP << /N … >>` refers to.
pub(crate) fn build(
    revision: &mut Revision<'_, '_>,
    appearance: &Appearance,
    placement: &Placement,
    rules: Rules,
) -> Result<Ref, PdfError> {
    let (picture_frame, text_frame) = frames(appearance, placement);
    let mut content = Content::default();
    let mut resources = Dictionary::default();
    if let Some(picture) = &appearance.picture {
        let image = picture.put(revision, rules)?;
        let images = Dictionary::default().with("Picture", Object::Reference(image));
        resources.set("XObject", Object::Dictionary(images));
        content.picture(picture.fit(picture_frame));
    }
    let block = layout::fit(&appearance.lines, text_frame);
    if !block.rows.is_empty() {
        if rules.calibrated {
            let black = ColourSpace::Gray.object(rules);
            let spaces = Dictionary::default().with("Ink", black);
            resources.set("ColorSpace", Object::Dictionary(spaces));
            content.put("/Ink cs 0 sc\n");
        } else {
            content.put("0 g\n");
        }
        content.text(&block);
        let mut dictionary = Dictionary::default();
        for (index, subset) in &content.fonts {
            dictionary.set(&font_name(*index), Object::Reference(subset.put(revision)?));
        }
        resources.set("Font", Object::Dictionary(dictionary));
    }

    let bounds = [0.0, 0.0, placement.width, placement.height].map(number);
    let mut form = Dictionary::default()
        .with("Type", Object::name("XObject"))
        .with("Subtype", Object::name("Form"))
        .with("BBox", Object::Array(bounds.to_vec()))
        .with("Resources", Object::Dictionary(resources));
    if let Some(matrix) = upright(placement) {
        form.set("Matrix", Object::Array(matrix.map(number).to_vec()));
    }
    revision.put_stream(form, &content.out)
}

/// Where picture and text go.
fn frames(appearance: &Appearance, placement: &Placement) -> (Frame, Frame) {
    let whole = Frame {
        x: 0.0,
        y: 0.0,
        width: placement.width,
        height: placement.height,
    };
    let across = PADDING.min(MOST_PADDING * whole.width);
    let up = PADDING.min(MOST_PADDING * whole.height);
    let inner = Frame {
        x: across,
        y: up,
        width: whole.width - 2.0 * across,
        height: whole.height - 2.0 * up,
    };
    let has_text = appearance.lines.iter().any(|line| !line.trim().is_empty());
    let Some(picture) = &appearance.picture else {
        return (whole, inner);
    };
    if appearance.layout == Layout::Behind || !has_text {
        return (whole, inner);
    }
    let half = Frame {
        width: inner.width * MOST_PICTURE,
        ..inner
    };
    let left = Frame {
        width: picture.fit(half).width,
        ..inner
    };
    let taken = left.width + 2.0 * across;
    let right = Frame {
        x: inner.x + taken,
        width: inner.width - taken,
        ..inner
    };
    (left, right)
}

/// The turn that undoes the page's (12.5.5: what is left of shifting and scaling, readers do).
fn upright(placement: &Placement) -> Option<[f64; 6]> {
    let (width, height) = (placement.width, placement.height);
    match placement.rotation {
        Rotation::None => None,
        Rotation::Quarter => Some([0.0, 1.0, -1.0, 0.0, height, 0.0]),
        Rotation::Half => Some([-1.0, 0.0, 0.0, -1.0, width, height]),
        Rotation::ThreeQuarters => Some([0.0, -1.0, 1.0, 0.0, 0.0, width]),
    }
}

fn font_name(index: usize) -> String {
    format!("F{index}")
}

/// A content stream under construction.
#[derive(Default)]
struct Content {
    out: Vec<u8>,
    fonts: BTreeMap<usize, Subset>,
}

impl Content {
    fn put(&mut self, operators: &str) {
        self.out.extend_from_slice(operators.as_bytes());
    }

    fn picture(&mut self, place: Frame) {
        let [width, height, x, y] = [place.width, place.height, place.x, place.y].map(decimal);
        self.put(&format!(
            "q {width} 0 0 {height} {x} {y} cm /Picture Do Q\n"
        ));
    }

    fn text(&mut self, block: &Block) {
        for row in &block.rows {
            let [x, y] = [row.x, row.y].map(decimal);
            self.put(&format!("BT {x} {y} Td\n"));
            let mut font = None;
            for piece in &row.pieces {
                if font != Some(piece.font) {
                    font = Some(piece.font);
                    let name = font_name(piece.font);
                    let size = decimal(block.size);
                    self.put(&format!("/{name} {size} Tf\n"));
                }
                self.piece(piece, block.size);
            }
            self.put("ET\n");
        }
    }

    /// Shows the glyphs of a piece and leaves the pen where the next one begins (9.4.3).
    fn piece(&mut self, piece: &Piece, size: f64) {
        let Some(font) = fonts().get(piece.font) else {
            return;
        };
        let subset = self
            .fonts
            .entry(piece.font)
            .or_insert_with(|| Subset::new(font));
        let mut shown = String::new();
        let mut rise = 0.0;
        // In thousandths of an em: where the pen should be, and where it is.
        let (mut wanted, mut pen) = (0.0, 0.0);
        for glyph in &piece.glyphs {
            if (glyph.up - rise).abs() * 1000.0 > UNSEEN {
                rise = glyph.up;
                shown.push_str(&format!("] TJ {} Ts [", decimal(rise * size)));
            }
            let place = wanted + glyph.right * 1000.0;
            if (place - pen).abs() > UNSEEN {
                shown.push_str(&decimal(pen - place));
                pen = place;
            }
            shown.push_str(&format!("<{:04X}>", subset.code(piece, glyph)));
            pen += subset.width(glyph.id);
            wanted += glyph.advance * 1000.0;
        }
        if (wanted - pen).abs() > UNSEEN {
            shown.push_str(&decimal(pen - wanted));
        }
        let reset = if rise == 0.0 { "" } else { " 0 Ts" };
        let shown = format!("[{shown}] TJ{reset}\n").replace("><", "");
        if piece.is_plain() {
            self.put(&shown);
        } else {
            // What is copied or searched for is the text and not its glyphs (14.9.4).
            self.put("/Span <</ActualText ");
            text::encode(&piece.text).write(&mut self.out);
            self.put(&format!(">> BDC\n{shown}EMC\n"));
        }
    }
}

/// A number as PDF writes it, to a thousandth.
fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        _ => text.to_owned(),
    }
}

pub(crate) fn number(value: f64) -> Object {
    let rounded = value.round();
    if (value - rounded).abs() < 0.0005 {
        Object::Integer(rounded as i64)
    } else {
        Object::Real(decimal(value).into_bytes().into())
    }
}

/// Deflated data, and the stream dictionary that says so.
pub(super) fn pack(data: &[u8]) -> (Dictionary, Vec<u8>) {
    let dictionary = Dictionary::default().with("Filter", Object::name("FlateDecode"));
    (dictionary, compress_to_vec_zlib(data, COMPRESSION))
}
