//! Files that claim what is not there, or so much of it that following would never end. Whatever
//! they claim, time is bounded by what they are.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use miniz_oxide::deflate::compress_to_vec_zlib;
use pades::{Appearance, Layout, PdfError, Rect, SignatureSpec};

use crate::{
    raw::{CATALOG, FORM, PAGE, PAGES, TRAILER, file},
    signer::spec,
};

/// Far above what these files need even on a busy machine, unoptimised, and far below what work
/// that multiplies would take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every door, in time. What inspection lets pass can be signed, and archived, and what the
/// archive time-stamp adds is no change of the document.
#[track_caller]
fn answered(what: &str, pdf: &[u8]) -> Result<(), PdfError> {
    let start = Instant::now();
    let inspected = pades::inspect(pdf);
    let _ = pades::signatures(pdf);
    let _ = pades::security_store(pdf);
    let visible = SignatureSpec {
        appearance: Some(Appearance {
            page: -1,
            rect: Rect {
                x1: 10.0,
                y1: 10.0,
                x2: 90.0,
                y2: 40.0,
            },
            lines: vec!["Ana".into()],
            picture: None,
            layout: Layout::Behind,
        }),
        ..spec()
    };
    let _ = pades::prepare(pdf, &visible);
    let prepared = pades::prepare(pdf, &spec());
    if inspected.is_ok() {
        let signed = prepared.clone().unwrap().embed(pdf, b"0\0").unwrap();
        let found = pades::signatures(&signed).unwrap();
        assert!(
            found
                .iter()
                .any(|one| one.covers == pades::Coverage::WholeFile),
            "{what}: half-signed"
        );
    }
    let time = start.elapsed();
    assert!(time < PATIENCE, "{what}: {time:?}");
    prepared.map(drop)
}

/// A file with one more object, number 5, and that object's place in the trailer.
fn with(object: &str, trailer: &str) -> Vec<u8> {
    let trailer = format!("<</Size 6/Root 1 0 R{trailer}>>");
    file(&[CATALOG, PAGES, PAGE, FORM, object], &trailer)
}

/// References to so many objects from this number on.
fn references(from: usize, count: usize) -> String {
    (from..from + count).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{number} 0 R ");
        text
    })
}

