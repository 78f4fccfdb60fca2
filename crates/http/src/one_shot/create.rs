//! `POST /create`: creates a request whose signer was identified elsewhere, and approves it.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use model::{RaId, RequestPk};
use serde::Serialize;
use serde_json::{Value, json};
use service::{AttachmentKind, Background, Error, NewClassic, Problems};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::decisions;
use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::{schema, video_id};
use crate::body::evidence::decode_all;
use crate::body::json::{Fields, read_fields_and_files};

/// What is called so in a form: a file, or in JSON a text in base64.
const IMAGES: [AttachmentKind; 4] = [
    AttachmentKind::DocumentFront,
    AttachmentKind::DocumentRear,
    AttachmentKind::DocumentOwner,
    AttachmentKind::ExtraDocument,
];

/// A request that was created.
#[derive(Serialize, ToSchema)]
struct Created {
    /// The request's number.
    #[schema(example = 50231)]
    pk: i64,
    /// `ENROLLREADY`; `CREATED` where the approval is done in the background.
    status: &'static str,
    /// Whether approval and signature are done in the background.
    asyncmode: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let about = |endpoint: Endpoint| {
        endpoint
            .about(
                "Requests",
                "Create and approve a request",
                "For a signer whom an officer of the registration authority has identified: the \
                 request is created and approved in one call, `ENROLLREADY`. A call that is \
                 refused leaves nothing behind. With `useasync` the approval, and later the \
                 signature, are done in the background, and events go to `callback`.",
            )
            .members(form_schema(), members_schema(), sample())
            .refuses(refusals)
    };
    vec![
        about(Endpoint::post(Call::CreateRequest, create).paths(&["/create"], &[]))
            .with_answer(false),
        about(Endpoint::post(Call::CreateRequest, create_201).paths(&[], &["/request"]))
            .with_answer(true),
    ]
}

impl Endpoint {
    fn with_answer(mut self, code_201: bool) -> Self {
        let payload = self.component::<Created>();
        let number = schema::number("The request's number.");
        let sample = Created {
            pk: 50231,
            status: "ENROLLREADY",
            asyncmode: false,
        };
        self.answers_each(Some(payload), Some(number), success(sample, code_201))
    }
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    let work = take_in(&door, headers, body, false);
    door.answer(Call::CreateRequest, work).await
}

/// The older path answers 201.
async fn create_201(door: Door, headers: HeaderMap, body: Body) -> Response {
    let work = take_in(&door, headers, body, true);
    door.answer(Call::CreateRequest, work).await
}

async fn take_in(
    door: &Door,
    headers: HeaderMap,
    body: Body,
    code_201: bool,
) -> Result<Success, Fault> {
    let limit = door.service.limits().json_bytes;
    let names = IMAGES.map(AttachmentKind::name);
    let (members, files) = read_fields_and_files(&headers, body, limit, &names).await?;
    let new = read(Fields::new(members), files).await?;
    let created = door.service.create_classic(new).await?;
    let created = Created {
        pk: created.request.0,
        status: created.status.name(),
        asyncmode: created.asynchronous,
    };
    Ok(success(created, code_201))
}

async fn read(mut fields: Fields, files: Vec<(String, Bytes)>) -> Result<NewClassic, Fault> {
    let encoded = IMAGES.into_iter().filter_map(|kind| {
        let text = fields.text(kind.name())?;
        (!text.trim().is_empty()).then_some((kind, text))
    });
    let encoded: Vec<_> = encoded.collect();
    let background = fields.flag("useasync").unwrap_or(false);
    let callback = fields.text("callback");
    let new = NewClassic {
        terms: video_id::terms(&mut fields),
        credentials: decisions::credentials(&mut fields),
        language: fields.text("communication_language"),
        billing_username: fields.text("billing_username"),
        billing_password: fields.secret("billing_password"),
        background: background.then_some(Background { callback }),
        subject: fields.texts_left(),
        images: Vec::new(),
    };
    fields.check(&[])?;
    let kind_of = |name: &str| IMAGES.into_iter().find(|kind| kind.name() == name);
    let files = files
        .into_iter()
        .filter_map(|(name, content)| Some((kind_of(&name)?, Ok(content))));
    let decoded = decode_all(encoded).await.into_iter();
    let decoded = decoded.map(|(kind, content)| (kind, content.map(Bytes::from)));
    Ok(NewClassic {
        images: files.chain(decoded).collect(),
        ..new
    })
}

fn success(created: Created, code_201: bool) -> Success {
    let pk = created.pk;
    let message = format!("Request created with pk {pk}");
    let success = Success::payload(message, json!(created)).with_legacy(pk.into());
    if code_201 { success.created() } else { success }
}

