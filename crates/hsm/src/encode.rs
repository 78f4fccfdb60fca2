//! Between PKCS #11's encodings and those of certificates and signatures.

use crypto::Digest;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use model::DigestAlgorithm;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1 (RFC 5480 §2.1.1.1).
const PRIME256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An uncompressed point on P-256 (SEC 1 §2.3.3).
const POINT_LEN: usize = 65;

/// CKA_EC_PARAMS of P-256: the curve's name.
pub(crate) fn p256_parameters() -> der::Result<Vec<u8>> {
    PRIME256V1.to_der()
}

/// SubjectPublicKeyInfo of a P-256 key from its CKA_EC_POINT: the point in an OCTET STRING
/// (PKCS #11 v2.40 curr §2.3.3), or bare as some tokens give it.
pub(crate) fn p256_public_key_info(point: &[u8]) -> der::Result<Vec<u8>> {
    let point = match point.len() {
        POINT_LEN => point,
        _ => <&OctetStringRef>::from_der(point)?.as_bytes(),
    };
    if point.len() != POINT_LEN {
        return Err(der::ErrorKind::Failed.into());
    }
    let curve = PRIME256V1;
    public_key_info(EC_PUBLIC_KEY, AnyRef::from(&curve), point)
}

/// SubjectPublicKeyInfo of an RSA key (RFC 8017 appendix A.1.1).
pub(crate) fn rsa_public_key_info(modulus: &[u8], exponent: &[u8]) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct RsaPublicKey<'a> {
        modulus: UintRef<'a>,
        exponent: UintRef<'a>,
    }
    let key = RsaPublicKey {
        modulus: UintRef::new(modulus)?,
        exponent: UintRef::new(exponent)?,
    };
    public_key_info(RSA_ENCRYPTION, AnyRef::NULL, &key.to_der()?)
}

fn public_key_info(
    oid: ObjectIdentifier,
    parameters: AnyRef<'_>,
    key: &[u8],
) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid,
            parameters: Some(parameters),
        },
        subject_public_key: BitStringRef::from_bytes(key)?,
    }
    .to_der()
}

/// ECDSA-Sig-Value (RFC 3279 §2.2.3) from the two numbers side by side that CKM_ECDSA gives.
pub(crate) fn ecdsa_signature(numbers: &[u8]) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct EcdsaSignature<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let (r, s) = numbers.split_at(numbers.len() / 2);
    EcdsaSignature {
        r: UintRef::new(r)?,
        s: UintRef::new(s)?,
    }
    .to_der()
}

/// DigestInfo (RFC 8017 §9.2), which CKM_RSA_PKCS pads and signs.
pub(crate) fn digest_info(digest: &Digest) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct DigestInfo<'a> {
        algorithm: AlgorithmIdentifierRef<'a>,
        digest: &'a OctetStringRef,
    }
    let oid = ObjectIdentifier::new_unwrap(match digest.algorithm() {
        DigestAlgorithm::Sha256 => "2.16.840.1.101.3.4.2.1",
        DigestAlgorithm::Sha384 => "2.16.840.1.101.3.4.2.2",
        DigestAlgorithm::Sha512 => "2.16.840.1.101.3.4.2.3",
    });
    DigestInfo {
        algorithm: AlgorithmIdentifierRef {
            oid,
            parameters: Some(AnyRef::NULL),
        },
        digest: OctetStringRef::new(digest.as_bytes())?,
    }
    .to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_and_without_their_wrapping() {
        let mut point = vec![7; POINT_LEN];
        point[0] = 4;
        let wrapped = [&[4, 65][..], &point].concat();
        let info = p256_public_key_info(&point).unwrap();
        assert_eq!(p256_public_key_info(&wrapped).unwrap(), info);
        assert!(info.ends_with(&point));
        assert!(p256_public_key_info(&point[1..]).is_err());
        assert!(p256_public_key_info(&[4, 2, 4, 4]).is_err());
    }

    #[test]
    fn numbers_lose_their_zeros_and_stay_positive() {
        let mut numbers = [0; 64];
        numbers[31] = 0x80;
        numbers[63] = 1;
        assert_eq!(
            ecdsa_signature(&numbers).unwrap(),
            [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]
        );
    }

    #[test]
    fn a_digest_info_begins_as_the_standard_prints_it() {
        // RFC 8017 §9.2, note 1.
        let digest = Digest::of(DigestAlgorithm::Sha256, b"");
        let info = digest_info(&digest).unwrap();
        let prefix = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ];
        assert_eq!(info, [&prefix[..], digest.as_bytes()].concat());
    }
}
