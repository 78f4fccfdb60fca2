//! The audit log: append-only, each entry chained to the one before it.
//!
//! An entry's hash is SHA-256 over a fixed prefix and, in this order, number, time, actor,
//! action, request, details and the hash before it, each preceded by its length in eight bytes,
//! so that no two entries share an encoding. Numbers and times are eight bytes, big-endian, times
//! in milliseconds since 1970; an entry without a request has an empty one; texts are UTF-8. The
//! entry before the first counts as 32 zero bytes.
//!
//! The chain shows every change inside the log. It cannot show that somebody with the whole
//! database made a new chain, or cut the end off and moved the head back: for that, heads must be
//! kept elsewhere.

use model::RequestPk;

use crate::connection::{Reader, Store, Tx, locking};
use crate::error::StoreError;
use crate::field::{Field, Row, milliseconds, params};
use crate::records::{AuditEntry, ChainedEntry};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, at, actor, action, request, details, previous, hash FROM audit ",
            $rest
        )
    };
}

/// A log whose chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries there are.
    pub entries: i64,
    /// The last entry's hash; zeros in an empty log.
    pub head: [u8; 32],
}

/// Why a log could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The chain is broken: somebody changed the log.
    #[error("the audit log is broken at entry {number}: {why}")]
    Broken {
        /// The first entry that does not fit.
        number: i64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Appends an entry. It is in the log when the transaction commits, and only then.
pub async fn append(tx: &mut Tx, entry: &AuditEntry) -> Result<ChainedEntry, StoreError> {
    let (last, previous) = tx
        .one(
            locking!("SELECT number, hash FROM audit_head"),
            params![],
            head,
        )
        .await?;
    let number = last + 1;
    // As it will be read again: with the precision that is stored.
    let entry = AuditEntry {
        at: Field::from_raw(entry.at.to_raw()).unwrap_or(entry.at),
        ..entry.clone()
    };
    let hash = digest(number, &entry, &previous);
    tx.execute(
        "INSERT INTO audit (number, at, actor, action, request, details, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            number,
            entry.at,
            entry.actor,
            entry.action,
            entry.request,
            entry.details,
            previous,
            hash,
        ],
    )
    .await?;
    tx.change(
        "audit_head",
        "UPDATE audit_head SET number = $1, hash = $2",
        params![number, hash],
    )
    .await?;
    Ok(ChainedEntry {
        number,
        entry,
        previous,
        hash,
    })
}

/// Up to `limit` entries after number `after`, the oldest first.
pub async fn page(
    reader: &mut Reader,
    after: i64,
    limit: i64,
) -> Result<Vec<ChainedEntry>, StoreError> {
    reader
        .many(
            select!("WHERE number > $1 ORDER BY number LIMIT $2"),
            params![after, limit],
            chained,
        )
        .await
}

/// All entries that concern a request, the oldest first.
pub async fn of_request(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Vec<ChainedEntry>, StoreError> {
    reader
        .all(
            select!("WHERE request = $1 ORDER BY number"),
            params![request],
            chained,
        )
        .await
}

/// Follows the chain from the first entry to the head, page by page, as it stands at one moment.
pub async fn verify(store: &Store) -> Result<Verified, VerifyError> {
    const PAGE: i64 = 512;

    let mut reader = store.read().await?;
    let (entries, recorded_head) = reader
        .one("SELECT number, hash FROM audit_head", params![], head)
        .await?;

    let (mut number, mut previous) = (0, [0; 32]);
    loop {
        let page = page(&mut reader, number, PAGE).await?;
        for chained in &page {
            number += 1;
            let broken = |why| Err(VerifyError::Broken { number, why });
            if chained.number != number {
                return broken("it is missing");
            }
            if chained.previous != previous {
                return broken("it does not follow the entry before it");
            }
            if chained.hash != digest(number, &chained.entry, &previous) {
                return broken("its content is not what was entered");
            }
            previous = chained.hash;
        }
        if page.is_empty() {
            break;
        }
    }

    match (number, previous) == (entries, recorded_head) {
        true => Ok(Verified {
            entries,
            head: recorded_head,
        }),
        false => Err(VerifyError::Broken {
            number: number.min(entries) + 1,
            why: "the log does not end where its head says",
        }),
    }
}

fn digest(number: i64, entry: &AuditEntry, previous: &[u8; 32]) -> [u8; 32] {
    let request = entry.request.map(|request| request.0.to_be_bytes());
    let fields: [&[u8]; 7] = [
        &number.to_be_bytes(),
        &milliseconds(&entry.at).to_be_bytes(),
        entry.actor.as_bytes(),
        entry.action.as_bytes(),
        request.as_ref().map_or(&[], |request| request),
        entry.details.as_bytes(),
        previous,
    ];
    let mut hash = crypto::Sha256::new();
    hash.update(b"avouch audit entry 1\n");
    for field in fields {
        hash.update(&(field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finish()
}

fn head(row: &Row) -> Result<(i64, [u8; 32]), StoreError> {
    Ok((row.get("number")?, row.get("hash")?))
}

fn chained(row: &Row) -> Result<ChainedEntry, StoreError> {
    Ok(ChainedEntry {
        number: row.get("number")?,
        entry: AuditEntry {
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            request: row.get("request")?,
            details: row.get("details")?,
        },
        previous: row.get("previous")?,
        hash: row.get("hash")?,
    })
}
