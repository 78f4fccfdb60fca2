//! A new PIN in place of a locked one.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Status;
use serde_json::{Value, json};
use service::Error;
use service::registration::Unlock;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{not_permitted, unknown_request, wrong_parameters, wrong_status};
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "PIN";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/requests/{pk}/generate_otp_for_unlock/",
            Call::SendUnlockCode,
            send_code,
        )
        .about(GROUP, "Send a code to unlock the PIN", "")
        .answers(outcome(), success("OTP sent via SMS"))
        .refuses(|| {
            vec![
                unknown_request(),
                wrong_status(Status::EnrollReady, "No certificate is issued."),
                (
                    Error::CodeTooSoon { seconds: 60 }.into(),
                    "A code was sent a moment ago.",
                ),
                (
                    Error::CodesGuessed.into(),
                    "Fifty wrong codes were tried in a row. No further one is sent or accepted.",
                ),
                (
                    Error::NoDelivery("sms".into()).into(),
                    "No way is configured to send codes.",
                ),
                not_permitted(),
            ]
        }),
        Endpoint::post("/requests/{pk}/unlock_pin/", Call::UnlockPin, unlock)
            .about(
                GROUP,
                "Set a new PIN",
                "8 to 64 characters, with 2 letters and 2 digits at least.",
            )
            .json(
                schema::object(
                    "",
                    vec![
                        ("scratchcard", schema::text(""), true),
                        ("enrollment_code", schema::text(""), true),
                        ("newpin", schema::text(""), true),
                        ("otp", schema::text("The code from the text message."), true),
                    ],
                ),
                json!({
                    "scratchcard": "7000001", "enrollment_code": "aB3:d,9_",
                    "newpin": "ab12cd34", "otp": "123456",
                }),
            )
            .answers(outcome(), success("Pin unlocked successfully"))
            .refuses(|| {
                vec![
                    unknown_request(),
                    wrong_parameters("otp", "A parameter is missing."),
                    (
                        Error::UnlockRefused.into(),
                        "A parameter or the code is wrong.",
                    ),
                    (Error::WeakSecret.into(), "The new PIN breaks the rule."),
                    (Error::PinNotLocked.into(), "The PIN is not locked."),
                    not_permitted(),
                ]
            }),
    ]
}

fn outcome() -> RefOr<Schema> {
    schema::object(
        "",
        vec![
            ("status", schema::constant("success"), true),
            ("message", schema::text("What was done."), true),
        ],
    )
}

fn success(message: &str) -> Value {
    json!({ "status": "success", "message": message })
}

async fn send_code(door: Door, args: PathArgs) -> Response {
    door.answer(Call::SendUnlockCode, async {
        let caller = door.caller().await?;
        door.service
            .send_unlock_code(&caller, args.number()?)
            .await?;
        Ok(ok(&success("OTP sent via SMS")))
    })
    .await
}

async fn unlock(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UnlockPin, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let unlock = Unlock {
            scratchcard: fields.required("scratchcard"),
            enrollment_code: fields.required_secret("enrollment_code"),
            new_pin: fields.required_secret("newpin"),
            code: fields.required_secret("otp"),
        };
        fields.check(&[])?;
        door.service.unlock_pin(&caller, pk, unlock).await?;
        Ok(ok(&success("Pin unlocked successfully")))
    })
    .await
}
