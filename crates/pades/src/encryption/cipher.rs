//! RC4 and AES on single strings and streams (ISO 32000-2, 7.6.3).

use aes::{Aes128, Aes256};
use cbc::cipher::{
    BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher,
    block_padding::{NoPadding, Pkcs7},
};
use crypto::Sha256;
use md5::{Digest, Md5};
use rc4::Rc4;

use crate::object::Ref;

/// Bytes of an AES block, and of the initialization vector before the data.
const BLOCK: usize = 16;

/// The method of a crypt filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Identity,
    Rc4,
    Aes128,
    Aes256,
}

impl Method {
    /// `None` where `data` was not encrypted by this method with this key.
    pub fn decrypt(self, file_key: &[u8], id: Ref, data: &[u8]) -> Option<Vec<u8>> {
        let key = self.object_key(file_key, id);
        match self {
            Self::Identity => Some(data.to_vec()),
            Self::Rc4 => rc4(&key, data),
            // 7.6.3.1 wants a padded block for no data, too; some producers write nothing.
            Self::Aes128 | Self::Aes256 if data.is_empty() => Some(Vec::new()),
            Self::Aes128 => {
                let (iv, data) = data.split_at_checked(BLOCK)?;
                let cipher = cbc::Decryptor::<Aes128>::new_from_slices(&key, iv).ok()?;
                cipher.decrypt_padded_vec::<Pkcs7>(data).ok()
            }
            Self::Aes256 => {
                let (iv, data) = data.split_at_checked(BLOCK)?;
                let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, iv).ok()?;
                cipher.decrypt_padded_vec::<Pkcs7>(data).ok()
            }
        }
    }

    /// The initialization vector comes from key, place and data, and so is new wherever they are,
    /// and unknown to whoever lacks the key. That makes the result a function of the file, which
    /// lets a signature be rehearsed.
    pub fn encrypt(self, file_key: &[u8], id: Ref, data: &[u8]) -> Vec<u8> {
        let key = self.object_key(file_key, id);
        let iv = || {
            let mut hash = Sha256::new();
            for part in [file_key, &number_bytes(id), data] {
                hash.update(part);
            }
            let digest = hash.finish();
            std::array::from_fn::<u8, BLOCK, _>(|index| digest[index])
        };
        let with_iv = |encrypt: &dyn Fn(&[u8; BLOCK]) -> Vec<u8>| {
            let iv = iv();
            [iv.to_vec(), encrypt(&iv)].concat()
        };
        match self {
            Self::Identity => data.to_vec(),
            Self::Rc4 => rc4(&key, data).unwrap_or_default(),
            Self::Aes128 => with_iv(&|iv| {
                cbc::Encryptor::<Aes128>::new_from_slices(&key, iv)
                    .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(data))
                    .unwrap_or_default()
            }),
            Self::Aes256 => with_iv(&|iv| {
                cbc::Encryptor::<Aes256>::new_from_slices(&key, iv)
                    .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(data))
                    .unwrap_or_default()
            }),
        }
    }

    /// Algorithms 1 and 1.A.
    fn object_key(self, file_key: &[u8], id: Ref) -> Vec<u8> {
        let salt: &[u8] = match self {
            Self::Identity | Self::Aes256 => return file_key.to_vec(),
            Self::Rc4 => b"",
            Self::Aes128 => b"sAlT",
        };
        let digest = md5(&[file_key, &number_bytes(id), salt]);
        digest[..(file_key.len() + 5).min(digest.len())].to_vec()
    }
}

/// Three bytes of the object's number and two of its generation, the lowest first.
fn number_bytes(id: Ref) -> [u8; 5] {
    let [a, b, c, _] = id.number.to_le_bytes();
    let [d, e] = id.generation.to_le_bytes();
    [a, b, c, d, e]
}

/// `None` if the key is empty.
pub(super) fn rc4(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut data = data.to_vec();
    Rc4::new_from_slice(key).ok()?.apply_keystream(&mut data);
    Some(data)
}

/// MD5 over parts that follow one another.
pub(super) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// AES-256 in CBC mode without padding or initialization vector, which wraps file keys.
pub(super) fn unwrap_key(key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, &[0; BLOCK]).ok()?;
    cipher.decrypt_padded_vec::<NoPadding>(wrapped).ok()
}

/// AES-128 in CBC mode without padding, of which algorithm 2.B makes its rounds.
pub(super) fn scramble(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(key, iv).ok()?;
    Some(cipher.encrypt_padded_vec::<NoPadding>(data))
}
