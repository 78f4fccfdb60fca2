//! End-entity certificates: recorded before they are signed.

use model::RequestPk;
use time::OffsetDateTime;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Certificate, CertificateState};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT serial, request, state, tbs, der, sealed_key, not_before, not_after, \
             recorded_at, revoked_at FROM certificate ",
            $rest
        )
    };
}

/// Records a certificate. Fails with [`StoreError::Duplicate`] where its serial number is taken.
pub async fn insert(tx: &mut Tx, certificate: &Certificate) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO certificate (serial, request, state, tbs, der, sealed_key, not_before, \
         not_after, recorded_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            certificate.serial,
            certificate.request,
            certificate.state,
            certificate.tbs,
            certificate.der,
            certificate.sealed_key,
            certificate.not_before,
            certificate.not_after,
            certificate.recorded_at,
            certificate.revoked_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a certificate by its serial number in lower-case hexadecimal.
pub async fn get(reader: &mut Reader, serial: &str) -> Result<Option<Certificate>, StoreError> {
    reader
        .optional(select!("WHERE serial = $1"), params![serial], certificate)
        .await
}

/// A request's certificates, the newest first.
pub async fn of_request(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Vec<Certificate>, StoreError> {
    reader
        .all(
            select!("WHERE request = $1 ORDER BY recorded_at DESC, serial"),
            params![request],
            certificate,
        )
        .await
}

/// Stores the signed certificate and erases the one-time key. Only a recorded certificate can be
/// marked so: [`StoreError::Absent`] otherwise.
pub async fn mark_signed(tx: &mut Tx, serial: &str, der: &[u8]) -> Result<(), StoreError> {
    tx.change(
        "certificate",
        "UPDATE certificate SET state = $3, der = $2, sealed_key = NULL \
         WHERE serial = $1 AND state = $4",
        params![
            serial,
            der,
            CertificateState::Valid,
            CertificateState::Recorded,
        ],
    )
    .await
}

/// Revokes a certificate, signed or only recorded; says whether it was not revoked before.
pub async fn revoke(
    tx: &mut Tx,
    serial: &str,
    revoked_at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let revoked = tx
        .execute(
            "UPDATE certificate SET state = $3, revoked_at = $2, sealed_key = NULL \
             WHERE serial = $1 AND state <> $3",
            params![serial, revoked_at, CertificateState::Revoked],
        )
        .await?;
    Ok(revoked > 0)
}

fn certificate(row: &Row) -> Result<Certificate, StoreError> {
    Ok(Certificate {
        serial: row.get("serial")?,
        request: row.get("request")?,
        state: row.get("state")?,
        tbs: row.get("tbs")?,
        der: row.get("der")?,
        sealed_key: row.get("sealed_key")?,
        not_before: row.get("not_before")?,
        not_after: row.get("not_after")?,
        recorded_at: row.get("recorded_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}
