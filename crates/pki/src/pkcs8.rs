//! A private key in a file of its own under a passphrase (RFC 5958 §3), as `openssl pkey` reads it.

use std::num::NonZeroU32;

use crypto::SoftwareKey;
use crypto::pbes2::{self, Parameters};
use der::pem::{self, LineEnding};
use model::Entropy;

use crate::decode::{Elements, OCTET_STRING, SEQUENCE};
use crate::{PkiError, decode, encode, oid};

/// What errors call it.
const WHAT: &str = "encrypted private key";
/// Rounds of the key derivation: a guess costs a tenth of a second.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("it is not zero");
/// More rounds than this are not worked off: somebody else wrote the file.
const MAX_ITERATIONS: u32 = 10_000_000;

/// What the PEM form is called (RFC 7468 §11).
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// The key as an EncryptedPrivateKeyInfo in PEM form.
///
/// Fails with [`PkiError::Crypto`].
pub fn encrypt(
    key: &SoftwareKey,
    passphrase: &str,
    entropy: &dyn Entropy,
) -> Result<String, PkiError> {
    let (algorithm, text) = encrypted(&key.to_pkcs8()?, passphrase, ITERATIONS, entropy)?;
    let info = encode::sequence(&[&algorithm, &encode::octet_string(&text)]);
    pem::encode_string(LABEL, LineEnding::LF, &info).map_err(|_| PkiError::Malformed(WHAT))
}

/// The key in an EncryptedPrivateKeyInfo of the kind that [`encrypt`] makes, and OpenSSL when it
/// is told to use HMAC with SHA-256 and AES-256.
///
/// Fails with [`PkiError::Malformed`] where it is of another kind, and with [`PkiError::Crypto`]
/// where the passphrase is wrong.
pub fn decrypt(text: &str, passphrase: &str) -> Result<SoftwareKey, PkiError> {
    let malformed = || PkiError::Malformed(WHAT);
    let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| malformed())?;
    if label != LABEL {
        return Err(malformed());
    }
    let mut info = Elements::of(SEQUENCE, &der, WHAT)?;
    let (scheme, parameters) = decode::algorithm(info.next(SEQUENCE)?, WHAT)?;
    let text = info.content(OCTET_STRING)?;
    info.finish()?;
    let parameters = parameters.filter(|_| scheme == oid::PBES2);
    let mut parts = Elements::of(SEQUENCE, parameters.ok_or_else(malformed)?, WHAT)?;
    let (derivation, derived) = decode::algorithm(parts.next(SEQUENCE)?, WHAT)?;
    let (cipher, iv) = decode::algorithm(parts.next(SEQUENCE)?, WHAT)?;
    parts.finish()?;
    if derivation != oid::PBKDF2 || cipher != oid::AES_256_CBC {
        return Err(malformed());
    }
    let mut derived = Elements::of(SEQUENCE, derived.ok_or_else(malformed)?, WHAT)?;
    let salt = derived.content(OCTET_STRING)?;
    let rounds = derived.integer()?.iter().try_fold(0_u32, |sum, byte| {
        sum.checked_mul(256)?.checked_add(u32::from(*byte))
    });
    let (hash, _) = decode::algorithm(derived.next(SEQUENCE)?, WHAT)?;
    derived.finish()?;
    if hash != oid::HMAC_WITH_SHA256 {
        return Err(malformed());
    }
    let iterations = rounds
        .filter(|rounds| *rounds <= MAX_ITERATIONS)
        .and_then(NonZeroU32::new)
        .ok_or_else(malformed)?;
    let iv = iv
        .and_then(|iv| decode::content(OCTET_STRING, iv))
        .and_then(|iv| iv.try_into().ok())
        .ok_or_else(malformed)?;
    let plain = pbes2::decrypt(text, passphrase.as_bytes(), salt, iterations, iv)?;
    Ok(SoftwareKey::from_pkcs8(&plain)?)
}

/// PBES2's AlgorithmIdentifier (RFC 8018 appendix A.4) and what it encrypted.
pub(crate) fn encrypted(
    plain: &[u8],
    password: &str,
    iterations: NonZeroU32,
    entropy: &dyn Entropy,
) -> Result<(Vec<u8>, Vec<u8>), PkiError> {
    let parameters = Parameters {
        salt: random(entropy),
        iterations,
        iv: random(entropy),
    };
    let derivation = encode::sequence(&[
        &encode::oid(&oid::PBKDF2),
        &encode::sequence(&[
            &encode::octet_string(&parameters.salt),
            &encode::unsigned(&iterations.get().to_be_bytes()),
            &encode::sequence(&[&encode::oid(&oid::HMAC_WITH_SHA256), &encode::NULL]),
        ]),
    ]);
    let cipher = encode::sequence(&[
        &encode::oid(&oid::AES_256_CBC),
        &encode::octet_string(&parameters.iv),
    ]);
    let algorithm = encode::sequence(&[
        &encode::oid(&oid::PBES2),
        &encode::sequence(&[&derivation, &cipher]),
    ]);
    let encrypted = pbes2::encrypt(plain, password.as_bytes(), &parameters)?;
    Ok((algorithm, encrypted))
}

pub(crate) fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
