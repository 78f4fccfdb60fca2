//! Signatures of other makers: hashes, key sizes and schemes that nothing here would sign with,
//! but that older or other signers used. Whether to rely on them is the caller's decision.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P521_SHA1_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPssSaltLength,
    UnparsedPublicKey, VerificationAlgorithm,
};
use model::DigestAlgorithm;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::verify::{EC_PUBLIC_KEY, PRIME256V1, RSA_ENCRYPTION, SECP384R1, SECP521R1};
use crate::{CryptoError, Digest, Padding, verify_digest};

/// Hashes that signatures are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1: collisions can be made since 2017.
    Sha1,
    /// SHA-256, SHA-384 or SHA-512.
    Sha2(DigestAlgorithm),
}

impl Hash {
    /// The hash of the pieces, one after another.
    pub fn of(self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut context = digest::Context::new(self.back_end());
        for piece in pieces {
            context.update(piece);
        }
        context.finish().as_ref().to_vec()
    }

    /// Its name, as in `SHA-256`.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Sha1 => "SHA-1",
            Hash::Sha2(DigestAlgorithm::Sha256) => "SHA-256",
            Hash::Sha2(DigestAlgorithm::Sha384) => "SHA-384",
            Hash::Sha2(DigestAlgorithm::Sha512) => "SHA-512",
        }
    }

    fn back_end(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha2(DigestAlgorithm::Sha256) => &digest::SHA256,
            Hash::Sha2(DigestAlgorithm::Sha384) => &digest::SHA384,
            Hash::Sha2(DigestAlgorithm::Sha512) => &digest::SHA512,
        }
    }
}

/// How a signature comes from a hash and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// ECDSA on whichever curve the key is.
    Ecdsa(Hash),
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Hash),
    /// RSASSA-PSS with MGF1 over the same hash.
    RsaPss {
        /// The hash.
        hash: Hash,
        /// Bytes of salt: as many as the hash has, or as many as there is room for.
        salt: usize,
    },
    /// Ed25519 (RFC 8032), which hashes by itself.
    Ed25519,
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// The message itself.
    Message(&'a [u8]),
    /// Only its hash is known.
    Hash(&'a [u8]),
}

impl Scheme {
    /// The hash that the signature is over; `None` where the scheme takes the message.
    pub fn hash(self) -> Option<Hash> {
        match self {
            Scheme::Ecdsa(hash) | Scheme::RsaPkcs1(hash) | Scheme::RsaPss { hash, .. } => {
                Some(hash)
            }
            Scheme::Ed25519 => None,
        }
    }

    /// Verifies `signature` under the public key `spki_der` (`SubjectPublicKeyInfo`).
    ///
    /// Fails with [`CryptoError::PublicKey`] where key and scheme do not fit each other or are
    /// not supported together, [`CryptoError::Digest`] where the hash is none of the scheme's, or
    /// [`CryptoError::Signature`].
    pub fn verify(
        self,
        spki_der: &[u8],
        signed: Signed<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let info =
            SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| CryptoError::PublicKey)?;
        let is_rsa = info.algorithm.oid == RSA_ENCRYPTION;
        let wants_rsa = matches!(self, Scheme::RsaPkcs1(_) | Scheme::RsaPss { .. });
        if is_rsa != wants_rsa {
            return Err(CryptoError::PublicKey);
        }
        let Some(hash) = self.hash() else {
            return ed25519(&info, signed, signature);
        };
        let hashed = match signed {
            Signed::Message(message) => hash.of(&[message]),
            Signed::Hash(hashed) => hashed.to_vec(),
        };
        let Some(algorithm) = self.special(hash, KeyKind::of(spki_der))? else {
            let Hash::Sha2(sha2) = hash else {
                return Err(CryptoError::PublicKey);
            };
            let padding = match self {
                Scheme::RsaPss { .. } => Padding::Pss,
                _ => Padding::Pkcs1,
            };
            let digest = Digest::from_bytes(sha2, &hashed)?;
            return verify_digest(spki_der, &digest, padding, signature);
        };
        let digest = digest::Digest::import_less_safe(&hashed, hash.back_end())
            .map_err(|_| CryptoError::Digest)?;
        UnparsedPublicKey::new(algorithm, key_bytes(&info)?)
            .parse()
            .map_err(|_| CryptoError::PublicKey)?
            .verify_digest_sig(&digest, signature)
            .map_err(|_| CryptoError::Signature)
    }
}

