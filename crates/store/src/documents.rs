//! Documents to be signed, and their signed copies.

use model::{DocumentUid, RequestPk};
use time::OffsetDateTime;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Document, StoredFile};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT uid, request, position, field_name, file_name, original_blob, \
             original_sha256, original_size, signed_blob, signed_sha256, signed_size, uploaded_at, \
             descriptor, good_until FROM document ",
            $rest
        )
    };
}

/// Adds a document.
pub async fn insert(tx: &mut Tx, document: &Document) -> Result<(), StoreError> {
    let (original, signed) = (document.original.as_ref(), document.signed.as_ref());
    tx.execute(
        "INSERT INTO document (uid, request, position, field_name, file_name, original_blob, \
         original_sha256, original_size, signed_blob, signed_sha256, signed_size, uploaded_at, \
         descriptor, good_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            document.uid,
            document.request,
            document.position,
            document.field_name,
            document.file_name,
            original.map(|file| file.blob.clone()),
            original.map(|file| file.sha256),
            original.map(|file| file.size),
            signed.map(|file| file.blob.clone()),
            signed.map(|file| file.sha256),
            signed.map(|file| file.size),
            document.uploaded_at,
            document.kind,
            document.good_until,
        ],
    )
    .await?;
    Ok(())
}

/// A request's documents in the order of upload.
pub async fn list(reader: &mut Reader, request: RequestPk) -> Result<Vec<Document>, StoreError> {
    reader
        .all(
            select!("WHERE request = $1 ORDER BY position"),
            params![request],
            document,
        )
        .await
}

/// Finds a document of a request.
pub async fn get(
    reader: &mut Reader,
    request: RequestPk,
    uid: DocumentUid,
) -> Result<Option<Document>, StoreError> {
    reader
        .optional(
            select!("WHERE request = $1 AND uid = $2"),
            params![request, uid],
            document,
        )
        .await
}

/// How many documents a request has.
pub async fn count(reader: &mut Reader, request: RequestPk) -> Result<i64, StoreError> {
    reader
        .one(
            "SELECT COUNT(*) AS documents FROM document WHERE request = $1",
            params![request],
            |row| row.get("documents"),
        )
        .await
}

/// Changes which copies of a document there are.
pub async fn update(tx: &mut Tx, document: &Document) -> Result<(), StoreError> {
    let (original, signed) = (document.original.as_ref(), document.signed.as_ref());
    tx.change(
        "document",
        "UPDATE document SET original_blob = $2, original_sha256 = $3, original_size = $4, \
         signed_blob = $5, signed_sha256 = $6, signed_size = $7, good_until = $8 WHERE uid = $1",
        params![
            document.uid,
            original.map(|file| file.blob.clone()),
            original.map(|file| file.sha256),
            original.map(|file| file.size),
            signed.map(|file| file.blob.clone()),
            signed.map(|file| file.sha256),
            signed.map(|file| file.size),
            document.good_until,
        ],
    )
    .await
}

/// Stores the signed copy, and until when it can be validated. Nothing else is written anew, its
/// indexes included.
pub async fn set_signed(
    tx: &mut Tx,
    uid: DocumentUid,
    signed: &StoredFile,
    good_until: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    tx.change(
        "document",
        "UPDATE document SET signed_blob = $2, signed_sha256 = $3, signed_size = $4, \
         good_until = $5 WHERE uid = $1",
        params![uid, signed.blob, signed.sha256, signed.size, good_until],
    )
    .await
}

/// Removes a document with all its copies; says whether it was there.
pub async fn remove(tx: &mut Tx, request: RequestPk, uid: DocumentUid) -> Result<bool, StoreError> {
    let removed = tx
        .execute(
            "DELETE FROM document WHERE request = $1 AND uid = $2",
            params![request, uid],
        )
        .await?;
    Ok(removed > 0)
}

/// Removes all documents of a request and returns the blobs that they pointed at.
pub async fn remove_all(tx: &mut Tx, request: RequestPk) -> Result<Vec<String>, StoreError> {
    let pairs: Vec<[Option<String>; 2]> = tx
        .all(
            "DELETE FROM document WHERE request = $1 RETURNING original_blob, signed_blob",
            params![request],
            |row| Ok([row.get("original_blob")?, row.get("signed_blob")?]),
        )
        .await?;
    Ok(pairs.into_iter().flatten().flatten().collect())
}

fn document(row: &Row) -> Result<Document, StoreError> {
    Ok(Document {
        uid: row.get("uid")?,
        request: row.get("request")?,
        position: row.get("position")?,
        field_name: row.get("field_name")?,
        file_name: row.get("file_name")?,
        original: file(row, ["original_blob", "original_sha256", "original_size"])?,
        signed: file(row, ["signed_blob", "signed_sha256", "signed_size"])?,
        uploaded_at: row.get("uploaded_at")?,
        kind: row.get("descriptor")?,
        good_until: row.get("good_until")?,
    })
}

/// The file that three columns describe, or none where the first is NULL.
pub(crate) fn file(
    row: &Row,
    [blob, sha256, size]: [&str; 3],
) -> Result<Option<StoredFile>, StoreError> {
    let Some(blob) = row.get(blob)? else {
        return Ok(None);
    };
    Ok(Some(StoredFile {
        blob,
        sha256: row.get(sha256)?,
        size: row.get(size)?,
    }))
}
