//! One endpoint: its paths, its handler and its description, side by side so that none can be
//! forgotten when another changes.

use axum::Router;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::routing::{MethodFilter, on};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, PathItem};
use utoipa::openapi::response::{ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use super::dialect::{Dialect, Success};
use super::door::{Door, DoorState};
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::BodyFault;
use crate::describe::{self, Refused};
use crate::layers::in_flight::OVERLOAD;

/// An endpoint under both prefixes.
pub(crate) struct Endpoint {
    call: Call,
    method: HttpMethod,
    attach: Box<dyn FnOnce(MethodFilter) -> axum::routing::MethodRouter<DoorState>>,
    /// Documented in the new dialect.
    new: &'static [&'static str],
    /// Documented in the legacy dialect.
    legacy: &'static [&'static str],
    /// Served in both, documented in none.
    aliases: &'static [&'static str],
    group: &'static str,
    summary: &'static str,
    description: &'static str,
    /// Tells apart the operations of one call.
    variant: &'static str,
    /// What `{pk}` is called in the new dialect.
    pk: &'static str,
    queries: Vec<(&'static str, &'static str, &'static [&'static str])>,
    body: Body,
    answer: Answer,
    refusals: fn() -> Vec<(Fault, &'static str)>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

enum Body {
    None,
    Json {
        schema: RefOr<Schema>,
        example: Value,
        required: bool,
    },
    Form {
        schema: RefOr<Schema>,
    },
    Members(Box<Members>),
}

/// A form of either kind, or JSON.
struct Members {
    form: RefOr<Schema>,
    others: RefOr<Schema>,
    example: Value,
}

enum Answer {
    None,
    Envelope(Box<Envelope>),
    Bytes {
        media_types: &'static [&'static str],
        description: &'static str,
        ranges: bool,
    },
}

struct Envelope {
    new: Option<RefOr<Schema>>,
    legacy: Option<RefOr<Schema>>,
    sample: Success,
}

/// An operation whose path holds nothing but the number of a request.
pub(crate) struct LinkTarget {
    operation_id: String,
    pk: &'static str,
}

impl LinkTarget {
    /// From the answer that created the request.
    fn link(&self, dialect: Dialect) -> Link {
        let payload = match dialect {
            Dialect::New => "detail",
            Dialect::Legacy => "details",
        };
        let number = format!("$response.body#/{payload}/{}", self.pk);
        LinkBuilder::new()
            .operation_id(self.operation_id.clone())
            .parameter(self.pk, number)
            .build()
    }
}

impl Endpoint {
    fn on<H, T>(method: HttpMethod, call: Call, handler: H) -> Self
    where
        H: Handler<T, DoorState>,
        T: 'static,
    {
        Self {
            call,
            method,
            attach: Box::new(move |filter| on(filter, handler)),
            new: &[],
            legacy: &[],
            aliases: &[],
            group: "",
            summary: "",
            description: "",
            variant: "",
            pk: "request_pk",
            queries: Vec::new(),
            body: Body::None,
            answer: Answer::None,
            refusals: Vec::new,
            schemas: Vec::new(),
        }
    }

