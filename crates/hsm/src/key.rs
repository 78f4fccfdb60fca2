//! A key in the token.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crypto::{CryptoError, Digest, KeyAlgorithm, SigningKey};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::encode;
use crate::token::{HsmError, Token, private};

/// A private key that signs inside the token.
pub struct TokenKey {
    token: Token,
    label: String,
    algorithm: KeyAlgorithm,
    public_key_info: Vec<u8>,
    /// Where the key is, in sessions of one generation.
    handle: Mutex<(u64, ObjectHandle)>,
}

impl TokenKey {
    pub(crate) fn find(token: Token, label: &str) -> Result<Self, HsmError> {
        let (handle, (algorithm, public_key_info)) =
            token.inner.pool.with(|session, generation| {
                let handle = locate(session, label)?;
                Ok(((generation, handle), describe(session, label)?))
            })?;
        Ok(Self {
            token,
            label: label.to_owned(),
            algorithm,
            public_key_info,
            handle: Mutex::new(handle),
        })
    }

    fn sign_in_token(&self, digest: &Digest) -> Result<Vec<u8>, HsmError> {
        let unusable = |_| HsmError::Unusable(self.label.clone());
        // ECDSA on P-256 takes the leftmost 256 bits of any digest (FIPS 186-5 §6.4.1).
        let (mechanism, data) = match self.algorithm {
            KeyAlgorithm::EcdsaP256 => (Mechanism::Ecdsa, digest.as_bytes()[..32].to_vec()),
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => (
                Mechanism::RsaPkcs,
                encode::digest_info(digest).map_err(unusable)?,
            ),
        };
        let signature = self.token.inner.pool.with(|session, generation| {
            let handle = self.handle_in(session, generation)?;
            match session.sign(&mechanism, handle, &data) {
                Err(Error::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid, _)) => {
                    let handle = self.remember(generation, locate(session, &self.label)?);
                    Ok(session.sign(&mechanism, handle, &data)?)
                }
                outcome => Ok(outcome?),
            }
        })?;
        match self.algorithm {
            KeyAlgorithm::EcdsaP256 => encode::ecdsa_signature(&signature).map_err(unusable),
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => Ok(signature),
        }
    }

    fn handle_in(&self, session: &Session, generation: u64) -> Result<ObjectHandle, HsmError> {
        let (of, handle) = *self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if of == generation {
            return Ok(handle);
        }
        Ok(self.remember(generation, locate(session, &self.label)?))
    }

    fn remember(&self, generation: u64, handle: ObjectHandle) -> ObjectHandle {
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = (generation, handle);
        handle
    }
}

impl SigningKey for TokenKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    fn may_block(&self) -> bool {
        true
    }

    fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, CryptoError> {
        self.sign_in_token(digest).map_err(|error| {
            tracing::warn!(%error, key = self.label, "the token did not sign");
            CryptoError::Unreachable
        })
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("algorithm", &self.algorithm)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// Makes a pair that lasts, the private half sensitive and not extractable.
pub(crate) fn generate(
    session: &Session,
    algorithm: KeyAlgorithm,
    label: &str,
) -> Result<(), HsmError> {
    let unusable = |_| HsmError::Unusable(label.to_owned());
    // Both halves under one identifier, as other software expects.
    let id = crypto::sha256(label.as_bytes())[..16].to_vec();
    let name = [Attribute::Label(label.into()), Attribute::Id(id)];
    let rsa = |bits: u64| {
        let exponent = Attribute::PublicExponent(vec![1, 0, 1]);
        (
            Mechanism::RsaPkcsKeyPairGen,
            vec![Attribute::ModulusBits(bits.into()), exponent],
        )
    };
    let (mechanism, kind) = match algorithm {
        KeyAlgorithm::EcdsaP256 => {
            let curve = encode::p256_parameters().map_err(unusable)?;
            (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(curve)])
        }
        KeyAlgorithm::Rsa2048 => rsa(2048),
        KeyAlgorithm::Rsa3072 => rsa(3072),
    };
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ];
    session.generate_key_pair(
        &mechanism,
        &[&public[..], &kind, &name].concat(),
        &[&private[..], &name].concat(),
    )?;
    Ok(())
}

/// The private key of a label, which must be the only one.
fn locate(session: &Session, label: &str) -> Result<ObjectHandle, HsmError> {
    match session.find_objects(&private(label))?[..] {
        [handle] => Ok(handle),
        [] => Err(HsmError::Missing(label.to_owned())),
        _ => Err(HsmError::Unusable(label.to_owned())),
    }
}

/// Kind and SubjectPublicKeyInfo, from the public half.
fn describe(session: &Session, label: &str) -> Result<(KeyAlgorithm, Vec<u8>), HsmError> {
    let unusable = || HsmError::Unusable(label.to_owned());
    let public = [
        Attribute::Token(true),
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::Label(label.into()),
    ];
    let [public] = session.find_objects(&public)?[..] else {
        return Err(unusable());
    };
    let kind = session.get_attributes(public, &[AttributeType::KeyType])?;
    match kind[..] {
        [Attribute::KeyType(KeyType::EC)] => {
            let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
            let values = session.get_attributes(public, &wanted)?;
            let [Attribute::EcParams(curve), Attribute::EcPoint(point)] = &values[..] else {
                return Err(unusable());
            };
            if encode::p256_parameters().ok().as_ref() != Some(curve) {
                return Err(unusable());
            }
            let info = encode::p256_public_key_info(point).map_err(|_| unusable())?;
            Ok((KeyAlgorithm::EcdsaP256, info))
        }
        [Attribute::KeyType(KeyType::RSA)] => {
            let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
            let values = session.get_attributes(public, &wanted)?;
            let [
                Attribute::Modulus(modulus),
                Attribute::PublicExponent(exponent),
            ] = &values[..]
            else {
                return Err(unusable());
            };
            let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
            let algorithm = match modulus.len() - zeros {
                256 => KeyAlgorithm::Rsa2048,
                384 => KeyAlgorithm::Rsa3072,
                _ => return Err(unusable()),
            };
            let info = encode::rsa_public_key_info(modulus, exponent).map_err(|_| unusable())?;
            Ok((algorithm, info))
        }
        _ => Err(unusable()),
    }
}
