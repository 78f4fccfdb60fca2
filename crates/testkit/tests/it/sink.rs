use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::HttpSink;

#[tokio::test]
async fn records_in_order_and_answers_as_told() {
    let sink = HttpSink::start().await;
    sink.fail_next(1);
    sink.redirect_next("http://127.0.0.1:1/elsewhere");
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut statuses = Vec::new();
    for number in 0..3 {
        let request = client
            .post(sink.url("/hook?a=b"))
            .json(&number)
            .header("x-test", "yes");
        statuses.push(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [500, 307, 200]);
    let received = sink.wait_for(3).await;
    assert_eq!(
        received
            .iter()
            .map(|r| r.json().as_i64().unwrap())
            .collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(received[0].uri, "/hook?a=b");
    assert_eq!(received[0].header("x-test"), "yes");
    assert_eq!(received[0].answered.unwrap(), 500);
}

#[tokio::test]
async fn holds_until_released() {
    let sink = HttpSink::start().await;
    sink.hold_next(1);
    let answered = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&answered);
    let url = sink.url("/");
    let call = tokio::spawn(async move {
        let status = reqwest::get(url).await.unwrap().status();
        flag.store(true, Ordering::SeqCst);
        status
    });
    sink.wait_for(1).await;
    assert!(!answered.load(Ordering::SeqCst));
    sink.release();
    assert_eq!(call.await.unwrap(), 200);
}
