//! What others append to a signed file is seen for what it is, also where the file was made for it.

use pades::{ChangeKind, Coverage, PdfError};

use crate::{
    raw::{CATALOG, FORM, PAGE, PAGES, file, revised},
    signer::spec,
};

const TRAILER: &str = "<</Size 99/Root 1 0 R>>";
const TWO_PAGES: &str = "<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>>";
const DRAWING: &str = "<</Subtype/Form/Length 4>>\nstream\n0 g \nendstream";

fn signed(original: &[&str]) -> Vec<u8> {
    let base = file(original, TRAILER);
    let prepared = pades::prepare(&base, &spec()).unwrap();
    prepared.embed(&base, b"0\0").unwrap()
}

/// How far these new states of objects go.
fn most(signed: &[u8], objects: &[(u32, &str)]) -> Option<ChangeKind> {
    let later = revised(signed, objects, TRAILER);
    let found = pades::signatures(&later).unwrap();
    let ours = found.iter().find(|one| one.covers == Coverage::Revision);
    pades::changes(&later, ours.unwrap()).unwrap().most
}

/// The same in a signed file of `original`.
fn after_signing(original: &[&str], objects: &[(u32, &str)]) -> Option<ChangeKind> {
    most(&signed(original), objects)
}

/// An object's newest state.
fn state(pdf: &[u8], number: u32) -> String {
    let head = format!("{number} 0 obj\n");
    let start = memchr::memmem::rfind(pdf, head.as_bytes()).unwrap() + head.len();
    let length = memchr::memmem::find(&pdf[start..], b"\nendobj").unwrap();
    String::from_utf8(pdf[start..start + length].to_vec()).unwrap()
}

#[test]
fn what_readers_would_repair_in_different_ways_is_not_compared() {
    let base = signed(&[CATALOG, TWO_PAGES, PAGE, FORM, PAGE]);
    let other = "<</Type/Page/Parent 2 0 R/Rotate 90>>";
    // The state that the table names, and behind it one that a search would take.
    let mut later = revised(&base, &[(5, other), (5, PAGE)], TRAILER);
    let rows = later.windows(4).rposition(|part| part == b"5 1\n").unwrap();
    later[rows..rows + 3].copy_from_slice(b"5 x");
    let signature = pades::signatures(&later).unwrap().swap_remove(0);
    assert_eq!(signature.covers, Coverage::Revision);
    assert_eq!(
        pades::changes(&later, &signature),
        Err(PdfError::SignedAndDamaged)
    );
}

#[test]
fn a_page_that_is_replaced_by_something_else_is_a_change_of_content() {
    let original = [CATALOG, TWO_PAGES, PAGE, FORM, PAGE];
    assert_eq!(after_signing(&original, &[(5, PAGE)]), None);
    for other in ["null", "7", "[]", "<</Type/Page>>", "6 0 R"] {
        let most = after_signing(&original, &[(5, other)]);
        assert_eq!(most, Some(ChangeKind::Content), "{other}");
    }
}

#[test]
fn a_page_is_no_annotation_where_one_list_serves_for_both() {
    let pages = "<</Type/Pages/Kids[3 0 R 5 0 R 6 0 R]/Count 3>>";
    let sharing = "<</Type/Page/Parent 2 0 R/Annots 7 0 R>>";
    let branch = "<</Type/Pages/Parent 2 0 R/Kids 7 0 R/Count 1>>";
    let list = "[8 0 R]";
    let original = [
        CATALOG, pages, PAGE, FORM, sharing, branch, list, PAGE, PAGE,
    ];
    let most = after_signing(&original, &[(7, "[8 0 R 9 0 R]")]);
    assert_eq!(most, Some(ChangeKind::Content));
}

#[test]
fn what_pages_and_annotations_have_in_common_with_content_is_content() {
    let pages = "<</Type/Pages/Kids[3 0 R 5 0 R 6 0 R]/Count 2>>";
    let other = DRAWING.replace("0 g", "1 g");
    // The content of a page is listed as a page.
    let page = "<</Type/Page/Parent 2 0 R/Contents 6 0 R>>";
    let original = [CATALOG, pages, PAGE, FORM, page, DRAWING];
    let most = after_signing(&original, &[(6, &other)]);
    assert_eq!(most, Some(ChangeKind::Content));
    // Its resources, or its content, are its annotations.
    for (key, old, new) in [
        ("Resources", "<<>>", "<</XObject<</X 7 0 R>>>>"),
        ("Contents", DRAWING, &other),
    ] {
        let page = format!("<</Type/Page/Parent 2 0 R/Annots 6 0 R/{key} 6 0 R>>");
        let original = [CATALOG, TWO_PAGES, PAGE, FORM, &page, old, DRAWING];
        let most = after_signing(&original, &[(6, new)]);
        assert_eq!(most, Some(ChangeKind::Content), "{key}");
    }
}

