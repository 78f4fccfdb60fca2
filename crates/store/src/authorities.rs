//! Registration authorities.

use model::RaId;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::RegistrationAuthority;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, webhook_url, webhook_format, webhook_secret, videoid_enabled, \
             external_unlock, created_at FROM authority ",
            $rest
        )
    };
}

/// The number that the next registration authority takes. Numbers are never taken twice, since rows stay.
pub async fn next_id(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(
        "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM authority",
        params![],
        |row| row.get("next"),
    )
    .await
}

/// Adds an authority. Fails with [`StoreError::Duplicate`] where its number is taken.
pub async fn insert(tx: &mut Tx, authority: &RegistrationAuthority) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO authority (id, name, webhook_url, webhook_format, webhook_secret, \
         videoid_enabled, external_unlock, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            authority.id,
            authority.name,
            authority.webhook_url,
            authority.webhook_format,
            authority.webhook_secret,
            authority.videoid_enabled,
            authority.external_unlock,
            authority.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds an authority by its number.
pub async fn get(
    reader: &mut Reader,
    id: RaId,
) -> Result<Option<RegistrationAuthority>, StoreError> {
    reader
        .optional(select!("WHERE id = $1"), params![id], authority)
        .await
}

/// Changes everything but number and date of creation.
pub async fn update(tx: &mut Tx, authority: &RegistrationAuthority) -> Result<(), StoreError> {
    tx.change(
        "authority",
        "UPDATE authority SET name = $2, webhook_url = $3, webhook_format = $4, \
         webhook_secret = $5, videoid_enabled = $6, external_unlock = $7 WHERE id = $1",
        params![
            authority.id,
            authority.name,
            authority.webhook_url,
            authority.webhook_format,
            authority.webhook_secret,
            authority.videoid_enabled,
            authority.external_unlock,
        ],
    )
    .await
}

/// All authorities by number.
pub async fn list(reader: &mut Reader) -> Result<Vec<RegistrationAuthority>, StoreError> {
    reader
        .all(select!("ORDER BY id"), params![], authority)
        .await
}

fn authority(row: &Row) -> Result<RegistrationAuthority, StoreError> {
    Ok(RegistrationAuthority {
        id: row.get("id")?,
        name: row.get("name")?,
        webhook_url: row.get("webhook_url")?,
        webhook_format: row.get("webhook_format")?,
        webhook_secret: row.get("webhook_secret")?,
        videoid_enabled: row.get("videoid_enabled")?,
        external_unlock: row.get("external_unlock")?,
        created_at: row.get("created_at")?,
    })
}
