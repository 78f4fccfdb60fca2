//! Building blocks for the schemas of request bodies and envelopes.

use serde_json::Value;
use utoipa::openapi::schema::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use super::Dialect;

/// A member of an object: name, schema, whether it must be there.
pub(crate) type Member = (&'static str, RefOr<Schema>, bool);

/// A text.
pub(crate) fn text(description: &str) -> RefOr<Schema> {
    plain(Type::String, description).into()
}

/// A text that may be left out or be `null`.
pub(crate) fn optional_text(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(description))
        .into()
}

/// A number that may come as a text, or be left out.
pub(crate) fn loose_number(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([
            Type::Integer,
            Type::String,
            Type::Null,
        ]))
        .description(Some(description))
        .into()
}

/// An object with any members.
pub(crate) fn open_object(description: &str) -> RefOr<Schema> {
    plain(Type::Object, description).into()
}

/// An object with these members; others are ignored.
pub(crate) fn object(description: &str, members: Vec<Member>) -> RefOr<Schema> {
    members
        .into_iter()
        .fold(
            plain(Type::Object, description),
            |object, (name, schema, required)| {
                let object = object.property(name, schema);
                if required {
                    object.required(name)
                } else {
                    object
                }
            },
        )
        .into()
}

/// An object whose members are all alike.
pub(crate) fn map(description: &str, value: RefOr<Schema>) -> RefOr<Schema> {
    plain(Type::Object, description)
        .additional_properties(Some(value))
        .into()
}

/// An array.
pub(crate) fn array(items: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(Schema::from(ArrayBuilder::new().items(items)))
}

/// One of two shapes.
pub(crate) fn either(one: RefOr<Schema>, other: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(Schema::from(OneOfBuilder::new().item(one).item(other)))
}

/// A file in a form, or a body of bytes.
pub(crate) fn bytes(description: &str) -> RefOr<Schema> {
    use utoipa::openapi::schema::{KnownFormat, SchemaFormat};
    plain(Type::String, description)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .into()
}

/// The envelope of success around `payload`; `None` where there is a message only.
pub(crate) fn success(dialect: Dialect, payload: Option<RefOr<Schema>>) -> RefOr<Schema> {
    let members = match dialect {
        Dialect::New => {
            let mut members = vec![
                ("status", constant("success"), true),
                ("message", text("What was done."), true),
            ];
            if let Some(payload) = payload {
                members.push(("detail", payload.clone(), true));
                members.push(("details", payload, true));
            }
            members
        }
        Dialect::Legacy => vec![
            ("status", constant("200 OK"), true),
            (
                "details",
                payload.unwrap_or_else(|| text("What was done.")),
                true,
            ),
        ],
    };
    object("", members)
}

/// A reference to the envelope of failure.
pub(crate) fn failure(dialect: Dialect) -> RefOr<Schema> {
    Ref::from_schema_name(failure_name(dialect)).into()
}

/// Name and schema of the envelope of failure.
pub(crate) fn failure_component(dialect: Dialect) -> (String, RefOr<Schema>) {
    let id = || text("The request's id in the server's log. Only where the server is at fault.");
    let schema = match dialect {
        Dialect::New => object(
            "Why the call was refused.",
            vec![
                ("status", constant("error"), true),
                ("message", text("The documented words."), true),
                ("detail", text("The same."), true),
                ("details", text("The same."), true),
                (
                    "reason",
                    text("What the documented words leave out."),
                    false,
                ),
                ("request_id", id(), false),
            ],
        ),
        Dialect::Legacy => object(
            "Why the call was refused.",
            vec![
                (
                    "status",
                    text("Status code and phrase, or `Invalid JSON`."),
                    true,
                ),
                ("details", text("The documented words."), true),
                ("request_id", id(), false),
            ],
        ),
    };
    (failure_name(dialect).to_owned(), schema)
}

fn failure_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::New => "Error",
        Dialect::Legacy => "LegacyError",
    }
}

fn plain(kind: Type, description: &str) -> ObjectBuilder {
    let description = Some(description).filter(|text| !text.is_empty());
    ObjectBuilder::new()
        .schema_type(SchemaType::new(kind))
        .description(description)
}

fn constant(value: &str) -> RefOr<Schema> {
    plain(Type::String, "")
        .enum_values(Some([Value::from(value)]))
        .into()
}
