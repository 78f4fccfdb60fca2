//! The connections: opening, reading, changing.

use std::fs::OpenOptions;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Postgres, Sqlite, SqliteConnection, Transaction};

use crate::error::StoreError;
use crate::field::{Row, Value, bind, params};
use crate::group::{Member, Writer};
use crate::migrations;

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
}

/// What [`Store::health`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The engine's name: `SQLite` or `PostgreSQL`.
    pub engine: &'static str,
    /// The schema version that the database has.
    pub schema_version: i64,
}

/// Reads, all as of one moment. Nothing can be written through it alone.
pub struct Reader {
    session: Session,
}

/// A transaction. Dropping it without [`Tx::commit`] undoes everything.
pub struct Tx {
    reader: Reader,
}

/// A statement's text, where the engines' texts differ.
#[derive(Clone, Copy)]
pub(crate) struct PerEngine {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl From<&'static str> for PerEngine {
    fn from(both: &'static str) -> Self {
        Self {
            sqlite: both,
            postgres: both,
        }
    }
}

/// A `SELECT` that locks the row it finds until the transaction ends. On SQLite a [`Tx`] excludes
/// all others anyway. `NO KEY`, so that rows which refer to the locked one can still be inserted.
macro_rules! locking {
    ($($sql:expr),+ $(,)?) => {
        $crate::connection::PerEngine {
            sqlite: concat!($($sql),+),
            postgres: concat!($($sql,)+ " FOR NO KEY UPDATE"),
        }
    };
}
pub(crate) use locking;

/// A statement over lists. `$sql!` is a macro that makes its text from the numbers of the JSON list
/// `$1`, as a subquery, and from what else the engines word differently.
macro_rules! within {
    ($sql:ident $(, $sqlite:literal, $postgres:literal)?) => {
        $crate::connection::PerEngine {
            sqlite: $sql!("(SELECT value FROM json_each($1))" $(, $sqlite)?),
            postgres: $sql!(
                "(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($1 AS JSON)))"
                $(, $postgres)?
            ),
        }
    };
}
pub(crate) use within;

impl Store {
    /// Opens the database, creates it if it is a file that does not exist, and brings its schema
    /// up to date under a lock.
    ///
    /// `url` is `sqlite:PATH`, a bare path, or `postgres://…`. Fails with [`StoreError::Newer`]
    /// where a newer program has been at work, and then changes nothing.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let pools = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url).await?
        } else {
            open_sqlite(sqlite_path(url)?).await?
        };
        Ok(Self { pools })
    }

    /// Begins reading. What is read through one [`Reader`] is consistent with itself.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        let session = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                Session::Sqlite(SqliteSession::Read(readers.begin().await?))
            }
            Pools::Postgres(pool) => Session::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        };
        Ok(Reader { session })
    }

    /// Begins a transaction. On SQLite it is the only one that is not at its end; those that are
    /// near each other become durable together.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let session = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Session::Sqlite(SqliteSession::Write(writer.begin().await?))
            }
            Pools::Postgres(pool) => Session::Postgres(pool.begin().await?),
        };
        let reader = Reader { session };
        Ok(Tx { reader })
    }

    /// Asks the database one cheap question.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let mut reader = self.read().await?;
        let schema_version = reader
            .one(
                "SELECT MAX(version) AS version FROM _sqlx_migrations",
                params![],
                |row| row.get("version"),
            )
            .await?;
        Ok(Health {
            engine: self.engine(),
            schema_version,
        })
    }

    /// The engine's name: `SQLite` or `PostgreSQL`.
    pub fn engine(&self) -> &'static str {
        match self.pools {
            Pools::Sqlite { .. } => "SQLite",
            Pools::Postgres(_) => "PostgreSQL",
        }
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            // The writer last: closing the last connection folds the write-ahead log in.
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes everything durable and visible.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.reader.session {
            Session::Sqlite(SqliteSession::Write(member)) => member.commit().await,
            Session::Sqlite(SqliteSession::Read(tx)) => Ok(tx.commit().await?),
            Session::Postgres(tx) => Ok(tx.commit().await?),
        }
    }

    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = sql.into();
        Ok(match &mut self.reader.session {
            Session::Sqlite(tx) => bind(sqlx::query(sql.sqlite), params)
                .execute(tx.connection()?)
                .await?
                .rows_affected(),
            Session::Postgres(tx) => bind(sqlx::query(sql.postgres), params)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    /// Executes what must change exactly the one row that it names.
    pub(crate) async fn change(
        &mut self,
        what: &'static str,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        match self.execute(sql, params).await? {
            1 => Ok(()),
            _ => Err(StoreError::Absent { what }),
        }
    }
}

