//! Registration authorities.

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::json;
use service::Error;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{Case, no_page, not_permitted, wrong_parameters};
use super::schemas::{self, loose_flag, refer};
use super::{forms, paging, wire};
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Registration authorities";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/registrationauthorities/", Call::CreateAuthority, create)
            .about(
                GROUP,
                "Add a registration authority",
                "Below one that the API user sees.",
            )
            .json(
                authority_schema(true),
                json!({ "name": "Example RA", "parent": 1, "videoid_enabled": true }),
            )
            .answers(refer("Authority"), schemas::authority_sample())
            .refuses(storing_refusals),
        Endpoint::get("/registrationauthorities/", Call::ListAuthorities, list)
            .about(
                GROUP,
                "List registration authorities",
                "The API user's own and those below it.",
            )
            .query("page", "From 1.")
            .answers(
                schemas::page("Authority"),
                schemas::page_sample(schemas::authority_sample()),
            )
            .refuses(|| vec![no_page(), not_permitted()]),
        Endpoint::get("/registrationauthorities/{pk}/", Call::GetAuthority, get)
            .about(GROUP, "Get a registration authority", "")
            .answers(refer("Authority"), schemas::authority_sample())
            .refuses(|| vec![unknown()]),
        Endpoint::put(
            "/registrationauthorities/{pk}/",
            Call::UpdateAuthority,
            update,
        )
        .about(
            GROUP,
            "Change a registration authority",
            "Only what is sent changes.",
        )
        .json(authority_schema(false), json!({ "videoid_enabled": true }))
        .answers(refer("Authority"), schemas::authority_sample())
        .refuses(|| {
            let mut refusals = storing_refusals();
            refusals.push(unknown());
            refusals
        }),
    ]
}

fn storing_refusals() -> Vec<Case> {
    vec![
        not_permitted(),
        wrong_parameters("name", "A member is missing or wrong; all are named."),
        (
            Error::Duplicate { field: "name" }.into(),
            "There is an authority of this name.",
        ),
    ]
}

fn unknown() -> Case {
    (
        Error::UnknownAuthority.into(),
        "No authority has this number, or the API user does not see it.",
    )
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateAuthority, async {
        let caller = door.caller().await?;
        let form = forms::authority(door.fields(&headers, body).await?.into_members())?;
        let authority = door.service.add_authority(&caller, form).await?;
        Ok(ok(&wire::authority(&authority)))
    })
    .await
}

async fn list(door: Door, uri: Uri) -> Response {
    door.answer(Call::ListAuthorities, async {
        let caller = door.caller().await?;
        let page = paging::wanted(&uri)?;
        let list = door.service.authorities(&caller, page).await?;
        Ok(paging::answer(&door, &uri, page, &list, wire::authority))
    })
    .await
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetAuthority, async {
        let caller = door.caller().await?;
        let authority = door.service.authority(&caller, args.number()?).await?;
        Ok(ok(&wire::authority(&authority)))
    })
    .await
}

async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateAuthority, async {
        let caller = door.caller().await?;
        let id = args.number()?;
        let form = forms::authority(door.fields(&headers, body).await?.into_members())?;
        let authority = door.service.change_authority(&caller, id, form).await?;
        Ok(ok(&wire::authority(&authority)))
    })
    .await
}

fn authority_schema(is_new: bool) -> RefOr<Schema> {
    let text = schema::optional_text;
    let number = schema::loose_number;
    let flag = loose_flag;
    schema::object(
        "",
        vec![
            ("name", schema::text("Unique."), is_new),
            ("parent", number("The authority above it."), is_new),
            ("enabled_from", text("`YYYY-MM-DD`."), false),
            ("enabled_until", text("`YYYY-MM-DD`."), false),
            ("organization_tax_number", text(""), false),
            ("organization_name", text(""), false),
            ("responsible_name", text(""), false),
            ("responsible_first_surname", text(""), false),
            ("responsible_second_surname", text(""), false),
            ("responsible_serial", text(""), false),
            ("email", text(""), false),
            ("fix_phone_number", text(""), false),
            ("mobile_phone_number", text(""), false),
            ("address", text(""), false),
            ("city", text(""), false),
            ("postal_code", text(""), false),
            ("province", text(""), false),
            ("state", text(""), false),
            ("country", text(""), false),
            ("url", text(""), false),
            (
                "enable_external_auth",
                flag("Identifications filmed elsewhere are taken."),
                false,
            ),
            (
                "videoid_enabled",
                flag("Filmed identifications are taken."),
                false,
            ),
            ("videoid_provider", number("As requests repeat it."), false),
            ("webhook_url", text("Where its events go."), false),
            ("webhook_format", text("`status` or `event`."), false),
            (
                "videoid_steps",
                number("1: an approval may validate too. 2: validation first."),
                false,
            ),
            (
                "validate_auto_approves",
                flag("A validation approves natural persons at once."),
                false,
            ),
            (
                "video_upload_auth",
                text("`certificate` or `identifier`."),
                false,
            ),
            (
                "documents_per_phone",
                number("Documents that may share a phone number."),
                false,
            ),
            (
                "documents_per_email",
                number("Documents that may share an address."),
                false,
            ),
            (
                "renewal_enabled",
                flag("Certificates may be renewed."),
                false,
            ),
            (
                "renewal_needs_officer",
                flag("An officer allows each renewal."),
                false,
            ),
            ("max_renewals", number("Of one request."), false),
            (
                "max_request_age_days",
                number("Until when a request may be renewed."),
                false,
            ),
            (
                "blank_secrets",
                flag("Approvals keep `erc`, `pin` and `puk` back."),
                false,
            ),
            (
                "identity_images_mandatory",
                flag("One-Shot creations bring images of the identity document and its owner."),
                false,
            ),
            (
                "auto_scratchcards",
                flag("More are made when the last is used up."),
                false,
            ),
            (
                "language",
                text("Of subscribers: `en`, `es` or `it`."),
                false,
            ),
            (
                "signature_level",
                text(
                    "`BASIC`, `T`, `LTVLITE`, `LTV` or `LTVA`: of One-Shot signatures whose call names none.",
                ),
                false,
            ),
        ],
    )
}
