//! Registration authorities.

use model::RaId;

use crate::connection::{Reader, Tx, within};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::RegistrationAuthority;

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT id, parent, name, particulars, settings, webhook_url, webhook_format, \
             webhook_secret, videoid_enabled, external_unlock, created_at FROM authority ",
            $($rest),+
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

/// Adds an authority. Fails with [`StoreError::Duplicate`] where its number or name is taken.
pub async fn insert(tx: &mut Tx, authority: &RegistrationAuthority) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO authority (id, parent, name, particulars, settings, webhook_url, \
         webhook_format, webhook_secret, videoid_enabled, external_unlock, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            authority.id,
            authority.parent,
            authority.name,
            authority.particulars,
            authority.settings,
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

/// Changes everything but number and date of creation. Fails with [`StoreError::Duplicate`] where
/// the name is another's.
pub async fn update(tx: &mut Tx, authority: &RegistrationAuthority) -> Result<(), StoreError> {
    tx.change(
        "authority",
        "UPDATE authority SET parent = $2, name = $3, particulars = $4, settings = $5, \
         webhook_url = $6, webhook_format = $7, webhook_secret = $8, videoid_enabled = $9, \
         external_unlock = $10 WHERE id = $1",
        params![
            authority.id,
            authority.parent,
            authority.name,
            authority.particulars,
            authority.settings,
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

/// An authority and all that are below it, at any depth, by number.
pub async fn descendants(reader: &mut Reader, id: RaId) -> Result<Vec<RaId>, StoreError> {
    reader
        .all(
            // `UNION` drops what was met before: a ring of parents does not go round for ever.
            "WITH RECURSIVE branch (id) AS ( \
             SELECT id FROM authority WHERE id = $1 UNION \
             SELECT authority.id FROM authority JOIN branch ON authority.parent = branch.id) \
             SELECT id FROM branch ORDER BY id",
            params![id],
            |row| row.get("id"),
        )
        .await
}

/// How many of `within` there are, and those from `offset` on, by number, at most `limit`.
pub async fn page(
    reader: &mut Reader,
    within: &[RaId],
    offset: i64,
    limit: i64,
) -> Result<(i64, Vec<RegistrationAuthority>), StoreError> {
    macro_rules! count {
        ($within:literal) => {
            concat!(
                "SELECT COUNT(*) AS total FROM authority WHERE id IN ",
                $within
            )
        };
    }
    macro_rules! rows {
        ($within:literal) => {
            select!("WHERE id IN ", $within, " ORDER BY id LIMIT $2 OFFSET $3")
        };
    }
    let place = [offset, limit];
    reader
        .page(
            within!(count),
            within!(rows),
            params![within],
            place,
            authority,
        )
        .await
}

fn authority(row: &Row) -> Result<RegistrationAuthority, StoreError> {
    Ok(RegistrationAuthority {
        id: row.get("id")?,
        parent: row.get("parent")?,
        name: row.get("name")?,
        particulars: row.get("particulars")?,
        settings: row.get("settings")?,
        webhook_url: row.get("webhook_url")?,
        webhook_format: row.get("webhook_format")?,
        webhook_secret: row.get("webhook_secret")?,
        videoid_enabled: row.get("videoid_enabled")?,
        external_unlock: row.get("external_unlock")?,
        created_at: row.get("created_at")?,
    })
}
