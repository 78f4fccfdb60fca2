//! Visible signatures, drawn by two renderers and compared with approved pictures; judged by
//! qpdf, pdfsig, pdffonts and pyHanko besides.

use std::{fs, io::Cursor, path::Path};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use pades::{
    Appearance, FieldTarget, Layout, PdfError, Picture, PictureError, Rect, SignatureSpec,
};
use proptest::{collection::vec, prelude::*};
use testkit::run;

use crate::{
    judges,
    pages::{self, pdf},
    rendering::{self, Renderer, Scale},
    signer::{SIGNER, corpus, spec},
};

/// A page to sign, what it shall look like, and how large its drawing is.
struct Case {
    name: &'static str,
    base: Vec<u8>,
    field: FieldTarget,
    appearance: Appearance,
    /// Counted from 1.
    page: u64,
    scale: Scale,
}

/// 160 × 60 points near the upper right corner of a page that shows 300 × 200.
const CORNER: Rect = Rect {
    x1: 130.0,
    y1: 130.0,
    x2: 290.0,
    y2: 190.0,
};

const WIDE: Scale = Scale::Fit(600, 400);

fn plain() -> Appearance {
    let lines = ["Signed by Ana Ruiz Ortega", "22/11/2026 03:18:00"];
    Appearance {
        page: 0,
        rect: CORNER,
        lines: lines.map(str::to_owned).to_vec(),
        picture: Some(seal()),
        layout: Layout::Behind,
    }
}

/// A pale ring with a red bar at its top, and nothing around it.
fn seal() -> Picture {
    let image = RgbaImage::from_fn(120, 120, |x, y| {
        let (right, down) = (f64::from(x) - 59.5, f64::from(y) - 59.5);
        let radius = right.hypot(down);
        match () {
            () if down < -30.0 && right.abs() < 8.0 => Rgba([200, 0, 0, 255]),
            () if (40.0..58.0).contains(&radius) => Rgba([40, 80, 160, 110]),
            () => Rgba([0, 0, 0, 0]),
        }
    });
    let mut png = Cursor::new(Vec::new());
    DynamicImage::from(image)
        .write_to(&mut png, ImageFormat::Png)
        .unwrap();
    Picture::read(&png.into_inner()).unwrap()
}

