//! Events to the business: their forms, their order, and that none is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{HttpSink, Received};
use tokio::sync::watch;

use crate::client::{ANA, DIALECTS, Dialect, OneShot, Pks, evidence, external_unlock, keys, video};
use crate::harness::{Installation, Options, Sandbox};

/// 32 bytes in base64.
const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

async fn sandbox_for(sink: &HttpSink, format: Option<&'static str>) -> Sandbox {
    let webhook_url = Some(sink.url("/hook"));
    Sandbox::start(Options {
        webhook_url,
        webhook_format: format,
        ..Options::default()
    })
}

/// The whole workflow, with steps that change no status in between.
async fn play(client: &OneShot) -> Pks {
    let pks = client.create().await;
    client.evidences(pks, &evidence()).await.payload();
    // Neither more evidence nor a correction changes the status: no event.
    client.evidences(pks, &evidence()).await.payload();
    client
        .put(
            &format!("/request/{}", pks.request),
            &json!({ "given_name": "Eva" }),
        )
        .await;
    client.video(pks, video()).await.payload();
    client
        .put(
            &format!("/request/{}", pks.request),
            &json!({ "given_name": "Ana" }),
        )
        .await;
    client
        .approve(pks, &client.token())
        .await
        .said("Request approved successfully");
    client.agreement(pks).await;
    client
        .sign(pks, &json!({ "secret": "000000" }))
        .await
        .refusal(403);
    client
        .sign(pks, &external_unlock())
        .await
        .said("Documents correctly signed");
    pks
}

