//! The digests of what signatures cover, for all signatures of a file in one pass.

use std::{collections::BTreeMap, ops::Range};

use crypto::Sha256;

use crate::error::PdfError;

/// Times the file that may be hashed behind the containers. What a signature covers there is the
/// rest of its own revision, so all of it together is less than the file.
const MAX_TAILS: usize = 16;

/// What a signature covers: the file up to its container, and from there up to the revision's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Covered {
    /// Where the first range ends; it begins with the file.
    pub before: usize,
    /// Where the second range begins.
    pub after: usize,
    /// Where it ends.
    pub end: usize,
}

impl Covered {
    /// What is covered behind the container.
    pub fn tail(self) -> Range<usize> {
        self.after..self.end
    }
}

/// SHA-256 over each of `covered`.
///
/// All begin with the file, so one hash runs through it and is continued aside for each tail. To
/// hash from the start for each signature would take a file with thousands of them minutes.
pub(crate) fn digests(
    data: &[u8],
    covered: impl IntoIterator<Item = Covered>,
) -> Result<BTreeMap<Covered, [u8; 32]>, PdfError> {
    let mut digests: BTreeMap<_, _> = covered.into_iter().map(|one| (one, [0; 32])).collect();
    let limit = data.len().saturating_mul(MAX_TAILS);
    let mut tails = 0_usize;
    let mut hash = Sha256::new();
    let mut hashed = 0;
    for (covered, digest) in &mut digests {
        tails = tails.saturating_add(covered.tail().len());
        if tails > limit {
            return Err(PdfError::Limit {
                what: "its signatures overlap so that checking them would take too long",
                limit: limit as u64,
            });
        }
        hash.update(&data[hashed..covered.before]);
        hashed = covered.before;
        let mut whole = hash.clone();
        whole.update(&data[covered.tail()]);
        *digest = whole.finish();
    }
    Ok(digests)
}
