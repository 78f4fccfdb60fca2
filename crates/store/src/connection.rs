//! The database as the repositories see it: opening, reading, changing.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use sqlx::{Postgres, Transaction};

use crate::error::StoreError;
use crate::field::{Row, Value, bind, params};
use crate::postgres;
use crate::sqlite::{self, Connection, Sqlite};

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
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
        let engine = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Engine::Postgres(postgres::open(url).await?)
        } else {
            Engine::Sqlite(Sqlite::open(sqlite_path(url)?).await?)
        };
        Ok(Self { engine })
    }

    /// Begins reading. What is read through one [`Reader`] is consistent with itself.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Read(sqlite.read().await?),
            Engine::Postgres(pool) => Session::postgres(pool).await?,
        };
        Ok(Reader { session })
    }

    /// As [`Store::read`], but what is read may not be durable yet: nobody may be told of it before the
    /// commit of a transaction that was begun later, or before [`Store::settled`].
    pub async fn read_ahead(&self) -> Result<Reader, StoreError> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Read(sqlite.read_ahead().await?),
            Engine::Postgres(pool) => Session::postgres(pool).await?,
        };
        Ok(Reader { session })
    }

    /// Waits until everything is durable that could be read when this was called.
    pub async fn settled(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.settled().await,
            // Nobody sees what is not.
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Begins a transaction. On SQLite it is the only one that is not at its end; those that are
    /// near each other become durable together.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let session = match &self.engine {
            Engine::Sqlite(sqlite) => Session::Write(sqlite.begin().await?),
            Engine::Postgres(pool) => Session::Postgres(pool.begin().await?),
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
        match self.engine {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Waits for what is under way and closes all connections.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes everything durable and visible.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.reader.session {
            Session::Write(member) => member.commit().await,
            // Nothing was written, and reading ends by itself.
            Session::Read(_) => Ok(()),
            Session::Postgres(tx) => Ok(tx.commit().await?),
        }
    }

    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = sql.into();
        match self.reader.session.place()? {
            Place::Sqlite(connection) => connection.execute(sql.sqlite, &params),
            Place::Postgres(tx) => Ok(bind(sqlx::query(sql.postgres), params)
                .execute(&mut **tx)
                .await?
                .rows_affected()),
        }
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
        match self.session.place()? {
            Place::Sqlite(connection) => connection.optional(sql.sqlite, &params, read),
            Place::Postgres(tx) => bind(sqlx::query(sql.postgres), params)
                .fetch_optional(&mut **tx)
                .await?
                .map(|row| read(&Row::Postgres(&row)))
                .transpose(),
        }
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
        let total = self.many(count, params.clone(), |row| row.get("total"));
        let total = total.await?.pop().unwrap_or(0);
        let mut params = params;
        params.extend(params![limit, offset]);
        Ok((total, self.many(rows, params, read).await?))
    }

    /// All rows of what finds few, and fast.
    pub(crate) async fn all<T>(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = sql.into();
        match self.session.place()? {
            Place::Sqlite(connection) => connection.all(sql.sqlite, &params, read),
            Place::Postgres(tx) => bind(sqlx::query(sql.postgres), params)
                .fetch_all(&mut **tx)
                .await?
                .iter()
                .map(|row| read(&Row::Postgres(row)))
                .collect(),
        }
    }

    /// As [`Reader::all`] for what finds many rows, or looks through many.
    pub(crate) async fn many<T>(
        &mut self,
        sql: impl Into<PerEngine>,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = sql.into();
        if let Place::Sqlite(connection) = self.session.place()? {
            return sqlite::aside(|| connection.all(sql.sqlite, &params, read));
        }
        self.all(sql, params, read).await
    }
}

#[derive(Clone)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(sqlx::PgPool),
}

enum Session {
    Read(sqlite::Reading),
    Write(sqlite::Member),
    Postgres(Transaction<'static, Postgres>),
}

impl Session {
    /// Begins reading.
    async fn postgres(pool: &sqlx::PgPool) -> Result<Self, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(Self::Postgres(pool.begin_with(begin).await?))
    }
}

/// Where a statement runs.
enum Place<'a> {
    Sqlite(&'a mut Connection),
    Postgres(&'a mut Transaction<'static, Postgres>),
}

impl Session {
    fn place(&mut self) -> Result<Place<'_>, StoreError> {
        Ok(match self {
            Session::Read(reading) => Place::Sqlite(reading.connection()?),
            Session::Write(member) => Place::Sqlite(member.connection()?),
            Session::Postgres(tx) => Place::Postgres(tx),
        })
    }
}

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
