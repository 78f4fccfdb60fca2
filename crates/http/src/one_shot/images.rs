//! Pictures for visible signatures.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::ImageUid;
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::{Error, ImageView, MAX_IMAGE_BYTES, MAX_IMAGES, NewImage};
use time::macros::format_description;
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;

use super::dialect::Success;
use super::documents::download;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::multipart::Form;
use crate::body::{BodyFault, declared_length};
use crate::disposition;
use crate::path_args::PathArgs;

const GROUP: &str = "Images";
const NO_UID: &str = "Missing required parameters: Image uid not specified";
const NO_UID_TO_DELETE: &str = "Missing required parameters: No image uid specified";
const DELETED: &str = "Image deleted";
const DELETED_ALL: &str = "Images deleted successfully";
const SAMPLE: &str = "33333333-3333-4333-8333-333333333333";
const SAMPLE_UID: uuid::Uuid = uuid::uuid!("33333333-3333-4333-8333-333333333333");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::UploadImages, upload)
            .paths(&["/image"], &["/image"])
            .about(
                GROUP,
                "Upload images",
                "One or more pictures, PNG or JPEG, in parts called `image`. They are kept as PNG. \
                 All are taken or none.",
            )
            .form(schema::object(
                "",
                vec![("image", schema::bytes("A PNG or JPEG."), true)],
            ))
            .with_image_answer()
            .refuses(|| {
                let too_many = format!("At most {MAX_IMAGES} images can be uploaded at once");
                vec![
                    (no_image(), "The form has no part called `image`."),
                    (
                        Fault::said(StatusCode::BAD_REQUEST, too_many),
                        "The form has more pictures than one call takes.",
                    ),
                    (
                        BodyFault::TooLarge { limit: MAX_IMAGE_BYTES }.into(),
                        "A picture is larger than that.",
                    ),
                    (
                        Fault::said(
                            StatusCode::UNSUPPORTED_MEDIA_TYPE,
                            "Image file type not supported: a.gif: the file looks like a GIF image, send JPEG or PNG",
                        ),
                        "A file is neither PNG nor JPEG, cannot be decoded, or has too many pixels. The text says which and why.",
                    ),
                ]
            }),
        Endpoint::get(Call::GetImage, get)
            .paths(&["/image/{image_uid}"], &["/image/{image_uid}"])
            .about(GROUP, "Get an image", "As PNG.")
            .answers_bytes(&["image/png"], "The picture.", false)
            .refuses(|| vec![(unknown(), "There is no such picture.")]),
        Endpoint::nameless(HttpMethod::Get, Call::GetImage, &["/image"], NO_UID),
        Endpoint::get(Call::ListImages, list)
            .paths(&["/images"], &["/images"])
            .about(GROUP, "List images", "By identifier, oldest first.")
            .with_list_of_images(),
        Endpoint::delete(Call::DeleteImage, delete)
            .paths(&["/image/{image_uid}"], &["/image/{image_uid}"])
            .about(GROUP, "Delete an image", "")
            .answers(Success::text(DELETED))
            .refuses(|| vec![(unknown(), "There is no such picture.")]),
        Endpoint::nameless(
            HttpMethod::Delete,
            Call::DeleteImage,
            &["/image"],
            NO_UID_TO_DELETE,
        ),
        Endpoint::delete(Call::DeleteImages, delete_all)
            .paths(&["/images"], &["/images"])
            .about(GROUP, "Delete all images", "")
            .answers(Success::text(DELETED_ALL)),
    ]
}

impl Endpoint {
    fn with_image_answer(mut self) -> Self {
        let one = self.component::<ImageUploaded>();
        let uid = || schema::text("The picture's identifier.");
        self.answers_each(
            Some(schema::either(one.clone(), schema::array(one))),
            Some(schema::either(uid(), schema::array(uid()))),
            uploaded(&[ImageUid(SAMPLE_UID)]),
        )
    }

    fn with_list_of_images(mut self) -> Self {
        let listed = self.component::<ListedImage>();
        let payload = schema::map("Pictures by identifier.", listed);
        let sample = json!({ SAMPLE: {
            "filename": "logo.png", "ext": ".png", "mime": "image/png", "size": [300, 100],
            "upload_date": "2025-11-11 18:03:07.000000",
        }});
        self.answers_each(
            Some(payload.clone()),
            Some(payload),
            Success::payload("Images", sample),
        )
    }
}

async fn upload(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadImages, async {
        let images = read_images(&headers, body).await?;
        Ok(uploaded(&door.service.upload_images(images).await?))
    })
    .await
}

