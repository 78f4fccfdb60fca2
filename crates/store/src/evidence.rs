//! What a sender brought for a request: claims, still images, the video.

use model::RequestPk;
use model::evidence::ImageKind;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{EvidenceImage, EvidenceVideo};

/// The sender's claims, sealed under the request's data key.
pub async fn claims(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Option<Vec<u8>>, StoreError> {
    reader
        .optional(
            "SELECT sealed FROM evidence_claims WHERE request = $1",
            params![request],
            |row| row.get("sealed"),
        )
        .await
}

/// Stores the sealed claims in place of earlier ones.
pub async fn put_claims(tx: &mut Tx, request: RequestPk, sealed: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO evidence_claims (request, sealed) VALUES ($1, $2) \
         ON CONFLICT (request) DO UPDATE SET sealed = excluded.sealed",
        params![request, sealed],
    )
    .await?;
    Ok(())
}

/// The stored images, in the order of [`ImageKind::ALL`].
pub async fn images(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Vec<EvidenceImage>, StoreError> {
    let mut images = reader
        .all(
            "SELECT kind, number, blob, sha256, size, media_type, width, height \
             FROM evidence_image WHERE request = $1",
            params![request],
            image,
        )
        .await?;
    images.sort_by_key(|image| ImageKind::ALL.iter().position(|kind| *kind == image.kind));
    Ok(images)
}

/// Stores an image and returns the blob of the one of its kind that it replaces.
pub async fn put_image(
    tx: &mut Tx,
    request: RequestPk,
    image: &EvidenceImage,
) -> Result<Option<String>, StoreError> {
    let replaced = tx
        .optional(
            "SELECT blob FROM evidence_image WHERE request = $1 AND kind = $2",
            params![request, image.kind],
            |row| row.get("blob"),
        )
        .await?;
    tx.execute(
        "INSERT INTO evidence_image (request, kind, number, blob, sha256, size, media_type, width, \
         height) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (request, kind) DO UPDATE SET number = excluded.number, \
         blob = excluded.blob, sha256 = excluded.sha256, size = excluded.size, media_type = excluded.media_type, \
         width = excluded.width, height = excluded.height",
        params![
            request,
            image.kind,
            image.number,
            image.blob,
            image.sha256,
            image.size,
            image.media_type,
            image.width,
            image.height,
        ],
    )
    .await?;
    Ok(replaced)
}

/// The stored video, if there is one.
pub async fn video(
    reader: &mut Reader,
    request: RequestPk,
) -> Result<Option<EvidenceVideo>, StoreError> {
    reader
        .optional(
            "SELECT blob, sha256, size, media_type, width, height, duration_ms, codec, \
             received_at FROM evidence_video WHERE request = $1",
            params![request],
            read_video,
        )
        .await
}

/// Stores the video and returns the blob of the one that it replaces.
pub async fn put_video(
    tx: &mut Tx,
    request: RequestPk,
    video: &EvidenceVideo,
) -> Result<Option<String>, StoreError> {
    let replaced = tx
        .optional(
            "SELECT blob FROM evidence_video WHERE request = $1",
            params![request],
            |row| row.get("blob"),
        )
        .await?;
    tx.execute(
        "INSERT INTO evidence_video (request, blob, sha256, size, media_type, width, height, \
         duration_ms, codec, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (request) DO UPDATE SET blob = excluded.blob, sha256 = excluded.sha256, \
         size = excluded.size, media_type = excluded.media_type, width = excluded.width, \
         height = excluded.height, duration_ms = excluded.duration_ms, codec = excluded.codec, \
         received_at = excluded.received_at",
        params![
            request,
            video.blob,
            video.sha256,
            video.size,
            video.media_type,
            video.width,
            video.height,
            video.duration_ms,
            video.codec,
            video.received_at,
        ],
    )
    .await?;
    Ok(replaced)
}

fn image(row: &Row) -> Result<EvidenceImage, StoreError> {
    Ok(EvidenceImage {
        kind: row.get("kind")?,
        number: row.get("number")?,
        blob: row.get("blob")?,
        sha256: row.get("sha256")?,
        size: row.get("size")?,
        media_type: row.get("media_type")?,
        width: row.get("width")?,
        height: row.get("height")?,
    })
}

fn read_video(row: &Row) -> Result<EvidenceVideo, StoreError> {
    Ok(EvidenceVideo {
        blob: row.get("blob")?,
        sha256: row.get("sha256")?,
        size: row.get("size")?,
        media_type: row.get("media_type")?,
        width: row.get("width")?,
        height: row.get("height")?,
        duration_ms: row.get("duration_ms")?,
        codec: row.get("codec")?,
        received_at: row.get("received_at")?,
    })
}
