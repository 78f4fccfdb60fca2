//! Until when algorithms are good enough for signatures.
//!
//! By ETSI TS 119 312 V2.1.1 (2026-06), with the dates of its machine-readable form. What it
//! recommends has no end there: ECDSA on NIST's curves, Ed25519, RSASSA-PSS with 3,000 bits or more,
//! SHA-256, SHA-384 and SHA-512. What it calls legacy has one. What it does not list any more ended
//! with NIST SP 800-131A.
//!
//! An end is no break: national rules may set another one, and what existed before it stays what it
//! was. Hence the two kinds of [`Horizon`].

use crypto::foreign::{Hash, KeyKind, Scheme};
use time::OffsetDateTime;
use time::macros::datetime;

use super::algorithm;
use crate::PkiError;
use crate::decode::CertificateParts;

/// RSA keys of fewer than 3,000 bits: no certificate with one is valid after 2028 (clause 8.4).
const SHORT_RSA: (usize, OffsetDateTime) = (3_000, datetime!(2029-01-01 00:00 UTC));
/// RSASSA-PKCS1-v1_5, with keys of any length: legacy until the end of 2033.
const PKCS1: OffsetDateTime = datetime!(2034-01-01 00:00 UTC);
/// SHA-1, and RSA keys of fewer than 2,048 bits (NIST SP 800-131A).
const WEAK_RSA: (usize, OffsetDateTime) = (2_048, WEAK);
const WEAK: OffsetDateTime = datetime!(2014-01-01 00:00 UTC);
/// RSA keys of fewer bits than these were never strong within the life of PDF signatures.
const NEVER_STRONG_RSA: usize = 1_024;

/// When an algorithm ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// What ends, as in `an RSA key of 2048 bits`.
    pub what: String,
    /// From then on it proves nothing about what is not known to be older.
    pub end: OffsetDateTime,
    /// Whether signatures can be forged with it by now; it is merely advised against otherwise.
    pub is_weak: bool,
}

impl Horizon {
    /// The end of a hash; `None` where none is published.
    pub fn of_hash(hash: Hash) -> Option<Self> {
        match hash {
            Hash::Sha1 => Some(Self {
                what: hash.name().to_owned(),
                end: WEAK,
                is_weak: true,
            }),
            Hash::Sha2(_) => None,
        }
    }

    /// The end of a key, whichever of the schemes that go with it it is used in.
    pub fn of_key(key: KeyKind) -> Option<Self> {
        let KeyKind::Rsa(bits) = key else {
            return None;
        };
        let (end, is_weak) = match bits {
            0..NEVER_STRONG_RSA => (OffsetDateTime::UNIX_EPOCH, true),
            _ if bits < WEAK_RSA.0 => (WEAK_RSA.1, true),
            _ if bits < SHORT_RSA.0 => (SHORT_RSA.1, false),
            _ => return None,
        };
        Some(Self {
            what: format!("an RSA key of {bits} bits"),
            end,
            is_weak,
        })
    }

    /// The end of a scheme with any key.
    pub fn of_scheme(scheme: Scheme) -> Option<Self> {
        let padding = matches!(scheme, Scheme::RsaPkcs1(_)).then(|| Self {
            what: "RSA with the padding of PKCS #1 v1.5".to_owned(),
            end: PKCS1,
            is_weak: false,
        });
        earliest([scheme.hash().and_then(Self::of_hash), padding])
    }

    /// The end of signatures in that scheme by such a key.
    pub fn of_signature(scheme: Scheme, key: KeyKind) -> Option<Self> {
        earliest([Self::of_key(key), Self::of_scheme(scheme)])
    }

    /// The end of a certificate (DER) as a part of a path: of its issuer's signature, and of its own
    /// key, which may sign with any scheme that it is fit for.
    ///
    /// Fails with [`PkiError::Malformed`].
    pub fn of_certificate(der: &[u8]) -> Result<Option<Self>, PkiError> {
        let parts = CertificateParts::parse(der)?;
        let scheme = algorithm::scheme(parts.signature_algorithm, None).ok();
        let key = KeyKind::of(parts.public_key_info);
        let padding = match key {
            Some(KeyKind::Rsa(_)) => Some(Scheme::RsaPkcs1(algorithm::SHA256)),
            _ => None,
        };
        let schemes = [scheme, padding].into_iter().flatten();
        let ends = schemes.map(Self::of_scheme);
        Ok(earliest(ends.chain([key.and_then(Self::of_key)])))
    }
}

