//! `[signature]`: what signatures are worth, and what their keys are.

use anyhow::Context;
use crypto::KeyAlgorithm;
use model::{Level, Posture};
use serde::Deserialize;
use service::KeyPlace;

/// Signatures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signature {
    /// `BASIC`, `T`, `LTVLITE`, `LTV` or `LTVA`, or the baselines' names: where neither a call nor the
    /// registration authority nor the settings name a level.
    pub default_level: String,
    /// How one-time certificates stand to revocation: `classic` or `short-term`.
    pub posture: Posture,
    /// The kind of one-time keys.
    pub key_algorithm: KeyKind,
    /// Where one-time keys are made and live until they are used.
    pub one_time_keys: OneTimeKeys,
    /// RSA keys made ahead, in software.
    pub keys_ahead: usize,
    /// Signed files get a new archive time-stamp so many days before what validates them runs out;
    /// 0: only when `avouch renew` is run.
    pub renew_before_days: u32,
}

/// Kinds of key, by the names that the configuration has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "ecdsa-p256")]
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
    /// RSA of 2048 bits.
    #[serde(rename = "rsa-2048")]
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa-3072")]
    #[value(name = "rsa-3072")]
    Rsa3072,
}

/// Homes of one-time keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OneTimeKeys {
    /// This process, and the database, sealed.
    #[default]
    Software,
    /// The token that `[hsm]` names.
    Pkcs11,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            default_level: Level::default().wire().to_owned(),
            posture: Posture::default(),
            key_algorithm: KeyKind::default(),
            one_time_keys: OneTimeKeys::default(),
            keys_ahead: 64,
            renew_before_days: 180,
        }
    }
}

impl Signature {
    /// The kind of one-time keys.
    pub fn algorithm(&self) -> KeyAlgorithm {
        match self.key_algorithm {
            KeyKind::EcdsaP256 => KeyAlgorithm::EcdsaP256,
            KeyKind::Rsa2048 => KeyAlgorithm::Rsa2048,
            KeyKind::Rsa3072 => KeyAlgorithm::Rsa3072,
        }
    }

    /// Where one-time keys are made.
    pub fn key_place(&self) -> KeyPlace {
        match self.one_time_keys {
            OneTimeKeys::Software => KeyPlace::Software {
                ahead: self.keys_ahead,
            },
            OneTimeKeys::Pkcs11 => KeyPlace::Vault,
        }
    }

    /// The level.
    ///
    /// # Errors
    ///
    /// When it has no such name.
    pub fn level(&self) -> anyhow::Result<Level> {
        Level::parse(&self.default_level).with_context(|| {
            format!(
                "signature.default_level must be BASIC, T, LTVLITE, LTV or LTVA, not {:?}",
                self.default_level
            )
        })
    }
}
