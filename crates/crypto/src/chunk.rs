//! Sealing of big content in chunks, so that it is written as it arrives and any range is read
//! without opening the rest.
//!
//! A sealed blob is a row of chunks: [`PLAIN`] bytes of plaintext each (the last one may hold
//! fewer, even none), encrypted in place with AES-256-GCM and followed by the 16-byte tag. The
//! key belongs to this one blob: HKDF over the data key and the blob's name. The nonce is the
//! chunk's number; the associated data is the blob's name, the chunk's number and whether it is
//! the last. A chunk that was moved, dropped, repeated, cut off or taken from another blob
//! therefore does not open.
//!
//! **A name is written once.** Two contents sealed under one data key and one name would share
//! their nonces and give each other away; every write, a retried one too, needs a fresh name.

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::seal::TAG_LEN;
use crate::{CryptoError, DataKey};

/// Bytes of plaintext in every chunk but the last.
pub const PLAIN: usize = 256 * 1024;
/// Bytes that sealing adds to each chunk.
pub const OVERHEAD: usize = TAG_LEN;
/// Bytes of every sealed chunk but the last.
pub const SEALED: usize = PLAIN + OVERHEAD;

/// Length of the plaintext in a sealed blob of `sealed` bytes; `None` if no blob has that length.
pub fn plain_len(sealed: u64) -> Option<u64> {
    let full = sealed / SEALED as u64;
    match sealed % SEALED as u64 {
        0 if full > 0 => Some(full * PLAIN as u64),
        rest => Some(full * PLAIN as u64 + rest.checked_sub(OVERHEAD as u64)?),
    }
}

/// Length of the sealed blob of `plain` bytes.
pub fn sealed_len(plain: u64) -> u64 {
    let chunks = plain.div_ceil(PLAIN as u64).max(1);
    plain + chunks * OVERHEAD as u64
}

/// Seals one blob, chunk after chunk.
pub struct ChunkSealer {
    blob: Blob,
    next: u64,
    finished: bool,
}

impl ChunkSealer {
    /// Begins the blob called `name`, which must not have been written before under this key.
    pub fn new(key: &DataKey, name: &str) -> Self {
        Self {
            blob: Blob::new(key, name),
            next: 0,
            finished: false,
        }
    }

    /// Seals the next chunk in place and appends its tag. Reserve [`SEALED`] bytes of capacity
    /// and no copy is made.
    ///
    /// Fails with [`CryptoError::ChunkOrder`] where a chunk that is not the last does not hold
    /// exactly [`PLAIN`] bytes, where the last one holds more, and after the last one.
    pub fn seal_in_place<B>(&mut self, last: bool, buffer: &mut B) -> Result<(), CryptoError>
    where
        B: AsMut<[u8]> + for<'a> Extend<&'a u8>,
    {
        let len = buffer.as_mut().len();
        if self.finished || len > PLAIN || (!last && len < PLAIN) {
            return Err(CryptoError::ChunkOrder);
        }
        let tag = self
            .blob
            .key
            .seal_in_place_separate_tag(
                nonce(self.next),
                Aad::from(self.blob.associated(self.next, last)),
                buffer.as_mut(),
            )
            .map_err(|_| CryptoError::Backend)?;
        buffer.extend(tag.as_ref());
        self.next += 1;
        self.finished = last;
        Ok(())
    }
}

/// Opens chunks of one blob, in any order.
pub struct ChunkOpener {
    blob: Blob,
}

impl ChunkOpener {
    /// For the blob called `name`.
    pub fn new(key: &DataKey, name: &str) -> Self {
        Self {
            blob: Blob::new(key, name),
        }
    }

    /// Opens chunk number `index` (from 0) in place and returns its plaintext. `last` says whether
    /// the reader believes it to be the last chunk; a blob that was cut short is found by this.
    ///
    /// Fails with [`CryptoError::Sealed`]; the buffer's content is then unspecified.
    pub fn open_in_place<'b>(
        &self,
        index: u64,
        last: bool,
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], CryptoError> {
        self.blob
            .key
            .open_in_place(
                nonce(index),
                Aad::from(self.blob.associated(index, last)),
                buffer,
            )
            .map_err(|_| CryptoError::Sealed)
    }
}

struct Blob {
    key: LessSafeKey,
    name: Vec<u8>,
}

impl Blob {
    fn new(key: &DataKey, name: &str) -> Self {
        Self {
            key: key.blob_key(name.as_bytes()),
            name: name.as_bytes().to_vec(),
        }
    }

