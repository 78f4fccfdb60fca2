//! A local folder as a place for blobs.
//!
//! Whole blobs lie at `ab/cd/abcd…`, which keeps folders small, since names say who the neighbours
//! are ([`crate::names`]); blobs being written lie in `staging` and move by an atomic rename, but for
//! packs. Files are for their owner only (mode 0600, folders 0700).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::BlobError;
use crate::flush::Flushes;
use crate::pack::{self, Extent, Name};
use crate::shelf::{Readable, Shelf, Staged};

/// So much stays free: the database, often on the same disk, must be able to record what arrived.
const RESERVE: u64 = 16 * 1024 * 1024;

pub(crate) struct Folder {
    layout: Arc<Layout>,
    flushes: Flushes,
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
            flushes: Flushes::default(),
        })
    }

    fn delete_file(&self, name: &str) -> Result<(), BlobError> {
        for path in [self.layout.whole(name), self.layout.staged(name)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Strikes a blob out of its pack's table, and removes the pack with the last of them. A power
    /// cut may bring it back; the sweeper finds it then.
    fn delete_member(&self, file: &str, number: usize) -> Result<(), BlobError> {
        let path = self.layout.whole(file);
        let pack = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(pack) => pack,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        pack.write_all_at(&[0; pack::ENTRY], (number * pack::ENTRY) as u64)?;
        match pack::standing(&table_of(&pack)?).next() {
            Some(_) => Ok(()),
            None => self.delete_file(file),
        }
    }
}

impl Shelf for Folder {
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError> {
        let room = rustix::fs::statvfs(&self.layout.root).map_err(io::Error::from)?;
        if room.f_bavail.saturating_mul(room.f_frsize) < RESERVE {
            return Err(BlobError::StorageFull);
        }
        // A pack's name is known to nobody before it is whole, so that it need not move.
        let path = match Name::parse(id) {
            Some(Name::Pack(_)) => self.layout.grow(id)?.join(id),
            _ => self.layout.staged(id),
        };
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

    fn open(&self, id: &str) -> Result<Box<dyn Readable>, BlobError> {
        let missing = || BlobError::Missing(id.to_owned());
        let name = Name::parse(id).ok_or_else(missing)?;
        let file = match File::open(self.layout.whole(&name.file())) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        let (start, len) = match name {
            Name::Single(_) => (0, file.metadata()?.len()),
            Name::Pack(_) => return Err(missing()),
            Name::Member { number, .. } => match pack::entry(&table_of(&file)?, number) {
                Extent { len: 0, .. } => return Err(missing()),
                Extent { start, len } => (start, len),
            },
        };
        Ok(Box::new(Part {
            id: id.to_owned(),
            file,
            start,
            len,
        }))
    }

    fn delete(&self, id: &str) -> Result<(), BlobError> {
        match Name::parse(id) {
            None => Ok(()),
            Some(name @ Name::Member { number, .. }) => self.delete_member(&name.file(), number),
            Some(name) => self.delete_file(&name.file()),
        }
    }

    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError> {
        // What was abandoned half-way goes as it is.
        let mut found: Vec<_> = files(&self.layout.root.join(STAGING), older_than)?
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        for outer in folders(&self.layout.root)? {
            for inner in folders(&outer)? {
                for (path, name) in files(&inner, older_than)? {
                    match Name::parse(&name) {
                        Some(Name::Pack(pack)) => found.extend(members(&path, pack)),
                        _ => found.push(name),
                    }
                }
            }
        }
        Ok(found)
    }

    fn publish(&self, staged: Box<dyn Staged>) -> Result<(), BlobError> {
        Ok(self.flushes.flush(&staged.show()?)?)
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
        match &self.path {
            Some(staged) if *staged != whole => {
                self.layout.grow(&self.id)?;
                fs::rename(staged, whole)?;
            }
            _ => {}
        }
        self.path = None;
        Ok(self.layout.folder(&self.id))
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

/// A file, or a part of one.
struct Part {
    id: String,
    file: File,
    start: u64,
    len: u64,
}

impl Readable for Part {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlobError> {
        match self
            .file
            .read_exact_at(buffer, self.start.saturating_add(offset))
        {
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

/// A pack's table.
fn table_of(pack: &File) -> Result<[u8; pack::TABLE], BlobError> {
    let mut table = [0; pack::TABLE];
    pack.read_exact_at(&mut table, 0)?;
    Ok(table)
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

/// Blobs and packs in `folder` that were last written to before `older_than`.
fn files(folder: &Path, older_than: SystemTime) -> io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(Name::parse) else {
            continue;
        };
        match entry.metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) if modified < older_than => found.push((entry.path(), name.to_string())),
            Ok(_) => {}
            // It moved or went away since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The blobs of a pack; the pack itself where none is left in it, or its table is unreadable.
fn members(path: &Path, pack: &str) -> Vec<String> {
    let table = File::open(path)
        .map_err(BlobError::from)
        .and_then(|pack| table_of(&pack));
    let numbers = table.map(|table| pack::standing(&table).collect::<Vec<_>>());
    match numbers {
        Ok(numbers) if !numbers.is_empty() => numbers
            .into_iter()
            .map(|number| Name::Member { pack, number }.to_string())
            .collect(),
        _ => vec![Name::Pack(pack).to_string()],
    }
}
