//! What a place for blobs must offer. Everything here blocks and runs on blocking threads.

use std::time::SystemTime;

use crate::BlobError;

/// A place for blobs.
pub(crate) trait Shelf: Send + Sync {
    /// Begins a blob of this name.
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError>;

    /// Opens a whole blob.
    fn open(&self, id: &str) -> Result<Box<dyn Content>, BlobError>;

    /// Removes a blob, whole or staged, if there is one.
    fn delete(&self, id: &str) -> Result<(), BlobError>;

    /// The names of all blobs, whole or staged, last written to before `older_than`.
    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError>;
}

/// A blob being written, which nobody can open yet. Dropping it removes it.
pub(crate) trait Staged: Send {
    /// Appends.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes the blob durable and then visible, durably too.
    fn publish(self: Box<Self>) -> Result<(), BlobError>;
}

/// A whole blob's bytes, as stored.
pub(crate) trait Content: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset` on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlobError>;
}
