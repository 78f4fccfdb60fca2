//! Subscribers' ways to their certificates, of which a request has at most one.

use model::RequestPk;
use time::OffsetDateTime;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Enrolment;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT request, token_digest, token, created_at, expires_at, device, device_until, \
             completed_at, pickup FROM enrolment ",
            $rest
        )
    };
}

/// Stores an enrolment in place of the request's earlier one, whose link then leads nowhere.
pub async fn put(tx: &mut Tx, enrolment: &Enrolment) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO enrolment (request, token_digest, token, created_at, expires_at, device, \
         device_until, completed_at, pickup) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (request) DO UPDATE SET token_digest = excluded.token_digest, \
         token = excluded.token, created_at = excluded.created_at, \
         expires_at = excluded.expires_at, device = excluded.device, \
         device_until = excluded.device_until, completed_at = excluded.completed_at, \
         pickup = excluded.pickup",
        params![
            enrolment.request,
            enrolment.token_digest,
            enrolment.token,
            enrolment.created_at,
            enrolment.expires_at,
            enrolment.device,
            enrolment.device_until,
            enrolment.completed_at,
            enrolment.pickup,
        ],
    )
    .await?;
    Ok(())
}

/// The request's enrolment.
pub async fn get(reader: &mut Reader, request: RequestPk) -> Result<Option<Enrolment>, StoreError> {
    reader
        .optional(select!("WHERE request = $1"), params![request], enrolment)
        .await
}

/// Finds an enrolment by its token's digest.
pub async fn by_token(
    reader: &mut Reader,
    token_digest: &[u8; 32],
) -> Result<Option<Enrolment>, StoreError> {
    reader
        .optional(
            select!("WHERE token_digest = $1"),
            params![*token_digest],
            enrolment,
        )
        .await
}

/// Changes everything but the link and its date of creation.
pub async fn update(tx: &mut Tx, enrolment: &Enrolment) -> Result<(), StoreError> {
    tx.change(
        "enrolment",
        "UPDATE enrolment SET expires_at = $2, device = $3, device_until = $4, \
         completed_at = $5, pickup = $6 WHERE request = $1",
        params![
            enrolment.request,
            enrolment.expires_at,
            enrolment.device,
            enrolment.device_until,
            enrolment.completed_at,
            enrolment.pickup,
        ],
    )
    .await
}

/// Erases the files that nobody took before their links expired; says how many.
pub async fn drop_pickups(tx: &mut Tx, now: OffsetDateTime) -> Result<i64, StoreError> {
    let dropped = tx
        .execute(
            "UPDATE enrolment SET pickup = NULL WHERE pickup IS NOT NULL AND expires_at <= $1",
            params![now],
        )
        .await?;
    Ok(dropped as i64)
}

fn enrolment(row: &Row) -> Result<Enrolment, StoreError> {
    Ok(Enrolment {
        request: row.get("request")?,
        token_digest: row.get("token_digest")?,
        token: row.get("token")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        device: row.get("device")?,
        device_until: row.get("device_until")?,
        completed_at: row.get("completed_at")?,
        pickup: row.get("pickup")?,
    })
}
