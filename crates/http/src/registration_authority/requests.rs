//! Requests: created, listed, corrected, cancelled.

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::{RaId, Status, Workflow};
use serde_json::{Value, json};
use service::Error;
use service::registration::{ContactCheck, RegistrationFilter};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, created, ok};
use super::endpoint::Endpoint;
use super::paging::{self, NothingFits};
use super::refusal::{Call, Fault};
use super::refusals::{
    contact_limit, invalid_scratchcard, no_page, not_permitted, profile_not_available,
    unknown_officer, unknown_request, wrong_status,
};
use super::schemas::{self, loose_flag, refer};
use super::{forms, wire};
use crate::body::json::flag_of;
use crate::path_args::PathArgs;
use crate::{query, schema};

const GROUP: &str = "Requests";

/// Fields of the subject by which requests are found.
const SUBJECT_FILTERS: [&str; 6] = [
    "given_name",
    "surname_1",
    "surname_2",
    "serial_number",
    "email",
    "mobile_phone_number",
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/requests/", Call::CreateRequest, create)
            .about(
                GROUP,
                "Create a request",
                "Uses up the scratchcard. `VIDEOPENDING` with `videoid_mode`, `CREATED` otherwise. \
                 What the profile demands is looked at when the request is approved.",
            )
            .json(create_schema(true), create_sample())
            .creates(refer("Request"), schemas::request_sample())
            .refuses(|| {
                let mut lacking = service::Problems::default();
                lacking.missing("email");
                vec![
                    invalid_scratchcard(),
                    (Error::Fields(lacking).into(), "A field is missing or wrong; all are named."),
                    not_permitted(),
                    profile_not_available(),
                    (
                        Error::VideoIdDisabled(RaId(10)).into(),
                        "`videoid_mode`, and the authority takes no filmed identifications.",
                    ),
                    unknown_officer("`identification_rao` names none that the request may have."),
                    contact_limit(),
                ]
            }),
        Endpoint::get("/requests/", Call::ListRequests, list)
            .about(GROUP, "List requests", "Of the API user's authority and those below it.")
            .queries(&[
                ("scratchcard", "The scratchcard's number."),
                ("given_name", "First names."),
                ("surname_1", "First surname."),
                ("surname_2", "Second surname."),
                ("serial_number", "Number of the identity document."),
                ("email", "The address."),
                ("mobile_phone_number", "The number."),
                ("registration_authority", "The authority's number."),
                ("status", "As in `VIDEOREVIEW`."),
                ("profile", "Certificate profile."),
                ("videoid_mode", "`1` or `0`."),
                ("page", "From 1."),
            ])
            .answers(
                schemas::page("Request"),
                schemas::page_sample(schemas::request_sample()),
            )
            .refuses(|| vec![no_page()]),
        Endpoint::get("/requests/{pk}/", Call::GetRequest, get)
            .about(GROUP, "Get a request", "")
            .answers(refer("Request"), schemas::request_sample())
            .refuses(|| vec![unknown_request(), malformed_number()]),
        Endpoint::put("/requests/{pk}/", Call::UpdateRequest, update)
            .about(
                GROUP,
                "Correct a request",
                "Only the members that are sent change. Possible until the approval; the status \
                 stays, and no webhook is sent.",
            )
            .json(create_schema(false), json!({ "given_name": "Ana María" }))
            .answers(refer("Request"), schemas::request_sample())
            .refuses(|| {
                let mut wrong = service::Problems::default();
                wrong.invalid("id_document_country", "must be a country of ISO 3166-1");
                vec![
                    unknown_request(),
                    malformed_number(),
                    wrong_status(Status::EnrollReady, "The request is approved already, or over."),
                    (
                        Error::IdentifiedFields(vec!["given_name"]).into(),
                        "An officer has seen the field on the identity document.",
                    ),
                    not_permitted(),
                    (Error::Fields(wrong).into(), "A field is wrong; all are named."),
                    invalid_scratchcard(),
                    profile_not_available(),
                    unknown_officer("`identification_rao` names none that the request may have."),
                    contact_limit(),
                ]
            }),
        Endpoint::delete("/requests/{pk}/cancel/", Call::CancelRequest, cancel)
            .about(
                GROUP,
                "Cancel a request",
                "`CANCELLED`. The scratchcard stays used, an enrolment link opens nothing any more.",
            )
            .answers(schemas::status(), cancelled())
            .refuses(|| {
                vec![
                    unknown_request(),
                    wrong_status(Status::Issued, "The certificate is issued, or the request cancelled already."),
                    not_permitted(),
                ]
            }),
        Endpoint::get("/requests/{pk}/validate/", Call::ListMissingFields, missing)
            .about(
                GROUP,
                "List missing fields",
                "What the profile demands and the request lacks. Not related to the validation of \
                 a VideoID.",
            )
            .answers(
                schema::array(schema::array(schema::text(""))),
                json!([["serial_number", "missing"], ["mobile_phone_number", "missing"]]),
            )
            .refuses(|| vec![unknown_request(), wrong_status(Status::EnrollReady, "The request is approved.")]),
        Endpoint::post(
            "/requests/check_contact_data_limits/",
            Call::CheckContactData,
            check_contact,
        )
        .about(
            GROUP,
            "Check contact data",
            "Whether a telephone number or an address is shared by too many people. The limits \
             are the authority's.",
        )
        .json(
            schema::object(
                "",
                vec![
                    ("registration_authority", schema::loose_number(""), false),
                    ("serial_number", schema::text("Number of the identity document."), true),
                    ("email", schema::optional_text(""), false),
                    ("mobile_phone_number", schema::optional_text(""), false),
                ],
            ),
            json!({
                "registration_authority": 10, "serial_number": "00000000T",
                "email": "ana@example.org", "mobile_phone_number": "+34600000000",
            }),
        )
        .answers(
            schema::object(
                "",
                vec![
                    ("result", schema::text("`ok` or `ko`."), true),
                    ("reason", schema::text("With `ko` only."), false),
                    ("registration_authority", schemas::integer(""), true),
                ],
            ),
            json!({ "result": "ok", "registration_authority": 10 }),
        )
        .refuses(|| {
            let mut lacking = service::Problems::default();
            lacking.missing("serial_number");
            vec![
                (Error::Fields(lacking).into(), "A parameter is missing or wrong."),
                (
                    Error::UnknownAuthority.into(),
                    "The authority is unknown, or not the API user's.",
                ),
            ]
        }),
    ]
}

