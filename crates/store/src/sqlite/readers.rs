//! The connections that read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::PATIENCE;
use super::connection::{Access, Connection};
use super::flush::Flushes;
use crate::error::StoreError;

/// Few, for the sake of memory: a read takes well under a millisecond, and now and then as long as a
/// flush.
const MOST: u32 = 8;
/// After this, connections that nobody needs give their memory back.
const IDLE: Duration = Duration::from_secs(60);

/// The connections that read, opened as they are needed.
#[derive(Clone)]
pub(super) struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    flushes: Arc<Flushes>,
    turns: Arc<Semaphore>,
    /// Since when each has been here; the latest last.
    idle: Mutex<Vec<(Instant, Connection)>>,
}

/// A connection that reads as of one moment, until it is dropped.
pub(crate) struct Reading {
    /// `None` only while it is dropped.
    connection: Option<Connection>,
    shared: Arc<Shared>,
    _turn: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(path: &Path, flushes: Arc<Flushes>) -> Self {
        let shared = Shared {
            path: path.to_owned(),
            flushes,
            turns: Arc::new(Semaphore::new(MOST as usize)),
            idle: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) async fn begin(&self) -> Result<Reading, StoreError> {
        let reading = self.begin_ahead().await?;
        // What is seen from here on may still be on its way to the disk.
        self.shared.flushes.settled().await?;
        Ok(reading)
    }

    /// Without waiting until what is seen is durable.
    pub(super) async fn begin_ahead(&self) -> Result<Reading, StoreError> {
        self.shared.flushes.check()?;
        let turn = Arc::clone(&self.shared.turns).acquire_owned();
        let turn = timeout(PATIENCE, turn).await;
        let turn = turn.map_err(|_| StoreError::Busy)?.map_err(closed)?;
        let idle = self.shared.idle().pop();
        let connection = match idle {
            Some((_, connection)) => connection,
            None => Connection::open(&self.shared.path, Access::Reading)?,
        };
        connection.begin_reading()?;
        Ok(Reading {
            connection: Some(connection),
            shared: Arc::clone(&self.shared),
            _turn: turn,
        })
    }

    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        if let Ok(all) = self.shared.turns.acquire_many(MOST).await {
            self.shared.turns.close();
            all.forget();
        }
        self.shared.idle().clear();
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or_else(|| closed(()))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // One that cannot even end its transaction goes.
        if connection.run("COMMIT").is_ok() {
            let now = Instant::now();
            let mut idle = self.shared.idle();
            idle.retain(|(since, _)| now.duration_since(*since) < IDLE);
            idle.push((now, connection));
        }
    }
}

fn closed<E>(_: E) -> StoreError {
    StoreError::Unavailable("the database is closed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_reads_ahead_sees_what_is_on_its_way_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let created = rusqlite::Connection::open(&path).unwrap();
        created.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let flushes = Arc::new(Flushes::by(|| Ok(())));
        let readers = Readers::new(&path, Arc::clone(&flushes));
        drop(readers.begin().await.unwrap());

        let number = flushes.commit_begins();
        drop(readers.begin_ahead().await.unwrap());
        let mut early = Box::pin(readers.begin());
        let soon = Duration::from_millis(50);
        assert!(timeout(soon, &mut early).await.is_err(), "seen early");
        flushes.commit_ended(number, []);
        drop(timeout(PATIENCE, early).await.unwrap().unwrap());
    }
}
