//! Renewal as officers see it: who may renew, and the permission to.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::Status;
use serde_json::{Value, json};
use service::Error;
use service::registration::RenewalRefusal;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::refusals::{not_permitted, unknown_request, wrong_parameters, wrong_status};
use super::schemas::{self, refer};
use super::wire;
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Renewal";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/requests/is_renewable/", Call::IsRenewable, is_renewable)
            .about(
                GROUP,
                "Check a certificate for renewal",
                "`erc` may be the enrollment code.",
            )
            .json(
                schema::object(
                    "",
                    vec![
                        ("scratchcard", schema::text(""), true),
                        ("erc", schema::text("Revocation or enrollment code."), true),
                    ],
                ),
                json!({ "scratchcard": "7000001", "erc": "0123456789" }),
            )
            .answers(
                schema::object(
                    "",
                    vec![
                        ("torenew", refer("Certificate"), true),
                        (
                            "renewed",
                            schemas::flag("Whether it was renewed before."),
                            true,
                        ),
                        ("request", refer("Request"), true),
                    ],
                ),
                json!({
                    "torenew": schemas::certificate_sample(),
                    "renewed": false,
                    "request": schemas::request_sample(),
                }),
            )
            .refuses(|| {
                let mut refusals = vec![
                    wrong_parameters("erc", "A parameter is missing."),
                    (
                        Error::UnknownScratchcard.into(),
                        "The scratchcard is unknown, or the secret another.",
                    ),
                ];
                refusals.extend(
                    [
                        (RenewalRefusal::Revoked, "Revoked."),
                        (RenewalRefusal::Expired, "Expired."),
                        (
                            RenewalRefusal::DisabledByOfficer,
                            "An officer has forbidden it.",
                        ),
                        (
                            RenewalRefusal::DisabledByAuthority,
                            "The authority renews nothing.",
                        ),
                        (
                            RenewalRefusal::NotAvailable,
                            "Not issued here, or the key is on a card.",
                        ),
                        (RenewalRefusal::TooMany, "Renewed often enough."),
                        (RenewalRefusal::TooOld, "The identification is too old."),
                        (
                            RenewalRefusal::NotEnabled,
                            "An officer has not allowed it yet.",
                        ),
                        (RenewalRefusal::Suspended, "On hold."),
                    ]
                    .map(|(why, when)| (Error::NotRenewable(why).into(), when)),
                );
                refusals
            }),
        Endpoint::post(
            "/requests/{pk}/enable_renewal/",
            Call::EnableRenewal,
            enable,
        )
        .about(GROUP, "Allow renewal", "")
        .answers(schemas::status(), status("Renewal enabled for request"))
        .refuses(|| {
            vec![
                unknown_request(),
                (
                    Error::NotEligibleForRenewal.into(),
                    "There is no certificate that could be renewed.",
                ),
                wrong_status(
                    Status::Created,
                    "Not issued, or the certificate is not valid.",
                ),
                not_permitted(),
            ]
        }),
        Endpoint::post(
            "/requests/{pk}/disable_renewal/",
            Call::DisableRenewal,
            disable,
        )
        .about(GROUP, "Forbid renewal", "")
        .answers(schemas::status(), status("Renewal disabled for request"))
        .refuses(|| vec![unknown_request(), not_permitted()]),
        Endpoint::get(
            "/requests/{pk}/renewal_status/",
            Call::RenewalStatus,
            renewal_status,
        )
        .about(GROUP, "How a request stands towards renewal", "")
        .answers(
            schema::object(
                "",
                vec![
                    ("request_is_renewable", schemas::flag(""), true),
                    ("renewal_enabled", schemas::flag(""), true),
                    ("reason", schema::text("Why not."), true),
                ],
            ),
            json!({
                "request_is_renewable": false,
                "renewal_enabled": false,
                "reason": "Not yet enabled",
            }),
        )
        .refuses(|| vec![unknown_request()]),
    ]
}

fn status(text: &str) -> Value {
    json!({ "status": text })
}

async fn is_renewable(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::IsRenewable, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let (sn, secret) = (fields.required("scratchcard"), fields.required("erc"));
        fields.check(&[])?;
        let renewable = door.service.renewable(&caller, &sn, &secret).await?;
        Ok(ok(&json!({
            "torenew": wire::flat(&renewable.certificate),
            "renewed": renewable.renewed,
            "request": wire::request(&renewable.registration),
        })))
    })
    .await
}

async fn enable(door: Door, args: PathArgs) -> Response {
    door.answer(Call::EnableRenewal, async {
        let caller = door.caller().await?;
        door.service
            .enable_renewal(&caller, args.number()?, true)
            .await?;
        Ok(ok(&status("Renewal enabled for request")))
    })
    .await
}

async fn disable(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DisableRenewal, async {
        let caller = door.caller().await?;
        door.service
            .enable_renewal(&caller, args.number()?, false)
            .await?;
        Ok(ok(&status("Renewal disabled for request")))
    })
    .await
}

async fn renewal_status(door: Door, args: PathArgs) -> Response {
    door.answer(Call::RenewalStatus, async {
        let caller = door.caller().await?;
        let status = door.service.renewal_status(&caller, args.number()?).await?;
        Ok(ok(&json!({
            "request_is_renewable": status.is_renewable,
            "renewal_enabled": status.enabled,
            "reason": status.reason,
        })))
    })
    .await
}
