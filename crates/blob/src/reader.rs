//! Reading: any range, opening only the chunks that it touches.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use crypto::DataKey;
use crypto::chunk::{ChunkOpener, PLAIN, SEALED, plain_len};
use futures::stream::{self, Stream};

use crate::shelf::{Readable, Shelf};
use crate::{BlobError, blocking};

/// A blob that can be read. Clones share it.
#[derive(Clone)]
pub struct BlobReader {
    blob: Arc<Opened>,
}

impl BlobReader {
    pub(crate) fn open(shelf: &dyn Shelf, key: &DataKey, id: String) -> Result<Self, BlobError> {
        let blob = Opened::new(shelf, key, id)?;
        // Only the true last chunk opens as the last one, so this settles the size.
        blob.chunk(blob.last(), &mut Vec::new())?;
        Ok(Self {
            blob: Arc::new(blob),
        })
    }

    /// Size of the plaintext in bytes.
    pub fn size(&self) -> u64 {
        self.blob.size
    }

    /// The bytes of `range` (cut to the blob's size), in pieces of up to 256 KiB.
    ///
    /// A piece comes out only after it was found genuine; after an error nothing follows.
    pub fn range(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static + use<> {
        let end = range.end.min(self.blob.size);
        let state = (self.blob.clone(), range.start);
        stream::try_unfold(state, move |(blob, at)| async move {
            if at >= end {
                return Ok(None);
            }
            blocking(move || {
                let index = at / PLAIN as u64;
                let start = index * PLAIN as u64;
                let mut chunk = Vec::new();
                blob.chunk(index, &mut chunk)?;
                let stop = end.min(start + chunk.len() as u64);
                let piece =
                    Bytes::from(chunk).slice((at - start) as usize..(stop - start) as usize);
                Ok(Some((piece, (blob, stop))))
            })
            .await
        })
    }

    /// All bytes at once. For blobs whose size the caller knows to be small.
    pub async fn read_all(&self) -> Result<Bytes, BlobError> {
        let blob = self.blob.clone();
        blocking(move || blob.all()).await
    }

    /// The blob as a blocking, seekable reader, for blocking threads.
    pub fn into_seek(self) -> SeekReader {
        SeekReader {
            blob: self.blob,
            at: 0,
            held: None,
            chunk: Vec::new(),
        }
    }
}

/// Reads a blob from any place, one chunk in memory. What is wrong with a damaged blob comes as an
/// [`io::Error`] of kind `InvalidData`.
pub struct SeekReader {
    blob: Arc<Opened>,
    at: u64,
    /// Number of the chunk in `chunk`.
    held: Option<u64>,
    chunk: Vec<u8>,
}

impl Read for SeekReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.blob.size || buffer.is_empty() {
            return Ok(0);
        }
        let index = self.at / PLAIN as u64;
        if self.held != Some(index) {
            self.held = None;
            self.blob.chunk(index, &mut self.chunk).map_err(into_io)?;
            self.held = Some(index);
        }
        let rest = &self.chunk[(self.at - index * PLAIN as u64) as usize..];
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken as u64;
        Ok(taken)
    }
}

impl Seek for SeekReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.blob.size.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

struct Opened {
    id: String,
    content: Box<dyn Readable>,
    opener: ChunkOpener,
    size: u64,
}

/// All of a blob. That its last chunk opens as the last one settles its size.
pub(crate) fn read_all(shelf: &dyn Shelf, key: &DataKey, id: String) -> Result<Bytes, BlobError> {
    Opened::new(shelf, key, id)?.all()
}

impl Opened {
    fn new(shelf: &dyn Shelf, key: &DataKey, id: String) -> Result<Self, BlobError> {
        let content = shelf.open(&id)?;
        let size = plain_len(content.len()).ok_or_else(|| BlobError::Damaged {
            id: id.clone(),
            why: "no blob has this length",
        })?;
        Ok(Self {
            opener: ChunkOpener::new(key, &id),
            id,
            content,
            size,
        })
    }

    fn all(&self) -> Result<Bytes, BlobError> {
        let mut all = Vec::new();
        let mut chunk = Vec::new();
        for index in 0..=self.last() {
            self.chunk(index, &mut chunk)?;
            match self.last() {
                0 => all = std::mem::take(&mut chunk),
                _ => all.extend_from_slice(&chunk),
            }
        }
        Ok(all.into())
    }

    /// Number of the last chunk, which may be empty.
    fn last(&self) -> u64 {
        (self.content.len() - 1) / SEALED as u64
    }

    /// Reads chunk `index` and leaves its plaintext in `chunk`.
    fn chunk(&self, index: u64, chunk: &mut Vec<u8>) -> Result<(), BlobError> {
        let start = index * SEALED as u64;
        let len = (self.content.len() - start).min(SEALED as u64) as usize;
        chunk.resize(len, 0);
        self.content.read_at(chunk, start)?;
        let opened = self
            .opener
            .open_in_place(index, index == self.last(), chunk)
            .map(|plain| plain.len());
        let len = opened.map_err(|_| BlobError::Damaged {
            id: self.id.clone(),
            why: "its bytes are not those that were written under this name and key",
        })?;
        chunk.truncate(len);
        Ok(())
    }
}

fn into_io(error: BlobError) -> io::Error {
    match error {
        BlobError::Io(error) => error,
        damaged @ BlobError::Damaged { .. } => io::Error::new(io::ErrorKind::InvalidData, damaged),
        other => io::Error::other(other),
    }
}
