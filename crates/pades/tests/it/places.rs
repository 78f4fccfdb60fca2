//! Boxes on the pages of real files: what a signature changes in two renderers' drawings is the box
//! where it was asked for, all of it, and nothing else.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    thread,
};

use image::{DynamicImage, GrayImage, ImageFormat};
use pades::{Appearance, Layout, PdfError, Picture, Rect, SignatureSpec};

use crate::{
    rendering::{Renderer, Scale},
    signer::spec,
};

/// From the upper right corner of the page as displayed, in points: neither its width nor its
/// distances are those of another corner.
const RIGHT: u32 = 12;
const TOP: u32 = 20;
const WIDTH: u32 = 50;
const HEIGHT: u32 = 25;

/// Pixels that renderers may add or take away at an edge.
const EDGE: u32 = 2;

/// Forms that ask readers to draw every widget themselves (`/NeedAppearances`), and need it: in them
/// are widgets that nobody drew, or drawings without the text that was filled in. Poppler then draws
/// signatures as nothing.
const DRAWN_BY_POPPLER: [&str; 3] = ["libreoffice-6.4-form", "pdftex-form", "pdftex-form-filled"];

#[test]
fn on_pages_of_real_files_the_box_is_where_it_was_asked_for() {
    let folder = testkit::workspace_root().join("crates/testkit/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .collect();
    files.sort();
    let half = files.len().div_ceil(2);
    let results: Vec<_> = thread::scope(|scope| {
        let halves: Vec<_> = files
            .chunks(half)
            .map(|files| scope.spawn(|| files.iter().map(|file| judge(file)).collect::<Vec<_>>()))
            .collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    let complaints: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err().map(String::as_str))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let drawn: usize = results.iter().flatten().sum();
    assert!(drawn >= 200, "only {drawn} drawings prove anything");
}

/// Draws the last page with and without a signature; the number of renderers that could.
fn judge(file: &Path) -> Result<usize, String> {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let base = fs::read(file).unwrap();
    let Ok(facts) = pades::inspect(&base) else {
        return Ok(0);
    };
    let mut count = 0;
    for renderer in Renderer::ALL {
        if matches!(renderer, Renderer::Poppler) && DRAWN_BY_POPPLER.contains(&name) {
            continue;
        }
        let Ok(before) = renderer.try_draw(file, facts.pages, Scale::Points) else {
            continue;
        };
        let complain = |what: String| Err(format!("{name}, {renderer:?}: {what}"));
        let (width, height) = before.dimensions();
        if width < RIGHT + WIDTH || height < TOP + HEIGHT {
            continue;
        }
        let signed = match sign(&base, width, height) {
            Ok(signed) => signed,
            // Its author or an earlier signer allows no new box.
            Err(PdfError::CertifiedAgainstFields | PdfError::Locked(_)) => continue,
            Err(error) => return complain(error.to_string()),
        };
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("signed.pdf");
        fs::write(&path, signed).unwrap();
        let after = match renderer.try_draw(&path, facts.pages, Scale::Points) {
            Ok(after) => after,
            Err(transcript) => return complain(transcript),
        };
        if let Err(what) = compare(&before, &after) {
            return complain(what);
        }
        count += 1;
    }
    Ok(count)
}

/// A black box in the upper right corner of the last page.
fn sign(base: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PdfError> {
    let black = DynamicImage::from(GrayImage::new(WIDTH, HEIGHT));
    let mut png = Cursor::new(Vec::new());
    black.write_to(&mut png, ImageFormat::Png).unwrap();
    let (right, top) = (f64::from(width - RIGHT), f64::from(height - TOP));
    let spec = SignatureSpec {
        appearance: Some(Appearance {
            page: -1,
            rect: Rect {
                x1: right - f64::from(WIDTH),
                y1: top - f64::from(HEIGHT),
                x2: right,
                y2: top,
            },
            lines: Vec::new(),
            picture: Some(Picture::read(&png.into_inner()).unwrap()),
            layout: Layout::Behind,
        }),
        ..spec()
    };
    pades::prepare(base, &spec)?.embed(base, &[])
}

fn compare(before: &GrayImage, after: &GrayImage) -> Result<(), String> {
    if before.dimensions() != after.dimensions() {
        return Err("the page has another size".into());
    }
    let left = before.width() - RIGHT - WIDTH;
    for (x, y, pixel) in after.enumerate_pixels() {
        let within = |room: i64| {
            let (x, y, room) = (i64::from(x), i64::from(y), room);
            let (left, top) = (i64::from(left), i64::from(TOP));
            (left - room..left + i64::from(WIDTH) + room).contains(&x)
                && (top - room..top + i64::from(HEIGHT) + room).contains(&y)
        };
        let is_black = pixel.0[0] < 60;
        let is_changed = before.get_pixel(x, y).0[0].abs_diff(pixel.0[0]) > 8;
        if within(-i64::from(EDGE)) && !is_black {
            return Err(format!("({x}, {y}) within the box is not black"));
        }
        if !within(i64::from(EDGE)) && is_changed {
            return Err(format!("({x}, {y}) beside the box has changed"));
        }
    }
    Ok(())
}
