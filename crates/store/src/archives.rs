//! The archive: signed files that carry what validates them, by the time until which it does.

use model::{DocumentUid, RequestPk};
use time::OffsetDateTime;

use crate::connection::Reader;
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::PaperKind;

/// A signed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    /// The request it belongs to.
    pub request: RequestPk,
    /// Which file of the request.
    pub file: ArchivedFile,
    /// Until when it can be validated as it is.
    pub good_until: OffsetDateTime,
}

/// Which signed file of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchivedFile {
    /// A document that a client brought.
    Document(DocumentUid),
    /// A paper of ours.
    Paper(PaperKind),
}

/// Documents that can be validated no longer than `before`, in a fixed order: up to `limit` of those
/// behind `after`.
pub async fn documents_due(
    reader: &mut Reader,
    before: OffsetDateTime,
    after: Option<(RequestPk, DocumentUid)>,
    limit: i64,
) -> Result<Vec<Archived>, StoreError> {
    let (request, uid) = match after {
        Some((request, uid)) => (request.0, uid.to_string()),
        None => (0, String::new()),
    };
    reader
        .many(
            "SELECT request, uid, good_until FROM document WHERE good_until < $1 \
             AND signed_blob IS NOT NULL AND (request > $2 OR (request = $2 AND uid > $3)) \
             ORDER BY request, uid LIMIT $4",
            params![before, request, uid, limit],
            |row| archived(row, ArchivedFile::Document(row.get("uid")?)),
        )
        .await
}

/// As [`documents_due`], for papers.
pub async fn papers_due(
    reader: &mut Reader,
    before: OffsetDateTime,
    after: Option<(RequestPk, PaperKind)>,
    limit: i64,
) -> Result<Vec<Archived>, StoreError> {
    let (request, kind) = match after {
        Some((request, kind)) => (request.0, Some(kind)),
        // No request has this number, so that the kind does not matter.
        None => (0, None),
    };
    reader
        .many(
            "SELECT request, kind, good_until FROM paper WHERE good_until < $1 \
             AND (request > $2 OR (request = $2 AND kind > $3)) \
             ORDER BY request, kind LIMIT $4",
            params![before, request, kind, limit],
            |row| archived(row, ArchivedFile::Paper(row.get("kind")?)),
        )
        .await
}

/// How many files can be validated no longer than `before`.
pub async fn count_due(reader: &mut Reader, before: OffsetDateTime) -> Result<i64, StoreError> {
    reader
        .one(
            "SELECT (SELECT COUNT(*) FROM document WHERE good_until < $1 \
             AND signed_blob IS NOT NULL) + (SELECT COUNT(*) FROM paper WHERE good_until < $1) \
             AS files",
            params![before],
            |row| row.get("files"),
        )
        .await
}

fn archived(row: &Row, file: ArchivedFile) -> Result<Archived, StoreError> {
    Ok(Archived {
        request: row.get("request")?,
        file,
        good_until: row.get("good_until")?,
    })
}
