//! Power cuts: the server is killed at every kind of moment and started again. What was answered
//! with success is there, and nothing is half done.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use testkit::pdfsig;

use crate::client::{
    ANA, Answer, Dialect, OneShot, Pks, evidence, external_unlock, specimen, video,
};
use crate::harness::{Options, Sandbox};

/// A client without connections to a server that is gone.
fn restarted(sandbox: &Sandbox) -> OneShot {
    sandbox.kill();
    sandbox.restart();
    sandbox.client(Dialect::New)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_answered_survives_a_kill_right_after_the_answer() {
    let sandbox = Sandbox::start(Options::default());
    survive_every_step(&sandbox).await;
}

/// Kills after each step of the workflow.
pub async fn survive_every_step(sandbox: &Sandbox) {
    let mut client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    client = restarted(sandbox);
    assert_eq!(client.status(pks).await, "VIDEOPENDING");

    client.evidences(pks, &evidence()).await.payload();
    client = restarted(sandbox);
    let record = client.record(pks).await;
    assert_eq!(record["status"], "VIDEOINCOMPLETE");
    assert_eq!(record["videoid"]["missing"], json!(["video"]));
    assert_eq!(record["surname_1"], ANA.surname_1);

    client.video(pks, video()).await.payload();
    client = restarted(sandbox);
    assert_eq!(client.status(pks).await, "VIDEOREVIEW");
    let path = format!("/videoid/{}/video", pks.videoid);
    assert!(client.get(&path).await.body == video());

    let path = format!("/request/{}", pks.request);
    client
        .put(&path, &json!({ "surname_2": "Superviviente" }))
        .await
        .payload();
    client = restarted(sandbox);
    assert_eq!(client.record(pks).await["surname_2"], "Superviviente");

    client
        .approve(pks, &client.token())
        .await
        .said("Request approved successfully");
    client = restarted(sandbox);
    assert_eq!(client.status(pks).await, "ENROLLREADY");
    let contract = client.contract(pks).await.pdf();

    let uid = client.agreement(pks).await;
    client = restarted(sandbox);
    let original = client.document(pks, "original", &uid).await.pdf();
    assert!(original == specimen("agreement.pdf"));

    client.otp(pks).await.said("OTP generated");
    let code = sandbox.code_for(pks.request).await;
    client = restarted(sandbox);
    let wrong = if code == "111111" { "222222" } else { "111111" };
    client
        .sign(pks, &json!({ "secret": wrong }))
        .await
        .refusal(403);
    client = restarted(sandbox);
    let early = client.otp(pks).await;
    early.refused(
        412,
        "Error occured during OTP generation: Otp generated less than a minute ago",
    );

    client
        .sign(pks, &json!({ "secret": code }))
        .await
        .said("Documents correctly signed");
    client = restarted(sandbox);
    check_issued(sandbox, &client, pks).await;
    let signed = client.document(pks, "signed", &uid).await.pdf();
    assert!(signed.starts_with(&original));
    assert!(client.contract(pks).await.pdf().starts_with(&contract));
    client
        .sign(pks, &json!({ "secret": code }))
        .await
        .refusal(412);

    client
        .delete(&format!("/document/{}/{uid}", pks.request))
        .await
        .said("Document successfully deleted");
    client = restarted(sandbox);
    client
        .document(pks, "signed", &uid)
        .await
        .refused(404, "Document not found");
    let standing = sandbox.description()["rao"]["token"].as_str().unwrap();
    assert!(client.get("/tokens").await.payload()[standing].is_object());
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_was_cut_off_by_a_kill_leaves_no_trace() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::New);
    let pks = client.create().await;
    let blobs = sandbox.dir().join("blobs");
    for _ in 0..2 {
        // A film whose second half never comes.
        let (mut pieces, body) = mpsc::channel::<Result<Bytes, std::io::Error>>(16);
        let part = Part::stream(Body::wrap_stream(body)).file_name("long.mp4");
        let form = Form::new().part("video", part);
        let upload = client
            .request(Method::POST, &client.video_path(pks))
            .multipart(form);
        let sending = tokio::spawn({
            let client = client.clone();
            async move { client.try_send(upload).await.map(|answer| answer.status) }
        });
        let mut content = video().to_vec();
        content.resize(3 << 20, 0x5a);
        pieces.try_send(Ok(content.into())).unwrap();
        // The server writes while it receives: some of it must have reached the disk.
        for _ in 0..1000 {
            if size_below(&blobs) > 1 << 20 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(
            size_below(&blobs) > 1 << 20,
            "the server keeps it in memory"
        );
        client = restarted(&sandbox);
        assert!(
            sending.await.unwrap().is_err(),
            "an upload that was never finished succeeded"
        );
        drop(pieces);

        let record = client.record(pks).await;
        assert_eq!(record["status"], "VIDEOPENDING");
        assert_eq!(record["videoid"]["video_uploaded"], false);
        let path = format!("/videoid/{}/video", pks.videoid);
        client.get(&path).await.refused(404, "Request not found");
    }
    client.video(pks, video()).await.payload();
    assert_eq!(client.status(pks).await, "VIDEOINCOMPLETE");
    sandbox.audit();
}

fn size_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    // Files come and go while we look.
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_below(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_there_whole_or_not_at_all() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::New);
    // How long one takes when nobody disturbs it.
    let pks = client.reviewable(&ANA).await;
    let start = Instant::now();
    client
        .approve(pks, &client.token())
        .await
        .said("Request approved successfully");
    let whole = start.elapsed();

    let mut pks = client.reviewable(&ANA).await;
    let mut interrupted = 0;
    for moment in 1..=8 {
        let (caller, token) = (client.clone(), client.token());
        let approving = async move { caller.approve(pks, &token).await };
        let answered = kill_during(&sandbox, approving, whole * moment / 8).await;
        client = sandbox.client(Dialect::New);
        let status = client.status(pks).await;
        match (status.as_str(), answered) {
            ("ENROLLREADY", _) => {
                client.contract(pks).await.pdf();
                let record = client.record(pks).await;
                assert!(record["approving_rao"].is_object());
                pks = client.reviewable(&ANA).await;
            }
            ("VIDEOREVIEW", false) => {
                interrupted += 1;
                client
                    .contract(pks)
                    .await
                    .refused(412, "Invalid request status");
                assert_eq!(client.record(pks).await["approving_rao"], Value::Null);
            }
            other => panic!("after a kill at {moment}/8: {other:?}"),
        }
        sandbox.audit();
    }
    assert!(interrupted > 0, "no kill ever hit an approval");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_there_whole_or_not_at_all_and_never_twice() {
    let sandbox = Sandbox::start(Options::default());
    survive_kills_while_signing(&sandbox, 14).await;
}

/// Kills at moments spread over the time that a signature takes.
pub async fn survive_kills_while_signing(sandbox: &Sandbox, moments: u32) {
    let mut client = sandbox.client(Dialect::New);
    let ready = |client: OneShot| async move {
        let pks = client.approved(&ANA).await;
        let names = ["agreement.pdf", "terms.pdf", "agreement.pdf"];
        let files = names.map(|name| ("file", name, specimen(name)));
        client.documents(pks, &files).await.payload();
        pks
    };
    let pks = ready(client.clone()).await;
    let start = Instant::now();
    client
        .sign(pks, &external_unlock())
        .await
        .said("Documents correctly signed");
    let whole = start.elapsed();

    let mut pks = ready(client.clone()).await;
    let mut done = vec![];
    let mut interrupted = 0;
    for moment in 0..moments {
        let caller = client.clone();
        let signing = async move { caller.sign(pks, &external_unlock()).await };
        let answered = kill_during(sandbox, signing, whole * moment / (moments - 2)).await;
        client = sandbox.client(Dialect::New);
        match (client.status(pks).await.as_str(), answered) {
            ("ISSUED", _) => {
                check_issued(sandbox, &client, pks).await;
                done.push(pks);
                pks = ready(client.clone()).await;
            }
            ("ENROLLREADY", false) => {
                interrupted += 1;
                let record = client.record(pks).await;
                assert_eq!(record["certificate_set"], json!([]));
                let list = client
                    .get(&format!("/documents/{}", pks.request))
                    .await
                    .payload();
                for (uid, item) in list.as_object().unwrap() {
                    assert_eq!(item["signed"], false);
                    let copy = client.document(pks, "signed", uid).await;
                    copy.refused(404, "Document not found");
                }
            }
            other => panic!("after a kill at {moment}: {other:?}"),
        }
        assert!(certificates_of(sandbox, pks) <= 1, "a second certificate");
    }
    assert!(interrupted > 0, "no kill ever hit a signature");
    if client.status(pks).await == "ENROLLREADY" {
        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        check_issued(sandbox, &client, pks).await;
    }
    for pks in done {
        check_issued(sandbox, &client, pks).await;
    }
    sandbox.audit();
}

/// Runs a call, kills the server after `delay` or when the call has been answered, and starts the
/// server again. Whether the call was answered with success.
async fn kill_during(
    sandbox: &Sandbox,
    call: impl Future<Output = Answer> + Send + 'static,
    delay: Duration,
) -> bool {
    // The call panics where the server goes away under it.
    let calling = tokio::spawn(call);
    tokio::time::sleep(delay).await;
    sandbox.kill();
    let answered = calling.await.is_ok_and(|answer| answer.status == 200);
    sandbox.restart();
    answered
}

/// One certificate, on record and told; every document and the contract signed with it.
async fn check_issued(sandbox: &Sandbox, client: &OneShot, pks: Pks) {
    let record = client.record(pks).await;
    assert_eq!(record["status"], "ISSUED");
    let told = record["certificate_set"].as_array().unwrap();
    assert_eq!((told.len(), certificates_of(sandbox, pks)), (1, 1));
    let erased = format!(
        "SELECT count(*) FROM certificate WHERE request = {} AND sealed_key IS NULL",
        pks.request
    );
    assert_eq!(count(sandbox, &erased), 1, "the one-time key is destroyed");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.pdf");
    let list = client
        .get(&format!("/documents/{}", pks.request))
        .await
        .payload();
    let mut files = vec![(client.contract(pks).await.pdf(), 2)];
    for (uid, item) in list.as_object().unwrap() {
        assert_eq!(item["signed"], true);
        files.push((client.document(pks, "signed", uid).await.pdf(), 1));
    }
    for (pdf, signatures) in files {
        std::fs::write(&path, &pdf).unwrap();
        let reports = pdfsig(&path, &sandbox.root());
        assert_eq!(reports.len(), signatures);
        assert!(reports.iter().all(|report| report.valid), "{reports:?}");
    }
}

fn certificates_of(sandbox: &Sandbox, pks: Pks) -> i64 {
    let statement = format!(
        "SELECT count(*) FROM certificate WHERE request = {}",
        pks.request
    );
    count(sandbox, &statement)
}

/// A number from the database itself, asked by the engine's own tools.
fn count(sandbox: &Sandbox, statement: &str) -> i64 {
    let database = sandbox.database();
    match database.strip_prefix("sqlite:") {
        Some(path) => crate::sql::number(Path::new(path), statement),
        None => {
            let arguments = ["--no-psqlrc", "-tAc", statement, "--dbname", &database];
            let output = testkit::run("psql", arguments, b"").must_accept();
            output.text().trim().parse().expect("a number")
        }
    }
}
