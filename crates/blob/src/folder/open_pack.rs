//! Packs that are appended to.
//!
//! One pack is open per store and shared by all who write at the same time: a call takes numbers
//! and extents under a short lock, writes its own beside the others, and then waits for a flush of
//! the file that serves all who wait. Whatever is on the disk between two of these steps harms
//! nobody:
//!
//! * An entry comes before its content, so that what a killed process leaves is found by the table.
//!   Where a power cut leaves an entry without its content, nobody was told of success.
//! * Where a power cut leaves content without an entry, its room comes back with the file.
//! * Each call's extents begin in a block of their own: but for the table, no block that is durable
//!   is written again. Of the table, a torn block has old sectors and new ones, and no entry lies
//!   in two.
//! * A file whose name is not durable has nobody who was told of success, either.
//! * The lock of a process that was killed is gone with it, and nobody appends to its pack again.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use super::flush::{Outcome, Queue, told};
use super::layout::Layout;
use super::pack_file;
use crate::BlobError;
use crate::pack::{self, Extent, MOST, Name, TABLE};
use crate::shelf::{Batch, Publishing, Staged};

/// A pack that has come to this size is closed.
const FULL: u64 = 64 * 1024 * 1024;
/// What is larger than this has a pack of its own: others would wait for it.
const ALONE: u64 = 4 * 1024 * 1024;

/// The pack that is open for all.
pub(super) struct Packs {
    layout: Arc<Layout>,
    open: Mutex<Option<Places>>,
}

impl Packs {
    pub(super) fn new(layout: &Arc<Layout>) -> Self {
        Self {
            layout: Arc::clone(layout),
            open: Mutex::default(),
        }
    }

    /// Begins blobs of these (sealed) lengths, at most [`MOST`].
    pub(super) fn begin(
        &self,
        lens: &[u64],
        name: impl FnOnce() -> String,
    ) -> Result<Batch, BlobError> {
        let size = lens.iter().sum();
        self.layout.room_for(size)?;
        let run = self.take(lens, size, name);
        let ids = (run.first..).take(lens.len());
        let pack = &run.pack.name;
        let ids = ids
            .map(|number| Name::Member { pack, number }.to_string())
            .collect();
        Ok(Batch {
            ids,
            staged: Box::new(run.enter()?),
        })
    }

    fn take(&self, lens: &[u64], size: u64, name: impl FnOnce() -> String) -> Run {
        let fresh = || Places::new(OpenPack::new(&self.layout, name()));
        if size > ALONE {
            return fresh().take(lens);
        }
        let mut open = self.open();
        match &mut *open {
            Some(places) if places.have_room(lens.len(), size) => places.take(lens),
            full => {
                let mut places = fresh();
                let run = places.take(lens);
                let full = full.replace(places);
                drop(open);
                // Closing it, where nobody else does, is better done outside of the lock.
                drop(full);
                run
            }
        }
    }

