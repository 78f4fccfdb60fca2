//! Pictures that visible signatures may show. They belong to the server, not to a request.

use bytes::Bytes;
use evidence::image::{ImagePolicy, as_png};
use model::ImageUid;
use serde_json::json;
use store::{Image, SealedImage};
use time::OffsetDateTime;

use crate::advance::Actor;
use crate::files::swap_extension;
use crate::{Error, FileContent, Service};

/// No picture may be larger than this, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 8 << 20;
/// No more pictures are taken in one call.
pub const MAX_IMAGES: usize = 10;

/// What a picture may measure: far more than a signature's box can show, and few enough bytes for
/// a row of the database.
const POLICY: ImagePolicy = ImagePolicy {
    min_side: 1,
    max_pixels: 4 << 20,
    max_decoded_bytes: 64 << 20,
};

/// A picture as a client brings it: PNG or JPEG.
pub struct NewImage {
    /// The file name the client gave.
    pub file_name: String,
    /// The bytes.
    pub content: Bytes,
}

/// A picture in a list.
#[derive(Debug, Clone)]
pub struct ImageView {
    /// Its identifier.
    pub uid: ImageUid,
    /// The file name the client gave, with the extension of a PNG.
    pub file_name: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// When it arrived.
    pub uploaded_at: OffsetDateTime,
}

impl From<Image> for ImageView {
    fn from(image: Image) -> Self {
        let Image {
            uid,
            file_name,
            width,
            height,
            uploaded_at,
        } = image;
        Self {
            uid,
            file_name,
            width,
            height,
            uploaded_at,
        }
    }
}

impl Service {
    /// Takes in pictures, all of them or none, and keeps them as PNG.
    ///
    /// # Errors
    ///
    /// [`Error::UnusableImage`].
    pub async fn upload_images(&self, images: Vec<NewImage>) -> Result<Vec<ImageUid>, Error> {
        let rows = self
            .at_work(move |service| {
                let images = images.into_iter();
                images
                    .map(|image| service.sealed_image(image))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await??;
        let mut tx = self.store().begin().await?;
        for row in &rows {
            store::images::insert(&mut tx, row).await?;
        }
        let uids: Vec<_> = rows.into_iter().map(|row| row.image.uid).collect();
        let named: Vec<_> = uids.iter().map(ToString::to_string).collect();
        let details = json!({ "images": named });
        self.record(&mut tx, Actor::Client, "images-uploaded", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(uids)
    }

    /// A picture, as PNG.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownImage`].
    pub async fn image(&self, uid: &str) -> Result<FileContent, Error> {
        let unknown = || Error::UnknownImage(shortened(uid));
        let parsed = parse(uid).ok_or_else(unknown)?;
        let mut reader = self.store().read().await?;
        let SealedImage { image, sealed } = store::images::get(&mut reader, parsed)
            .await?
            .ok_or_else(unknown)?;
        drop(reader);
        let content = self.master().open(&context(parsed), &sealed)?;
        Ok(FileContent {
            file_name: image.file_name,
            media_type: "image/png",
            content: Bytes::copy_from_slice(&content),
        })
    }

    /// All pictures, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn images(&self) -> Result<Vec<ImageView>, Error> {
        let mut reader = self.store().read().await?;
        let images = store::images::list(&mut reader).await?;
        Ok(images.into_iter().map(ImageView::from).collect())
    }

    /// Deletes a picture.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownImage`].
    pub async fn delete_image(&self, uid: &str) -> Result<(), Error> {
        let unknown = || Error::UnknownImage(shortened(uid));
        let parsed = parse(uid).ok_or_else(unknown)?;
        let mut tx = self.store().begin().await?;
        if !store::images::delete(&mut tx, parsed).await? {
            return Err(unknown());
        }
        let details = json!({ "image": parsed.to_string() });
        self.record(&mut tx, Actor::Client, "image-deleted", None, details)
            .await?;
        self.commit(tx).await
    }

    /// Deletes all pictures.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn delete_images(&self) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let count = store::images::delete_all(&mut tx).await?;
        let details = json!({ "count": count });
        self.record(&mut tx, Actor::Client, "images-deleted", None, details)
            .await?;
        self.commit(tx).await
    }

    fn sealed_image(&self, new: NewImage) -> Result<SealedImage, Error> {
        let NewImage { file_name, content } = new;
        let (facts, png) = match as_png(&content, &POLICY) {
            Ok(read) => read,
            Err(reason) => return Err(Error::UnusableImage { file_name, reason }),
        };
        let uid = ImageUid::draw(self.entropy());
        Ok(SealedImage {
            sealed: self.master().seal(&context(uid), &png, self.entropy()),
            image: Image {
                uid,
                file_name: swap_extension(&file_name, "png"),
                width: facts.width.into(),
                height: facts.height.into(),
                uploaded_at: self.now(),
            },
        })
    }
}

fn parse(uid: &str) -> Option<ImageUid> {
    uid.trim().parse().ok()
}

fn shortened(uid: &str) -> String {
    uid.chars().take(64).collect()
}

fn context(uid: ImageUid) -> String {
    format!("image {uid}")
}
