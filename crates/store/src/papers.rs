//! Contracts and declarations that the server draws up.

use model::RequestPk;
use time::OffsetDateTime;

use crate::connection::{Reader, Tx};
use crate::documents::file;
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Paper, PaperKind, StoredFile};

/// Stores a paper in place of an earlier one of its kind.
pub async fn put(tx: &mut Tx, request: RequestPk, paper: &Paper) -> Result<(), StoreError> {
    let signed = paper.signed.as_ref();
    tx.execute(
        "INSERT INTO paper (request, kind, number, unsigned_blob, unsigned_sha256, unsigned_size, \
         approved_blob, approved_sha256, approved_size, signed_blob, signed_sha256, signed_size, \
         good_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (request, kind) DO UPDATE SET number = excluded.number, \
         unsigned_blob = excluded.unsigned_blob, \
         unsigned_sha256 = excluded.unsigned_sha256, unsigned_size = excluded.unsigned_size, \
         approved_blob = excluded.approved_blob, approved_sha256 = excluded.approved_sha256, \
         approved_size = excluded.approved_size, signed_blob = excluded.signed_blob, \
         signed_sha256 = excluded.signed_sha256, signed_size = excluded.signed_size, \
         good_until = excluded.good_until",
        params![
            request,
            paper.kind,
            paper.number,
            paper.unsigned.blob,
            paper.unsigned.sha256,
            paper.unsigned.size,
            paper.approved.blob,
            paper.approved.sha256,
            paper.approved.size,
            signed.map(|file| file.blob.clone()),
            signed.map(|file| file.sha256),
            signed.map(|file| file.size),
            paper.good_until,
        ],
    )
    .await?;
    Ok(())
}

/// Stores the copy that bears all signatures, and until when it can be validated. Nothing else is
/// written anew, its indexes included.
pub async fn set_signed(
    tx: &mut Tx,
    request: RequestPk,
    kind: PaperKind,
    signed: &StoredFile,
    good_until: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    tx.change(
        "paper",
        "UPDATE paper SET signed_blob = $3, signed_sha256 = $4, signed_size = $5, good_until = $6 \
         WHERE request = $1 AND kind = $2",
        params![
            request,
            kind,
            signed.blob,
            signed.sha256,
            signed.size,
            good_until,
        ],
    )
    .await
}

/// Finds a request's paper.
pub async fn get(
    reader: &mut Reader,
    request: RequestPk,
    kind: PaperKind,
) -> Result<Option<Paper>, StoreError> {
    reader
        .optional(
            "SELECT kind, number, unsigned_blob, unsigned_sha256, unsigned_size, approved_blob, \
             approved_sha256, approved_size, signed_blob, signed_sha256, signed_size, good_until \
             FROM paper WHERE request = $1 AND kind = $2",
            params![request, kind],
            paper,
        )
        .await
}

fn paper(row: &Row) -> Result<Paper, StoreError> {
    let always = |columns: [&str; 3]| {
        file(row, columns)?.ok_or_else(|| StoreError::Corrupt {
            what: format!("column {}", columns[0]),
        })
    };
    Ok(Paper {
        kind: row.get("kind")?,
        number: row.get("number")?,
        unsigned: always(["unsigned_blob", "unsigned_sha256", "unsigned_size"])?,
        approved: always(["approved_blob", "approved_sha256", "approved_size"])?,
        signed: file(row, ["signed_blob", "signed_sha256", "signed_size"])?,
        good_until: row.get("good_until")?,
    })
}
