//! The register of certificates: keyed digests of what it is searched by, and the search.

use model::RequestPk;
use model::certificate::RevocationReason;
use time::OffsetDateTime;

use crate::connection::{PerEngine, Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::CertificateState;

/// The beginning of a keyed digest: of a hundred million certificates, one in billions has another's
/// by chance.
pub type Digest = [u8; 8];

/// What to look for: all that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct RegisterFilter {
    /// Digests that the certificate must have, all of them; best the rarest first.
    pub digests: Vec<Digest>,
    /// The number of the scratchcard that its request used.
    pub scratchcard: Option<String>,
    /// Recorded then or later.
    pub from: Option<OffsetDateTime>,
    /// Recorded before.
    pub before: Option<OffsetDateTime>,
    /// How it stands.
    pub state: Option<CertificateState>,
}

/// A signed certificate, as the register lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// The request it belongs to, if any.
    pub request: Option<RequestPk>,
    /// How it stands.
    pub state: CertificateState,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// Since when it is revoked or on hold.
    pub revoked_at: Option<OffsetDateTime>,
    /// Why.
    pub reason: Option<RevocationReason>,
    /// Its place in the issuance log, once it has one.
    pub place: Option<i64>,
}

/// Lets a certificate that stands recorded be found by these digests.
pub async fn enter(tx: &mut Tx, serial: &str, digests: &[Digest]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO register_entry (number, digests) \
         SELECT number, $2 FROM certificate WHERE serial = $1",
        params![serial, digests.concat()],
    )
    .await?;
    Ok(())
}

/// Up to `limit` certificates, the oldest first; those after another, named by time and serial
/// number, where a list goes on.
pub async fn find(
    reader: &mut Reader,
    filter: &RegisterFilter,
    after: Option<(OffsetDateTime, &str)>,
    limit: i64,
) -> Result<Vec<Registered>, StoreError> {
    macro_rules! search {
        ($found:expr) => {
            concat!(
                "SELECT certificate.serial, request, state, der, recorded_at, revoked_at, reason, \
                 place FROM certificate \
                 LEFT JOIN log_entry ON log_entry.serial = certificate.serial \
                 WHERE der IS NOT NULL AND recorded_at >= $1 AND recorded_at < $2 \
                 AND (recorded_at > $3 OR recorded_at = $3 AND certificate.serial > $4) \
                 AND (CAST($5 AS TEXT) IS NULL OR state = $5) \
                 AND ($6 = '' OR request IN (SELECT used_by FROM scratchcard WHERE sn = $6))",
                $found,
                " ORDER BY recorded_at, certificate.serial LIMIT $7"
            )
        };
    }
    // The first digest sorts out nearly all, without a list being read for each row.
    macro_rules! found {
        ($has_first:literal, $lacks_any:literal) => {
            search!(concat!(
                " AND certificate.number IN (SELECT number FROM register_entry WHERE ",
                $has_first,
                " AND NOT EXISTS (SELECT 1 FROM ",
                $lacks_any,
                "))"
            ))
        };
    }
    let (after, serial) = after.unwrap_or((BEGINNING, ""));
    let mut params = params![
        filter.from.unwrap_or(BEGINNING),
        filter.before.unwrap_or(END),
        after,
        serial,
        filter.state,
        filter.scratchcard.as_deref().unwrap_or_default(),
        limit,
    ];
    let sql = match filter.digests.first() {
        None => search!("").into(),
        Some(first) => {
            let all: Vec<_> = filter.digests.iter().map(hex::encode).collect();
            params.extend(params![first.to_vec(), all]);
            PerEngine {
                sqlite: found!(
                    "instr(digests, $8) > 0",
                    "json_each($9) WHERE instr(digests, unhex(value)) = 0"
                ),
                postgres: found!(
                    "position($8 IN digests) > 0",
                    "json_array_elements_text(CAST($9 AS JSON)) \
                     WHERE position(decode(value, 'hex') IN digests) = 0"
                ),
            }
        }
    };
    reader.many(sql, params, registered).await
}

/// Before everything, and after it.
const BEGINNING: OffsetDateTime = time::macros::datetime!(1970-01-01 00:00 UTC);
const END: OffsetDateTime = time::macros::datetime!(9999-12-31 00:00 UTC);

fn registered(row: &Row) -> Result<Registered, StoreError> {
    Ok(Registered {
        serial: row.get("serial")?,
        request: row.get("request")?,
        state: row.get("state")?,
        der: row.get("der")?,
        recorded_at: row.get("recorded_at")?,
        revoked_at: row.get("revoked_at")?,
        reason: row.get("reason")?,
        place: row.get("place")?,
    })
}
