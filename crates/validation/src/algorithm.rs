//! Which algorithms hold, and until when they did.
//!
//! SHA-1 and RSA below 2048 bits: not for signatures after 2013 (NIST SP 800-131A). What is
//! unsupported altogether, such as MD5, never gets here.

use crypto::foreign::{Hash, KeyKind, Scheme};
use time::OffsetDateTime;
use time::macros::datetime;

/// The end of what is weak now.
const END_OF_WEAK: OffsetDateTime = datetime!(2014-01-01 00:00 UTC);
/// RSA keys below this were never strong within the life of PDF signatures.
const LEAST_RSA_BITS: usize = 1024;

/// What an object is signed with that can't be relied on if it is not proven to be older than
/// `at`.
pub(crate) fn weakness(scheme: Option<Scheme>, key: &[u8], at: OffsetDateTime) -> Option<String> {
    let Some(scheme) = scheme else {
        return Some("an algorithm that is not supported".into());
    };
    if scheme
        .hash()
        .and_then(|hash| hash_weakness(hash, at))
        .is_some()
    {
        return Some(format!("{scheme}, which is too weak since 2014"));
    }
    match KeyKind::of(key) {
        Some(KeyKind::Rsa(bits)) if bits < LEAST_RSA_BITS || bits < 2048 && at >= END_OF_WEAK => {
            Some(format!("an RSA key of {bits} bits, which is too short"))
        }
        Some(_) => None,
        None => Some("a key of an unsupported kind".into()),
    }
}

/// Why a hash can't be relied on for what is not proven to be older than `at`.
pub(crate) fn hash_weakness(hash: Hash, at: OffsetDateTime) -> Option<&'static str> {
    (hash == Hash::Sha1 && at >= END_OF_WEAK).then_some("SHA-1 is too weak since 2014")
}
