use std::sync::Arc;
use std::time::Duration;

use delivery::{AllowList, Config, RetrySchedule, WebhookSecret};
use serde_json::json;
use store::{Channel, OutboxMessage, Store, outbox};
use testkit::{HttpSink, Postgres, Received, openssl, run};

use crate::house::{Counting, House, quick, start};

fn ids(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_stream_keeps_its_order_and_does_not_hold_up_others() {
    let house = House::new().await;
    let (sink, other) = (HttpSink::start().await, HttpSink::start().await);
    sink.fail_next(2);
    sink.hold_next(1);
    for id in ["a1", "a2", "a3"] {
        house.webhook(1, id, &sink.url("/hook")).await;
    }
    let running = house.start();
    // Two failures, then the third attempt is kept waiting.
    assert_eq!(ids(&sink.wait_for(3).await), ["a1", "a1", "a1"]);

    // Meanwhile others are served, and no transaction is open.
    house.webhook(2, "b1", &other.url("/")).await;
    house.webhook(2, "b2", &other.url("/")).await;
    assert_eq!(ids(&other.wait_for(2).await), ["b1", "b2"]);
    assert_eq!(sink.received().len(), 3);

    sink.release();
    assert_eq!(ids(&sink.wait_for(5).await), ["a1", "a1", "a1", "a2", "a3"]);
    house.settles_at(0, 0).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 5);
}

#[tokio::test]
async fn what_arrives_is_what_was_queued() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let running = house.start();
    house.webhook(1, "msg_1", &sink.url("/hook?tenant=7")).await;
    let received = &sink.wait_for(1).await[0];
    running.stop().await;
    assert_eq!(
        (received.method.as_str(), received.uri.to_string()),
        ("POST", "/hook?tenant=7".into())
    );
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.json(), json!({ "id": "msg_1" }));
    assert_eq!(received.header("webhook-signature"), "");
    assert!(received.header("user-agent").starts_with("Avouch/"));
}

#[tokio::test]
async fn retries_go_on_after_a_restart() {
    let mut house = House::new().await;
    let sink = HttpSink::start().await;
    let patient = Config {
        allow: AllowList::loopback(),
        retry: RetrySchedule {
            first: time::Duration::HOUR,
            longest: time::Duration::HOUR,
        },
        ..Config::default()
    };
    sink.fail_next(1);
    let running = house.start_with(patient.clone());
    house.webhook(1, "one", &sink.url("/")).await;
    house.webhook(1, "two", &sink.url("/")).await;
    sink.wait_for(1).await;
    running.stop().await;
    house.store.close().await;

    house.store = Store::open(&house.url).await.unwrap();
    house.clock.advance(time::Duration::minutes(90));
    let running = house.start_with(patient);
    let received = sink.wait_for(3).await;
    assert_eq!(ids(&received), ["one", "one", "two"]);
    assert_eq!(received[0].body, received[1].body);
    house.settles_at(0, 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_crash_between_sending_and_reporting_repeats_the_message() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    house.webhook(1, "leased", &sink.url("/")).await;
    // Another dispatcher took it and died.
    let mut tx = house.store.begin().await.unwrap();
    let now = time::OffsetDateTime::from_unix_timestamp(
        model::Clock::now(&*house.clock).unix_timestamp() + 1,
    )
    .unwrap();
    let lease = time::Duration::minutes(1);
    let leased = outbox::lease(&mut tx, &[Channel::Webhook], now, lease, 10)
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
    tx.commit().await.unwrap();

    house.clock.advance(time::Duration::minutes(2));
    let running = house.start();
    assert_eq!(ids(&sink.wait_for(1).await), ["leased"]);
    house.settles_at(0, 0).await;
    running.stop().await;
}

#[tokio::test]
async fn after_a_day_a_message_is_given_up_and_the_next_one_leaves() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    sink.fail_next(1);
    house.webhook(1, "old", &sink.url("/")).await;
    house.clock.advance(time::Duration::hours(25));
    house.webhook(1, "new", &sink.url("/")).await;
    let running = house.start();
    assert_eq!(ids(&sink.wait_for(2).await), ["old", "new"]);
    house.settles_at(0, 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_asked_no_more() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    sink.answer_next(1, "410".parse().unwrap(), "");
    house.webhook(1, "one", &sink.url("/")).await;
    let running = house.start();
    house.settles_at(0, 1).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn private_targets_are_never_called() {
    let sink = HttpSink::start().await;
    let port = sink.port();
    let targets = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://localhost.:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("ftp://127.0.0.1:{port}/"),
        "rubbish".to_owned(),
    ];
    let house = House::new().await;
    for (number, target) in targets.iter().enumerate() {
        let id = format!("msg_{number}");
        let message = house.message(Channel::Webhook, 1 + number as i64, &id, target);
        house
            .queue(&OutboxMessage {
                expires_at: message.created_at,
                ..message
            })
            .await;
    }
    let running = house.start_with(quick());
    house.settles_at(0, targets.len() as i64).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 0);
}

#[tokio::test]
async fn the_operator_s_list_permits_a_name() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let allow = AllowList::new(&["localhost"]).unwrap();
    let running = house.start_with(Config { allow, ..quick() });
    house
        .webhook(1, "named", &format!("http://localhost:{}/", sink.port()))
        .await;
    assert_eq!(ids(&sink.wait_for(1).await), ["named"]);
    running.stop().await;
}

