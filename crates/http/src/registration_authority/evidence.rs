//! `PUT /videoid/{video_pk}`: claims and stills.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Status;
use serde_json::json;
use service::{Error, EvidenceUpload, Problems};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::refusals::{not_permitted, wrong_status};
use super::schemas;
use crate::body::evidence;
use crate::path_args::PathArgs;
use crate::schema;

pub(super) const GROUP: &str = "VideoID";

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALIASES: &[&str] = &["/videoid/{name}/evidences", "/upload/data/{name}"];
    vec![
        Endpoint::put("/videoid/{name}", Call::UploadEvidence, upload)
            .aliases(ALIASES)
            .about(
                GROUP,
                "Upload data evidence",
                "Once nothing is missing any more, the video included, the request is in \
                 `VIDEOREVIEW`; until then in `VIDEOINCOMPLETE`. `POST` does the same on the \
                 aliases. `data` is taken for `videoid_data`.",
            )
            .json(
                body_schema(),
                json!({
                    "acceptance": { "description": "accepted", "date": 1_700_000_000_000_i64 },
                    "videoid_data": {
                        "images": {
                            "document_front": "<base64>", "document_rear": "<base64>",
                            "document_photo": "<base64>", "document_owner": "<base64>",
                        },
                        "ocr_data": {
                            "given_name": "Ana", "surname_1": "Prueba",
                            "serial_number": "00000000T", "id_document_type": "IDC",
                        },
                        "security_checks": { "otp_validation": true, "liveliness": true },
                        "similarity_level": "high",
                    },
                }),
            )
            .answers(schemas::status(), json!({ "status": "200 OK" }))
            .refuses(|| {
                let mut unusable = Problems::default();
                unusable.invalid("document_front", "not a JPEG or PNG image");
                vec![
                    (
                        Error::UnknownVideoId("7".into()).into(),
                        "Nothing has this name, or nothing in sight.",
                    ),
                    wrong_status(
                        Status::VideoReview,
                        "The evidence is complete, or the request is over.",
                    ),
                    (
                        Fault::wrong("videoid_data.images.document_front", "not base64"),
                        "A member is of the wrong kind, or an image is not base64. Nothing was \
                         stored.",
                    ),
                    (
                        Fault::wrong("acceptance", "must have no more than 1 MiB"),
                        "A claim is longer than anything that is said of a person. Nothing was \
                         stored.",
                    ),
                    (
                        Error::UnusableImages(unusable).into(),
                        "An image does not decode. The request is now in `VIDEOERROR`; a good \
                         upload recovers.",
                    ),
                    not_permitted(),
                ]
            }),
        Endpoint::post("/videoid/{name}", Call::UploadEvidence, upload).aliases(ALIASES),
    ]
}

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadEvidence, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let container = if fields.has("videoid_data") {
            "videoid_data"
        } else {
            "data"
        };
        let (claims, images) = evidence::read(&mut fields, container);
        fields.check(&[])?;
        let images = evidence::decode_all(images).await;
        // Elsewhere an image that is no base64 is unusable evidence; here the call is malformed.
        let mut problems = Problems::default();
        for (kind, content) in &images {
            match content {
                Ok(content) if !content.is_empty() => {}
                Ok(_) => problems.missing(kind.name()),
                Err(why) => problems.invalid(kind.name(), why),
            }
        }
        problems.check()?;
        let upload = EvidenceUpload { claims, images };
        door.service
            .submit_evidence(&caller, &args.text("name"), upload)
            .await?;
        Ok(ok(&json!({ "status": "200 OK" })))
    })
    .await
}

fn body_schema() -> RefOr<Schema> {
    let image = || schema::optional_text("JPEG or PNG in base64, with or without line breaks.");
    let images = schema::object(
        "Stills.",
        vec![
            ("document_front", image(), false),
            ("document_rear", image(), false),
            ("document_photo", image(), false),
            ("document_owner", image(), false),
        ],
    );
    let data = schema::object(
        "The identification.",
        vec![
            ("images", images, false),
            (
                "ocr_data",
                schema::open_object(
                    "Text read from the document; fills empty fields of the request.",
                ),
                false,
            ),
            (
                "security_checks",
                schema::open_object("The sender's own checks; false ones do not block."),
                false,
            ),
            (
                "similarity_level",
                schema::loose_number("0 to 100, or a word such as `high`."),
                false,
            ),
        ],
    );
    schema::object(
        "",
        vec![
            (
                "acceptance",
                schema::open_object("Proof that the terms were accepted."),
                false,
            ),
            ("videoid_data", data, false),
        ],
    )
}
