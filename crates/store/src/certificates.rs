//! End-entity certificates: recorded before they are signed.

use model::RequestPk;
use model::certificate::RevocationReason;
use time::OffsetDateTime;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Certificate, CertificateState};
use crate::sequence;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT serial, number, request, renewal, issuer, shard, state, tbs, der, sealed_key, \
             not_before, not_after, recorded_at, revoked_at, reason FROM certificate ",
            $rest
        )
    };
}

/// A line of a revocation list: serial number, state, since when, why.
pub type NotGood = (
    String,
    CertificateState,
    OffsetDateTime,
    Option<RevocationReason>,
);

/// Takes a certificate's number. The very first is 501.
pub async fn next_number(tx: &mut Tx) -> Result<i64, StoreError> {
    sequence::take(tx, "certificate").await
}

/// Records a certificate. Fails with [`StoreError::Duplicate`] where its serial number is taken.
pub async fn insert(tx: &mut Tx, certificate: &Certificate) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO certificate (serial, number, request, renewal, issuer, shard, state, tbs, \
         der, sealed_key, not_before, not_after, recorded_at, revoked_at, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            certificate.serial,
            certificate.number,
            certificate.request,
            certificate.renewal,
            certificate.issuer,
            certificate.shard,
            certificate.state,
            certificate.tbs,
            certificate.der,
            certificate.sealed_key,
            certificate.not_before,
            certificate.not_after,
            certificate.recorded_at,
            certificate.revoked_at,
            certificate.reason,
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

/// Certificates on record at `now` whose key is kept: request, serial number and sealed key.
pub async fn with_key(
    reader: &mut Reader,
    now: OffsetDateTime,
) -> Result<Vec<(RequestPk, String, Vec<u8>)>, StoreError> {
    reader
        .all(
            "SELECT request, serial, sealed_key FROM certificate \
             WHERE state = 'recorded' AND sealed_key IS NOT NULL AND request IS NOT NULL \
             AND not_after > $1 ORDER BY serial",
            params![now],
            |row| {
                Ok((
                    row.get("request")?,
                    row.get("serial")?,
                    row.get("sealed_key")?,
                ))
            },
        )
        .await
}

/// Stores the signed certificate in place of what was on record for it, and erases the one-time key.
/// Only a recorded certificate can be marked so: [`StoreError::Absent`] otherwise.
pub async fn mark_signed(tx: &mut Tx, serial: &str, der: &[u8]) -> Result<(), StoreError> {
    tx.change(
        "certificate",
        "UPDATE certificate SET state = $3, der = $2, tbs = $5, sealed_key = NULL \
         WHERE serial = $1 AND state = $4",
        params![
            serial,
            der,
            CertificateState::Valid,
            CertificateState::Recorded,
            Vec::<u8>::new(),
        ],
    )
    .await
}

/// Revokes a certificate, signed or only recorded; puts a valid one on hold; or takes one off hold.
/// Says whether it did: there is no other way between states, and none out of `Revoked`.
pub async fn set_state(
    tx: &mut Tx,
    serial: &str,
    state: CertificateState,
    at: Option<OffsetDateTime>,
    reason: Option<RevocationReason>,
) -> Result<bool, StoreError> {
    // Whoever takes a number is the only one until the commit, so that none becomes visible after
    // a higher one.
    let revision = sequence::take(tx, "revocation").await?;
    let changed = tx
        .execute(
            "UPDATE certificate SET state = $2, revoked_at = $3, reason = $4, revision = $5, \
             sealed_key = NULL WHERE serial = $1 AND ($2 = 'revoked' AND state <> 'revoked' \
             OR $2 = 'suspended' AND state = 'valid' OR $2 = 'valid' AND state = 'suspended')",
            params![serial, state, at, reason, revision],
        )
        .await?;
    Ok(changed > 0)
}

/// What an issuer's revocation list names, the oldest first: the certificates that are revoked or on
/// hold and do not end before `after`; of one shard, or of all certificates.
pub async fn not_good(
    reader: &mut Reader,
    issuer: &str,
    shard: Option<i64>,
    after: OffsetDateTime,
) -> Result<Vec<NotGood>, StoreError> {
    macro_rules! lines {
        ($shard:literal) => {
            concat!(
                "SELECT serial, state, revoked_at, reason FROM certificate \
                 WHERE state IN ('revoked', 'suspended') AND issuer = $1 AND not_after >= $2",
                $shard,
                " ORDER BY revoked_at, serial"
            )
        };
    }
    let read = |row: &Row| {
        Ok((
            row.get("serial")?,
            row.get("state")?,
            row.get("revoked_at")?,
            row.get("reason")?,
        ))
    };
    match shard {
        None => reader.many(lines!(""), params![issuer, after], read).await,
        Some(shard) => {
            let sql = lines!(" AND shard = $3");
            reader.many(sql, params![issuer, after, shard], read).await
        }
    }
}

/// A certificate whose state was changed after it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its serial number.
    pub serial: String,
    /// Its issuer's key identifier.
    pub issuer: String,
    /// The shard that tells of it.
    pub shard: Option<i64>,
}

/// The number of the latest change, in this process or another; 0 before the first.
pub async fn latest_revision(reader: &mut Reader) -> Result<i64, StoreError> {
    reader
        .one(
            "SELECT next - 1 AS latest FROM sequence WHERE name = 'revocation'",
            params![],
            |row| row.get("latest"),
        )
        .await
}

/// What changed after the change of that number, up to another.
pub async fn changes(
    reader: &mut Reader,
    after: i64,
    until: i64,
) -> Result<Vec<Change>, StoreError> {
    reader
        .many(
            "SELECT serial, issuer, shard FROM certificate \
             WHERE revision > $1 AND revision <= $2 ORDER BY revision",
            params![after, until],
            |row| {
                Ok(Change {
                    serial: row.get("serial")?,
                    issuer: row.get("issuer")?,
                    shard: row.get("shard")?,
                })
            },
        )
        .await
}

/// Whether there are certificates from before issuers were recorded.
pub async fn any_unnamed(reader: &mut Reader) -> Result<bool, StoreError> {
    let found = reader
        .optional(
            "SELECT serial FROM certificate WHERE issuer = '' LIMIT 1",
            params![],
            |row| row.get::<String>("serial"),
        )
        .await?;
    Ok(found.is_some())
}

/// Says of certificates from before issuers were recorded that this one issued them; gives their
/// number.
pub async fn adopt(tx: &mut Tx, issuer: &str) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE certificate SET issuer = $1 WHERE issuer = ''",
        params![issuer],
    )
    .await
}

fn certificate(row: &Row) -> Result<Certificate, StoreError> {
    Ok(Certificate {
        serial: row.get("serial")?,
        number: row.get("number")?,
        request: row.get("request")?,
        renewal: row.get("renewal")?,
        issuer: row.get("issuer")?,
        shard: row.get("shard")?,
        state: row.get("state")?,
        tbs: row.get("tbs")?,
        der: row.get("der")?,
        sealed_key: row.get("sealed_key")?,
        not_before: row.get("not_before")?,
        not_after: row.get("not_after")?,
        recorded_at: row.get("recorded_at")?,
        revoked_at: row.get("revoked_at")?,
        reason: row.get("reason")?,
    })
}