/// A photograph, dark at the top and light at the bottom.
fn photograph() -> Vec<u8> {
    let image = RgbImage::from_fn(96, 64, |x, y| Rgb([x as u8, 4 * y as u8, 90]));
    let mut jpeg = Cursor::new(Vec::new());
    DynamicImage::from(image)
        .write_to(&mut jpeg, ImageFormat::Jpeg)
        .unwrap();
    jpeg.into_inner()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn cases() -> Vec<Case> {
    const A_PAGE: &str = "/MediaBox[0 0 300 200]";
    const UPRIGHT: &str = "/MediaBox[0 0 200 300]";
    let case = |name, base, appearance| Case {
        name,
        base,
        field: FieldTarget::New("Signature".into()),
        appearance,
        page: 1,
        scale: WIDE,
    };
    let one = |entries: &str| pdf("", &[entries], "");
    let field = pages::write(&[
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>".into(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]/Rotate 90/Annots[4 0 R]>>".into(),
        "<</Type/Annot/Subtype/Widget/FT/Sig/T(Here)/P 3 0 R/Rect[10 130 70 290]>>".into(),
    ]);
    // As some makers write it: nothing but the page says where the field is.
    let unnamed_page = pages::write(&[
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]>>>>".into(),
        "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>".into(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>".into(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]/Rotate 90/Annots[5 0 R]>>".into(),
        "<</Type/Annot/Subtype/Widget/FT/Sig/T(Here)/Rect[10 130 70 290]>>".into(),
    ]);
    let elsewhere = Appearance {
        rect: Rect {
            x1: 0.0,
            y1: 0.0,
            x2: 5.0,
            y2: 5.0,
        },
        ..plain()
    };
    vec![
        case("plain", one(A_PAGE), plain()),
        case("turned-90", one(&format!("{UPRIGHT}/Rotate 90")), plain()),
        case("turned-180", one(&format!("{A_PAGE}/Rotate 180")), plain()),
        case(
            "turned-270-inherited",
            pdf("/Rotate -90/MediaBox[0 0 200 300]", &[""], ""),
            plain(),
        ),
        case(
            "cropped",
            one("/MediaBox[-50 -40 400 300]/CropBox[20 20 320 220]"),
            plain(),
        ),
        case(
            "cropped-and-turned-90",
            one("/MediaBox[0 0 260 400]/CropBox[230 340 30 40]/Rotate 450"),
            plain(),
        ),
        case("scaled", one("/MediaBox[0 0 150 100]/UserUnit 2"), plain()),
        Case {
            page: 3,
            ..case(
                "last-page",
                pdf("", &[UPRIGHT, UPRIGHT, A_PAGE], ""),
                Appearance {
                    page: -1,
                    ..plain()
                },
            )
        },
        Case {
            field: FieldTarget::Existing("Here".into()),
            ..case("in-a-field-of-a-turned-page", field, elsewhere.clone())
        },
        Case {
            field: FieldTarget::Existing("Here".into()),
            page: 2,
            ..case("in-a-field-of-a-turned-page", unnamed_page, elsewhere)
        },
        case(
            "beside",
            one(A_PAGE),
            Appearance {
                layout: Layout::Beside,
                ..plain()
            },
        ),
        case(
            "photograph",
            one(A_PAGE),
            Appearance {
                picture: Some(Picture::read(&photograph()).unwrap()),
                layout: Layout::Beside,
                ..plain()
            },
        ),
        case(
            "qr-code",
            one(A_PAGE),
            Appearance {
                picture: Some(Picture::qr("https://avouch.example/v/7Q2K").unwrap()),
                layout: Layout::Beside,
                ..plain()
            },
        ),
        case(
            "picture-alone",
            one(A_PAGE),
            Appearance {
                lines: Vec::new(),
                ..plain()
            },
        ),
        case(
            "scripts",
            one(A_PAGE),
            Appearance {
                picture: None,
                rect: Rect {
                    x1: 20.0,
                    y1: 20.0,
                    x2: 280.0,
                    y2: 180.0,
                },
                lines: lines(&[
                    "Ελένη Παππά · Пётр Ильич · Łukasz Żółć · difficult",
                    "e\u{301} n\u{303} a\u{30A}",
                    "נחתם על ידי דוד לוי ב-22/11/2026",
                    "وقع محمد علي (رقم 42)",
                    "Signed by דוד לוי (David Levi)",
                    "Գրիգոր · გიორგი",
                    "山田 😀 Ana",
                ]),
                ..plain()
            },
        ),
        case(
            "wrapped",
            one(A_PAGE),
            Appearance {
                picture: None,
                lines: lines(&[
                    "Signed by María de los Ángeles Fernández-Villaverde y Ortiz de Zárate",
                    "22/11/2026 03:18:00 Europe/Madrid",
                ]),
                ..plain()
            },
        ),
        case(
            "cut",
            one(A_PAGE),
            Appearance {
                picture: None,
                rect: Rect {
                    x1: 20.0,
                    y1: 20.0,
                    x2: 80.0,
                    y2: 40.0,
                },
                lines: lines(&[
                    "maria.de.los.angeles.fernandez.villaverde@example.com",
                    "A reason that goes on and on, as reasons do, until nobody reads it any more.",
                    "What nobody will see.",
                ]),
                ..plain()
            },
        ),
        case(
            "pdf-a",
            corpus("pdf-a-2b").swap_remove(0).1,
            Appearance {
                lines: plain().lines,
                ..plain()
            },
        ),
    ]
}

fn signed(case: &Case) -> Vec<u8> {
    let spec = SignatureSpec {
        field: case.field.clone(),
        appearance: Some(case.appearance.clone()),
        ..spec()
    };
    SIGNER.sign(&case.base, &spec)
}

#[test]
fn visible_signatures_look_as_approved_in_two_renderers() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        let path = folder.path().join(format!("{}.pdf", case.name));
        fs::write(&path, signed(&case)).unwrap();
        let mut approved = None;
        for renderer in Renderer::ALL {
            let drawn = renderer.draw(&path, case.page, case.scale);
            let approved =
                approved.get_or_insert_with(|| rendering::approved(case.name, Some(&drawn)));
            let difference = rendering::difference(&drawn, approved);
            if !rendering::is_alike(&drawn, approved) {
                wrong.push((case.name, renderer, difference));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_wrong_place_a_missing_picture_and_a_missing_line_do_not_pass_for_approved() {
    let folder = tempfile::tempdir().unwrap();
    let moved = Rect {
        x1: CORNER.x1 - 6.0,
        x2: CORNER.x2 - 6.0,
        ..CORNER
    };
    let wrong = [
        (
            "moved",
            Appearance {
                rect: moved,
                ..plain()
            },
        ),
        (
            "without a picture",
            Appearance {
                picture: None,
                ..plain()
            },
        ),
        (
            "without a line",
            Appearance {
                lines: lines(&["Signed by Ana Ruiz Ortega", ""]),
                ..plain()
            },
        ),
        (
            "without text",
            Appearance {
                lines: Vec::new(),
                ..plain()
            },
        ),
        (
            "arranged otherwise",
            Appearance {
                layout: Layout::Beside,
                ..plain()
            },
        ),
    ];
    for name in ["plain", "turned-90", "turned-180", "cropped", "scaled"] {
        let mut case = cases().into_iter().find(|case| case.name == name).unwrap();
        for (what, appearance) in wrong.clone() {
            case.appearance = appearance;
            let path = folder.path().join("wrong.pdf");
            fs::write(&path, signed(&case)).unwrap();
            let drawn = Renderer::Poppler.draw(&path, case.page, case.scale);
            let approved = rendering::approved(name, None);
            assert!(!rendering::is_alike(&drawn, &approved), "{name}, {what}");
        }
    }
}

#[test]
fn judges_of_structure_signatures_and_fonts_accept_visible_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for case in cases() {
        let path = folder.path().join(format!("{}.pdf", case.name));
        fs::write(&path, signed(&case)).unwrap();
        judges::qpdf(&path);
        assert_eq!(judges::pdfsig(&path), [(true, true)], "{}", case.name);
        let fonts = fonts(&path);
        assert_eq!(
            fonts.is_empty(),
            case.appearance.lines.is_empty(),
            "{}",
            case.name
        );
        for font in fonts {
            assert!(
                font.ends_with(&["yes"; 3].map(str::to_owned)),
                "{}: embedded, a subset, and readable: {font:?}",
                case.name
            );
        }
        paths.push(path);
    }
    for (path, opinions) in paths.iter().zip(judges::pyhanko(&SIGNER.root(), &paths)) {
        let accepted =
            |opinion: &judges::Opinion| opinion.sound && opinion.trusted && opinion.whole;
        assert!(
            opinions.len() == 1 && opinions.iter().all(accepted),
            "{path:?}: {opinions:?}"
        );
    }
}

/// What pdffonts says of each font; the last three words tell whether it is embedded, a subset, and
/// can be read back.
fn fonts(path: &Path) -> Vec<Vec<String>> {
    let output = run("pdffonts", [path], &[]).must_accept();
    let output = output.text();
    let lines = output.lines().skip(2);
    lines
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            // Object number and generation come last.
            words[..words.len() - 2].to_vec()
        })
        .collect()
}