fn cancelled() -> Value {
    json!({ "status": "Request cancelled" })
}

fn malformed_number() -> (Fault, &'static str) {
    (Fault::MalformedNumber, "The number in the path is none.")
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateRequest, async {
        let caller = door.caller().await?;
        let form = forms::request(door.fields(&headers, body).await?.into_members())?;
        let registration = door.service.register(&caller, form).await?;
        Ok(created(&wire::request(&registration)))
    })
    .await
}

async fn list(door: Door, uri: Uri) -> Response {
    door.answer(Call::ListRequests, async {
        let caller = door.caller().await?;
        let page = paging::wanted(&uri)?;
        let list = match filter(&uri) {
            Ok(filter) => door.service.registrations(&caller, filter, page).await?,
            Err(NothingFits) => paging::none(page)?,
        };
        Ok(paging::answer(&door, &uri, page, &list, wire::request))
    })
    .await
}

fn filter(uri: &Uri) -> Result<RegistrationFilter, NothingFits> {
    fn parsed<T>(
        uri: &Uri,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, NothingFits> {
        query::value(uri, name)
            .map(|text| parse(&text).ok_or(NothingFits))
            .transpose()
    }
    let filmed = parsed(uri, "videoid_mode", |text| flag_of(&text.into()))?;
    Ok(RegistrationFilter {
        scratchcard: query::value(uri, "scratchcard"),
        authority: paging::number_filter(uri, "registration_authority")?.map(RaId),
        status: parsed(uri, "status", |text| text.parse::<Status>().ok())?,
        profile: query::value(uri, "profile"),
        workflow: filmed.map(|filmed| {
            if filmed {
                Workflow::VideoId
            } else {
                Workflow::Classic
            }
        }),
        subject: SUBJECT_FILTERS
            .into_iter()
            .filter_map(|name| Some((name, query::value(uri, name)?)))
            .collect(),
    })
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetRequest, async {
        let caller = door.caller().await?;
        let registration = door.service.registration(&caller, args.number()?).await?;
        Ok(ok(&wire::request(&registration)))
    })
    .await
}

