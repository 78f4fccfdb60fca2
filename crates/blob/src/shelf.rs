//! What a place for blobs must offer. Everything here but [`Publishing`] blocks and runs on blocking
//! threads.

use std::time::SystemTime;

use futures::future::BoxFuture;

use crate::BlobError;

/// A place for blobs.
pub(crate) trait Shelf: Send + Sync {
    /// Begins a blob of this name.
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError>;

    /// Begins blobs of these (sealed) lengths, one to [`crate::pack::MOST`] of them, and decides on
    /// their names: those of a pack where there is room, or of a new one, which gets a `name`.
    fn stage_all(
        &self,
        lens: &[u64],
        name: Box<dyn FnOnce() -> String + '_>,
    ) -> Result<Batch, BlobError>;

    /// Opens a whole blob.
    fn open(&self, id: &str) -> Result<Box<dyn Readable>, BlobError>;

    /// Removes a blob, whole or staged, if there is one; a pack only when it is empty.
    fn delete(&self, id: &str) -> Result<(), BlobError>;

    /// The names of all blobs, whole or abandoned half-way, last written to before `older_than`,
    /// and of empty packs. Never of what somebody still writes to.
    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError>;
}

/// What is being written under names that nobody has been told. Dropping it removes it.
pub(crate) trait Staged: Send {
    /// Appends.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes it durable and visible. Nothing is left of it where that fails.
    fn publish(self: Box<Self>) -> Publishing;
}

/// A wait for the disk, which takes no thread from those who wait for the same flush.
pub(crate) type Publishing = BoxFuture<'static, Result<(), BlobError>>;

/// Blobs that are written one after the other.
pub(crate) struct Batch {
    /// Their names, in the order in which they are to be written.
    pub(crate) ids: Vec<String>,
    pub(crate) staged: Box<dyn Staged>,
}

/// A whole blob's bytes, as stored.
pub(crate) trait Readable: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlobError>;
}
