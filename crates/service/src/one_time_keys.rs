//! Keys for one act each: of which kind, and where they live until they are used.
//!
//! A software key rests sealed in the row of its certificate. One in a vault rests there, and the row
//! holds its reference, sealed like a key; it is destroyed once the act has settled. What a crash
//! leaves behind in the vault is found by its name, and swept.

use std::sync::Arc;

use crypto::{
    CryptoError, Digest, KeyAlgorithm, KeyVault, SigningKey, SoftwareKey, VaultError, Zeroizing,
};
use model::Entropy;
use time::{Duration, OffsetDateTime};

use crate::key_pool::{KeyPool, KeyPoolGauges};
use crate::{Error, Service};

/// What the names of one-time keys in a vault begin with. The time of their making follows, in
/// seconds, then what makes them differ.
const NAME: &str = "avouch one-time ";

/// When to ask again for a key from a vault that is away, in seconds.
pub(crate) const VAULT_PAUSE: u32 = 5;

/// Where fresh one-time keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// In this process.
    Software {
        /// How many RSA keys are made ahead. Others are made when they are needed.
        ahead: usize,
    },
    /// In the vault.
    Vault,
}

/// The keys of one-time certificates.
pub struct OneTimeKeys {
    algorithm: KeyAlgorithm,
    source: Source,
    /// Also where fresh keys are made here: an act may have begun before that was decided.
    vault: Option<Arc<dyn KeyVault>>,
}

enum Source {
    AtOnce,
    Pool(KeyPool),
    Vault(Arc<dyn KeyVault>),
}

impl OneTimeKeys {
    /// Keys of a kind, made in a place.
    ///
    /// Fails with [`Error::Internal`] where they are to be made in a vault and there is none.
    pub fn new(
        algorithm: KeyAlgorithm,
        place: KeyPlace,
        vault: Option<Arc<dyn KeyVault>>,
    ) -> Result<Self, Error> {
        let source = match (place, algorithm) {
            (KeyPlace::Vault, _) => {
                let vault = vault.clone();
                Source::Vault(vault.ok_or_else(|| Error::Internal("there is no vault".into()))?)
            }
            (KeyPlace::Software { .. }, KeyAlgorithm::EcdsaP256) => Source::AtOnce,
            (KeyPlace::Software { ahead }, _) => Source::Pool(KeyPool::start(algorithm, ahead)),
        };
        Ok(Self {
            algorithm,
            source,
            vault,
        })
    }

    /// A key where making one takes next to no time.
    pub(crate) fn at_once(&self) -> Result<Option<OneTimeKey>, Error> {
        match self.source {
            Source::AtOnce => {
                let key = SoftwareKey::generate(self.algorithm)?;
                Ok(Some(OneTimeKey::Software(key)))
            }
            Source::Pool(_) | Source::Vault(_) => Ok(None),
        }
    }

    /// How the pool is doing, where there is one.
    pub(crate) fn gauges(&self) -> Option<KeyPoolGauges> {
        match &self.source {
            Source::Pool(pool) => Some(pool.gauges()),
            Source::AtOnce | Source::Vault(_) => None,
        }
    }

    fn vault(&self) -> Result<&Arc<dyn KeyVault>, Error> {
        let missing =
            || Error::Internal("a key on record lives in a vault, and none is open".into());
        self.vault.as_ref().ok_or_else(missing)
    }
}

impl Default for OneTimeKeys {
    /// P-256 in software.
    fn default() -> Self {
        Self {
            algorithm: KeyAlgorithm::default(),
            source: Source::AtOnce,
            vault: None,
        }
    }
}

/// A key for one act.
pub(crate) enum OneTimeKey {
    Software(SoftwareKey),
    InVault {
        key: Arc<dyn SigningKey>,
        reference: String,
    },
}

impl OneTimeKey {
    /// What to seal and keep until the act has settled.
    pub(crate) fn record(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            OneTimeKey::Software(key) => key.to_pkcs8(),
            OneTimeKey::InVault { reference, .. } => {
                Ok(Zeroizing::new(reference.clone().into_bytes()))
            }
        }
    }

    /// What is to be destroyed in the vault once the act has settled.
    pub(crate) fn reference(&self) -> Option<String> {
        match self {
            OneTimeKey::Software(_) => None,
            OneTimeKey::InVault { reference, .. } => Some(reference.clone()),
        }
    }

    fn signer(&self) -> &dyn SigningKey {
        match self {
            OneTimeKey::Software(key) => key,
            OneTimeKey::InVault { key, .. } => &**key,
        }
    }
}

impl SigningKey for OneTimeKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.signer().algorithm()
    }

    fn public_key_info(&self) -> &[u8] {
        self.signer().public_key_info()
    }

    fn may_block(&self) -> bool {
        self.signer().may_block()
    }

    fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, CryptoError> {
        self.signer().sign_digest(digest)
    }
}

