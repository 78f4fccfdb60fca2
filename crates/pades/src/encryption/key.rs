//! The file's key where the user password is empty (ISO 32000-2, 7.6.4).

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{
    encryption::{PASSWORD, UNKNOWN, cipher},
    error::PdfError,
    object::{Dictionary, Object},
};

/// What stands for the missing bytes of a password (algorithm 2, step a).
const PADDING: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08,
    0x2E, 0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];

/// What the key depends on.
pub(super) struct Handler<'a> {
    /// `/R`.
    pub revision: i64,
    /// Bytes, up to revision 4.
    pub key_length: usize,
    pub permissions: u32,
    pub encrypts_metadata: bool,
    pub file_id: &'a [u8],
    pub dictionary: &'a Dictionary,
}

impl Handler<'_> {
    pub fn key_without_password(&self) -> Result<Vec<u8>, PdfError> {
        let key = match self.revision {
            2..=4 if (5..=16).contains(&self.key_length) => self.key_by_md5(),
            5 | 6 => self.key_by_sha2(),
            _ => return Err(PdfError::Encrypted(UNKNOWN)),
        };
        key.ok_or(PdfError::Encrypted(PASSWORD))
    }

    /// Algorithm 2, checked by algorithms 4 and 5.
    fn key_by_md5(&self) -> Option<Vec<u8>> {
        let not_metadata: &[u8] = if self.revision >= 4 && !self.encrypts_metadata {
            &[0xFF; 4]
        } else {
            &[]
        };
        let mut digest = cipher::md5(&[
            &PADDING,
            self.string("O", 32)?,
            &self.permissions.to_le_bytes(),
            self.file_id,
            not_metadata,
        ]);
        if self.revision >= 3 {
            for _ in 0..50 {
                digest = cipher::md5(&[&digest[..self.key_length]]);
            }
        }
        let key = digest[..self.key_length].to_vec();
        let proof = if self.revision == 2 {
            cipher::rc4(&key, &PADDING)?
        } else {
            let mut proof = cipher::md5(&[&PADDING, self.file_id]).to_vec();
            for round in 0..20 {
                let round_key: Vec<_> = key.iter().map(|byte| byte ^ round).collect();
                proof = cipher::rc4(&round_key, &proof)?;
            }
            proof
        };
        self.string("U", proof.len())
            .is_some_and(|user| user == proof)
            .then_some(key)
    }

    /// Algorithm 2.A, with the empty password as the user's.
    fn key_by_sha2(&self) -> Option<Vec<u8>> {
        let hash = |salt: &[u8]| match self.revision {
            5 => Some(Sha256::digest(salt).to_vec()),
            _ => hardened_hash(salt),
        };
        let user = self.string("U", 48)?;
        let (proof, salts) = user.split_at(32);
        let (validation_salt, key_salt) = salts.split_at(8);
        if hash(validation_salt)? != proof {
            return None;
        }
        cipher::unwrap_key(&hash(key_salt)?, self.string("UE", 32)?)
    }

    /// The first `length` bytes of a string; some producers write more.
    fn string(&self, key: &str, length: usize) -> Option<&[u8]> {
        match self.dictionary.get(key) {
            Some(Object::String(bytes)) => bytes.get(..length),
            _ => None,
        }
    }
}

/// Algorithm 2.B for an empty password.
fn hardened_hash(salt: &[u8]) -> Option<Vec<u8>> {
    let mut hash = Sha256::digest(salt).to_vec();
    let mut round = 0_usize;
    loop {
        let data = cipher::scramble(hash.get(..16)?, hash.get(16..32)?, &hash.repeat(64))?;
        // 256 leaves a remainder of 1 when divided by 3, so the sum of digits does.
        let remainder = data
            .iter()
            .take(16)
            .map(|byte| u32::from(*byte))
            .sum::<u32>()
            % 3;
        hash = match remainder {
            0 => Sha256::digest(&data).to_vec(),
            1 => Sha384::digest(&data).to_vec(),
            _ => Sha512::digest(&data).to_vec(),
        };
        round += 1;
        if round >= 64 && usize::from(*data.last()?) + 32 <= round {
            hash.truncate(32);
            return Some(hash);
        }
    }
}
