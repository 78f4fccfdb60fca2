//! A pack on the disk: its table, the room in it, and its end.
//!
//! Whoever may append to a pack holds the lock on its file for as long as that lasts, in whatever
//! process. Nobody removes a file without that lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use crate::pack::{self, ENTRY, Extent, TABLE};

/// Puts blobs into the table, the first as number `first`.
pub(super) fn enter(file: &File, first: usize, extents: &[Extent]) -> io::Result<()> {
    file.write_all_at(&pack::entries(extents), place(first))
}

/// Where a blob lies, if it is in the table.
pub(super) fn entry(file: &File, number: usize) -> io::Result<Option<Extent>> {
    let mut entry = [0; ENTRY];
    match file.read_exact_at(&mut entry, place(number)) {
        Ok(()) => Ok(Some(pack::entry(&entry)).filter(|extent| extent.len > 0)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes blobs out of the table. A power cut may bring them back; the sweeper finds them then.
pub(super) fn strike(file: &File, first: usize, count: usize) -> io::Result<()> {
    file.write_all_at(&vec![0; count * ENTRY], place(first))
}

/// Gives the room from `start` to `end` back, where the file system can. It is lost to nobody else:
/// it comes back with the file in any case.
pub(super) fn give_back(file: &File, start: u64, end: u64) {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let _ = fallocate(file, flags, start, end.saturating_sub(start));
}

/// The numbers of the blobs in the table. None where it was never written whole: then nobody was
/// told of success.
pub(super) fn standing(file: &File) -> io::Result<Vec<usize>> {
    let mut table = [0; TABLE];
    match file.read_exact_at(&mut table, 0) {
        Ok(()) => Ok(pack::standing(&table).collect()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Removes the pack at `path` if nothing stands in it and nobody may append, and tells whether it
/// is gone. What is left is removed when its owner closes it, or by the sweeper.
pub(super) fn remove_if_empty(file: &File, path: &Path) -> io::Result<bool> {
    if !standing(file)?.is_empty() {
        return Ok(false);
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Its owner may have appended, and somebody else removed it, before the lock was free.
    let gone = is_gone(file)?;
    let remove = !gone && standing(file)?.is_empty();
    if remove {
        fs::remove_file(path)?;
    }
    file.unlock()?;
    Ok(gone || remove)
}

/// Whether no name stands for the file any more.
pub(super) fn is_gone(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 0)
}

fn place(number: usize) -> u64 {
    (number * ENTRY) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_name_is_not_removed_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack");
        let create = || {
            let mut options = File::options();
            options.read(true).write(true).create_new(true);
            options.open(&path).unwrap()
        };
        let first = create();
        let again = File::open(&path).unwrap();
        assert!(remove_if_empty(&first, &path).unwrap());
        let second = create();
        assert!(remove_if_empty(&again, &path).unwrap());
        assert!(path.exists());
        assert!(remove_if_empty(&second, &path).unwrap());
        assert!(!path.exists());
    }
}