#[test]
fn text_can_be_read_back_in_every_script() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scripts.pdf");
    let case = cases()
        .into_iter()
        .find(|case| case.name == "scripts")
        .unwrap();
    fs::write(&path, signed(&case)).unwrap();
    let text = run("pdftotext", [path.as_os_str(), "-".as_ref()], &[]).must_accept();
    let text = text.text();
    for word in [
        "Παππά",
        "Ильич",
        "Łukasz",
        "Żółć",
        "difficult",
        "נחתם",
        "דוד לוי",
        "محمد",
        "Գրիգոր",
        "გიორგი",
        "Ana",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn visible_signatures_are_encrypted_with_the_rest_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, base) in corpus("encrypted-") {
        let path = folder.path().join("signed.pdf");
        let spec = SignatureSpec {
            appearance: Some(plain()),
            ..spec()
        };
        fs::write(&path, SIGNER.sign(&base, &spec)).unwrap();
        judges::qpdf(&path);
        let text = run("pdftotext", [path.as_os_str(), "-".as_ref()], &[]).must_accept();
        assert!(text.text().contains("Signed by Ana Ruiz Ortega"), "{name}");
        let ours = |font: &Vec<String>| font[0].contains("+LibertinusSerif-Regular");
        assert_eq!(
            fonts(&path).iter().filter(|font| ours(font)).count(),
            1,
            "{name}"
        );
        let drawn = Renderer::Mupdf.draw(&path, 1, WIDE);
        // The middle of the bar at the top of the picture.
        assert!(drawn.get_pixel(420, 32).0[0] < 80, "{name}");
    }
}