impl Scheme {
    /// The back end's algorithm for what [`verify_digest`] does not do; `None` for what it does.
    fn special(
        self,
        hash: Hash,
        key: Option<KeyKind>,
    ) -> Result<Option<&'static dyn VerificationAlgorithm>, CryptoError> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        Ok(Some(match (self, hash, key) {
            (Scheme::RsaPkcs1(_), Hash::Sha1, _) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            (Scheme::RsaPkcs1(_), Hash::Sha2(sha2), Some(KeyKind::Rsa(0..2048))) => match sha2 {
                Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                Sha384 => return Err(CryptoError::PublicKey),
            },
            (Scheme::RsaPss { salt, .. }, Hash::Sha2(sha2), Some(KeyKind::Rsa(bits))) => {
                if salt == sha2.digest_len() {
                    return Ok(None);
                }
                // RFC 8017 §9.1.1: the encoded message has one bit less than the modulus.
                let room = bits.saturating_sub(1).div_ceil(8);
                if salt + sha2.digest_len() + 2 != room {
                    return Err(CryptoError::PublicKey);
                }
                match sha2 {
                    Sha256 => &PSS_SHA256_MAX_SALT,
                    Sha384 => &PSS_SHA384_MAX_SALT,
                    Sha512 => &PSS_SHA512_MAX_SALT,
                }
            }
            (Scheme::Ecdsa(_), Hash::Sha1, Some(KeyKind::P256)) => &ECDSA_P256_SHA1_ASN1,
            (Scheme::Ecdsa(_), Hash::Sha1, Some(KeyKind::P521)) => &ECDSA_P521_SHA1_ASN1,
            _ => return Ok(None),
        }))
    }
}

static PSS_SHA256_MAX_SALT: RsaParameters =
    RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_SHA384_MAX_SALT: RsaParameters =
    RSA_PSS_2048_8192_SHA384.with_pss_salt_length(RsaPssSaltLength::Max);
static PSS_SHA512_MAX_SALT: RsaParameters =
    RSA_PSS_2048_8192_SHA512.with_pss_salt_length(RsaPssSaltLength::Max);

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scheme::Ecdsa(hash) => write!(f, "ECDSA with {}", hash.name()),
            Scheme::RsaPkcs1(hash) => write!(f, "RSA with {}", hash.name()),
            Scheme::RsaPss { hash, .. } => write!(f, "RSA-PSS with {}", hash.name()),
            Scheme::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// Kinds and sizes of public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// On NIST's curve of 256 bits.
    P256,
    /// On NIST's curve of 384 bits.
    P384,
    /// On NIST's curve of 521 bits.
    P521,
    /// Edwards' curve 25519.
    Ed25519,
}

impl KeyKind {
    /// The kind of a `SubjectPublicKeyInfo`; `None` where it is none of these.
    pub fn of(spki_der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(spki_der).ok()?;
        match info.algorithm.oid {
            RSA_ENCRYPTION => modulus_bits(info.subject_public_key.as_bytes()?).map(KeyKind::Rsa),
            ED_25519 => Some(KeyKind::Ed25519),
            EC_PUBLIC_KEY => match info.algorithm.parameters_oid().ok()? {
                PRIME256V1 => Some(KeyKind::P256),
                SECP384R1 => Some(KeyKind::P384),
                SECP521R1 => Some(KeyKind::P521),
                _ => None,
            },
            _ => None,
        }
    }
}

