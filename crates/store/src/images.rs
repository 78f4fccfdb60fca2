//! Pictures for visible signatures.

use model::ImageUid;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::{Image, SealedImage};

/// Adds a picture.
pub async fn insert(tx: &mut Tx, image: &SealedImage) -> Result<(), StoreError> {
    let SealedImage { image, sealed } = image;
    tx.execute(
        "INSERT INTO image (uid, file_name, width, height, sealed, uploaded_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            image.uid,
            image.file_name,
            image.width,
            image.height,
            *sealed,
            image.uploaded_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a picture.
pub async fn get(reader: &mut Reader, uid: ImageUid) -> Result<Option<SealedImage>, StoreError> {
    reader
        .optional(
            "SELECT uid, file_name, width, height, sealed, uploaded_at FROM image WHERE uid = $1",
            params![uid],
            |row| {
                Ok(SealedImage {
                    image: image(row)?,
                    sealed: row.get("sealed")?,
                })
            },
        )
        .await
}

/// All pictures, without their content, in the order in which they were added.
pub async fn list(reader: &mut Reader) -> Result<Vec<Image>, StoreError> {
    reader
        .all(
            "SELECT uid, file_name, width, height, uploaded_at FROM image ORDER BY number",
            params![],
            image,
        )
        .await
}

/// Deletes a picture; says whether it was there.
pub async fn delete(tx: &mut Tx, uid: ImageUid) -> Result<bool, StoreError> {
    let deleted = tx
        .execute("DELETE FROM image WHERE uid = $1", params![uid])
        .await?;
    Ok(deleted > 0)
}

/// Deletes all pictures; says how many there were.
pub async fn delete_all(tx: &mut Tx) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM image", params![]).await
}

fn image(row: &Row) -> Result<Image, StoreError> {
    Ok(Image {
        uid: row.get("uid")?,
        file_name: row.get("file_name")?,
        width: row.get("width")?,
        height: row.get("height")?,
        uploaded_at: row.get("uploaded_at")?,
    })
}
