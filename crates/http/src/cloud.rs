//! Signing a PDF with a key that the server keeps: user name, password, PIN and code.

use std::future::Future;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use service::enrolment::CloudCredentials;
use service::{Error, Problem as Wrong, Service};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::response::{ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};

use crate::body::BodyFault;
use crate::body::json::{Fields, read_object};
use crate::body::multipart::Form;
use crate::layers::request_id::RequestId;
use crate::problem::Problem;
use crate::{describe, disposition, retry_after, schema};

/// What the document calls these calls.
pub(crate) const GROUP: &str = "Cloud signature";

/// User names, passwords, PINs and codes are short.
const TEXT_LIMIT: u64 = 4 << 10;

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/cloud/v1/code", post(send_code))
        .route("/cloud/v1/sign", post(sign))
        .with_state(service)
}

type Id = Option<Extension<RequestId>>;

async fn send_code(
    State(service): State<Service>,
    id: Id,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(id, async {
        let mut fields = Fields::new(read_object(&headers, body, TEXT_LIMIT).await?);
        let credentials = credentials(&mut fields);
        fields.check(&[])?;
        let sent_to = service.send_signing_code(credentials).await?;
        Ok(axum::Json(json!({ "sent_to": sent_to })).into_response())
    })
    .await
}

async fn sign(State(service): State<Service>, id: Id, headers: HeaderMap, body: Body) -> Response {
    answer(id, async {
        let limit = service.limits().document_bytes;
        let (mut fields, file) = read_form(&headers, body, limit).await?;
        let credentials = credentials(&mut fields);
        let (pin, otp) = (fields.required_secret("pin"), fields.required_secret("otp"));
        if file.is_none() {
            fields.missing("file");
        }
        fields.check(&[])?;
        let (name, content) = file.unwrap_or_default();
        let signed = service
            .sign_in_cloud(credentials, pin, otp, &name, content)
            .await?;
        Ok(pdf(&name, signed))
    })
    .await
}

fn credentials(fields: &mut Fields) -> CloudCredentials {
    CloudCredentials {
        username: fields.required("username"),
        password: fields.required_secret("password"),
    }
}

/// The texts of a form, and its file with the name of that.
async fn read_form(
    headers: &HeaderMap,
    body: Body,
    file_limit: u64,
) -> Result<(Fields, Option<(String, Bytes)>), BodyFault> {
    let mut form = Form::open(headers, body)?;
    let mut texts = Map::new();
    let mut file = None;
    while let Some(mut part) = form.next().await? {
        let name = part.name();
        if name == "file" {
            let file_name = disposition::base_name(&part.file_name().unwrap_or_default());
            file = Some((file_name, part.read(file_limit).await?));
        } else if let Ok(text) = String::from_utf8(part.read(TEXT_LIMIT).await?.into()) {
            texts.insert(name, Value::String(text));
        }
    }
    Ok((Fields::new(texts), file))
}

fn pdf(name: &str, content: Bytes) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/pdf"),
    );
    headers.insert(header::CONTENT_DISPOSITION, disposition::attachment(name));
    response
}

