//! Scratchcards: listed, moved, made elsewhere; and the life of the certificates behind them.

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use model::certificate::RevocationReason;
use model::{RaId, Status};
use serde_json::{Map, Value, json};
use service::Error;
use service::registration::{NewScratchcard, Revocation, Secrets, Stretch};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, created, ok};
use super::endpoint::Endpoint;
use super::paging::{self, NothingFits};
use super::refusal::{Call, Fault};
use super::refusals::{
    Case, invalid_scratchcard, no_page, not_permitted, wrong_parameters, wrong_status,
};
use super::schemas::{self, integer, refer};
use super::wire;
use crate::body::json::Fields;
use crate::path_args::PathArgs;
use crate::{query, schema};

const GROUP: &str = "Scratchcards";

/// What calls of a revocation name, and what they mean.
const REASONS: [(&str, Revocation); 8] = [
    (
        "UNSPECIFIED",
        Revocation::Revoke(RevocationReason::Unspecified),
    ),
    (
        "KEYCOMPROMISE",
        Revocation::Revoke(RevocationReason::KeyCompromise),
    ),
    (
        "AFFILIATIONCHANGED",
        Revocation::Revoke(RevocationReason::AffiliationChanged),
    ),
    (
        "SUPERSEDED",
        Revocation::Revoke(RevocationReason::Superseded),
    ),
    (
        "CESSATIONOFOPERATION",
        Revocation::Revoke(RevocationReason::CessationOfOperation),
    ),
    (
        "PRIVILEGESWITHDRAWN",
        Revocation::Revoke(RevocationReason::PrivilegeWithdrawn),
    ),
    (
        "CERTIFICATEHOLD",
        Revocation::Revoke(RevocationReason::CertificateHold),
    ),
    ("NOT_REVOKED", Revocation::Reactivate),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/scratchcards/get_first_unused/",
            Call::FirstUnusedScratchcard,
            first_unused,
        )
        .about(
            GROUP,
            "Get the first unused scratchcard",
            "Not reserved: the creation of a request claims it. The authority comes in a JSON \
                 body, in the query, or is the API user's own.",
        )
        .query("ra", "The authority's number.")
        .json(
            schema::object(
                "",
                vec![("ra", schema::loose_number("The authority's number."), false)],
            ),
            json!({ "ra": "10" }),
        )
        .answers(refer("Scratchcard"), schemas::scratchcard_sample())
        .refuses(|| {
            vec![
                (
                    Error::UnknownScratchcard.into(),
                    "None is left, or there is no such authority.",
                ),
                wrong_parameters("ra", "`ra` is no number."),
            ]
        }),
        Endpoint::get("/scratchcards/", Call::ListScratchcards, list)
            .about(GROUP, "List scratchcards", "")
            .queries(&[
                ("registration_authority", "The authority's number."),
                ("sn", "The scratchcard's number."),
                ("page", "From 1."),
            ])
            .answers(
                schemas::page("Scratchcard"),
                schemas::page_sample(schemas::scratchcard_sample()),
            )
            .refuses(|| vec![no_page(), not_permitted()]),
        Endpoint::get("/scratchcards/{pk}/", Call::GetScratchcard, get)
            .about(GROUP, "Get a scratchcard", "")
            .answers(refer("Scratchcard"), schemas::scratchcard_sample())
            .refuses(|| vec![unknown(), not_permitted()]),
        Endpoint::post("/scratchcards/", Call::CreateScratchcard, create)
            .about(GROUP, "Add a scratchcard", "One that was made elsewhere.")
            .json(card_schema(), card_sample())
            .creates(refer("Scratchcard"), schemas::scratchcard_sample())
            .refuses(storing_refusals),
        Endpoint::put("/scratchcards/{pk}/", Call::UpdateScratchcard, update)
            .about(
                GROUP,
                "Change an unused scratchcard",
                "Only what is sent changes.",
            )
            .json(card_schema(), card_sample())
            .answers(refer("Scratchcard"), schemas::scratchcard_sample())
            .refuses(|| {
                let mut refusals = storing_refusals();
                refusals.extend([unknown(), invalid_scratchcard()]);
                refusals
            }),
        Endpoint::post("/scratchcards/isused/", Call::ScratchcardIsUsed, is_used)
            .about(GROUP, "Ask whether a scratchcard is used", "")
            .json(
                schema::object("", vec![("sn", schema::loose_number("Its number."), true)]),
                json!({ "sn": "7000001" }),
            )
            .answers(schemas::flag("Used up by a request."), json!(true))
            .refuses(|| vec![unknown(), wrong_parameters("sn", "`sn` is missing.")]),
        Endpoint::post("/scratchcards/whoami/", Call::WhoAmI, who_am_i)
            .about(
                GROUP,
                "Get a scratchcard's request",
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
            .answers(refer("Request"), schemas::request_sample())
            .refuses(|| {
                vec![(
                    Error::UnknownScratchcard.into(),
                    "A parameter is missing, the scratchcard unknown or unused, or the secret \
                     another.",
                )]
            }),
        Endpoint::post("/scratchcards/revoke/", Call::RevokeCertificates, revoke)
            .about(
                GROUP,
                "Revoke, suspend or reactivate certificates",
                "All of the scratchcard's request. OCSP and CRL follow at once. One that is revoked \
                 stays so: whatever is asked for, it is answered as it stands.",
            )
            .json(
                schema::object(
                    "",
                    vec![
                        ("scratchcard", schema::text(""), true),
                        ("erc", schema::text("Revocation code."), true),
                        (
                            "reason",
                            schema::text(
                                "`UNSPECIFIED`, `KEYCOMPROMISE`, `AFFILIATIONCHANGED`, \
                                 `SUPERSEDED`, `CESSATIONOFOPERATION` or `PRIVILEGESWITHDRAWN` \
                                 revoke; `CERTIFICATEHOLD` suspends; `NOT_REVOKED` reactivates.",
                            ),
                            true,
                        ),
                    ],
                ),
                json!({ "scratchcard": "7000001", "erc": "0123456789", "reason": "KEYCOMPROMISE" }),
            )
            .answers(schema::array(refer("Certificate")), {
                let mut revoked = schemas::certificate_sample();
                revoked["status"] = 2.into();
                revoked["revokation_reason"] = 1.into();
                json!([revoked])
            })
            .refuses(|| {
                vec![
                    unknown(),
                    wrong_parameters("reason", "A parameter is missing, or the reason unknown."),
                    (Error::WrongSecret.into(), "`erc` is not the scratchcard's."),
                    wrong_status(Status::EnrollReady, "No certificate was issued."),
                    not_permitted(),
                ]
            }),
        Endpoint::post("/scratchcards/move/", Call::MoveScratchcards, move_cards)
            .about(
                GROUP,
                "Move unused scratchcards",
                "`amount` of `from_ra`, or those from `from_sn` to `to_sn`.",
            )
            .json(
                schema::object(
                    "",
                    vec![
                        ("to_ra", schema::loose_number("To where."), true),
                        ("from_ra", schema::loose_number("From where."), false),
                        ("amount", schema::loose_number("How many."), false),
                        ("from_sn", schema::loose_number("The first."), false),
                        ("to_sn", schema::loose_number("The last."), false),
                    ],
                ),
                json!({ "from_ra": 10, "to_ra": 11, "amount": 100 }),
            )
            .answers(
                schema::object(
                    "",
                    vec![
                        ("moved", integer("How many."), true),
                        ("details", schema::text("What did not fit."), false),
                    ],
                ),
                json!({ "moved": 100 }),
            )
            .refuses(|| {
                vec![
                    not_permitted(),
                    wrong_parameters("to_ra", "Neither an amount nor a range, or no target."),
                ]
            }),
    ]
}

