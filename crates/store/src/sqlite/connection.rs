//! One connection, and statements on it.

use std::path::Path;

use rusqlite::{CachedStatement, OpenFlags, ToSql};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::PATIENCE;
use crate::error::StoreError;
use crate::field::{Row, SqliteRow, Value};

/// Statements whose plans each connection keeps.
const PLANS: usize = 128;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Writing,
    Reading,
    /// Of the log: nothing is written but what others have written there.
    Folding,
}

/// A connection to the file.
pub(crate) struct Connection(rusqlite::Connection);

impl Connection {
    pub(super) fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let flags = match access {
            Access::Writing | Access::Folding => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Reading => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        // One thread at a time has it, so that SQLite need not lock.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(PLANS);
        // Pages of 4 KiB; negative means KiB.
        connection.execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY; \
             PRAGMA trusted_schema = OFF",
        )?;
        match access {
            Access::Reading => connection.busy_timeout(PATIENCE)?,
            Access::Folding => {
                // It holds writers up, and comes again.
                connection.busy_timeout(std::time::Duration::from_millis(100))?;
            }
            Access::Writing => {
                // Waiting would stop the thread: `Writer` comes back instead.
                connection.busy_timeout(std::time::Duration::ZERO)?;
                // NORMAL: commits do not wait for the disk, `Flushes` does. Erased keys and names must
                // not linger in free pages. A transaction's pages have room in memory, those of a
                // few that become durable together too. `Folding` folds the log in long before
                // SQLite does.
                connection.execute_batch(
                    "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; \
                     PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 33554432; \
                     PRAGMA wal_autocheckpoint = 16000",
                )?;
            }
        }
        Ok(Self(connection))
    }

    /// Runs a statement without parameters or rows.
    pub(super) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.0.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    /// Begins a transaction that reads, as of now.
    pub(super) fn begin_reading(&self) -> Result<(), StoreError> {
        self.run("BEGIN")?;
        // SQLite fixes the moment with the first read.
        self.optional(
            "SELECT 1 AS one FROM sqlite_schema LIMIT 1",
            &[],
            |_| Ok(()),
        )?;
        Ok(())
    }

    /// Folds the write-ahead log in, and tells how many pages it has.
    pub(super) fn fold(&self, mode: &str) -> Result<i64, StoreError> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        Ok(self.0.query_row(&sql, (), |row| row.get(1))?)
    }

    /// Whether a transaction is open. SQLite undoes one by itself after some errors, a full disk
    /// among them.
    pub(super) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// How many rows a statement changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        Ok(self.prepare(sql, params)?.raw_execute()? as u64)
    }

    /// The first row, if there is one.
    pub(crate) fn optional<T>(
        &self,
        sql: &str,
        params: &[Value],
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        let row = rows.next()?.map(SqliteRow::new);
        row.map(|row| read(&Row::Sqlite(row))).transpose()
    }

    /// All rows.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: &[Value],
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(&Row::Sqlite(SqliteRow::new(row)))?);
        }
        Ok(all)
    }

    /// A statement with its parameters. For SQLite `$2` is a name like any other, which stands where
    /// it first occurs.
    fn prepare(&self, sql: &str, params: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index);
            let number: Option<usize> = name.and_then(|name| name.strip_prefix('$')?.parse().ok());
            let value = number.and_then(|number| params.get(number.checked_sub(1)?));
            let value = value.ok_or(rusqlite::Error::InvalidParameterCount(index, params.len()))?;
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(statement)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Value::Integer(value) => value.to_sql(),
            Value::Text(value) => value.to_sql(),
            Value::Bytes(value) => value.to_sql(),
        }
    }
}

/// Does what may take long, so that other tasks of this thread go on elsewhere.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
