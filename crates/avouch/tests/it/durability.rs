//! Power cuts: the server is killed at every kind of moment and started again. What was answered
//! with success is there, and nothing is half done.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::pdfsig;
use tokio::sync::watch;

use crate::client::{ANA, Dialect, OneShot, Pks, evidence, external_unlock, specimen, video};
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
        let path = format!("/videoid/{}/approve", pks.videoid);
        let approving = client.request(Method::POST, &path).json(&client.token());
        let answered = kill_during(&sandbox, &client, approving, whole * moment / 8).await;
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
    let (pks, secret) = ready_to_sign(sandbox, &client).await;
    let start = Instant::now();
    let signed = client.sign(pks, &secret).await;
    signed.said("Documents correctly signed");
    let whole = start.elapsed();

    // The same code stays good until it has signed.
    let (mut pks, mut secret) = ready_to_sign(sandbox, &client).await;
    let mut done = vec![];
    let mut interrupted = 0;
    for moment in 0..moments {
        let path = format!("/sign/{}", pks.request);
        let signing = client.request(Method::POST, &path).json(&secret);
        let delay = whole * moment / (moments - 2);
        let answered = kill_during(sandbox, &client, signing, delay).await;
        client = sandbox.client(Dialect::New);
        match (client.status(pks).await.as_str(), answered) {
            ("ISSUED", _) => {
                check_issued(sandbox, &client, pks).await;
                done.push(pks);
                (pks, secret) = ready_to_sign(sandbox, &client).await;
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
        let signed = client.sign(pks, &secret).await;
        signed.said("Documents correctly signed");
        check_issued(sandbox, &client, pks).await;
    }
    for pks in done {
        check_issued(sandbox, &client, pks).await;
    }
    sandbox.audit();
}

/// A request with three documents, and what signs it.
async fn ready_to_sign(sandbox: &Sandbox, client: &OneShot) -> (Pks, Value) {
    let pks = client.approved(&ANA).await;
    let names = ["agreement.pdf", "terms.pdf", "agreement.pdf"];
    let files = names.map(|name| ("file", name, specimen(name)));
    client.documents(pks, &files).await.payload();
    client.otp(pks).await.said("OTP generated");
    (
        pks,
        json!({ "secret": sandbox.code_for(pks.request).await }),
    )
}

/// Makes a call, kills the server after `delay`, and starts it again. Whether the call had been
/// answered with success.
pub async fn kill_during(
    sandbox: &Sandbox,
    client: &OneShot,
    call: RequestBuilder,
    delay: Duration,
) -> bool {
    let client = client.clone();
    let calling = tokio::spawn(async move { client.try_send(call).await });
    // The moment of the power cut, not a wait for something.
    tokio::time::sleep(delay).await;
    sandbox.kill();
    let answered = calling
        .await
        .unwrap()
        .is_ok_and(|answer| answer.status == 200);
    sandbox.restart();
    answered
}

/// What a client was told of its request before the lights went out.
#[derive(Clone, Default)]
struct Told {
    pks: Option<Pks>,
    /// How far the request had come.
    steps: usize,
    documents: Vec<String>,
}

const WAY: [&str; 5] = [
    "VIDEOPENDING",
    "VIDEOINCOMPLETE",
    "VIDEOREVIEW",
    "ENROLLREADY",
    "ISSUED",
];

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_many_clients_were_told_survives_a_power_cut() {
    let sandbox = Sandbox::start(Options::default());
    let mut furthest = 0;
    // Six answers make a whole way, so that 33 of 36 bring some clients to its end.
    for answers in [5, 17, 25, 33] {
        let client = sandbox.client(Dialect::New);
        let (count, mut counted) = watch::channel(0);
        let clients: Vec<_> = (0..6)
            .map(|_| {
                let told = Arc::new(Mutex::new(Told::default()));
                let going = go_on(client.clone(), Arc::clone(&told), count.clone());
                (tokio::spawn(going), told)
            })
            .collect();
        counted.wait_for(|count| *count >= answers).await.unwrap();
        sandbox.kill();
        sandbox.restart();
        let client = sandbox.client(Dialect::New);
        for (task, told) in clients {
            // Cut off, or through before.
            let _ = task.await.unwrap();
            let Told {
                pks,
                steps,
                documents,
            } = told.lock().unwrap().clone();
            let Some(pks) = pks else { continue };
            furthest = furthest.max(steps);
            let status = client.status(pks).await;
            let now = WAY.iter().position(|name| *name == status).unwrap();
            assert!(
                now == steps || now == steps + 1,
                "told {}, found {status}",
                WAY[steps]
            );
            if steps >= 2 {
                let path = format!("/videoid/{}/video", pks.videoid);
                assert!(client.get(&path).await.body == video());
            }
            for uid in &documents {
                let original = client.document(pks, "original", uid).await.pdf();
                assert!(original == specimen("terms.pdf"));
            }
            if status == "ISSUED" {
                check_issued(&sandbox, &client, pks).await;
            }
        }
        sandbox.audit();
    }
    assert_eq!(furthest, 4, "no client came through in any round");
}

/// Takes a request as far as it goes, noting each answer.
async fn go_on(
    client: OneShot,
    told: Arc<Mutex<Told>>,
    count: watch::Sender<usize>,
) -> reqwest::Result<()> {
    let note = |change: &dyn Fn(&mut Told)| {
        change(&mut told.lock().unwrap());
        count.send_modify(|count| *count += 1);
    };
    let create = client
        .request(Method::POST, "/videoid")
        .json(&client.creation_of(&ANA));
    let created = client.try_send(create).await?.payload();
    let number = |name: &str| created[name].as_i64().unwrap();
    let pks = Pks {
        request: number("request_pk"),
        videoid: number("videoid_pk"),
    };
    note(&|told| told.pks = Some(pks));

    let path = format!("/videoid/{}/evidences", pks.videoid);
    let bring = client.request(Method::POST, &path).json(&evidence());
    client.try_send(bring).await?.payload();
    note(&|told| told.steps = 1);
    let part = Part::stream(video()).file_name("video.mp4");
    let form = Form::new().part("video", part);
    let upload = client
        .request(Method::POST, &client.video_path(pks))
        .multipart(form);
    client.try_send(upload).await?.payload();
    note(&|told| told.steps = 2);
    let part = Part::bytes(specimen("terms.pdf")).file_name("terms.pdf");
    let path = format!("/document/{}", pks.request);
    let upload = client
        .request(Method::POST, &path)
        .multipart(Form::new().part("file", part));
    let uid = client.try_send(upload).await?.payload()["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    note(&|told| told.documents.push(uid.clone()));
    let path = format!("/videoid/{}/approve", pks.videoid);
    let approve = client.request(Method::POST, &path).json(&client.token());
    client
        .try_send(approve)
        .await?
        .said("Request approved successfully");
    note(&|told| told.steps = 3);
    let path = format!("/sign/{}", pks.request);
    let sign = client.request(Method::POST, &path).json(&external_unlock());
    client
        .try_send(sign)
        .await?
        .said("Documents correctly signed");
    note(&|told| told.steps = 4);
    Ok(())
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

pub fn certificates_of(sandbox: &Sandbox, pks: Pks) -> i64 {
    let statement = format!(
        "SELECT count(*) FROM certificate WHERE request = {}",
        pks.request
    );
    count(sandbox, &statement)
}

/// A number from the database itself, asked by the engine's own tools.
pub fn count(sandbox: &Sandbox, statement: &str) -> i64 {
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
