//! Removing what nobody needs any more: content that no row points at, as a crash between blob and
//! row leaves it behind, keys' files that nobody took while their links opened, and keys in the vault
//! whose act never settled.

use serde_json::json;
use time::Duration;

use crate::advance::Actor;
use crate::{Error, Service};

/// Blobs looked up at once.
const BATCH: usize = 500;

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs looked at.
    pub seen: usize,
    /// Blobs removed.
    pub removed: usize,
    /// One-time keys destroyed in the vault.
    pub keys: usize,
}

impl Service {
    /// Removes blobs older than `age` that no row points at, files behind expired links, and one-time
    /// keys in the vault that are as old and on no record. The age spares what is under way.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when a store does not answer; what was removed stays removed.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        self.drop_late_files().await?;
        let keys = self.sweep_vault(age).await?;
        let candidates = self.blobs().list(self.now() - age).await?;
        let mut swept = Swept {
            seen: candidates.len(),
            removed: 0,
            keys,
        };
        for batch in candidates.chunks(BATCH) {
            let mut reader = self.store().read().await?;
            let used = store::blobs_in_use(&mut reader, batch).await?;
            drop(reader);
            let unused: Vec<_> = batch
                .iter()
                .filter(|id| !used.contains(*id))
                .cloned()
                .collect();
            swept.removed += unused.len();
            self.discard(unused).await;
        }
        Ok(swept)
    }

    async fn drop_late_files(&self) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let dropped = store::enrolments::drop_pickups(&mut tx, self.now()).await?;
        if dropped == 0 {
            return Ok(());
        }
        let details = json!({ "files": dropped });
        self.record(&mut tx, Actor::System, "files-expired", None, details)
            .await?;
        self.commit(tx).await
    }
}
