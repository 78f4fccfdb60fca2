//! Requests and their VideoID records.

use model::RequestPk;

use crate::connection::{Reader, Tx, locking};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Request;

macro_rules! columns {
    () => {
        "SELECT pk, videoid_pk, video_identifier, scratchcard, status, ra, profile, environment, \
         webhook_url, webhook_format, data_key, subject, billing_username, refuse_reason, \
         officer, external_unlock, created_at, updated_at FROM request "
    };
}

/// Adds a request, whose numbers come from [`crate::sequence`].
pub async fn insert(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO request (pk, videoid_pk, video_identifier, scratchcard, status, ra, profile, \
         environment, webhook_url, webhook_format, data_key, subject, billing_username, \
         refuse_reason, officer, external_unlock, created_at, updated_at) VALUES ($1, $2, $3, $4, \
         $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        params![
            request.pk,
            request.videoid_pk,
            request.video_identifier,
            request.scratchcard,
            request.status,
            request.ra,
            request.profile,
            request.environment,
            request.webhook_url,
            request.webhook_format,
            request.data_key,
            request.subject,
            request.billing_username,
            request.refuse_reason,
            request.officer,
            request.external_unlock,
            request.created_at,
            request.updated_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a request by its own number.
pub async fn get(reader: &mut Reader, pk: RequestPk) -> Result<Option<Request>, StoreError> {
    reader
        .optional(concat!(columns!(), "WHERE pk = $1"), params![pk], request)
        .await
}

/// Finds a request by a number that may be its VideoID record's (looked up first) or its own.
pub async fn resolve(reader: &mut Reader, number: i64) -> Result<Option<Request>, StoreError> {
    reader
        .optional(
            concat!(
                columns!(),
                "WHERE videoid_pk = $1 OR pk = $1 \
                 ORDER BY CASE WHEN videoid_pk = $1 THEN 0 ELSE 1 END LIMIT 1"
            ),
            params![number],
            request,
        )
        .await
}

/// Finds a request by its VideoID record's opaque name.
pub async fn by_video_identifier(
    reader: &mut Reader,
    video_identifier: &str,
) -> Result<Option<Request>, StoreError> {
    reader
        .optional(
            concat!(columns!(), "WHERE video_identifier = $1"),
            params![video_identifier],
            request,
        )
        .await
}

/// Finds a request and keeps other transactions from changing it, or anything that belongs to it,
/// until this one ends. Reads that decide a change of the request come after this.
pub async fn lock(tx: &mut Tx, pk: RequestPk) -> Result<Option<Request>, StoreError> {
    tx.optional(locking!(columns!(), "WHERE pk = $1"), params![pk], request)
        .await
}

/// Changes everything but numbers, names, registration authority and date of creation.
pub async fn update(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.change(
        "request",
        "UPDATE request SET status = $2, profile = $3, environment = $4, webhook_url = $5, \
         webhook_format = $6, data_key = $7, subject = $8, billing_username = $9, \
         refuse_reason = $10, officer = $11, external_unlock = $12, updated_at = $13 \
         WHERE pk = $1",
        params![
            request.pk,
            request.status,
            request.profile,
            request.environment,
            request.webhook_url,
            request.webhook_format,
            request.data_key,
            request.subject,
            request.billing_username,
            request.refuse_reason,
            request.officer,
            request.external_unlock,
            request.updated_at,
        ],
    )
    .await
}

fn request(row: &Row) -> Result<Request, StoreError> {
    Ok(Request {
        pk: row.get("pk")?,
        videoid_pk: row.get("videoid_pk")?,
        video_identifier: row.get("video_identifier")?,
        scratchcard: row.get("scratchcard")?,
        status: row.get("status")?,
        ra: row.get("ra")?,
        profile: row.get("profile")?,
        environment: row.get("environment")?,
        webhook_url: row.get("webhook_url")?,
        webhook_format: row.get("webhook_format")?,
        data_key: row.get("data_key")?,
        subject: row.get("subject")?,
        billing_username: row.get("billing_username")?,
        refuse_reason: row.get("refuse_reason")?,
        officer: row.get("officer")?,
        external_unlock: row.get("external_unlock")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
