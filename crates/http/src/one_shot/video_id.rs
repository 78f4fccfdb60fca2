//! `POST /videoid`: creates a request that waits for evidence.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::RaId;
use model::event::WebhookFormat;
use serde::Serialize;
use serde_json::{Value, json};
use service::{CreatedVideoId, Error, NewVideoId, Problems, RequestTerms};
use utoipa::ToSchema;

use super::dialect::{Dialect, Success};
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::schema;
use crate::body::json::Fields;

/// The numbers of a request and its VideoID, drawn from one sequence: either is accepted
/// everywhere.
#[derive(Serialize, ToSchema)]
pub(super) struct Created {
    /// The VideoID's number.
    #[schema(example = 50232)]
    videoid_pk: i64,
    /// Where the signer would be sent. Empty: the business films on its own platform.
    videoid_link: String,
    /// The request's number.
    #[schema(example = 50231)]
    request_pk: i64,
}

impl Created {
    pub(super) fn payload(created: CreatedVideoId) -> Value {
        json!(Created {
            videoid_pk: created.videoid.0,
            videoid_link: created.link,
            request_pk: created.request.0,
        })
    }

    pub(super) fn sample() -> Value {
        json!({ "videoid_pk": 50232, "videoid_link": "", "request_pk": 50231 })
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::CreateVideoId, create)
            .paths(&["/videoid"], &["/videoid"])
            .about(
                "VideoID",
                "Create a VideoID request",
                "Creates a request in status `VIDEOPENDING`. What is left out is taken from the \
                 settings where they have it.",
            )
            .json(body_schema(), body_sample(), true)
            .answers_with::<Created>(success(50232, Created::sample()))
            .refuses(|| {
                let mut problems = Problems::default();
                problems.missing("mobile_phone_number");
                problems.missing("email");
                let mut phone = Problems::default();
                phone.invalid(
                    "mobile_phone_number",
                    "Please use the mobile phone number with an international prefix",
                );
                let mut email = Problems::default();
                email.invalid("email", "Enter a valid email address");
                let mut env = Problems::default();
                env.invalid("env", "Environment staging does not exist");
                vec![
                    (
                        Error::Fields(problems).into(),
                        "Members that nothing stands in for are missing; all are named.",
                    ),
                    (
                        Error::Fields(phone).into(),
                        "The number lacks its `+` and country code.",
                    ),
                    (Error::Fields(email).into(), "No e-mail address."),
                    (
                        Error::Fields(env).into(),
                        "`env` is neither `sandbox` (`test`) nor `prod`.",
                    ),
                    (
                        Error::VideoIdDisabled(RaId(7)).into(),
                        "The registration authority takes no VideoID requests.",
                    ),
                    (
                        Error::ProfileNotAvailable("PFunknown".into()).into(),
                        "The profile is unknown, or not for one-time signatures.",
                    ),
                    (
                        Error::UnknownAuthority.into(),
                        "`registration_authority` names none.",
                    ),
                ]
            }),
    ]
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateVideoId, async {
        let mut fields = door.fields(&headers, body).await?;
        let webhook_url = fields.text("webhook_url");
        // Whoever names a target in the legacy dialect expects that dialect's events there.
        let legacy = webhook_url.is_some() && door.dialect == Dialect::Legacy;
        let new = NewVideoId {
            mobile_phone_number: fields.text("mobile_phone_number"),
            email: fields.text("email"),
            terms: terms(&mut fields),
            billing_username: fields.text("billing_username"),
            webhook_url,
            webhook_format: legacy.then_some(WebhookFormat::Status),
        };
        fields.check(&["mobile_phone_number", "email"])?;
        let created = door.service.create_video_id(new).await?;
        Ok(success(created.videoid.0, Created::payload(created)))
    })
    .await
}

/// Authority, profile and environment, as every creation takes them.
pub(super) fn terms(fields: &mut Fields) -> RequestTerms {
    RequestTerms {
        registration_authority: fields.text("registration_authority"),
        profile: fields.text("profile"),
        env: fields.text("env"),
    }
}

fn success(pk: i64, payload: Value) -> Success {
    let message = format!("VideoID created with pk {pk}");
    Success::payload(message.clone(), payload).with_extra("messsage", message.into())
}

fn body_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    let text = schema::optional_text;
    schema::object(
        "A signer to be.",
        vec![
            (
                "mobile_phone_number",
                schema::text("Where codes go, with international prefix."),
                true,
            ),
            ("email", schema::text("The signer's e-mail address."), true),
            (
                "registration_authority",
                schema::loose_number(
                    "Number of the registration authority. Default: the settings'.",
                ),
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
            ("billing_username", text("Recorded, never checked."), false),
            ("billing_password", text("Accepted and forgotten."), false),
            (
                "webhook_url",
                text(
                    "Where this request's events go instead of the registration authority's target.",
                ),
                false,
            ),
        ],
    )
}

fn body_sample() -> Value {
    json!({
        "mobile_phone_number": "+34600000000",
        "email": "ana@example.com",
        "registration_authority": "1",
        "profile": "PFnubeNC",
    })
}
