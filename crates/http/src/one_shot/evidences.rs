//! `POST /videoid/{pk}/evidences`: claims and stills.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::{RequestPk, Status};
use serde_json::{Value, json};
use service::{Error, EvidenceUpload, Intake, Problems};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::evidence;
use crate::body::json::Fields;
use crate::path_args::PathArgs;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::UploadEvidences, upload)
            .paths(&["/videoid/{pk}/evidences"], &["/videoid/{pk}/evidences"])
            .of_videoid()
            .about(
                "VideoID",
                "Upload evidences",
                "Takes claims and stills block by block: what was sent before and is not sent \
                 again stays. The answer says what is still missing. Once nothing is, the request \
                 is in `VIDEOREVIEW`.",
            )
            .json(body_schema(), body_sample(), true)
            .answers_each(Some(intake_schema()), None, intake_sample("Videoid evidences uploaded"))
            .refuses(|| {
                let mut missing = Problems::default();
                missing.missing("given_name");
                missing.missing("serial_number");
                let mut kinds = Problems::default();
                kinds.invalid("videoid_data.images.document_front", "must be a text");
                let mut long = Problems::default();
                long.invalid("acceptance", "must have no more than 1 MiB");
                let mut unusable = Problems::default();
                unusable.invalid("document_front", "not a JPEG or PNG image");
                vec![
                    (Error::Fields(missing).into(), "`ocr_data` is there and lacks required members. Nothing was stored."),
                    (Error::Fields(kinds).into(), "A member is of the wrong kind. Nothing was stored."),
                    (Error::Fields(long).into(), "A claim is longer than anything that is said of a person. Nothing was stored."),
                    (Error::UnusableImages(unusable).into(), "An image does not decode. The request is now in `VIDEOERROR`; a good upload recovers."),
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::EvidenceClosed(RequestPk(50231)).into(), "The evidence is complete, or the request is over."),
                ]
            }),
    ]
}

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadEvidences, async {
        let pk = args.pk()?;
        let fields = door.fields(&headers, body).await?;
        take_in(&door, pk, fields).await
    })
    .await
}

/// Hands in what the body brings.
pub(super) async fn take_in(door: &Door, pk: i64, mut fields: Fields) -> Result<Success, Fault> {
    let (claims, images) = evidence::read(&mut fields, "videoid_data");
    fields.check(&[])?;
    let images = evidence::decode_all(images).await;
    let intake = door
        .service
        .upload_evidence(pk, EvidenceUpload { claims, images })
        .await?;
    Ok(success("Videoid evidences uploaded", intake))
}

/// What an upload answers: the documented words, and what is still missing.
pub(super) fn success(message: &str, intake: Intake) -> Success {
    let missing = json!(intake.missing);
    let complete = intake.missing.is_empty();
    let success = Success::text(message)
        .with_new(json!({ "status": intake.status.name(), "missing": missing }));
    if complete {
        success
    } else {
        success.with_extra("missing", missing)
    }
}

/// The schema of the new dialect's payload of an upload.
pub(super) fn intake_schema() -> RefOr<Schema> {
    schema::object(
        "Where the request stands now.",
        vec![
            ("status", schema::text("The request's status."), true),
            ("missing", schema::array(schema::text("")), true),
        ],
    )
}

pub(super) fn intake_sample(message: &str) -> Success {
    success(
        message,
        Intake {
            status: Status::VideoIncomplete,
            missing: vec!["video"],
        },
    )
}

fn body_schema() -> RefOr<Schema> {
    let text = schema::optional_text;
    let image = |what: &str| {
        text(&format!(
            "{what}: JPEG or PNG in base64. A data-URL prefix and line breaks are accepted."
        ))
    };
    let flag = |what: &str| -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]))
            .description(Some(what))
            .into()
    };
    let images = schema::object(
        "Stills.",
        vec![
            (
                "document_front",
                image("Front of the identity document"),
                false,
            ),
            (
                "document_rear",
                image("Back of it; passports need none"),
                false,
            ),
            (
                "document_photo",
                image("Portrait cropped from it; never needed"),
                false,
            ),
            ("document_owner", image("Selfie"), false),
        ],
    );
    let ocr = schema::object(
        "Text read from the document. Becomes the subject of the certificate. Kept with all members.",
        vec![
            ("given_name", schema::text("First names."), true),
            ("surname_1", schema::text("First surname."), true),
            ("surname_2", text("Second surname."), false),
            (
                "serial_number",
                schema::text("Number of the document."),
                true,
            ),
            (
                "mobile_phone_number",
                text("Default: the one from the creation."),
                false,
            ),
            ("email", text("Default: the one from the creation."), false),
            (
                "id_document_type",
                text("`IDC`, `PAS`, `PNO`, `TIN`, `CI` or `CE`. Default: `IDC`."),
                false,
            ),
            (
                "id_document_country",
                text("ISO 3166-1 alpha-2. Default: `ES`."),
                false,
            ),
        ],
    );
    let checks = schema::object(
        "The sender's own checks. Kept with all members; false ones do not block.",
        vec![
            (
                "otp_validation",
                flag("The signer confirmed a code during the identification."),
                false,
            ),
            (
                "documents_match",
                flag("The sides of the document match."),
                false,
            ),
            (
                "data_integrity",
                flag("The document's data are consistent."),
                false,
            ),
            (
                "document_notcopy",
                flag("No photocopy and no screen."),
                false,
            ),
            ("document_notexpired", flag("Still valid."), false),
            ("document_notunderage", flag("The holder is of age."), false),
            ("liveliness", flag("A live person."), false),
        ],
    );
    let data = schema::object(
        "The identification.",
        vec![
            ("images", images, false),
            ("ocr_data", ocr, false),
            ("security_checks", checks, false),
            (
                "similarity_level",
                schema::loose_number(
                    "Portrait against selfie: 0 to 100, or a word such as `high`.",
                ),
                false,
            ),
        ],
    );
    schema::object(
        "",
        vec![
            (
                "acceptance",
                schema::open_object(
                    "Proof that the signer accepted the terms. Kept with all members.",
                ),
                false,
            ),
            ("videoid_data", data, false),
        ],
    )
}

fn body_sample() -> Value {
    json!({
        "acceptance": {
            "description": "accepted",
            "ip": "192.0.2.10",
            "user-agent": "ExampleBrowser/1.0",
            "date": 1_750_000_000_000_i64,
            "url-doc-termsconditions": "https://example.com/terms",
        },
        "videoid_data": {
            "images": {
                "document_front": "<base64>",
                "document_rear": "<base64>",
                "document_photo": "<base64>",
                "document_owner": "<base64>",
            },
            "ocr_data": {
                "given_name": "Ana",
                "surname_1": "Ejemplo",
                "surname_2": "",
                "serial_number": "X0000000T",
                "id_document_type": "IDC",
                "id_document_country": "ES",
            },
            "security_checks": { "documents_match": true, "liveliness": true },
            "similarity_level": "high",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shot::Dialect;

    #[test]
    fn what_is_missing_is_told_in_both_dialects() {
        let partial = intake_sample("m");
        assert_eq!(
            partial.clone().body(Dialect::New)["detail"]["missing"],
            json!(["video"])
        );
        assert_eq!(
            partial.body(Dialect::Legacy),
            json!({ "status": "200 OK", "details": "m", "missing": ["video"] })
        );
        let whole = success(
            "m",
            Intake {
                status: Status::VideoReview,
                missing: Vec::new(),
            },
        );
        assert_eq!(
            whole.body(Dialect::Legacy),
            json!({ "status": "200 OK", "details": "m" })
        );
    }
}
