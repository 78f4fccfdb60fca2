//! Blobs in a local folder: what is written is what is read, and nothing else ever is.

mod durability;
mod packs;
mod reading;
mod writing;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use blob::{BlobStore, Content};
use bytes::Bytes;
use crypto::{DataKey, SystemEntropy};
use tempfile::TempDir;
use time::OffsetDateTime;

struct Bench {
    store: BlobStore,
    key: DataKey,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: BlobStore::local(folder.path()).await.unwrap(),
            key: DataKey::generate(&SystemEntropy),
            folder,
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        whole(self.folder.path(), id)
    }

    /// Every file below the folder.
    fn files(&self) -> Vec<PathBuf> {
        files(self.folder.path())
    }
}

fn whole(folder: &Path, id: &str) -> PathBuf {
    folder.join(&id[..2]).join(&id[2..4]).join(id)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Bytes that differ from chunk to chunk.
fn content(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

/// Contents of these lengths.
fn contents(lens: &[usize]) -> Vec<Content> {
    lens.iter()
        .map(|len| Bytes::from(content(*len)).into())
        .collect()
}

/// After every file of this test run.
fn far_future() -> OffsetDateTime {
    let year = std::time::Duration::from_secs(365 * 24 * 3600);
    (std::fs::metadata(".")
        .unwrap()
        .modified()
        .unwrap()
        .max(SystemTime::UNIX_EPOCH)
        + year * 100)
        .into()
}
