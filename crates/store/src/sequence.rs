//! Numbers that are given out once.

use crate::connection::Tx;
use crate::error::StoreError;
use crate::field::params;

/// Takes `count` consecutive numbers from the sequence that requests and VideoID records share,
/// and returns the first. The very first is 1001.
pub async fn next(tx: &mut Tx, count: i64) -> Result<i64, StoreError> {
    take(tx, "request", count).await
}

/// Takes a scratchcard number. The very first is 4000001.
pub async fn next_scratchcard(tx: &mut Tx) -> Result<i64, StoreError> {
    take(tx, "scratchcard", 1).await
}

async fn take(tx: &mut Tx, name: &str, count: i64) -> Result<i64, StoreError> {
    tx.one(
        "UPDATE sequence SET next = next + $1 WHERE name = $2 RETURNING next - $1 AS first",
        params![count, name],
        |row| row.get("first"),
    )
    .await
}
