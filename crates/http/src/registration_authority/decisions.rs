//! The officer's acts: validate, refuse, approve; and the link that follows.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Status;
use serde_json::{Value, json};
use service::Error;
use service::registration::{Decided, OfficerCredentials};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{
    Case, contact_limit, credentials as credential_refusals, incomplete_subject, no_signature,
    not_permitted, unknown_request, wrong_status,
};
use super::schemas::{self, refer};
use super::wire;
use crate::body::json::Fields;
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Decisions";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/requests/{pk}/validate_videoid", Call::ValidateVideoId, validate)
            .about(
                GROUP,
                "Validate a VideoID",
                "The officer confirms the evidence: `CREATED`; `ENROLLREADY` at once where the \
                 authority's setting says so and the profile is a natural person's.",
            )
            .json(credentials_schema(Vec::new()), credentials_sample())
            .answers(refer("Decision"), schemas::decision_sample("CREATED"))
            .refuses(|| {
                let mut refusals = decision_refusals("Not `VIDEOREVIEW`.");
                refusals.extend(no_signature());
                refusals
            }),
        Endpoint::post("/requests/{pk}/refuse_videoid", Call::RefuseVideoId, refuse)
            .about(GROUP, "Refuse a VideoID", "`CANCELLED`.")
            .json(
                credentials_schema(vec![("reason", schema::optional_text("Why, in 1000 characters at most."), false)]),
                {
                    let mut sample = credentials_sample();
                    sample["reason"] = "blurred document".into();
                    sample
                },
            )
            .answers(
                schema::object(
                    "",
                    vec![
                        ("videoid_status", schema::text(""), true),
                        ("reason", schema::text(""), true),
                    ],
                ),
                json!({ "videoid_status": "REFUSED", "reason": "blurred document" }),
            )
            .refuses(|| {
                let mut refusals = decision_refusals("Not `VIDEOREVIEW`.");
                let mut long = service::Problems::default();
                long.invalid("reason", "must have no more than 1000 characters");
                refusals.push((Error::Fields(long).into(), "The reason is too long."));
                refusals
            }),
        Endpoint::post("/requests/{pk}/pl_approve/", Call::Approve, approve)
            .about(
                GROUP,
                "Approve",
                "Signs declaration and contract with the officer's key, and mails the subscriber \
                 the enrolment link: `ENROLLREADY`. From `VIDEOREVIEW` it validates too, unless \
                 the authority wants two steps.",
            )
            .json(
                credentials_schema(vec![
                    (
                        "lang",
                        schema::optional_text("Language of the contract: `EN`, `ES` or `IT`."),
                        false,
                    ),
                    ("receipt", schema::optional_text("Taken and not looked at."), false),
                ]),
                credentials_sample(),
            )
            .answers(refer("Decision"), schemas::decision_sample("ENROLLREADY"))
            .refuses(|| {
                let mut refusals =
                    decision_refusals("Neither `CREATED` nor, with one step, `VIDEOREVIEW`.");
                refusals.extend([
                    (
                        Error::MissingPapers.into(),
                        "A classic request without front and rear of the identity document.",
                    ),
                    incomplete_subject(),
                    contact_limit(),
                ]);
                refusals.extend(no_signature());
                refusals
            }),
        Endpoint::post("/requests/{pk}/preauthlink/", Call::PreauthLink, renew_link)
            .about(
                GROUP,
                "Get a fresh enrolment link",
                "The one before opens nothing any more. `GET` answers the one that is out.",
            )
            .answers(
                schema::object("", vec![("preauthenticatedlink", schema::text(""), true)]),
                json!({
                    "preauthenticatedlink":
                        "https://ra.example.org/lcmpl/enrollment/auth/0123456789abcdef0123456789abcdef",
                }),
            )
            .refuses(|| vec![unknown_request(), wrong_status(Status::Created, "Not `ENROLLREADY`."), not_permitted()]),
        Endpoint::get("/requests/{pk}/preauthlink/", Call::PreauthLink, link),
    ]
}

fn decision_refusals(status: &'static str) -> Vec<Case> {
    let mut refusals = credential_refusals();
    refusals.push(wrong_status(Status::VideoPending, status));
    refusals
}

async fn validate(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::ValidateVideoId, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        fields.check(&[])?;
        let decided = door
            .service
            .validate_registration(&caller, pk, credentials)
            .await?;
        Ok(ok(&decision(&decided)))
    })
    .await
}

async fn refuse(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::RefuseVideoId, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        let reason = fields.text("reason").unwrap_or_default();
        fields.check(&[])?;
        let reason = reason.trim();
        door.service
            .refuse_registration(&caller, pk, credentials, reason)
            .await?;
        Ok(ok(
            &json!({ "videoid_status": "REFUSED", "reason": reason }),
        ))
    })
    .await
}

async fn approve(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Approve, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let credentials = credentials(&mut fields);
        let language = fields.text("lang").filter(|text| !text.trim().is_empty());
        fields.check(&[])?;
        let decided = door
            .service
            .approve_registration(&caller, pk, credentials, language.as_deref())
            .await?;
        Ok(ok(&decision(&decided)))
    })
    .await
}

async fn renew_link(door: Door, args: PathArgs) -> Response {
    enrolment_link(door, args, true).await
}

async fn link(door: Door, args: PathArgs) -> Response {
    enrolment_link(door, args, false).await
}

async fn enrolment_link(door: Door, args: PathArgs, renew: bool) -> Response {
    door.answer(Call::PreauthLink, async {
        let caller = door.caller().await?;
        let link = door
            .service
            .enrolment_link(&caller, args.number()?, renew)
            .await?;
        Ok(ok(&json!({ "preauthenticatedlink": link })))
    })
    .await
}

fn credentials(fields: &mut Fields) -> OfficerCredentials {
    OfficerCredentials {
        username: fields.text("username"),
        password: fields.secret("password"),
        pin: fields.secret("pin"),
        rao: fields.text("rao_id"),
    }
}

fn decision(decided: &Decided) -> Value {
    json!({
        "secrets": wire::secrets(&decided.secrets),
        "request": wire::request(&decided.registration),
    })
}

fn credentials_schema(more: Vec<schema::Member>) -> RefOr<Schema> {
    let mut members = vec![
        (
            "username",
            schema::text("The officer's scratchcard number."),
            true,
        ),
        (
            "password",
            schema::text("That scratchcard's enrollment code."),
            true,
        ),
        ("pin", schema::text("The PIN of the officer's key."), true),
        (
            "rao_id",
            schema::loose_number("The officer's number."),
            true,
        ),
    ];
    members.extend(more);
    schema::object("", members)
}

fn credentials_sample() -> Value {
    json!({ "username": "6000001", "password": "xY7;k,2_", "pin": "ab12cd34", "rao_id": 30 })
}
