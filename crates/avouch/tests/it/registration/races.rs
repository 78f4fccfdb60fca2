//! The same thing at once, and power cuts in the middle of it: one wins, and nothing is half done.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Postgres, pdfsig};

use super::client::{Answer, Api, CLOUD, Case, PIN, SOFTWARE, decoded, merged, text};
use crate::client::ANA;
use crate::harness::{Options, Sandbox};
use crate::sql;

/// The one answer with this status; all others are refusals in these words.
#[track_caller]
fn one_and_only<'a>(answers: &'a [Answer], status: u16, refusal: (u16, &str, &str)) -> &'a Answer {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == status);
    assert_eq!(won.len(), 1, "{answers:#?}");
    for answer in lost {
        answer.refused(refusal.0, refusal.1, refusal.2);
    }
    won[0]
}

const INVALID_CARD: (u16, &str, &str) = (500, "500", "Invalid ScratchCard");
const INVALID_STATUS: (u16, &str, &str) = (412, "412", "Invalid request status");

/// A number from the database, asked by the engine's own tools.
fn count(sandbox: &Sandbox, statement: &str) -> i64 {
    let database = sandbox.database();
    match database.strip_prefix("sqlite:") {
        Some(path) => sql::number(Path::new(path), statement),
        None => {
            let arguments = ["--no-psqlrc", "-tAc", statement, "--dbname", &database];
            let output = testkit::run("psql", arguments, b"").must_accept();
            output.text().trim().parse().expect("a number")
        }
    }
}

/// Insists that every card and every request fit each other: no used card without its request, no
/// request without its card, no two of either.
#[track_caller]
fn cards_fit(sandbox: &Sandbox) {
    for (what, statement) in [
        (
            "used cards without their request",
            "SELECT count(*) FROM scratchcard AS card WHERE used_by IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM request WHERE pk = card.used_by)",
        ),
        (
            "requests without a used card",
            "SELECT count(*) FROM request WHERE workflow <> 'one-shot' AND NOT EXISTS \
             (SELECT 1 FROM scratchcard WHERE sn = request.scratchcard AND used_by = request.pk)",
        ),
        (
            "requests with one card",
            "SELECT count(*) - count(DISTINCT scratchcard) FROM request",
        ),
    ] {
        assert_eq!(count(sandbox, statement), 0, "{what}");
    }
}

/// Registrations for one card, all at once.
async fn one_request_for_a_card(sandbox: &Sandbox, api: &Api) {
    for filmed in [0, 1] {
        let body = merged(
            api.creation_of(&ANA),
            json!({ "scratchcard": api.unused_card().await, "videoid_mode": filmed }),
        );
        let answers = join_all((0..8).map(|_| api.post("/requests/", &body))).await;
        let won = one_and_only(&answers, 201, INVALID_CARD).json();
        let listed = api
            .get(&format!(
                "/requests/?scratchcard={}",
                text(&body["scratchcard"])
            ))
            .await;
        assert_eq!(listed.ok()["results"][0]["pk"], won["pk"]);
        assert_eq!(listed.ok()["count"], 1);
    }
    // Corrections take cards too, and compete with registrations.
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(api.new_classic_request().await);
    }
    let card = json!({ "scratchcard": api.unused_card().await });
    let body = merged(api.creation_of(&ANA), card.clone());
    let (created, corrected) = tokio::join!(
        join_all((0..4).map(|_| api.post("/requests/", &body))),
        join_all(open.iter().map(|case| {
            let (api, path, card) = (api.clone(), case.path(""), card.clone());
            async move { api.put(&path, &card).await }
        })),
    );
    let mut answers = corrected;
    answers.extend(created);
    let won = answers.iter().filter(|answer| answer.status < 300).count();
    assert_eq!(won, 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer.status >= 300) {
        answer.refused(INVALID_CARD.0, INVALID_CARD.1, INVALID_CARD.2);
    }
    cards_fit(sandbox);
}