/// Why nothing was done.
enum Fault {
    Service(Error),
    Body(BodyFault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<BodyFault> for Fault {
    fn from(fault: BodyFault) -> Self {
        Self::Body(fault)
    }
}

async fn answer(id: Id, work: impl Future<Output = Result<Response, Fault>>) -> Response {
    let (status, detail) = match work.await {
        Ok(done) => return done,
        Err(Fault::Service(Error::NoKeyReady { retry_after })) => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, retry_after::NO_KEY);
            return retry_after::hint(problem.into_response(), retry_after);
        }
        Err(Fault::Service(Error::NoTimeStamp { retry_after, .. })) => {
            let failed = StatusCode::INTERNAL_SERVER_ERROR;
            let problem = Problem::new(failed, retry_after::NO_TIME_STAMP);
            return retry_after::hint(problem.into_response(), retry_after);
        }
        Err(Fault::Body(fault)) => (fault.status(), fault.to_string()),
        Err(Fault::Service(error)) => words(&error),
    };
    let id = id
        .map(|Extension(id)| id)
        .filter(|_| status == StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(status, detail).with_id(id).into_response()
}

fn words(error: &Error) -> (StatusCode, String) {
    use StatusCode as Code;
    match error {
        Error::Fields(problems) => {
            let named = problems.0.iter().map(|(field, problem)| match problem {
                Wrong::Missing => format!("{field} is missing"),
                Wrong::Invalid(text) => format!("{field} {text}"),
            });
            let named: Vec<_> = named.collect();
            (Code::UNPROCESSABLE_ENTITY, named.join("; "))
        }
        Error::WrongCredentials => (Code::FORBIDDEN, WRONG.into()),
        Error::CredentialBlocked => (
            Code::FORBIDDEN,
            "Blocked after too many wrong passwords or PINs".into(),
        ),
        Error::CodeRefused(refusal) => (
            Code::FORBIDDEN,
            refusal.map_or_else(
                || "No code was sent for this signature".into(),
                |why| format!("Code refused: {why}"),
            ),
        ),
        Error::CodeTooSoon { seconds } => (
            Code::TOO_MANY_REQUESTS,
            format!("Wait {seconds} seconds between two codes"),
        ),
        Error::CodesGuessed => (
            Code::FORBIDDEN,
            "Too many wrong codes in a row: unlock the PIN to get another".into(),
        ),
        Error::NotSignable { reason, .. } => (
            Code::UNSUPPORTED_MEDIA_TYPE,
            format!("The file cannot be signed: {reason}"),
        ),
        Error::TooLarge { limit } => (
            Code::PAYLOAD_TOO_LARGE,
            BodyFault::TooLarge { limit: *limit }.to_string(),
        ),
        Error::NoDelivery(_) => (
            Code::SERVICE_UNAVAILABLE,
            "Codes cannot be delivered at present".into(),
        ),
        Error::StorageFull => (
            Code::INSUFFICIENT_STORAGE,
            "The server's storage is full. Nothing was stored".into(),
        ),
        other => {
            tracing::error!(error = %other, "no signature");
            (Code::INTERNAL_SERVER_ERROR, "Internal server error".into())
        }
    }
}

const WRONG: &str = "User name, password or PIN are wrong, or the certificate is no longer good";

/// Adds the calls to the OpenAPI document.
pub(crate) fn describe(
    paths: PathsBuilder,
    components: ComponentsBuilder,
) -> (PathsBuilder, ComponentsBuilder) {
    let sent = schema::object(
        "",
        vec![(
            "sent_to",
            schema::text("The telephone number, all but its end hidden."),
            true,
        )],
    );
    let credentials = schema::object("", credential_members());
    let mut form = credential_members();
    form.extend([
        ("pin", schema::text("The PIN of the key."), true),
        ("otp", schema::text("The code from the text message."), true),
        ("file", schema::bytes("A PDF."), true),
    ]);
    let code = OperationBuilder::new()
        .operation_id(Some("SendSigningCode"))
        .tag(GROUP)
        .summary(Some("Send a code"))
        .description(Some("Sends the holder a code for one signature."))
        .request_body(Some(describe::json_body(
            credentials,
            json!({ "username": "7000001", "password": "aB3:d,9_" }),
            true,
        )))
        .responses(
            problems(&[
                ("400", "The body is no JSON object."),
                ("403", WRONG),
                ("408", "The client sends too slowly."),
                ("413", "The body is too large."),
                ("422", "A member is missing or of the wrong kind."),
                ("429", "A code was sent a moment ago."),
                ("500", "The server is at fault."),
                ("503", "Codes cannot be delivered at present, or overload."),
            ])
            .response(
                "200",
                ResponseBuilder::new().description("Sent.").content(
                    "application/json",
                    describe::sampled(sent, json!({ "sent_to": "+34*****0000" })),
                ),
            ),
        );
    let sign = OperationBuilder::new()
        .operation_id(Some("SignInCloud"))
        .tag(GROUP)
        .summary(Some("Sign a PDF"))
        .description(Some(
            "Signs with the holder's key. The code must have been sent before.",
        ))
        .request_body(Some(describe::form_body(schema::object("", form))))
        .responses(describe::bytes_responses(
            problems(&[
                ("400", "The body is no multipart form, or a broken one."),
                ("403", "User name, password, PIN or code are wrong."),
                ("408", "The client sends too slowly."),
                ("413", "The file is too large."),
                ("415", "The file is no PDF, or one that cannot be signed."),
                ("422", "A part is missing."),
                ("500", "The server is at fault."),
                ("503", "Overload."),
                ("507", "The server's disk is full."),
            ]),
            &["application/pdf"],
            "The signed PDF.",
            false,
        ));
    let paths = paths
        .path("/cloud/v1/code", PathItem::new(HttpMethod::Post, code))
        .path("/cloud/v1/sign", PathItem::new(HttpMethod::Post, sign));
    (paths, components)
}

fn credential_members() -> Vec<schema::Member> {
    vec![
        ("username", schema::text("The scratchcard's number."), true),
        (
            "password",
            schema::text("The scratchcard's enrollment code."),
            true,
        ),
    ]
}

fn problems(list: &[(&str, &str)]) -> ResponsesBuilder {
    list.iter()
        .fold(ResponsesBuilder::new(), |responses, (status, text)| {
            let problem: RefOr<Schema> = Ref::from_schema_name("Problem").into();
            let content = ContentBuilder::new().schema(Some(problem)).build();
            let response = ResponseBuilder::new()
                .description(*text)
                .content("application/problem+json", content);
            responses.response(*status, response)
        })
}