fn unknown() -> Case {
    (
        Error::UnknownScratchcard.into(),
        "There is none, or it belongs to an authority that the API user does not see.",
    )
}

fn storing_refusals() -> Vec<Case> {
    vec![
        not_permitted(),
        wrong_parameters("sn", "A member is missing or wrong; all are named."),
        (
            Error::Duplicate { field: "sn" }.into(),
            "There is a scratchcard of this number.",
        ),
    ]
}

/// The body of a GET, where a client sends one and no proxy drops it; else the query.
async fn first_unused(door: Door, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::FirstUnusedScratchcard, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let in_body = fields.number("ra");
        fields.check(&[])?;
        let in_query = || {
            paging::number_filter(&uri, "ra")
                .map_err(|NothingFits| Fault::wrong("ra", "must be a number"))
        };
        let authority = match in_body {
            Some(number) => Some(number),
            None => in_query()?,
        };
        let card = door
            .service
            .first_unused_scratchcard(&caller, authority.map(RaId))
            .await?;
        Ok(ok(&wire::scratchcard(&card)))
    })
    .await
}

async fn list(door: Door, uri: Uri) -> Response {
    door.answer(Call::ListScratchcards, async {
        let caller = door.caller().await?;
        let page = paging::wanted(&uri)?;
        let sn = query::value(&uri, "sn");
        let list = match paging::number_filter(&uri, "registration_authority") {
            Ok(authority) => {
                let authority = authority.map(RaId);
                door.service
                    .scratchcards(&caller, authority, sn.as_deref(), page)
                    .await?
            }
            Err(NothingFits) => paging::none(page)?,
        };
        Ok(paging::answer(&door, &uri, page, &list, wire::scratchcard))
    })
    .await
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetScratchcard, async {
        let caller = door.caller().await?;
        let card = door.service.scratchcard(&caller, args.number()?).await?;
        Ok(ok(&wire::scratchcard(&card)))
    })
    .await
}

