//! Writing: one pass that hashes, seals and stores.

use std::sync::Arc;

use bytes::Bytes;
use crypto::chunk::{ChunkSealer, OVERHEAD, PLAIN, SEALED, sealed_len};
use crypto::{DataKey, Hashed, Sha256};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::shelf::{Batch, Shelf, Staged};
use crate::{BlobError, Content, Stored, blocking};

/// Pieces under way to the blocking thread. Few, since a piece can be as large as the HTTP
/// server's read buffer.
const QUEUE: usize = 8;

/// A blob being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
///
/// Hashing, sealing and writing happen on a blocking thread; memory stays at one chunk and a few
/// pieces, and a disk that is slower than the sender slows the sender down.
pub struct BlobWriter {
    pieces: mpsc::Sender<Message>,
    /// Gone once its outcome was reported.
    sealing: Option<JoinHandle<Result<Option<Unpublished>, BlobError>>>,
}

/// The explicit end tells a sender that is done from one that went away.
enum Message {
    Piece(Bytes),
    End,
}

impl BlobWriter {
    pub(crate) fn start(sealing: Sealing) -> Self {
        let (pieces, received) = mpsc::channel(QUEUE);
        Self {
            pieces,
            sealing: Some(spawn_blocking(move || run(sealing, received))),
        }
    }

    /// Takes the next piece. Fails as soon as an earlier one could not be stored; nothing is left
    /// of the blob then.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        match self.pieces.send(Message::Piece(piece)).await {
            Ok(()) => Ok(()),
            Err(_) => self.outcome().await.and(Err(broken(STOPPED))),
        }
    }

    /// Completes the blob: durable and readable when this returns.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        // Where nobody takes the end any more, the outcome says why.
        let _ = self.pieces.send(Message::End).await;
        let unpublished = self.outcome().await?.ok_or_else(|| broken(STOPPED))?;
        unpublished.publish().await
    }

    /// Gives the blob up. Nothing of it is left when this returns.
    pub async fn abort(self) {
        drop(self.pieces);
        if let Some(sealing) = self.sealing {
            // Whatever the outcome, the staged blob went with it.
            let _ = sealing.await;
        }
    }

    async fn outcome(&mut self) -> Result<Option<Unpublished>, BlobError> {
        match self.sealing.take() {
            Some(sealing) => sealing.await.unwrap_or_else(|panic| Err(broken(panic))),
            None => Err(broken(STOPPED)),
        }
    }
}

const STOPPED: &str = "the writer stopped before the end";

fn broken(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BlobError {
    BlobError::Io(std::io::Error::other(why))
}

/// The blocking side. Without an end, the staged blob is dropped, which removes it.
fn run(
    mut sealing: Sealing,
    mut pieces: mpsc::Receiver<Message>,
) -> Result<Option<Unpublished>, BlobError> {
    while let Some(message) = pieces.blocking_recv() {
        match message {
            Message::Piece(piece) => sealing.push(&piece)?,
            Message::End => return sealing.finish().map(Some),
        }
    }
    Ok(None)
}

/// A blob of which everything is written.
pub(crate) struct Unpublished {
    stored: Stored,
    staged: Box<dyn Staged>,
}

impl Unpublished {
    /// Durable and visible when it returns, or gone.
    pub(crate) async fn publish(self) -> Result<Stored, BlobError> {
        self.staged.publish().await?;
        Ok(self.stored)
    }
}

/// Blobs of which everything is written. Dropped before they are published, they leave nothing behind.
pub struct Written {
    pub(crate) shelf: Arc<dyn Shelf>,
    pub(crate) batches: Vec<WrittenBatch>,
}

/// Blobs in one pack.
pub(crate) struct WrittenBatch {
    stored: Vec<Stored>,
    staged: Box<dyn Staged>,
}

impl Written {
    /// Waits for the disk: they are all durable and readable when it returns, or none is left.
    pub async fn publish(self) -> Result<Vec<Stored>, BlobError> {
        let mut all: Vec<Stored> = Vec::new();
        for WrittenBatch { stored, staged } in self.batches {
            if let Err(error) = staged.publish().await {
                let shelf = self.shelf;
                // What cannot be removed now is left to the sweeper.
                let _ =
                    blocking(move || all.iter().try_for_each(|blob| shelf.delete(&blob.id))).await;
                return Err(error);
            }
            all.extend(stored);
        }
        Ok(all)
    }
}

/// Writes blobs of which the contents are at hand, as many as a pack takes.
pub(crate) fn batch(
    shelf: &dyn Shelf,
    key: &DataKey,
    contents: &[Content],
    name: impl FnOnce() -> String,
) -> Result<WrittenBatch, BlobError> {
    let lens = contents.iter().map(|one| sealed_len(one.len() as u64));
    let Batch { ids, mut staged } = shelf.stage_all(&lens.collect::<Vec<_>>(), Box::new(name))?;
    let mut stored = Vec::with_capacity(contents.len());
    for (id, content) in ids.into_iter().zip(contents) {
        let capacity = SEALED.min(content.len() + OVERHEAD);
        let mut sealing = Sealing::onto(staged, key, id, capacity);
        sealing.begin_with(&content.begun)?;
        sealing.push(&content.rest)?;
        let so_far = sealing.finish()?;
        stored.push(so_far.stored);
        staged = so_far.staged;
    }
    Ok(WrittenBatch { stored, staged })
}

/// Seals a blob chunk by chunk into a shelf.
pub(crate) struct Sealing {
    id: String,
    staged: Box<dyn Staged>,
    sealer: ChunkSealer,
    hash: Sha256,
    size: u64,
    chunk: Vec<u8>,
}

impl Sealing {
    pub(crate) fn begin(shelf: &dyn Shelf, key: &DataKey, id: String) -> Result<Self, BlobError> {
        let staged = shelf.stage(&id)?;
        Ok(Self::onto(staged, key, id, SEALED))
    }

    /// Behind what was staged before.
    fn onto(staged: Box<dyn Staged>, key: &DataKey, id: String, capacity: usize) -> Self {
        Self {
            staged,
            sealer: ChunkSealer::new(key, &id),
            id,
            hash: Sha256::new(),
            size: 0,
            chunk: Vec::with_capacity(capacity),
        }
    }

    /// The blob's first bytes, which were hashed before.
    fn begin_with(&mut self, begun: &Hashed) -> Result<(), BlobError> {
        self.hash = begun.hash().clone();
        self.seal(begun.bytes())
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        self.hash.update(piece);
        self.seal(piece)
    }

    fn seal(&mut self, mut piece: &[u8]) -> Result<(), BlobError> {
        self.size += piece.len() as u64;
        while !piece.is_empty() {
            // A full chunk waits until something follows it, since the last one is marked.
            if self.chunk.len() == PLAIN {
                self.flush(false)?;
            }
            let taken = piece.len().min(PLAIN - self.chunk.len());
            self.chunk.extend_from_slice(&piece[..taken]);
            piece = &piece[taken..];
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Unpublished, BlobError> {
        self.flush(true)?;
        let stored = Stored {
            id: self.id,
            sha256: self.hash.finish(),
            size: self.size,
        };
        Ok(Unpublished {
            stored,
            staged: self.staged,
        })
    }

    fn flush(&mut self, last: bool) -> Result<(), BlobError> {
        self.sealer
            .seal_in_place(last, &mut self.chunk)
            .map_err(broken)?;
        self.staged.write(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}
