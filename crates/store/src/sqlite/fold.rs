//! Folding the write-ahead log into the database, beside those who write.
//!
//! Left to itself, SQLite folds within a commit, which then takes as long as a few dozen others, and all
//! wait for it. A connection of its own folds while others write, and stops them only for the rest, so
//! that the log can start again from its beginning.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::connection::Connection;
use super::group::Desk;
use super::turns::Turns;
use crate::error::StoreError;

/// Commits after which the log is folded.
const EVERY: u32 = 64;
/// Pages in the log with which it has to start again.
const LONGEST: i64 = 8000;

/// Folds the log of one database.
pub(super) struct Folding {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once it is closed.
    connection: Mutex<Option<Connection>>,
    desk: Turns<Desk>,
    commits: AtomicU32,
    running: AtomicBool,
}

impl Folding {
    pub(super) fn new(connection: Connection, desk: Turns<Desk>) -> Self {
        let shared = Shared {
            connection: Mutex::new(Some(connection)),
            desk,
            commits: AtomicU32::new(0),
            running: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Something was committed: folds the log if it is time, elsewhere.
    pub(super) fn after_commit(&self) {
        let shared = &self.shared;
        if shared.commits.fetch_add(1, Ordering::Relaxed) + 1 < EVERY {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if shared.running.swap(true, Ordering::AcqRel) {
            return;
        }
        shared.commits.store(0, Ordering::Relaxed);
        let shared = Arc::clone(shared);
        let handle = runtime.clone();
        runtime.spawn_blocking(move || {
            if let Err(error) = shared.fold(&handle) {
                tracing::warn!(%error, "the database's log cannot be folded in");
            }
            shared.running.store(false, Ordering::Release);
        });
    }

    /// Waits for what is under way and closes the connection.
    pub(super) async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        // An error says that the runtime stops.
        let _ = spawn_blocking(move || *shared.connection() = None).await;
    }
}

impl Shared {
    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }

    fn fold(&self, runtime: &Handle) -> Result<(), StoreError> {
        let connection = self.connection();
        let Some(connection) = connection.as_ref() else {
            return Ok(());
        };
        if connection.fold("PASSIVE")? < LONGEST {
            return Ok(());
        }
        let mut desk = runtime.block_on(self.desk.take());
        // Somebody may count on the next one's commit.
        desk.commit();
        connection.fold("RESTART").map(drop)
    }
}
