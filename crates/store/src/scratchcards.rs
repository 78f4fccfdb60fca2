//! Scratchcards: the stock of each registration authority.
//!
//! Serial numbers sort as numbers do: the shorter first, then by digits. The scratchcard of a
//! one-time request never was in a stock and has no row here.

use model::{RaId, RequestPk};

use crate::connection::{Reader, Tx, within};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Scratchcard;
use crate::sequence;

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT pk, sn, ra, secrets, used_by, created_at FROM scratchcard ",
            $($rest),+
        )
    };
}

/// Takes the number of a scratchcard's row. The very first is 301.
pub async fn next_pk(tx: &mut Tx) -> Result<i64, StoreError> {
    sequence::take(tx, "scratchcard-pk").await
}

/// Adds a scratchcard. Fails with [`StoreError::Duplicate`] where its serial number is taken.
pub async fn insert(tx: &mut Tx, scratchcard: &Scratchcard) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO scratchcard (pk, sn, ra, secrets, used_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            scratchcard.pk,
            scratchcard.sn,
            scratchcard.ra,
            scratchcard.secrets,
            scratchcard.used_by,
            scratchcard.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a scratchcard by its row's number.
pub async fn get(reader: &mut Reader, pk: i64) -> Result<Option<Scratchcard>, StoreError> {
    reader
        .optional(select!("WHERE pk = $1"), params![pk], scratchcard)
        .await
}

/// Finds a scratchcard by serial number.
pub async fn by_sn(reader: &mut Reader, sn: &str) -> Result<Option<Scratchcard>, StoreError> {
    reader
        .optional(select!("WHERE sn = $1"), params![sn], scratchcard)
        .await
}

/// Whether a scratchcard or a request has that serial number.
pub async fn exists(reader: &mut Reader, sn: &str) -> Result<bool, StoreError> {
    let found = reader
        .optional(
            "SELECT 1 FROM scratchcard WHERE sn = $1 \
             UNION ALL SELECT 1 FROM request WHERE scratchcard = $1 LIMIT 1",
            params![sn],
            |_| Ok(()),
        )
        .await?;
    Ok(found.is_some())
}

/// The unused scratchcard of an authority with the lowest serial number. Others may see the same
/// one: [`claim`] decides who gets it.
pub async fn first_unused(
    reader: &mut Reader,
    ra: RaId,
) -> Result<Option<Scratchcard>, StoreError> {
    reader
        .optional(
            select!("WHERE ra = $1 AND used_by IS NULL ORDER BY length(sn), sn LIMIT 1"),
            params![ra],
            scratchcard,
        )
        .await
}

/// How many unused scratchcards an authority has.
pub async fn count_unused(reader: &mut Reader, ra: RaId) -> Result<i64, StoreError> {
    reader
        .one(
            "SELECT COUNT(*) AS total FROM scratchcard WHERE ra = $1 AND used_by IS NULL",
            params![ra],
            |row| row.get("total"),
        )
        .await
}

/// Uses up an unused scratchcard of that authority, for a request whose row is there already. Says
/// whether it was still to be had.
pub async fn claim(
    tx: &mut Tx,
    sn: &str,
    ra: RaId,
    request: RequestPk,
) -> Result<bool, StoreError> {
    let claimed = tx
        .execute(
            "UPDATE scratchcard SET used_by = $3 WHERE sn = $1 AND ra = $2 AND used_by IS NULL",
            params![sn, ra, request],
        )
        .await?;
    Ok(claimed > 0)
}

/// Changes serial number, authority and secrets of a card that no request has used up:
/// [`StoreError::Absent`] otherwise.
pub async fn update(tx: &mut Tx, scratchcard: &Scratchcard) -> Result<(), StoreError> {
    tx.change(
        "scratchcard",
        "UPDATE scratchcard SET sn = $2, ra = $3, secrets = $4 WHERE pk = $1 AND used_by IS NULL",
        params![
            scratchcard.pk,
            scratchcard.sn,
            scratchcard.ra,
            scratchcard.secrets,
        ],
    )
    .await
}

/// How many scratchcards the authorities of `within` have, and those from `offset` on, by row
/// number, at most `limit`; only those of `ra` and with the serial number `sn` where these are
/// given.
pub async fn page(
    reader: &mut Reader,
    within: &[RaId],
    ra: Option<RaId>,
    sn: Option<&str>,
    offset: i64,
    limit: i64,
) -> Result<(i64, Vec<Scratchcard>), StoreError> {
    macro_rules! fitting {
        ($within:literal) => {
            concat!(
                "WHERE ra IN ",
                $within,
                " AND ($2 IS NULL OR ra = $2) AND ($3 IS NULL OR sn = $3) "
            )
        };
    }
    macro_rules! count {
        ($within:literal) => {
            concat!(
                "SELECT COUNT(*) AS total FROM scratchcard ",
                fitting!($within)
            )
        };
    }
    macro_rules! rows {
        ($within:literal) => {
            select!(fitting!($within), "ORDER BY pk LIMIT $4 OFFSET $5")
        };
    }
    let params = params![within, ra, sn.map(str::to_owned)];
    let place = [offset, limit];
    reader
        .page(within!(count), within!(rows), params, place, scratchcard)
        .await
}

/// Moves up to `amount` unused scratchcards from one authority to another, the lowest first; says
/// how many.
pub async fn move_first(tx: &mut Tx, from: RaId, to: RaId, amount: i64) -> Result<i64, StoreError> {
    let moved = tx
        .execute(
            "UPDATE scratchcard SET ra = $2 WHERE ra = $1 AND used_by IS NULL AND pk IN ( \
             SELECT pk FROM scratchcard WHERE ra = $1 AND used_by IS NULL \
             ORDER BY length(sn), sn LIMIT $3)",
            params![from, to, amount],
        )
        .await?;
    Ok(moved as i64)
}

/// Moves the unused scratchcards of the authorities `within` from `from_sn` to `to_sn` inclusive;
/// says how many, and how many of theirs in that range were not moved.
pub async fn move_range(
    tx: &mut Tx,
    within: &[RaId],
    from_sn: &str,
    to_sn: &str,
    to: RaId,
) -> Result<(i64, i64), StoreError> {
    macro_rules! in_range {
        ($within:literal) => {
            concat!(
                "(length(sn), sn) >= (length($2), $2) AND (length(sn), sn) <= (length($3), $3) \
                 AND ra IN ",
                $within
            )
        };
    }
    macro_rules! count {
        ($within:literal) => {
            concat!(
                "SELECT COUNT(*) AS total FROM scratchcard WHERE ",
                in_range!($within)
            )
        };
    }
    macro_rules! moving {
        ($within:literal) => {
            concat!(
                "UPDATE scratchcard SET ra = $4 WHERE used_by IS NULL AND ",
                in_range!($within)
            )
        };
    }
    let found: i64 = tx
        .one(within!(count), params![within, from_sn, to_sn], |row| {
            row.get("total")
        })
        .await?;
    let moved = tx
        .execute(within!(moving), params![within, from_sn, to_sn, to])
        .await? as i64;
    // Others may add to the range meanwhile.
    Ok((moved, (found - moved).max(0)))
}

fn scratchcard(row: &Row) -> Result<Scratchcard, StoreError> {
    Ok(Scratchcard {
        pk: row.get("pk")?,
        sn: row.get("sn")?,
        ra: row.get("ra")?,
        secrets: row.get("secrets")?,
        used_by: row.get("used_by")?,
        created_at: row.get("created_at")?,
    })
}
