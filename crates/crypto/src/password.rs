//! Password hashes, as PHC strings of Argon2id (RFC 9106) with 19 MiB, two passes, one lane.
//!
//! Both functions take tens of milliseconds of computing and 19 MiB of memory on purpose: call
//! them on a blocking pool, and bound how many run at once.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use model::Entropy;

/// Hashes `password` under a fresh salt, as `$argon2id$v=19$…`.
pub fn hash(password: &str, entropy: &dyn Entropy) -> String {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("default parameters and a 16-byte salt are valid");
    hash.to_string()
}

/// Whether `password` is the one behind `hash`. A string that is no hash matches nothing.
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[test]
    fn only_the_password_verifies() {
        let entropy = Counter::new();
        let hash = hash("correct horse", &entropy);
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(verify("correct horse", &hash));
        assert!(!verify("correct house", &hash));
        assert!(!verify("", &hash));
        assert!(!verify("correct horse", "no hash"));
        assert_ne!(hash, super::hash("correct horse", &entropy), "salted");
    }

    #[test]
    fn a_published_hash_verifies() {
        // From the command-line tool of the reference implementation, as its README shows it.
        let hash = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ\
                    $RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
        assert!(verify("password", hash));
    }
}
