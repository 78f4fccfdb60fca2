//! Durability: one flush of the write-ahead log serves all transactions that were committed since
//! the one before.
//!
//! SQLite itself waits for the disk within each commit (`synchronous = FULL`), and meanwhile nobody
//! can write. So it is told not to, and the log is flushed beside it: the next transaction runs while
//! those before it are on their way to the disk. Nobody learns of a transaction before it is durable,
//! neither who made it nor who reads: see [`Flushes::settled`].
//!
//! Where a flush fails, nobody can say what the disk holds. Nothing is told or read after that, until the
//! database is opened anew.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::error::StoreError;

pub(super) type Outcome = Result<(), StoreError>;

/// The flushes of one database's log.
pub(super) struct Flushes {
    flush: Box<dyn Fn() -> io::Result<()> + Send + Sync>,
    /// Number of the last commit that was begun.
    begun: AtomicU64,
    state: Mutex<State>,
    durable: watch::Sender<Durable>,
}

#[derive(Default)]
struct State {
    /// Number of the last commit that has ended.
    committed: u64,
    /// Who waits for the next flush.
    waiting: Vec<oneshot::Sender<Outcome>>,
    running: bool,
}

/// How much is durable.
#[derive(Clone, Copy)]
enum Durable {
    /// All commits up to this one.
    UpTo(u64),
    /// Nobody knows.
    Unknown,
}

impl Flushes {
    /// For the database in the file at `path`.
    pub(super) fn new(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let (log, file) = (PathBuf::from(log), OnceLock::new());
        Self::by(move || flush(&log, &file))
    }

