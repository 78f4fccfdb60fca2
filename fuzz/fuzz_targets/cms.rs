//! The CMS readers, our own containers' and everybody's, with the time-stamps inside: whatever is
//! changed, nobody else signs.

#![no_main]

use std::sync::LazyLock;

use fuzz::{CONTENT, NOW, made};
use libfuzzer_sys::fuzz_target;
use pki::verify::{verify_detached, verify_time_stamp};
use validation::{Content, Trust};

static ROOTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| vec![made("root.der")]);
static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::in_roots(ROOTS.clone()));
static SIGNER: LazyLock<Vec<u8>> = LazyLock::new(|| made("signer.der"));

fuzz_target!(|cms: &[u8]| {
    let digest = crypto::sha256(CONTENT);
    if let Ok(verified) = verify_detached(cms, &digest, &ROOTS, NOW) {
        assert_eq!(
            verified.certificate, *SIGNER,
            "a container says something else"
        );
    }
    let _ = verify_time_stamp(cms, &digest, &ROOTS);
    let _ = validation::validate_detached(cms, Content::Bytes(CONTENT), &TRUST, NOW);
});
