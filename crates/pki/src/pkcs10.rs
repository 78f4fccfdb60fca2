//! Certification requests (RFC 2986), by which the owner of a smart card shows us its key.
//!
//! Only the key counts: whom the certificate names is decided by the registration authority, so
//! that the subject and the attributes in a request are not looked at.

use crypto::CryptoError;
use der::{Decode, pem};
use spki::SubjectPublicKeyInfoOwned;

use crate::decode::{self, BIT_STRING, Elements, SEQUENCE};
use crate::name::value;
use crate::{PkiError, lint, oid};

/// No request is longer than this, in bytes; doors need not read further.
pub const MAX_LEN: usize = 16_384;

/// A request whose signature proves that its sender has the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    public_key_info: Vec<u8>,
}

impl Request {
    /// Reads DER or PEM (RFC 7468 §7) and checks the signature: ECDSA on P-256, or RSA PKCS #1 of
    /// 2048 to 8192 bits, both with SHA-256.
    ///
    /// Fails with [`PkiError::Malformed`], with [`PkiError::Value`] where it is too long or signed
    /// by another algorithm, or with [`PkiError::Crypto`] where the key is of another kind or did
    /// not sign.
    pub fn parse(der_or_pem: &[u8]) -> Result<Self, PkiError> {
        const WHAT: &str = "certificate request";
        const FIELD: &str = "the certificate request";
        if der_or_pem.len() > MAX_LEN {
            let reason = format!("has more than {MAX_LEN} bytes");
            return Err(value(FIELD, reason));
        }
        let decoded;
        let der = match der_or_pem.first() {
            Some(&SEQUENCE) => der_or_pem,
            _ => {
                decoded = from_pem(der_or_pem).ok_or(PkiError::Malformed(WHAT))?;
                &decoded
            }
        };
        let mut request = Elements::of(SEQUENCE, der, WHAT)?;
        let info = request.next(SEQUENCE)?;
        let (algorithm, _) = decode::algorithm(request.next(SEQUENCE)?, WHAT)?;
        let signature = decode::whole_bytes(request.content(BIT_STRING)?, WHAT)?;
        request.finish()?;

        let mut parts = Elements::of(SEQUENCE, info, WHAT)?;
        if parts.integer()? != [0] {
            return Err(PkiError::Malformed(WHAT));
        }
        parts.next(SEQUENCE)?;
        let public_key_info = parts.next(SEQUENCE)?;
        parts.optional(decode::context(0))?;
        parts.finish()?;

        if ![oid::ECDSA_WITH_SHA256, oid::SHA256_WITH_RSA].contains(&algorithm) {
            let reason = "must be signed by ecdsa-with-SHA256 or sha256WithRSAEncryption";
            return Err(value(FIELD, reason));
        }
        let key = SubjectPublicKeyInfoOwned::from_der(public_key_info)
            .map_err(|_| PkiError::Malformed(WHAT))?;
        lint::key(&key).map_err(|_| CryptoError::PublicKey)?;
        crypto::verify(public_key_info, info, signature)?;
        Ok(Self {
            public_key_info: public_key_info.to_vec(),
        })
    }

    /// The key, as DER SubjectPublicKeyInfo.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }
}

/// The label is `NEW CERTIFICATE REQUEST` where old software wrote it.
fn from_pem(text: &[u8]) -> Option<Vec<u8>> {
    let (label, der) = pem::decode_vec(text.trim_ascii()).ok()?;
    ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
        .contains(&label)
        .then_some(der)
}
