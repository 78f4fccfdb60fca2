//! The same thing at the same time: double clicks, two uploads for one request, many signers.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::clients;
use crate::client::{
    ANA, Answer, Dialect, OneShot, Pks, evidence, external_unlock, specimen, video,
};
use crate::harness::Sandbox;
use crate::raw::Wire;
use crate::sql;

/// Exactly one of the answers is success; the others say the same.
#[track_caller]
fn one_and_only(answers: &[Answer], words: &str, refusal: &str) {
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:#?}");
    for answer in answers {
        match answer.status {
            200 => answer.said(words),
            _ => answer.refused(412, refusal),
        }
    }
}

async fn one_certificate(sandbox: &Sandbox, client: &OneShot, pks: Pks) {
    let record = client.record(pks).await;
    assert_eq!(record["status"], "ISSUED");
    assert_eq!(
        record["certificate_set"].as_array().map(Vec::len),
        Some(1),
        "{record}"
    );
    let statement = format!(
        "SELECT count(*) FROM certificate WHERE request = {}",
        pks.request
    );
    assert_eq!(sql::number(&sandbox.dir().join("avouch.db"), &statement), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_signs_once() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::Legacy);
    let pks = client.approved(&ANA).await;
    client.agreement(pks).await;
    client.otp(pks).await.said("OTP generated");
    let secret = json!({ "secret": sandbox.code_for(pks.request).await });
    let (first, second) = tokio::join!(client.sign(pks, &secret), client.sign(pks, &secret));
    let refusal = "Request already in ISSUED status";
    one_and_only(&[first, second], "Documents correctly signed", refusal);
    one_certificate(&sandbox, &client, pks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_signers_of_one_request_sign_once() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let pks = client.reviewable(&ANA).await;
    // Approving is an act of its own, and happens once as well.
    let token = client.token();
    let approvals = join_all((0..4).map(|_| client.approve(pks, &token))).await;
    one_and_only(
        &approvals,
        "Request approved successfully",
        "Invalid request status",
    );

    client.agreement(pks).await;
    let unlock = external_unlock();
    let answers = join_all((0..16).map(|_| client.sign(pks, &unlock))).await;
    let refusal = "Request already in ISSUED status";
    one_and_only(&answers, "Documents correctly signed", refusal);
    one_certificate(&sandbox, &client, pks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_are_served_side_by_side() {
    let sandbox = Sandbox::shared();
    let [new, legacy] = clients(&sandbox);
    let created = join_all((0..32).map(|n| {
        if n % 2 == 0 {
            new.create()
        } else {
            legacy.create()
        }
    }));
    let created = created.await;
    let numbers: BTreeSet<_> = created
        .iter()
        .flat_map(|pks| [pks.request, pks.videoid])
        .collect();
    assert_eq!(numbers.len(), 64, "a number was given twice");
    let uploads = created.iter().map(|pks| async {
        let (evidence, film) = (evidence(), video());
        let (evidence, film) = tokio::join!(new.evidences(*pks, &evidence), new.video(*pks, film));
        (evidence.success(), film.success())
    });
    join_all(uploads).await;
    for pks in created {
        assert_eq!(new.status(pks).await, "VIDEOREVIEW");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_overtaken_changes_nothing() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        client.evidences(pks, &evidence()).await.success();
        // Another film, so that it shows which one was kept.
        let slow = [video().as_ref(), b"\0\0\0\x08free"].concat();
        let body = [
            b"--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"v\"\r\n\r\n",
            slow.as_slice(),
            b"\r\n--x--\r\n",
        ]
        .concat();
        let url: reqwest::Url = client.url(&client.video_path(pks)).parse().expect("a URL");
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n\
             Content-Length: {}\r\n\r\n",
            url.path(),
            body.len()
        );
        let mut wire = Wire::open(sandbox.address()).await;
        wire.send(head).await.send(&body[..body.len() / 2]).await;
        // Meanwhile the other one comes whole and completes the request.
        client.video(pks, video()).await.success();
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
        let answer = wire
            .send(&body[body.len() / 2..])
            .await
            .answer()
            .await
            .expect("an answer");
        assert_eq!(answer.status, 412, "{answer:?}");
        assert!(
            answer.body.contains("Invalid VideoId status 'COMPLETE'"),
            "{answer:?}"
        );
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
        let stored = client
            .get(&format!("/videoid/{}/video", pks.videoid))
            .await
            .body;
        assert!(stored == video(), "the film that came too late was kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uploads_side_by_side_one_is_kept_whole() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let film = |n: u8| {
            let mut film = video().to_vec();
            film.extend(b"\0\0\0\x09free");
            film.push(n);
            Bytes::from(film)
        };
        let answers = join_all((0..6).map(|n| client.video(pks, film(n)))).await;
        for answer in &answers {
            assert!(!answer.missing().contains(&"video".to_owned()), "{answer}");
        }
        let stored = client
            .get(&format!("/videoid/{}/video", pks.videoid))
            .await
            .body;
        assert!(
            (0..6).any(|n| stored == film(n)),
            "what is stored was never sent"
        );
        let kept = format!(
            "SELECT count(*) FROM evidence_video WHERE request = {}",
            pks.request
        );
        assert_eq!(sql::number(&sandbox.dir().join("avouch.db"), &kept), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_side_by_side_keep_to_the_limit_and_to_all_or_none() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.create().await;
        let path = format!("/document/{}", pks.request);
        let upload = || {
            let form = (0..4).fold(Form::new(), |form, n| {
                let file = Part::bytes(specimen("terms.pdf")).file_name(format!("{n}.pdf"));
                form.part("file", file)
            });
            client.post_form(&path, form)
        };
        let answers = join_all((0..5).map(|_| upload())).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            let words = format!(
                "Maximum number of document reached for Request {}",
                pks.request
            );
            answer.refused(400, &words);
        }
        assert_eq!(taken, 2, "{answers:#?}");
        let listed = client
            .get(&format!("/documents/{}", pks.request))
            .await
            .payload();
        assert_eq!(listed.as_object().map(serde_json::Map::len), Some(8));
    }
}
