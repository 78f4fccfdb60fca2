//! One endpoint: its paths, its handler and its description, side by side so that none can be
//! forgotten when another changes.

use axum::Router;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem};
use utoipa::openapi::response::{ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use super::door::DoorState;
use super::refusal::{Call, Fault};
use super::schemas;
use crate::body::BodyFault;
use crate::describe::{self, Refused};
use crate::schema;

/// Before every path but those that begin with it themselves or lack it.
const PREFIX: &str = "/api/v1";

/// The id that failures have in samples.
const SAMPLE_ID: &str = "0123456789abcdef";

/// An endpoint under all its paths.
pub(super) struct Endpoint {
    call: Call,
    method: HttpMethod,
    attach: Box<dyn FnOnce(MethodFilter) -> MethodRouter<DoorState>>,
    /// Documented.
    path: &'static str,
    /// Served, but not documented.
    aliases: &'static [&'static str],
    group: &'static str,
    summary: &'static str,
    description: &'static str,
    queries: Vec<(&'static str, &'static str)>,
    body: Body,
    answer: Answer,
    refusals: fn() -> Vec<(Fault, &'static str)>,
}

enum Body {
    None,
    Json {
        schema: RefOr<Schema>,
        example: Value,
    },
    Form {
        schema: RefOr<Schema>,
    },
}

enum Answer {
    None,
    Json {
        status: StatusCode,
        schema: Box<RefOr<Schema>>,
        example: Value,
    },
    Video,
}

impl Endpoint {
    fn on<H, T>(method: HttpMethod, path: &'static str, call: Call, handler: H) -> Self
    where
        H: Handler<T, DoorState>,
        T: 'static,
    {
        Self {
            call,
            method,
            attach: Box::new(move |filter| on(filter, handler)),
            path,
            aliases: &[],
            group: "",
            summary: "",
            description: "",
            queries: Vec::new(),
            body: Body::None,
            answer: Answer::None,
            refusals: Vec::new,
        }
    }

    pub(super) fn get<H: Handler<T, DoorState>, T: 'static>(
        path: &'static str,
        call: Call,
        handler: H,
    ) -> Self {
        Self::on(HttpMethod::Get, path, call, handler)
    }

    pub(super) fn post<H: Handler<T, DoorState>, T: 'static>(
        path: &'static str,
        call: Call,
        handler: H,
    ) -> Self {
        Self::on(HttpMethod::Post, path, call, handler)
    }

    pub(super) fn put<H: Handler<T, DoorState>, T: 'static>(
        path: &'static str,
        call: Call,
        handler: H,
    ) -> Self {
        Self::on(HttpMethod::Put, path, call, handler)
    }

    pub(super) fn delete<H: Handler<T, DoorState>, T: 'static>(
        path: &'static str,
        call: Call,
        handler: H,
    ) -> Self {
        Self::on(HttpMethod::Delete, path, call, handler)
    }

    /// Further paths.
    pub(super) fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// What it is for. Without this, the endpoint is another method of one that says so.
    pub(super) fn about(
        mut self,
        group: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        (self.group, self.summary, self.description) = (group, summary, description);
        self
    }

    pub(super) fn query(mut self, name: &'static str, description: &'static str) -> Self {
        self.queries.push((name, description));
        self
    }

    pub(super) fn queries(mut self, queries: &[(&'static str, &'static str)]) -> Self {
        self.queries.extend_from_slice(queries);
        self
    }

    pub(super) fn json(mut self, schema: RefOr<Schema>, example: Value) -> Self {
        self.body = Body::Json { schema, example };
        self
    }

    pub(super) fn form(mut self, schema: RefOr<Schema>) -> Self {
        self.body = Body::Form { schema };
        self
    }

    /// 200 with JSON.
    pub(super) fn answers(self, schema: RefOr<Schema>, example: Value) -> Self {
        self.answers_with(StatusCode::OK, schema, example)
    }

    /// 201 with JSON.
    pub(super) fn creates(self, schema: RefOr<Schema>, example: Value) -> Self {
        self.answers_with(StatusCode::CREATED, schema, example)
    }

    fn answers_with(mut self, status: StatusCode, schema: RefOr<Schema>, example: Value) -> Self {
        self.answer = Answer::Json {
            status,
            schema: Box::new(schema),
            example,
        };
        self
    }

    /// A video, in ranges where they are asked for.
    pub(super) fn answers_video(mut self) -> Self {
        self.answer = Answer::Video;
        self
    }

    /// The refusals that are this endpoint's own, with what leads to them.
    pub(super) fn refuses(mut self, refusals: fn() -> Vec<(Fault, &'static str)>) -> Self {
        self.refusals = refusals;
        self
    }

    /// Adds all paths to the routes.
    pub(super) fn register(self, router: Router<DoorState>) -> Router<DoorState> {
        let filter = match self.method {
            HttpMethod::Post => MethodFilter::POST,
            HttpMethod::Put => MethodFilter::PUT,
            HttpMethod::Delete => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let handler = (self.attach)(filter);
        std::iter::once(&self.path)
            .chain(self.aliases)
            .fold(router, |router, path| {
                router.route(full(path).trim_end_matches('/'), handler.clone())
            })
    }

    /// Path and description; none where the endpoint has no summary.
    pub(super) fn describe(&self) -> Option<(String, PathItem)> {
        let path = full(self.path).replace("{pk}", "{id}");
        let operation = self.operation(&path);
        (!self.summary.is_empty()).then(|| (path, PathItem::new(self.method.clone(), operation)))
    }

    fn operation(&self, path: &str) -> Operation {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(format!("{:?}", self.call)))
            .tag(self.group)
            .summary(Some(self.summary))
            .description(Some(self.description));
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            let (schema, description) = path_variable(name);
            operation = operation.parameter(describe::path_parameter(name, schema, description));
        }
        for (name, description) in &self.queries {
            operation = operation.parameter(describe::query_parameter(name, description, &[]));
        }
        let body = match &self.body {
            Body::None => None,
            Body::Json { schema, example } => Some(describe::json_body(
                schema.clone(),
                example.clone(),
                self.method != HttpMethod::Get,
            )),
            Body::Form { schema } => Some(describe::form_body(schema.clone())),
        };
        if let Some(body) = body {
            operation = operation.request_body(Some(body));
        }
        operation.responses(self.responses()).build()
    }

    fn responses(&self) -> ResponsesBuilder {
        let mut responses = ResponsesBuilder::new();
        match &self.answer {
            Answer::None => {}
            Answer::Json {
                status,
                schema,
                example,
            } => {
                let content = describe::sampled((**schema).clone(), example.clone());
                let response = ResponseBuilder::new()
                    .description("Done.")
                    .content("application/json", content);
                responses = responses.response(status.as_str(), response);
            }
            Answer::Video => {
                let media_types = ["video/mp4", "video/quicktime", "video/webm"];
                responses = describe::bytes_responses(responses, &media_types, "The video.", true);
            }
        }
        let refusals = (self.refusals)()
            .into_iter()
            .chain(self.common_refusals())
            .map(|(fault, when)| {
                let refusal = fault.refusal(self.call);
                Refused {
                    status: refusal.status,
                    text: refusal.error.clone(),
                    when,
                    body: refusal.body(SAMPLE_ID),
                }
            });
        describe::refusal_responses(responses, &schemas::failure(), refusals.collect())
    }

    fn common_refusals(&self) -> Vec<(Fault, &'static str)> {
        let mut common: Vec<(Fault, _)> = match &self.body {
            Body::None => Vec::new(),
            Body::Json { .. } => {
                let unparsable = BodyFault::Json {
                    message: "Expecting ',' delimiter".into(),
                    line: 5,
                    column: 11,
                    offset: 205,
                };
                vec![
                    (
                        unparsable.into(),
                        "The body is no JSON. Line, column and character say where.",
                    ),
                    (
                        BodyFault::NotAnObject.into(),
                        "The body is JSON, but no object.",
                    ),
                    (
                        BodyFault::Nul("email".into()).into(),
                        "A text holds the character U+0000.",
                    ),
                ]
            }
            Body::Form { .. } => {
                let broken = "the form ended before its closing boundary".to_owned();
                vec![
                    (
                        BodyFault::NotMultipart.into(),
                        "The body is no multipart form.",
                    ),
                    (
                        BodyFault::Multipart(broken).into(),
                        "The form is broken or cut off. Nothing was stored.",
                    ),
                ]
            }
        };
        if !matches!(self.body, Body::None) {
            common.extend([
                (
                    BodyFault::CutOff.into(),
                    "The connection ended inside the body.",
                ),
                (BodyFault::Stalled.into(), "The client sends too slowly."),
                (
                    BodyFault::TooLarge { limit: 50_331_648 }.into(),
                    "The body is larger than the operator allows.",
                ),
                (
                    service::Error::StorageFull.into(),
                    "The server's disk is full.",
                ),
            ]);
        }
        common.extend([
            (
                service::Error::UnknownClient(service::registration::ClientRefusal::Missing).into(),
                "No client certificate, or one that is unknown, expired, revoked or of a disabled user.",
            ),
            (
                service::Error::Internal(String::new()).into(),
                "The server is at fault. Its log tells more under `id`.",
            ),
            (Fault::Overload, "Overload."),
        ]);
        common
    }
}

