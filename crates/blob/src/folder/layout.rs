//! Where files lie, and how a folder becomes durable.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::flush::Flushes;
use crate::BlobError;

/// So much stays free: the database, often on the same disk, must be able to record what arrived.
const RESERVE: u64 = 16 * 1024 * 1024;

const STAGING: &str = "staging";

pub(super) struct Layout {
    root: PathBuf,
    growing: Mutex<()>,
    flushes: Flushes,
}

impl Layout {
    /// Makes the root, durably.
    pub(super) fn create(root: PathBuf) -> io::Result<Self> {
        let mut builder = private_folder();
        builder.recursive(true).create(root.join(STAGING))?;
        sync(&root)?;
        if let Some(parent) = root.canonicalize()?.parent() {
            sync(parent)?;
        }
        Ok(Self {
            root,
            growing: Mutex::default(),
            flushes: Flushes::default(),
        })
    }

    /// Fails with [`BlobError::StorageFull`] where too little is left for `bytes` more.
    pub(super) fn room_for(&self, bytes: u64) -> Result<(), BlobError> {
        let room = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        match room.f_bavail.saturating_mul(room.f_frsize) < RESERVE.saturating_add(bytes) {
            true => Err(BlobError::StorageFull),
            false => Ok(()),
        }
    }

    /// The folder of blobs being written.
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    /// The file `name` while it is being written.
    pub(super) fn staged(&self, name: &str) -> PathBuf {
        self.staging().join(name)
    }

    /// The file `name`.
    pub(super) fn whole(&self, name: &str) -> PathBuf {
        self.folder(name).join(name)
    }

    /// All folders that whole blobs lie in.
    pub(super) fn folders(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for outer in fan_out(&self.root)? {
            found.extend(fan_out(&outer)?);
        }
        Ok(found)
    }

    /// Makes the folder for the file `name`, durably.
    ///
    /// One at a time: whoever finds a folder must be able to rely on its being durable.
    pub(super) fn grow(&self, name: &str) -> io::Result<()> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(name);
        let outer = self.root.join(&name[..2]);
        for (parent, child) in [(&self.root, &outer), (&outer, &folder)] {
            match private_folder().create(child) {
                Ok(()) => sync(parent)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes durable that the file `name` lies in its folder.
    pub(super) fn flush(&self, name: &str) -> io::Result<()> {
        self.flushes.flush(&self.folder(name))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.join(&name[..2]).join(&name[2..4])
    }
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The fan-out folders in `parent`.
fn fan_out(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().len() == 2 && entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