    pub(crate) fn get<H: Handler<T, DoorState>, T: 'static>(call: Call, handler: H) -> Self {
        Self::on(HttpMethod::Get, call, handler)
    }

    pub(crate) fn post<H: Handler<T, DoorState>, T: 'static>(call: Call, handler: H) -> Self {
        Self::on(HttpMethod::Post, call, handler)
    }

    pub(crate) fn put<H: Handler<T, DoorState>, T: 'static>(call: Call, handler: H) -> Self {
        Self::on(HttpMethod::Put, call, handler)
    }

    pub(crate) fn delete<H: Handler<T, DoorState>, T: 'static>(call: Call, handler: H) -> Self {
        Self::on(HttpMethod::Delete, call, handler)
    }

    /// Refuses paths from which the identifier was left out, in the documented words.
    pub(crate) fn nameless(
        method: HttpMethod,
        call: Call,
        paths: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        let refuse = move |door: Door| async move {
            door.refuse(call, Fault::said(StatusCode::BAD_REQUEST, text))
        };
        Self::on(method, call, refuse).aliases(paths)
    }

    /// The paths that each dialect documents.
    pub(crate) fn paths(
        mut self,
        new: &'static [&'static str],
        legacy: &'static [&'static str],
    ) -> Self {
        (self.new, self.legacy) = (new, legacy);
        self
    }

    /// Further paths, served in both dialects.
    pub(crate) fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) fn about(
        mut self,
        group: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        (self.group, self.summary, self.description) = (group, summary, description);
        self
    }

    /// Another form of a call that is described already.
    pub(crate) fn variant(mut self, name: &'static str) -> Self {
        self.variant = name;
        self
    }

    /// The number in the path is a VideoID's in the new dialect.
    pub(crate) fn of_videoid(mut self) -> Self {
        self.pk = "videoid_pk";
        self
    }

    pub(crate) fn query(
        mut self,
        name: &'static str,
        description: &'static str,
        values: &'static [&'static str],
    ) -> Self {
        self.queries.push((name, description, values));
        self
    }

    pub(crate) fn json(mut self, schema: RefOr<Schema>, example: Value, required: bool) -> Self {
        self.body = Body::Json {
            schema,
            example,
            required,
        };
        self
    }

    pub(crate) fn form(mut self, schema: RefOr<Schema>) -> Self {
        self.body = Body::Form { schema };
        self
    }

    /// The same members as a multipart form, whose files are bytes, or as texts in other forms.
    pub(crate) fn members(
        mut self,
        form: RefOr<Schema>,
        others: RefOr<Schema>,
        example: Value,
    ) -> Self {
        self.body = Body::Members(Box::new(Members {
            form,
            others,
            example,
        }));
        self
    }

    /// A message and nothing else.
    pub(crate) fn answers(self, sample: Success) -> Self {
        self.answers_each(None, None, sample)
    }

    /// A payload, the same in both dialects.
    pub(crate) fn answers_with<P: ToSchema>(mut self, sample: Success) -> Self {
        let payload = self.component::<P>();
        self.answers_each(Some(payload.clone()), Some(payload), sample)
    }

    /// A payload that differs.
    pub(crate) fn answers_each(
        mut self,
        new: Option<RefOr<Schema>>,
        legacy: Option<RefOr<Schema>>,
        sample: Success,
    ) -> Self {
        self.answer = Answer::Envelope(Box::new(Envelope {
            new,
            legacy,
            sample,
        }));
        self
    }

    /// Bytes; with `ranges`, as RFC 9110 §14 has them.
    pub(crate) fn answers_bytes(
        mut self,
        media_types: &'static [&'static str],
        description: &'static str,
        ranges: bool,
    ) -> Self {
        self.answer = Answer::Bytes {
            media_types,
            description,
            ranges,
        };
        self
    }

    /// The refusals that are this endpoint's own, with what leads to them.
    pub(crate) fn refuses(mut self, refusals: fn() -> Vec<(Fault, &'static str)>) -> Self {
        self.refusals = refusals;
        self
    }

    /// Adds the schema of `P` and those it needs to the components, and refers to it.
    pub(crate) fn component<P: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((P::name().into_owned(), P::schema()));
        P::schemas(&mut self.schemas);
        Ref::from_schema_name(P::name()).into()
    }

    /// Adds all paths to the routes of a dialect.
    pub(crate) fn register(self, router: Router<DoorState>) -> Router<DoorState> {
        let handler = (self.attach)(match self.method {
            HttpMethod::Post => MethodFilter::POST,
            HttpMethod::Put => MethodFilter::PUT,
            HttpMethod::Delete => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        });
        let mut paths: Vec<_> = [self.new, self.legacy, self.aliases].concat();
        paths.sort_unstable();
        paths.dedup();
        paths
            .into_iter()
            .fold(router, |router, path| router.route(path, handler.clone()))
    }

    /// Schemas that the description refers to.
    pub(crate) fn schemas(self) -> Vec<(String, RefOr<Schema>)> {
        self.schemas
    }

    /// The operations that take up a request where its creation leaves it.
    pub(crate) fn link_targets(&self, dialect: Dialect) -> Vec<LinkTarget> {
        let (paths, pk) = self.documented(dialect);
        // The other variables of a path come from other answers.
        let takes_up = |path: &&&str| path.contains("{pk}") && path.matches('{').count() == 1;
        let target = |_| LinkTarget {
            operation_id: self.operation_id(dialect),
            pk,
        };
        paths.iter().filter(takes_up).map(target).collect()
    }

    /// The documented paths of one dialect, and what `{pk}` is called in them.
    fn documented(&self, dialect: Dialect) -> (&'static [&'static str], &'static str) {
        match dialect {
            Dialect::New => (self.new, self.pk),
            Dialect::Legacy => (self.legacy, "request_pk"),
        }
    }

    /// The documented paths of one dialect, described.
    pub(crate) fn describe(
        &self,
        dialect: Dialect,
        links: &[LinkTarget],
    ) -> Vec<(String, PathItem)> {
        let (paths, pk) = self.documented(dialect);
        let describe = |path: &&'static str| {
            let path = format!("{}{path}", dialect.prefix()).replace("{pk}", &format!("{{{pk}}}"));
            let operation = self.operation(dialect, &path, links);
            (path, PathItem::new(self.method.clone(), operation))
        };
        paths.iter().map(describe).collect()
    }

    /// Every refusal in one dialect.
    fn all_refusals(&self, dialect: Dialect) -> Vec<Refused> {
        (self.refusals)()
            .into_iter()
            .chain(self.common_refusals())
            .map(|(fault, when)| {
                let refusal = fault.refusal(self.call);
                Refused {
                    status: refusal.status,
                    text: refusal.text.clone(),
                    when,
                    body: refusal.body(dialect),
                }
            })
            .collect()
    }

    fn common_refusals(&self) -> Vec<(Fault, &'static str)> {
        let too_large = (
            Fault::Body(BodyFault::TooLarge { limit: 50_331_648 }),
            "The body is larger than the operator allows.",
        );
        let stalled = (
            Fault::Body(BodyFault::Stalled),
            "The client sends too slowly.",
        );
        let cut = (
            Fault::Body(BodyFault::CutOff),
            "The connection ended inside the body.",
        );
        let full = (
            Fault::Service(service::Error::StorageFull),
            "The server's disk is full.",
        );
        let unparsable = BodyFault::Json {
            message: "Expecting ',' delimiter".into(),
            line: 5,
            column: 11,
            offset: 205,
        };
        let in_json = [
            (
                Fault::Body(unparsable),
                "The body is no JSON. Line, column and character say where.",
            ),
            (
                Fault::Body(BodyFault::NotAnObject),
                "The body is JSON, but no object.",
            ),
            (
                Fault::Body(BodyFault::Nul("email".into())),
                "A text holds the character U+0000.",
            ),
        ];
        let no_form = (
            Fault::Body(BodyFault::NotMultipart),
            "The body is no multipart form.",
        );
        let broken_form = (
            Fault::Body(BodyFault::Multipart(
                "the form ended before its closing boundary".into(),
            )),
            "The form is broken or cut off. Nothing was stored.",
        );
        let mut common = Vec::new();
        match &self.body {
            Body::None => {}
            Body::Json { .. } => common.extend(in_json),
            Body::Form { .. } => common.extend([no_form, broken_form]),
            Body::Members(_) => common.extend(in_json.into_iter().chain([broken_form])),
        }
        if !matches!(self.body, Body::None) {
            common.extend([cut, stalled, too_large, full]);
        }
        common.extend([
            (
                Fault::said(StatusCode::UNAUTHORIZED, "Missing or unknown API key"),
                "The operator demands an API key, and the request brings none of those known.",
            ),
            (
                Fault::said(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
                "The server is at fault. Its log tells more under the answer's `request_id`.",
            ),
            (
                Fault::said(StatusCode::SERVICE_UNAVAILABLE, OVERLOAD),
                "Overload.",
            ),
        ]);
        common
    }

    fn operation_id(&self, dialect: Dialect) -> String {
        let prefix = match dialect {
            Dialect::New => "",
            Dialect::Legacy => "Legacy",
        };
        format!("{prefix}{:?}{}", self.call, self.variant)
    }

    fn operation(&self, dialect: Dialect, path: &str, links: &[LinkTarget]) -> Operation {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.operation_id(dialect)))
            .tag(dialect.tag(self.group))
            .summary(Some(self.summary))
            .description(Some(self.description));
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            operation = operation.parameter(path_parameter(name));
        }
        for (name, description, values) in &self.queries {
            operation = operation.parameter(describe::query_parameter(name, description, values));
        }
        let body = match &self.body {
            Body::None => None,
            Body::Json {
                schema,
                example,
                required,
            } => Some(describe::json_body(
                schema.clone(),
                example.clone(),
                *required,
            )),
            Body::Form { schema } => Some(describe::form_body(schema.clone())),
            Body::Members(members) => Some(describe::members_body(
                members.form.clone(),
                members.others.clone(),
                members.example.clone(),
            )),
        };
        if let Some(body) = body {
            operation = operation.request_body(Some(body));
        }
        operation.responses(self.responses(dialect, links)).build()
    }

    fn responses(&self, dialect: Dialect, links: &[LinkTarget]) -> ResponsesBuilder {
        let mut responses = ResponsesBuilder::new();
        match &self.answer {
            Answer::None => {}
            Answer::Envelope(envelope) => {
                let Envelope {
                    new,
                    legacy,
                    sample,
                } = &**envelope;
                let payload = match dialect {
                    Dialect::New => new,
                    Dialect::Legacy => legacy,
                };
                let content = describe::sampled(
                    schema::success(dialect, payload.clone(), &sample.status_line()),
                    sample.clone().body(dialect),
                );
                let links: &[_] = if self.call == Call::CreateVideoId {
                    links
                } else {
                    &[]
                };
                let response = ResponseBuilder::new()
                    .description("Done.")
                    .content("application/json", content);
                let response = links.iter().fold(response, |response, target| {
                    response.link(target.operation_id.clone(), target.link(dialect))
                });
                responses = responses.response(sample.status().as_str(), response);
            }
            Answer::Bytes {
                media_types,
                description,
                ranges,
            } => {
                responses = describe::bytes_responses(responses, media_types, description, *ranges);
            }
        }
        describe::refusal_responses(
            responses,
            &schema::failure(dialect),
            self.all_refusals(dialect),
        )
    }
}