    /// Closes the open pack if it was last written to before `older_than`, so that what was
    /// abandoned in it can be told from what is being written.
    pub(super) fn close_idle(&self, older_than: SystemTime) -> io::Result<()> {
        let mut open = self.open();
        let file = open.as_ref().and_then(|places| places.pack.file.get());
        let idle = match file {
            Some(Ok(file)) => file.metadata()?.modified()? < older_than,
            _ => false,
        };
        let closed = if idle { open.take() } else { None };
        drop(open);
        drop(closed);
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Option<Places>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pack and what of it was not handed out.
struct Places {
    pack: Arc<OpenPack>,
    number: usize,
    end: u64,
}

impl Places {
    fn new(pack: OpenPack) -> Self {
        Self {
            pack: Arc::new(pack),
            number: 0,
            end: TABLE as u64,
        }
    }

    fn have_room(&self, count: usize, size: u64) -> bool {
        !self.pack.is_spoilt() && self.number + count <= MOST && self.end + size <= FULL
    }

    fn take(&mut self, lens: &[u64]) -> Run {
        let extents = pack::lay_out(self.end, lens);
        let first = self.number;
        self.number += lens.len();
        let start = extents.first().map_or(self.end, |extent| extent.start);
        self.end = start + lens.iter().sum::<u64>();
        Run {
            pack: Arc::clone(&self.pack),
            first,
            extents,
            at: start,
            end: self.end,
            published: false,
        }
    }
}

/// A pack that this process appends to, until nobody refers to it any more.
struct OpenPack {
    layout: Arc<Layout>,
    /// Its name without what follows the dot.
    name: String,
    /// Made by whoever needs it first, and locked.
    file: OnceLock<Outcome<File>>,
    flushes: Arc<Queue>,
    /// Set once its folder was flushed.
    named: OnceLock<()>,
    /// Why a flush failed: what was written before may be lost, and cannot be flushed again.
    failed: OnceLock<Arc<io::Error>>,
}

impl OpenPack {
    fn new(layout: &Arc<Layout>, name: String) -> Self {
        Self {
            layout: Arc::clone(layout),
            name,
            file: OnceLock::new(),
            flushes: Arc::default(),
            named: OnceLock::new(),
            failed: OnceLock::new(),
        }
    }

    /// Whether nobody should take a place in it any more.
    fn is_spoilt(&self) -> bool {
        self.failed.get().is_some() || matches!(self.file.get(), Some(Err(_)))
    }

    fn file_name(&self) -> String {
        Name::Pack(&self.name).to_string()
    }

    fn path(&self) -> PathBuf {
        self.layout.whole(&self.file_name())
    }

    fn file(&self) -> io::Result<&File> {
        let file = self.file.get_or_init(|| self.create().map_err(Arc::new));
        file.as_ref().map_err(told)
    }

    fn create(&self) -> io::Result<File> {
        self.layout.grow(&self.name)?;
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(self.path())?;
            file.lock()?;
            file.set_len(TABLE as u64)?;
            // Before it was locked, somebody may have taken it for an abandoned one.
            if !pack_file::is_gone(&file)? {
                return Ok(file);
            }
        }
    }

    /// Makes durable what was written so far.
    async fn flush(self: &Arc<Self>) -> io::Result<()> {
        let (outcome, mine) = self.flushes.enter();
        if mine {
            // Whoever waits holds the pack; once all were told it may be closed at once.
            let (pack, flushes) = (Arc::downgrade(self), Arc::clone(&self.flushes));
            let flush = move || match pack.upgrade() {
                Some(pack) => pack.flush_or_fail(),
                None => Ok(()),
            };
            drop(spawn_blocking(move || flushes.run(flush)));
        }
        let outcome = outcome.await.map_err(io::Error::other)?;
        outcome.map_err(|error| told(&error))
    }

    fn flush_or_fail(&self) -> Outcome {
        match self.failed.get() {
            Some(error) => Err(Arc::clone(error)),
            None => self
                .flush_now()
                .map_err(|error| Arc::clone(self.failed.get_or_init(|| Arc::new(error)))),
        }
    }

    fn flush_now(&self) -> io::Result<()> {
        self.file()?.sync_data()?;
        if self.named.get().is_none() {
            self.layout.flush(&self.file_name())?;
            self.named.get_or_init(|| ());
        }
        Ok(())
    }
}

impl Drop for OpenPack {
    /// Closes it: the lock goes first, so that of two who find it empty one removes it.
    fn drop(&mut self) {
        if let Some(Ok(file)) = self.file.get() {
            // What cannot be removed now is left to the sweeper.
            let _ = file
                .unlock()
                .and_then(|()| pack_file::remove_if_empty(file, &self.path()));
        }
    }
}

/// Places in a pack that one call has taken. Dropped before it is published, it leaves them empty.
struct Run {
    pack: Arc<OpenPack>,
    first: usize,
    extents: Vec<Extent>,
    /// Where the next byte goes.
    at: u64,
    end: u64,
    published: bool,
}

impl Run {
    fn enter(self) -> io::Result<Self> {
        pack_file::enter(self.pack.file()?, self.first, &self.extents)?;
        Ok(self)
    }
}

impl Staged for Run {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let end = self.at + bytes.len() as u64;
        if end > self.end {
            return Err(BlobError::Io(io::Error::other(MORE)));
        }
        self.pack.file()?.write_all_at(bytes, self.at)?;
        self.at = end;
        Ok(())
    }

    fn publish(mut self: Box<Self>) -> Publishing {
        Box::pin(async move {
            if self.at < self.end {
                return Err(BlobError::Io(io::Error::other(LESS)));
            }
            self.pack.flush().await?;
            self.published = true;
            Ok(())
        })
    }
}

const MORE: &str = "more was written than was announced";
const LESS: &str = "less was written than was announced";

