//! `POST /sign/{pk}`: issues the certificate and signs everything.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::otp::OtpRefusal;
use model::{RequestPk, Status};
use serde_json::json;
use service::{Error, Problems, SignCommand, SigningTurn};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use super::sign_order::{self, filled};
use crate::body::json::Fields;
use crate::path_args::PathArgs;

const SIGNED: &str = "Documents correctly signed";
const QUEUED: &str =
    "Your documents are going to be signed. You will receive them in a few seconds";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::Sign, sign)
            .paths(&["/sign/{pk}"], &["/sign/{pk}"])
            .about(
                "Signature",
                "Sign",
                "Issues the one-time certificate and signs all documents and the contract with \
                 it, or none: `ISSUED`. Opened by the code that was sent, or by an external \
                 authentication where the registration authority has that enabled. Asynchronous \
                 requests answer `Your documents are going to be signed. You will receive them in \
                 a few seconds` as soon as the code is checked.",
            )
            .json(body_schema(), json!({ "secret": "123456" }), true)
            .answers(Success::text(SIGNED))
            .refuses(|| {
                let mut secret = Problems::default();
                secret.missing("secret");
                let mut other = Problems::default();
                other.missing("ext_unlock_value");
                let mut page = Problems::default();
                page.invalid(
                    "signature.appearance.page",
                    "the PDF has no page 7: pages count from 0, or from -1 backwards, and there are 2",
                );
                vec![
                    (Error::Fields(secret).into(), "Neither a code nor an external authentication."),
                    (Error::Fields(other).into(), "Half of an external authentication."),
                    (Error::Fields(page).into(), "What the signature is to look like cannot be: no such page, a box outside of it, an unknown time zone."),
                    (Error::CodeRefused(Some(OtpRefusal::Wrong)).into(), "The code is wrong, expired, used up, void, made for other documents, or was never made. `reason` says which."),
                    (Error::CodeRefused(Some(OtpRefusal::Guessed)).into(), "Fifty wrong codes were tried in a row. No further one is sent or accepted; external authentication still signs."),
                    (Error::WrongCountersigner.into(), "Of the countersigner. Also when they are incomplete, or when a document is to be countersigned and they are missing."),
                    (Error::ExternalUnlockNotAllowed("biometric".into()).into(), "The external method is not enabled."),
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::NoDocuments(RequestPk(50231)).into(), "Nothing was uploaded."),
                    (Error::LostDocuments(vec!["11111111-1111-4111-8111-111111111111".into()]).into(), "`options` names documents that the request does not have, or documents on record are gone from the store."),
                    (Error::UnknownImages(vec![("11111111-1111-4111-8111-111111111111".parse().unwrap_or(model::DocumentUid(uuid::Uuid::nil())), "33333333-3333-4333-8333-333333333333".into())]).into(), "An image that is to show was never uploaded. `details` names it by document."),
                    (Error::UnknownMetadata.into(), "`metadata` names none that is stored."),
                    (Error::WrongStatus(Status::Issued).into(), "Signed already."),
                    (Error::WrongStatus(Status::VideoReview).into(), "The request is not in `ENROLLREADY`."),
                    (Error::NoTimeStamp { reason: "it did not answer in time".into(), retry_after: 30 }.into(), "The time-stamp authority that was chosen gives no time-stamp. `reason` says why, `Retry-After` when to try again; the code stays good."),
                    (Error::NoKeyReady { retry_after: 2 }.into(), "No RSA key is ready and making one takes too long, or the token that holds the keys is away. `Retry-After` says when to try again; the code stays good."),
                ]
            }),
        Endpoint::post(Call::Sign, sign_later).aliases(&["/async/sign/{pk}"]),
    ]
}

async fn sign(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    let work = act(&door, &args, headers, body, false);
    door.answer(Call::Sign, work).await
}

/// In the background whatever the request is.
async fn sign_later(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    let work = act(&door, &args, headers, body, true);
    door.answer(Call::Sign, work).await
}

async fn act(
    door: &Door,
    args: &PathArgs,
    headers: HeaderMap,
    body: Body,
    later: bool,
) -> Result<Success, Fault> {
    let command = command(door.fields(&headers, body).await?)?;
    let turn = door.service.sign_in_turn(args.pk()?, command, later);
    Ok(Success::text(match turn.await? {
        SigningTurn::Done => SIGNED,
        SigningTurn::Queued => QUEUED,
    }))
}

/// Reads both dialects' bodies, whose union is accepted.
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
    let order = sign_order::read(&mut fields)?;
    fields.check(&[])?;
    Ok(SignCommand {
        secret: secret.map(Into::into),
        external_unlock: method.zip(transaction),
        order,
    })
}

fn body_schema() -> RefOr<Schema> {
    let text = schema::optional_text;
    let opens = vec![
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
    ];
    schema::object("", opens.into_iter().chain(sign_order::members()).collect())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::Value;

    use super::*;

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
}
