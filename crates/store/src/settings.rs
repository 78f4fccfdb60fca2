//! The settings that clients may change, as one JSON text.

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::params;

/// The stored settings, if there are any.
pub async fn get(reader: &mut Reader) -> Result<Option<String>, StoreError> {
    reader
        .optional("SELECT json FROM setting", params![], |row| row.get("json"))
        .await
}

/// Stores the settings in place of earlier ones.
pub async fn put(tx: &mut Tx, json: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO setting (only_row, json) VALUES (1, $1) \
         ON CONFLICT (only_row) DO UPDATE SET json = excluded.json",
        params![json],
    )
    .await?;
    Ok(())
}
