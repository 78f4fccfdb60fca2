//! A local folder as a place for blobs.
//!
//! Whole blobs lie at `ab/cd/abcd…`, which keeps folders small, since names say who the neighbours
//! are ([`crate::names`]). A blob that arrives in pieces lies in `staging` while it is written and
//! moves by an atomic rename; those that are written in one go are appended to a pack in its place
//! ([`open_pack`]). Files are for their owner only (mode 0600, folders 0700). Several processes may
//! work on one folder: each appends to a pack of its own.

mod flush;
mod layout;
mod open_pack;
mod pack_file;
mod readers;
mod single;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use self::layout::Layout;
use self::open_pack::Packs;
use self::readers::{Readers, Reading};
use self::single::Single;
use crate::BlobError;
use crate::pack::Name;
use crate::shelf::{Batch, Readable, Shelf, Staged};

pub(crate) struct Folder {
    layout: Arc<Layout>,
    packs: Packs,
    readers: Arc<Readers>,
}

impl Folder {
    pub(crate) fn open(root: PathBuf) -> Result<Self, BlobError> {
        let layout = Arc::new(Layout::create(root)?);
        Ok(Self {
            packs: Packs::new(&layout),
            layout,
            readers: Arc::default(),
        })
    }

    fn open_member(&self, id: &str, name: Name<'_>, number: usize) -> io::Result<Option<Part>> {
        let reading = self.readers.enter(id);
        let Some(file) = found(File::open(self.layout.whole(&name.file())))? else {
            return Ok(None);
        };
        let extent = pack_file::entry(&file, number)?;
        Ok(extent.map(|extent| Part {
            id: id.to_owned(),
            file,
            start: extent.start,
            len: extent.len,
            _reading: Some(reading),
        }))
    }

    fn open_single(&self, id: &str) -> io::Result<Option<Part>> {
        let Some(file) = found(File::open(self.layout.whole(id)))? else {
            return Ok(None);
        };
        Ok(Some(Part {
            id: id.to_owned(),
            len: file.metadata()?.len(),
            file,
            start: 0,
            _reading: None,
        }))
    }

    fn delete_single(&self, name: &str) -> io::Result<()> {
        for path in [self.layout.whole(name), self.layout.staged(name)] {
            found(fs::remove_file(path))?;
        }
        Ok(())
    }

    fn delete_pack(&self, path: &Path) -> io::Result<()> {
        if let Some(pack) = found(writable(path))? {
            pack_file::remove_if_empty(&pack, path)?;
        }
        Ok(())
    }

    fn delete_member(&self, id: &str, path: &Path, number: usize) -> io::Result<()> {
        let Some(pack) = found(writable(path))? else {
            return Ok(());
        };
        let extent = pack_file::entry(&pack, number)?;
        if extent.is_some() {
            pack_file::strike(&pack, number, 1)?;
        }
        let gone = pack_file::remove_if_empty(&pack, path)?;
        if let (false, Some(extent)) = (gone, extent) {
            self.readers.give_back(id, pack, extent);
        }
        Ok(())
    }
}

impl Shelf for Folder {
    fn stage(&self, id: &str) -> Result<Box<dyn Staged>, BlobError> {
        Ok(Box::new(Single::begin(&self.layout, id)?))
    }

    fn stage_all(
        &self,
        lens: &[u64],
        name: Box<dyn FnOnce() -> String + '_>,
    ) -> Result<Batch, BlobError> {
        self.packs.begin(lens, name)
    }

    fn open(&self, id: &str) -> Result<Box<dyn Readable>, BlobError> {
        let part = match Name::parse(id) {
            None | Some(Name::Pack(_)) => None,
            Some(Name::Single(id)) => self.open_single(id)?,
            Some(name @ Name::Member { number, .. }) => self.open_member(id, name, number)?,
        };
        match part {
            Some(part) => Ok(Box::new(part)),
            None => Err(BlobError::Missing(id.to_owned())),
        }
    }

    fn delete(&self, id: &str) -> Result<(), BlobError> {
        let Some(name) = Name::parse(id) else {
            return Ok(());
        };
        let path = self.layout.whole(&name.file());
        match name {
            Name::Single(id) => self.delete_single(id)?,
            Name::Pack(_) => self.delete_pack(&path)?,
            Name::Member { number, .. } => self.delete_member(id, &path, number)?,
        }
        Ok(())
    }

    fn list(&self, older_than: SystemTime) -> Result<Vec<String>, BlobError> {
        self.packs.close_idle(older_than)?;
        // What was abandoned half-way goes as it is.
        let mut listed: Vec<_> = files(&self.layout.staging(), older_than)?
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        for folder in self.layout.folders()? {
            for (path, name) in files(&folder, older_than)? {
                match Name::parse(&name) {
                    Some(Name::Pack(pack)) => listed.extend(members(&path, pack, older_than)?),
                    _ => listed.push(name),
                }
            }
        }
        Ok(listed)
    }
}

/// A file, or a part of one.
struct Part {
    id: String,
    file: File,
    start: u64,
    len: u64,
    /// Of a pack's member, whose room is somebody else's afterwards.
    _reading: Option<Reading>,
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

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// `None` for what is not there.
fn found<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Blobs and packs in `folder` that were last written to before `older_than`.
fn files(folder: &Path, older_than: SystemTime) -> io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(Name::parse) else {
            continue;
        };
        // It may have moved or gone since the folder was read.
        let modified = found(entry.metadata().and_then(|metadata| metadata.modified()))?;
        if modified.is_some_and(|modified| modified < older_than) {
            files.push((entry.path(), name.to_string()));
        }
    }
    Ok(files)
}

/// The blobs of a pack; the pack itself where none is left in it. Nothing of one that somebody
/// appends to, or did a moment ago.
fn members(path: &Path, pack: &str, older_than: SystemTime) -> io::Result<Vec<String>> {
    let Some(file) = found(File::open(path))? else {
        return Ok(Vec::new());
    };
    match file.try_lock_shared() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Vec::new()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Under the lock it does not change any more, but until then it may have.
    if file.metadata()?.modified()? >= older_than {
        return Ok(Vec::new());
    }
    let standing = pack_file::standing(&file)?.into_iter();
    let members: Vec<_> = standing
        .map(|number| Name::Member { pack, number }.to_string())
        .collect();
    Ok(match members.is_empty() {
        true => vec![Name::Pack(pack).to_string()],
        false => members,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pack::Extent;

    #[test]
    fn what_was_appended_since_the_folder_was_read_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack");
        let file = File::create(&path).unwrap();
        file.set_len(crate::pack::TABLE as u64).unwrap();
        let extent = Extent {
            start: 4096,
            len: 5,
        };
        pack_file::enter(&file, 7, &[extent]).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let nothing: [&str; 0] = [];
        assert_eq!(members(&path, "name", written).unwrap(), nothing);
        let later = written + Duration::from_secs(1);
        assert_eq!(members(&path, "name", later).unwrap(), ["name.7"]);
    }
}