#[test]
fn a_qr_code_leads_where_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qr.pdf");
    let case = cases()
        .into_iter()
        .find(|case| case.name == "qr-code")
        .unwrap();
    fs::write(&path, signed(&case)).unwrap();
    for renderer in Renderer::ALL {
        let drawn = renderer.draw(&path, 1, Scale::Fit(1200, 800));
        let (width, height) = drawn.dimensions();
        let mut picture =
            rqrr::PreparedImage::prepare_from_greyscale(width as usize, height as usize, |x, y| {
                drawn.get_pixel(x as u32, y as u32).0[0]
            });
        let grids = picture.detect_grids();
        let read: Vec<_> = grids.iter().map(|grid| grid.decode().unwrap().1).collect();
        assert_eq!(read, ["https://avouch.example/v/7Q2K"], "{renderer:?}");
    }
    assert_eq!(
        Picture::qr(&"x".repeat(3000)).unwrap_err(),
        PictureError::TooLong
    );
}

/// What a signature of one line appends.
fn tail(base: &[u8], page: i64, rect: Rect) -> Result<String, PdfError> {
    let appearance = Appearance {
        page,
        rect,
        lines: lines(&["Ana"]),
        picture: None,
        layout: Layout::Behind,
    };
    let spec = SignatureSpec {
        appearance: Some(appearance),
        ..spec()
    };
    let tail = pades::prepare(base, &spec)?.seal(&[])?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

fn rect(x1: f64, y1: f64, x2: f64, y2: f64) -> Rect {
    Rect { x1, y1, x2, y2 }
}

#[test]
fn a_box_is_where_it_is_on_the_page_as_displayed() {
    for (page, place, expected) in [
        ("/MediaBox[0 0 300 200]", CORNER, "[130 130 290 190]"),
        ("/MediaBox[300 200 0 0]", CORNER, "[130 130 290 190]"),
        (
            "/MediaBox[0 0 200 300]/Rotate 90",
            CORNER,
            "[10 130 70 290]",
        ),
        (
            "/MediaBox[0 0 300 200]/Rotate 180",
            CORNER,
            "[10 10 170 70]",
        ),
        (
            "/MediaBox[0 0 200 300]/Rotate 270",
            CORNER,
            "[130 10 190 170]",
        ),
        (
            "/MediaBox[0 0 200 300]/Rotate -90",
            CORNER,
            "[130 10 190 170]",
        ),
        (
            "/MediaBox[0 0 300 200]/Rotate 45",
            CORNER,
            "[130 130 290 190]",
        ),
        (
            "/MediaBox[0 0 400 300]/CropBox[20 20 320 220]",
            CORNER,
            "[150 150 310 210]",
        ),
        // A crop box counts only as far as it lies within the media box.
        (
            "/MediaBox[0 0 230 400]/CropBox[500 340 30 40]/Rotate 450",
            CORNER,
            "[40 170 100 330]",
        ),
        (
            "/MediaBox[0 0 300 200]/CropBox[900 900 950 950]",
            CORNER,
            "[130 130 290 190]",
        ),
        (
            "/MediaBox[-10.5 -.5 290 200]",
            CORNER,
            "[119.5 129.5 279.5 189.5]",
        ),
        (
            "/MediaBox[0 0 150 100]/UserUnit 2",
            CORNER,
            "[65 65 145 95]",
        ),
        ("", CORNER, "[130 130 290 190]"),
        (
            "/MediaBox[0 0 300 200]",
            rect(290.0, 130.0, 130.0, 190.0),
            "[130 130 290 190]",
        ),
        (
            "/MediaBox[0 0 300 200]",
            rect(-10.0, 190.25, 50.0, 230.0),
            "[-10 190.25 50 230]",
        ),
    ] {
        let tail = tail(&pdf("", &[page], ""), 0, place).unwrap();
        assert!(
            tail.contains(&format!("/Rect {expected}")),
            "{page}: {tail}"
        );
    }
}

#[test]
fn boxes_that_nobody_could_see_are_refused() {
    let base = pdf("", &["/MediaBox[0 0 300.4 200]"], "");
    for (empty, what) in [
        (rect(10.0, 10.0, 10.0, 50.0), "no width"),
        (rect(10.0, 10.0, 50.0, 10.5), "hardly any height"),
        (rect(f64::NAN, 10.0, 50.0, 60.0), "no number"),
        (rect(10.0, 10.0, f64::INFINITY, 60.0), "no end"),
        (rect(10.0, 10.0, 1e300, 60.0), "hardly an end"),
    ] {
        assert_eq!(tail(&base, 0, empty), Err(PdfError::BoxEmpty), "{what}");
    }
    for outside in [
        rect(301.0, 10.0, 350.0, 50.0),
        rect(-50.0, 10.0, 0.0, 50.0),
        rect(10.0, 200.0, 50.0, 250.0),
        rect(10.0, -50.0, 50.0, -1.0),
    ] {
        let refusal = PdfError::BoxOutside {
            width: 300,
            height: 200,
        };
        assert_eq!(tail(&base, 0, outside), Err(refusal), "{outside:?}");
    }
}

#[test]
fn pages_are_counted_from_both_ends() {
    let page = "/MediaBox[0 0 300 200]";
    let base = pdf("", &[page; 3], "");
    for (index, object) in [(0, 4), (1, 5), (2, 6), (-1, 6), (-2, 5), (-3, 4)] {
        let tail = tail(&base, index, CORNER).unwrap();
        assert!(
            tail.contains(&format!("/P {object} 0 R")),
            "{index}: {tail}"
        );
    }
    for index in [3, -4, i64::MAX, i64::MIN] {
        let refusal = PdfError::PageOutOfRange {
            page: index,
            pages: 3,
        };
        assert_eq!(tail(&base, index, CORNER), Err(refusal));
    }
}

/// A tree of 300 × 10 pages, whose counts `count` makes of the number of the branch, and the
/// objects of its first page.
fn large_tree(count: impl Fn(usize) -> usize) -> (Vec<String>, usize) {
    let (branches, leaves) = (300, 10);
    let leaf = |branch: usize, leaf: usize| 3 + branches + branch * leaves + leaf;
    let kids = |numbers: Vec<usize>| {
        let kids: Vec<_> = numbers
            .iter()
            .map(|number| format!("{number} 0 R"))
            .collect();
        kids.join(" ")
    };
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!(
            "<</Type/Pages/Count {}/MediaBox[0 0 300 200]/Kids[{}]>>",
            branches * leaves,
            kids((3..3 + branches).collect())
        ),
    ];
    for branch in 0..branches {
        objects.push(format!(
            "<</Type/Pages/Parent 2 0 R/Count {}/Kids[{}]>>",
            count(branch),
            kids((0..leaves).map(|index| leaf(branch, index)).collect())
        ));
    }
    for branch in 0..branches {
        for _ in 0..leaves {
            objects.push(format!("<</Type/Page/Parent {} 0 R>>", 3 + branch));
        }
    }
    (objects, leaf(0, 0))
}

