//! Bodies as careless clients and bad networks bring them.

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use futures::stream;
use serde_json::json;

use crate::house::{FORM, House, LEGACY, NEW, form};

#[tokio::test]
async fn json_without_content_type_or_with_an_odd_one() {
    let house = House::build().await;
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let mut request = Request::post(format!("{NEW}/token"));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let body =
            json!({ "username": "officer", "pin": format!("{content_type:?}"), "env": "prod" });
        let answer = house
            .send(request.body(body.to_string().into()).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{content_type:?}");
    }
}

#[tokio::test]
async fn malformed_json_says_where() {
    let house = House::build().await;
    let (_, pk) = house.create().await;
    let body = "{\n  \"acceptance\": {}\n  \"videoid_data\": {}\n}";
    let words = "Could not parse JSON body - Expecting ',' delimiter: line 3 column 3 (char 23)";
    let path = |prefix: &str, call: &str| format!("{prefix}/videoid/{pk}/{call}");
    let answer = house
        .call(Method::POST, &path(NEW, "evidences"), body)
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["message"]),
        (400, &json!(words))
    );
    for (call, status) in [
        ("evidences", "Invalid JSON"),
        ("refuse", "Invalid JSON"),
        ("approve", "400 Bad Request"),
    ] {
        let answer = house.call(Method::POST, &path(LEGACY, call), body).await;
        assert_eq!(
            answer.json(),
            json!({ "status": status, "details": words }),
            "{call}"
        );
    }
}

#[tokio::test]
async fn what_no_database_stores_is_refused() {
    let house = House::build().await;
    let (_, pk) = house.create().await;
    let path = format!("{LEGACY}/videoid/{pk}/evidences");
    for body in [
        "{\"acceptance\": {\"ip\": \"\\u0000\"}}",
        "{\"acceptance\": {\"ip\": \"\\ud800\"}}",
        "[1]",
        "\"x\"",
    ] {
        let answer = house.call(Method::POST, &path, body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let deep = format!("{{\"acceptance\": {}", "[".repeat(100_000));
    assert_eq!(house.call(Method::POST, &path, deep).await.status, 400);
    let record = house.get(&format!("{LEGACY}/request/{pk}")).await;
    assert_eq!(record.json()["details"]["status"], "VIDEOPENDING");
}

#[tokio::test]
async fn too_large_bodies_are_refused_in_the_envelope() {
    let house = House::build().await;
    let (_, pk) = house.create().await;
    let path = format!("{LEGACY}/videoid/{pk}/evidences");
    let stated = Request::post(&path)
        .header("content-length", (1 << 20) + 1)
        .body(Body::empty());
    let refused = house.send(stated.unwrap()).await;
    assert_eq!(
        refused.json(),
        json!({
            "status": "413 Payload Too Large",
            "details": "Request body too large: the limit is 1048576 bytes",
        })
    );
    let chunks =
        stream::iter((0..17).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 16]))));
    let streamed = house
        .call(Method::POST, &path, Body::from_stream(chunks))
        .await;
    assert_eq!(streamed.status, 413);

    let path = format!("{LEGACY}/videoid/{pk}/video");
    let stated = Request::post(&path)
        .header("content-type", FORM)
        .header("content-length", 3 << 20)
        .body(Body::empty());
    assert_eq!(house.send(stated.unwrap()).await.status, 413);
    let video = form(&[("name=\"video\"; filename=\"v\"", &"x".repeat((2 << 20) + 1))]);
    assert_eq!(house.post_form(&path, FORM, video).await.status, 413);
    let record = house.get(&format!("{LEGACY}/request/{pk}")).await;
    assert_eq!(record.json()["details"]["status"], "VIDEOPENDING");
}