impl Drop for Run {
    fn drop(&mut self) {
        if let (false, Some(Ok(file))) = (self.published, self.pack.file.get()) {
            // What cannot be struck out now is left to the sweeper.
            let _ = pack_file::strike(file, self.first, self.extents.len());
            let start = self.extents.first().map_or(self.end, |extent| extent.start);
            pack_file::give_back(file, start, self.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "00112233445566778899aabbccddeeff";

    fn packs(folder: &tempfile::TempDir) -> Packs {
        Packs::new(&Arc::new(Layout::create(folder.path().into()).unwrap()))
    }

    fn begin(packs: &Packs, name: &str, lens: &[u64]) -> Batch {
        packs.begin(lens, || name.to_owned()).unwrap()
    }

    fn pack(packs: &Packs) -> Arc<OpenPack> {
        Arc::clone(&packs.open().as_ref().unwrap().pack)
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_nothing_and_the_others_whole() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        let mut first = begin(&packs, NAME, &[5, 6]);
        let mut second = begin(&packs, "none is needed", &[3, 9000]);
        let mut third = begin(&packs, "none is needed", &[4]);
        assert_eq!(third.ids, [format!("{NAME}.4")]);
        third.staged.write(b"last").unwrap();
        second.staged.write(&[2; 9000]).unwrap();
        first.staged.write(b"first").unwrap();
        first.staged.write(b"second").unwrap();
        drop(second);
        first.staged.publish().await.unwrap();
        third.staged.publish().await.unwrap();

        let pack = pack(&packs);
        let file = pack.file().unwrap();
        assert_eq!(pack_file::standing(file).unwrap(), [0, 1, 4]);
        let bytes = std::fs::read(pack.path()).unwrap();
        let extent = pack_file::entry(file, 4).unwrap().unwrap();
        assert_eq!(&bytes[extent.start as usize..], b"last");
        assert_eq!(&bytes[TABLE..TABLE + 11], b"firstsecond");
        assert!(
            bytes[TABLE + 11..extent.start as usize]
                .iter()
                .all(|byte| *byte == 0)
        );
    }

    #[tokio::test]
    async fn nobody_writes_into_anothers_place_or_publishes_half() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        let mut short = begin(&packs, NAME, &[5]).staged;
        short.write(b"1234").unwrap();
        assert!(short.write(b"56").is_err());
        assert!(short.publish().await.is_err());
        let pack = pack(&packs);
        let standing = pack_file::standing(pack.file().unwrap()).unwrap();
        assert_eq!(standing, Vec::<usize>::new());
    }

    #[tokio::test]
    async fn a_flush_that_failed_is_told_to_all_and_nothing_is_appended_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        let broken = OpenPack::new(&packs.layout, NAME.to_owned());
        // Takes every byte and cannot be flushed.
        let null = OpenOptions::new().read(true).write(true).open("/dev/null");
        broken.file.set(Ok(null.unwrap())).unwrap();
        *packs.open() = Some(Places::new(broken));
        let [mut first, mut second] = [5, 6].map(|len| begin(&packs, NAME, &[len]).staged);
        first.write(b"first").unwrap();
        assert!(first.publish().await.is_err());
        second.write(b"second").unwrap();
        assert!(second.publish().await.is_err());

        let name = NAME.replace('0', "f");
        let mut next = begin(&packs, &name, &[4]);
        assert_eq!(next.ids, [format!("{name}.0")]);
        next.staged.write(b"next").unwrap();
        next.staged.publish().await.unwrap();
    }

    #[tokio::test]
    async fn after_a_flush_that_failed_no_later_one_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        let [first, mut second] = [0, 6].map(|len| begin(&packs, NAME, &[len]).staged);
        first.publish().await.unwrap();
        let lost = Arc::new(io::Error::other("bytes of the second as well"));
        pack(&packs).failed.set(lost).unwrap();
        second.write(b"second").unwrap();
        assert!(second.publish().await.is_err());
    }

    #[tokio::test]
    async fn a_file_that_could_not_be_made_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        std::fs::write(folder.path().join("00"), "in the way").unwrap();
        assert!(packs.begin(&[5], || NAME.to_owned()).is_err());
        let name = NAME.replace('0', "f");
        assert_eq!(begin(&packs, &name, &[5]).ids, [format!("{name}.0")]);
    }

    #[tokio::test]
    async fn who_is_still_writing_keeps_the_lock_of_a_file_that_was_closed() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(&folder);
        let mut late = begin(&packs, NAME, &[4]);
        let path = pack(&packs).path();
        let century = std::time::Duration::from_secs(100 * 365 * 24 * 3600);
        packs.close_idle(SystemTime::UNIX_EPOCH).unwrap();
        assert!(packs.open().is_some(), "it is younger");
        packs.close_idle(SystemTime::UNIX_EPOCH + century).unwrap();
        assert!(packs.open().is_none());
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err());
        late.staged.write(b"late").unwrap();
        late.staged.publish().await.unwrap();
        other.try_lock().unwrap();
        assert_eq!(pack_file::standing(&other).unwrap(), [0]);
    }
}