async fn create(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CreateScratchcard, async {
        let caller = door.caller().await?;
        let new = card(door.fields(&headers, body).await?)?;
        let card = door.service.add_scratchcard(&caller, new).await?;
        Ok(created(&wire::scratchcard(&card)))
    })
    .await
}

async fn update(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateScratchcard, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let new = card(door.fields(&headers, body).await?)?;
        let card = door.service.change_scratchcard(&caller, pk, new).await?;
        Ok(ok(&wire::scratchcard(&card)))
    })
    .await
}

fn card(mut fields: Fields) -> Result<NewScratchcard, Error> {
    let new = NewScratchcard {
        registration_authority: fields.text("registration_authority"),
        sn: fields.text("sn"),
        secrets: secrets(&mut fields),
    };
    fields.check(&[])?;
    Ok(new)
}

/// The four secrets: JSON in a text as documented, or the object itself.
fn secrets(fields: &mut Fields) -> Option<Secrets> {
    let members: Option<Map<String, Value>> = match fields.value("secrets")? {
        Value::Object(members) => Some(members),
        Value::String(text) => serde_json::from_str(&text).ok(),
        _ => None,
    };
    let Some(members) = members else {
        fields.invalid("secrets", "must be an object in JSON");
        return None;
    };
    let mut inner = Fields::within(members, "secrets.");
    let secrets = Secrets {
        erc: inner.required("erc"),
        enrollment_code: inner.required("enrollment_code"),
        pin: inner.required("pin"),
        puk: inner.required("puk"),
    };
    fields.absorb(inner);
    Some(secrets)
}

async fn is_used(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::ScratchcardIsUsed, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let sn = fields.required("sn");
        fields.check(&[])?;
        let used = door.service.scratchcard_is_used(&caller, &sn).await?;
        Ok(ok(&used.into()))
    })
    .await
}

async fn who_am_i(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::WhoAmI, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let (sn, secret) = (fields.required("scratchcard"), fields.required("erc"));
        fields.check(&[])?;
        let registration = door.service.whoami(&caller, &sn, &secret).await?;
        Ok(ok(&wire::request(&registration)))
    })
    .await
}

async fn revoke(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::RevokeCertificates, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let (sn, erc) = (fields.required("scratchcard"), fields.required("erc"));
        let reason = fields.required("reason");
        let named = REASONS
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&reason));
        if named.is_none() && !reason.is_empty() {
            fields.invalid("reason", "is unknown");
        }
        fields.check(&[])?;
        let (_, revocation) = named.ok_or_else(|| Fault::wrong("reason", "is unknown"))?;
        let certificates = door.service.revoke(&caller, &sn, &erc, revocation).await?;
        Ok(ok(&certificates.iter().map(wire::flat).collect()))
    })
    .await
}

async fn move_cards(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::MoveScratchcards, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let to = fields.number("to_ra").map(RaId);
        let from = fields.number("from_ra").map(RaId);
        let amount = fields.number("amount").filter(|amount| *amount >= 0);
        let ends = fields.text("from_sn").zip(fields.text("to_sn"));
        fields.check(&[])?;
        let stretch = match (from.zip(amount), ends) {
            (_, Some((first, last))) => Stretch::Between { first, last },
            (Some((from, amount)), None) => Stretch::Some { from, amount },
            (None, None) => return Err(Fault::wrong("amount", "is missing, and so is a range")),
        };
        let to = to.ok_or_else(|| Fault::wrong("to_ra", "is missing"))?;
        let moved = door.service.move_scratchcards(&caller, stretch, to).await?;
        let mut answer = json!({ "moved": moved.moved });
        if let Some(details) = moved.details {
            answer["details"] = details.into();
        }
        Ok(ok(&answer))
    })
    .await
}

fn card_schema() -> RefOr<Schema> {
    schema::object(
        "",
        vec![
            (
                "registration_authority",
                schema::loose_number("Whose it is."),
                false,
            ),
            (
                "sn",
                schema::loose_number("Its number, unique everywhere."),
                false,
            ),
            (
                "secrets",
                schema::optional_text(
                    "`erc`, `enrollment_code`, `pin` and `puk` as JSON inside a text.",
                ),
                false,
            ),
        ],
    )
}

fn card_sample() -> Value {
    let mut sample = schemas::scratchcard_sample();
    if let Value::Object(members) = &mut sample {
        members.shift_remove("pk");
    }
    sample
}
