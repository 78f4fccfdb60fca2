//! Signing keys and signature verification.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use spki::der::Decode;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use crate::CryptoError;

/// Kinds of signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 5758 §3.2): about 10 µs for a key, 16 µs for a signature.
    EcdsaP256,
}

impl KeyAlgorithm {
    /// The longest DER signature that a key of this kind makes, in bytes.
    pub fn max_signature_len(self) -> usize {
        match self {
            // SEQUENCE of two INTEGERs of at most 33 bytes each.
            KeyAlgorithm::EcdsaP256 => 72,
        }
    }
}

/// A private key that signs, wherever it lives.
pub trait SigningKey: Send + Sync {
    /// What kind of key this is.
    fn algorithm(&self) -> KeyAlgorithm;

    /// The public half as DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    fn public_key_info(&self) -> &[u8];

    /// Signs `message`: for [`KeyAlgorithm::EcdsaP256`] this is ecdsa-with-SHA256, in DER.
    ///
    /// Fails with [`CryptoError::Backend`] where the key's home does.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

/// A private key in this process's memory; the back end wipes it when it is dropped.
pub struct SoftwareKey {
    pair: EcdsaKeyPair,
    public_key_info: Vec<u8>,
}

impl SoftwareKey {
    /// Makes a fresh key. The back end draws the secret from its own generator: unlike every
    /// other random value it cannot be passed in.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, CryptoError> {
        match algorithm {
            KeyAlgorithm::EcdsaP256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
                .map_err(|_| CryptoError::Backend)
                .and_then(Self::with_pair),
        }
    }

    /// Reads an unencrypted PKCS #8 document (RFC 5208, RFC 5958).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
            .map_err(|_| CryptoError::PrivateKey)
            .and_then(Self::with_pair)
    }

    /// The key as an unencrypted PKCS #8 version 1 document. Seal it before it leaves memory.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let document = self.pair.to_pkcs8v1().map_err(|_| CryptoError::Backend)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    fn with_pair(pair: EcdsaKeyPair) -> Result<Self, CryptoError> {
        let public_key_info = pair
            .public_key()
            .as_der()
            .map_err(|_| CryptoError::Backend)?
            .as_ref()
            .to_vec();
        Ok(Self {
            pair,
            public_key_info,
        })
    }
}

impl SigningKey for SoftwareKey {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::EcdsaP256
    }

    fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| CryptoError::Backend)
    }
}

impl std::fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftwareKey")
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Verifies a signature made with SHA-256 under the public key `spki_der`
/// (`SubjectPublicKeyInfo`): ECDSA on P-256, or RSA PKCS #1 v1.5 of 2048 to 8192 bits.
///
/// Fails with [`CryptoError::PublicKey`] or [`CryptoError::Signature`].
pub fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| CryptoError::PublicKey)?;
    let algorithm: &dyn VerificationAlgorithm = match info.algorithm.oid {
        EC_PUBLIC_KEY if info.algorithm.parameters_oid() == Ok(PRIME256V1) => {
            &ECDSA_P256_SHA256_ASN1
        }
        RSA_ENCRYPTION => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(CryptoError::PublicKey),
    };
    let key = info
        .subject_public_key
        .as_bytes()
        .ok_or(CryptoError::PublicKey)?;
    // The parsed form tells a bad key from a bad signature.
    UnparsedPublicKey::new(algorithm, key)
        .parse()
        .map_err(|_| CryptoError::PublicKey)?
        .verify_sig(message, signature)
        .map_err(|_| CryptoError::Signature)
}

/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1 (RFC 5480 §2.1.1.1).
const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_again_after_a_trip_through_pkcs8() {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let copy = SoftwareKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.public_key_info(), copy.public_key_info());
        let signature = copy.sign(b"message").unwrap();
        assert!(signature.len() <= key.algorithm().max_signature_len());
        assert_eq!(
            verify(key.public_key_info(), b"message", &signature),
            Ok(())
        );
    }

    #[test]
    fn verification_says_what_is_wrong() {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let other = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let signature = key.sign(b"message").unwrap();
        let judge = |spki: &[u8], message: &[u8]| verify(spki, message, &signature);
        assert_eq!(
            judge(key.public_key_info(), b"massage"),
            Err(CryptoError::Signature)
        );
        assert_eq!(
            judge(other.public_key_info(), b"message"),
            Err(CryptoError::Signature)
        );
        assert_eq!(judge(b"garbage", b"message"), Err(CryptoError::PublicKey));
        let mut off_curve = key.public_key_info().to_vec();
        *off_curve.last_mut().unwrap() ^= 1;
        assert_eq!(judge(&off_curve, b"message"), Err(CryptoError::PublicKey));
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