/// What a card goes through while a request takes it.
async fn a_card_that_is_taken_stays_where_it_is(sandbox: &Sandbox, api: &Api) {
    let elsewhere = api.new_authority(json!({})).await;
    for _ in 0..4 {
        let sn = api.unused_card().await;
        let card = &api.get(&format!("/scratchcards/?sn={sn}")).await.ok()["results"][0];
        let path = format!("/scratchcards/{}/", card["pk"]);
        let body = merged(api.creation_of(&ANA), json!({ "scratchcard": sn }));
        let (there, away) = (
            json!({ "registration_authority": elsewhere }),
            json!({ "from_sn": sn, "to_sn": sn, "to_ra": elsewhere }),
        );
        let (created, changed, moved) = tokio::join!(
            api.post("/requests/", &body),
            api.put(&path, &there),
            api.post("/scratchcards/move/", &away)
        );
        let card = &api.get(&format!("/scratchcards/?sn={sn}")).await.ok()["results"][0];
        if created.status == 201 {
            changed.refused(INVALID_CARD.0, INVALID_CARD.1, INVALID_CARD.2);
            assert_eq!(moved.ok()["moved"], 0);
            assert_eq!(card["registration_authority"], api.ra);
        } else {
            created.refused(INVALID_CARD.0, INVALID_CARD.1, INVALID_CARD.2);
            // Both send it to the same place; who comes second may find nothing to do.
            changed.ok();
            moved.ok();
            assert_eq!(card["registration_authority"], elsewhere);
        }
    }
    let astray = "SELECT count(*) FROM request JOIN scratchcard ON used_by = pk_of \
                  WHERE request.ra <> scratchcard.ra";
    let astray = astray.replace("pk_of", "request.pk");
    assert_eq!(
        count(sandbox, &astray),
        0,
        "a request whose card is another authority's"
    );
    cards_fit(sandbox);
}

/// Decisions on one request, all at once.
async fn one_decision(sandbox: &Sandbox, api: &Api) {
    let (case, officer) = (api.reviewable().await, api.officer());
    let path = case.path("pl_approve/");
    let answers = join_all((0..4).map(|_| api.post(&path, &officer))).await;
    one_and_only(&answers, 200, INVALID_STATUS);
    let mailed = format!(
        "SELECT count(*) FROM outbox WHERE request = {} AND channel = 'mail'",
        case.pk
    );
    assert!(count(sandbox, &mailed) <= 1, "two invitations");

    let case = api.reviewable().await;
    let (approve, refuse, cancel) = (
        case.path("pl_approve/"),
        case.path("refuse_videoid"),
        case.path("cancel/"),
    );
    let (approved, refused, cancelled) = tokio::join!(
        api.post(&approve, &officer),
        api.post(&refuse, &officer),
        api.delete(&cancel)
    );
    // What is approved may still be cancelled; nothing else may follow.
    let done = [&approved, &refused, &cancelled].map(|answer| answer.status == 200);
    assert!(
        matches!(
            done,
            [true, false, _] | [false, true, false] | [false, false, true]
        ),
        "{approved}\n{refused}\n{cancelled}"
    );
    let status = api.status(&case).await;
    let expected = if done == [true, false, false] {
        "ENROLLREADY"
    } else {
        "CANCELLED"
    };
    assert_eq!(status, expected, "{done:?}");
}

/// Enrolments with one code, all at once: by calls and by the link.
async fn one_certificate(sandbox: &Sandbox, api: &Api) {
    let (case, _) = api.approved(CLOUD).await;
    api.post(&case.path("generate_otp/"), &json!({})).await.ok();
    let code = sandbox.code_for(case.pk).await;
    let body = json!({ "secret": code, "pin": PIN });
    let path = case.path("pl_cloud_enroll/");
    let answers = join_all((0..6).map(|_| api.post(&path, &body))).await;
    let won = one_and_only(&answers, 200, INVALID_STATUS).json();
    let record = api.record(&case).await;
    let set = record["certificate_set"].as_array().expect("a list");
    assert_eq!(set.len(), 1, "{record}");
    assert_eq!(set[0]["serial_number"], won[0]["serial_number"]);
    issued_once(sandbox, api, &case).await;
}