    /// By other means than the log's file.
    pub(super) fn by(flush: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            flush: Box::new(flush),
            begun: AtomicU64::new(0),
            state: Mutex::default(),
            durable: watch::Sender::new(Durable::UpTo(0)),
        }
    }

    /// The number of a commit, drawn before anybody can see what it commits.
    pub(super) fn commit_begins(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Flushes what that commit wrote, with others' that are near, and tells `members` of it. A commit that
    /// failed has none.
    pub(super) fn commit_ended(
        self: &Arc<Self>,
        number: u64,
        members: impl IntoIterator<Item = oneshot::Sender<Outcome>>,
    ) {
        let mut state = self.state();
        state.committed = number;
        state.waiting.extend(members);
        if std::mem::replace(&mut state.running, true) {
            return;
        }
        drop(state);
        match Handle::try_current() {
            Ok(runtime) => {
                let flushes = Arc::clone(self);
                drop(runtime.spawn_blocking(move || flushes.run()));
            }
            Err(_) => self.run(),
        }
    }

    /// Waits until everything is durable that could be seen when this was called.
    pub(super) async fn settled(&self) -> Outcome {
        let seen = self.begun.load(Ordering::SeqCst);
        let mut durable = self.durable.subscribe();
        let reached = |durable: &Durable| match durable {
            Durable::UpTo(number) => *number >= seen,
            Durable::Unknown => true,
        };
        match durable.wait_for(reached).await.map(|durable| *durable) {
            Ok(Durable::UpTo(_)) => Ok(()),
            Ok(Durable::Unknown) | Err(_) => Err(lost()),
        }
    }

    /// Whether it is known what the disk holds.
    pub(super) fn check(&self) -> Outcome {
        match *self.durable.borrow() {
            Durable::UpTo(_) => Ok(()),
            Durable::Unknown => Err(lost()),
        }
    }

    /// Flushes until nothing is left to be. Blocks.
    pub(super) fn run(&self) {
        loop {
            let (committed, waiting) = {
                let mut state = self.state();
                let flushed = match *self.durable.borrow() {
                    Durable::UpTo(number) => number >= state.committed,
                    Durable::Unknown => state.waiting.is_empty(),
                };
                if flushed {
                    state.running = false;
                    return;
                }
                (state.committed, std::mem::take(&mut state.waiting))
            };
            let flushed = self.check().and_then(|()| {
                (self.flush)().map_err(|error| {
                    tracing::error!(%error, "the database's log cannot be flushed");
                    lost()
                })
            });
            self.durable
                .send_modify(|durable| match (&flushed, &durable) {
                    (Ok(()), Durable::UpTo(number)) if *number < committed => {
                        *durable = Durable::UpTo(committed);
                    }
                    (Ok(()), _) => {}
                    (Err(_), _) => *durable = Durable::Unknown,
                });
            for member in waiting {
                // Nobody listens where the caller has gone.
                let _ = member.send(match &flushed {
                    Ok(()) => Ok(()),
                    Err(_) => Err(lost()),
                });
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Flushes the log, which is there once something was committed, and at first its name.
fn flush(log: &Path, file: &OnceLock<File>) -> io::Result<()> {
    let file = match file.get() {
        Some(file) => file,
        None => {
            let opened = File::open(log)?;
            match log.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all()?,
                _ => File::open(".")?.sync_all()?,
            }
            file.get_or_init(|| opened)
        }
    };
    file.sync_data()
}

fn lost() -> StoreError {
    StoreError::Unavailable("the disk failed; the database has to be opened anew".into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Flushes that end when they are told to, and how they end.
    fn slow() -> (Arc<Flushes>, mpsc::Sender<io::Result<()>>) {
        let (end, ends) = mpsc::channel();
        let ends = Mutex::new(ends);
        let flush = move || ends.lock().unwrap().recv().unwrap();
        (Arc::new(Flushes::by(flush)), end)
    }

    fn commit(flushes: &Arc<Flushes>) -> oneshot::Receiver<Outcome> {
        let (member, told) = oneshot::channel();
        flushes.commit_ended(flushes.commit_begins(), [member]);
        told
    }

    #[tokio::test]
    async fn nobody_learns_of_a_commit_before_it_is_durable() {
        let (flushes, end) = slow();
        flushes.settled().await.unwrap();
        let number = flushes.commit_begins();
        assert!(
            timeout(SOON, flushes.settled()).await.is_err(),
            "seen early"
        );
        let (member, mut told) = oneshot::channel();
        flushes.commit_ended(number, [member]);
        assert!(timeout(SOON, &mut told).await.is_err(), "told early");
        assert!(
            timeout(SOON, flushes.settled()).await.is_err(),
            "seen early"
        );
        end.send(Ok(())).unwrap();
        timeout(PATIENCE, told).await.unwrap().unwrap().unwrap();
        timeout(PATIENCE, flushes.settled()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn whoever_commits_during_a_flush_is_served_by_the_next_one_with_all_others() {
        let (flushes, end) = slow();
        let first = commit(&flushes);
        // The flush may serve only what was committed when it began.
        tokio::time::sleep(SOON).await;
        let others: Vec<_> = (0..10).map(|_| commit(&flushes)).collect();
        end.send(Ok(())).unwrap();
        timeout(PATIENCE, first).await.unwrap().unwrap().unwrap();
        let mut others = others.into_iter();
        let mut next = others.next().unwrap();
        assert!(timeout(SOON, &mut next).await.is_err(), "told early");
        end.send(Ok(())).unwrap();
        for told in others.chain([next]) {
            timeout(PATIENCE, told).await.unwrap().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_commit_that_failed_keeps_nobody_waiting() {
        let (flushes, end) = slow();
        flushes.commit_ended(flushes.commit_begins(), []);
        end.send(Ok(())).unwrap();
        timeout(PATIENCE, flushes.settled()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn after_a_flush_that_failed_nothing_is_told_or_read_any_more() {
        let (flushes, end) = slow();
        let told = commit(&flushes);
        end.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        assert!(timeout(PATIENCE, told).await.unwrap().unwrap().is_err());
        assert!(flushes.check().is_err());
        assert!(timeout(PATIENCE, flushes.settled()).await.unwrap().is_err());
        // Whoever was on the way.
        let told = commit(&flushes);
        assert!(timeout(PATIENCE, told).await.unwrap().unwrap().is_err());
    }
}