impl Service {
    fn one_time_keys(&self) -> &OneTimeKeys {
        &self.inner.parts.one_time_keys
    }

    /// A key where making one takes next to no time; else [`Service::fresh_one_time_key`] has one.
    pub(crate) fn one_time_key_at_once(&self) -> Result<Option<OneTimeKey>, Error> {
        self.one_time_keys().at_once()
    }

    /// A key that nobody has used. Not for inside a transaction: it may take its time.
    ///
    /// Fails with [`Error::NoKeyReady`].
    pub(crate) async fn fresh_one_time_key(&self) -> Result<OneTimeKey, Error> {
        let keys = self.one_time_keys();
        match &keys.source {
            Source::AtOnce => Ok(OneTimeKey::Software(SoftwareKey::generate(keys.algorithm)?)),
            Source::Pool(pool) => pool.take().await.map(OneTimeKey::Software),
            Source::Vault(vault) => {
                let (vault, algorithm) = (Arc::clone(vault), keys.algorithm);
                let name = name(self.now(), self.entropy());
                let made = self
                    .at_work(move |_| vault.generate(algorithm, &name))
                    .await??;
                Ok(OneTimeKey::InVault {
                    key: made.key,
                    reference: made.reference,
                })
            }
        }
    }

    /// The key of a record that [`OneTimeKey::record`] made.
    pub(crate) async fn open_one_time_key(&self, record: &[u8]) -> Result<OneTimeKey, Error> {
        let Some(reference) = reference_in(record) else {
            return Ok(OneTimeKey::Software(SoftwareKey::from_pkcs8(record)?));
        };
        let vault = Arc::clone(self.one_time_keys().vault()?);
        let wanted = reference.clone();
        let key = self.at_work(move |_| vault.find(&wanted)).await??;
        Ok(OneTimeKey::InVault { key, reference })
    }

    /// Destroys a key in the vault that nobody needs any more. A failure is only logged: the act has
    /// settled, and the sweep comes by.
    pub(crate) async fn destroy_one_time_key(&self, reference: Option<String>) {
        let Some(reference) = reference else { return };
        if let Err(error) = self.destroy_in_vault(reference).await {
            tracing::warn!(%error, "a spent key stays in the vault until the next sweep");
        }
    }

    async fn destroy_in_vault(&self, reference: String) -> Result<(), Error> {
        let vault = Arc::clone(self.one_time_keys().vault()?);
        self.at_work(move |_| vault.destroy(&reference)).await??;
        Ok(())
    }

    /// Destroys one-time keys in the vault that are older than `age` and on no record.
    pub(crate) async fn sweep_vault(&self, age: Duration) -> Result<usize, Error> {
        let Some(vault) = self.one_time_keys().vault.clone() else {
            return Ok(0);
        };
        let listed = self.at_work(move |_| vault.list(NAME)).await??;
        let before = self.now() - age;
        let mut old: Vec<_> = listed
            .into_iter()
            .filter(|(name, _)| made_at(name).is_some_and(|made| made < before))
            .map(|(_, reference)| reference)
            .collect();
        if old.is_empty() {
            return Ok(0);
        }
        for record in self.keys_on_record().await? {
            if let Some(reference) = reference_in(&record) {
                old.retain(|one| *one != reference);
            }
        }
        let removed = old.len();
        for reference in old {
            self.destroy_in_vault(reference).await?;
        }
        Ok(removed)
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unreachable(reason) => {
                tracing::warn!(reason, "the vault is away");
                Error::NoKeyReady {
                    retry_after: VAULT_PAUSE,
                }
            }
            other => Error::Internal(format!("key vault: {other}")),
        }
    }
}

/// What a record says that is no PKCS #8 document: those are DER, and no DER begins like that.
fn reference_in(record: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(record).ok()?;
    text.starts_with("pkcs11:").then(|| text.to_owned())
}

fn name(now: OffsetDateTime, entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 12];
    entropy.fill(&mut bytes);
    format!("{NAME}{} {}", now.unix_timestamp(), hex::encode(bytes))
}

fn made_at(name: &str) -> Option<OffsetDateTime> {
    let (seconds, _) = name.strip_prefix(NAME)?.split_once(' ')?;
    OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_name_tells_when_its_key_was_made() {
        let now = datetime!(2026-03-04 05:06:07 UTC);
        let name = name(now, &crypto::SystemEntropy);
        assert_eq!(made_at(&name), Some(now));
        assert_eq!(made_at("avouch issuing 1"), None);
        assert_eq!(made_at("avouch one-time soon 1"), None);
    }

    #[test]
    fn a_software_keys_record_is_no_reference() {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let key = OneTimeKey::Software(key);
        assert_eq!(reference_in(&key.record().unwrap()), None);
        assert_eq!(key.reference(), None);
    }
}
