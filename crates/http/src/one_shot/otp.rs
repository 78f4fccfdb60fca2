//! `POST /otp/{pk}`: makes a one-time code and sends it.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Status;
use serde_json::json;
use service::Error;
use utoipa::openapi::path::HttpMethod;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::schema;
use crate::path_args::PathArgs;

const GENERATED: &str = "OTP generated";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let method = schema::optional_text("How it is sent. Default: `sms`.");
    vec![
        Endpoint::post(Call::GenerateOtp, generate)
            .paths(&["/otp/{pk}"], &["/otp/{pk}"])
            .about(
                "Signature",
                "Send a code",
                "Makes a one-time code and sends it to the request's phone. A new code voids the \
                 one before. The code itself is never answered.",
            )
            .json(
                schema::object("", vec![("delivery_method", method, false)]),
                json!({ "delivery_method": "sms" }),
                false,
            )
            .answers(Success::text(GENERATED))
            .refuses(|| {
                vec![
                    (
                        Error::NoDelivery("whatsapp".into()).into(),
                        "Nothing is set up to send codes that way.",
                    ),
                    (
                        Error::UnknownRequest("7".into()).into(),
                        "No request has this number.",
                    ),
                    (
                        Error::CodeTooSoon { seconds: 60 }.into(),
                        "Wait a minute between two codes.",
                    ),
                    (
                        Error::CodesGuessed.into(),
                        "Fifty wrong codes were tried in a row.",
                    ),
                    (
                        Error::WrongStatus(Status::VideoReview).into(),
                        "The request is not in `ENROLLREADY`.",
                    ),
                ]
            }),
        Endpoint::nameless(
            HttpMethod::Post,
            Call::GenerateOtp,
            &["/otp"],
            "Missing parameters: Request's pk not specified",
        ),
    ]
}

async fn generate(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::GenerateOtp, async {
        let mut fields = door.fields(&headers, body).await?;
        let method = fields.text("delivery_method");
        fields.check(&[])?;
        door.service
            .generate_code(args.pk()?, method.as_deref())
            .await?;
        Ok(Success::text(GENERATED))
    })
    .await
}