#[test]
fn annotations_that_change_places_are_a_change() {
    // The same list is the page's content.
    let page = "<</Type/Page/Parent 2 0 R/Annots 6 0 R/Contents 6 0 R>>";
    let list = "[7 0 R 8 0 R]";
    let original = [CATALOG, TWO_PAGES, PAGE, FORM, page, list, DRAWING, DRAWING];
    assert_eq!(after_signing(&original, &[(6, list)]), None);
    for other in ["[8 0 R 7 0 R]", "[7 0 R]", "[7 0 R 8 0 R 8 0 R]", "null"] {
        let most = after_signing(&original, &[(6, other)]);
        assert_eq!(most, Some(ChangeKind::Annotation), "{other}");
    }
}

#[test]
fn a_stream_is_not_the_same_as_a_dictionary_that_reads_like_its_own() {
    let page = |contents: &str| format!("<</Type/Page/Parent 2 0 R/Contents {contents}>>");
    let direct = page("<</Subtype/Form/Length 4>>");
    let original = [CATALOG, TWO_PAGES, PAGE, FORM, &direct, DRAWING];
    let most = after_signing(&original, &[(5, &page("6 0 R"))]);
    assert_eq!(most, Some(ChangeKind::Content));
}

#[test]
fn a_key_that_is_there_twice_is_a_change() {
    let page = |entries: &str| format!("<</Type/Page/Parent 2 0 R{entries}/Contents 6 0 R>>");
    let (once, twice) = (page(""), page("/Contents 7 0 R"));
    let original = [CATALOG, TWO_PAGES, PAGE, FORM, &once, DRAWING, DRAWING];
    let most = after_signing(&original, &[(5, &twice)]);
    assert_eq!(most, Some(ChangeKind::Content));
    let original = [CATALOG, TWO_PAGES, PAGE, FORM, &twice, DRAWING, DRAWING];
    assert_eq!(after_signing(&original, &[(5, &twice)]), None);
}

#[test]
fn fields_that_are_no_objects_of_their_own_stay_as_they_are() {
    let form = "<</Fields[<</T(sum)/FT/Tx/V(100)>>]>>";
    let signed = signed(&[CATALOG, PAGES, PAGE, form]);
    let form = state(&signed, 4);
    assert_eq!(most(&signed, &[(4, &form)]), None);
    let changed = form.replace("(100)", "(900)");
    assert_ne!(changed, form);
    assert_eq!(most(&signed, &[(4, &changed)]), Some(ChangeKind::Content));
}

#[test]
fn a_document_time_stamp_that_shows_or_does_something_is_a_further_signature() {
    let stamp = "<</Type/DocTimeStamp/SubFilter/ETSI.RFC3161/Contents<00>/ByteRange[0 1 2 3]>>";
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Annots[5 0 R]>>";
    // As a new field, and in one that was there.
    use ChangeKind::{Content, FormFilling, Preservation};
    for (rect, looks, new, old) in [
        ("0 0 0 0", "/AP<</N 7 0 R>>", Preservation, Preservation),
        ("9 9 9.0 90", "/AP<</N 7 0 R>>", Preservation, Preservation),
        ("0 0 300 200", "", Preservation, Preservation),
        ("0 0 300 200", "/AP<</N 7 0 R>>", FormFilling, FormFilling),
        (
            "0 0 0 0",
            "/AA<</PO<</S/JavaScript>>>>",
            FormFilling,
            Content,
        ),
        ("0 0 0 0", "/Subtype/FreeText", FormFilling, Content),
    ] {
        let field = |entries: &str| format!("<</FT/Sig/T(a)/Rect[{rect}]/P 3 0 R{entries}>>");
        let original = [CATALOG, PAGES, page, "<</Fields[5 0 R]>>", &field("")];
        let filled = field(&format!("/V 6 0 R{looks}"));
        let most = after_signing(&original, &[(5, &filled), (6, stamp), (7, DRAWING)]);
        assert_eq!(most, Some(old), "{rect}{looks}");

        let signed = signed(&[CATALOG, PAGES, PAGE, FORM]);
        let (page, form) = (state(&signed, 3), state(&signed, 4));
        let page = page.replace("/Annots [", "/Annots [5 0 R ");
        let form = form.replace("/Fields [", "/Fields [5 0 R ");
        let objects = [
            (3, &*page),
            (4, &form),
            (5, &filled),
            (6, stamp),
            (7, DRAWING),
        ];
        let most = self::most(&signed, &objects);
        assert_eq!(most, Some(new), "{rect}{looks}");
    }
}
