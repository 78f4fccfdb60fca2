//! schemathesis throws requests at everything that the OpenAPI document of this API describes, with
//! a client certificate, and holds every answer to the document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Api, CLOUD, Case, PIN, SOFTWARE, text};
use super::parties::Party;
use crate::client::ANA;
use crate::harness::{Options, Sandbox};
use crate::schemathesis::{CONFORMANCE, generate};

/// Requests in several statuses, so that calls get further than "not found", and of what shuts the
/// client out when it is changed, others than its own.
async fn live(sandbox: &Sandbox, api: &Api) -> Value {
    let mut cases = Vec::new();
    for _ in 0..5 {
        cases.push(api.new_videoid_request().await);
        cases.push(api.new_classic_request().await);
        api.upload_documents(&cases[cases.len() - 1]).await;
        cases.push(api.reviewable().await);
        cases.push(api.approved(CLOUD).await.0);
    }
    let (issued, secrets) = api.issued(sandbox).await;
    cases.push(issued.clone());
    let cards = api.get("/scratchcards/?page=4").await.ok()["results"].clone();
    let cards = cards.as_array().expect("a list");
    let below = Party::below(sandbox, api.ra);
    let officer = api.officer();
    let of = |member: fn(&Case) -> Value| cases.iter().map(member).collect::<Value>();
    let numbers = cases.iter().map(|case| json!(case.sn));
    let numbers: Value = numbers
        .chain(cards.iter().map(|card| card["sn"].clone()))
        .collect();
    json!({
        "id": of(|case| json!(case.pk)),
        "name": of(|case| match case.video_pk {
            0 => json!(case.pk),
            _ => json!(case.video_identifier),
        }),
        "scratchcards.id": cards.iter().map(|card| card["pk"].clone()).collect::<Value>(),
        "registrationauthorities.id": [below.api.ra],
        "rao.id": [below.api.told("rao_id")],
        "users.id": [below.user.pk],
        "ra": [api.ra], "registration_authority": [api.ra], "parent": [api.ra],
        "from_ra": [api.ra], "to_ra": [below.api.ra],
        "request": of(|case| json!(case.pk)), "certificate": [issued.pk],
        "profile": [CLOUD, SOFTWARE], "secure_element": [2],
        "sn": numbers, "scratchcard": numbers,
        "scratchcards.scratchcard": [issued.sn], "scratchcards.erc": [secrets["erc"]],
        "enrollment_code": [secrets["enrollment_code"]],
        "requests.username": [officer["username"]], "requests.password": [officer["password"]],
        "requests.pin": [officer["pin"]], "requests.rao_id": [officer["rao_id"]],
        "rao": [officer["rao_id"]], "newpin": [PIN],
        "email": [ANA.email], "mobile_phone_number": [ANA.phone],
        "type": ["contract", "signed_contract", "document_front", "APPROVE"],
        "reason": ["CERTIFICATEHOLD", "NOT_REVOKED", "SUPERSEDED"],
    })
}

/// The calls that a log tells of as answered with success.
fn successes(log: &str) -> BTreeSet<(&str, &str)> {
    let succeeded = |line: &&str| line.contains(" status=200 ") || line.contains(" status=201 ");
    log.lines()
        .filter(succeeded)
        .filter_map(|line| {
            let (_, told) = line.split_once(" method=\"")?;
            let (method, told) = told.split_once("\" route=\"")?;
            Some((method, told.split_once('"')?.0))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_generated_request_breaks_the_api_or_its_description() {
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    let live = live(&sandbox, &api).await;
    let told = |name| text(api.told(name));
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
    let before = sandbox.log().len();
    let generated = generate(&api.base, &live, &more).await;
    assert!(
        generated > 1000,
        "it must not have passed for want of trying"
    );
    let log = sandbox.log();
    let reached = successes(&log[before..]);
    assert!(
        reached.len() >= 25,
        "it hardly gets past refusals: {reached:#?}"
    );
    api.get("/requests/").await.ok();
    sandbox.audit();
}
