//! Names of blobs.
//!
//! The first two bytes of a name decide on its folder. Blobs that are written one after the other
//! share them: what is written for one act, or for several at a time, makes one folder durable, and
//! not one for each blob, and a new folder is seldom needed.

use std::sync::{Mutex, PoisonError};

use model::Entropy;

/// Neighbours in a folder at first; later others come to it by chance.
const NEIGHBOURS: u32 = 512;
/// Bytes of a name that neighbours share.
const SHARED: usize = 2;
/// Bytes of a name.
const LEN: usize = 16;

/// Draws names.
#[derive(Default)]
pub(crate) struct Names {
    standing: Mutex<Neighbourhood>,
}

#[derive(Default)]
struct Neighbourhood {
    start: [u8; SHARED],
    left: u32,
}

impl Names {
    /// A name that was never used before: chunks sealed under one name twice would share their
    /// nonces. 14 random bytes see to that.
    pub(crate) fn draw(&self, entropy: &dyn Entropy) -> String {
        self.settle(Draft::draw(entropy))
    }

    /// The name that a draft becomes.
    pub(crate) fn settle(&self, Draft(mut name): Draft) -> String {
        let (start, _) = name.split_at_mut(SHARED);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match standing.left.checked_sub(1) {
            Some(left) => {
                standing.left = left;
                start.copy_from_slice(&standing.start);
            }
            None => {
                standing.left = NEIGHBOURS - 1;
                standing.start.copy_from_slice(start);
            }
        }
        hex::encode(name)
    }
}

/// A name to be, which may turn out not to be needed.
pub(crate) struct Draft([u8; LEN]);

impl Draft {
    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut random = [0; LEN];
        entropy.fill(&mut random);
        Self(random)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crypto::SystemEntropy;

    use super::*;

    #[test]
    fn neighbours_share_a_folder_and_then_others_another() {
        let names = Names::default();
        let drawn: Vec<_> = (0..2 * NEIGHBOURS)
            .map(|_| names.draw(&SystemEntropy))
            .collect();
        let folders: BTreeSet<_> = drawn.iter().map(|name| &name[..4]).collect();
        assert!(folders.len() <= 2, "{folders:?}");
        let different: BTreeSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        assert!(drawn.iter().all(|name| name.len() == 32));
    }
}
