//! The master key, data keys, and sealing of small values.
//!
//! A sealed value is `version (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`: AES-256-GCM with a random
//! 96-bit nonce (NIST SP 800-38D §8.2.2) and the caller's context as associated data, so that a
//! value sealed for one purpose or row does not open for another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use model::Entropy;
use zeroize::Zeroizing;

use crate::{CryptoError, hmac_sha256};

/// Bytes that sealing adds to a plaintext.
pub(crate) const OVERHEAD: usize = 1 + NONCE_LEN + TAG_LEN;
pub(crate) const TAG_LEN: usize = 16;
const VERSION: u8 = 1;

/// The installation's root secret: 256 bits, kept in a file that only the service can read.
///
/// Up to 2³² values may be sealed directly under it (the limit of random 96-bit nonces); data
/// that grows with traffic belongs under a [`DataKey`].
#[derive(Clone)]
pub struct MasterKey(Secret);

impl MasterKey {
    /// Draws a fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::generate(entropy))
    }

    /// The key as it was read from its file.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret(Zeroizing::new(bytes)))
    }

    /// The key's bytes, to be written into its file and nowhere else.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// Seals `plaintext` for the purpose and place that `context` names.
    pub fn seal(&self, context: &str, plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        self.0.seal("seal", context, plaintext, entropy)
    }

    /// Opens what [`MasterKey::seal`] made for the same `context`; else [`CryptoError::Sealed`].
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.0.open("seal", context, sealed)
    }

    /// HMAC-SHA-256 of `data` under a key of its own for each `label`: for digests of low-entropy
    /// values, such as one-time codes, that must not be guessable from the database alone.
    pub fn mac(&self, label: &str, data: &[u8]) -> [u8; 32] {
        hmac_sha256(&*self.0.derive(&[b"mac", label.as_bytes()]), data)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The key of one request's data: 256 bits, stored only wrapped under the [`MasterKey`].
#[derive(Clone)]
pub struct DataKey(Secret);

impl DataKey {
    /// Draws a fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::generate(entropy))
    }

    /// Wraps the key for storage. `context` names the row that will hold it.
    pub fn wrap(&self, master: &MasterKey, context: &str, entropy: &dyn Entropy) -> Vec<u8> {
        master.0.seal("wrap", context, &*self.0.0, entropy)
    }

    /// Unwraps what [`DataKey::wrap`] made for the same `context`; else [`CryptoError::Sealed`].
    pub fn unwrap(master: &MasterKey, context: &str, wrapped: &[u8]) -> Result<Self, CryptoError> {
        let bytes = master.0.open("wrap", context, wrapped)?;
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| CryptoError::Sealed)?;
        Ok(Self(Secret(Zeroizing::new(bytes))))
    }

    /// Seals `plaintext` for the purpose and place that `context` names.
    pub fn seal(&self, context: &str, plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        self.0.seal("seal", context, plaintext, entropy)
    }

    /// Opens what [`DataKey::seal`] made for the same `context`; else [`CryptoError::Sealed`].
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.0.open("seal", context, sealed)
    }

    /// The key of one blob (see [`crate::chunk`]).
    pub(crate) fn blob_key(&self, blob: &[u8]) -> LessSafeKey {
        aes(&self.0.derive(&[b"blob", blob]))
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

#[derive(Clone)]
struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self(bytes)
    }

    fn seal(&self, usage: &str, context: &str, plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        seal(
            &self.derive(&[usage.as_bytes()]),
            context.as_bytes(),
            plain,
            entropy,
        )
    }

    fn open(
        &self,
        usage: &str,
        context: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        open(
            &self.derive(&[usage.as_bytes()]),
            context.as_bytes(),
            sealed,
        )
    }

    /// A key for one usage: HKDF-SHA-256 (RFC 5869) with the usage, and what narrows it, as info.
    ///
    /// The parts are joined by a zero byte; usages are constants without one, so that no two
    /// lists give the same info.
    fn derive(&self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let joined = info.join(&0);
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"avouch key hierarchy 1")
            .extract(&*self.0)
            .expand(&[&joined], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *key))
            .expect("32 bytes are within what HKDF-SHA-256 yields");
        key
    }
}

/// Seals under `key`; see the module's documentation for the form.
pub(crate) fn seal(
    key: &[u8; 32],
    context: &[u8],
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = aes(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context),
            &mut sealed[1 + NONCE_LEN..],
        )
        .expect("values sealed here are far below AES-GCM's limit of 64 GiB");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

/// Opens what [`seal`] made under the same key and context.
pub(crate) fn open(
    key: &[u8; 32],
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (&VERSION, rest) = sealed.split_first().ok_or(CryptoError::Sealed)? else {
        return Err(CryptoError::Sealed);
    };
    let (nonce, ciphertext) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(CryptoError::Sealed)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let plain_len = aes(key)
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(context),
            &mut buffer,
        )
        .map_err(|_| CryptoError::Sealed)?
        .len();
    buffer.truncate(plain_len);
    Ok(buffer)
}

fn aes(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 256 bits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Counter;

    #[test]
    fn purposes_do_not_mix() {
        let entropy = Counter::new();
        let master = MasterKey::generate(&entropy);
        let data = DataKey::generate(&entropy);
        let sealed = master.seal("a", b"secret", &entropy);
        assert_eq!(master.open("a", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(master.open("b", &sealed), Err(CryptoError::Sealed));
        assert_eq!(data.open("a", &sealed), Err(CryptoError::Sealed));
        // What was wrapped as a key is never opened as data.
        let wrapped = data.wrap(&master, "a", &entropy);
        assert_eq!(master.open("a", &wrapped), Err(CryptoError::Sealed));
        let again = DataKey::unwrap(&master, "a", &wrapped).unwrap();
        let sealed = data.seal("x", b"value", &entropy);
        assert_eq!(again.open("x", &sealed).unwrap().as_slice(), b"value");
        assert_ne!(master.mac("a", b"123456"), master.mac("b", b"123456"));
    }

    #[test]
    fn a_key_from_its_bytes_is_the_same_key() {
        let entropy = Counter::new();
        let master = MasterKey::generate(&entropy);
        let sealed = master.seal("a", b"secret", &entropy);
        let again = MasterKey::from_bytes(*master.expose());
        assert!(again.open("a", &sealed).is_ok());
        assert_eq!(again.mac("otp", b"1"), master.mac("otp", b"1"));
        assert_eq!(format!("{master:?}"), "MasterKey(…)");
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let entropy = Counter::new();
        let master = MasterKey::generate(&entropy);
        assert_ne!(
            master.seal("a", b"same", &entropy),
            master.seal("a", b"same", &entropy)
        );
    }

    proptest! {
        #[test]
        fn every_change_is_found(
            plaintext in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            flip in 1..=255u8,
        ) {
            let entropy = Counter::new();
            let key = DataKey::generate(&entropy);
            let sealed = key.seal("row 1", &plaintext, &entropy);
            prop_assert_eq!(sealed.len(), plaintext.len() + OVERHEAD);
            let opened = key.open("row 1", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), &plaintext[..]);
            let at = at.index(sealed.len());
            let mut changed = sealed.clone();
            changed[at] ^= flip;
            prop_assert_eq!(key.open("row 1", &changed), Err(CryptoError::Sealed));
            prop_assert_eq!(key.open("row 1", &sealed[..at]), Err(CryptoError::Sealed));
        }
    }
}
