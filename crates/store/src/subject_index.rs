//! What requests are searched by: keyed digests of fields whose values are sealed.

use model::{RaId, RequestPk};

use crate::connection::{Reader, Tx, within};
use crate::error::StoreError;
use crate::field::params;

/// Stores these digests by field in place of all earlier ones of the request.
pub async fn put(
    tx: &mut Tx,
    request: RequestPk,
    digests: &[(&str, Vec<u8>)],
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM request_index WHERE request = $1",
        params![request],
    )
    .await?;
    for (field, digest) in digests {
        tx.execute(
            "INSERT INTO request_index (request, field, digest) VALUES ($1, $2, $3)",
            params![request, *field, *digest],
        )
        .await?;
    }
    Ok(())
}

/// The different digests of `other_field` among the requests, not cancelled, of the authorities
/// `within` that have this digest of `field`: which identity documents share a telephone number.
pub async fn digests_sharing(
    reader: &mut Reader,
    field: &str,
    digest: &[u8],
    other_field: &str,
    within: &[RaId],
) -> Result<Vec<Vec<u8>>, StoreError> {
    macro_rules! sharing {
        ($within:literal) => {
            concat!(
                "SELECT DISTINCT other.digest AS digest FROM request_index AS same \
                 JOIN request_index AS other ON other.request = same.request \
                 JOIN request ON request.pk = same.request \
                 WHERE same.field = $2 AND same.digest = $3 AND other.field = $4 \
                 AND request.status <> 'CANCELLED' AND request.ra IN ",
                $within,
                " ORDER BY digest"
            )
        };
    }
    reader
        .all(
            within!(sharing),
            params![within, field, digest, other_field],
            |row| row.get("digest"),
        )
        .await
}