fn refusals() -> Vec<(Fault, &'static str)> {
    let one = |note: fn(&mut Problems)| {
        let mut problems = Problems::default();
        note(&mut problems);
        Fault::from(Error::Fields(problems))
    };
    vec![
        (
            one(|problems| problems.missing("mobile_phone_number")),
            "Codes have nowhere to go.",
        ),
        (
            one(|problems| {
                let words = "Please use the mobile phone number with an international prefix";
                problems.invalid("mobile_phone_number", words);
            }),
            "The number lacks its `+` and country code.",
        ),
        (
            one(|problems| problems.invalid("email", "Enter a valid email address")),
            "No e-mail address.",
        ),
        (
            one(|problems| problems.invalid("env", "Environment staging does not exist")),
            "`env` is neither `sandbox` (`test`) nor `prod`.",
        ),
        (
            one(|problems| problems.missing("env")),
            "Neither the call nor the settings name an environment.",
        ),
        (
            one(|problems| {
                let words = "The id_document_type specified is not valid. Valid options are IDC, PAS, PNO, TIN, CI, CE";
                problems.invalid("id_document_type", words);
            }),
            "A kind of document that there is not.",
        ),
        (
            one(|problems| {
                problems.missing("email");
                let words = "'XX' is not a valid ISO 3166-1 alpha-2 country code";
                problems.invalid("id_document_country", words);
            }),
            "Other fields that are missing or wrong, images that cannot be read: `details` has the texts by field.",
        ),
        (
            Error::MissingPapers.into(),
            "The registration authority demands images of the document and its owner.",
        ),
        (
            Error::IncompleteCredentials.into(),
            "Neither a token nor user name, password and PIN together; or the token lacks one and the call does not bring it.",
        ),
        (
            Error::WrongCredentials.into(),
            "Password, PIN or officer number do not fit, or the officer belongs to another registration authority. With `useasync` this shows in the request's progress.",
        ),
        (
            Error::ProfileNotAvailable("PFunknown".into()).into(),
            "The profile is unknown, or not for one-time signatures.",
        ),
        (Error::UnknownOfficer.into(), "`username` names no officer."),
        (
            Error::UnknownToken("7".into()).into(),
            "`token` names none.",
        ),
        (
            Error::UnknownAuthority.into(),
            "`registration_authority` names none.",
        ),
        (
            Error::IncompleteSubject {
                request: RequestPk(50231),
                fields: vec!["serial_number".into(), "surname_1".into()],
            }
            .into(),
            "The subject lacks what the profile demands, or does not fit into a certificate.",
        ),
        (
            Error::BillingCredentials.into(),
            "`billing_password` is not base64.",
        ),
    ]
}

/// What both forms of the body have.
fn members() -> Vec<schema::Member> {
    let text = schema::optional_text;
    let mut members = vec![
        ("given_name", schema::text("First names."), true),
        ("surname_1", schema::text("First surname."), true),
        ("surname_2", text("Second surname."), false),
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
        (
            "serial_number",
            schema::text("Number of the identity document."),
            true,
        ),
        ("email", schema::text("The signer's e-mail address."), true),
        (
            "mobile_phone_number",
            schema::text("Where codes go, with international prefix."),
            true,
        ),
        (
            "registration_authority",
            schema::loose_number("Number of the registration authority. Default: the settings'."),
            false,
        ),
        (
            "profile",
            text("Certificate profile. Default: the settings'."),
            false,
        ),
        (
            "env",
            text("`sandbox` or `prod`. Default: the settings'."),
            false,
        ),
        (
            "useasync",
            text("`true`: approve, and later sign, in the background."),
            false,
        ),
        (
            "callback",
            text(
                "With `useasync`: where this request's events go instead of the registration authority's target.",
            ),
            false,
        ),
        (
            "communication_language",
            text(
                "Of the contract: `EN`, `ES` or `IT`. Default: the registration authority's, for others too.",
            ),
            false,
        ),
        ("residence", text(""), false),
        ("residence_city", text(""), false),
        ("residence_postal_code", text(""), false),
        ("residence_address", text(""), false),
        ("special_conditions", text(""), false),
        (
            "billing_username",
            text("Recorded, never checked. Default: the settings'."),
            false,
        ),
        (
            "billing_password",
            text("In base64. Accepted and forgotten."),
            false,
        ),
    ];
    members.extend(decisions::credentials_members());
    members
}

fn with_images(image: fn(&str) -> RefOr<Schema>) -> RefOr<Schema> {
    let mut members = members();
    members.extend([
        (
            "document_front",
            image("Front of the identity document, JPEG or PNG."),
            false,
        ),
        ("document_rear", image("Its back."), false),
        (
            "document_owner",
            image("The owner with the document."),
            false,
        ),
        ("extra_document", image("Further evidence, PDF too."), false),
    ]);
    schema::object("Who signs, and the officer who approves.", members)
}

fn form_schema() -> RefOr<Schema> {
    with_images(schema::bytes)
}

fn members_schema() -> RefOr<Schema> {
    with_images(schema::optional_text)
}

fn sample() -> Value {
    json!({
        "given_name": "Ana",
        "surname_1": "Ejemplo",
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "serial_number": "X0000000T",
        "email": "ana@example.com",
        "mobile_phone_number": "+34600000000",
        "registration_authority": RaId(1).0.to_string(),
        "profile": "PFnubeNC",
        "token": "00000000-0000-4000-8000-000000000001",
    })
}
