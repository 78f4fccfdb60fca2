//! Where keys live: sealed in files of ours, or in a token.

use std::sync::Arc;

use anyhow::Context;
use crypto::KeyVault;

use crate::config::Config;

/// What the configuration says about the homes of keys. Cloning shares the opened token.
#[derive(Clone, Default)]
pub struct KeyHome {
    vault: Option<Arc<dyn KeyVault>>,
    for_authorities: bool,
}

impl KeyHome {
    /// Opens the token, where one is configured.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let Some(hsm) = &config.hsm else {
            return Ok(Self::default());
        };
        Ok(Self {
            vault: Some(hsm.open()?),
            for_authorities: hsm.authorities,
        })
    }

    /// The token.
    pub fn vault(&self) -> Option<&Arc<dyn KeyVault>> {
        self.vault.as_ref()
    }

    /// The token, where new keys of authorities are made in it.
    pub fn of_new_authorities(&self) -> Option<&Arc<dyn KeyVault>> {
        self.vault.as_ref().filter(|_| self.for_authorities)
    }

    /// The token, for a key that a reference says is in it.
    pub fn of_reference(&self) -> anyhow::Result<&Arc<dyn KeyVault>> {
        let vault = self.vault.as_ref();
        vault.context("the key is in a token, and the configuration names none (hsm)")
    }
}
