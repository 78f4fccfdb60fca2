//! The PDF reader and both kinds of signature: what passes inspection can be signed and archived,
//! keeps every byte and is found again whole, and the archive time-stamp changes nothing of it.

#![no_main]

use fuzz::NOW;
use libfuzzer_sys::fuzz_target;
use pades::{
    Appearance, ChangeKind, Coverage, EmbeddedSignature, FieldTarget, Layout, PdfError, Prepared,
    Rect, SecurityStore, SignatureSpec, TimeStampSpec, WantedPlace,
};

fuzz_target!(|pdf: &[u8]| {
    let facts = pades::inspect(pdf);
    let _ = pades::signatures(pdf);
    let _ = pades::security_store(pdf);
    let prepared = pades::prepare(pdf, &spec(None));
    let facts_are_there = facts.is_ok();
    if facts_are_there {
        let prepared = prepared.expect("what passes inspection can be signed");
        let (signed, signature) = finish(prepared, pdf);
        let spec = TimeStampSpec {
            security_store: SecurityStore::default(),
            reserve: 64,
        };
        let prepared = pades::prepare_time_stamp(&signed, &spec);
        let prepared = prepared.expect("what was signed can be archived");
        let (archived, _) = finish(prepared, &signed);
        // What neither of them touched may be damaged.
        match pades::changes(&archived, &signature) {
            Ok(changes) => assert!(
                changes.most <= Some(ChangeKind::Preservation),
                "the archive time-stamp changes the document: {changes:?}"
            ),
            Err(reason) => assert_ne!(reason, PdfError::SignedAndDamaged),
        }
    }
    // Fonts take time: one file in 64 shows its signature.
    if pdf.len() % 64 == 0 {
        let appearance = appearance();
        let wanted = spec(Some(appearance));
        let place = WantedPlace {
            field: &wanted.field,
            reason: None,
            appearance: wanted.appearance.as_ref(),
        };
        let found = pades::find_places(pdf, &[place]);
        let prepared = pades::prepare(pdf, &wanted);
        if facts_are_there && found.is_ok() {
            finish(prepared.expect("there is a place"), pdf);
        } else if let Err(reason) = found {
            assert!(prepared.is_err(), "{reason}");
        }
    }
});

/// Puts something in and finds it again.
fn finish(prepared: Prepared, base: &[u8]) -> (Vec<u8>, EmbeddedSignature) {
    let digest = prepared.digest();
    let signed = prepared.embed(base, b"0\0").expect("two bytes fit");
    assert!(signed.starts_with(base), "every byte is kept");
    let found = pades::signatures(&signed).expect("what was written can be read");
    let whole = found
        .iter()
        .find(|one| one.covers == Coverage::WholeFile && one.digest == Some(digest));
    let signature = whole.unwrap_or_else(|| panic!("half-signed: {found:?}"));
    let signature = signature.clone();
    (signed, signature)
}

fn spec(appearance: Option<Appearance>) -> SignatureSpec {
    SignatureSpec {
        field: FieldTarget::New("Signature".into()),
        name: None,
        reason: None,
        location: None,
        contact: None,
        signing_time: NOW,
        appearance,
        security_store: SecurityStore {
            certificates: vec![vec![0x30, 1, 0]],
            ocsp_responses: vec![vec![0x30, 1, 1]],
            revocation_lists: Vec::new(),
        },
        reserve: 64,
    }
}

fn appearance() -> Appearance {
    Appearance {
        page: -1,
        rect: Rect {
            x1: 20.0,
            y1: 20.0,
            x2: 120.0,
            y2: 60.0,
        },
        lines: vec!["Signed by Ana".into()],
        picture: None,
        layout: Layout::Behind,
    }
}
