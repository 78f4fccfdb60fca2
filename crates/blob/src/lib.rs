//! Content, encrypted at rest: written in one pass, read in any range.
//!
//! A blob is written once and never changed. Its name is 32 random hexadecimal digits; what lies
//! under that name are the sealed chunks of [`crypto::chunk`], and nothing else, so that the
//! plaintext's size follows from the sealed one. What the bytes are, nobody here knows. Blobs whose
//! content is at hand when they are written in one go ([`BlobStore::put_all`]) share files,
//! [`pack`]s, with those of other calls.
//!
//! # Where blobs lie
//!
//! In a local folder, behind an interface (`Shelf`) that a store of another kind can fill. The
//! folder store is our own and not the one of the `object_store` crate, since that one creates
//! files that everybody may read, leaves the parts of an upload behind for good when the process
//! is killed, and hides them from listings.
//!
//! # Durability
//!
//! When [`BlobWriter::finish`], [`BlobStore::put`] or [`BlobStore::put_all`] returns, the blob
//! survives a power cut. Before that nobody was told its name: dropping a writer or an error leave
//! nothing that can be read, and what a crash leaves on the disk shows in [`BlobStore::list`] for
//! the sweeper.

mod folder;
mod names;
mod pack;
mod reader;
mod shelf;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use crypto::{DataKey, Hashed};
use model::Entropy;
use time::OffsetDateTime;

use crate::folder::Folder;
use crate::names::{Draft, Names};
use crate::shelf::Shelf;
use crate::writer::Sealing;

pub use reader::{BlobReader, SeekReader};
pub use writer::{BlobWriter, Written};

/// Stores blobs. Clones share everything.
#[derive(Clone)]
pub struct BlobStore {
    shelf: Arc<dyn Shelf>,
    names: Arc<Names>,
}

/// Content at hand.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// What comes first, hashed already: it is not hashed again.
    pub begun: Hashed,
    /// What follows it.
    pub rest: Bytes,
}

impl Content {
    fn len(&self) -> usize {
        self.begun.bytes().len() + self.rest.len()
    }
}

impl From<Bytes> for Content {
    fn from(rest: Bytes) -> Self {
        Self {
            begun: Hashed::default(),
            rest,
        }
    }
}

impl From<Hashed> for Content {
    fn from(begun: Hashed) -> Self {
        Self {
            begun,
            rest: Bytes::new(),
        }
    }
}

/// A blob that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name: 32 hexadecimal digits, and its number where it lies in a pack.
    pub id: String,
    /// SHA-256 over the plaintext.
    pub sha256: [u8; 32],
    /// Size of the plaintext in bytes.
    pub size: u64,
}

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No blob has this name: the caller's fault, or somebody removed it.
    #[error("blob {0} is missing")]
    Missing(String),
    /// The bytes are not those that were written, or were written under another key.
    #[error("blob {id} is damaged: {why}")]
    Damaged {
        /// The blob's name.
        id: String,
        /// What does not fit.
        why: &'static str,
    },
    /// There is no room left: the operator's matter.
    #[error("the storage for blobs is full")]
    StorageFull,
    /// The storage does not work as it should: the operator's matter.
    #[error("the storage for blobs failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::StorageFull,
            _ => BlobError::Io(error),
        }
    }
}

impl BlobStore {
    /// Stores blobs in `folder`, which is created (for its owner only) where it does not exist.
    pub async fn local(folder: impl AsRef<Path>) -> Result<Self, BlobError> {
        let folder = folder.as_ref().to_owned();
        let folder = blocking(move || Folder::open(folder)).await?;
        Ok(Self {
            shelf: Arc::new(folder),
            names: Arc::default(),
        })
    }

