//! Time-stamp requests, to the signed token.

#![no_main]

use std::sync::LazyLock;

use fuzz::{NOW, Still, key, made};
use libfuzzer_sys::fuzz_target;
use pki::tsa::Tsa;

static TSA: LazyLock<Tsa> = LazyLock::new(|| {
    Tsa::new(&made("tsa.der"), &[made("root.der")], key("tsa.key"))
        .expect("seed.py appoints a time-stamping unit")
});

fuzz_target!(|der: &[u8]| {
    let answer = TSA.respond(der, NOW, &Still).expect("the key signs");
    assert!(answer.len() < 16 * 1024);
});