async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateRequest, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let form = forms::request(door.fields(&headers, body).await?.into_members())?;
        let registration = door.service.correct(&caller, pk, form).await?;
        Ok(ok(&wire::request(&registration)))
    })
    .await
}

async fn cancel(door: Door, args: PathArgs) -> Response {
    door.answer(Call::CancelRequest, async {
        let caller = door.caller().await?;
        door.service
            .cancel_registration(&caller, args.number()?)
            .await?;
        Ok(ok(&cancelled()))
    })
    .await
}

async fn missing(door: Door, args: PathArgs) -> Response {
    door.answer(Call::ListMissingFields, async {
        let caller = door.caller().await?;
        let missing = door.service.missing_fields(&caller, args.number()?).await?;
        Ok(ok(&missing
            .into_iter()
            .map(|field| json!([field, "missing"]))
            .collect()))
    })
    .await
}

async fn check_contact(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CheckContactData, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let authority = fields.number("registration_authority").map(RaId);
        let authority = authority.or(caller.authority());
        let serial_number = fields.required("serial_number");
        let check = ContactCheck {
            authority,
            serial_number,
            email: fields.text("email"),
            mobile_phone_number: fields.text("mobile_phone_number"),
        };
        fields.check(&[])?;
        let limit = door.service.check_contact(&caller, check).await?;
        let mut answer = json!({ "result": "ok" });
        if let Some(limit) = limit {
            answer = json!({ "result": "ko", "reason": limit.to_string() });
        }
        answer["registration_authority"] = authority.map(|id| id.0).into();
        Ok(ok(&answer))
    })
    .await
}

fn create_schema(is_new: bool) -> RefOr<Schema> {
    let mut members: Vec<schema::Member> = vec![
        ("profile", schema::text("Certificate profile."), is_new),
        (
            "scratchcard",
            loose_text("Number of an unused scratchcard of the authority."),
            is_new,
        ),
        (
            "registration_authority",
            loose_text("The authority's number."),
            is_new,
        ),
        (
            "email",
            schema::text("Where mail to the subscriber goes."),
            is_new,
        ),
        (
            "secure_element",
            schema::loose_number("0 software, 1 smart card, 2 cloud."),
            false,
        ),
        (
            "validity_time",
            schema::loose_number("Days: 1, 3, 365, 730, 1095 or 1825."),
            false,
        ),
        (
            "identification_rao",
            schema::loose_number("The officer who identified."),
            false,
        ),
    ];
    if is_new {
        members.extend([
            ("paperless_mode", loose_flag("The classic workflow."), false),
            ("videoid_mode", loose_flag("Filmed identification."), false),
            (
                "webhook_url",
                schema::optional_text("For demonstrations."),
                false,
            ),
        ]);
    }
    let named: Vec<_> = members.iter().map(|(name, ..)| *name).collect();
    let others = ["given_name", "surname_1", "surname_2", "country_name"]
        .into_iter()
        .chain(["id_document_type", "id_document_country", "serial_number"])
        .chain([
            "mobile_phone_number",
            "birth_date",
            "communication_language",
        ])
        .chain(model::subject::PARTICULARS);
    for name in others {
        if !named.contains(&name) {
            members.push((name, schema::optional_text(""), false));
        }
    }
    schema::object("Every field of a request. Others are ignored.", members)
}

fn loose_text(description: &str) -> RefOr<Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
        .description(Some(description))
        .into()
}

fn create_sample() -> Value {
    json!({
        "profile": "PFnubeAFCiudadano",
        "scratchcard": "7000001",
        "registration_authority": "10",
        "email": "ana@example.org",
        "secure_element": "2",
        "validity_time": 730,
        "videoid_mode": 1,
        "country_name": "ES",
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "serial_number": "00000000T",
        "given_name": "Ana",
        "surname_1": "Prueba",
        "surname_2": "Ejemplo",
        "mobile_phone_number": "+34600000000",
    })
}
