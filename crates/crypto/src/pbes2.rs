//! Password-based encryption for files that leave us (RFC 8018 §6.2): PBKDF2 with HMAC-SHA-256,
//! AES-256 in CBC mode.
//!
//! It does not authenticate: formats that use it, as PKCS #12, bring a MAC of their own.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use crate::CryptoError;

/// What must be drawn anew for each encryption, and how much work a guess shall cost.
#[derive(Debug, Clone, Copy)]
pub struct Parameters {
    /// Salt of the key derivation.
    pub salt: [u8; 16],
    /// Rounds of the key derivation.
    pub iterations: NonZeroU32,
    /// Initialisation vector of the cipher.
    pub iv: [u8; 16],
}

/// Encrypts `plain` under `password`; the result is padded to full blocks (RFC 8018 §B.2.5).
pub fn encrypt(
    plain: &[u8],
    password: &[u8],
    parameters: &Parameters,
) -> Result<Vec<u8>, CryptoError> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(derived(
        password,
        &parameters.salt,
        parameters.iterations,
    )?)
    .map_err(|_| CryptoError::Backend)?;
    let iv = EncryptionContext::Iv128(FixedLength::from(parameters.iv));
    // Room for the padding, so that growing leaves no copy of the plain text behind.
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
    text.extend_from_slice(plain);
    key.less_safe_encrypt(&mut *text, iv)
        .map_err(|_| CryptoError::Backend)?;
    Ok(std::mem::take(&mut *text))
}

/// Decrypts what [`encrypt`] made, or another with a salt of another length. A wrong password mostly shows by the padding; where it does
/// not, what comes out is noise.
///
/// Fails with [`CryptoError::Password`].
pub fn decrypt(
    encrypted: &[u8],
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    iv: [u8; 16],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(derived(password, salt, iterations)?)
        .map_err(|_| CryptoError::Backend)?;
    let iv = DecryptionContext::Iv128(FixedLength::from(iv));
    let mut text = Zeroizing::new(encrypted.to_vec());
    let plain = key
        .decrypt(&mut text, iv)
        .map_err(|_| CryptoError::Password)?;
    Ok(Zeroizing::new(plain.to_vec()))
}

fn derived(
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
) -> Result<UnboundCipherKey, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password,
        key.as_mut_slice(),
    );
    UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(|_| CryptoError::Backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cipher_text_is_what_openssl_makes() {
        // openssl enc -aes-256-cbc -pbkdf2 -md sha256 -iter 1000 -S … derives key and vector in
        // one go, so the key was derived by `openssl kdf PBKDF2` and given to `openssl enc -K`.
        let parameters = Parameters {
            salt: *b"sixteen bytes...",
            iterations: NonZeroU32::new(1000).unwrap(),
            iv: *b"another sixteen.",
        };
        let text = encrypt(
            b"a secret of seventeen",
            "contraseña".as_bytes(),
            &parameters,
        )
        .unwrap();
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "e9fb9318ee1e80625515561e80c4347eba7f1d87cca59286e8695345d9884556"
        );
        let open = |password: &str| {
            let Parameters {
                salt,
                iterations,
                iv,
            } = parameters;
            decrypt(&text, password.as_bytes(), &salt, iterations, iv)
        };
        let back = open("contraseña").unwrap();
        assert_eq!(*back, b"a secret of seventeen");
        let wrong = open("contrasena");
        assert_ne!(
            wrong.as_ref().map(|plain| plain.as_slice()),
            Ok(back.as_slice())
        );
    }
}