/// A path from the root.
fn full(path: &str) -> String {
    if path.starts_with("/v1/") {
        path.to_owned()
    } else {
        format!("{PREFIX}{path}")
    }
}

fn path_variable(name: &str) -> (RefOr<Schema>, &'static str) {
    match name {
        "id" => {
            let number = ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Integer))
                .minimum(Some(1_u64));
            (number.into(), "The number.")
        }
        _ => (
            schema::text(""),
            "The VideoID's number, the request's, or the video identifier, with or without hyphens.",
        ),
    }
}

#[cfg(test)]
impl Endpoint {
    /// The endpoint's own part of the page for integrators; empty where it has no description.
    pub(super) fn errors_section(&self) -> String {
        if self.summary.is_empty() {
            return String::new();
        }
        let method = match self.method {
            HttpMethod::Post => "POST",
            HttpMethod::Put => "PUT",
            HttpMethod::Delete => "DELETE",
            _ => "GET",
        };
        let path = full(self.path).replace("{pk}", "{id}");
        let mut section = format!("### {}\n\n`{method} {path}`", self.summary);
        for alias in self.aliases {
            let alias = full(alias).replace("{pk}", "{id}");
            section.push_str(&format!(", also `{alias}`"));
        }
        section.push_str("\n\n");
        let refusals = (self.refusals)();
        if refusals.is_empty() {
            section.push_str("None of its own.\n\n");
        } else {
            section.push_str(&errors_table(self.call, refusals));
        }
        section
    }

