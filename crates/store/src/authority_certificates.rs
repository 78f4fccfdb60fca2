//! The authorities' own certificates, as the register keeps them.

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::params;
use crate::records::AuthorityCertificate;

/// Puts a certificate on record, unless it is. Says whether it was new.
pub async fn record(tx: &mut Tx, certificate: &AuthorityCertificate) -> Result<bool, StoreError> {
    let added = tx
        .execute(
            "INSERT INTO authority_certificate (serial, office, issuer, der, not_before, \
             not_after, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (serial) DO NOTHING",
            params![
                certificate.serial,
                certificate.office,
                certificate.issuer,
                certificate.der,
                certificate.not_before,
                certificate.not_after,
                certificate.recorded_at,
            ],
        )
        .await?;
    Ok(added > 0)
}

/// Puts on record that an authority's revocation lists are below an address. Says whether that was
/// new.
pub async fn record_folder(tx: &mut Tx, issuer: &str, folder: &str) -> Result<bool, StoreError> {
    let added = tx
        .execute(
            "INSERT INTO list_folder (issuer, folder) VALUES ($1, $2) \
             ON CONFLICT (issuer, folder) DO NOTHING",
            params![issuer, folder],
        )
        .await?;
    Ok(added > 0)
}

/// The addresses below which an authority's revocation lists are or were said to be.
pub async fn folders(reader: &mut Reader, issuer: &str) -> Result<Vec<String>, StoreError> {
    reader
        .all(
            "SELECT folder FROM list_folder WHERE issuer = $1 ORDER BY folder",
            params![issuer],
            |row| row.get("folder"),
        )
        .await
}

/// All of them, the oldest first.
pub async fn all(reader: &mut Reader) -> Result<Vec<AuthorityCertificate>, StoreError> {
    reader
        .all(
            "SELECT serial, office, issuer, der, not_before, not_after, recorded_at \
             FROM authority_certificate ORDER BY recorded_at, office, serial",
            params![],
            |row| {
                Ok(AuthorityCertificate {
                    serial: row.get("serial")?,
                    office: row.get("office")?,
                    issuer: row.get("issuer")?,
                    der: row.get("der")?,
                    not_before: row.get("not_before")?,
                    not_after: row.get("not_after")?,
                    recorded_at: row.get("recorded_at")?,
                })
            },
        )
        .await
}
