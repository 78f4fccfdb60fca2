//! Keys in the cloud, of officers and subscribers, and what opens them.

use model::RequestPk;

use crate::connection::{Reader, Tx, locking};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Credential;

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT username, request, serial, password_hash, wrapped_key, recovery_key, \
             under_master, failures, pin_failures, blocked_until, created_at FROM credential ",
            $($rest),+
        )
    };
}

/// Adds a credential. Fails with [`StoreError::Duplicate`] where the user name is taken.
pub async fn insert(tx: &mut Tx, credential: &Credential) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO credential (username, request, serial, password_hash, wrapped_key, \
         recovery_key, under_master, failures, pin_failures, blocked_until, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            credential.username,
            credential.request,
            credential.serial,
            credential.password_hash,
            credential.wrapped_key,
            credential.recovery_key,
            credential.under_master,
            credential.failures,
            credential.pin_failures,
            credential.blocked_until,
            credential.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a credential by user name.
pub async fn get(reader: &mut Reader, username: &str) -> Result<Option<Credential>, StoreError> {
    reader
        .optional(
            select!("WHERE username = $1"),
            params![username],
            credential,
        )
        .await
}

/// The newest credential of a request.
pub async fn of_request(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Option<Credential>, StoreError> {
    reader
        .optional(
            select!("WHERE request = $1 ORDER BY created_at DESC, username LIMIT 1"),
            params![request],
            credential,
        )
        .await
}

/// The newest credential for the certificate of that serial number.
pub async fn of_serial(
    reader: &mut Reader,
    serial: &str,
) -> Result<Option<Credential>, StoreError> {
    reader
        .optional(
            select!("WHERE serial = $1 ORDER BY created_at DESC, username LIMIT 1"),
            params![serial],
            credential,
        )
        .await
}

/// Finds a credential and keeps other transactions from changing it until this one ends. Reads
/// that count tries come after this.
pub async fn lock(tx: &mut Tx, username: &str) -> Result<Option<Credential>, StoreError> {
    tx.optional(
        locking!(select!("WHERE username = $1")),
        params![username],
        credential,
    )
    .await
}

/// Changes everything but user name and date of creation.
pub async fn update(tx: &mut Tx, credential: &Credential) -> Result<(), StoreError> {
    tx.change(
        "credential",
        "UPDATE credential SET request = $2, serial = $3, password_hash = $4, wrapped_key = $5, \
         recovery_key = $6, under_master = $7, failures = $8, pin_failures = $9, \
         blocked_until = $10 WHERE username = $1",
        params![
            credential.username,
            credential.request,
            credential.serial,
            credential.password_hash,
            credential.wrapped_key,
            credential.recovery_key,
            credential.under_master,
            credential.failures,
            credential.pin_failures,
            credential.blocked_until,
        ],
    )
    .await
}

fn credential(row: &Row) -> Result<Credential, StoreError> {
    Ok(Credential {
        username: row.get("username")?,
        request: row.get("request")?,
        serial: row.get("serial")?,
        password_hash: row.get("password_hash")?,
        wrapped_key: row.get("wrapped_key")?,
        recovery_key: row.get("recovery_key")?,
        under_master: row.get("under_master")?,
        failures: row.get("failures")?,
        pin_failures: row.get("pin_failures")?,
        blocked_until: row.get("blocked_until")?,
        created_at: row.get("created_at")?,
    })
}
