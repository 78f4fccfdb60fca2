//! Building blocks for schemas.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};

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

fn plain(kind: Type, description: &str) -> ObjectBuilder {
    let description = Some(description).filter(|text| !text.is_empty());
    ObjectBuilder::new()
        .schema_type(SchemaType::new(kind))
        .description(description)
}

/// One of these texts.
pub(crate) fn one_of(description: &str, values: &[&str]) -> RefOr<Schema> {
    plain(Type::String, description)
        .enum_values(Some(values.iter().copied()))
        .into()
}

/// A whole number.
pub(crate) fn number(description: &str) -> RefOr<Schema> {
    plain(Type::Integer, description).into()
}

/// This text and no other.
pub(crate) fn constant(value: &str) -> RefOr<Schema> {
    plain(Type::String, "")
        .enum_values(Some([Value::from(value)]))
        .into()
}
