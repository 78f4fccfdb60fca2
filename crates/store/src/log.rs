//! The issuance log: an entry for each signed certificate, the nodes of the tree over them, and the
//! checkpoints that were signed. What is hashed, and how, the caller knows.
//!
//! An entry waits without a place until somebody holds the head's lock ([`lock_head`]) and gives it
//! the next one, so that the order is one for all processes and signing takes no lock for it.

use time::OffsetDateTime;

use crate::connection::{Reader, Tx, locking};
use crate::error::StoreError;
use crate::field::{Row, params};

/// A certificate's entry.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The certificate's serial number.
    pub serial: String,
    /// What stands in the log for it.
    pub commitment: [u8; 32],
    /// The commitment's salt, sealed.
    pub sealed_salt: Vec<u8>,
    /// Its place in the log, once it has one.
    pub place: Option<i64>,
}

/// The key of the log.
#[derive(Clone, PartialEq, Eq)]
pub struct LogKeyRow {
    /// The log's name.
    pub name: String,
    /// The key's secret, sealed.
    pub sealed: Vec<u8>,
}

/// Enters a certificate, to take its place later. Fails with [`StoreError::Duplicate`] where it has
/// an entry.
pub async fn enter(tx: &mut Tx, entry: &LogEntry) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO log_entry (serial, commitment, sealed_salt, place) VALUES ($1, $2, $3, $4)",
        params![
            entry.serial,
            entry.commitment,
            entry.sealed_salt,
            entry.place
        ],
    )
    .await?;
    Ok(())
}

/// Signed certificates, DER, that have no entry: those of versions before the log.
pub async fn without_entry(
    reader: &mut Reader,
    limit: i64,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    reader
        .many(
            "SELECT serial, der FROM certificate WHERE der IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM log_entry WHERE log_entry.serial = certificate.serial) \
             ORDER BY serial LIMIT $1",
            params![limit],
            |row| Ok((row.get("serial")?, row.get("der")?)),
        )
        .await
}

/// Keeps everybody else from appending until the commit, and gives what the next entry is hashed
/// onto.
pub async fn lock_head(tx: &mut Tx) -> Result<Vec<u8>, StoreError> {
    tx.one(
        locking!("SELECT frontier FROM log_head"),
        params![],
        |row| row.get("frontier"),
    )
    .await
}

/// Puts the head where the last entry left it.
pub async fn put_head(tx: &mut Tx, frontier: &[u8]) -> Result<(), StoreError> {
    tx.change(
        "log_head",
        "UPDATE log_head SET frontier = $1",
        params![frontier],
    )
    .await
}

/// Some of the entries that wait for a place: serial number and commitment. By commitment, so that the
/// order among them tells nothing of when each was made.
pub async fn waiting(
    reader: &mut Reader,
    limit: i64,
) -> Result<Vec<(String, [u8; 32])>, StoreError> {
    reader
        .many(
            "SELECT serial, commitment FROM (SELECT serial, commitment FROM log_entry \
             WHERE place IS NULL LIMIT $1) AS waiting ORDER BY commitment",
            params![limit],
            |row| Ok((row.get("serial")?, row.get("commitment")?)),
        )
        .await
}

/// Gives an entry its place, for good.
pub async fn give_place(tx: &mut Tx, serial: &str, place: i64) -> Result<(), StoreError> {
    tx.change(
        "log_entry",
        "UPDATE log_entry SET place = $2 WHERE serial = $1 AND place IS NULL",
        params![serial, place],
    )
    .await
}

/// Stores a node that will never change.
pub async fn put_node(
    tx: &mut Tx,
    level: i64,
    place: i64,
    hash: &[u8; 32],
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO log_node (level, place, hash) VALUES ($1, $2, $3)",
        params![level, place, *hash],
    )
    .await?;
    Ok(())
}

/// Up to `count` nodes of a level from a place on.
pub async fn nodes(
    reader: &mut Reader,
    level: i64,
    from: i64,
    count: i64,
) -> Result<Vec<[u8; 32]>, StoreError> {
    reader
        .many(
            "SELECT hash FROM log_node WHERE level = $1 AND place >= $2 AND place < $3 \
             ORDER BY place",
            params![level, from, from + count],
            |row| row.get("hash"),
        )
        .await
}

/// A certificate's entry.
pub async fn entry(reader: &mut Reader, serial: &str) -> Result<Option<LogEntry>, StoreError> {
    reader
        .optional(
            "SELECT serial, commitment, sealed_salt, place FROM log_entry WHERE serial = $1",
            params![serial],
            read_entry,
        )
        .await
}

/// Up to `count` entries that have their place, from a place on.
pub async fn entries(
    reader: &mut Reader,
    from: i64,
    count: i64,
) -> Result<Vec<LogEntry>, StoreError> {
    reader
        .many(
            "SELECT serial, commitment, sealed_salt, place FROM log_entry \
             WHERE place >= $1 AND place < $2 ORDER BY place",
            params![from, from + count],
            read_entry,
        )
        .await
}

/// Stores a signed checkpoint over so many entries.
pub async fn put_checkpoint(
    tx: &mut Tx,
    size: i64,
    note: &str,
    signed_at: OffsetDateTime,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO log_checkpoint (size, note, signed_at) VALUES ($1, $2, $3)",
        params![size, note, signed_at],
    )
    .await?;
    Ok(())
}

/// The latest checkpoint: how many entries it covers, and the signed note.
pub async fn latest_checkpoint(reader: &mut Reader) -> Result<Option<(i64, String)>, StoreError> {
    reader
        .optional(
            "SELECT size, note FROM log_checkpoint ORDER BY size DESC LIMIT 1",
            params![],
            checkpoint,
        )
        .await
}

/// Up to `limit` checkpoints over more than so many entries, the smallest first.
pub async fn checkpoints(
    reader: &mut Reader,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    reader
        .all(
            "SELECT size, note FROM log_checkpoint WHERE size > $1 ORDER BY size LIMIT $2",
            params![after, limit],
            checkpoint,
        )
        .await
}

/// The log's key, if it has one.
pub async fn key(reader: &mut Reader) -> Result<Option<LogKeyRow>, StoreError> {
    reader
        .optional("SELECT name, sealed FROM log_key", params![], |row| {
            Ok(LogKeyRow {
                name: row.get("name")?,
                sealed: row.get("sealed")?,
            })
        })
        .await
}

/// Gives the log its key, unless it has one.
pub async fn put_key(tx: &mut Tx, key: &LogKeyRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO log_key (only_row, name, sealed) VALUES (1, $1, $2) \
         ON CONFLICT (only_row) DO NOTHING",
        params![key.name, key.sealed],
    )
    .await?;
    Ok(())
}

fn read_entry(row: &Row) -> Result<LogEntry, StoreError> {
    Ok(LogEntry {
        serial: row.get("serial")?,
        commitment: row.get("commitment")?,
        sealed_salt: row.get("sealed_salt")?,
        place: row.get("place")?,
    })
}

fn checkpoint(row: &Row) -> Result<(i64, String), StoreError> {
    Ok((row.get("size")?, row.get("note")?))
}
