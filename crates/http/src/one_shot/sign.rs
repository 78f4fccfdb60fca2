//! `POST /sign/{pk}`: issues the certificate and signs everything.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::otp::OtpRefusal;
use model::{RequestPk, Status};
use serde_json::{Value, json};
use service::{Error, Problems, SignCommand};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::json::Fields;
use crate::path_args::PathArgs;

const SIGNED: &str = "Documents correctly signed";

/// Names under which clients ask for the one level there is: PAdES B-T.
const LEVELS: [&str; 4] = ["T", "B-T", "BT", "PADES-B-T"];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::Sign, sign)
            .paths(&["/sign/{pk}"], &["/sign/{pk}"])
            .about(
                "Signature",
                "Sign",
                "Issues the one-time certificate and signs all documents and the contract with \
                 it, or none: `ISSUED`. Opened by the code that was sent, or by an external \
                 authentication where the registration authority has that enabled.",
            )
            .json(body_schema(), json!({ "secret": "123456" }), true)
            .answers(Success::text(SIGNED))
            .refuses(|| {
                let mut secret = Problems::default();
                secret.missing("secret");
                let mut other = Problems::default();
                other.missing("ext_unlock_value");
                vec![
                    (Error::Fields(secret).into(), "Neither a code nor an external authentication."),
                    (Error::Fields(other).into(), "Half of an external authentication."),
                    (not_available("signature.appearance"), "Visible signatures, levels other than B-T, metadata and countersignatures: not available yet. The text names the member."),
                    (Error::CodeRefused(Some(OtpRefusal::Wrong)).into(), "The code is wrong, expired, used up, void, made for other documents, or was never made. `reason` says which."),
                    (Error::ExternalUnlockNotAllowed("biometric".into()).into(), "The external method is not enabled."),
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::NoDocuments(RequestPk(50231)).into(), "Nothing was uploaded."),
                    (Error::LostDocuments(Vec::new()).into(), "Documents on record are gone from the store."),
                    (Error::WrongStatus(Status::Issued).into(), "Signed already."),
                    (Error::WrongStatus(Status::VideoReview).into(), "The request is not in `ENROLLREADY`."),
                ]
            }),
    ]
}

async fn sign(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Sign, async {
        let fields = door.fields(&headers, body).await?;
        let command = command(fields)?;
        door.service.sign(args.pk()?, command).await?;
        Ok(Success::text(SIGNED))
    })
    .await
}

/// Reads both dialects' bodies: their members are disjoint.
fn command(mut fields: Fields) -> Result<SignCommand, Fault> {
    let secret = filled(fields.text("secret"));
    let method = filled(fields.text("ext_unlock_type"));
    let transaction = filled(fields.text("ext_unlock_value"));
    match (&method, &transaction) {
        (Some(_), None) => fields.missing("ext_unlock_value"),
        (None, Some(_)) => fields.missing("ext_unlock_type"),
        (None, None) if secret.is_none() => fields.missing("secret"),
        _ => {}
    }
    for member in ["options", "metadata", "countersignature"] {
        if fields.value(member).is_some_and(|value| !is_empty(&value)) {
            return Err(not_available(member));
        }
    }
    let mut command = SignCommand {
        secret: secret.map(Into::into),
        external_unlock: method.zip(transaction),
        reason: None,
        location: None,
    };
    if let Some(mut signature) = fields.nested("signature", "signature.") {
        for (member, name) in [
            ("appearance", "signature.appearance"),
            ("tsa_url", "signature.tsa_url"),
        ] {
            if signature
                .value(member)
                .is_some_and(|value| !is_empty(&value))
            {
                return Err(not_available(name));
            }
        }
        let level = filled(signature.text("level"));
        if level.is_some_and(|level| !LEVELS.contains(&level.trim().to_ascii_uppercase().as_str()))
        {
            return Err(not_available("signature.level"));
        }
        command.reason = filled(signature.text("reason"));
        command.location = filled(signature.text("location"));
        fields.absorb(signature);
    }
    fields.check(&[])?;
    Ok(command)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Ignoring these would sign something else than was asked for.
fn not_available(member: &str) -> Fault {
    Fault::said(
        StatusCode::BAD_REQUEST,
        format!("Not available yet: '{member}'"),
    )
}

fn body_schema() -> RefOr<Schema> {
    let text = schema::optional_text;
    let signature = schema::object(
        "How to sign.",
        vec![
            (
                "level",
                text("`T` (PAdES B-T), which is also the default."),
                false,
            ),
            ("reason", text("Goes into the signature dictionary."), false),
            (
                "location",
                text("Goes into the signature dictionary."),
                false,
            ),
        ],
    );
    schema::object(
        "",
        vec![
            (
                "secret",
                schema::loose_number("The code that was sent."),
                false,
            ),
            (
                "ext_unlock_type",
                text("Method of an external authentication."),
                false,
            ),
            (
                "ext_unlock_value",
                text("Its transaction; kept as evidence."),
                false,
            ),
            ("signature", signature, false),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(body: Value) -> Result<SignCommand, String> {
        let Value::Object(members) = body else {
            unreachable!()
        };
        command(Fields::new(members)).map_err(|fault| fault.refusal(Call::Sign).text)
    }

    #[test]
    fn either_a_code_or_a_whole_external_authentication() {
        let code = read(json!({ "secret": 123_456 })).unwrap();
        assert_eq!(code.secret.unwrap().expose_secret(), "123456");
        let external = json!({ "ext_unlock_type": "biometric", "ext_unlock_value": "t" });
        let external = read(external).unwrap();
        assert_eq!(
            external.external_unlock.unwrap(),
            ("biometric".into(), "t".into())
        );

        let refused = |body| read(body).err().unwrap();
        assert_eq!(refused(json!({})), "Missing required parameter: 'secret'");
        assert_eq!(
            refused(json!({ "secret": " " })),
            "Missing required parameter: 'secret'"
        );
        assert_eq!(
            refused(json!({ "secret": "1", "ext_unlock_type": "b" })),
            "Missing required parameter: 'ext_unlock_value'"
        );
        assert_eq!(
            refused(json!({ "ext_unlock_value": "t" })),
            "Missing required parameter: 'ext_unlock_type'"
        );
    }

    #[test]
    fn what_would_change_the_signature_is_refused_and_empty_forms_of_it_are_not() {
        for (body, member) in [
            (
                json!({ "signature": { "appearance": { "page": 0 } } }),
                "signature.appearance",
            ),
            (
                json!({ "signature": { "level": "LTV" } }),
                "signature.level",
            ),
            (
                json!({ "signature": { "tsa_url": "http://x" } }),
                "signature.tsa_url",
            ),
            (json!({ "options": { "u": { "page": 0 } } }), "options"),
            (json!({ "metadata": "0123" }), "metadata"),
            (
                json!({ "countersignature": { "username": "u" } }),
                "countersignature",
            ),
        ] {
            let mut body = body;
            body["secret"] = "123456".into();
            assert_eq!(
                read(body).err().unwrap(),
                format!("Not available yet: '{member}'")
            );
        }
        let harmless = json!({
            "secret": "123456", "options": {}, "metadata": null, "countersignature": {},
            "signature_format": { "timezone": "Europe/Madrid" }, "use_signature_text": true,
            "signature": { "appearance": {}, "level": "t", "reason": "Agreed" },
        });
        assert_eq!(read(harmless).unwrap().reason.as_deref(), Some("Agreed"));
    }
}