    fn associated(&self, index: u64, last: bool) -> Vec<u8> {
        let mut associated = Vec::with_capacity(self.name.len() + 9);
        associated.extend_from_slice(&self.name);
        associated.extend_from_slice(&index.to_be_bytes());
        associated.push(last.into());
        associated
    }
}

fn nonce(index: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - 8..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Counter;

    fn sealed(key: &DataKey, name: &str, lengths: &[usize]) -> Vec<Vec<u8>> {
        let mut sealer = ChunkSealer::new(key, name);
        let seal = |(index, &len): (usize, &usize)| {
            let mut chunk = vec![index as u8; len];
            sealer
                .seal_in_place(index + 1 == lengths.len(), &mut chunk)
                .unwrap();
            chunk
        };
        lengths.iter().enumerate().map(seal).collect()
    }

    fn opens(key: &DataKey, name: &str, index: u64, last: bool, chunk: &[u8]) -> bool {
        ChunkOpener::new(key, name)
            .open_in_place(index, last, &mut chunk.to_vec())
            .is_ok()
    }

    #[test]
    fn chunks_open_only_in_their_place() {
        let key = DataKey::generate(&Counter::new());
        let chunks = sealed(&key, "blob", &[PLAIN, PLAIN, 5]);
        for (index, chunk) in chunks.iter().enumerate() {
            for place in 0..4 {
                for last in [false, true] {
                    let right = place == index && last == (index == 2);
                    assert_eq!(opens(&key, "blob", place as u64, last, chunk), right);
                }
            }
        }
        let mut chunk = chunks[2].clone();
        let plain = ChunkOpener::new(&key, "blob")
            .open_in_place(2, true, &mut chunk)
            .unwrap();
        assert_eq!(plain, &[2; 5]);
    }

    #[test]
    fn a_blob_cut_at_a_chunk_boundary_does_not_open() {
        let key = DataKey::generate(&Counter::new());
        let chunks = sealed(&key, "blob", &[PLAIN, PLAIN]);
        // The reader of the shortened blob believes the first chunk to be the last.
        assert!(!opens(&key, "blob", 0, true, &chunks[0]));
    }

    #[test]
    fn chunks_of_another_blob_or_key_do_not_open() {
        let entropy = Counter::new();
        let (key, other) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
        let chunks = sealed(&key, "blob", &[7]);
        assert!(opens(&key, "blob", 0, true, &chunks[0]));
        assert!(!opens(&key, "glob", 0, true, &chunks[0]));
        assert!(!opens(&other, "blob", 0, true, &chunks[0]));
    }

    #[test]
    fn the_sealer_refuses_chunks_that_break_the_form() {
        let key = DataKey::generate(&Counter::new());
        let mut sealer = ChunkSealer::new(&key, "blob");
        let mut refused = |last, len| {
            sealer.seal_in_place(last, &mut vec![0; len]) == Err(CryptoError::ChunkOrder)
        };
        assert!(refused(false, PLAIN - 1));
        assert!(refused(true, PLAIN + 1));
        assert!(!refused(true, 0));
        assert!(refused(true, 0), "nothing follows the last chunk");
    }

    #[test]
    fn lengths_are_known_from_the_sealed_length() {
        let key = DataKey::generate(&Counter::new());
        for lengths in [
            &[0][..],
            &[1],
            &[PLAIN],
            &[PLAIN, 0],
            &[PLAIN, 9],
            &[PLAIN, PLAIN],
        ] {
            let total: usize = sealed(&key, "blob", lengths).iter().map(Vec::len).sum();
            let plain = lengths.iter().sum::<usize>() as u64;
            assert_eq!(plain_len(total as u64), Some(plain));
            // A last chunk may be empty; what is sealed in one go has none.
            if *lengths != [PLAIN, 0] {
                assert_eq!(sealed_len(plain), total as u64);
            }
        }
        for impossible in [0, 1, OVERHEAD - 1, SEALED + 1] {
            assert_eq!(plain_len(impossible as u64), None);
        }
    }

    proptest! {
        #[test]
        fn every_change_is_found(
            len in 0..2000usize,
            at in any::<prop::sample::Index>(),
            flip in 1..=255u8,
        ) {
            let key = DataKey::generate(&Counter::new());
            let chunk = &sealed(&key, "blob", &[len])[0];
            prop_assert!(opens(&key, "blob", 0, true, chunk));
            let at = at.index(chunk.len());
            let mut changed = chunk.clone();
            changed[at] ^= flip;
            prop_assert!(!opens(&key, "blob", 0, true, &changed));
            prop_assert!(!opens(&key, "blob", 0, true, &chunk[..at]));
        }
    }
}
