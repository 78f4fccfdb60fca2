//! What can go wrong between the repositories and the database.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;

/// Why the database did not do what was asked. A row that is not there is no error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with this unique value exists: the caller's fault, or a race that another won.
    #[error("such a row exists in {what}")]
    Duplicate {
        /// The table.
        what: String,
    },
    /// The row to change is not there: the caller's fault.
    #[error("the row to change is not in {what}")]
    Absent {
        /// The table.
        what: &'static str,
    },
    /// Another transaction is in the way, or all connections are taken; trying again may help.
    #[error("the database is busy")]
    Busy,
    /// There is no room left for the database's files: the operator's matter.
    #[error("the database's storage is full")]
    StorageFull,
    /// The database cannot be reached or read: the operator's matter.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is not what this program writes: somebody changed it, or a bug.
    #[error("the database's content is damaged: {what}")]
    Corrupt {
        /// Where, without the content itself.
        what: String,
    },
    /// A newer version of the program has changed the schema: the operator's matter.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}; \
         start a newer version of the program"
    )]
    Newer {
        /// The database's schema version.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// The URL names no database: the operator's matter.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// The database refused a statement: a bug, please report it.
    #[error("the database refused a statement")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => match error.try_downcast_ref::<SqliteError>() {
                Some(sqlite) => {
                    let code = sqlite.code().and_then(|code| code.parse().ok());
                    let message = sqlite.message().to_owned();
                    from_sqlite(code.unwrap_or(0), &message, error.into_error())
                }
                None => from_postgres(error),
            },
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::ColumnDecode { index, .. } => StoreError::Corrupt {
                what: format!("column {index}"),
            },
            sqlx::Error::ColumnNotFound(name) => StoreError::Corrupt {
                what: format!("column {name} is missing"),
            },
            other => StoreError::Unavailable(Box::new(other)),
        }
    }
}

impl StoreError {
    pub(crate) fn from_migration(error: MigrateError, known: i64) -> Self {
        let version = match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                return error.into();
            }
            MigrateError::VersionMissing(found) if found > known => {
                return StoreError::Newer { found, known };
            }
            MigrateError::VersionMissing(version)
            | MigrateError::VersionMismatch(version)
            | MigrateError::Dirty(version) => version,
            other => return StoreError::Refused(Box::new(other)),
        };
        StoreError::Corrupt {
            what: format!("migration {version} is not the one that this program would have made"),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                let message = message.clone().unwrap_or_default();
                from_sqlite(failure.extended_code, &message, Box::new(error))
            }
            rusqlite::Error::InvalidColumnType(_, name, _) => StoreError::Corrupt {
                what: format!("column {name}"),
            },
            rusqlite::Error::FromSqlConversionFailure(index, ..) => StoreError::Corrupt {
                what: format!("column {index}"),
            },
            rusqlite::Error::InvalidColumnName(name) => StoreError::Corrupt {
                what: format!("column {name} is missing"),
            },
            _ => StoreError::Refused(Box::new(error)),
        }
    }
}

/// By the extended result code (<https://sqlite.org/rescode.html>), whose low byte is the primary one.
fn from_sqlite(
    code: i32,
    message: &str,
    error: Box<dyn std::error::Error + Send + Sync>,
) -> StoreError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const NOTADB: i32 = 26;
    const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    const CONSTRAINT_UNIQUE: i32 = 2067;

    match code & 0xff {
        _ if [CONSTRAINT_PRIMARYKEY, CONSTRAINT_UNIQUE].contains(&code) => StoreError::Duplicate {
            // "UNIQUE constraint failed: token.fingerprint"
            what: message
                .rsplit_once(": ")
                .and_then(|(_, column)| column.split('.').next())
                .unwrap_or_default()
                .to_owned(),
        },
        BUSY | LOCKED => StoreError::Busy,
        FULL => StoreError::StorageFull,
        CORRUPT | NOTADB => StoreError::Corrupt {
            what: message.to_owned(),
        },
        READONLY | IOERR | CANTOPEN => StoreError::Unavailable(error),
        _ => StoreError::Refused(error),
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn from_postgres(error: Box<dyn DatabaseError>) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    match code.as_str() {
        "23505" => StoreError::Duplicate {
            what: error.table().unwrap_or_default().to_owned(),
        },
        // Serialisation failure, deadlock, lock timeout, too many connections.
        "40001" | "40P01" | "55P03" | "53300" => StoreError::Busy,
        "53100" => StoreError::StorageFull,
        "XX001" | "XX002" => StoreError::Corrupt {
            what: error.message().to_owned(),
        },
        // Connection, authorisation, catalogue name, resources, operator intervention, system.
        code if ["08", "28", "3D", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            StoreError::Unavailable(error.into_error())
        }
        _ => StoreError::Refused(error.into_error()),
    }
}