/// RSAPublicKey (RFC 8017 appendix A.1.1): the modulus is the first INTEGER.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let content = |tag: u8, der| {
        let any = spki::der::asn1::AnyRef::from_der(der).ok()?;
        (der.first() == Some(&tag)).then(|| any.value())
    };
    let mut parts = SliceReader::new(content(0x30, key)?).ok()?;
    let modulus = content(0x02, parts.tlv_bytes().ok()?)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let digits = &modulus[zeros..];
    let first = digits.first()?;
    Some(digits.len() * 8 - first.leading_zeros() as usize)
}

fn ed25519(
    info: &SubjectPublicKeyInfoRef<'_>,
    signed: Signed<'_>,
    signature: &[u8],
) -> Result<(), CryptoError> {
    if info.algorithm.oid != ED_25519 {
        return Err(CryptoError::PublicKey);
    }
    let Signed::Message(message) = signed else {
        return Err(CryptoError::Digest);
    };
    UnparsedPublicKey::new(&ED25519, key_bytes(info)?)
        .verify(message, signature)
        .map_err(|_| CryptoError::Signature)
}

fn key_bytes<'a>(info: &SubjectPublicKeyInfoRef<'a>) -> Result<&'a [u8], CryptoError> {
    let bits = info.subject_public_key;
    bits.as_bytes().ok_or(CryptoError::PublicKey)
}

/// id-Ed25519 (RFC 8410 §3).
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, SigningKey, SoftwareKey};

    const SHA256: Hash = Hash::Sha2(DigestAlgorithm::Sha256);

    #[test]
    fn a_key_is_verified_under_its_own_scheme_only() {
        for (algorithm, kind, right) in [
            (
                KeyAlgorithm::EcdsaP256,
                KeyKind::P256,
                Scheme::Ecdsa(SHA256),
            ),
            (
                KeyAlgorithm::Rsa2048,
                KeyKind::Rsa(2048),
                Scheme::RsaPkcs1(SHA256),
            ),
        ] {
            let key = SoftwareKey::generate(algorithm).unwrap();
            let signature = key.sign(b"message").unwrap();
            let info = key.public_key_info();
            assert_eq!(KeyKind::of(info), Some(kind));
            let judge = |scheme: Scheme, signed| scheme.verify(info, signed, &signature);
            assert_eq!(judge(right, Signed::Message(b"message")), Ok(()));
            let hashed = SHA256.of(&[b"mes", b"sage"]);
            assert_eq!(judge(right, Signed::Hash(&hashed)), Ok(()));
            assert_eq!(
                judge(right, Signed::Message(b"massage")),
                Err(CryptoError::Signature)
            );
            for wrong in [
                Scheme::Ecdsa(SHA256),
                Scheme::Ecdsa(Hash::Sha1),
                Scheme::RsaPkcs1(SHA256),
                Scheme::RsaPkcs1(Hash::Sha1),
                Scheme::RsaPss {
                    hash: SHA256,
                    salt: 32,
                },
                Scheme::RsaPss {
                    hash: SHA256,
                    salt: 222,
                },
                Scheme::RsaPss {
                    hash: SHA256,
                    salt: 21,
                },
                Scheme::Ed25519,
            ] {
                let verdict = judge(wrong, Signed::Message(b"message"));
                assert_eq!(verdict.is_ok(), wrong == right, "{wrong}");
            }
        }
    }

    #[test]
    fn ed25519_signs_messages_and_not_hashes() {
        // RFC 8032 §7.1, test 2.
        let key = hex("302a300506032b6570032100\
                       3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        let judge = |signed| Scheme::Ed25519.verify(&key, signed, &signature);
        assert_eq!(KeyKind::of(&key), Some(KeyKind::Ed25519));
        assert_eq!(judge(Signed::Message(&[0x72])), Ok(()));
        assert_eq!(judge(Signed::Message(&[0x73])), Err(CryptoError::Signature));
        assert_eq!(judge(Signed::Hash(&[0x72; 64])), Err(CryptoError::Digest));
    }

    fn hex(digits: &str) -> Vec<u8> {
        let digits: Vec<_> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
        let byte = |pair: &[u32]| (pair[0] * 16 + pair[1]) as u8;
        digits.chunks(2).map(byte).collect()
    }
}
