//! Ed25519 keys, for the checkpoints of the issuance log (RFC 8032).

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::CryptoError;

/// A private key; the back end wipes it when it is dropped.
pub struct Ed25519Key {
    pair: Ed25519KeyPair,
}

impl Ed25519Key {
    /// Makes a fresh key, drawn by the back end's own generator.
    pub fn generate() -> Result<Self, CryptoError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| CryptoError::Backend)?;
        Ok(Self { pair })
    }

    /// From the secret that [`Ed25519Key::seed`] gave.
    pub fn from_seed(seed: &[u8]) -> Result<Self, CryptoError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| CryptoError::PrivateKey)?;
        Ok(Self { pair })
    }

    /// The secret, 32 bytes. Seal it before it leaves memory.
    pub fn seed(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let seed = self.pair.seed().map_err(|_| CryptoError::Backend)?;
        let bytes = seed.as_be_bytes().map_err(|_| CryptoError::Backend)?;
        Ok(Zeroizing::new(bytes.as_ref().to_vec()))
    }

    /// The public half, 32 bytes.
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs; 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl std::fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ed25519Key").finish_non_exhaustive()
    }
}

/// Verifies a signature under a public key of 32 bytes.
///
/// Fails with [`CryptoError::Signature`].
pub fn verify_ed25519(public: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .map_err(|_| CryptoError::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_again_from_its_seed() {
        let key = Ed25519Key::generate().unwrap();
        let copy = Ed25519Key::from_seed(&key.seed().unwrap()).unwrap();
        assert_eq!(key.public(), copy.public());
        let signature = copy.sign(b"message");
        assert_eq!(verify_ed25519(key.public(), b"message", &signature), Ok(()));
        assert!(verify_ed25519(key.public(), b"massage", &signature).is_err());
        assert!(verify_ed25519(b"short", b"message", &signature).is_err());
        assert!(Ed25519Key::from_seed(b"short").is_err());
    }

    #[test]
    fn the_published_vector_holds() {
        // RFC 8032 §7.1, test 1.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(seed.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
        }
        let key = Ed25519Key::from_seed(&bytes).unwrap();
        assert_eq!(key.public()[..4], [0xd7, 0x5a, 0x98, 0x01]);
        assert_eq!(key.sign(b"")[..4], [0xe5, 0x56, 0x43, 0x00]);
    }
}
