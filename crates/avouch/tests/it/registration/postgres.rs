//! A registration authority's work, kept in PostgreSQL.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpSink, Postgres, pdfsig};

use super::client::{Api, CLOUD, Case, PIN, decoded, text};
use super::parties::Operator;
use crate::client::{ANA, ELENI, evidence, video};
use crate::harness::{Options, Sandbox, health};

/// A power cut once everything is sent, since a message under way is repeated only when its lease
/// has ended, and a start.
async fn cut(sandbox: &Sandbox) {
    for _ in 0..600 {
        if health(sandbox.description()).await["outbox_pending"] == 0 {
            sandbox.kill();
            sandbox.restart();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("messages are never sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn external_videoid_on_postgresql_with_a_power_cut_after_every_step() {
    let postgres = Postgres::start();
    let sink = HttpSink::start().await;
    let sandbox = Sandbox::start(Options {
        database: Some(postgres.url()),
        webhook_url: Some(sink.url("/hook")),
        ..Options::default()
    });
    let api = Api::of(&sandbox);
    let case = api.new_videoid_request().await;
    cut(&sandbox).await;
    api.put_evidence(&case, &evidence()).await.ok();
    cut(&sandbox).await;
    api.post_video(&case, video()).await.ok();
    cut(&sandbox).await;
    let path = case.path("validate_videoid");
    api.post(&path, &api.officer()).await.ok();
    cut(&sandbox).await;
    let secrets = api.approve(&case).await["secrets"].clone();
    cut(&sandbox).await;
    api.enrol_cloud(&sandbox, &case).await;
    cut(&sandbox).await;

    let contract = json!({ "type": "signed_contract" });
    let contract = api.post(&case.path("pl_get_document/"), &contract).await;
    let file = sandbox.dir().join("contract.pdf");
    fs::write(&file, decoded(&contract.ok()[0]["document"])).expect("a writable folder");
    let signers = pdfsig(&file, &sandbox.root());
    assert_eq!(signers.len(), 2, "{signers:?}");
    assert!(signers.iter().all(|one| one.valid), "{signers:?}");
    let film = format!("/download/video/{}/", case.video_identifier);
    assert!(api.get(&film).await.body == video());

    let told = sink.wait_for(6).await;
    let steps: Vec<_> = told.iter().map(|event| event.json()).collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|event| text(&event["request"]["status"]))
        .collect();
    assert_eq!(
        steps,
        [
            "VIDEOPENDING",
            "VIDEOINCOMPLETE",
            "VIDEOREVIEW",
            "CREATED",
            "ENROLLREADY",
            "ISSUED"
        ]
    );

    life_of(&api, &case, &secrets).await;
    // The operator's commands find the database by the sandbox's folder.
    let cards = Operator::of(&sandbox).asks(&["scratchcard", "list"]);
    assert_eq!(cards[0]["request"], case.pk);
    let said = sandbox.audit();
    assert!(said.contains("each fits the one before it"), "{said}");
    assert!(!sandbox.dir().join("avouch.db").exists());
}

/// Renewed, suspended, taken up again, revoked.
async fn life_of(api: &Api, case: &Case, secrets: &Value) {
    api.call(&case.path("enable_renewal/")).await.ok();
    let renewal = json!({ "username": case.sn, "password": secrets["enrollment_code"],
                          "pin": PIN });
    let renewed = api.post("/requests/cloud_renew/", &renewal).await.ok();
    assert_eq!(renewed[0]["type"], "RENEWAL");
    for (reason, status) in [
        ("CERTIFICATEHOLD", 1),
        ("NOT_REVOKED", 0),
        ("SUPERSEDED", 2),
    ] {
        let act = json!({ "scratchcard": case.sn, "erc": secrets["erc"], "reason": reason });
        let certificates = api.post("/scratchcards/revoke/", &act).await.ok();
        let certificates = certificates.as_array().expect("certificates");
        assert_eq!(certificates.len(), 2);
        for certificate in certificates {
            assert_eq!(certificate["status"], status, "{reason}");
        }
    }
    assert_eq!(api.status(case).await, "RENEWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_on_postgresql_are_filtered_and_paged() {
    let postgres = Postgres::start();
    let sandbox = Sandbox::start(Options {
        database: Some(postgres.url()),
        ..Options::default()
    });
    let api = Api::of(&sandbox);
    for _ in 0..11 {
        api.new_classic_request().await;
    }
    let eleni = Case::of(&api.create(api.creation_of(&ELENI)).await);
    let (approved, _) = api.approved(CLOUD).await;

    let found = async |query: &str| {
        let list = api.get(&format!("/requests/?{query}")).await.ok();
        let results = list["results"].as_array().expect("a list").clone();
        let pks: Vec<_> = results
            .iter()
            .filter_map(|one| one["pk"].as_i64())
            .collect();
        (list["count"].as_i64().expect("a count"), pks)
    };
    for page in [1, 2] {
        let (count, found) = found(&format!("given_name={}&page={page}", ANA.given_name)).await;
        assert_eq!((count, found.len()), (12, [10, 2][page - 1]));
    }
    for query in [
        format!("given_name={}", ELENI.given_name),
        format!("surname_1={}", ELENI.surname_1),
        format!("serial_number={}", ELENI.serial_number),
        format!("email={}", ELENI.email),
        format!("scratchcard={}", eleni.sn),
        format!("scratchcard={}&status=CREATED", eleni.sn),
    ] {
        assert_eq!(found(&query).await, (1, vec![eleni.pk]), "{query}");
    }
    assert_eq!(found("status=ENROLLREADY").await, (1, vec![approved.pk]));
    let nobody = format!("given_name={}&email={}", ANA.given_name, ELENI.email);
    assert_eq!(found(&nobody).await, (0, vec![]));

    let cards = api.get("/scratchcards/?page=2").await.ok();
    assert_eq!(cards["results"].as_array().map(Vec::len), Some(10));
    let first = api.unused_card().await;
    assert!(first > approved.sn, "{first}");
}
