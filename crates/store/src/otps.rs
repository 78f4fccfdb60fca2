//! One-time codes, of which a request has at most one for each purpose.

use model::RequestPk;
use model::otp::{OtpState, Purpose};

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Otp;

/// Stores a code in place of an earlier one.
pub async fn put(
    tx: &mut Tx,
    request: RequestPk,
    purpose: Purpose,
    otp: &Otp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO otp (request, purpose, salt, digest, created_at, expires_at, attempts_left, \
         failures, consumed, binding) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (request, purpose) DO UPDATE SET salt = excluded.salt, digest = excluded.digest, \
         created_at = excluded.created_at, expires_at = excluded.expires_at, \
         attempts_left = excluded.attempts_left, failures = excluded.failures, \
         consumed = excluded.consumed, binding = excluded.binding",
        params![
            request,
            purpose,
            otp.salt,
            otp.digest,
            otp.state.created_at,
            otp.state.expires_at,
            otp.state.attempts_left,
            otp.state.failures,
            otp.state.consumed,
            otp.state.binding,
        ],
    )
    .await?;
    Ok(())
}

/// The request's code for that purpose.
pub async fn get(
    reader: &mut Reader,
    request: RequestPk,
    purpose: Purpose,
) -> Result<Option<Otp>, StoreError> {
    reader
        .optional(
            "SELECT salt, digest, created_at, expires_at, attempts_left, failures, consumed, \
             binding FROM otp WHERE request = $1 AND purpose = $2",
            params![request, purpose],
            otp,
        )
        .await
}

/// Changes a code's state after a try.
pub async fn update(
    tx: &mut Tx,
    request: RequestPk,
    purpose: Purpose,
    state: &OtpState,
) -> Result<(), StoreError> {
    tx.change(
        "otp",
        "UPDATE otp SET created_at = $3, expires_at = $4, attempts_left = $5, failures = $6, \
         consumed = $7, binding = $8 WHERE request = $1 AND purpose = $2",
        params![
            request,
            purpose,
            state.created_at,
            state.expires_at,
            state.attempts_left,
            state.failures,
            state.consumed,
            state.binding,
        ],
    )
    .await
}

fn otp(row: &Row) -> Result<Otp, StoreError> {
    Ok(Otp {
        salt: row.get("salt")?,
        digest: row.get("digest")?,
        state: OtpState {
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            attempts_left: row.get("attempts_left")?,
            failures: row.get("failures")?,
            consumed: row.get("consumed")?,
            binding: row.get("binding")?,
        },
    })
}
