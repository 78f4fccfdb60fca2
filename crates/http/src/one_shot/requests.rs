//! The request's record: read, corrected, cancelled.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::{RequestPk, Status};
use serde::Serialize;
use serde_json::{Value, json};
use service::{CertificateView, Error, OfficerView, RequestUpdate, RequestView};
use time::OffsetDateTime;
use time::macros::format_description;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::evidences;
use super::refusal::{Call, Fault};
use super::schema;
use super::video_id::Created;
use crate::body::json::Fields;
use crate::path_args::PathArgs;

const GROUP: &str = "Requests";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(Call::GetRequest, get)
            .paths(&["/request/{pk}"], &["/request/{pk}"])
            .about(
                GROUP,
                "Get a request",
                "The request's record. Never images, video or secrets.",
            )
            .answers_with::<Record>(Success::payload("Request 50231", sample()))
            .refuses(|| {
                vec![(
                    Error::UnknownRequest("7".into()).into(),
                    "No request has this number.",
                )]
            }),
        Endpoint::put(Call::UpdateRequest, update)
            .paths(&["/request/{pk}"], &["/request/{pk}"])
            .aliases(&["/videoid/{pk}"])
            .about(
                GROUP,
                "Correct a request",
                "Corrects what the certificate will say. Only the members that are sent change.",
            )
            .json(
                update_schema(),
                json!({ "scratchcard": "4000123", "given_name": "Ana María" }),
                true,
            )
            .with_update_answer()
            .refuses(|| {
                vec![
                    (
                        Error::WrongScratchcard(RequestPk(50231)).into(),
                        "`scratchcard` is sent and not the request's.",
                    ),
                    (
                        Error::ProfileNotAvailable("PFunknown".into()).into(),
                        "The profile is unknown, or not for one-time signatures.",
                    ),
                    (
                        Error::UnknownRequest("7".into()).into(),
                        "No request has this number.",
                    ),
                    (
                        Error::UnknownAuthority.into(),
                        "`registration_authority` names none.",
                    ),
                    (
                        Error::WrongStatus(Status::EnrollReady).into(),
                        "The request is approved already, or over.",
                    ),
                ]
            }),
        Endpoint::delete(Call::CancelRequest, cancel)
            .paths(&["/request/{pk}"], &["/request/{pk}"])
            .aliases(&["/videoid/{pk}", "/requests/{pk}/cancel"])
            .about(
                GROUP,
                "Cancel a request",
                "Ends the request: `CANCELLED`. Its documents are removed; evidence is kept.",
            )
            .answers(Success::text(CANCELLED))
            .refuses(|| {
                vec![
                    (
                        Error::UnknownRequest("7".into()).into(),
                        "No request has this number.",
                    ),
                    (
                        Error::WrongStatus(Status::Issued).into(),
                        "The request is over already.",
                    ),
                ]
            }),
    ]
}

impl Endpoint {
    fn with_update_answer(mut self) -> Self {
        let triple = self.component::<Created>();
        self.answers_each(
            Some(triple),
            None,
            Success::text(UPDATED).with_new(Created::sample()),
        )
    }
}

const UPDATED: &str = "Request updated";
const CANCELLED: &str = "Request directory removed successfully";

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetRequest, async {
        let view = door.service.request(args.pk()?).await?;
        Ok(Success::payload(
            format!("Request {}", view.request),
            json!(Record::of(view)),
        ))
    })
    .await
}

/// Some clients send evidences by this method.
async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    let fields = match door.fields(&headers, body).await {
        Ok(fields) => fields,
        Err(fault) => return door.refuse(Call::UpdateRequest, fault),
    };
    if fields.has("acceptance") || fields.has("videoid_data") {
        let work = async { evidences::take_in(&door, args.pk()?, fields).await };
        return door.answer(Call::UploadEvidences, work).await;
    }
    door.answer(Call::UpdateRequest, correct(&door, &args, fields))
        .await
}

async fn correct(door: &Door, args: &PathArgs, mut fields: Fields) -> Result<Success, Fault> {
    let update = RequestUpdate {
        scratchcard: fields.text("scratchcard"),
        email: fields.text("email"),
        profile: fields.text("profile"),
        registration_authority: fields.text("registration_authority"),
        country_name: fields.text("country_name"),
        given_name: fields.text("given_name"),
        surname_1: fields.text("surname_1"),
        surname_2: fields.text("surname_2"),
        birth_date: fields.text("birth_date"),
        mobile_phone_number: fields.text("mobile_phone_number"),
        serial_number: fields.text("serial_number"),
        id_document_type: fields.text("id_document_type"),
        id_document_country: fields.text("id_document_country"),
    };
    fields.check(&[])?;
    let updated = door.service.update_request(args.pk()?, update).await?;
    Ok(Success::text(UPDATED).with_new(Created::payload(updated)))
}