/// A file whose cross-reference data are a stream with this dictionary and content.
fn stream_file(entries: &str, content: &[u8]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.5\n".to_vec();
    for (number, object) in (1..).zip([CATALOG, PAGES, PAGE, FORM]) {
        pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = pdf.len();
    let length = content.len();
    pdf.extend(
        format!("9 0 obj\n<</Type/XRef/Root 1 0 R{entries}/Length {length}>>\nstream\n").bytes(),
    );
    pdf.extend(content);
    pdf.extend(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
    pdf
}

#[test]
fn cross_reference_streams_are_not_believed() {
    let rows = [0; 64];
    for entries in [
        "/Size 2147483647/W[1 4 2]",
        "/Size 4/W[1 4 2]/Index[0 2147483647]",
        "/Size 4/W[1 4 2]/Index[-1 4]",
        "/Size 4/W[1 4 2]/Index[0 1 0 1 0 1 2147483646 9]",
        "/Size -4/W[1 4 2]",
        "/Size 9/W[0 0 0]",
        "/Size 9/W[0 0 0]/Index[0 2147483647]",
        "/Size 9/W[8 8 8]",
        "/Size 9/W[-1 4 2]",
        "/Size 9/W[9223372036854775807 9223372036854775807 2]",
        "/Size 9/W[1 4]",
        "/Size 9/W[1 4 2]/Prev 0",
        "/Size 9/W[1 4 2]/Prev -1",
        "/Size 9/W[1 4 2]/Prev 99999999999999999999",
        "/Size 9/W[1 4 2]/Filter/FlateDecode",
        "/Size 9/W[1 4 2]/Filter[/FlateDecode/FlateDecode/LZWDecode]",
    ] {
        let _ = answered(entries, &stream_file(entries, &rows));
    }
    let packed = compress_to_vec_zlib(&[2; 4096], 9);
    for parameters in [
        "/Predictor 12/Columns 2147483647",
        "/Predictor 12/Columns 0",
        "/Predictor 12/Columns -7",
        "/Predictor 2/Colors 2147483647/BitsPerComponent 16/Columns 7",
        "/Predictor 99/Columns 7",
    ] {
        let entries = format!("/Size 9/W[1 4 2]/Filter/FlateDecode/DecodeParms<<{parameters}>>");
        let _ = answered(parameters, &stream_file(&entries, &packed));
    }
}

#[test]
fn object_streams_are_not_believed() {
    let packed = |head: &str| {
        let body = "1 0 2 20 <</Type/Catalog>>";
        format!(
            "<</Type/ObjStm{head}/Length {}>>\nstream\n{body}\nendstream",
            body.len()
        )
    };
    for head in [
        "/N 2147483647/First 9",
        "/N 2/First 2147483647",
        "/N -1/First -1",
        "/N 2/First 9/Extends 5 0 R",
        "/N 2/First 9/Filter/Unheard",
        "/N 5 0 R/First 5 0 R",
    ] {
        let mut pdf = b"%PDF-1.5\n".to_vec();
        pdf.extend(format!("5 0 obj\n{}\nendobj\n", packed(head)).bytes());
        let start = pdf.len();
        // All objects, the object stream among them, are said to lie in the object stream.
        let rows: Vec<u8> = (0..6).flat_map(|index| [2, 5, index]).collect();
        pdf.extend(b"9 0 obj\n<</Type/XRef/Root 1 0 R/Size 6/W[1 1 1]/Length 18>>\nstream\n");
        pdf.extend(rows);
        pdf.extend(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
        let _ = answered(head, &pdf);
    }
}

#[test]
fn crowds_of_pages_and_deep_trees_are_walked_once() {
    let same = format!(
        "<</Type/Pages/Count 100000/Kids[{}]>>",
        "3 0 R ".repeat(100_000)
    );
    let _ = answered(
        "one page often",
        &file(&[CATALOG, &same, PAGE, FORM], TRAILER),
    );

    let mut deep: Vec<String> = [CATALOG, "<</Type/Pages/Count 1/Kids[5 0 R]>>", PAGE, FORM]
        .map(str::to_owned)
        .into();
    for number in 5..20_000 {
        deep.push(format!(
            "<</Type/Pages/Count 1/Kids[{} 0 R]/Parent {} 0 R>>",
            number + 1,
            number - 1
        ));
    }
    let deep: Vec<_> = deep.iter().map(String::as_str).collect();
    let trailer = format!("<</Size {}/Root 1 0 R>>", deep.len() + 1);
    answered("a deep tree", &file(&deep, &trailer)).unwrap_err();

    for count in ["2147483647", "-1", "99999999999999999999", "/Many", "2 0 R"] {
        let pages = format!("<</Type/Pages/Kids[3 0 R]/Count {count}>>");
        let _ = answered(count, &file(&[CATALOG, &pages, PAGE, FORM], TRAILER));
    }
    let parent = "<</Type/Page/Parent 3 0 R>>";
    let _ = answered(
        "its own parent",
        &file(&[CATALOG, PAGES, parent, FORM], TRAILER),
    );
}

#[test]
fn pages_without_a_sensible_size_have_no_place_for_a_box() {
    for entries in [
        "/MediaBox[0 0 0 0]",
        "/MediaBox[300 200 0 0]/Rotate 90",
        "/MediaBox[0 0 1e38 1e38]",
        "/MediaBox[-9999999999999999999 0 9999999999999999999 1]",
        "/MediaBox[0 0 300]",
        "/MediaBox[(a) (b) (c) (d)]",
        "/MediaBox 5 0 R",
        "/MediaBox[0 0 300 200]/CropBox[400 400 500 500]",
        "/MediaBox[0 0 300 200]/Rotate 45",
        "/MediaBox[0 0 300 200]/Rotate 99999999999999999999",
        "/MediaBox[0 0 300 200]/Rotate -90",
        "/MediaBox[0 0 300 200]/UserUnit 0",
        "/MediaBox[0 0 300 200]/UserUnit -1",
        "/MediaBox[0 0 300 200]/UserUnit 99999999999999999999.9",
    ] {
        let page = format!("<</Type/Page/Parent 2 0 R{entries}>>");
        let pdf = file(&[CATALOG, PAGES, &page, FORM], TRAILER);
        answered(entries, &pdf).unwrap();
    }
}

#[test]
fn crowds_of_fields_and_names_do_not_multiply_the_work() {
    const COUNT: usize = 20_000;
    let form = format!("<</Fields[{}]>>", references(5, COUNT));
    // Every name that a new field could be given is taken.
    let fields: Vec<_> = (1..=COUNT)
        .map(|number| match number {
            1 => "<</FT/Sig/T(Signature)>>".to_owned(),
            _ => format!("<</FT/Sig/T(Signature_{number})>>"),
        })
        .collect();
    let mut objects = vec![CATALOG, PAGES, PAGE, &form];
    objects.extend(fields.iter().map(String::as_str));
    let trailer = format!("<</Size {}/Root 1 0 R>>", objects.len() + 1);
    answered("all names taken", &file(&objects, &trailer)).unwrap();

    // Every field leads to every other.
    let kids = format!("<</T(a)/Kids[{}]>>", references(5, 400));
    let mut objects = vec![CATALOG, PAGES, PAGE, "<</Fields[5 0 R]>>"];
    objects.extend([kids.as_str(); 400]);
    let _ = answered(
        "fields in circles",
        &file(&objects, "<</Size 405/Root 1 0 R>>"),
    );

    let long = format!("<</FT/Sig/T({})>>", "a".repeat(1 << 20));
    let form = "<</Fields[5 0 R]>>";
    let pdf = file(
        &[CATALOG, PAGES, PAGE, form, &long],
        "<</Size 6/Root 1 0 R>>",
    );
    let _ = answered("a long name", &pdf);
}

#[test]
fn security_stores_are_not_believed() {
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R/DSS 5 0 R>>";
    for store in [
        "5 0 R".to_owned(),
        "<</Certs 5 0 R/OCSPs 5 0 R/CRLs 5 0 R>>".to_owned(),
        format!("<</Certs[{}]>>", "5 0 R ".repeat(20_000)),
        format!("<</Certs[{}]>>", "9 0 R ".repeat(20_000)),
        "<</Certs[<</Length 5>>]/VRI 5 0 R>>".to_owned(),
        "<</Type/DSS/Length 99>>\nstream\nshort\nendstream".to_owned(),
    ] {
        let pdf = file(
            &[catalog, PAGES, PAGE, FORM, &store],
            "<</Size 6/Root 1 0 R>>",
        );
        let _ = answered(&store[..store.len().min(60)], &pdf);
    }

    // One stream that unpacks to a lot, named a hundred times.
    let bomb = compress_to_vec_zlib(&vec![b' '; 16 << 20], 9);
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    let store = format!("<</Certs[{}]>>", "6 0 R ".repeat(100));
    let head = format!("<</Filter/FlateDecode/Length {}>>\nstream\n", bomb.len());
    let objects = [catalog, PAGES, PAGE, FORM, &store].map(str::as_bytes);
    let last = [head.as_bytes(), &bomb, b"\nendstream"].concat();
    for (number, object) in (1..).zip(objects.into_iter().chain([last.as_slice()])) {
        places.push(pdf.len());
        pdf.extend(format!("{number} 0 obj\n").bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let start = pdf.len();
    pdf.extend(b"xref\n0 7\n0000000000 65535 f \n");
    for place in places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    pdf.extend(format!("trailer\n<</Size 7/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    let _ = answered("a bomb often", &pdf);
}

#[test]
fn encryption_that_makes_no_sense_is_refused() {
    for encrypt in [
        "5 0 R",
        "null",
        "<<>>",
        "<</Filter/Standard/V 5/R 6/Length 256/O()/U()/OE()/UE()/Perms()/P -4>>",
        "<</Filter/Standard/V 4/R 4/Length 2147483647/O()/U()/P -4/CF<<>>/StmF/None/StrF/None>>",
        "<</Filter/Standard/V 1/R 2/O(12345678901234567890123456789012)/P 99999999999\
         /U(12345678901234567890123456789012)>>",
        "<</Filter/Standard/V -1/R -1>>",
        "<</Filter/Adobe.PubSec/V 4/SubFilter/adbe.pkcs7.s5/Recipients[(a)]>>",
    ] {
        let pdf = with(encrypt, "/Encrypt 5 0 R/ID[(a)(b)]");
        let answer = answered(encrypt, &pdf);
        if !["5 0 R", "null"].contains(&encrypt) {
            let error = answer.unwrap_err();
            assert!(
                matches!(error, PdfError::Encrypted(_)),
                "{encrypt}: {error}"
            );
        }
    }
}

#[test]
fn crowds_of_signatures_do_not_multiply_the_work() {
    // Each says that it covers the whole file, which would have to be hashed for each.
    const COUNT: usize = 2000;
    let form = format!("<</SigFlags 3/Fields[{}]>>", references(5, COUNT));
    let field = format!("<</FT/Sig/T(a)/V {} 0 R>>", 5 + COUNT);
    let ballast = "a".repeat(4 << 20);
    let value = format!(
        "<</Type/Sig/Filter/X/SubFilter/ETSI.CAdES.detached/ByteRange[0 4200000 4200010 20]\
         /Contents<00>/Ballast({ballast})>>"
    );
    let mut objects = vec![CATALOG, PAGES, PAGE, &form];
    objects.extend([field.as_str(); COUNT]);
    objects.push(&value);
    let trailer = format!("<</Size {}/Root 1 0 R>>", objects.len() + 1);
    let _ = answered("one signature often", &file(&objects, &trailer));

    // Here they do cover it.
    let ballast = format!("({ballast})");
    let value = "<</Type/Sig/Filter/X/SubFilter/ETSI.CAdES.detached\
                 /ByteRange[0 1111111111 2222222222 3333333333]/Contents<00>>>";
    objects.insert(4, &ballast);
    objects.pop();
    objects.push(value);
    let form = format!("<</SigFlags 3/Fields[{}]>>", references(6, COUNT));
    let field = format!("<</FT/Sig/T(a)/V {} 0 R>>", 6 + COUNT);
    objects[3] = &form;
    objects[5..5 + COUNT].fill(&field);
    let trailer = format!("<</Size {}/Root 1 0 R>>", objects.len() + 1);
    let pdf = file(&objects, &trailer);
    let start = memchr::memmem::rfind(&pdf, b"<00>").unwrap();
    let end = start + "<00>".len();
    let numbers = format!("{start:010} {end:010} {:010}", pdf.len() - end);
    let blank = memchr::memmem::rfind(&pdf, b"1111111111").unwrap();
    let rest = &pdf[blank + numbers.len()..];
    let pdf = [&pdf[..blank], numbers.as_bytes(), rest].concat();
    let found = pades::signatures(&pdf).unwrap();
    assert_eq!(found.len(), COUNT);
    let whole = [&pdf[..start], &pdf[end..]].concat();
    assert_eq!(found[0].digest, Some(crypto::sha256(&whole)));
    answered("one signature of the whole file often", &pdf).unwrap();
}

#[test]
fn a_long_history_is_read_once() {
    let mut pdf = file(&[CATALOG, PAGES, PAGE, FORM], TRAILER);
    let mut before = memchr::memmem::rfind(&pdf, b"xref\n0").unwrap();
    for _ in 0..5000 {
        let place = pdf.len();
        pdf.extend(format!("3 0 obj\n{PAGE}\nendobj\n").bytes());
        let start = pdf.len();
        pdf.extend(
            format!(
                "xref\n3 1\n{place:010} 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev {before}>>\n\
                 startxref\n{start}\n%%EOF\n"
            )
            .bytes(),
        );
        before = start;
    }
    let _ = answered("five thousand revisions", &pdf);
}
