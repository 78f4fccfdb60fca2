//! Removing content that no row points at: what a crash between blob and row leaves behind.

use time::Duration;

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
}

impl Service {
    /// Removes blobs older than `age` that no row points at. The age spares uploads under way.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when a store does not answer; what was removed stays removed.
    pub async fn sweep(&self, age: Duration) -> Result<Swept, Error> {
        let candidates = self.blobs().list(self.now() - age).await?;
        let mut swept = Swept {
            seen: candidates.len(),
            removed: 0,
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
}
