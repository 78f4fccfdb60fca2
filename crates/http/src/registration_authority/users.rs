//! API users.

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use service::Error;
use service::registration::UserForm;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{
    Case, no_page, not_permitted, unknown_officer, unknown_request, wrong_parameters,
};
use super::schemas::{self, refer};
use super::{paging, wire};
use crate::body::json::Fields;
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Users";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/users/", Call::CreateUser, create)
            .about(
                GROUP,
                "Add an API user",
                "Who shows the certificate of `request`.",
            )
            .json(user_schema(), user_sample())
            .answers(refer("User"), answer_sample())
            .refuses(storing_refusals),
        Endpoint::get("/users/", Call::ListUsers, list)
            .about(GROUP, "List API users", "")
            .query("page", "From 1.")
            .answers(schemas::page("User"), schemas::page_sample(answer_sample()))
            .refuses(|| vec![no_page(), not_permitted()]),
        Endpoint::get("/users/{pk}/", Call::GetUser, get)
            .about(GROUP, "Get an API user", "")
            .answers(refer("User"), answer_sample())
            .refuses(|| vec![unknown()]),
        Endpoint::put("/users/{pk}/", Call::UpdateUser, update)
            .about(GROUP, "Change an API user", "Only what is sent changes.")
            .json(user_schema(), user_sample())
            .answers(refer("User"), answer_sample())
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
        wrong_parameters(
            "permission_profile",
            "A member is missing or wrong; all are named.",
        ),
        (unknown_request().0, "`request` names none."),
        (
            Error::Duplicate { field: "request" }.into(),
            "Another user is known by the request's certificate.",
        ),
        unknown_officer("`rao` names none."),
    ]
}

fn unknown() -> Case {
    (
        Error::UnknownUser.into(),
        "No user has this number, or none in sight.",
    )
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateUser, async {
        let caller = door.caller().await?;
        let form = form(door.fields(&headers, body).await?)?;
        let user = door.service.add_user(&caller, form).await?;
        Ok(ok(&wire::user(&user)))
    })
    .await
}

async fn list(door: Door, uri: Uri) -> Response {
    door.answer(Call::ListUsers, async {
        let caller = door.caller().await?;
        let page = paging::wanted(&uri)?;
        let list = door.service.users(&caller, page).await?;
        Ok(paging::answer(&door, &uri, page, &list, wire::user))
    })
    .await
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetUser, async {
        let caller = door.caller().await?;
        let user = door.service.user(&caller, args.number()?).await?;
        Ok(ok(&wire::user(&user)))
    })
    .await
}

async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateUser, async {
        let caller = door.caller().await?;
        let id = args.number()?;
        let form = form(door.fields(&headers, body).await?)?;
        let user = door.service.change_user(&caller, id, form).await?;
        Ok(ok(&wire::user(&user)))
    })
    .await
}

fn form(mut fields: Fields) -> Result<UserForm, Error> {
    let form = UserForm {
        registration_authority: fields.text("registration_authority"),
        permission_profile: fields.text("permission_profile"),
        request: fields.text("request"),
        rao: fields.text("rao"),
    };
    fields.check(&[])?;
    Ok(form)
}

fn user_schema() -> RefOr<Schema> {
    let number = schema::loose_number;
    schema::object(
        "",
        vec![
            (
                "registration_authority",
                number("The authority it works for."),
                false,
            ),
            (
                "permission_profile",
                number("1 administrator, 2 requests, 3 looks only, 4 officers' console."),
                false,
            ),
            (
                "request",
                number("The request whose certificate it will show."),
                false,
            ),
            ("rao", number("The officer behind it."), false),
        ],
    )
}

fn user_sample() -> Value {
    json!({ "registration_authority": 10, "permission_profile": 2, "request": 900, "rao": 30 })
}

fn answer_sample() -> Value {
    let mut sample = schemas::user_sample();
    sample["rao"] = 30.into();
    sample
}