#[tokio::test]
async fn redirects_are_failures() {
    let house = House::new().await;
    let (sink, elsewhere) = (HttpSink::start().await, HttpSink::start().await);
    sink.redirect_next(&elsewhere.url("/"));
    house.webhook(1, "one", &sink.url("/")).await;
    let running = house.start();
    assert_eq!(ids(&sink.wait_for(2).await), ["one", "one"]);
    house.settles_at(0, 0).await;
    running.stop().await;
    assert_eq!(elsewhere.received().len(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_failure_and_a_long_one_is_not() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    sink.hold_next(1);
    sink.answer_next(1, "200".parse().unwrap(), vec![b'x'; 8 << 20]);
    let impatient = Config {
        allow: AllowList::loopback(),
        attempt: Duration::from_millis(300),
        ..quick()
    };
    house.webhook(1, "one", &sink.url("/")).await;
    let running = house.start_with(impatient);
    assert_eq!(ids(&sink.wait_for(2).await), ["one", "one"]);
    house.settles_at(0, 0).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_may_call_back_before_it_answers() {
    let house = Arc::new(House::new().await);
    let sink = Arc::new(HttpSink::start().await);
    let running = house.start();
    let (back, url) = (Arc::clone(&house), sink.url("/"));
    sink.on_request(move |received| {
        let (house, url) = (Arc::clone(&back), url.clone());
        async move {
            // The callback changes the same request and queues the next message of its stream.
            if received.header("webhook-id") == "first" {
                let mut tx = house.store.begin().await.unwrap();
                store::requests::lock(&mut tx, model::RequestPk(1))
                    .await
                    .unwrap()
                    .unwrap();
                tx.commit().await.unwrap();
                house.webhook(1, "second", &url).await;
            }
        }
    });
    house.webhook(1, "first", &sink.url("/")).await;
    assert_eq!(ids(&sink.wait_for(2).await), ["first", "second"]);
    house.settles_at(0, 0).await;
    running.stop().await;
}

#[tokio::test]
async fn signatures_hold_for_the_reference_implementation_and_openssl() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let entropy = Counting::default();
    let secret = WebhookSecret::draw(&entropy);
    let message = house.message(Channel::Webhook, 1, "msg_signed", &sink.url("/"));
    house
        .queue(&OutboxMessage {
            payload: "{\"name\":\"Ñandú\"}".into(),
            secret: Some(secret.seal(&house.master, &entropy)),
            ..message
        })
        .await;
    sink.fail_next(1);
    let running = house.start();
    let received = sink.wait_for(2).await;
    running.stop().await;

    let script = "import json,sys; from standardwebhooks import Webhook; m=json.load(sys.stdin); \
                  Webhook(sys.argv[1]).verify(m['body'], m['headers'])";
    for request in &received {
        let headers: serde_json::Map<_, _> =
            ["webhook-id", "webhook-timestamp", "webhook-signature"]
                .map(|name| (name.to_owned(), request.header(name).into()))
                .into_iter()
                .collect();
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let call = json!({ "headers": headers, "body": body }).to_string();
        run(
            "python",
            ["-c", script, &**secret.expose()],
            call.as_bytes(),
        )
        .must_accept();
        let forged = json!({ "headers": headers, "body": body.replace("Ñ", "N") }).to_string();
        run(
            "python",
            ["-c", script, &**secret.expose()],
            forged.as_bytes(),
        )
        .must_refuse();

        let key = openssl(
            ["base64", "-d", "-A"],
            &secret.expose().as_bytes()["whsec_".len()..],
        );
        let key: String = key
            .must_accept()
            .stdout
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let signed = format!("msg_signed.{}.{body}", request.header("webhook-timestamp"));
        let key = format!("hexkey:{key}");
        let mac = [
            "dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary",
        ];
        let mac = openssl(mac, signed.as_bytes()).must_accept().stdout;
        let mac = openssl(["base64", "-A"], &mac).must_accept().text();
        assert_eq!(request.header("webhook-signature"), format!("v1,{mac}"));
    }
}

#[tokio::test]
async fn a_signed_message_without_its_key_is_not_sent_unsigned() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let message = house.message(Channel::Webhook, 1, "msg", &sink.url("/"));
    house
        .queue(&OutboxMessage {
            secret: Some(vec![1; 64]),
            ..message
        })
        .await;
    let running = house.start();
    house.settles_at(0, 1).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 0);
}

#[tokio::test]
async fn two_servers_share_one_postgresql_without_sending_twice() {
    let postgres = Postgres::start();
    let house = House::at(postgres.url(), tempfile::tempdir().unwrap()).await;
    let sink = HttpSink::start().await;
    let second = Store::open(&postgres.url()).await.unwrap();
    let config = Config {
        allow: AllowList::loopback(),
        ..quick()
    };
    let servers = [house.start(), start(second.clone(), &house, config)];
    for number in 0..6 {
        for request in 1..=9 {
            house
                .webhook(request, &format!("{request}/{number}"), &sink.url("/"))
                .await;
        }
    }
    house.settles_at(0, 0).await;
    for server in servers {
        server.stop().await;
    }
    let received = ids(&sink.received());
    for request in 1..=9 {
        let stream: Vec<_> = received
            .iter()
            .filter(|id| id.starts_with(&format!("{request}/")))
            .collect();
        let expected: Vec<_> = (0..6).map(|number| format!("{request}/{number}")).collect();
        assert_eq!(stream, expected.iter().collect::<Vec<_>>());
    }
    second.close().await;
    house.store.close().await;
}
