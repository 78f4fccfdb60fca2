//! Signature verification: our own signatures and those of others.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use model::DigestAlgorithm;
use spki::der::Decode;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::{CryptoError, Digest};

/// How an RSA signature wraps its digest. ECDSA knows no such choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    #[default]
    Pkcs1,
    /// RSASSA-PSS with MGF1 over the same hash and a salt of its length (RFC 8017 §8.1, RFC 4055
    /// §3.1's recommendation).
    Pss,
}

/// Verifies a signature made with SHA-256: [`verify_digest`] of the message's digest, RSA with
/// PKCS #1 v1.5.
pub fn verify(spki_der: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    let digest = Digest::of(DigestAlgorithm::Sha256, message);
    verify_digest(spki_der, &digest, Padding::Pkcs1, signature)
}

/// Verifies a signature over `digest` under the public key `spki_der` (`SubjectPublicKeyInfo`):
/// ECDSA on P-256, P-384 or P-521, or RSA of 2048 to 8192 bits with `padding`.
///
/// Fails with [`CryptoError::PublicKey`] or [`CryptoError::Signature`].
pub fn verify_digest(
    spki_der: &[u8],
    digest: &Digest,
    padding: Padding,
    signature: &[u8],
) -> Result<(), CryptoError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| CryptoError::PublicKey)?;
    let algorithm = algorithm(&info, digest.algorithm(), padding)?;
    let key = info
        .subject_public_key
        .as_bytes()
        .ok_or(CryptoError::PublicKey)?;
    // The parsed form tells a bad key from a bad signature.
    UnparsedPublicKey::new(algorithm, key)
        .parse()
        .map_err(|_| CryptoError::PublicKey)?
        .verify_digest_sig(digest.inner(), signature)
        .map_err(|_| CryptoError::Signature)
}

fn algorithm(
    info: &SubjectPublicKeyInfoRef<'_>,
    digest: DigestAlgorithm,
    padding: Padding,
) -> Result<&'static dyn VerificationAlgorithm, CryptoError> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    if info.algorithm.oid == RSA_ENCRYPTION {
        return Ok(match (padding, digest) {
            (Padding::Pkcs1, Sha256) => &RSA_PKCS1_2048_8192_SHA256,
            (Padding::Pkcs1, Sha384) => &RSA_PKCS1_2048_8192_SHA384,
            (Padding::Pkcs1, Sha512) => &RSA_PKCS1_2048_8192_SHA512,
            (Padding::Pss, Sha256) => &RSA_PSS_2048_8192_SHA256,
            (Padding::Pss, Sha384) => &RSA_PSS_2048_8192_SHA384,
            (Padding::Pss, Sha512) => &RSA_PSS_2048_8192_SHA512,
        });
    }
    if info.algorithm.oid != EC_PUBLIC_KEY {
        return Err(CryptoError::PublicKey);
    }
    let curve = info
        .algorithm
        .parameters_oid()
        .map_err(|_| CryptoError::PublicKey)?;
    Ok(match (curve, digest) {
        (PRIME256V1, Sha256) => &ECDSA_P256_SHA256_ASN1,
        (PRIME256V1, Sha384) => &ECDSA_P256_SHA384_ASN1,
        (PRIME256V1, Sha512) => &ECDSA_P256_SHA512_ASN1,
        (SECP384R1, Sha256) => &ECDSA_P384_SHA256_ASN1,
        (SECP384R1, Sha384) => &ECDSA_P384_SHA384_ASN1,
        (SECP384R1, Sha512) => &ECDSA_P384_SHA512_ASN1,
        (SECP521R1, Sha256) => &ECDSA_P521_SHA256_ASN1,
        (SECP521R1, Sha384) => &ECDSA_P521_SHA384_ASN1,
        (SECP521R1, Sha512) => &ECDSA_P521_SHA512_ASN1,
        _ => return Err(CryptoError::PublicKey),
    })
}

/// id-ecPublicKey (RFC 5480 §2.1.1).
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1 (RFC 5480 §2.1.1.1).
pub(crate) const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// secp384r1 (RFC 5480 §2.1.1.1).
pub(crate) const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// secp521r1 (RFC 5480 §2.1.1.1).
pub(crate) const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
/// rsaEncryption (RFC 8017 appendix A.1).
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, SigningKey, SoftwareKey};

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
    fn one_padding_does_not_pass_for_the_other() {
        let key = SoftwareKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let digest = Digest::of(DigestAlgorithm::Sha512, b"message");
        let signature = key.sign_digest(&digest).unwrap();
        let judge = |padding| verify_digest(key.public_key_info(), &digest, padding, &signature);
        assert_eq!(judge(Padding::Pkcs1), Ok(()));
        assert_eq!(judge(Padding::Pss), Err(CryptoError::Signature));
    }
}