#[test]
fn among_thousands_of_pages_only_those_on_the_way_are_read() {
    let (mut objects, first) = large_tree(|_| 10);
    let wanted = [(0, 0), (1234, 1234), (-1, 2999), (-1000, 2000)];
    for (number, object) in objects.iter_mut().enumerate().skip(first - 1) {
        // Whoever reads one of the others can go no further.
        if !wanted.iter().any(|(_, page)| number + 1 == first + page) {
            *object = "<</Type/Page (".to_owned();
        }
    }
    let base = pages::write(&objects);
    for (index, page) in wanted {
        let tail = tail(&base, index, CORNER).unwrap();
        assert!(
            tail.contains(&format!("/P {} 0 R", first + page)),
            "{index}: {tail}"
        );
    }
}

#[test]
fn counts_that_are_too_high_do_not_hide_a_page() {
    let (objects, first) = large_tree(|branch| if branch == 7 { 5000 } else { 10 });
    let base = pages::write(&objects);
    let tail = tail(&base, 2999, CORNER).unwrap();
    assert!(tail.contains(&format!("/P {} 0 R", first + 2999)), "{tail}");
}

#[test]
fn in_pdf_a_colours_are_calibrated_and_transparency_needs_an_output_intent() {
    let metadata = |part: u8| {
        let claim = format!("<pdfaid:part>{part}</pdfaid:part>");
        let length = claim.len();
        format!("<</Length {length}>>\nstream\n{claim}\nendstream")
    };
    let with = |part: u8, intents: &str| {
        pages::write(&[
            format!("<</Type/Catalog/Pages 2 0 R/Metadata 4 0 R{intents}>>"),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>".into(),
            metadata(part),
        ])
    };
    let intents = "/OutputIntents[<</S/GTS_PDFA1>>]";
    for (base, calibrated, transparent) in [
        (pdf("", &["/MediaBox[0 0 300 200]"], ""), false, true),
        (with(1, intents), true, false),
        (with(2, intents), true, true),
        (with(3, ""), true, false),
    ] {
        let spec = SignatureSpec {
            appearance: Some(plain()),
            ..spec()
        };
        let tail = pades::prepare(&base, &spec).unwrap().seal(&[]).unwrap();
        let tail = String::from_utf8_lossy(&tail);
        assert_eq!(tail.contains("/CalRGB"), calibrated, "{tail}");
        assert_eq!(tail.contains("/Ink cs"), calibrated, "{tail}");
        assert_eq!(tail.contains("/DeviceRGB"), !calibrated, "{tail}");
        assert_eq!(tail.contains("/SMask"), transparent, "{tail}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_fits_any_box(
        text in vec("(\\PC|[ -~]|[א-ת]|[ء-ي]|\\s|[\u{200B}-\u{200F}\u{202A}-\u{202E}]){0,60}", 0..6),
        width in 1.0_f64..400.0,
        height in 1.0_f64..200.0,
        beside in any::<bool>(),
    ) {
        let base = pdf("", &["/MediaBox[0 0 300 200]"], "");
        let layout = if beside { Layout::Beside } else { Layout::Behind };
        let spec = SignatureSpec {
            appearance: Some(Appearance {
                page: 0,
                rect: rect(0.0, 0.0, width, height),
                lines: text,
                picture: beside.then(seal),
                layout,
            }),
            ..spec()
        };
        prop_assert!(pades::prepare(&base, &spec).is_ok());
    }
}