impl Deref for Tx {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

impl Reader {
    pub(crate) async fn optional<T>(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let sql = sql.into();
        let row = match &mut self.session {
            Session::Sqlite(tx) => bind(sqlx::query(sql.sqlite), params)
                .fetch_optional(tx.connection()?)
                .await?
                .map(Row::Sqlite),
            Session::Postgres(tx) => bind(sqlx::query(sql.postgres), params)
                .fetch_optional(&mut **tx)
                .await?
                .map(Row::Postgres),
        };
        row.as_ref().map(read).transpose()
    }

    /// For statements that always give a row.
    pub(crate) async fn one<T>(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let row = self.optional(sql, params, read).await?;
        row.ok_or_else(|| StoreError::Corrupt {
            what: "a row that is always there is missing".to_owned(),
        })
    }

    /// A part of a long list, and how long the whole is. `count` gives that as `total`; `rows`
    /// takes limit and offset as two further parameters.
    pub(crate) async fn page<T>(
        &mut self,
        count: impl Into<PerEngine>,
        rows: impl Into<PerEngine>,
        params: Vec<Value>,
        [offset, limit]: [i64; 2],
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<(i64, Vec<T>), StoreError> {
        let total = self
            .one(count, params.clone(), |row| row.get("total"))
            .await?;
        let mut params = params;
        params.extend(params![limit, offset]);
        Ok((total, self.all(rows, params, read).await?))
    }

    pub(crate) async fn all<T>(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = sql.into();
        match &mut self.session {
            Session::Sqlite(tx) => bind(sqlx::query(sql.sqlite), params)
                .fetch_all(tx.connection()?)
                .await?
                .into_iter()
                .map(|row| read(&Row::Sqlite(row)))
                .collect(),
            Session::Postgres(tx) => bind(sqlx::query(sql.postgres), params)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(|row| read(&Row::Postgres(row)))
                .collect(),
        }
    }
}

#[derive(Clone)]
enum Pools {
    /// SQLite knows one writer at a time; a second connection that wants to write only collides.
    Sqlite {
        writer: Writer,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

enum Session {
    Sqlite(SqliteSession),
    Postgres(Transaction<'static, Postgres>),
}

enum SqliteSession {
    Read(Transaction<'static, Sqlite>),
    Write(Member),
}

impl SqliteSession {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self {
            SqliteSession::Read(transaction) => Ok(transaction),
            SqliteSession::Write(member) => member.connection(),
        }
    }
}

/// How long a caller waits for a connection, and a connection for another process's lock.
const PATIENCE: Duration = Duration::from_secs(10);
/// Few, for the sake of memory: a read takes well under a millisecond.
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// After this, idle connections give their memory back.
const IDLE: Duration = Duration::from_secs(60);

/// The file that `sqlite:PATH` names; other schemes are no paths.
fn sqlite_path(url: &str) -> Result<&Path, StoreError> {
    let path = match url.strip_prefix("sqlite:") {
        Some(path) => path.strip_prefix("//").unwrap_or(path),
        None if url.contains("://") => {
            let scheme = url.split("://").next().unwrap_or_default();
            let text = format!("{scheme} is neither sqlite nor postgres");
            return Err(StoreError::Url(text));
        }
        None => url,
    };
    Ok(Path::new(path))
}

async fn open_sqlite(path: &Path) -> Result<Pools, StoreError> {
    create_private(path)?;
    let base = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        // Pages of 4 KiB; negative means KiB.
        .pragma("cache_size", "-1024")
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF");
    let writer = base
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits at power loss, which the audit chain must not.
        .synchronous(SqliteSynchronous::Full)
        // Erased keys and names must not linger in free pages.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", "16777216")
        // As many pages as that: folding the log in costs two flushes, during which nobody commits.
        .pragma("wal_autocheckpoint", "4000");
    let writer = sqlite_pool()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(writer)
        .await?;

    // The driver takes no lock of its own for SQLite. The inner transactions become savepoints.
    // `run_direct`, here and below, since the future of `run` is not `Send`.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrations::sqlite()
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(|error| StoreError::from_migration(error, migrations::latest()))?;
    tx.commit().await?;

    let readers = sqlite_pool()
        .max_connections(SQLITE_READERS)
        .idle_timeout(IDLE)
        .connect_with(base.read_only(true))
        .await?;
    Ok(Pools::Sqlite {
        writer: Writer::new(writer),
        readers,
    })
}

fn sqlite_pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        // After some errors, a full disk among them, SQLite has undone the transaction by itself.
        // The driver's own ROLLBACK then fails, it keeps counting a transaction, and could not
        // begin another: such a connection is replaced. The ping lets a pending ROLLBACK pass.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
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

async fn open_postgres(url: &str) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Url(error.to_string()))?
        .application_name("avouch");

    // A connection of its own: the driver's advisory lock ends with it, whatever happens.
    let mut connection = options.connect().await?;
    migrations::postgres()
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|error| StoreError::from_migration(error, migrations::latest()))?;
    connection.close().await?;

    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(pool))
}
