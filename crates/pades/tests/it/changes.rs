//! What others append to a signed file is seen for what it is, also where the file was made for it.

use pades::{ChangeKind, Coverage};

use crate::{
    raw::{CATALOG, FORM, PAGE, file, revised},
    signer::spec,
};

const TRAILER: &str = "<</Size 99/Root 1 0 R>>";

/// How far these new states of objects go in a signed file of `original`.
fn after_signing(original: &[&str], objects: &[(u32, &str)]) -> Option<ChangeKind> {
    let base = file(original, TRAILER);
    let prepared = pades::prepare(&base, &spec()).unwrap();
    let signed = prepared.embed(&base, b"0\0").unwrap();
    let later = revised(&signed, objects, TRAILER);
    let found = pades::signatures(&later).unwrap();
    let ours = found.iter().find(|one| one.covers == Coverage::Revision);
    pades::changes(&later, ours.unwrap()).unwrap().most
}

#[test]
fn a_page_that_is_replaced_by_something_else_is_a_change_of_content() {
    let pages = "<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>>";
    let original = [CATALOG, pages, PAGE, FORM, PAGE];
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
