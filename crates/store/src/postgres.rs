//! PostgreSQL: a pool of connections.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::error::StoreError;
use crate::migrations;

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 16;
/// After this, idle connections give their memory back.
const IDLE: Duration = Duration::from_secs(60);

/// Opens a pool and brings the schema up to date.
pub(crate) async fn open(url: &str) -> Result<PgPool, StoreError> {
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
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .connect_with(options)
        .await?;
    Ok(pool)
}
