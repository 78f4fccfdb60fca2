//! A local folder as a place for blobs.
//!
//! Whole blobs lie at `ab/cd/abcd…`, which keeps folders small, since names say who the neighbours
//! are ([`crate::names`]); blobs being written lie in
//! `staging` and move by an atomic rename. Files are for their owner only (mode 0600, folders
//! 0700).

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::BlobError;
use crate::shelf::{Content, Shelf, Staged};

/// So much stays free: the database, often on the same disk, must be able to record what arrived.
const RESERVE: u64 = 16 * 1024 * 1024;

pub(crate) struct Folder {
    layout: Arc<Layout>,
}

impl Folder {
    pub(crate) fn open(root: PathBuf) -> Result<Self, BlobError> {
        let mut builder = private_folder();
        builder.recursive(true).create(root.join(STAGING))?;
        sync(&root)?;
        if let Some(parent) = root.canonicalize()?.parent() {
            sync(parent)?;
        }
        Ok(Self {
            layout: Arc::new(Layout {
                root,
                growing: Mutex::new(()),
            }),
        })
    }
}

impl Shelf for Folder {
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError> {
        let room = rustix::fs::statvfs(&self.layout.root).map_err(io::Error::from)?;
        if room.f_bavail.saturating_mul(room.f_frsize) < RESERVE {
            return Err(BlobError::StorageFull);
        }
        let path = self.layout.staged(id);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Box::new(StagedFile {
            layout: self.layout.clone(),
            id: id.to_owned(),
            file,
            path: Some(path),
        }))
    }

    fn open(&self, id: &str) -> Result<Box<dyn Content>, BlobError> {
        // A name that is none must not become a path.
        let file = match is_name(id).then(|| File::open(self.layout.whole(id))) {
            Some(Ok(file)) => file,
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => return Err(BlobError::Missing(id.to_owned())),
        };
        let len = file.metadata()?.len();
        Ok(Box::new(WholeFile {
            id: id.to_owned(),
            file,
            len,
        }))
    }

    fn delete(&self, id: &str) -> Result<(), BlobError> {
        if !is_name(id) {
            return Ok(());
        }
        for path in [self.layout.whole(id), self.layout.staged(id)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError> {
        let mut found = Vec::new();
        collect(&self.layout.root.join(STAGING), older_than, &mut found)?;
        for outer in folders(&self.layout.root)? {
            for inner in folders(&outer)? {
                collect(&inner, older_than, &mut found)?;
            }
        }
        Ok(found)
    }

    fn publish(&self, staged: Vec<Box<dyn Staged>>) -> Result<(), BlobError> {
        let mut folders = BTreeSet::new();
        for one in staged {
            folders.insert(one.show()?);
        }
        for folder in folders {
            sync(&folder)?;
        }
        Ok(())
    }
}

struct StagedFile {
    layout: Arc<Layout>,
    id: String,
    file: File,
    /// Gone once the file has moved.
    path: Option<PathBuf>,
}

impl Staged for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        Ok(self.file.write_all(bytes)?)
    }

    fn settle(&mut self) -> Result<(), BlobError> {
        Ok(self.file.sync_all()?)
    }

    fn show(mut self: Box<Self>) -> Result<PathBuf, BlobError> {
        let whole = self.layout.whole(&self.id);
        let folder = self.layout.grow(&self.id)?;
        if let Some(staged) = &self.path {
            fs::rename(staged, whole)?;
        }
        self.path = None;
        Ok(folder)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is left to the sweeper.
            let _ = fs::remove_file(path);
        }
    }
}

struct WholeFile {
    id: String,
    file: File,
    len: u64,
}

impl Content for WholeFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlobError> {
        match self.file.read_exact_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(BlobError::Damaged {
                id: self.id.clone(),
                why: "it became shorter while it was read",
            }),
            other => Ok(other?),
        }
    }
}

const STAGING: &str = "staging";

struct Layout {
    root: PathBuf,
    growing: Mutex<()>,
}

impl Layout {
    fn staged(&self, id: &str) -> PathBuf {
        self.root.join(STAGING).join(id)
    }

    fn whole(&self, id: &str) -> PathBuf {
        self.folder(id).join(id)
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.root.join(&id[..2]).join(&id[2..4])
    }

    /// Makes the folder for `id`, durably, and returns it.
    ///
    /// One at a time: whoever finds a folder must be able to rely on its being durable.
    fn grow(&self, id: &str) -> io::Result<PathBuf> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(id);
        let outer = self.root.join(&id[..2]);
        for (parent, child) in [(&self.root, &outer), (&outer, &folder)] {
            match private_folder().create(child) {
                Ok(()) => sync(parent)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(folder)
    }
}

fn is_name(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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
fn folders(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().len() == 2 && entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn collect(folder: &Path, older_than: SystemTime, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_name(name)) else {
            continue;
        };
        match entry.metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) if modified < older_than => found.push(name.to_owned()),
            Ok(_) => {}
            // It moved or went away since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
