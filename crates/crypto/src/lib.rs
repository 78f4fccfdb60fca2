//! The one place where cryptography happens: hashes, signing keys, sealing, passwords and PINs.
//!
//! The back end is `aws-lc-rs`. Nothing here knows a document format or decides a policy; callers
//! bring randomness through [`model::Entropy`], of which [`SystemEntropy`] is the real one.
//!
//! # Keys at rest
//!
//! A [`MasterKey`] lives in a file next to the configuration. It wraps one [`DataKey`] per
//! request, and the data key seals everything that belongs to that request, so that destroying
//! the wrapped data key destroys the person's evidence. Big content goes through [`chunk`].

pub mod chunk;
mod ed25519;
pub mod foreign;
mod hash;
mod key;
pub mod password;
pub mod pbes2;
pub mod pin;
mod seal;
mod vault;
mod verify;

use model::Entropy;

pub use ed25519::{Ed25519Key, verify_ed25519};
pub use hash::{Digest, Hashed, Sha256, equal, hmac_sha256, sha1_identifier, sha256};
pub use key::{KeyAlgorithm, SigningKey, SoftwareKey};
pub use seal::{DataKey, MasterKey};
pub use vault::{KeyVault, VaultError, VaultKey};
pub use verify::{Padding, verify, verify_digest};
pub use zeroize::Zeroizing;

/// What can go wrong, and whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The bytes given are no private key of a kind that we can use: the caller's fault.
    #[error("the private key is malformed or of an unsupported kind")]
    PrivateKey,
    /// The public key is malformed or of an algorithm that we do not verify: its maker's fault.
    #[error("the public key is malformed or of an unsupported kind")]
    PublicKey,
    /// The signature does not belong to this message and key: its sender's fault.
    #[error("the signature does not match")]
    Signature,
    /// The bytes are no digest of that algorithm: their length is another's.
    #[error("the digest's length is not its algorithm's")]
    Digest,
    /// Sealed bytes were altered, cut, reordered, or sealed under another key or context.
    #[error("sealed data was altered, or was sealed under another key or for another purpose")]
    Sealed,
    /// The PIN is not the one under which the secret was wrapped: the person's fault.
    #[error("wrong PIN")]
    WrongPin,
    /// The password is not the one under which the file was encrypted: the person's fault.
    #[error("wrong password")]
    Password,
    /// A chunk of the wrong size, or one after the last: a bug in the calling code.
    #[error("chunks must be full, except for the last one, and nothing follows the last one")]
    ChunkOrder,
    /// The key lives elsewhere and its home does not answer now; it may later.
    #[error("the key's home is out of reach")]
    Unreachable,
    /// The back end refused an operation that cannot fail on valid input: a bug, please report it.
    #[error("the cryptographic back end failed unexpectedly")]
    Backend,
}

/// Randomness from the operating system, through the back end's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    ///
    /// When the operating system has no randomness to give, since nothing can go on safely then.
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect("the operating system must provide randomness");
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::atomic::{AtomicU64, Ordering};

    use model::Entropy;

    /// Reproducible bytes that never repeat.
    pub(crate) struct Counter(AtomicU64);

    impl Counter {
        pub(crate) fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    impl Entropy for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            for piece in buffer.chunks_mut(32) {
                let n = self.0.fetch_add(1, Ordering::Relaxed);
                piece.copy_from_slice(&crate::sha256(&n.to_be_bytes())[..piece.len()]);
            }
        }
    }
}
