//! Files that can't be signed, and callers that get it wrong: refused with the reason.

use pades::{PdfError, Place};

use crate::{
    raw::{CATALOG, FORM, PAGE, PAGES, TRAILER, file},
    signer::{corpus, spec},
};

#[track_caller]
fn refused(pdf: &[u8]) -> PdfError {
    let error = pades::prepare(pdf, &spec()).unwrap_err();
    assert_eq!(
        pades::inspect(pdf).unwrap_err(),
        error,
        "both doors give the same reason"
    );
    error
}

#[test]
fn reasons_are_told_apart() {
    let file = |name: &str| corpus(name).swap_remove(0).1;
    for name in ["refuse-password", "refuse-password-rc4"] {
        let reason = PdfError::Encrypted("with a password");
        assert_eq!(refused(&file(name)), reason, "{name}");
    }
    for name in ["refuse-protected", "refuse-protected-annotate"] {
        assert_eq!(refused(&file(name)), PdfError::Protected, "{name}");
    }
    assert_eq!(refused(&file("refuse-certified")), PdfError::Certified);
    assert_eq!(refused(&file("refuse-xfa")), PdfError::Xfa);
    for rubbish in [&b""[..], b"\x89PNG\r\n\x1a\n", b"Dear Sir or Madam", b"%PD"] {
        assert_eq!(refused(rubbish), PdfError::NotPdf);
    }
    assert_eq!(
        refused(b"%PDF-1.7\nnothing else"),
        PdfError::Broken {
            what: "there is no startxref",
            place: Place::Byte(21)
        }
    );
}

#[test]
fn a_signed_file_that_may_not_be_signed_again_can_still_be_looked_at() {
    let (_, pdf) = corpus("refuse-certified").swap_remove(0);
    assert_eq!(pades::signatures(&pdf).unwrap().len(), 1);
}

#[test]
fn an_encrypted_file_does_not_pass_for_a_plain_one_when_it_is_damaged() {
    let (_, pdf) = corpus("refuse-password").swap_remove(0);
    let text = pdf
        .windows(9)
        .rposition(|part| part == b"startxref")
        .unwrap();
    let damaged = [&pdf[..text], b"startxref\n3\n%%EOF\n"].concat();
    assert_eq!(refused(&damaged), PdfError::Encrypted("with a password"));
    let trailer = pdf.windows(7).rposition(|part| part == b"trailer").unwrap();
    assert!(matches!(refused(&pdf[..trailer]), PdfError::Encrypted(_)));
}

#[test]
fn a_cms_that_does_not_fit_says_how_much_it_needs() {
    let (_, base) = corpus("reportlab").swap_remove(0);
    let prepared = pades::prepare(&base, &spec()).unwrap();
    assert_eq!(prepared.reserve(), 4096);
    assert!(prepared.clone().embed(&base, &[0x30; 4096]).is_ok());
    assert_eq!(
        prepared.clone().embed(&base, &[0x30; 4097]).unwrap_err(),
        PdfError::ContainerTooSmall {
            needed: 4097,
            reserved: 4096
        }
    );
    assert!(matches!(
        prepared.embed(&base[1..], &[]),
        Err(PdfError::WrongBase(_))
    ));
}

#[test]
fn ranges_that_leave_something_out_vouch_for_nothing() {
    let (_, pdf) = corpus("signed").swap_remove(0);
    let regular = pades::signatures(&pdf).unwrap().swap_remove(0);
    assert_eq!(regular.covers, pades::Coverage::WholeFile);
    let range = pdf
        .windows(14)
        .position(|part| part == b"/ByteRange [0 ")
        .unwrap();
    let mut forged = pdf.clone();
    // The first range ends ten bytes early, so that those could be anything.
    let first = regular.byte_range[1];
    let shorter = (first - 10).to_string();
    assert_eq!(shorter.len(), first.to_string().len());
    forged[range + 14..][..shorter.len()].copy_from_slice(shorter.as_bytes());
    let irregular = pades::signatures(&forged).unwrap().swap_remove(0);
    assert_eq!(
        (irregular.covers, irregular.digest),
        (pades::Coverage::Irregular, None)
    );

    let appended = [&pdf[..], b"more"].concat();
    let earlier = pades::signatures(&appended).unwrap().swap_remove(0);
    assert_eq!(earlier.covers, pades::Coverage::Revision);
}

#[test]
fn a_stream_where_something_is_written_anew_is_refused_since_its_data_would_be_lost() {
    let stream = |dictionary: &str| {
        let open = dictionary.trim_end_matches(">>");
        format!("{open}/Length 2>>\nstream\nhi\nendstream")
    };
    let (page, form) = (stream(PAGE), stream(FORM));
    let field = stream("<</FT/Sig/T(Here)>>");
    let with = |entry: &str| CATALOG.replace(">>", &format!("{entry} 5 0 R>>"));
    let (store, extensions) = (with("/DSS"), with("/Extensions"));
    for (number, objects) in [
        (3, vec![CATALOG, PAGES, &page, FORM]),
        (4, vec![CATALOG, PAGES, PAGE, &form]),
        (5, vec![CATALOG, PAGES, PAGE, "<</Fields[5 0 R]>>", &field]),
        (5, vec![&store, PAGES, PAGE, FORM, &field]),
        (5, vec![&extensions, PAGES, PAGE, FORM, &field]),
    ] {
        let pdf = file(&objects, &TRAILER.replace('5', "6"));
        let reason = PdfError::Broken {
            what: "there is a stream where none should be",
            place: Place::Object(number),
        };
        assert_eq!(refused(&pdf), reason, "{objects:?}");
    }
}
