//! The PDF reader and both kinds of signature: what passes inspection can be signed,
//! keeps every byte and is found again whole, and what came after it is told.

#![no_main]

use fuzz::NOW;
use libfuzzer_sys::fuzz_target;
use pades::{
    Appearance, Coverage, EmbeddedSignature, FieldTarget, Layout, Prepared, Rect, SecurityStore,
    SignatureSpec, TimeStampSpec,
};

fuzz_target!(|pdf: &[u8]| {
    let facts = pades::inspect(pdf);
    let _ = pades::signatures(pdf);
    let _ = pades::security_store(pdf);
    let prepared = pades::prepare(pdf, &spec(None));
    if facts.is_ok() {
        let prepared = prepared.expect("what passes inspection can be signed");
        let (signed, signature) = finish(prepared, pdf);
        let spec = TimeStampSpec {
            security_store: SecurityStore::default(),
            reserve: 64,
        };
        // Damage that signing did not touch may be in the way now.
        if let Ok(prepared) = pades::prepare_time_stamp(&signed, &spec) {
            let (archived, _) = finish(prepared, &signed);
            let _ = pades::changes(&archived, &signature);
        }
    }
    // Fonts take time: one file in 64 shows its signature.
    if pdf.len() % 64 == 0 {
        let appearance = appearance();
        if pades::find_place(pdf, &appearance).is_ok()
            && let Ok(prepared) = pades::prepare(pdf, &spec(Some(appearance)))
        {
            finish(prepared, pdf);
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