#[tokio::test]
async fn forms_without_a_video_change_nothing() {
    let house = House::build().await;
    let (_, pk) = house.create().await;
    let path = format!("{NEW}/videoid/{pk}/video");
    let whole = form(&[("name=\"video\"; filename=\"v.mp4\"", "not a video")]);
    let nothing = "No video file provided";
    let cases = [
        (
            "application/json",
            "{}".to_owned(),
            "Expected a multipart/form-data body with a boundary",
        ),
        (
            "multipart/form-data",
            whole.clone(),
            "Expected a multipart/form-data body with a boundary",
        ),
        (FORM, String::new(), "Could not parse multipart body"),
        (
            FORM,
            whole[..whole.len() - 12].to_owned(),
            "Could not parse multipart body",
        ),
        (FORM, form(&[]), nothing),
        (FORM, form(&[("name=\"title\"", "my video")]), nothing),
        (
            FORM,
            form(&[("name=a; filename=a", "1"), ("name=b; filename=b", "2")]),
            nothing,
        ),
        (
            FORM,
            form(&[("name=video", "1"), ("name=video", "2")]),
            "More than one video file provided",
        ),
    ];
    for (content_type, body, words) in cases {
        let answer = house.post_form(&path, content_type, body.clone()).await;
        let text = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(
            answer.status == 400 && text.starts_with(words),
            "{body}: {text}"
        );
    }
    let broken = stream::iter([
        Ok(Bytes::from(whole[..whole.len() - 12].to_owned())),
        Err(std::io::Error::other("reset")),
    ]);
    let answer = house
        .post_form(&path, FORM, Body::from_stream(broken))
        .await;
    assert_eq!(answer.json()["message"], "The request body ended too early");
    let record = house.get(&format!("{NEW}/request/{pk}")).await;
    assert_eq!(record.json()["detail"]["status"], "VIDEOPENDING");
    assert_eq!(house.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_video_is_found_under_any_name_and_judged_by_its_content() {
    let house = House::build().await;
    let file = |name: &str| {
        form(&[
            ("name=note", "x"),
            (&format!("name={name}; filename=v"), "text"),
        ])
    };
    let twice = "multipart/form-data; boundary=wrong; boundary=b";
    for (content_type, body) in [
        (FORM, file("video")),
        (FORM, file("movie")),
        (twice, file("video")),
        (
            FORM,
            form(&[("name=other; filename=o", "other"), ("name=video", "text")]),
        ),
    ] {
        let (_, pk) = house.create().await;
        let path = format!("{NEW}/videoid/{pk}/video");
        let answer = house.post_form(&path, content_type, body.clone()).await;
        assert_eq!(answer.status, 415, "{body}");
        let record = house.get(&format!("{NEW}/request/{pk}")).await;
        assert_eq!(record.json()["detail"]["status"], "VIDEOERROR", "{body}");
    }
    let (_, pk) = house.create().await;
    let answer = house
        .post_form(&format!("/v1/upload/video/{pk}/"), FORM, file("video"))
        .await;
    assert_eq!(answer.json()["status"], "415 Unsupported Media Type");
}

#[tokio::test]
async fn documents_are_taken_by_what_they_are() {
    let house = House::build().await;
    let (pk, _) = house.create().await;
    let path = format!("{LEGACY}/document/{pk}");
    let text = async |body: String| {
        let answer = house.post_form(&path, FORM, body).await;
        (
            answer.status.as_u16(),
            answer.json()["details"].as_str().unwrap().to_owned(),
        )
    };
    let none = text(form(&[
        ("name=title", "x"),
        ("name=file; filename=\"\"", ""),
    ]))
    .await;
    assert_eq!(
        none,
        (400, "Missing required parameters: no file provided".into())
    );
    let hash = text(form(&[("name=hashfile; filename=h.json", "{}")])).await;
    assert_eq!(
        hash,
        (
            400,
            "Missing required parameters: messageDigest, digestAlgorithm".into()
        )
    );
    let (status, words) = text(form(&[("name=x; filename=\"C:\\a b.txt\"", "plain")])).await;
    assert!(
        status == 415 && words.starts_with("Unsupported file type: "),
        "{words}"
    );
    let many = form(&vec![("name=file; filename=a.pdf", "%PDF-1.7"); 11]);
    let refused = text(many).await;
    assert_eq!(
        refused,
        (
            400,
            format!("Maximum number of document reached for Request {pk}")
        )
    );
    let list = house.get(&format!("{LEGACY}/documents/{pk}")).await;
    assert_eq!(
        list.json(),
        json!({ "status": "404 Not Found", "details": "No documents found for specified Request" })
    );
}
