//! Pages: how one is found among thousands, and where a box that somebody drew on its display
//! lies in its own coordinates (ISO 32000-2, 7.7.3, 8.3.2.3 and 14.11.2).

use std::collections::HashSet;

use crate::{
    appearance::{self, Rect},
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Ref},
};

/// Page tree nodes above one another. Real trees stay below ten.
const MAX_DEPTH: usize = 64;

/// The page of a file that says nothing: US Letter, as all readers have it.
const DEFAULT_MEDIA_BOX: Bounds = Bounds {
    left: 0.0,
    bottom: 0.0,
    right: 612.0,
    top: 792.0,
};

/// The least width and height in points that anything can be seen in, and more than any page has.
const SMALLEST_BOX: f64 = 1.0;
const LARGEST_BOX: f64 = 1e6;

/// A leaf of the page tree.
pub(crate) struct Page {
    pub id: Ref,
    pub dictionary: Dictionary,
}

/// A box on a page: where it lies in the page's coordinates, and how it looks to the reader.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// Left, bottom, right and top in default user space, for a widget's `/Rect`.
    pub rect: [f64; 4],
    /// Points from left to right, as displayed.
    pub width: f64,
    /// Points from bottom to top, as displayed.
    pub height: f64,
    pub rotation: Rotation,
}

/// How far a page is turned clockwise when it is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotation {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

/// A rectangle with its corners in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    left: f64,
    bottom: f64,
    right: f64,
    top: f64,
}

/// Finds a page: from the first one on, or from the last one back where `index` is negative.
///
/// Reads the nodes on the way down and no others, as far as their counts are right.
pub(crate) fn find(
    document: &Document<'_>,
    catalog: &Dictionary,
    index: i64,
) -> Result<Page, PdfError> {
    if let Sought::Found(page) = seek(document, catalog, index, Counts::Believed)? {
        return Ok(page);
    }
    match seek(document, catalog, index, Counts::Ignored)? {
        Sought::Found(page) => Ok(page),
        Sought::Missing { passed } => Err(PdfError::PageOutOfRange {
            page: index,
            pages: passed,
        }),
    }
}

