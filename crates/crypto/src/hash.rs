//! SHA-2, HMAC-SHA-256, and comparison in constant time.

use aws_lc_rs::{constant_time, digest, hmac};
use bytes::Bytes;
use model::DigestAlgorithm;

use crate::CryptoError;

/// A digest and the algorithm that made it, here or elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    inner: digest::Digest,
}

impl Digest {
    /// The digest of `data`.
    pub fn of(algorithm: DigestAlgorithm, data: &[u8]) -> Self {
        let inner = digest::digest(back_end(algorithm), data);
        Self { algorithm, inner }
    }

    /// A digest that somebody else made; [`CryptoError::Digest`] where its length is another's.
    pub fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Result<Self, CryptoError> {
        let inner = digest::Digest::import_less_safe(bytes, back_end(algorithm))
            .map_err(|_| CryptoError::Digest)?;
        Ok(Self { algorithm, inner })
    }

    /// What made it.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.inner.as_ref()
    }

    pub(crate) fn inner(&self) -> &digest::Digest {
        &self.inner
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Digest {}

fn back_end(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}

/// SHA-256 of `data` (FIPS 180-4).
pub fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, data).as_ref())
}

/// SHA-1 of `data`, for identifiers that standards define over SHA-1: subject key identifiers
/// (RFC 5280 §4.2.1.2) and OCSP's name and key hashes (RFC 6960 §4.1.1). Never for signatures.
pub fn sha1_identifier(data: &[u8]) -> [u8; 20] {
    fixed(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref())
}

/// HMAC-SHA-256 of `data` under `key` (RFC 2104).
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref())
}

/// Whether `a` and `b` are the same, in time that depends on their lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256 over data that arrives in pieces.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// An empty hash.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes in the next piece.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        fixed(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(…)")
    }
}

/// Bytes that were hashed once, by SHA-256: what is appended to them needs no second pass over them.
#[derive(Clone, Default)]
pub struct Hashed {
    bytes: Bytes,
    hash: Sha256,
}

impl Hashed {
    /// Hashes `bytes`.
    pub fn new(bytes: Bytes) -> Self {
        Self::default().followed_by(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The hash, which can go on behind the bytes.
    pub fn hash(&self) -> &Sha256 {
        &self.hash
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> [u8; 32] {
        self.hash.clone().finish()
    }

    /// These bytes and `tail` behind them, of which only `tail` is hashed.
    pub fn followed_by(&self, tail: Bytes) -> Self {
        let mut hash = self.hash.clone();
        hash.update(&tail);
        let bytes = match self.bytes.is_empty() {
            true => tail,
            false => [&self.bytes[..], &tail].concat().into(),
        };
        Self { bytes, hash }
    }
}

/// Without the bytes, which may be a person's.
impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hashed({} bytes)", self.bytes.len())
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .expect("the algorithm fixes the length of its output")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn published_vectors() {
        // FIPS 180-4 examples and RFC 4231 test case 2.
        assert_eq!(
            hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(&sha1_identifier(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn digests_name_their_algorithm_and_keep_their_length() {
        // FIPS 180-4's example for SHA-384, the beginning.
        let digest = Digest::of(DigestAlgorithm::Sha384, b"abc");
        assert_eq!(hex(&digest.as_bytes()[..8]), "cb00753f45a35e8b");
        let again = Digest::from_bytes(DigestAlgorithm::Sha384, digest.as_bytes());
        assert_eq!(again, Ok(digest));
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let other = Digest::from_bytes(algorithm, digest.as_bytes());
            assert_eq!(other, Err(CryptoError::Digest));
            let whole = Digest::of(algorithm, b"abc");
            assert_eq!(whole.as_bytes().len(), algorithm.digest_len());
        }
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        let mut hash = Sha256::new();
        hash.update(b"a");
        hash.update(b"");
        hash.update(b"bc");
        assert_eq!(hash.finish(), sha256(b"abc"));
    }

    #[test]
    fn what_follows_is_hashed_as_if_all_came_at_once() {
        let base = Hashed::new(Bytes::from_static(b"a"));
        let whole = base.followed_by(Bytes::from_static(b"bc"));
        assert_eq!(whole.digest(), sha256(b"abc"));
        assert_eq!(&whole.bytes()[..], b"abc");
        assert_eq!(base.digest(), sha256(b"a"));
        assert_eq!(Hashed::default().digest(), sha256(b""));
    }

    #[test]
    fn equal_compares_length_and_content() {
        assert!(equal(b"same", b"same"));
        assert!(!equal(b"same", b"sam"));
        assert!(!equal(b"same", b"samf"));
    }
}
