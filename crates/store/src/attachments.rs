//! Documents that officers upload in the classic workflow.

use model::RequestPk;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Attachment, AttachmentKind, StoredFile};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, request, kind, label, blob, sha256, size, media_type, uploaded_at \
             FROM attachment ",
            $rest
        )
    };
}

/// Adds an attachment, whose number comes from [`crate::sequence::next_document`].
pub async fn insert(tx: &mut Tx, attachment: &Attachment) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO attachment (number, request, kind, label, blob, sha256, size, media_type, \
         uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            attachment.number,
            attachment.request,
            attachment.kind,
            attachment.label,
            attachment.file.blob,
            attachment.file.sha256,
            attachment.file.size,
            attachment.media_type,
            attachment.uploaded_at,
        ],
    )
    .await?;
    Ok(())
}

/// A request's attachments by number.
pub async fn list(reader: &mut Reader, request: RequestPk) -> Result<Vec<Attachment>, StoreError> {
    reader
        .all(
            select!("WHERE request = $1 ORDER BY number"),
            params![request],
            attachment,
        )
        .await
}

/// A request's attachments of that kind by number.
pub async fn of_kind(
    reader: &mut Reader,
    request: RequestPk,
    kind: AttachmentKind,
) -> Result<Vec<Attachment>, StoreError> {
    reader
        .all(
            select!("WHERE request = $1 AND kind = $2 ORDER BY number"),
            params![request, kind],
            attachment,
        )
        .await
}

/// Finds an attachment of that request.
pub async fn get(
    reader: &mut Reader,
    request: RequestPk,
    number: i64,
) -> Result<Option<Attachment>, StoreError> {
    reader
        .optional(
            select!("WHERE request = $1 AND number = $2"),
            params![request, number],
            attachment,
        )
        .await
}

/// Removes an attachment of that request and returns the blob that it pointed at.
pub async fn remove(
    tx: &mut Tx,
    request: RequestPk,
    number: i64,
) -> Result<Option<String>, StoreError> {
    tx.optional(
        "DELETE FROM attachment WHERE request = $1 AND number = $2 RETURNING blob",
        params![request, number],
        |row| row.get("blob"),
    )
    .await
}

fn attachment(row: &Row) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        number: row.get("number")?,
        request: row.get("request")?,
        kind: row.get("kind")?,
        label: row.get("label")?,
        file: StoredFile {
            blob: row.get("blob")?,
            sha256: row.get("sha256")?,
            size: row.get("size")?,
        },
        media_type: row.get("media_type")?,
        uploaded_at: row.get("uploaded_at")?,
    })
}