/// Insists on one certificate, one credential or file, and a contract that both have signed.
async fn issued_once(sandbox: &Sandbox, api: &Api, case: &Case) {
    let record = api.record(case).await;
    assert_eq!(record["status"], "ISSUED");
    assert_eq!(
        record["certificate_set"].as_array().map(Vec::len),
        Some(1),
        "{record}"
    );
    let of_request = |what: &str| {
        let statement = format!("SELECT count(*) FROM {what} AND request = {}", case.pk);
        count(sandbox, &statement)
    };
    assert_eq!(
        of_request("certificate WHERE true"),
        1,
        "certificates on record"
    );
    assert_eq!(
        of_request("certificate WHERE sealed_key IS NOT NULL"),
        0,
        "a key in the open"
    );
    let in_cloud = i64::from(record["secure_element"] == 2);
    assert_eq!(of_request("credential WHERE true"), in_cloud, "credentials");
    assert_eq!(
        of_request("otp WHERE purpose = 'enrol' AND consumed = 0"),
        0,
        "a code of use"
    );

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("contract.pdf");
    let body = json!({ "type": "signed_contract" });
    let contract = api.post(&case.path("pl_get_document/"), &body).await.ok();
    std::fs::write(&path, decoded(&contract[0]["document"])).expect("the folder is writable");
    let signatures = pdfsig(&path, &sandbox.root());
    assert_eq!(signatures.len(), 2, "{signatures:?}");
    assert!(
        signatures.iter().all(|signature| signature.valid),
        "{signatures:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_wins() {
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    one_request_for_a_card(&sandbox, &api).await;
    a_card_that_is_taken_stays_where_it_is(&sandbox, &api).await;
    one_decision(&sandbox, &api).await;
    one_certificate(&sandbox, &api).await;
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_wins_on_postgresql_too() {
    let postgres = Postgres::start();
    let sandbox = Sandbox::start(Options {
        database: Some(postgres.url()),
        ..Options::default()
    });
    let api = Api::of(&sandbox);
    for _ in 0..3 {
        one_request_for_a_card(&sandbox, &api).await;
        a_card_that_is_taken_stays_where_it_is(&sandbox, &api).await;
    }
    one_decision(&sandbox, &api).await;
    one_certificate(&sandbox, &api).await;
    survive_kills(&sandbox, 4).await;
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_leave_nothing_half_done() {
    let sandbox = Sandbox::start(Options::default());
    survive_kills(&sandbox, 8).await;
    sandbox.audit();
}

/// Kills at moments spread over a registration, an approval and both kinds of enrolment.
async fn survive_kills(sandbox: &Sandbox, moments: u32) {
    registrations_survive(sandbox, moments).await;
    approvals_survive(sandbox, moments).await;
    enrolments_survive(sandbox, CLOUD, moments).await;
    enrolments_survive(sandbox, SOFTWARE, moments).await;
    cards_fit(sandbox);
}

/// Makes a call, kills the server after `delay`, and starts it again. The answer, if there was one.
async fn kill_during(
    sandbox: &Sandbox,
    api: &Api,
    (path, body): (String, Value),
    delay: Duration,
) -> Option<Answer> {
    let api = api.clone();
    let calling = tokio::spawn(async move {
        let request = api.request(Method::POST, &path).json(&body);
        api.try_send(request).await
    });
    // The moment of the power cut, not a wait for something.
    tokio::time::sleep(delay).await;
    sandbox.kill();
    let answer = calling.await.expect("it does not panic").ok();
    sandbox.restart();
    answer
}

async fn registrations_survive(sandbox: &Sandbox, moments: u32) {
    let mut api = Api::of(sandbox);
    let start = Instant::now();
    api.new_classic_request().await;
    let whole = start.elapsed();
    for moment in 0..moments {
        let sn = api.unused_card().await;
        let body = merged(api.creation_of(&ANA), json!({ "scratchcard": sn }));
        let call = ("/requests/".to_owned(), body);
        let answer = kill_during(sandbox, &api, call, whole * moment / moments).await;
        api = Api::of(sandbox);
        let list = api.get(&format!("/requests/?scratchcard={sn}")).await.ok();
        let used = api
            .post("/scratchcards/isused/", &json!({ "sn": sn }))
            .await
            .ok();
        match answer {
            Some(answer) => assert_eq!(answer.created()["pk"], list["results"][0]["pk"]),
            None => assert!(list["count"] == 0 || list["count"] == 1),
        }
        assert_eq!(used, list["count"] == 1, "card and request do not fit");
        cards_fit(sandbox);
    }
}

async fn approvals_survive(sandbox: &Sandbox, moments: u32) {
    let mut api = Api::of(sandbox);
    let case = api.reviewable().await;
    let start = Instant::now();
    api.approve(&case).await;
    let whole = start.elapsed();
    let mut case = api.reviewable().await;
    let mut interrupted = 0;
    for moment in 1..=moments {
        let call = (case.path("pl_approve/"), api.officer());
        let answer = kill_during(sandbox, &api, call, whole * moment / moments).await;
        api = Api::of(sandbox);
        let contract = json!({ "type": "signed_contract" });
        let contract = api
            .post(&case.path("pl_get_document/"), &contract)
            .await
            .ok();
        let record = api.record(&case).await;
        match text(&record["status"]) {
            "ENROLLREADY" => {
                assert_eq!(contract.as_array().map(Vec::len), Some(1));
                assert!(record["approving_rao"].is_object());
                // The mail leaves, even if only now.
                sandbox.link_for(case.pk).await;
                case = api.reviewable().await;
            }
            "VIDEOREVIEW" if answer.is_none() => {
                interrupted += 1;
                assert_eq!(contract, json!([]));
                assert_eq!(record["approving_rao"], Value::Null);
                let link = api.call(&case.path("preauthlink/")).await;
                link.refused(INVALID_STATUS.0, INVALID_STATUS.1, INVALID_STATUS.2);
            }
            other => panic!("after a kill at {moment}: {other}, {answer:?}"),
        }
    }
    assert!(interrupted > 0, "no kill ever hit an approval");
}

async fn enrolments_survive(sandbox: &Sandbox, profile: &str, moments: u32) {
    let mut api = Api::of(sandbox);
    let (case, call) = ready_to_enrol(sandbox, &api, profile).await;
    let start = Instant::now();
    api.post(&call.0, &call.1).await.ok();
    let whole = start.elapsed();
    issued_once(sandbox, &api, &case).await;

    let (mut case, mut call) = ready_to_enrol(sandbox, &api, profile).await;
    let mut interrupted = 0;
    for moment in 0..moments {
        let delay = whole * moment / (moments - 1);
        let answer = kill_during(sandbox, &api, call.clone(), delay).await;
        api = Api::of(sandbox);
        let record = api.record(&case).await;
        match text(&record["status"]) {
            "ISSUED" => {
                issued_once(sandbox, &api, &case).await;
                (case, call) = ready_to_enrol(sandbox, &api, profile).await;
            }
            "ENROLLREADY" if answer.is_none() => {
                interrupted += 1;
                assert_eq!(record["certificate_set"], json!([]));
                let statement = format!(
                    "SELECT count(*) FROM certificate WHERE request = {}",
                    case.pk
                );
                assert!(
                    count(sandbox, &statement) <= 1,
                    "a second certificate on record"
                );
                let credentials = statement.replace("certificate", "credential");
                assert_eq!(
                    count(sandbox, &credentials),
                    0,
                    "a credential before its certificate"
                );
            }
            other => panic!("after a kill at {moment}: {other}, {answer:?}"),
        }
    }
    assert!(interrupted > 0, "no kill ever hit an enrolment");
    if api.status(&case).await == "ENROLLREADY" {
        // The same code stays good until it has made a certificate.
        api.post(&call.0, &call.1).await.ok();
        issued_once(sandbox, &api, &case).await;
    }
}

/// An approved request, and the call that enrols its subscriber.
async fn ready_to_enrol(sandbox: &Sandbox, api: &Api, profile: &str) -> (Case, (String, Value)) {
    let (case, _) = api.approved(profile).await;
    api.post(
        &case.path("generate_otp/"),
        &json!({ "scratchcard": case.sn }),
    )
    .await
    .ok();
    let code = sandbox.code_for(case.pk).await;
    let (path, secret) = match profile {
        SOFTWARE => ("pl_p12_enroll/", "p12password"),
        _ => ("pl_cloud_enroll/", "pin"),
    };
    let call = (case.path(path), json!({ "secret": code, secret: PIN }));
    (case, call)
}
