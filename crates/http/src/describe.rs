//! Building blocks for the OpenAPI descriptions of endpoints.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

use crate::schema;

/// A refusal as a description shows it.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    /// The words, and what leads to them.
    pub(crate) text: String,
    pub(crate) when: &'static str,
    pub(crate) body: Value,
}

/// A variable part of a path.
pub(crate) fn path_parameter(
    name: &str,
    schema: RefOr<Schema>,
    description: &str,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
}

/// A member of the query that may be left out; `values` where there is a choice.
pub(crate) fn query_parameter(name: &str, description: &str, values: &[&str]) -> Parameter {
    let mut schema = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    if !values.is_empty() {
        schema = schema.enum_values(Some(values.iter().copied()));
    }
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// A JSON body.
pub(crate) fn json_body(schema: RefOr<Schema>, example: Value, required: bool) -> RequestBody {
    let required = if required {
        Required::True
    } else {
        Required::False
    };
    RequestBodyBuilder::new()
        .content("application/json", sampled(schema, example))
        .required(Some(required))
        .build()
}

/// A multipart form.
pub(crate) fn form_body(schema: RefOr<Schema>) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new()
        .content("multipart/form-data", content)
        .required(Some(Required::True))
        .build()
}

/// Members in any of the forms in which they are taken: a multipart form, a URL-encoded one, or JSON.
pub(crate) fn members_body(
    form: RefOr<Schema>,
    members: RefOr<Schema>,
    example: Value,
) -> RequestBody {
    let content = |schema| ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new()
        .content("multipart/form-data", content(form))
        .content(
            "application/x-www-form-urlencoded",
            content(members.clone()),
        )
        .content("application/json", sampled(members, example))
        .required(Some(Required::True))
        .build()
}

/// JSON with a sample.
pub(crate) fn sampled(schema: RefOr<Schema>, example: Value) -> Content {
    ContentBuilder::new()
        .schema(Some(schema))
        .examples_from_iter([("sample", named_example("", example))])
        .build()
}

/// Bytes; with `ranges`, as RFC 9110 §14 has them.
pub(crate) fn bytes_responses(
    responses: ResponsesBuilder,
    media_types: &[&str],
    description: &str,
    ranges: bool,
) -> ResponsesBuilder {
    let with_bytes = |text: &str| -> Response {
        media_types
            .iter()
            .fold(
                ResponseBuilder::new().description(text),
                |response, media_type| {
                    let content = ContentBuilder::new()
                        .schema(Some(schema::bytes("")))
                        .build();
                    response.content(*media_type, content)
                },
            )
            .build()
    };
    let responses = responses.response("200", with_bytes(description));
    if !ranges {
        return responses;
    }
    responses
        .response("206", with_bytes("The bytes that `Range` asked for."))
        .response(
            "304",
            Response::new("The client's copy, named in `If-None-Match`, is good."),
        )
}

/// Every refusal, gathered by status.
pub(crate) fn refusal_responses(
    mut responses: ResponsesBuilder,
    schema: &RefOr<Schema>,
    refusals: Vec<Refused>,
) -> ResponsesBuilder {
    let mut by_status: BTreeMap<u16, Vec<_>> = BTreeMap::new();
    for refused in refusals {
        by_status
            .entry(refused.status.as_u16())
            .or_default()
            .push(refused);
    }
    for (status, refusals) in by_status {
        let description: Vec<_> = refusals
            .iter()
            .map(|Refused { text, when, .. }| format!("- `{text}`: {when}"))
            .collect();
        let examples = refusals.into_iter().enumerate().map(|(index, refused)| {
            let example = named_example(refused.when, refused.body);
            (format!("e{}", index + 1), example)
        });
        let content = ContentBuilder::new()
            .schema(Some(schema.clone()))
            .examples_from_iter(examples)
            .build();
        let response = ResponseBuilder::new()
            .description(description.join("\n"))
            .content("application/json", content);
        responses = responses.response(status.to_string(), response);
    }
    responses
}

fn named_example(summary: &str, value: Value) -> Example {
    ExampleBuilder::new()
        .summary(summary)
        .value(Some(value))
        .build()
}
