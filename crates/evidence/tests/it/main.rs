//! The probes against films that other software made and judged, and against what attackers make.

mod facts;
mod hostile;

use std::io::{Cursor, Read, Result, Seek, SeekFrom};
use std::path::PathBuf;

fn media(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "media", name]
        .iter()
        .collect();
    std::fs::read(path).unwrap()
}

/// A reader that counts what is asked of it.
struct Counting {
    inner: Cursor<Vec<u8>>,
    bytes: u64,
    reads: u64,
}

impl Counting {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            inner: Cursor::new(bytes),
            bytes: 0,
            reads: 0,
        }
    }

    fn probe(
        &mut self,
    ) -> std::result::Result<evidence::video::VideoFacts, evidence::video::VideoRefusal> {
        let size = self.inner.get_ref().len() as u64;
        evidence::video::probe(self, size)
    }
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let n = self.inner.read(buf)?;
        self.bytes += n as u64;
        self.reads += 1;
        Ok(n)
    }
}

impl Seek for Counting {
    fn seek(&mut self, pos: SeekFrom) -> Result<u64> {
        self.inner.seek(pos)
    }
}
