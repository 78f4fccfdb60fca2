//! Files that would read otherwise once something is appended, or that a signature would change by
//! more than it means to: refused where they are inspected.

use pades::{ChangeKind, Coverage, PdfError, Place, SecurityStore, TimeStampSpec};

use crate::{
    raw::{CATALOG, FORM, PAGE, PAGES, TRAILER, file},
    signer::{corpus, spec},
};

const NO_END: &str = "a stream does not end within the file";
const MISSING: &str = "it leads to a missing object, whose number the next revision gives away";

/// A file whose page leads to object 5, and to whatever else `entries` say.
fn with_stream(stream: &str, entries: &str) -> Vec<u8> {
    let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 5 0 R{entries}>>");
    let objects = [CATALOG, PAGES, &page, FORM, stream];
    file(&objects, "<</Size 6/Root 1 0 R/Unknown[9 0 R]>>")
}

fn content(length: &str) -> String {
    format!("<</Length {length}>>\nstream\nq Q\nendstream")
}

fn inspected(pdf: &[u8]) -> Result<(), PdfError> {
    pades::inspect(pdf).map(drop)
}

fn broken(what: &'static str, number: u32) -> Result<(), PdfError> {
    let place = Place::Object(number);
    Err(PdfError::Broken { what, place })
}

#[test]
fn a_stream_could_swallow_what_is_appended() {
    let archived = |pdf: &[u8]| {
        let signed = pades::prepare(pdf, &spec()).unwrap().embed(pdf, b"0\0");
        let signed = signed.unwrap();
        let archive = TimeStampSpec {
            security_store: SecurityStore {
                certificates: vec![vec![0x30, 0]],
                ..SecurityStore::default()
            },
            reserve: 64,
        };
        let prepared = pades::prepare_time_stamp(&signed, &archive).unwrap();
        (signed.len(), prepared.embed(&signed, b"0\0").unwrap())
    };
    let find = |pdf: &[u8], what: &[u8]| memchr::memmem::find(pdf, what).unwrap();
    // The length that leads to the end of the certificate in the archive's revision.
    let honest = with_stream(&content("00004"), "");
    let (signed, pdf) = archived(&honest);
    let end = signed + find(&pdf[signed..], b"endstream");
    let length = end - find(&honest, b"q Q");
    let hostile = with_stream(&content(&format!("{length:05}")), "");
    let (signed, pdf) = archived(&hostile);
    assert!(signed - hostile.len() < length && length < pdf.len());

    let found = pades::signatures(&pdf).unwrap();
    let ours = found.iter().find(|one| one.covers == Coverage::Revision);
    let changes = pades::changes(&pdf, ours.unwrap()).unwrap();
    assert_eq!(changes.most, Some(ChangeKind::Content), "{changes:?}");
    assert_eq!(inspected(&hostile), broken(NO_END, 5));
    assert_eq!(inspected(&honest), Ok(()));
}

#[test]
fn every_stream_ends_within_the_file() {
    // Lengths that are wrong, or none, matter only where they lead out of the file.
    for length in ["0", "12", "-1", "null", "8 1 R"] {
        let base = with_stream(&content(length), "");
        assert_eq!(inspected(&base), Ok(()), "/Length {length}");
    }
    let base = with_stream(&content("4000"), "");
    assert_eq!(inspected(&base), broken(NO_END, 5));
    let endless = with_stream("<</Length 4>>\nstream\nq Q", "");
    assert_eq!(inspected(&endless), broken(NO_END, 5));
    let bare = with_stream(&content("4"), "");
    let to_the_end = bare.len() - memchr::memmem::find(&bare, b"q Q").unwrap();
    for length in [to_the_end - 1, to_the_end, to_the_end + 2] {
        let base = with_stream(&content(&length.to_string()), "");
        assert_eq!(inspected(&base), broken(NO_END, 5), "/Length {length}");
    }
}

#[test]
fn the_streams_of_the_structure_end_within_the_file() {
    let (_, base) = corpus("object-streams").swap_remove(0);
    for (honest, hostile) in [
        ("/ObjStm /Length 401", "/ObjStm/Length 9401"),
        ("/Length 37", "/Length 99"),
    ] {
        let at = memchr::memmem::find(&base, honest.as_bytes()).unwrap();
        let mut pdf = base.clone();
        pdf[at..at + honest.len()].copy_from_slice(hostile.as_bytes());
        assert!(
            matches!(inspected(&pdf), Err(PdfError::Broken { .. })),
            "{hostile}"
        );
    }
}

#[test]
fn a_reference_must_not_wait_for_an_object_that_is_appended() {
    for number in [6, 9, 4000] {
        let base = with_stream(&content("4"), &format!("/Unknown {number} 0 R"));
        assert_eq!(inspected(&base), broken(MISSING, number));
        let base = with_stream(&content(&format!("{number} 0 R")), "");
        assert_eq!(inspected(&base), broken(MISSING, number));
    }
    // What is appended gets no such number.
    let base = with_stream(&content("4"), "/Unknown[0 0 R 9 1 R]");
    assert_eq!(inspected(&base), Ok(()));
}

#[test]
fn what_is_written_anew_has_one_role() {
    let roles = "one object is used in two roles that a signature changes";
    let own_form = "<</Pages 2 0 R/AcroForm 1 0 R/Version/2.0>>";
    let own_page = "<</Pages 1 0 R/AcroForm 4 0 R/Version/2.0>>";
    let own_tree = "<</Pages 1 0 R/Kids[3 0 R]/AcroForm 4 0 R>>";
    let form_is_page = "<</Type/Pages/Kids[4 0 R]/Count 1>>";
    let form_is_tree = "<</Pages 2 0 R/AcroForm 2 0 R>>";
    let untyped = "<</Parent 2 0 R/MediaBox[0 0 300 200]/T(page)>>";
    let fields = "<</Fields[1 0 R 3 0 R]>>";
    for (number, objects) in [
        (1, [own_form, PAGES, PAGE, FORM]),
        (1, [own_page, PAGES, PAGE, FORM]),
        (1, [own_tree, PAGES, PAGE, FORM]),
        (4, [CATALOG, form_is_page, PAGE, FORM]),
        (2, [form_is_tree, PAGES, PAGE, FORM]),
        (3, [CATALOG, PAGES, untyped, fields]),
        (
            1,
            [&CATALOG.replace("/Type/Catalog", ""), PAGES, PAGE, fields],
        ),
    ] {
        let pdf = file(&objects, TRAILER);
        assert_eq!(inspected(&pdf), broken(roles, number), "{objects:?}");
    }
    // What says that it is a page is no field, wherever it is listed.
    assert_eq!(
        inspected(&file(&[CATALOG, PAGES, PAGE, fields], TRAILER)),
        Ok(())
    );
}
