//! Algorithm identifiers of other makers, as schemes that can be verified.

use const_oid::ObjectIdentifier;
use crypto::foreign::{Hash, Scheme};
use model::DigestAlgorithm;

use super::VerifyError;
use crate::decode::{self, Elements, INTEGER, SEQUENCE, context};
use crate::{PkiError, oid};

const WHAT: &str = "algorithm identifier";

pub(super) const SHA256: Hash = Hash::Sha2(DigestAlgorithm::Sha256);
const SHA384: Hash = Hash::Sha2(DigestAlgorithm::Sha384);
const SHA512: Hash = Hash::Sha2(DigestAlgorithm::Sha512);

/// The hash that an AlgorithmIdentifier names.
pub(super) fn hash(element: &[u8]) -> Result<Hash, VerifyError> {
    let (id, _) = decode::algorithm(element, WHAT)?;
    Ok(match id {
        oid::SHA1 => Hash::Sha1,
        oid::SHA256 => SHA256,
        oid::SHA384 => SHA384,
        oid::SHA512 => SHA512,
        other => return Err(unsupported(other)),
    })
}

/// The scheme that an AlgorithmIdentifier names. Signers of containers may name the key alone,
/// with the hash beside it: that is `beside`.
pub(super) fn scheme(element: &[u8], beside: Option<Hash>) -> Result<Scheme, VerifyError> {
    let (id, parameters) = decode::algorithm(element, WHAT)?;
    Ok(match id {
        oid::ECDSA_WITH_SHA1 => Scheme::Ecdsa(Hash::Sha1),
        oid::ECDSA_WITH_SHA256 => Scheme::Ecdsa(SHA256),
        oid::ECDSA_WITH_SHA384 => Scheme::Ecdsa(SHA384),
        oid::ECDSA_WITH_SHA512 => Scheme::Ecdsa(SHA512),
        oid::SHA1_WITH_RSA => Scheme::RsaPkcs1(Hash::Sha1),
        oid::SHA256_WITH_RSA => Scheme::RsaPkcs1(SHA256),
        oid::SHA384_WITH_RSA => Scheme::RsaPkcs1(SHA384),
        oid::SHA512_WITH_RSA => Scheme::RsaPkcs1(SHA512),
        oid::RSASSA_PSS => pss(parameters)?,
        oid::ED25519 => Scheme::Ed25519,
        other => match (other, beside) {
            (oid::RSA_ENCRYPTION, Some(hash)) => Scheme::RsaPkcs1(hash),
            (oid::EC_PUBLIC_KEY, Some(hash)) => Scheme::Ecdsa(hash),
            _ => return Err(unsupported(other)),
        },
    })
}

/// RSASSA-PSS-params (RFC 4055 §3.1), with the same hash everywhere.
fn pss(parameters: Option<&[u8]>) -> Result<Scheme, VerifyError> {
    let other = || VerifyError::Unsupported("RSA-PSS with unusual parameters".into());
    let mut parts = Elements::of(SEQUENCE, parameters.ok_or_else(other)?, WHAT)?;
    let mut explicit = |number| -> Result<_, PkiError> {
        let element = parts.optional(context(number))?;
        Ok(element.and_then(|element| decode::content(context(number), element)))
    };
    let (hash_element, mask, salt) = (explicit(0)?, explicit(1)?, explicit(2)?);
    // What is left out is SHA-1, which the back end does not know in this scheme.
    let (Some(hash_element), Some(mask)) = (hash_element, mask) else {
        return Err(other());
    };
    let hash = hash(hash_element)?;
    let (generator, mask_hash) = decode::algorithm(mask, WHAT)?;
    let mask_hash = mask_hash.ok_or_else(other)?;
    if generator != oid::MGF1 || self::hash(mask_hash)? != hash {
        return Err(other());
    }
    let salt = match salt {
        None => DEFAULT_SALT,
        Some(salt) => match decode::content(INTEGER, salt) {
            Some([len]) | Some([0, len]) => usize::from(*len),
            Some([high, low]) => usize::from(*high) << 8 | usize::from(*low),
            _ => return Err(other()),
        },
    };
    Ok(Scheme::RsaPss { hash, salt })
}

/// RFC 4055 §3.1.
const DEFAULT_SALT: usize = 20;

fn unsupported(algorithm: ObjectIdentifier) -> VerifyError {
    VerifyError::Unsupported(format!("the algorithm {algorithm}"))
}
