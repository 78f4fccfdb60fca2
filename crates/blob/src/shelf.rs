//! What a place for blobs must offer. Everything here blocks and runs on blocking threads.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::BlobError;

/// A place for blobs.
pub(crate) trait Shelf: Send + Sync {
    /// Begins a blob, or a pack of blobs, of this name.
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError>;

    /// Opens a whole blob.
    fn open(&self, id: &str) -> Result<Box<dyn Readable>, BlobError>;

    /// Removes a blob, or a pack of blobs, whole or staged, if there is one.
    fn delete(&self, id: &str) -> Result<(), BlobError>;

    /// The names of all blobs, whole or staged, last written to before `older_than`.
    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError>;

    /// Makes visible what is durable already, and that durable too. Where it fails, it may be visible.
    fn publish(&self, staged: Box<dyn Staged>) -> Result<(), BlobError>;
}

/// A blob being written, which nobody can open yet. Dropping it removes it.
pub(crate) trait Staged: Send {
    /// Appends.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes what was written durable, under no name as yet.
    fn settle(&mut self) -> Result<(), BlobError>;

    /// Makes the blob visible, and tells which folder must become durable for that to last.
    fn show(self: Box<Self>) -> Result<PathBuf, BlobError>;
}

/// A whole blob's bytes, as stored.
pub(crate) trait Readable: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlobError>;
}
