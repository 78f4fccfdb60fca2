//! schemathesis throws requests at everything that the OpenAPI document of this API describes, with
//! a client certificate, and holds every answer to the document.

use serde_json::{Value, json};

use super::client::{Api, Case, PIN};
use super::parties::Party;
use crate::client::ANA;
use crate::harness::{Options, Sandbox};
use crate::schemathesis::{CONFORMANCE, generate};

/// Requests in several statuses, so that calls get further than "not found", and of what shuts the
/// client out when it is changed, others than its own.
async fn live(sandbox: &Sandbox, api: &Api) -> Value {
    let mut cases = Vec::new();
    for round in 0..8 {
        cases.push(match round % 4 {
            0 => api.new_videoid_request().await,
            1 => api.new_classic_request().await,
            2 => api.reviewable().await,
            _ => api.approved(super::client::CLOUD).await.0,
        });
    }
    let (issued, secrets) = api.issued(sandbox).await;
    cases.push(issued);
    let below = Party::below(sandbox, api.ra);
    let cards = api.get("/scratchcards/").await.ok()["results"].clone();
    let numbers: Vec<_> = cards.as_array().expect("a list").iter().collect();
    let pks: Vec<_> = numbers.iter().map(|card| &card["pk"]).collect();
    let of = |member: fn(&Case) -> Value| cases.iter().map(member).collect::<Value>();
    let used = of(|case| json!(case.sn));
    let officer = api.officer();
    json!({
        "id": of(|case| json!(case.pk)),
        "name": of(|case| match case.video_pk {
            0 => json!(case.pk),
            _ => json!(case.video_identifier),
        }),
        "scratchcards.id": pks,
        "registrationauthorities.id": [below.api.ra],
        "rao.id": [below.api.told("rao_id")],
        "users.id": [below.user.pk],
        "ra": [api.ra], "registration_authority": [api.ra], "parent": [api.ra],
        "request": of(|case| json!(case.pk)),
        "profile": ["PFnubeAFCiudadano", "PFSoftAFCiudadano"],
        "sn": used, "scratchcard": used,
        "erc": [secrets["erc"]], "enrollment_code": [secrets["enrollment_code"]],
        "requests.username": [officer["username"]], "requests.password": [officer["password"]],
        "requests.pin": [officer["pin"]], "requests.rao_id": [officer["rao_id"]],
        "rao": [officer["rao_id"]], "newpin": [PIN],
        "email": [ANA.email], "mobile_phone_number": [ANA.phone],
        "type": ["contract", "signed_contract", "document_front", "APPROVE"],
        "reason": ["CERTIFICATEHOLD", "NOT_REVOKED", "SUPERSEDED"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_generated_request_breaks_the_api_or_its_description() {
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    let live = live(&sandbox, &api).await;
    let told = |name| super::client::text(api.told(name));
    // Answers of 500 are part of this API; failures of the server's own are in its log, which is
    // searched for them when it ends.
    let more = [
        "--checks",
        CONFORMANCE,
        "--max-examples",
        "15",
        "--tls-verify",
        told("server_ca"),
        "--request-cert",
        told("client_certificate"),
        "--request-cert-key",
        told("client_key"),
    ];
    let generated = generate(&api.base, &live, &more).await;
    assert!(
        generated > 1000,
        "it must not have passed for want of trying"
    );
    api.get("/requests/").await.ok();
    sandbox.audit();
}