    /// Begins a blob that will be sealed under `key`.
    ///
    /// Fails with [`BlobError::StorageFull`] when next to no room is left, before a byte of the
    /// content is read.
    pub async fn writer(
        &self,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<BlobWriter, BlobError> {
        let (shelf, key, id) = (self.shelf.clone(), key.clone(), self.names.draw(entropy));
        let sealing = blocking(move || Sealing::begin(&*shelf, &key, id)).await?;
        Ok(BlobWriter::start(sealing))
    }

    /// Writes a blob whose content is at hand.
    pub async fn put(
        &self,
        content: Bytes,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Stored, BlobError> {
        let (shelf, key, id) = (self.shelf.clone(), key.clone(), self.names.draw(entropy));
        let unpublished = blocking(move || {
            let mut sealing = Sealing::begin(&*shelf, &key, id)?;
            sealing.push(&content)?;
            sealing.finish()
        });
        unpublished.await?.publish().await
    }

    /// Writes blobs whose contents are at hand, all of them or none: into a file that others write
    /// to as well, so that the disk is waited for once, and by all of them together. Each can be
    /// deleted by itself.
    pub async fn put_all(
        &self,
        contents: Vec<Content>,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<Stored>, BlobError> {
        let (store, key, drafts) = (self.clone(), key.clone(), drafts(&contents, entropy));
        let written = blocking(move || store.write(&contents, &key, drafts));
        written.await?.publish().await
    }

    /// The first half of [`BlobStore::put_all`], on a thread that may block: all but the wait for the
    /// disk.
    pub fn write_here(
        &self,
        contents: &[Content],
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Written, BlobError> {
        self.write(contents, key, drafts(contents, entropy))
    }

    fn write(
        &self,
        contents: &[Content],
        key: &DataKey,
        drafts: Vec<Draft>,
    ) -> Result<Written, BlobError> {
        let mut batches = Vec::with_capacity(drafts.len());
        for (batch, draft) in contents.chunks(pack::MOST).zip(drafts) {
            let name = || self.names.settle(draft);
            batches.push(writer::batch(&*self.shelf, key, batch, name)?);
        }
        Ok(Written {
            shelf: self.shelf.clone(),
            batches,
        })
    }

    /// Opens a blob that was sealed under `key` and checks its end, so that its size is certain.
    pub async fn reader(&self, id: &str, key: &DataKey) -> Result<BlobReader, BlobError> {
        let (shelf, key, id) = (self.shelf.clone(), key.clone(), id.to_owned());
        blocking(move || BlobReader::open(&*shelf, &key, id)).await
    }

    /// All of a blob that was sealed under `key`. For blobs whose size the caller knows to be
    /// small.
    pub async fn read(&self, id: &str, key: &DataKey) -> Result<Bytes, BlobError> {
        let (store, key, id) = (self.clone(), key.clone(), id.to_owned());
        blocking(move || store.read_here(&id, &key)).await
    }

    /// As [`BlobStore::read`], on a thread that may block.
    pub fn read_here(&self, id: &str, key: &DataKey) -> Result<Bytes, BlobError> {
        reader::read_all(&*self.shelf, key, id.to_owned())
    }

    /// Removes a blob, whole or abandoned half-way. Nothing happens where there is none. Whoever reads
    /// it through this store, or a clone of it, goes on.
    pub async fn delete(&self, id: &str) -> Result<(), BlobError> {
        let (shelf, id) = (self.shelf.clone(), id.to_owned());
        blocking(move || shelf.delete(&id)).await
    }

    /// The names of all blobs last written to before `older_than`, whole or abandoned half-way. Of
    /// blobs that share a file, the last writing (or deletion) among them counts, and while
    /// somebody may still write to the file, here or in another process, none of them is named.
    pub async fn list(&self, older_than: OffsetDateTime) -> Result<Vec<String>, BlobError> {
        let shelf = self.shelf.clone();
        blocking(move || shelf.list(older_than.into())).await
    }
}

/// For the name of each batch.
fn drafts(contents: &[Content], entropy: &dyn Entropy) -> Vec<Draft> {
    let batches = contents.chunks(pack::MOST);
    batches.map(|_| Draft::draw(entropy)).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(BlobError::Io(io::Error::other(stopped))))
}
