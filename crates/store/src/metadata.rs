//! Metadata for signatures.

use model::MetadataUid;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Metadata;

/// Adds metadata.
pub async fn insert(tx: &mut Tx, metadata: &Metadata) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO metadata (uid, oid, sealed, stored_at) VALUES ($1, $2, $3, $4)",
        params![
            metadata.uid,
            metadata.oid,
            metadata.sealed,
            metadata.stored_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds metadata.
pub async fn get(reader: &mut Reader, uid: MetadataUid) -> Result<Option<Metadata>, StoreError> {
    reader
        .optional(
            "SELECT uid, oid, sealed, stored_at FROM metadata WHERE uid = $1",
            params![uid],
            metadata,
        )
        .await
}

/// All metadata in the order in which it was added.
pub async fn list(reader: &mut Reader) -> Result<Vec<Metadata>, StoreError> {
    reader
        .all(
            "SELECT uid, oid, sealed, stored_at FROM metadata ORDER BY number",
            params![],
            metadata,
        )
        .await
}

/// Deletes metadata; says whether it was there.
pub async fn delete(tx: &mut Tx, uid: MetadataUid) -> Result<bool, StoreError> {
    let deleted = tx
        .execute("DELETE FROM metadata WHERE uid = $1", params![uid])
        .await?;
    Ok(deleted > 0)
}

/// Deletes all metadata; says how much there was.
pub async fn delete_all(tx: &mut Tx) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM metadata", params![]).await
}

fn metadata(row: &Row) -> Result<Metadata, StoreError> {
    Ok(Metadata {
        uid: row.get("uid")?,
        oid: row.get("oid")?,
        sealed: row.get("sealed")?,
        stored_at: row.get("stored_at")?,
    })
}