async fn cancel(door: Door, args: PathArgs) -> Response {
    door.answer(Call::CancelRequest, async {
        door.service.cancel(args.pk()?).await?;
        Ok(Success::text(CANCELLED))
    })
    .await
}

/// A request.
#[derive(Serialize, ToSchema)]
struct Record {
    /// The request's number.
    pk: i64,
    /// Where it stands, as in `VIDEOREVIEW`.
    status: &'static str,
    /// The certificate profile.
    profile: String,
    /// The registration authority.
    registration_authority: i64,
    /// The scratchcard's number.
    scratchcard: String,
    /// Always 2: keys are held by the server.
    secure_element: u8,
    /// Days for which the certificate will be valid.
    validity_time: String,
    given_name: Option<String>,
    surname_1: Option<String>,
    surname_2: Option<String>,
    /// Number of the identity document.
    serial_number: Option<String>,
    id_document_type: Option<String>,
    id_document_country: Option<String>,
    country_name: Option<String>,
    email: Option<String>,
    mobile_phone_number: Option<String>,
    /// `DD/MM/YYYY`.
    birth_date: Option<String>,
    /// Upper case, as in `ES`; empty where the request names none.
    communication_language: String,
    /// Whether the identification was filmed.
    videoid_mode: bool,
    /// Always true.
    paperless_mode: bool,
    /// Empty before `ISSUED`.
    certificate_set: Vec<CertificateRecord>,
    /// Null before approval.
    registering_user: Option<User>,
    /// Null before approval.
    approving_user: Option<User>,
    /// Null before approval.
    approving_rao: Option<Officer>,
    /// This server's addition; null where nothing was filmed.
    videoid: Option<VideoId>,
}

/// Who acted for the registration authority.
#[derive(Serialize, ToSchema)]
struct User {
    pk: i64,
    /// Always null: officers have no request of their own here.
    request: Option<i64>,
    permission_profile: &'static str,
    registration_authority: i64,
}

/// The officer who decided.
#[derive(Serialize, ToSchema)]
struct Officer {
    pk: i64,
    given_name: String,
    surname_1: String,
    surname_2: Option<String>,
    id_document_number: String,
    id_document_issuer: Option<String>,
    id_document_description: Option<String>,
    is_identificator: bool,
    registration_authority_master: i64,
    registration_authority: Vec<i64>,
    certificate: CertificateRecord,
}

/// A certificate.
#[derive(Serialize, ToSchema)]
struct CertificateRecord {
    profile: String,
    /// `VALID` or `REVOKED`.
    status: &'static str,
    /// The same as a flag.
    valid: bool,
    /// `YYYYMMDD HH:MM:SS`, UTC.
    valid_from: String,
    /// `YYYYMMDD HH:MM:SS`, UTC.
    valid_to: String,
    /// Hexadecimal.
    serial_number: String,
    issuer: String,
    subject: String,
    /// The certificate in PEM.
    data: String,
}

/// The identification behind a request.
#[derive(Serialize, ToSchema)]
struct VideoId {
    videoid_pk: i64,
    /// Whether all evidence but the video is there.
    evidences_uploaded: bool,
    video_uploaded: bool,
    /// What must still come before an officer can review.
    missing: Vec<&'static str>,
    /// Why an officer refused.
    refuse_reason: Option<String>,
}

impl Record {
    fn of(view: RequestView) -> Self {
        let subject = |name: &str| view.subject.field(name);
        let user = view.officer.as_ref().map(User::of);
        Self {
            pk: view.request.0,
            status: view.status.name(),
            registration_authority: view.registration_authority.0,
            secure_element: 2,
            validity_time: view.validity_days.to_string(),
            given_name: subject("given_name"),
            surname_1: subject("surname_1"),
            surname_2: subject("surname_2"),
            serial_number: subject("serial_number"),
            id_document_type: subject("id_document_type"),
            id_document_country: subject("id_document_country"),
            country_name: subject("country_name"),
            email: subject("email"),
            mobile_phone_number: subject("mobile_phone_number"),
            birth_date: subject("birth_date"),
            communication_language: view
                .language
                .map_or_else(String::new, |language| language.code().to_uppercase()),
            videoid_mode: view.is_filmed,
            paperless_mode: true,
            certificate_set: view
                .certificates
                .into_iter()
                .map(CertificateRecord::of)
                .collect(),
            registering_user: user,
            approving_user: view.officer.as_ref().map(User::of),
            approving_rao: view.officer.map(Officer::of),
            videoid: view.is_filmed.then_some(VideoId {
                videoid_pk: view.videoid.0,
                evidences_uploaded: view.evidences_uploaded,
                video_uploaded: view.video_uploaded,
                missing: view.missing,
                refuse_reason: view.refuse_reason,
            }),
            profile: view.profile,
            scratchcard: view.scratchcard,
        }
    }
}

