//! Damaged cross-reference data: replaced where that loses nothing.

use pades::{PdfError, TimeStampSpec};

use crate::{
    judges,
    raw::{CATALOG, FORM, PAGES, TRAILER, file},
    signer::{SIGNER, corpus, saved, spec},
};

fn find(pdf: &[u8], what: &[u8]) -> usize {
    memchr::memmem::rfind(pdf, what).unwrap()
}

fn replaced(pdf: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let at = find(pdf, what);
    [&pdf[..at], by, &pdf[at + what.len()..]].concat()
}

/// Signed, with a section that leads back to none of the damaged ones.
#[track_caller]
fn repaired(pdf: &[u8]) {
    let signed = SIGNER.sign(pdf, &spec());
    let tail = &signed[pdf.len()..];
    assert!(!tail.windows(5).any(|part| part == b"/Prev"));
    let path = saved(&signed);
    judges::qpdf(&path);
    assert_eq!(judges::pdfsig(&path), [(true, true)]);
}

#[test]
fn a_broken_chain_of_revisions_is_repaired() {
    let (_, base) = corpus("incremental").swap_remove(0);
    let at = find(&base, b"/Prev ") + "/Prev ".len();
    let length = base[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let previous = &base[at..at + length.count()];
    let text = [b"/Prev ", previous].concat();
    for wrong in ["/Prev 0", "/Prev 7", "/Prev 99999999", "/Prev -1"] {
        repaired(&replaced(&base, &text, wrong.as_bytes()));
    }
}

#[test]
fn a_hybrid_file_whose_stream_is_not_where_it_should_be_is_repaired() {
    let (_, base) = corpus("hybrid").swap_remove(0);
    repaired(&replaced(&base, b"/XRefStm ", b"/XRefStm 1"));
}

#[test]
fn offsets_are_repaired_however_they_are_wrong() {
    let (_, base) = corpus("crlf").swap_remove(0);
    for shift in [1, 2, 10, 1000] {
        let junk = vec![b'\n'; shift];
        let header_end = memchr::memmem::find(&base, b"1 0 obj").unwrap();
        let shifted = [&base[..header_end], &junk, &base[header_end..]].concat();
        // Small shifts end up in the white space before an object, which does no harm.
        SIGNER.sign(&shifted, &spec());
    }
    repaired(&replaced(&base, b"xref\r\n0 6", b"xref\r\n0 9"));
    repaired(&replaced(&base, b" 00000 n", b" 0000x n"));
    repaired(&base[..find(&base, b"startxref")]);
    repaired(&base[..find(&base, b"xref\r\n0 6")]);
}

#[test]
fn an_object_that_was_never_there_is_not_missed() {
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Annots 9 0 R/Thumb 8 0 R>>";
    let base = file(&[CATALOG, PAGES, page, FORM], TRAILER);
    SIGNER.sign(&base, &spec());
    let first = memchr::memmem::find(&base, b"1 0 obj").unwrap();
    let shifted = [&base[..first], b"% moved by an editor\n", &base[first..]].concat();
    let start = find(&shifted, b"xref\n0 5");
    let keyword = find(&shifted, b"startxref\n") + "startxref\n".len();
    let moved = [&shifted[..keyword], format!("{start}\n%%EOF\n").as_bytes()].concat();
    repaired(&moved);
    // Without the list, nobody knows whether something is lost.
    let lost = replaced(&moved, b"xref\n0 5", b"xxxx\n0 5");
    assert!(matches!(
        pades::prepare(&lost, &spec()),
        Err(PdfError::Broken { .. })
    ));
}

const TWO_PAGES: &str = "<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>";

/// With a wrong offset of the object that is written like this.
fn misplace(pdf: &[u8], object: &str) -> Vec<u8> {
    let row = format!("{:010} 00000 n", find(pdf, object.as_bytes()));
    replaced(pdf, row.as_bytes(), b"0000000011 00000 n")
}

#[test]
fn what_a_signature_does_not_touch_decides_about_repairs_all_the_same() {
    let base = file(&[CATALOG, TWO_PAGES, PAGE, FORM, PAGE], TRAILER);
    repaired(&misplace(&base, "5 0 obj"));
    // Entries that nothing leads to are left alone.
    let base = file(&[CATALOG, PAGES, PAGE, FORM, PAGE], TRAILER);
    let signed = SIGNER.sign(&misplace(&base, "5 0 obj"), &spec());
    assert!(signed[base.len()..].windows(5).any(|part| part == b"/Prev"));
}

#[test]
fn a_signed_file_is_not_repaired_but_can_be_looked_at() {
    let base = file(&[CATALOG, TWO_PAGES, PAGE, FORM, PAGE], TRAILER);
    let signed = misplace(&SIGNER.sign(&base, &spec()), "5 0 obj");
    let refused = Err(PdfError::SignedAndDamaged);
    assert_eq!(pades::inspect(&signed).map(drop), refused);
    assert_eq!(pades::prepare(&signed, &spec()).map(drop), refused);
    let archive = TimeStampSpec::default();
    assert_eq!(
        pades::prepare_time_stamp(&signed, &archive).map(drop),
        refused
    );
    assert_eq!(pades::signatures(&signed).unwrap().len(), 1);
}

#[test]
fn object_streams_that_say_to_hold_themselves_are_not_repaired() {
    for (held, is_sound) in [(7, true), (5, false)] {
        let content = format!("{held} 0 <<>>");
        let stream = format!(
            "<</Type/ObjStm/N 1/First 4/Length {}>>\nstream\n{content}\nendstream",
            content.len()
        );
        let base = file(&[CATALOG, PAGES, PAGE, FORM, &stream], TRAILER);
        let damaged = &base[..find(&base, b"xref\n0 6")];
        let inspected = pades::inspect(damaged);
        assert_eq!(inspected.is_ok(), is_sound, "{inspected:?}");
    }
}
