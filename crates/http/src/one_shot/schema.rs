//! The schemas of the envelopes, beside the building blocks that every door shares.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};

use super::Dialect;
pub(super) use crate::schema::*;

/// The envelope of success around `payload`; `None` where there is a message only.
pub(crate) fn success(
    dialect: Dialect,
    payload: Option<RefOr<Schema>>,
    status_line: &str,
) -> RefOr<Schema> {
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
            ("status", constant(status_line), true),
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
    let details = |words: &str| either(text(words), open_object("Texts by field or by document."));
    let schema = match dialect {
        Dialect::New => object(
            "Why the call was refused.",
            vec![
                ("status", constant("error"), true),
                ("message", text("The documented words."), true),
                ("detail", details("The same."), true),
                ("details", details("The same."), true),
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
                ("details", details("The documented words."), true),
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