fn earliest(ends: impl IntoIterator<Item = Option<Horizon>>) -> Option<Horizon> {
    ends.into_iter().flatten().min_by_key(|one| one.end)
}

#[cfg(test)]
mod tests {
    use crypto::{KeyAlgorithm, SoftwareKey, SystemEntropy};
    use model::DigestAlgorithm;

    use super::*;
    use crate::establish::{AuthorityNames, AuthorityUrls, establish_with};

    const SHA512: Hash = Hash::Sha2(DigestAlgorithm::Sha512);

    fn end(horizon: Option<Horizon>) -> Option<i32> {
        horizon.map(|one| one.end.year())
    }

    #[test]
    fn the_weakest_part_of_a_signature_decides() {
        let pss = |hash| Scheme::RsaPss { hash, salt: 64 };
        for (scheme, key, year) in [
            (Scheme::Ecdsa(algorithm::SHA256), KeyKind::P256, None),
            (Scheme::Ecdsa(SHA512), KeyKind::P521, None),
            (Scheme::Ed25519, KeyKind::Ed25519, None),
            (Scheme::Ecdsa(Hash::Sha1), KeyKind::P256, Some(2014)),
            (pss(SHA512), KeyKind::Rsa(3_000), None),
            (pss(SHA512), KeyKind::Rsa(2_999), Some(2029)),
            (pss(Hash::Sha1), KeyKind::Rsa(4_096), Some(2014)),
            (Scheme::RsaPkcs1(SHA512), KeyKind::Rsa(4_096), Some(2034)),
            (Scheme::RsaPkcs1(SHA512), KeyKind::Rsa(2_048), Some(2029)),
            (Scheme::RsaPkcs1(SHA512), KeyKind::Rsa(2_047), Some(2014)),
            (Scheme::RsaPkcs1(SHA512), KeyKind::Rsa(1_023), Some(1970)),
        ] {
            let horizon = Horizon::of_signature(scheme, key);
            let is_weak = horizon.as_ref().is_some_and(|one| one.is_weak);
            assert_eq!(end(horizon), year, "{scheme} with {key:?}");
            assert_eq!(is_weak, year < Some(2029) && year.is_some(), "{scheme}");
        }
    }

    #[test]
    fn a_certificate_ends_with_its_own_key_or_with_its_issuer_s() {
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Ejemplo".into(),
            organisation_identifier: None,
            prefix: "Ejemplo".into(),
        };
        let made = |issuing, others| {
            let urls = AuthorityUrls::at("http://pki.example.com");
            let mut keys = |role| {
                let algorithm = match role {
                    crate::establish::Role::Issuing => issuing,
                    _ => others,
                };
                let key = SoftwareKey::generate(algorithm)?;
                Ok(std::sync::Arc::new(key) as std::sync::Arc<dyn crypto::SigningKey>)
            };
            let now = datetime!(2026-03-01 12:00 UTC);
            establish_with(&names, &urls, &mut keys, now, &SystemEntropy).unwrap()
        };
        let of = |der: &[u8]| end(Horizon::of_certificate(der).unwrap());
        let (p256, rsa) = (KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa3072);
        let usual = made(p256, p256);
        assert_eq!(of(&usual.root.certificate), None);
        assert_eq!(of(&usual.time_stamping.certificate), None);
        let mixed = made(rsa, p256);
        assert_eq!(of(&mixed.root.certificate), None);
        assert_eq!(of(&mixed.issuing.certificate), Some(2034), "by its own key");
        assert_eq!(
            of(&mixed.time_stamping.certificate),
            Some(2034),
            "by its issuer's"
        );
        let short = made(p256, KeyAlgorithm::Rsa2048);
        assert_eq!(of(&short.time_stamping.certificate), Some(2029));
        assert!(Horizon::of_certificate(b"nothing").is_err());
    }
}
