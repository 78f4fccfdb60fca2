use std::collections::BTreeMap;
use std::fs;

use delivery::{Config, FileOutbox, SmsGateway, SmsRoute, TextMessage, sms_context};
use serde_json::{Value, json};
use store::{Channel, OutboxMessage};
use testkit::HttpSink;

use crate::house::{Counting, House, quick};

const TEXT: &str = "Your \"code\" is 123456 & no {to} ñ\n";

fn sealed(house: &House, id: &str) -> OutboxMessage {
    let text = TextMessage {
        to: "+34600111222".to_owned(),
        text: TEXT.to_owned(),
        code: Some("123456".to_owned()),
    };
    let context = sms_context(id);
    let payload = house.master.seal(
        &context,
        &serde_json::to_vec(&text).unwrap(),
        &Counting::default(),
    );
    OutboxMessage {
        payload,
        ..house.message(Channel::Sms, 1, id, "")
    }
}

fn gateway(sink: &HttpSink, path: &str, body: &str, content_type: Option<&str>) -> Config {
    let mut headers = BTreeMap::from([("authorization".to_owned(), "Bearer k3y".into())]);
    headers.extend(content_type.map(|value| ("content-type".to_owned(), value.into())));
    let gateway = SmsGateway {
        url: sink.url(path),
        method: if body.is_empty() { "GET" } else { "POST" }.to_owned(),
        headers,
        body: body.to_owned(),
    };
    Config {
        sms: SmsRoute::Gateway(gateway),
        ..quick()
    }
}

#[tokio::test]
async fn gateways_of_every_sort_get_the_text_as_it_is() {
    let json_body = r#"{"dest":["{to}"],"msg":"{text}","extra":"{code}"}"#;
    let form = Some("application/x-www-form-urlencoded");
    let cases = [
        ("/json", json_body, None),
        ("/form", "dest={to}&msg={text}", form),
        ("/get?dest={to}&msg={text}", "", None),
    ];
    for (path, body, content_type) in cases {
        let house = House::new().await;
        let sink = HttpSink::start().await;
        sink.fail_next(1);
        house.queue(&sealed(&house, "msg_1")).await;
        let running = house.start_with(gateway(&sink, path, body, content_type));
        let received = sink.wait_for(2).await;
        house.settles_at(0, 0).await;
        running.stop().await;

        for request in received {
            assert_eq!(request.header("authorization"), "Bearer k3y");
            assert_eq!(request.header("idempotency-key"), "msg_1");
            let pairs = |text: &[u8]| -> BTreeMap<String, String> {
                url::form_urlencoded::parse(text).into_owned().collect()
            };
            let (to, text) = match request.uri.path() {
                "/json" => {
                    let body = request.json();
                    assert_eq!(body["extra"], "123456");
                    (body["dest"][0].clone(), body["msg"].clone())
                }
                "/form" => {
                    let body = pairs(&request.body);
                    (json!(body["dest"]), json!(body["msg"]))
                }
                _ => {
                    let query = pairs(request.uri.query().unwrap_or_default().as_bytes());
                    (json!(query["dest"]), json!(query["msg"]))
                }
            };
            assert_eq!((to, text), (json!("+34600111222"), json!(TEXT)));
        }
    }
}

#[tokio::test]
async fn the_sandbox_writes_into_a_file() {
    let house = House::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sms.jsonl");
    let file = FileOutbox::open(&path).unwrap();
    let running = house.start_with(Config {
        sms: SmsRoute::File(file),
        ..quick()
    });
    house.queue(&sealed(&house, "msg_1")).await;
    house.queue(&sealed(&house, "msg_2")).await;
    house.settles_at(0, 0).await;
    running.stop().await;
    let lines: Vec<Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let at = lines[0]["at"].as_str().unwrap();
    time::OffsetDateTime::parse(at, &time::format_description::well_known::Rfc3339).unwrap();
    let expected = json!({
        "to": "+34600111222", "text": TEXT, "code": "123456", "request_pk": 1, "at": at,
    });
    assert_eq!(lines[0], expected);
}

#[tokio::test]
async fn an_expired_code_is_not_sent() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let message = sealed(&house, "msg_1");
    let expires_at = message.created_at + time::Duration::minutes(10);
    house
        .queue(&OutboxMessage {
            expires_at,
            ..message
        })
        .await;
    house.clock.advance(time::Duration::minutes(11));
    let running = house.start_with(gateway(&sink, "/?dest={to}&msg={text}", "", None));
    house.settles_at(0, 1).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 0);
}

#[tokio::test]
async fn a_message_sealed_for_another_row_is_not_sent() {
    let house = House::new().await;
    let sink = HttpSink::start().await;
    let message = sealed(&house, "msg_1");
    house
        .queue(&OutboxMessage {
            id: "msg_2".to_owned(),
            ..message
        })
        .await;
    let running = house.start_with(gateway(&sink, "/?dest={to}&msg={text}", "", None));
    house.settles_at(0, 1).await;
    running.stop().await;
    assert_eq!(sink.received().len(), 0);
}
