//! Stored officer credentials.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::{Error, NewToken, Problems, TokenView};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::schema;
use crate::path_args::PathArgs;

const GROUP: &str = "Tokens";
const NO_UID: &str = "Missing required parameter: no token uid specified";
const CREATED: &str = "Token created";
const DELETED: &str = "Token deleted successfully";
const SAMPLE: &str = "00000000-0000-4000-8000-000000000001";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::CreateToken, create)
            .paths(&["/token"], &["/token"])
            .about(
                GROUP,
                "Store credentials",
                "Stores an officer's credentials, encrypted, under a token. A password or PIN \
                 that is left out must come with each later call.",
            )
            .json(
                body_schema(),
                json!({ "username": "rao-1", "password": "********", "pin": "****" }),
                true,
            )
            .with_token_answer()
            .refuses(|| {
                let mut username = Problems::default();
                username.missing("username");
                vec![
                    (Error::Fields(username).into(), "`username` is missing."),
                    (
                        Error::TokenExists.into(),
                        "The same credentials are stored already.",
                    ),
                    (Error::UnknownOfficer.into(), "`username` names no officer."),
                ]
            }),
        Endpoint::get(Call::GetToken, get)
            .paths(&["/token/{token_uid}"], &["/token/{token_uid}"])
            .about(
                GROUP,
                "Get a token",
                "Says what is stored, and never the secrets.",
            )
            .answers_with::<Stored>(Success::payload(
                format!("Token {SAMPLE}"),
                json!({ "username": "rao-1", "password": true, "pin": true }),
            ))
            .refuses(|| {
                vec![(
                    Error::UnknownToken(SAMPLE.into()).into(),
                    "There is no such token.",
                )]
            }),
        Endpoint::nameless(HttpMethod::Get, Call::GetToken, &["/token"], NO_UID),
        Endpoint::get(Call::ListTokens, list)
            .paths(&["/tokens"], &["/tokens"])
            .about(GROUP, "List tokens", "By identifier, oldest first.")
            .with_list_of_tokens(),
        Endpoint::delete(Call::DeleteToken, delete)
            .paths(&["/token/{token_uid}"], &["/token/{token_uid}"])
            .about(GROUP, "Delete a token", "")
            .answers(Success::text(DELETED))
            .refuses(|| {
                vec![
                    (
                        Error::UnknownToken(SAMPLE.into()).into(),
                        "There is no such token.",
                    ),
                    (
                        Error::TokenProtected.into(),
                        "The sandbox's own token stays.",
                    ),
                ]
            }),
        Endpoint::nameless(HttpMethod::Delete, Call::DeleteToken, &["/token"], NO_UID),
    ]
}

impl Endpoint {
    fn with_token_answer(mut self) -> Self {
        let uid = self.component::<TokenCreated>();
        let legacy = schema::text("The token's identifier.");
        self.answers_each(Some(uid), Some(legacy), created(SAMPLE.to_owned()))
    }

    fn with_list_of_tokens(mut self) -> Self {
        let stored = self.component::<Stored>();
        let payload = schema::map("Tokens by identifier.", stored);
        let sample = json!({ SAMPLE: { "username": "rao-1", "password": true, "pin": true } });
        self.answers_each(
            Some(payload.clone()),
            Some(payload),
            Success::payload("Tokens", sample),
        )
    }
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateToken, async {
        let mut fields = door.fields(&headers, body).await?;
        let new = NewToken {
            username: fields.text("username"),
            password: fields.secret("password"),
            pin: fields.secret("pin"),
            env: fields.text("env"),
        };
        fields.check(&["username"])?;
        Ok(created(door.service.create_token(new).await?.to_string()))
    })
    .await
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetToken, async {
        let token = door.service.token(&args.text("token_uid")).await?;
        Ok(Success::payload(
            format!("Token {}", token.uid),
            json!(Stored::of(token)),
        ))
    })
    .await
}

async fn list(door: Door) -> Response {
    door.answer(Call::ListTokens, async {
        // Clients take the first for theirs: the order is part of the answer.
        let tokens = door.service.tokens().await?.into_iter();
        let payload: Map<String, Value> = tokens
            .map(|token| (token.uid.to_string(), json!(Stored::of(token))))
            .collect();
        Ok(Success::payload("Tokens", Value::Object(payload)))
    })
    .await
}

async fn delete(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DeleteToken, async {
        door.service.delete_token(&args.text("token_uid")).await?;
        Ok(Success::text(DELETED))
    })
    .await
}

/// A token's identifier.
#[derive(Serialize, ToSchema)]
struct TokenCreated {
    token_uid: String,
}

fn created(uid: String) -> Success {
    let payload = json!(TokenCreated {
        token_uid: uid.clone()
    });
    Success::text(CREATED)
        .with_new(payload)
        .with_legacy(uid.into())
}

/// What may be told of stored credentials.
#[derive(Serialize, ToSchema)]
struct Stored {
    username: String,
    /// Whether it is stored.
    password: bool,
    /// Whether it is stored.
    pin: bool,
}

impl Stored {
    fn of(token: TokenView) -> Self {
        Self {
            username: token.username,
            password: token.has_password,
            pin: token.has_pin,
        }
    }
}

fn body_schema() -> RefOr<Schema> {
    let text = schema::optional_text;
    schema::object(
        "An officer's credentials.",
        vec![
            ("username", schema::text("The officer's user name."), true),
            ("password", text("The officer's password."), false),
            (
                "pin",
                text("The PIN that unlocks the officer's key."),
                false,
            ),
            (
                "env",
                text("`sandbox` or `prod`. Default: the settings'."),
                false,
            ),
        ],
    )
}