fn path_parameter(name: &str) -> ParameterBuilder {
    let (schema, description): (RefOr<Schema>, _) = match name {
        "request_pk" | "videoid_pk" => {
            let number = ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Integer))
                .minimum(Some(1_u64));
            (
                number.into(),
                "The request's number or its VideoID's: either is accepted.",
            )
        }
        "copy" => {
            let copy = ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .enum_values(Some(["signed", "original"]));
            (copy.into(), "Which copy.")
        }
        _ => (schema::text(""), "The identifier that the server gave out."),
    };
    describe::path_parameter(name, schema, description)
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
        let path =
            |dialect: Dialect, path: &str| format!("- `{method} {}{path}`", dialect.prefix());
        let new = self.new.iter().map(|one| path(Dialect::New, one));
        let legacy = self.legacy.iter().map(|one| path(Dialect::Legacy, one));
        let paths: Vec<_> = new.chain(legacy).collect();
        let mut section = format!("### {}\n\n{}\n\n", self.summary, paths.join("\n"));
        let refusals = (self.refusals)();
        if refusals.is_empty() {
            section.push_str("None of its own.\n\n");
            return section;
        }
        section.push_str(&errors_table(self.call, refusals));
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
        matches!(self.body, Body::Form { .. } | Body::Members(_))
    }
}

#[cfg(test)]
fn errors_table(call: Call, refusals: Vec<(Fault, &'static str)>) -> String {
    let mut table = String::from("| Code | Text | When |\n| --- | --- | --- |\n");
    for (fault, when) in refusals {
        let refusal = fault.refusal(call);
        let body = refusal.body(Dialect::New);
        let reason = body.get("reason").and_then(Value::as_str);
        let reason = reason.map_or(String::new(), |reason| format!(" `reason`: \"{reason}\"."));
        let code = refusal.status.as_u16();
        table.push_str(&format!(
            "| {code} | `{}` | {when}{reason} |\n",
            refusal.text
        ));
    }
    table.push('\n');
    table
}
