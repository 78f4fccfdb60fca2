//! Signing keys.

use aws_lc_rs::digest::{Digest as BackEndDigest, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RsaSignatureEncoding,
};
use model::DigestAlgorithm;
use zeroize::Zeroizing;

use crate::{CryptoError, Digest};

/// Kinds of signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 (RFC 5758 §3.2): about 10 µs for a key, 16 µs for a signature.
    #[default]
    EcdsaP256,
    /// RSA of 2048 bits, PKCS #1 v1.5 (RFC 4055 §5): about 50 ms for a key, 0.5 ms for a signature.
    Rsa2048,
    /// RSA of 3072 bits, PKCS #1 v1.5: about 200 ms for a key, 1.5 ms for a signature.
    Rsa3072,
}

impl KeyAlgorithm {
    /// All, cheapest first.
    pub const ALL: [KeyAlgorithm; 3] = [
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::Rsa2048,
        KeyAlgorithm::Rsa3072,
    ];

    /// The longest signature that a key of this kind makes, in bytes.
    pub fn max_signature_len(self) -> usize {
        match self {
            // SEQUENCE of two INTEGERs of at most 33 bytes each.
            KeyAlgorithm::EcdsaP256 => 72,
            KeyAlgorithm::Rsa2048 => 256,
            KeyAlgorithm::Rsa3072 => 384,
        }
    }
}

/// A private key that signs, wherever it lives.
pub trait SigningKey: Send + Sync {
    /// What kind of key this is.
    fn algorithm(&self) -> KeyAlgorithm;

    /// The public half as DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    fn public_key_info(&self) -> &[u8];

    /// Whether signing may keep its thread waiting, since the key lives elsewhere.
    fn may_block(&self) -> bool;

    /// Signs a digest: ECDSA in DER, or RSA PKCS #1 v1.5.
    ///
    /// Fails with [`CryptoError::Backend`] or [`CryptoError::Unreachable`] where the key's home
    /// does.
    fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, CryptoError>;

    /// Signs the SHA-256 of `message`, as [`SigningKey::sign_digest`] does.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign_digest(&Digest::of(DigestAlgorithm::Sha256, message))
    }
}

/// A private key in this process's memory; the back end wipes it when it is dropped.
pub struct SoftwareKey {
    pair: Pair,
    algorithm: KeyAlgorithm,
    public_key_info: Vec<u8>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl SoftwareKey {
    /// Makes a fresh key. The back end draws the secret from its own generator: unlike every
    /// other random value it cannot be passed in.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, CryptoError> {
        let rsa = |size| rsa::KeyPair::generate(size).map(Pair::Rsa);
        match algorithm {
            KeyAlgorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ecdsa)
            }
            KeyAlgorithm::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => rsa(KeySize::Rsa3072),
        }
        .map_err(|_| CryptoError::Backend)
        .and_then(Self::with_pair)
    }

    /// Reads an unencrypted PKCS #8 document (RFC 5208, RFC 5958).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
            .map(Pair::Ecdsa)
            .or_else(|_| rsa::KeyPair::from_pkcs8(der).map(Pair::Rsa))
            .map_err(|_| CryptoError::PrivateKey)
            .and_then(Self::with_pair)
    }

    /// The key as an unencrypted PKCS #8 version 1 document. Seal it before it leaves memory.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let document = match &self.pair {
            Pair::Ecdsa(pair) => {
                let document = pair.to_pkcs8v1().map_err(|_| CryptoError::Backend)?;
                document.as_ref().to_vec()
            }
            Pair::Rsa(pair) => {
                let document = pair.as_der().map_err(|_| CryptoError::Backend)?;
                document.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(document))
    }

    fn with_pair(pair: Pair) -> Result<Self, CryptoError> {
        let (algorithm, public) = match &pair {
            Pair::Ecdsa(pair) => (KeyAlgorithm::EcdsaP256, pair.public_key().as_der()),
            Pair::Rsa(pair) => {
                let algorithm = match pair.public_modulus_len() {
                    256 => KeyAlgorithm::Rsa2048,
                    384 => KeyAlgorithm::Rsa3072,
                    _ => return Err(CryptoError::PrivateKey),
                };
                (algorithm, pair.public_key().as_der())
            }
        };
        let public_key_info = public.map_err(|_| CryptoError::Backend)?.as_ref().to_vec();
        Ok(Self {
            pair,
            algorithm,
            public_key_info,
        })
    }
}

impl SigningKey for SoftwareKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    fn may_block(&self) -> bool {
        false
    }

    fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, CryptoError> {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                // ECDSA on P-256 takes the leftmost 256 bits of any digest (FIPS 186-5 §6.4.1).
                let leftmost = &digest.as_bytes()[..32];
                BackEndDigest::import_less_safe(leftmost, &SHA256)
                    .and_then(|digest| pair.sign_digest(&digest))
                    .map(|signature| signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding(digest.algorithm()), digest.inner(), &mut signature)
                    .map(|()| signature)
            }
        }
        .map_err(|_| CryptoError::Backend)
    }
}

fn encoding(digest: DigestAlgorithm) -> &'static RsaSignatureEncoding {
    match digest {
        DigestAlgorithm::Sha256 => &RSA_PKCS1_SHA256,
        DigestAlgorithm::Sha384 => &RSA_PKCS1_SHA384,
        DigestAlgorithm::Sha512 => &RSA_PKCS1_SHA512,
    }
}

impl std::fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftwareKey")
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Padding, verify, verify_digest};

    #[test]
    fn keys_of_every_kind_sign_again_after_a_trip_through_pkcs8() {
        for algorithm in KeyAlgorithm::ALL {
            let key = SoftwareKey::generate(algorithm).unwrap();
            let copy = SoftwareKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(key.public_key_info(), copy.public_key_info());
            assert_eq!(copy.algorithm(), algorithm);
            let signature = copy.sign(b"message").unwrap();
            assert!(signature.len() <= algorithm.max_signature_len());
            assert_eq!(
                verify(key.public_key_info(), b"message", &signature),
                Ok(())
            );
        }
    }

    #[test]
    fn keys_sign_digests_of_every_kind() {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048] {
            let key = SoftwareKey::generate(algorithm).unwrap();
            for digest in [Sha256, Sha384, Sha512] {
                let other = Digest::of(digest, b"massage");
                let digest = Digest::of(digest, b"message");
                let signature = key.sign_digest(&digest).unwrap();
                let judge = |digest: &Digest| {
                    verify_digest(key.public_key_info(), digest, Padding::Pkcs1, &signature)
                };
                assert_eq!(judge(&digest), Ok(()));
                assert_eq!(judge(&other), Err(CryptoError::Signature));
            }
        }
    }

    #[test]
    fn debug_prints_no_secret() {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        assert_eq!(
            format!("{key:?}"),
            "SoftwareKey { algorithm: EcdsaP256, .. }"
        );
    }

    #[test]
    fn rubbish_is_no_private_key() {
        assert_eq!(
            SoftwareKey::from_pkcs8(b"").unwrap_err(),
            CryptoError::PrivateKey
        );
    }
}
