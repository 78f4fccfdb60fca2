//! Algorithm identifiers of other makers, as schemes that can be verified.

use const_oid::ObjectIdentifier;
use crypto::foreign::{Hash, Scheme};
use model::DigestAlgorithm;

use super::VerifyError;
use crate::decode::{self, Elements, SEQUENCE, context};
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
        oid::RSASSA_PSS => Scheme::RsaPss(pss_hash(parameters)?),
        oid::ED25519 => Scheme::Ed25519,
        other => match (other, beside) {
            (oid::RSA_ENCRYPTION, Some(hash)) => Scheme::RsaPkcs1(hash),
            (oid::EC_PUBLIC_KEY, Some(hash)) => Scheme::Ecdsa(hash),
            _ => return Err(unsupported(other)),
        },
    })
}

/// RSASSA-PSS-params (RFC 4055 §3.1): one hash for everything and a salt of its length, the only
/// form that can be verified here.
fn pss_hash(parameters: Option<&[u8]>) -> Result<Hash, VerifyError> {
    let other = || VerifyError::Unsupported("RSA-PSS with unusual parameters".into());
    let mut parts = Elements::of(SEQUENCE, parameters.ok_or_else(other)?, WHAT)?;
    let explicit = |parts: &mut Elements<'_>, number| -> Result<Option<Vec<u8>>, PkiError> {
        let element = parts.optional(context(number))?;
        Ok(element
            .and_then(|element| decode::content(context(number), element))
            .map(<[u8]>::to_vec))
    };
    let hash_element = explicit(&mut parts, 0)?;
    let mask = explicit(&mut parts, 1)?;
    let salt = explicit(&mut parts, 2)?;
    // SHA-1 and a salt of 20 bytes are the defaults, which the back end does not verify.
    let (Some(hash_element), Some(mask), Some(salt)) = (hash_element, mask, salt) else {
        return Err(other());
    };
    let named = hash(&hash_element)?;
    let (generator, mask_hash) = decode::algorithm(&mask, WHAT)?;
    let same = mask_hash.map(hash).transpose()? == Some(named);
    let len = decode::content(decode::INTEGER, &salt) == Some(&[named.of(&[]).len() as u8]);
    if generator == oid::MGF1 && same && len {
        Ok(named)
    } else {
        Err(other())
    }
}

fn unsupported(algorithm: ObjectIdentifier) -> VerifyError {
    VerifyError::Unsupported(format!("the algorithm {algorithm}"))
}
