//! Registration authority officers.

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::json;
use service::Error;
use service::registration::OfficerForm;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{Case, no_page, not_permitted, unknown_officer, wrong_parameters};
use super::schemas::{self, loose_flag, refer};
use super::{paging, wire};
use crate::body::json::Fields;
use crate::path_args::PathArgs;
use crate::{query, schema};

const GROUP: &str = "Officers";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/rao/", Call::CreateOfficer, create)
            .about(
                GROUP,
                "Appoint an officer",
                "The holder of a certificate. To approve, it must be one that this server issued \
                 and whose key it keeps.",
            )
            .json(
                officer_schema(true),
                json!({
                    "registration_authority_master": 10, "registration_authority": [10, 11],
                    "certificate": "900", "given_name": "Rosa", "surname_1": "Oficial",
                }),
            )
            .answers(refer("Officer"), schemas::officer_sample())
            .refuses(storing_refusals),
        Endpoint::get("/rao/", Call::ListOfficers, list)
            .about(GROUP, "List officers", "")
            .queries(&[
                ("given_name", "First names."),
                ("surname_1", "First surname."),
                ("surname_2", "Second surname."),
                ("certificate", "Base64."),
                ("registration_authority", "One where the officer may act."),
                ("registration_authority_master", "The home authority."),
                ("page", "From 1."),
            ])
            .answers(
                schemas::page("Officer"),
                schemas::page_sample(schemas::officer_sample()),
            )
            .refuses(|| vec![no_page(), not_permitted()]),
        Endpoint::get("/rao/{pk}/", Call::GetOfficer, get)
            .about(GROUP, "Get an officer", "")
            .answers(refer("Officer"), schemas::officer_sample())
            .refuses(|| {
                vec![unknown_officer(
                    "No officer has this number, or none in sight.",
                )]
            }),
        Endpoint::put("/rao/{pk}/", Call::UpdateOfficer, update)
            .about(GROUP, "Change an officer", "Only what is sent changes.")
            .json(officer_schema(false), json!({ "is_identificator": true }))
            .answers(refer("Officer"), schemas::officer_sample())
            .refuses(|| {
                let mut refusals = storing_refusals();
                refusals.push(unknown_officer(
                    "No officer has this number, or none in sight.",
                ));
                refusals
            }),
    ]
}

fn storing_refusals() -> Vec<Case> {
    vec![
        (
            Error::NotPermitted.into(),
            "The API user's permissions do not allow it, or an authority is not in its sight.",
        ),
        wrong_parameters(
            "certificate",
            "A member is missing or wrong; all are named.",
        ),
    ]
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateOfficer, async {
        let caller = door.caller().await?;
        let form = form(door.fields(&headers, body).await?)?;
        let officer = door.service.appoint_officer(&caller, form).await?;
        Ok(ok(&wire::officer(&officer)))
    })
    .await
}

async fn list(door: Door, uri: Uri) -> Response {
    door.answer(Call::ListOfficers, async {
        let caller = door.caller().await?;
        let page = paging::wanted(&uri)?;
        let list = door.service.officers(&caller, filter(&uri), page).await?;
        Ok(paging::answer(&door, &uri, page, &list, wire::officer))
    })
    .await
}

fn filter(uri: &Uri) -> OfficerForm {
    let text = |name| query::value(uri, name);
    OfficerForm {
        given_name: text("given_name"),
        surname_1: text("surname_1"),
        surname_2: text("surname_2"),
        // A plus sign that was not escaped reads as a blank.
        certificate: text("certificate").map(|base64| base64.replace(' ', "+")),
        registration_authority: text("registration_authority").map(|one| vec![one]),
        registration_authority_master: text("registration_authority_master"),
        ..OfficerForm::default()
    }
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetOfficer, async {
        let caller = door.caller().await?;
        let officer = door.service.officer(&caller, args.number()?).await?;
        Ok(ok(&wire::officer(&officer)))
    })
    .await
}

async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateOfficer, async {
        let caller = door.caller().await?;
        let id = args.number()?;
        let form = form(door.fields(&headers, body).await?)?;
        let officer = door.service.change_officer(&caller, id, form).await?;
        Ok(ok(&wire::officer(&officer)))
    })
    .await
}

fn form(mut fields: Fields) -> Result<OfficerForm, Error> {
    // One of the original's schemas spells it the second way.
    let is_identificator = fields
        .flag("is_identificator")
        .or(fields.flag("id_identificator"));
    let form = OfficerForm {
        registration_authority_master: fields.text("registration_authority_master"),
        registration_authority: fields.list("registration_authority"),
        certificate: fields.text("certificate"),
        given_name: fields.text("given_name"),
        surname_1: fields.text("surname_1"),
        surname_2: fields.text("surname_2"),
        id_document_number: fields.text("id_document_number"),
        id_document_description: fields.text("id_document_description"),
        id_document_issuer: fields.text("id_document_issuer"),
        email: fields.text("email"),
        is_identificator: is_identificator.map(|flag| flag.to_string()),
    };
    fields.check(&[])?;
    Ok(form)
}

fn officer_schema(is_new: bool) -> RefOr<Schema> {
    let text = schema::optional_text;
    let number = schema::loose_number;
    let list = OneOfBuilder::new()
        .item(ArrayBuilder::new().items(number("")))
        .item(number(""))
        .description(Some(
            "Numbers of the authorities where the officer may act.",
        ));
    schema::object(
        "",
        vec![
            (
                "registration_authority_master",
                number("Home authority."),
                is_new,
            ),
            (
                "registration_authority",
                RefOr::T(Schema::from(list)),
                is_new,
            ),
            (
                "certificate",
                number("Base64 of a certificate, or the number of an issued request."),
                is_new,
            ),
            ("given_name", schema::text(""), is_new),
            ("surname_1", schema::text(""), is_new),
            ("surname_2", text(""), false),
            ("id_document_number", text(""), false),
            ("id_document_description", text(""), false),
            ("id_document_issuer", text(""), false),
            ("email", text(""), false),
            (
                "is_identificator",
                loose_flag("May identify whom another approves."),
                false,
            ),
        ],
    )
}
