//! Small helpers between the use cases and the stores.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use blob::{Content, Stored, Written};
use bytes::Bytes;
use crypto::{DataKey, Hashed};
use model::RequestPk;
use store::StoredFile;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use crate::{Error, Service};

/// A file's name with another extension, for another form of it.
pub(crate) fn swap_extension(file_name: &str, extension: &str) -> String {
    let name = Path::new(file_name).with_extension(extension);
    name.to_string_lossy().into_owned()
}

/// One lock per request, for work that spans several transactions.
///
/// It spares two clicks on "sign" in one process the double work; what keeps two processes
/// apart is the database.
#[derive(Default)]
pub(crate) struct KeyedLocks(Mutex<HashMap<RequestPk, Arc<tokio::sync::Mutex<()>>>>);

impl KeyedLocks {
    pub(crate) async fn lock(&self, pk: RequestPk) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Locks that nobody holds or waits for are only referenced by the map.
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(pk).or_default())
        };
        lock.lock_owned().await
    }
}

/// Blobs written for a transaction that has not committed yet. Unless [`NewBlobs::keep`] is
/// called they are removed again; after a crash the sweeper does it.
pub(crate) struct NewBlobs {
    service: Service,
    ids: Vec<String>,
}

impl NewBlobs {
    pub(crate) fn new(service: &Service) -> Self {
        Self {
            service: service.clone(),
            ids: Vec::new(),
        }
    }

    /// Writes `content`, durable when it returns.
    pub(crate) async fn put(&mut self, key: &DataKey, content: Bytes) -> Result<StoredFile, Error> {
        let service = &self.service;
        let stored = service.blobs().put(content, key, service.entropy()).await?;
        Ok(self.adopted(stored))
    }

    /// As [`NewBlobs::put`] for several, which waits for the disk but once.
    pub(crate) async fn put_all<const N: usize>(
        &mut self,
        key: &DataKey,
        contents: [Content; N],
    ) -> Result<[StoredFile; N], Error> {
        let service = &self.service;
        let stored = service
            .blobs()
            .put_all(contents.into(), key, service.entropy());
        let stored: Vec<_> = self.adopted_all(stored.await?);
        let wrong = |_| Error::Internal("not as many files were stored as there are".into());
        stored.try_into().map_err(wrong)
    }

    /// Waits until blobs are durable that were written.
    pub(crate) async fn publish(&mut self, written: Written) -> Result<Vec<StoredFile>, Error> {
        Ok(self.adopted_all(written.publish().await?))
    }

    fn adopted_all(&mut self, stored: Vec<Stored>) -> Vec<StoredFile> {
        stored.into_iter().map(|one| self.adopted(one)).collect()
    }

    fn adopted(&mut self, stored: Stored) -> StoredFile {
        self.ids.push(stored.id.clone());
        StoredFile {
            blob: stored.id,
            sha256: stored.sha256,
            size: stored.size as i64,
        }
    }

    /// Takes a blob under its wing that was written by other means.
    pub(crate) fn adopt(&mut self, id: String) {
        self.ids.push(id);
    }

    /// The transaction has committed: the blobs stay.
    pub(crate) fn keep(mut self) {
        self.ids.clear();
    }
}

impl Drop for NewBlobs {
    fn drop(&mut self) {
        let ids = std::mem::take(&mut self.ids);
        if let (false, Ok(runtime)) = (ids.is_empty(), tokio::runtime::Handle::try_current()) {
            let service = self.service.clone();
            runtime.spawn(async move { service.discard(ids).await });
        }
    }
}

impl Service {
    /// `N` random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy().fill(&mut bytes);
        bytes
    }

    /// Reads a whole stored file and checks it against its recorded digest.
    pub(crate) async fn fetch(&self, key: &DataKey, file: &StoredFile) -> Result<Bytes, Error> {
        let (service, key, file) = (self.clone(), key.clone(), file.clone());
        let content = spawn_blocking(move || service.fetch_here(&key, &file)).await;
        let content = content.map_err(|_| Error::Internal("a reader stopped".into()))?;
        Ok(content?.bytes().clone())
    }

    /// As [`Service::fetch`], on a thread that may block, for what something is appended to.
    pub(crate) fn fetch_here(&self, key: &DataKey, file: &StoredFile) -> Result<Hashed, Error> {
        let content = Hashed::new(self.blobs().read_here(&file.blob, key)?);
        if content.digest() != file.sha256 {
            return Err(Error::Internal(format!(
                "blob {} differs from its record",
                file.blob
            )));
        }
        Ok(content)
    }

    /// Removes blobs that no row points at any more. What fails here is left to the sweeper.
    pub(crate) async fn discard(&self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            if let Err(error) = self.blobs().delete(&id).await {
                tracing::warn!(blob = %id, %error, "could not remove a blob; the sweeper will");
            }
        }
    }
}
