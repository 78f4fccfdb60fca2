//! What two renderers show, against approved pictures.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::{GrayImage, imageops};
use testkit::run;

/// Programs that draw a page and have no code in common.
#[derive(Debug, Clone, Copy)]
pub enum Renderer {
    Poppler,
    Mupdf,
}

/// Pixels along each side of the squares whose mean shade is compared: smoothing and the exact
/// weight of letters are the renderer's own, so single pixels say little.
const SQUARE: u32 = 10;

/// The most that two squares may differ, of 255.
const TOLERANCE: f64 = 40.0;

/// How large a picture is.
#[derive(Debug, Clone, Copy)]
pub enum Scale {
    /// One pixel for each point.
    Points,
    /// This many pixels from left to right and from top to bottom.
    Fit(u32, u32),
}

impl Renderer {
    pub const ALL: [Self; 2] = [Self::Poppler, Self::Mupdf];

    /// Page `page`, counted from 1, as a picture.
    #[track_caller]
    pub fn draw(self, pdf: &Path, page: u64, scale: Scale) -> GrayImage {
        self.try_draw(pdf, page, scale)
            .unwrap_or_else(|transcript| panic!("{transcript}"))
    }

    /// The picture, or what the renderer has to say instead.
    pub fn try_draw(self, pdf: &Path, page: u64, scale: Scale) -> Result<GrayImage, String> {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("page");
        let out = folder.path().join("page.png");
        let size = match (self, scale) {
            (Self::Poppler, Scale::Points) => vec!["-r".to_owned(), "72".to_owned()],
            (Self::Mupdf, Scale::Points) => vec!["-r72".to_owned()],
            // Told width and height, it forgets that a page may be turned.
            (Self::Poppler, Scale::Fit(width, height)) => {
                vec!["-scale-to".to_owned(), width.max(height).to_string()]
            }
            (Self::Mupdf, Scale::Fit(width, height)) => {
                vec![format!("-w{width}"), format!("-h{height}")]
            }
        };
        let output = match self {
            Self::Poppler => {
                let page = page.to_string();
                let always = ["-png", "-gray", "-singlefile", "-cropbox", "-f", &page];
                let always = always.map(Path::new).into_iter();
                let files = [pdf, &stem];
                run(
                    "pdftoppm",
                    always.chain(size.iter().map(Path::new)).chain(files),
                    &[],
                )
            }
            Self::Mupdf => {
                let page = page.to_string();
                let always = ["draw", "-q", "-f", "-cgray"].map(Path::new).into_iter();
                let files = [Path::new("-o"), &out, pdf, Path::new(&page)];
                run(
                    "mutool",
                    always.chain(size.iter().map(Path::new)).chain(files),
                    &[],
                )
            }
        };
        match image::open(&out) {
            Ok(picture) if output.accepted() => Ok(picture.into_luma8()),
            _ => Err(output.transcript()),
        }
    }
}

/// The largest difference between the squares of two pictures; infinite for two sizes.
pub fn difference(left: &GrayImage, right: &GrayImage) -> f64 {
    if left.dimensions() != right.dimensions() {
        return f64::INFINITY;
    }
    let (left, right) = (squares(left), squares(right));
    let pairs = left.into_iter().zip(right);
    pairs
        .map(|(left, right)| (left - right).abs())
        .fold(0.0, f64::max)
}

pub fn is_alike(left: &GrayImage, right: &GrayImage) -> bool {
    difference(left, right) <= TOLERANCE
}

fn squares(picture: &GrayImage) -> Vec<f64> {
    let (width, height) = picture.dimensions();
    let mut means = Vec::new();
    for y in (0..height).step_by(SQUARE as usize) {
        for x in (0..width).step_by(SQUARE as usize) {
            let (across, down) = (SQUARE.min(width - x), SQUARE.min(height - y));
            let square = imageops::crop_imm(picture, x, y, across, down).to_image();
            let sum: u32 = square.pixels().map(|pixel| u32::from(pixel.0[0])).sum();
            means.push(f64::from(sum) / f64::from(across * down));
        }
    }
    means
}

/// The picture that a person has looked at. `UPDATE_APPROVED=1` puts `drawn` in its place, to be
/// looked at.
pub fn approved(name: &str, drawn: Option<&GrayImage>) -> GrayImage {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/appearance/approved");
    let path = folder.join(format!("{name}.png"));
    let update = std::env::var_os("UPDATE_APPROVED").is_some_and(|value| value == "1");
    if let Some(drawn) = drawn.filter(|_| update) {
        fs::create_dir_all(&folder).unwrap();
        drawn.save(&path).unwrap();
    }
    image::open(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into_luma8()
}
