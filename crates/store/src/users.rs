//! API users.

use model::{RaId, RequestPk, UserId};

use crate::connection::{Reader, Tx, within};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::ApiUser;

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT id, ra, permissions, request, officer, serial, enabled, created_at \
             FROM api_user ",
            $($rest),+
        )
    };
}

/// The number that the next user takes. Numbers are never taken twice, since rows stay.
pub async fn next_id(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(
        "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM api_user",
        params![],
        |row| row.get("next"),
    )
    .await
}

/// Adds a user. Fails with [`StoreError::Duplicate`] where number or serial number is taken.
pub async fn insert(tx: &mut Tx, user: &ApiUser) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO api_user (id, ra, permissions, request, officer, serial, enabled, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            user.id,
            user.ra,
            user.permissions,
            user.request,
            user.officer,
            user.serial,
            user.enabled,
            user.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a user by number.
pub async fn get(reader: &mut Reader, id: UserId) -> Result<Option<ApiUser>, StoreError> {
    reader
        .optional(select!("WHERE id = $1"), params![id], user)
        .await
}

/// Changes everything but number and date of creation.
pub async fn update(tx: &mut Tx, user: &ApiUser) -> Result<(), StoreError> {
    tx.change(
        "api_user",
        "UPDATE api_user SET ra = $2, permissions = $3, request = $4, officer = $5, serial = $6, \
         enabled = $7 WHERE id = $1",
        params![
            user.id,
            user.ra,
            user.permissions,
            user.request,
            user.officer,
            user.serial,
            user.enabled,
        ],
    )
    .await
}

/// Finds the user to whom the client certificate of that serial number was issued.
pub async fn by_serial(reader: &mut Reader, serial: &str) -> Result<Option<ApiUser>, StoreError> {
    reader
        .optional(select!("WHERE serial = $1"), params![serial], user)
        .await
}

/// Finds the user whom a request's certificate authenticates; of several, the first that may call.
pub async fn by_request(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Option<ApiUser>, StoreError> {
    reader
        .optional(
            select!("WHERE request = $1 ORDER BY enabled DESC, id LIMIT 1"),
            params![request],
            user,
        )
        .await
}

/// The users of an authority by number.
pub async fn of_authority(reader: &mut Reader, ra: RaId) -> Result<Vec<ApiUser>, StoreError> {
    reader
        .all(select!("WHERE ra = $1 ORDER BY id"), params![ra], user)
        .await
}

/// How many users the authorities of `within` have, and those from `offset` on, by number, at most
/// `limit`.
pub async fn page(
    reader: &mut Reader,
    within: &[RaId],
    offset: i64,
    limit: i64,
) -> Result<(i64, Vec<ApiUser>), StoreError> {
    macro_rules! count {
        ($within:literal) => {
            concat!(
                "SELECT COUNT(*) AS total FROM api_user WHERE ra IN ",
                $within
            )
        };
    }
    macro_rules! rows {
        ($within:literal) => {
            select!("WHERE ra IN ", $within, " ORDER BY id LIMIT $2 OFFSET $3")
        };
    }
    let place = [offset, limit];
    reader
        .page(within!(count), within!(rows), params![within], place, user)
        .await
}

fn user(row: &Row) -> Result<ApiUser, StoreError> {
    Ok(ApiUser {
        id: row.get("id")?,
        ra: row.get("ra")?,
        permissions: row.get("permissions")?,
        request: row.get("request")?,
        officer: row.get("officer")?,
        serial: row.get("serial")?,
        enabled: row.get("enabled")?,
        created_at: row.get("created_at")?,
    })
}
