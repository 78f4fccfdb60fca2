//! What the targets share: the small authority that `seed.py` made. Inputs that name it, such as
//! OCSP requests, keep their meaning from run to run because its keys stay.

use std::path::Path;
use std::sync::Arc;

use crypto::SoftwareKey;
use time::{OffsetDateTime, macros::datetime};

/// When everything of the authority is valid.
pub const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// What the seeds' detached containers sign.
pub const CONTENT: &[u8] = b"what is signed";

/// A file that `seed.py` wrote.
pub fn made(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    std::fs::read(&path).unwrap_or_else(|_| panic!("no {}: run fuzz/seed.py", path.display()))
}

/// A key that `seed.py` wrote.
pub fn key(name: &str) -> Arc<SoftwareKey> {
    Arc::new(SoftwareKey::from_pkcs8(&made(name)).expect("seed.py writes keys that can be read"))
}

/// Randomness that is the same in every run, so that findings can be repeated.
pub struct Still;

impl model::Entropy for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}
