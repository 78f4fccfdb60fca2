//! Keys that live outside this process.

use std::sync::Arc;

use crate::{KeyAlgorithm, SigningKey};

/// A home of keys that are made and used there and never leave it.
///
/// Calls may take as long as a network does: make them where blocking is allowed.
pub trait KeyVault: Send + Sync {
    /// Makes a key under a name that no other key of the vault has.
    fn generate(&self, algorithm: KeyAlgorithm, name: &str) -> Result<VaultKey, VaultError>;

    /// The key that a reference stands for.
    fn find(&self, reference: &str) -> Result<Arc<dyn SigningKey>, VaultError>;

    /// Destroys the key for good; one that is gone already is no failure.
    fn destroy(&self, reference: &str) -> Result<(), VaultError>;

    /// Names and references of all keys whose names begin with `prefix`.
    fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, VaultError>;
}

/// A fresh key and what to keep in its place.
pub struct VaultKey {
    /// Signs.
    pub key: Arc<dyn SigningKey>,
    /// Finds the key again. It is no secret, and opens nothing without the vault.
    pub reference: String,
}

/// Why a vault did not do its work. None of the texts holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The reference is malformed or another vault's: its keeper's fault.
    #[error("{0}")]
    Reference(String),
    /// The vault has no such key.
    #[error("the vault holds no key {0}")]
    Missing(String),
    /// The vault cannot be reached now; it may be later.
    #[error("{0}")]
    Unreachable(String),
    /// The vault refuses, and will again: its operator's fault.
    #[error("{0}")]
    Refused(String),
}
