//! OCSP requests, to the signed answer.

#![no_main]

use std::sync::LazyLock;

use fuzz::{NOW, key, made};
use libfuzzer_sys::fuzz_target;
use pki::ocsp::{Request, Responder, Status};

static RESPONDER: LazyLock<Responder> = LazyLock::new(|| {
    Responder::new(&made("root.der"), made("ocsp.der"), key("ocsp.key"))
        .expect("seed.py appoints a responder")
});

fuzz_target!(|der: &[u8]| {
    match Request::parse(der) {
        Ok(request) => {
            let answer = RESPONDER.respond(&request, |_| Status::Good, NOW);
            assert!(answer.expect("the key signs").len() < 64 * 1024);
        }
        Err(refusal) => assert!(refusal.response().len() < 16),
    }
});
