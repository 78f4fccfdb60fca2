//! The officer's acts: approve, validate, refuse.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::{RequestPk, Status};
use serde_json::{Value, json};
use service::{Credentials, Error, Problems};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::json::Fields;
use crate::path_args::PathArgs;

const GROUP: &str = "VideoID";
const APPROVED: &str = "Request approved successfully";
const VALIDATED: &str = "Videoid validated";
const REFUSED: &str = "Videoid refuse completed";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::Approve, approve)
            .paths(&["/videoid/{pk}/approve"], &["/request/{pk}/approve"])
            .aliases(&["/requests/{pk}/approve"])
            .of_videoid()
            .about(
                GROUP,
                "Approve",
                "An act of the registration authority officer, who signs a declaration and the \
                 service contract with it: `ENROLLREADY`.",
            )
            .json(credentials_schema(Vec::new()), credentials_sample(), true)
            .answers(Success::text(APPROVED))
            .refuses(|| {
                let mut refusals = credential_refusals();
                refusals.push((
                    Error::IncompleteSubject {
                        request: RequestPk(50231),
                        fields: vec!["serial_number".into(), "surname_1".into()],
                    }
                    .into(),
                    "The subject lacks what the profile demands. Correct the request first.",
                ));
                refusals
            }),
        Endpoint::post(Call::Validate, validate)
            .paths(&[], &["/videoid/{pk}/validate"])
            .aliases(&["/request/{pk}/validate"])
            .about(
                GROUP,
                "Validate",
                "The first step of the older two-step approval: `CREATED`. Approve afterwards.",
            )
            .json(credentials_schema(Vec::new()), credentials_sample(), true)
            .answers(Success::text(VALIDATED))
            .refuses(credential_refusals),
        Endpoint::post(Call::Refuse, refuse)
            .paths(&["/videoid/{pk}/refuse"], &["/videoid/{pk}/refuse"])
            .of_videoid()
            .about(
                GROUP,
                "Refuse",
                "Ends the request, with a reason: `CANCELLED`.",
            )
            .json(
                credentials_schema(vec![(
                    "reason",
                    schema::text("Why, in 1000 characters at most. Not blank."),
                    true,
                )]),
                {
                    let mut sample = credentials_sample();
                    sample["reason"] = "The document has expired".into();
                    sample
                },
                true,
            )
            .answers(Success::text(REFUSED))
            .refuses(|| {
                let mut refusals = credential_refusals();
                refusals.push((no_reason(), "`reason` is missing or blank."));
                let mut long = Problems::default();
                long.invalid("reason", "must have no more than 1000 characters");
                refusals.push((Error::Fields(long).into(), "`reason` is too long."));
                refusals
            }),
    ]
}

async fn approve(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Approve, async {
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        fields.check(&[])?;
        door.service.approve(args.pk()?, credentials).await?;
        Ok(Success::text(APPROVED))
    })
    .await
}

async fn validate(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Validate, async {
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        fields.check(&[])?;
        door.service.validate(args.pk()?, credentials).await?;
        Ok(Success::text(VALIDATED))
    })
    .await
}

async fn refuse(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Refuse, async {
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        let reason = fields.text("reason");
        fields.check(&["reason"])?;
        let reason = reason
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(no_reason)?;
        door.service
            .refuse(args.pk()?, credentials, reason.trim())
            .await?;
        Ok(Success::text(REFUSED))
    })
    .await
}

pub(super) fn credentials(fields: &mut Fields) -> Credentials {
    Credentials {
        token: fields.text("token"),
        username: fields.text("username"),
        password: fields.secret("password"),
        pin: fields.secret("pin"),
        rao: fields.text("rao").or_else(|| fields.text("rao_id")),
    }
}

fn no_reason() -> Fault {
    Fault::said(StatusCode::BAD_REQUEST, "No reason specified")
}

fn credential_refusals() -> Vec<(Fault, &'static str)> {
    vec![
        (
            Error::IncompleteCredentials.into(),
            "Neither a token nor user name, password and PIN together; or the token lacks one and the call does not bring it.",
        ),
        (
            Error::WrongCredentials.into(),
            "Password, PIN or officer number do not fit, or the officer belongs to another registration authority.",
        ),
        (
            Error::UnknownRequest("7".into()).into(),
            "No request has this number.",
        ),
        (
            Error::UnknownToken("7".into()).into(),
            "`token` names none.",
        ),
        (Error::UnknownOfficer.into(), "`username` names no officer."),
        (
            Error::WrongStatus(Status::VideoPending).into(),
            "Not possible in the request's status.",
        ),
    ]
}

fn credentials_schema(mut more: Vec<schema::Member>) -> RefOr<Schema> {
    more.extend(credentials_members());
    schema::object(
        "The officer's credentials: a token, or user name, password and PIN.",
        more,
    )
}

pub(super) fn credentials_members() -> [schema::Member; 5] {
    let text = schema::optional_text;
    [
        (
            "token",
            text("A stored token. What it holds wins over the members below."),
            false,
        ),
        ("username", text("The officer's user name."), false),
        ("password", text("The officer's password."), false),
        (
            "pin",
            text("The PIN that unlocks the officer's key."),
            false,
        ),
        (
            "rao",
            schema::loose_number("The officer's number; checked when sent."),
            false,
        ),
    ]
}

fn credentials_sample() -> Value {
    json!({ "token": "00000000-0000-4000-8000-000000000001", "rao": "1" })
}