impl User {
    fn of(officer: &OfficerView) -> Self {
        Self {
            pk: officer.id.0,
            request: None,
            permission_profile: "RAO",
            registration_authority: officer.registration_authority.0,
        }
    }
}

impl Officer {
    fn of(officer: OfficerView) -> Self {
        Self {
            pk: officer.id.0,
            given_name: officer.given_name,
            surname_1: officer.surname_1,
            surname_2: officer.surname_2,
            id_document_number: officer.identity,
            id_document_issuer: None,
            id_document_description: None,
            is_identificator: true,
            registration_authority_master: officer.registration_authority.0,
            registration_authority: vec![officer.registration_authority.0],
            certificate: CertificateRecord::of(officer.certificate),
        }
    }
}

impl CertificateRecord {
    fn of(certificate: CertificateView) -> Self {
        Self {
            profile: certificate.profile,
            status: certificate.status,
            valid: certificate.status == "VALID",
            valid_from: compact(certificate.valid_from),
            valid_to: compact(certificate.valid_to),
            serial_number: certificate.serial_number,
            issuer: certificate.issuer,
            subject: certificate.subject,
            data: certificate.pem,
        }
    }
}

/// The form in which the API's webhooks tell these times.
fn compact(time: OffsetDateTime) -> String {
    let form = format_description!("[year][month][day] [hour]:[minute]:[second]");
    time.to_offset(time::UtcOffset::UTC)
        .format(form)
        .unwrap_or_default()
}

fn update_schema() -> RefOr<Schema> {
    let text = schema::optional_text;
    schema::object(
        "Corrections.",
        vec![
            (
                "scratchcard",
                schema::loose_number("The request's own, as a safeguard."),
                false,
            ),
            ("email", text("The signer's e-mail address."), false),
            ("profile", text("Certificate profile."), false),
            (
                "registration_authority",
                schema::loose_number("Number of the registration authority."),
                false,
            ),
            (
                "country_name",
                text("Country that the certificate names, ISO 3166-1 alpha-2."),
                false,
            ),
            ("given_name", text("First names."), false),
            ("surname_1", text("First surname."), false),
            (
                "surname_2",
                text("Second surname; an empty text removes it."),
                false,
            ),
            ("birth_date", text("`DD/MM/YYYY`."), false),
            ("mobile_phone_number", text("Where codes go."), false),
            (
                "serial_number",
                text("Number of the identity document."),
                false,
            ),
            (
                "id_document_type",
                text("`IDC`, `PAS`, `PNO`, `TIN`, `CI` or `CE`."),
                false,
            ),
            ("id_document_country", text("ISO 3166-1 alpha-2."), false),
        ],
    )
}

fn sample() -> Value {
    json!({
        "pk": 50231,
        "status": "VIDEOREVIEW",
        "profile": "PFnubeNC",
        "registration_authority": 1,
        "scratchcard": "4000123",
        "secure_element": 2,
        "validity_time": "1",
        "given_name": "Ana",
        "surname_1": "Ejemplo",
        "surname_2": null,
        "serial_number": "X0000000T",
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "country_name": "ES",
        "email": "ana@example.com",
        "mobile_phone_number": "+34600000000",
        "birth_date": null,
        "communication_language": "",
        "videoid_mode": true,
        "paperless_mode": true,
        "certificate_set": [],
        "registering_user": null,
        "approving_user": null,
        "approving_rao": null,
        "videoid": {
            "videoid_pk": 50232,
            "evidences_uploaded": true,
            "video_uploaded": true,
            "missing": [],
            "refuse_reason": null,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_utc_and_compact() {
        assert_eq!(
            compact(datetime!(2025-07-15 11:00:07.5 +2)),
            "20250715 09:00:07"
        );
    }
}