async fn read_images(headers: &HeaderMap, body: Body) -> Result<Vec<NewImage>, Fault> {
    let most = MAX_IMAGE_BYTES * MAX_IMAGES as u64 + (1 << 20);
    if declared_length(headers).is_some_and(|length| length > most) {
        return Err(BodyFault::TooLarge { limit: most }.into());
    }
    let mut form = Form::open(headers, body)?;
    let mut images = Vec::new();
    while let Some(mut part) = form.next().await? {
        // `image2` and `image[]` too, as clients number them.
        if !part.name().starts_with("image") {
            part.drain().await?;
            continue;
        }
        let content = part.read(MAX_IMAGE_BYTES).await?;
        if content.is_empty() && part.file_name().is_none() {
            continue;
        }
        if images.len() >= MAX_IMAGES {
            let text = format!("At most {MAX_IMAGES} images can be uploaded at once");
            return Err(Fault::said(StatusCode::BAD_REQUEST, text));
        }
        let file_name = part.file_name().unwrap_or_else(|| part.name());
        images.push(NewImage {
            file_name: disposition::base_name(&file_name),
            content,
        });
    }
    if images.is_empty() {
        Err(no_image())
    } else {
        Ok(images)
    }
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetImage, async {
        Ok(download(door.service.image(&args.text("image_uid")).await?))
    })
    .await
}

async fn list(door: Door) -> Response {
    door.answer(Call::ListImages, async {
        let images = door.service.images().await?.into_iter();
        let payload: Map<String, Value> = images
            .map(|image| (image.uid.to_string(), json!(ListedImage::of(image))))
            .collect();
        Ok(Success::payload("Images", Value::Object(payload)))
    })
    .await
}

async fn delete(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DeleteImage, async {
        door.service.delete_image(&args.text("image_uid")).await?;
        Ok(Success::text(DELETED))
    })
    .await
}

async fn delete_all(door: Door) -> Response {
    door.answer(Call::DeleteImages, async {
        door.service.delete_images().await?;
        Ok(Success::text(DELETED_ALL))
    })
    .await
}

fn no_image() -> Fault {
    Fault::said(
        StatusCode::BAD_REQUEST,
        "Missing required parameter: 'image'",
    )
}

fn unknown() -> Fault {
    Error::UnknownImage(SAMPLE.into()).into()
}

/// A picture's identifier.
#[derive(Serialize, ToSchema)]
struct ImageUploaded {
    image_uid: String,
}

fn uploaded(uids: &[ImageUid]) -> Success {
    let texts: Vec<_> = uids.iter().map(ToString::to_string).collect();
    let one = |uid: &String| {
        json!(ImageUploaded {
            image_uid: uid.clone()
        })
    };
    match texts.as_slice() {
        [uid] => Success::text(format!("Image uploaded with uid '{uid}'"))
            .with_new(one(uid))
            .with_legacy(uid.clone().into()),
        several => Success::text(format!(
            "Images uploaded with uids '{}'",
            several.join("', '")
        ))
        .with_new(several.iter().map(one).collect())
        .with_legacy(json!(several)),
    }
}

/// A picture in the list.
#[derive(Serialize, ToSchema)]
struct ListedImage {
    filename: String,
    /// With its dot.
    ext: &'static str,
    mime: &'static str,
    /// Width and height, in pixels.
    size: [i64; 2],
    /// `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
    upload_date: String,
}

impl ListedImage {
    fn of(image: ImageView) -> Self {
        let form = format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]"
        );
        Self {
            filename: image.file_name,
            ext: ".png",
            mime: "image/png",
            size: [image.width, image.height],
            upload_date: image.uploaded_at.format(form).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shot::Dialect;

    #[test]
    fn one_picture_is_answered_otherwise_than_several() {
        let uid = ImageUid(SAMPLE_UID);
        let one = uploaded(&[uid]);
        assert_eq!(
            one.clone().body(Dialect::New)["message"],
            format!("Image uploaded with uid '{SAMPLE}'")
        );
        assert_eq!(
            one.clone().body(Dialect::New)["details"],
            json!({ "image_uid": SAMPLE })
        );
        assert_eq!(one.body(Dialect::Legacy)["details"], SAMPLE);
        let two = uploaded(&[uid, uid]);
        assert_eq!(
            two.clone().body(Dialect::New)["details"],
            json!([{ "image_uid": SAMPLE }, { "image_uid": SAMPLE }])
        );
        assert_eq!(
            two.body(Dialect::Legacy)["details"],
            json!([SAMPLE, SAMPLE])
        );
    }
}
