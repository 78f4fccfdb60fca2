//! Numbers that are given out once.

use crate::connection::Tx;
use crate::error::StoreError;
use crate::field::params;

/// Takes a number from the sequence that requests and VideoID records share. The very first is
/// 1001.
pub async fn next(tx: &mut Tx) -> Result<i64, StoreError> {
    take(tx, "request").await
}

/// Takes a scratchcard number. The very first is 4000001.
pub async fn next_scratchcard(tx: &mut Tx) -> Result<i64, StoreError> {
    take(tx, "scratchcard").await
}

/// Takes a number for a document: an image, a paper, an attachment. The very first is 401.
pub async fn next_document(tx: &mut Tx) -> Result<i64, StoreError> {
    take(tx, "document").await
}

pub(crate) async fn take(tx: &mut Tx, name: &str) -> Result<i64, StoreError> {
    tx.one(
        "UPDATE sequence SET next = next + 1 WHERE name = $1 RETURNING next - 1 AS taken",
        params![name],
        |row| row.get("taken"),
    )
    .await
}