/// The page that shows an annotation, for annotations that do not name their page.
pub(crate) fn showing(
    document: &Document<'_>,
    catalog: &Dictionary,
    annotation: Ref,
) -> Result<Option<Page>, PdfError> {
    let mut walk = Walk::from_root(catalog);
    while let Some(Node { page, kids }) = walk.next(document)? {
        walk.open.extend(kids.into_iter().flatten());
        if let Object::Array(annotations) = document.value(&page.dictionary, "Annots")?
            && annotations.contains(&Object::Reference(annotation))
        {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// All nodes of the page tree.
pub(crate) fn nodes(
    document: &Document<'_>,
    catalog: &Dictionary,
) -> Result<HashSet<Ref>, PdfError> {
    let mut walk = Walk::from_root(catalog);
    while let Some(node) = walk.next(document)? {
        walk.open.extend(node.kids.into_iter().flatten());
    }
    Ok(walk.seen)
}

/// The number of pages that the page tree declares; where it does not, its leaves are counted.
pub(crate) fn page_count(document: &Document<'_>, catalog: &Dictionary) -> Result<u64, PdfError> {
    if let Object::Dictionary(root) = document.value(catalog, "Pages")?
        && let Some(count) = document.value(&root, "Count")?.as_integer()
        && let Ok(count) = u64::try_from(count)
    {
        return Ok(count);
    }
    match seek(document, catalog, i64::MAX, Counts::Ignored)? {
        Sought::Missing { passed } => Ok(passed),
        Sought::Found(_) => Ok(u64::MAX),
    }
}

/// Whether the page tree's own counts are a reason to pass over its branches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Believed,
    Ignored,
}

enum Sought {
    Found(Page),
    /// There are only as many pages as were passed over.
    Missing {
        passed: u64,
    },
}

fn seek(
    document: &Document<'_>,
    catalog: &Dictionary,
    index: i64,
    counts: Counts,
) -> Result<Sought, PdfError> {
    let backwards = index < 0;
    // -1 is the last page and passes over none: exactly what the complement says.
    let wanted = if backwards { !index } else { index }.unsigned_abs();
    let mut passed = 0;
    let mut walk = Walk::from_root(catalog);
    while let Some(Node { page, kids }) = walk.next(document)? {
        match kids {
            Some(mut kids) => {
                // The next one is taken from the end.
                if !backwards {
                    kids.reverse();
                }
                let count = document.value(&page.dictionary, "Count")?.as_integer();
                let count = count
                    .and_then(|count| u64::try_from(count).ok())
                    .filter(|_| counts == Counts::Believed);
                let to_pass = wanted - passed;
                match count {
                    Some(count) if count <= to_pass => passed += count,
                    // As many pages as children: these are the pages.
                    Some(count) if count == kids.len() as u64 => {
                        walk.open
                            .extend(kids.into_iter().rev().nth(to_pass as usize));
                        passed = wanted;
                    }
                    _ => walk.open.extend(kids),
                }
            }
            None if page.dictionary.is_type("Pages") => {}
            None if passed == wanted => return Ok(Sought::Found(page)),
            None => passed += 1,
        }
    }
    Ok(Sought::Missing { passed })
}

/// Nodes of the page tree, each once: the one that comes next is the last of those that are open.
struct Walk {
    open: Vec<Object>,
    seen: HashSet<Ref>,
}

/// A node of the page tree: a page, unless there may be others below it.
struct Node {
    page: Page,
    /// They are walked only when they are put among those that are open.
    kids: Option<Vec<Object>>,
}

impl Walk {
    fn from_root(catalog: &Dictionary) -> Self {
        Self {
            open: catalog.get("Pages").cloned().into_iter().collect(),
            seen: HashSet::new(),
        }
    }

    fn next(&mut self, document: &Document<'_>) -> Result<Option<Node>, PdfError> {
        while let Some(node) = self.open.pop() {
            let (Some(id), Object::Dictionary(dictionary)) = document.locate_plain(&node)? else {
                continue;
            };
            if !self.seen.insert(id) {
                continue;
            }
            let kids = match document.value(&dictionary, "Kids")? {
                Object::Array(kids) => Some(kids),
                _ => None,
            };
            let page = Page { id, dictionary };
            return Ok(Some(Node { page, kids }));
        }
        Ok(None)
    }
}

impl Page {
    /// The place of a box that is given as the page is displayed.
    pub fn place(&self, document: &Document<'_>, rect: Rect) -> Result<Placement, PdfError> {
        let crop = self.crop_box(document)?;
        let unit = self.user_unit(document)?;
        let rotation = self.rotation(document)?;
        let wanted = Bounds::between(rect.x1, rect.y1, rect.x2, rect.y2);
        if !wanted.is_visible() {
            return Err(PdfError::BoxEmpty);
        }
        let (across, up) = match rotation {
            Rotation::None | Rotation::Half => (crop.width(), crop.height()),
            Rotation::Quarter | Rotation::ThreeQuarters => (crop.height(), crop.width()),
        };
        let displayed = Bounds::between(0.0, 0.0, across * unit, up * unit);
        if !wanted.meets(&displayed) {
            return Err(PdfError::BoxOutside {
                width: displayed.right.round() as u32,
                height: displayed.top.round() as u32,
            });
        }
        let to_page = |x: f64, y: f64| {
            let (x, y) = (x / unit, y / unit);
            match rotation {
                Rotation::None => (crop.left + x, crop.bottom + y),
                Rotation::Quarter => (crop.right - y, crop.bottom + x),
                Rotation::Half => (crop.right - x, crop.top - y),
                Rotation::ThreeQuarters => (crop.left + y, crop.top - x),
            }
        };
        let (x1, y1) = to_page(wanted.left, wanted.bottom);
        let (x2, y2) = to_page(wanted.right, wanted.top);
        let on_page = Bounds::between(x1, y1, x2, y2);
        Ok(Placement {
            rect: [on_page.left, on_page.bottom, on_page.right, on_page.top],
            width: wanted.width(),
            height: wanted.height(),
            rotation,
        })
    }

    /// The place of a field that is there already, by its widget's `/Rect`.
    pub fn place_field(
        &self,
        document: &Document<'_>,
        widget: &Dictionary,
    ) -> Result<Placement, PdfError> {
        let rect = bounds(document, &document.value(widget, "Rect")?)?;
        let rect = rect.filter(Bounds::is_visible).ok_or(PdfError::BoxEmpty)?;
        let unit = self.user_unit(document)?;
        let rotation = self.rotation(document)?;
        let (width, height) = match rotation {
            Rotation::None | Rotation::Half => (rect.width(), rect.height()),
            Rotation::Quarter | Rotation::ThreeQuarters => (rect.height(), rect.width()),
        };
        Ok(Placement {
            rect: [rect.left, rect.bottom, rect.right, rect.top],
            width: width * unit,
            height: height * unit,
            rotation,
        })
    }

    /// The part of the page that is displayed: the crop box within the media box.
    fn crop_box(&self, document: &Document<'_>) -> Result<Bounds, PdfError> {
        let read = |key| bounds(document, &self.inherited(document, key)?);
        let visible = |bounds: &Bounds| bounds.is_visible();
        let media = read("MediaBox")?
            .filter(visible)
            .unwrap_or(DEFAULT_MEDIA_BOX);
        let crop = read("CropBox")?.map(|crop| crop.within(&media));
        Ok(crop.filter(visible).unwrap_or(media))
    }

    fn rotation(&self, document: &Document<'_>) -> Result<Rotation, PdfError> {
        let degrees = number(&self.inherited(document, "Rotate")?).unwrap_or(0.0);
        Ok(match degrees.rem_euclid(360.0) {
            90.0 => Rotation::Quarter,
            180.0 => Rotation::Half,
            270.0 => Rotation::ThreeQuarters,
            // Only multiples of 90 are allowed, and readers take anything else for none.
            _ => Rotation::None,
        })
    }

    /// Points per unit of the page's coordinates (table 31).
    fn user_unit(&self, document: &Document<'_>) -> Result<f64, PdfError> {
        let unit = number(&document.value(&self.dictionary, "UserUnit")?);
        Ok(unit.filter(|unit| *unit > 0.0).unwrap_or(1.0))
    }

    /// An attribute of the page or of the nearest node above that has it (7.7.3.4).
    fn inherited(&self, document: &Document<'_>, key: &str) -> Result<Object, PdfError> {
        let mut node = self.dictionary.clone();
        for _ in 0..MAX_DEPTH {
            let value = document.value(&node, key)?;
            if !value.is_null() {
                return Ok(value);
            }
            let Object::Dictionary(parent) = document.value(&node, "Parent")? else {
                break;
            };
            node = parent;
        }
        Ok(Object::Null)
    }
}

impl Placement {
    /// `/Rect`.
    pub fn rect_object(&self) -> Object {
        Object::Array(self.rect.map(appearance::number).to_vec())
    }
}

impl Bounds {
    fn between(x1: f64, y1: f64, x2: f64, y2: f64) -> Self {
        Self {
            left: x1.min(x2),
            bottom: y1.min(y2),
            right: x1.max(x2),
            top: y1.max(y2),
        }
    }

    fn width(&self) -> f64 {
        self.right - self.left
    }

    fn height(&self) -> f64 {
        self.top - self.bottom
    }

    /// False also for what is no number.
    fn is_visible(&self) -> bool {
        let range = SMALLEST_BOX..LARGEST_BOX;
        range.contains(&self.width()) && range.contains(&self.height())
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.bottom < other.top
            && other.bottom < self.top
    }

    fn within(&self, outer: &Self) -> Self {
        Self {
            left: self.left.max(outer.left),
            bottom: self.bottom.max(outer.bottom),
            right: self.right.min(outer.right),
            top: self.top.min(outer.top),
        }
    }
}

/// Whether a widget can show anything: boxes of signatures that are not to be seen are flat.
pub(crate) fn takes_room(document: &Document<'_>, widget: &Dictionary) -> Result<bool, PdfError> {
    let rect = bounds(document, &document.value(widget, "Rect")?)?;
    Ok(rect.is_none_or(|rect| rect.width() > 0.0 && rect.height() > 0.0))
}

/// A rectangle (7.9.5), whose numbers may stand elsewhere; `None` where it is none.
fn bounds(document: &Document<'_>, value: &Object) -> Result<Option<Bounds>, PdfError> {
    let Object::Array(items) = value else {
        return Ok(None);
    };
    let corners = items
        .iter()
        .map(|item| Ok(number(&document.locate(item)?.1)))
        .collect::<Result<Option<Vec<_>>, PdfError>>()?;
    Ok(match corners.as_deref() {
        Some(&[x1, y1, x2, y2]) => Some(Bounds::between(x1, y1, x2, y2)),
        _ => None,
    })
}

fn number(value: &Object) -> Option<f64> {
    let number = match value {
        Object::Integer(value) => *value as f64,
        Object::Real(token) => std::str::from_utf8(token).ok()?.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
