//! The PDF reader and `prepare`: what passes inspection can be signed, keeps every byte, and the
//! signature that is found afterwards is the whole one.

#![no_main]

use fuzz::NOW;
use libfuzzer_sys::fuzz_target;
use pades::{Coverage, SignatureSpec};

fuzz_target!(|pdf: &[u8]| {
    let spec = SignatureSpec {
        field_name: "Signature".into(),
        name: None,
        reason: None,
        location: None,
        contact: None,
        signing_time: NOW,
        reserve: 64,
    };
    let facts = pades::inspect(pdf);
    let _ = pades::signatures(pdf);
    let prepared = pades::prepare(pdf, &spec);
    if facts.is_ok() {
        let prepared = prepared.expect("what passes inspection can be signed");
        let digest = prepared.digest();
        let signed = prepared.embed(pdf, b"0\0").expect("two bytes fit");
        assert!(signed.starts_with(pdf), "every byte is kept");
        let found = pades::signatures(&signed).expect("what was written can be read");
        assert!(
            found.iter().any(|signature| signature.covers == Coverage::WholeFile
                && signature.digest == Some(digest)),
            "half-signed: {found:?}"
        );
    }
});