const PLAYED: [(&str, Option<&str>, &str); 5] = [
    ("REQUEST_CREATED", None, "VIDEOPENDING"),
    ("VIDEOID_UPDATED", Some("VIDEOPENDING"), "VIDEOINCOMPLETE"),
    ("VIDEOID_UPDATED", Some("VIDEOINCOMPLETE"), "VIDEOREVIEW"),
    ("REQUEST_APPROVED", Some("VIDEOREVIEW"), "ENROLLREADY"),
    ("REQUEST_ENROLLED", Some("ENROLLREADY"), "ISSUED"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_event_form_tells_every_change_once_and_is_signed() {
    let sink = HttpSink::start().await;
    let sandbox = Sandbox::start(Options {
        webhook_url: Some(sink.url("/hook?tenant=7")),
        webhook_secret: Some(format!("whsec_{SECRET}")),
        ..Options::default()
    });
    let client = sandbox.client(Dialect::New);
    let pks = play(&client).await;
    let received = sink.wait_for(PLAYED.len()).await;
    assert_eq!(received.len(), PLAYED.len());
    let record = client.record(pks).await;
    for (one, (event, previous, status)) in received.iter().zip(PLAYED) {
        check_delivery(one);
        assert_eq!(one.uri, "/hook?tenant=7");
        check_signature(one);
        let body = one.json();
        let members = [
            "event_type",
            "sent_at",
            "date",
            "previous_status",
            "request",
            "certificates",
        ];
        assert_eq!(keys(&body), members);
        assert_eq!(body["event_type"], event);
        assert_eq!(body["previous_status"], json!(previous));
        assert_eq!(
            body["request"],
            json!({
                "status": status,
                "profile": "PFnubeNC",
                "registration_authority": record["registration_authority"],
                "scratchcard": record["scratchcard"],
                "pk": pks.request,
            })
        );
        assert_shape(&body["sent_at"], "99999999999999");
        assert_shape(&body["date"], "9999-99-99T99:99:99.999999");
        let certificates = body["certificates"].as_array().unwrap();
        if status == "ISSUED" {
            let [certificate] = certificates.as_slice() else {
                panic!("not one: {body}")
            };
            assert_eq!(
                keys(certificate),
                ["status", "serial_number", "valid_from", "valid_to"]
            );
            assert_eq!(certificate["status"], "VALID");
            let issued = &record["certificate_set"][0];
            for name in ["serial_number", "valid_from", "valid_to"] {
                assert_eq!(certificate[name], issued[name], "{name}");
            }
        } else {
            assert!(certificates.is_empty());
        }
    }
    let mut dates: Vec<_> = received
        .iter()
        .map(|one| one.json()["date"].to_string())
        .collect();
    assert!(dates.is_sorted());
    dates.dedup();
    let ids: Vec<_> = received
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "each message has its own id");

    // The other ways to end, and a failure with recovery.
    let refused = client.create().await;
    client
        .video(refused, Bytes::from_static(b"no film"))
        .await
        .refusal(415);
    client.video(refused, video()).await.payload();
    let mut refuse = client.token();
    refuse["reason"] = "No".into();
    let path = format!("/videoid/{}/refuse", refused.videoid);
    client
        .post(&path, &refuse)
        .await
        .said("Videoid refuse completed");
    let cancelled = client.create().await;
    client
        .delete(&format!("/request/{}", cancelled.request))
        .await
        .said("Request directory removed successfully");
    let received = sink.wait_for(PLAYED.len() + 6).await;
    assert_eq!(
        told(&received, refused.request),
        [
            "REQUEST_CREATED VIDEOPENDING",
            "VIDEOID_FAILED VIDEOERROR",
            "VIDEOID_UPDATED VIDEOINCOMPLETE",
            "VIDEOID_REFUSED CANCELLED",
        ]
    );
    assert_eq!(
        told(&received, cancelled.request),
        ["REQUEST_CREATED VIDEOPENDING", "REQUEST_CANCELED CANCELLED"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_form_tells_the_same_changes() {
    let sink = HttpSink::start().await;
    let sandbox = sandbox_for(&sink, Some("status")).await;
    let client = sandbox.client(Dialect::Legacy);
    let pks = play(&client).await;
    let received = sink.wait_for(PLAYED.len()).await;
    assert_eq!(received.len(), PLAYED.len());
    let authority = &sandbox.description()["registration_authority"];
    for (one, (_, previous, status)) in received.iter().zip(PLAYED) {
        check_delivery(one);
        assert_eq!(
            one.header("webhook-signature"),
            "",
            "no secret, no signature"
        );
        let body = one.json();
        assert_eq!(
            body,
            json!({
                "status": status, "date": body["date"], "previous_status": previous,
                "request": pks.request, "registration_authority": authority,
            })
        );
        assert_shape(&body["date"], "9999-99-99T99:99:99.999999");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_may_name_its_own_target() {
    let (authority, own) = (HttpSink::start().await, HttpSink::start().await);
    let sandbox = sandbox_for(&authority, None).await;
    for (dialect, count) in DIALECTS.into_iter().zip(1..) {
        let client = sandbox.client(dialect);
        let mut creation = client.creation_of(&ANA);
        creation["webhook_url"] = own.url("/own").into();
        let pk = client.post("/videoid", &creation).await.payload()["request_pk"].clone();
        let received = own.wait_for(count).await;
        let body = received[count - 1].json();
        match dialect {
            Dialect::New => assert_eq!(body["request"]["pk"], pk, "event form"),
            Dialect::Legacy => assert_eq!(body["request"], pk, "status form"),
        }
        creation["webhook_url"] = "javascript:alert(1)".into();
        let refusal = client.post("/videoid", &creation).await.refusal(400);
        assert!(refusal.contains("URL"), "{refusal}");
    }
    // A marker: what should not have come to the authority's target would be there before it.
    sandbox.client(Dialect::New).create().await;
    assert_eq!(authority.wait_for(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_a_failing_receiver_in_order_even_across_a_crash() {
    let sink = HttpSink::start().await;
    let sandbox = sandbox_for(&sink, None).await;
    let client = sandbox.client(Dialect::New);
    // The first event of the first request fails twice, before and after the crash.
    sink.fail_next(1);
    let first = client.create().await;
    sink.wait_for(1).await;
    let second = client.create().await;
    sink.wait_for(2).await;
    sink.fail_next(1);
    client.evidences(first, &evidence()).await.payload();
    client.video(first, video()).await.payload();
    sandbox.kill();
    sandbox.restart();
    client
        .delete(&format!("/request/{}", second.request))
        .await
        .said("Request directory removed successfully");

    // Five messages, of which two failed once. One whose success the crash kept from being
    // recorded comes once more.
    let mut received = sink.wait_for(7).await;
    while told(&received, first.request).len() < 3 || told(&received, second.request).len() < 2 {
        received = sink.wait_for(received.len() + 1).await;
    }
    assert_eq!(
        told(&received, first.request),
        [
            "REQUEST_CREATED VIDEOPENDING",
            "VIDEOID_UPDATED VIDEOINCOMPLETE",
            "VIDEOID_UPDATED VIDEOREVIEW",
        ]
    );
    assert_eq!(
        told(&received, second.request),
        ["REQUEST_CREATED VIDEOPENDING", "REQUEST_CANCELED CANCELLED"]
    );
    // A repetition is the same message: the receiver can tell by its id.
    let mut by_id: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for one in &received {
        by_id.entry(one.header("webhook-id")).or_default().push(one);
    }
    assert_eq!(by_id.len(), 5);
    for attempts in by_id.values() {
        assert!(attempts.iter().all(|one| one.body == attempts[0].body));
        assert!(attempts.last().unwrap().answered.unwrap().is_success());
    }
}

/// Clients answer events with calls, from inside their handler. A server that sends while it
/// holds a lock or a transaction would wait for itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_call_back_from_inside_its_handler() {
    let sink = HttpSink::start().await;
    let sandbox = sandbox_for(&sink, None).await;
    let client = sandbox.client(Dialect::New);
    let done = Arc::new(watch::Sender::new(None));
    let (caller, report) = (client.clone(), Arc::clone(&done));
    sink.on_request(move |received| {
        let (client, report) = (caller.clone(), Arc::clone(&report));
        async move {
            let outcome = tokio::spawn(react(client, received)).await;
            match outcome {
                Ok(false) => {}
                Ok(true) => drop(report.send_replace(Some(true))),
                Err(_) => drop(report.send_replace(Some(false))),
            }
        }
    });
    let pks = client.create().await;
    let mut outcome = done.subscribe();
    let outcome = *outcome.wait_for(Option::is_some).await.unwrap();
    assert_eq!(outcome, Some(true), "a call from inside the handler failed");
    assert_eq!(client.status(pks).await, "ISSUED");
    let received = sink.wait_for(PLAYED.len()).await;
    assert_eq!(received.len(), PLAYED.len());
}

/// The next step of the workflow; whether it was the last.
async fn react(client: OneShot, received: Received) -> bool {
    let body = received.json();
    let request = body["request"]["pk"].as_i64().unwrap();
    let record = client.get(&format!("/request/{request}")).await.payload();
    let videoid = record["videoid"]["videoid_pk"].as_i64().unwrap();
    let pks = Pks { request, videoid };
    let status = body["request"]["status"].as_str().unwrap();
    assert_eq!(
        record["status"], status,
        "the event tells what has been committed"
    );
    match status {
        "VIDEOPENDING" => {
            client.evidences(pks, &evidence()).await.payload();
        }
        "VIDEOINCOMPLETE" => {
            client.video(pks, video()).await.payload();
        }
        "VIDEOREVIEW" => {
            client
                .approve(pks, &client.token())
                .await
                .said("Request approved successfully");
        }
        "ENROLLREADY" => {
            client.agreement(pks).await;
            client
                .sign(pks, &external_unlock())
                .await
                .said("Documents correctly signed");
        }
        "ISSUED" => return true,
        other => panic!("an event about {other}"),
    }
    false
}

/// Nobody may make a real installation call into the operator's own network.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_installation_sends_nothing_to_private_addresses_unless_allowed() {
    let sink = HttpSink::start().await;
    let port = sink.port();
    let mut installation = Installation::init::<&str>([]);
    installation.serve(&[("AVOUCH__LOG__LEVEL", "info")]);
    let client = OneShot::new(&installation.description(), Dialect::New);
    let mut creation = client.creation_of(&ANA);
    creation["env"] = "prod".into();
    let targets = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
    ];
    for target in &targets {
        creation["webhook_url"] = target.as_str().into();
        let pk = client.post("/videoid", &creation).await.payload()["request_pk"].clone();
        let outcome = installation.wait_for_log(&format!("\"request\":\"{pk}\""));
        assert!(
            outcome.contains("address is not public"),
            "{target}: {outcome}"
        );
    }
    assert_eq!(sink.received().len(), 0, "{:?}", sink.received());

    installation.kill();
    installation.serve(&[("AVOUCH__WEBHOOKS__ALLOW", "127.0.0.1")]);
    let allowed = HttpSink::start().await;
    creation["webhook_url"] = allowed.url("/").into();
    let pk = client.post("/videoid", &creation).await.payload()["request_pk"].clone();
    assert_eq!(allowed.wait_for(1).await[0].json()["request"]["pk"], pk);
}

/// The successful deliveries for a request in the order of arrival, without repetitions: event
/// and status.
fn told(received: &[Received], request: i64) -> Vec<String> {
    let mut seen = BTreeSet::new();
    received
        .iter()
        .filter(|one| one.answered.is_some_and(|code| code.is_success()))
        .filter(|one| seen.insert(one.header("webhook-id")))
        .map(Received::json)
        .filter(|body| body["request"]["pk"] == request)
        .map(|body| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!(
                "{} {}",
                text(&body["event_type"]),
                text(&body["request"]["status"])
            )
        })
        .collect()
}

#[track_caller]
fn check_delivery(one: &Received) {
    assert_eq!(one.method, "POST");
    assert_eq!(one.header("content-type"), "application/json");
    assert!(
        one.header("webhook-id").starts_with("msg_"),
        "{:?}",
        one.headers
    );
    let sent: i64 = one
        .header("webhook-timestamp")
        .parse()
        .expect("a time-stamp");
    assert!(sent > 1_750_000_000, "seconds since 1970: {sent}");
}

/// Standard Webhooks 1.0: HMAC-SHA-256 over `id.timestamp.body`, by OpenSSL.
#[track_caller]
fn check_signature(one: &Received) {
    let head = format!(
        "{}.{}.",
        one.header("webhook-id"),
        one.header("webhook-timestamp")
    );
    let signed = [head.as_bytes(), &one.body].concat();
    let key = format!("hexkey:{}", hex::encode(STANDARD.decode(SECRET).unwrap()));
    let arguments = [
        "dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt", &key,
    ];
    let mac = testkit::openssl(arguments, &signed).must_accept().stdout;
    let expected = format!("v1,{}", STANDARD.encode(mac));
    assert_eq!(one.header("webhook-signature"), expected);
}

/// Whether a text looks like this, with 9 for any digit.
#[track_caller]
fn assert_shape(value: &Value, shape: &str) {
    let text = value.as_str().expect("a text");
    let seen: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    assert_eq!(seen, shape, "{text}");
}
