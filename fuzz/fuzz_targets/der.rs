//! The DER reader behind certificates, certification requests and lints.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pki::CertificateFacts;

fuzz_target!(|der: &[u8]| {
    let _ = CertificateFacts::read(der);
    let _ = pki::pkcs10::Request::parse(der);
    let _ = pki::lint::check(der);
});