    /// What this endpoint has in common with all those that take the same kind of body.
    pub(super) fn common_errors_table(&self) -> String {
        errors_table(self.call, self.common_refusals())
    }

    pub(super) fn takes_json(&self) -> bool {
        matches!(self.body, Body::Json { .. })
    }

    pub(super) fn takes_form(&self) -> bool {
        matches!(self.body, Body::Form { .. })
    }
}

#[cfg(test)]
fn errors_table(call: Call, refusals: Vec<(Fault, &'static str)>) -> String {
    let mut table = String::from(
        "| HTTP | Strict | `code` | `error` | When |\n| --- | --- | --- | --- | --- |\n",
    );
    for (fault, when) in refusals {
        let refusal = fault.refusal(call);
        let body = refusal.body(SAMPLE_ID);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let strict = refusal.strict_status().as_u16();
        let strict = if strict == refusal.status.as_u16() {
            String::new()
        } else {
            strict.to_string()
        };
        let error = match text("error") {
            empty if empty.is_empty() => "(empty)".to_owned(),
            words => format!("`{words}`"),
        };
        let reason = match text("reason") {
            none if none.is_empty() => none,
            reason => format!(" `reason`: \"{reason}\"."),
        };
        let status = refusal.status.as_u16();
        table.push_str(&format!(
            "| {status} | {strict} | `{}` | {error} | {when}{reason} |\n",
            text("code")
        ));
    }
    table.push('\n');
    table
}
