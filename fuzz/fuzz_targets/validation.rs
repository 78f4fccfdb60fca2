//! Signatures of anybody in a PDF, judged, to the report.

#![no_main]

use std::sync::LazyLock;

use fuzz::{NOW, made};
use libfuzzer_sys::fuzz_target;
use validation::Trust;

static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::in_roots(vec![made("root.der")]));

fuzz_target!(|pdf: &[u8]| {
    let _ = validation::validate_pdf(pdf, &TRUST, NOW);
});
