//! Secrets wrapped under a PIN that only their owner knows.
//!
//! A wrapped secret is `version (1) ‖ memory in KiB (4) ‖ passes (4) ‖ lanes (4) ‖ salt (16)`,
//! numbers big-endian, followed by the secret sealed under the key that Argon2id (RFC 9106)
//! derives from the PIN with these parameters; the head is authenticated too.
//!
//! A PIN has little entropy: wrapping slows an attacker who holds the bytes down and stops nobody
//! for long. Callers seal the wrapped secret under the master key as well, and count attempts.
//!
//! Both functions take tens of milliseconds of computing and 19 MiB of memory on purpose: call
//! them on a blocking pool, and bound how many run at once.

use argon2::{Algorithm, Argon2, Params, Version};
use model::Entropy;
use zeroize::Zeroizing;

use crate::{CryptoError, seal};

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
const HEAD_LEN: usize = 1 + 3 * 4 + SALT_LEN;
/// Bounds on stored parameters, so that altered bytes cannot demand gigabytes or hours.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;

/// Wraps `secret` under `pin`.
pub fn wrap(pin: &str, secret: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    let params = Params::DEFAULT;
    let mut head = [0; HEAD_LEN];
    head[0] = VERSION;
    head[1..5].copy_from_slice(&params.m_cost().to_be_bytes());
    head[5..9].copy_from_slice(&params.t_cost().to_be_bytes());
    head[9..13].copy_from_slice(&params.p_cost().to_be_bytes());
    entropy.fill(&mut head[13..]);
    let key = derive(pin, &head[13..], params).expect("default parameters are valid");
    let mut wrapped = head.to_vec();
    wrapped.extend_from_slice(&seal::seal(&key, &head, secret, entropy));
    wrapped
}

/// Unwraps what [`wrap`] made.
///
/// Fails with [`CryptoError::Sealed`] where the bytes are none, and with
/// [`CryptoError::WrongPin`] where the PIN does not open them: a wrong PIN and altered bytes look
/// alike.
pub fn unwrap(pin: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (head, sealed) = wrapped
        .split_first_chunk::<HEAD_LEN>()
        .ok_or(CryptoError::Sealed)?;
    let [memory, passes, lanes] = [1, 5, 9]
        .map(|at| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
    if head[0] != VERSION
        || sealed.len() < seal::OVERHEAD
        || memory > MAX_MEMORY_KIB
        || passes > MAX_PASSES
        || lanes > MAX_LANES
    {
        return Err(CryptoError::Sealed);
    }
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| CryptoError::Sealed)?;
    let key = derive(pin, &head[13..], params)?;
    seal::open(&key, head, sealed).map_err(|_| CryptoError::WrongPin)
}

fn derive(pin: &str, salt: &[u8], params: Params) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(pin.as_bytes(), salt, &mut *key)
        .map_err(|_| CryptoError::Sealed)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[test]
    fn only_the_pin_unwraps() {
        let wrapped = wrap("belisarius", b"key", &Counter::new());
        assert_eq!(unwrap("belisarius", &wrapped).unwrap().as_slice(), b"key");
        assert_eq!(unwrap("Belisarius", &wrapped), Err(CryptoError::WrongPin));
        assert_eq!(unwrap("", &wrapped), Err(CryptoError::WrongPin));
    }

    #[test]
    fn altered_bytes_do_not_unwrap() {
        let wrapped = wrap("1234", b"key", &Counter::new());
        // One byte of each part: version, parameters, salt, nonce, ciphertext, tag.
        for at in [
            0,
            4,
            8,
            12,
            20,
            HEAD_LEN,
            HEAD_LEN + 5,
            HEAD_LEN + 14,
            wrapped.len() - 1,
        ] {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(unwrap("1234", &changed).is_err(), "byte {at}");
        }
        assert_eq!(
            unwrap("1234", &wrapped[..HEAD_LEN + 3]),
            Err(CryptoError::Sealed)
        );
        assert_eq!(unwrap("1234", b""), Err(CryptoError::Sealed));
    }

    #[test]
    fn altered_parameters_cannot_demand_the_machine() {
        let mut wrapped = wrap("1234", b"key", &Counter::new());
        wrapped[1] = 0xff;
        assert_eq!(unwrap("1234", &wrapped), Err(CryptoError::Sealed));
    }
}
