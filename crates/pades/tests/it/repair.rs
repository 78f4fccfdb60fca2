//! Damaged cross-reference data: replaced where that loses nothing.

use pades::PdfError;

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
