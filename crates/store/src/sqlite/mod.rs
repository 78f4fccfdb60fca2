//! SQLite: one connection that writes, a few that read, and statements that run where they are
//! asked for.
//!
//! A statement on pages in memory takes some microseconds; to hand each one to another thread and to
//! wait for its answer takes several times as long. Only what may take long leaves the caller's
//! thread: commits, which wait for the disk, and lists without a bound.

mod connection;
mod flush;
mod fold;
mod group;
mod readers;
mod turns;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection as _};

use crate::error::StoreError;
use crate::migrations;

pub(crate) use connection::{Connection, aside};
pub(crate) use group::Member;
pub(crate) use readers::Reading;

use group::Writer;
use readers::Readers;

/// How long a caller waits for a connection, and a connection for another process's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database in a file.
#[derive(Clone)]
pub(crate) struct Sqlite {
    /// SQLite knows one writer at a time; a second connection that wants to write only collides.
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens the file, creates it if need be, and brings its schema up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        create_private(path)?;
        migrate(path).await?;
        let writer = Writer::open(path)?;
        let readers = Readers::new(path, writer.flushes());
        Ok(Self { writer, readers })
    }

    /// Begins reading, all as of one moment.
    pub(crate) async fn read(&self) -> Result<Reading, StoreError> {
        self.readers.begin().await
    }

    /// As [`Sqlite::read`], without waiting until what is seen is durable.
    pub(crate) async fn read_ahead(&self) -> Result<Reading, StoreError> {
        self.readers.begin_ahead().await
    }

    /// Waits until everything is durable that could be seen when this was called.
    pub(crate) async fn settled(&self) -> Result<(), StoreError> {
        self.writer.flushes().settled().await
    }

    /// Waits for its turn and begins writing.
    pub(crate) async fn begin(&self) -> Result<Member, StoreError> {
        self.writer.begin().await
    }

    /// Waits for what is under way and closes all connections, the writer last: closing the last
    /// connection folds the write-ahead log in.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Creates the file, for its owner only; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unavailable(Box::new(error))),
    }
}

/// Runs the migrations that are missing, by the driver that knows them.
async fn migrate(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await?;
    // That driver takes no lock of its own for SQLite. The inner transactions become savepoints.
    // `run_direct`, since the future of `run` is not `Send`.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrations::sqlite()
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|error| StoreError::from_migration(error, migrations::latest()))?;
    tx.commit().await?;
    Ok(connection.close().await?)
}
