//! What must leave the server after the commit.
//!
//! Messages of one request and one channel form a stream, which leaves in the order of its
//! numbers: only the head of a stream is ever leased, and the next one moves up when the head is
//! delivered or given up. A message is enqueued under the request's lock, so that numbers follow
//! the order of events.
//!
//! A lease that runs out lets somebody else try. Reports on a lease carry the attempts it was
//! given with; a report on a lease that has passed to somebody else changes nothing. Delivery is
//! therefore at least once.

use time::{Duration, OffsetDateTime};

use crate::connection::{PerEngine, Reader, Tx};
use crate::error::StoreError;
use crate::field::{Field, Row, params};
use crate::records::{Channel, Leased, OutboxMessage};

/// How many messages are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Waiting or being sent.
    pub pending: i64,
    /// Given up.
    pub dead: i64,
}

/// Queues a message, due at once, and returns its number.
pub async fn enqueue(tx: &mut Tx, message: &OutboxMessage) -> Result<i64, StoreError> {
    tx.one(
        "INSERT INTO outbox (id, channel, request, target, label, payload, secret, created_at, \
         expires_at, state, attempts, next_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', 0, $8) RETURNING number",
        params![
            message.id,
            message.channel,
            message.request,
            message.target,
            message.label,
            message.payload,
            message.secret,
            message.created_at,
            message.expires_at,
        ],
        |row| row.get("number"),
    )
    .await
}

/// Leases up to `limit` due messages of these channels until `now + lease_for`. Messages that
/// other processes lease at the same time are passed over.
pub async fn lease(
    tx: &mut Tx,
    channels: &[Channel],
    now: OffsetDateTime,
    lease_for: Duration,
    limit: i64,
) -> Result<Vec<Leased>, StoreError> {
    // `MATERIALIZED` keeps a planner from running the locking part more than once.
    macro_rules! lease {
        ($lock:literal) => {
            concat!(
                "WITH due AS MATERIALIZED ( \
                 SELECT number FROM outbox AS head WHERE state = 'pending' AND next_at <= $1 \
                 AND (leased_until IS NULL OR leased_until <= $1) \
                 AND $2 LIKE '%,' || channel || ',%' \
                 AND NOT EXISTS (SELECT 1 FROM outbox AS earlier \
                 WHERE earlier.request = head.request AND earlier.channel = head.channel \
                 AND earlier.state = 'pending' AND earlier.number < head.number) \
                 ORDER BY next_at, number LIMIT $3",
                $lock,
                ") UPDATE outbox SET attempts = attempts + 1, leased_until = $4 \
                 FROM due WHERE outbox.number = due.number \
                 RETURNING outbox.number AS number, attempts, id, channel, request, target, \
                 label, payload, secret, created_at, expires_at"
            )
        };
    }

    let names: Vec<String> = channels.iter().filter_map(Field::to_raw).collect();
    let mut leased = tx
        .all(
            PerEngine {
                sqlite: lease!(""),
                postgres: lease!(" FOR UPDATE OF head SKIP LOCKED"),
            },
            params![
                now,
                format!(",{},", names.join(",")),
                limit,
                now + lease_for,
            ],
            leased_row,
        )
        .await?;
    // Neither engine promises an order for RETURNING.
    leased.sort_by_key(|leased| leased.number);
    Ok(leased)
}

/// Records a delivery and erases payload and secret, which nothing needs any more. `attempts` is
/// the lease's; says whether the lease was still ours.
pub async fn delivered(tx: &mut Tx, number: i64, attempts: i64) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "UPDATE outbox SET state = 'delivered', payload = $3, secret = NULL, \
             leased_until = NULL, last_error = NULL \
             WHERE number = $1 AND attempts = $2 + 1 AND state = 'pending'",
            params![number, attempts, &b""[..]],
        )
        .await?;
    Ok(ours > 0)
}

/// Records a failed attempt and when to try again. `error` goes to the operator: no secrets, no
/// personal data. Says whether the lease was still ours.
pub async fn failed(
    tx: &mut Tx,
    number: i64,
    attempts: i64,
    next_at: OffsetDateTime,
    error: &str,
) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "UPDATE outbox SET next_at = $3, last_error = $4, leased_until = NULL \
             WHERE number = $1 AND attempts = $2 + 1 AND state = 'pending'",
            params![number, attempts, next_at, error],
        )
        .await?;
    Ok(ours > 0)
}

/// Gives a message up, so that the next one of its stream may leave. The payload of a
/// text message or mail is erased; a webhook's stays for the operator. Says whether the lease was still ours.
pub async fn dead(
    tx: &mut Tx,
    number: i64,
    attempts: i64,
    error: &str,
) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "UPDATE outbox SET state = 'dead', last_error = $3, leased_until = NULL, \
             payload = CASE WHEN channel = $4 THEN payload ELSE $5 END, secret = NULL \
             WHERE number = $1 AND attempts = $2 + 1 AND state = 'pending'",
            params![number, attempts, error, Channel::Webhook, &b""[..]],
        )
        .await?;
    Ok(ours > 0)
}

/// When the next message is due, a leased one when its lease ends; `None` while nothing waits.
pub async fn next_due_at(reader: &mut Reader) -> Result<Option<OffsetDateTime>, StoreError> {
    reader
        .one(
            "SELECT MIN(CASE WHEN leased_until > next_at THEN leased_until ELSE next_at END) \
             AS due FROM outbox AS head WHERE state = 'pending' \
             AND NOT EXISTS (SELECT 1 FROM outbox AS earlier \
             WHERE earlier.request = head.request AND earlier.channel = head.channel \
             AND earlier.state = 'pending' AND earlier.number < head.number)",
            params![],
            |row| row.get("due"),
        )
        .await
}

/// Counts what waits and what was given up.
pub async fn counts(reader: &mut Reader) -> Result<Counts, StoreError> {
    let states = reader
        .all(
            "SELECT state, COUNT(*) AS messages FROM outbox \
             WHERE state IN ('pending', 'dead') GROUP BY state",
            params![],
            |row| Ok((row.get("state")?, row.get("messages")?)),
        )
        .await?;
    let count = |wanted: &str| {
        states
            .iter()
            .find(|(state, _): &&(String, i64)| state == wanted)
            .map_or(0, |(_, messages)| *messages)
    };
    Ok(Counts {
        pending: count("pending"),
        dead: count("dead"),
    })
}

fn leased_row(row: &Row) -> Result<Leased, StoreError> {
    Ok(Leased {
        number: row.get("number")?,
        attempts: row.get::<i64>("attempts")? - 1,
        message: OutboxMessage {
            id: row.get("id")?,
            channel: row.get("channel")?,
            request: row.get("request")?,
            target: row.get("target")?,
            label: row.get("label")?,
            payload: row.get("payload")?,
            secret: row.get("secret")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        },
    })
}
