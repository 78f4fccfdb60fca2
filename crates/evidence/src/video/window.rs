//! A sliding window over a reader: absolute positions in, slices out, few reads underneath.

use std::io::{Read, Seek, SeekFrom};

use super::VideoRefusal;

/// How much is read at once. Matches the order of the pieces in which content is encrypted.
pub(super) const PIECE: usize = 64 << 10;

pub(super) struct Window<R> {
    reader: R,
    size: u64,
    piece: Vec<u8>,
    start: u64,
}

impl<R: Read + Seek> Window<R> {
    pub(super) fn new(reader: R, size: u64) -> Self {
        Self {
            reader,
            size,
            piece: Vec::new(),
            start: 0,
        }
    }

    /// The size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// At most `len` bytes from `at`, fewer at the end of the file. `len` is at most [`PIECE`].
    pub(super) fn up_to(&mut self, at: u64, len: usize) -> Result<&[u8], VideoRefusal> {
        let left = self.size.saturating_sub(at);
        let len = usize::try_from(left).map_or(len, |left| left.min(len));
        let within = |start: u64, piece: &[u8]| {
            let skip = usize::try_from(at.checked_sub(start)?).ok()?;
            (skip.checked_add(len)? <= piece.len()).then_some(skip)
        };
        let skip = match within(self.start, &self.piece) {
            Some(skip) => skip,
            None => {
                let want = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
                self.start = at;
                self.piece.clear();
                self.read_at(at, want)?;
                0
            }
        };
        Ok(&self.piece[skip..skip + len])
    }

    /// Exactly `len` bytes from `at`, kept apart from the window. The caller has bounded `len` and
    /// knows that the file is long enough.
    pub(super) fn table(&mut self, at: u64, len: usize) -> Result<Vec<u8>, VideoRefusal> {
        self.reader
            .seek(SeekFrom::Start(at))
            .map_err(VideoRefusal::Read)?;
        let mut table = vec![0; len];
        self.reader
            .read_exact(&mut table)
            .map_err(VideoRefusal::Read)?;
        Ok(table)
    }

    fn read_at(&mut self, at: u64, len: usize) -> Result<(), VideoRefusal> {
        self.reader
            .seek(SeekFrom::Start(at))
            .map_err(VideoRefusal::Read)?;
        self.piece.resize(len, 0);
        self.reader.read_exact(&mut self.piece).map_err(|error| {
            self.piece.clear();
            VideoRefusal::Read(error)
        })
    }
}
