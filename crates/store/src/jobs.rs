//! Work that is done after the answer: at most one job of a kind for a request.
//!
//! As in the outbox, a lease that runs out lets somebody else try, and reports carry the attempts
//! that the lease was given with. A job that is done leaves no row; one that was given up stays
//! without its payload, so that the reason can be told, until another takes its place.

use model::RequestPk;
use time::{Duration, OffsetDateTime};

use crate::connection::{PerEngine, Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Job, JobKind, LeasedJob};

/// How many jobs are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Waiting or being worked on.
    pub pending: i64,
    /// Given up.
    pub failed: i64,
}

/// Queues a job, due at once, in place of one of its kind that was given up. Where one is pending
/// already, that one stays; says whether the job was queued.
pub async fn enqueue(
    tx: &mut Tx,
    request: RequestPk,
    kind: JobKind,
    payload: &[u8],
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    tx.execute(
        "DELETE FROM job WHERE request = $1 AND kind = $2 AND state = 'failed'",
        params![request, kind],
    )
    .await?;
    let queued = tx
        .execute(
            "INSERT INTO job (request, kind, payload, state, attempts, next_at, created_at) \
             VALUES ($1, $2, $3, 'pending', 0, $4, $4) ON CONFLICT (request, kind) DO NOTHING",
            params![request, kind, payload, now],
        )
        .await?;
    Ok(queued > 0)
}

/// Leases up to `limit` due jobs until `now + lease_for`. Jobs that other processes lease at the
/// same time are passed over.
pub async fn lease(
    tx: &mut Tx,
    now: OffsetDateTime,
    lease_for: Duration,
    limit: i64,
) -> Result<Vec<LeasedJob>, StoreError> {
    // `MATERIALIZED` keeps a planner from running the locking part more than once.
    macro_rules! lease {
        ($lock:literal) => {
            concat!(
                "WITH due AS MATERIALIZED ( \
                 SELECT number FROM job WHERE state = 'pending' AND next_at <= $1 \
                 AND (leased_until IS NULL OR leased_until <= $1) \
                 ORDER BY next_at, number LIMIT $2",
                $lock,
                ") UPDATE job SET attempts = attempts + 1, leased_until = $3 \
                 FROM due WHERE job.number = due.number \
                 RETURNING job.number AS number, request, kind, payload, attempts"
            )
        };
    }
    tx.all(
        PerEngine {
            sqlite: lease!(""),
            postgres: lease!(" FOR UPDATE SKIP LOCKED"),
        },
        params![now, limit, now + lease_for],
        leased,
    )
    .await
}

/// Removes a job that is done. Says whether the lease was still ours.
pub async fn done(tx: &mut Tx, job: &LeasedJob) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "DELETE FROM job WHERE number = $1 AND attempts = $2 AND state = 'pending'",
            params![job.number, job.attempts],
        )
        .await?;
    Ok(ours > 0)
}

/// Records a failed attempt and when to try again. `error` goes to the operator: no secrets, no
/// personal data. Says whether the lease was still ours.
pub async fn failed(
    tx: &mut Tx,
    job: &LeasedJob,
    next_at: OffsetDateTime,
    error: &str,
) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "UPDATE job SET next_at = $3, last_error = $4, leased_until = NULL \
             WHERE number = $1 AND attempts = $2 AND state = 'pending'",
            params![job.number, job.attempts, next_at, error],
        )
        .await?;
    Ok(ours > 0)
}

/// Gives a job up and erases its payload. Says whether the lease was still ours.
pub async fn given_up(tx: &mut Tx, job: &LeasedJob, error: &str) -> Result<bool, StoreError> {
    let ours = tx
        .execute(
            "UPDATE job SET state = 'failed', payload = $3, last_error = $4, leased_until = NULL \
             WHERE number = $1 AND attempts = $2 AND state = 'pending'",
            params![job.number, job.attempts, &b""[..], error],
        )
        .await?;
    Ok(ours > 0)
}

/// When the next job is due, a leased one when its lease ends; `None` while nothing waits.
pub async fn next_due_at(reader: &mut Reader) -> Result<Option<OffsetDateTime>, StoreError> {
    reader
        .one(
            "SELECT MIN(CASE WHEN leased_until > next_at THEN leased_until ELSE next_at END) \
             AS due FROM job WHERE state = 'pending'",
            params![],
            |row| row.get("due"),
        )
        .await
}

/// The request's job of that kind that is pending or was given up.
pub async fn get(
    reader: &mut Reader,
    request: RequestPk,
    kind: JobKind,
) -> Result<Option<Job>, StoreError> {
    reader
        .optional(
            "SELECT state, last_error FROM job WHERE request = $1 AND kind = $2",
            params![request, kind],
            |row| {
                Ok(Job {
                    given_up: row.get::<String>("state")? == "failed",
                    last_error: row.get("last_error")?,
                })
            },
        )
        .await
}

/// Counts what waits and what was given up.
pub async fn counts(reader: &mut Reader) -> Result<Counts, StoreError> {
    reader
        .one(
            "SELECT COUNT(*) FILTER (WHERE state = 'pending') AS pending, \
             COUNT(*) FILTER (WHERE state = 'failed') AS failed FROM job",
            params![],
            |row| {
                Ok(Counts {
                    pending: row.get("pending")?,
                    failed: row.get("failed")?,
                })
            },
        )
        .await
}

fn leased(row: &Row) -> Result<LeasedJob, StoreError> {
    Ok(LeasedJob {
        number: row.get("number")?,
        attempts: row.get("attempts")?,
        request: row.get("request")?,
        kind: row.get("kind")?,
        payload: row.get("payload")?,
    })
}
