//! Power cuts while sets of documents and digests are signed to last: at once, in the background, and
//! by several calls together. A set is there whole or not at all, by one certificate whose key is gone.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::openssl;
use time::format_description::well_known::Rfc3339;

use crate::acts::{House, approved, approved_with, clock_off_by, soon_after, upload, verified};
use crate::client::{Dialect, OneShot, Pks, specimen};
use crate::durability::{certificates_of, count, kill_during};
use crate::harness::{Options, Sandbox, read_json};

const CONTENT: &[u8] = b"what its owner keeps";
const FILES: [&str; 2] = ["agreement.pdf", "terms.pdf"];

/// Two PDFs and a digest.
async fn bring_a_set(client: &OneShot, pks: Pks) -> Vec<String> {
    let digest = STANDARD.encode(crypto::sha256(CONTENT));
    let digest = json!({ "messageDigest": digest, "digestAlgorithm": "sha256" });
    let files = [
        ("file", FILES[0], specimen(FILES[0])),
        ("file", FILES[1], specimen(FILES[1])),
        ("hashfile", "hash.json", digest.to_string().into_bytes()),
    ];
    upload(client, pks, &files).await
}

/// A request with a set, and what signs it at this level.
async fn ready(sandbox: &Sandbox, client: &OneShot, level: &str) -> (Pks, Vec<String>, Value) {
    let pks = approved(client).await;
    let uids = bring_a_set(client, pks).await;
    client.otp(pks).await.said("OTP generated");
    let code = sandbox.code_for(pks.request).await;
    let look = json!({ "position": "300,100,500,150", "page": 0 });
    let signature = json!({ "level": level, "appearance": look });
    (pks, uids, json!({ "secret": code, "signature": signature }))
}

/// One certificate, its key erased, and every file signed at the level.
async fn whole(sandbox: &Sandbox, client: &OneShot, pks: Pks, uids: &[String], level: &str) {
    let record = client.record(pks).await;
    assert_eq!(record["status"], "ISSUED");
    assert_eq!(record["certificate_set"].as_array().unwrap().len(), 1);
    assert_eq!(certificates_of(sandbox, pks), 1);
    let erased = format!(
        "SELECT count(*) FROM certificate WHERE request = {} AND sealed_key IS NULL",
        pks.request
    );
    assert_eq!(count(sandbox, &erased), 1, "the one-time key is destroyed");

    let desk = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| -> PathBuf {
        let path = desk.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let mut pdfs = vec![put("contract.pdf", &client.contract(pks).await.pdf())];
    for (uid, name) in uids.iter().zip(FILES) {
        let signed = client.document(pks, "signed", uid).await.pdf();
        assert!(signed.starts_with(&specimen(name)));
        pdfs.push(put(name, &signed));
    }
    for report in verified(&sandbox.root(), &pdfs, &[]) {
        assert_eq!(report["valid"], true, "{report:#}");
        let last = report["signatures"].as_array().unwrap().last().unwrap();
        assert_eq!(last["level"], level, "{report:#}");
    }
    let p7m = client.document(pks, "signed", &uids[2]).await.body;
    let (p7m, content) = (put("hash.p7m", &p7m), put("content", CONTENT));
    let root = sandbox.root();
    let [p7m, content, root] = [&p7m, &content, &root].map(|path| path.to_str().unwrap());
    let verify = [
        "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7m,
    ];
    let against = [
        "-content",
        content,
        "-CAfile",
        root,
        "-purpose",
        "any",
        "-out",
        "/dev/null",
    ];
    openssl(verify.into_iter().chain(against), b"").must_accept();
}

/// Nothing of it is signed, and nobody hears of a certificate.
async fn untouched(sandbox: &Sandbox, client: &OneShot, pks: Pks, uids: &[String]) {
    let record = client.record(pks).await;
    assert_eq!(record["certificate_set"], json!([]));
    assert!(certificates_of(sandbox, pks) <= 1, "a second certificate");
    for uid in uids {
        let copy = client.document(pks, "signed", uid).await;
        copy.refused(404, "Document not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_at_b_lt_is_there_whole_or_not_at_all() {
    survive_kills("LTV", "B-LT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_at_b_lta_is_there_whole_or_not_at_all() {
    survive_kills("LTVA", "B-LTA").await;
}

/// Kills at moments spread over the time that a signature of this level takes.
async fn survive_kills(level: &str, baseline: &str) {
    let moments = 9;
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::New);
    let (pks, uids, order) = ready(&sandbox, &client, level).await;
    let start = Instant::now();
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    let takes = start.elapsed();
    whole(&sandbox, &client, pks, &uids, baseline).await;

    // The same code stays good until it has signed.
    let (mut pks, mut uids, mut order) = ready(&sandbox, &client, level).await;
    let mut interrupted = 0;
    for moment in 0..moments {
        let path = format!("/sign/{}", pks.request);
        let signing = client.request(Method::POST, &path).json(&order);
        let delay = takes * moment / (moments - 2);
        let answered = kill_during(&sandbox, &client, signing, delay).await;
        client = sandbox.client(Dialect::New);
        match (client.status(pks).await.as_str(), answered) {
            ("ISSUED", _) => {
                whole(&sandbox, &client, pks, &uids, baseline).await;
                (pks, uids, order) = ready(&sandbox, &client, level).await;
            }
            ("ENROLLREADY", false) => {
                interrupted += 1;
                untouched(&sandbox, &client, pks, &uids).await;
            }
            other => panic!("after a kill at {moment}: {other:?}"),
        }
    }
    assert!(interrupted > 0, "no kill ever hit a signature");
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    whole(&sandbox, &client, pks, &uids, baseline).await;
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_for_later_is_done_once_whenever_the_lights_go_out() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::New);
    for moment in [0, 20, 60, 150] {
        let (pks, uids, order) = ready(&sandbox, &client, "LTVA").await;
        let path = format!("/async/sign/{}", pks.request);
        let promise = client.request(Method::POST, &path).json(&order);
        let answered = client.send(promise).await;
        answered
            .said("Your documents are going to be signed. You will receive them in a few seconds");
        // The moment of the power cut, not a wait for something.
        tokio::time::sleep(Duration::from_millis(moment)).await;
        sandbox.kill();
        sandbox.restart();
        client = sandbox.client(Dialect::New);
        // Longer than the lease of a killed process lasts.
        for _ in 0..2400 {
            if client.status(pks).await == "ISSUED" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        whole(&sandbox, &client, pks, &uids, "B-LTA").await;
    }
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_calls_at_once_one_signs() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let (pks, uids, order) = ready(&sandbox, &client, "LTVA").await;
    let calls = (0..6).map(|_| client.sign(pks, &order));
    let answers = futures::future::join_all(calls).await;
    let (signed, late): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 200);
    assert_eq!(signed.len(), 1);
    for answer in late {
        answer.refused(412, "Request already in ISSUED status");
    }
    whole(&sandbox, &client, pks, &uids, "B-LTA").await;

    // Documents that come in between are either signed by the same act or refused.
    let (pks, uids, order) = ready(&sandbox, &client, "LTV").await;
    let late = [("file", "late.pdf", specimen("terms.pdf"))];
    let (answer, uploaded) = futures::join!(client.sign(pks, &order), client.documents(pks, &late));
    match (answer.status, uploaded.status) {
        (200, 412) => whole(&sandbox, &client, pks, &uids, "B-LT").await,
        // The code was for the others.
        (403, 200) => untouched(&sandbox, &client, pks, &uids).await,
        other => panic!("{other:?}: {answer}, {uploaded}"),
    }
    sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_in_the_background_that_is_cut_off_is_approved_once() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = sandbox.client(Dialect::Legacy);
    for moment in [0, 100, 600] {
        let pks = approved_with(&client, json!({ "useasync": true })).await;
        // The moment of the power cut, not a wait for something.
        tokio::time::sleep(Duration::from_millis(moment)).await;
        sandbox.kill();
        sandbox.restart();
        client = sandbox.client(Dialect::Legacy);
        for _ in 0..2400 {
            if client.status(pks).await == "ENROLLREADY" {
                break;
            }
            assert_eq!(client.status(pks).await, "CREATED");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        client.contract(pks).await.pdf();
        let uids = bring_a_set(&client, pks).await;
        let body = crate::acts::order(json!({ "signature": { "level": "LTV" } }));
        let later = client
            .request(Method::POST, &format!("/sign/{}", pks.request))
            .json(&body);
        client
            .send(later)
            .await
            .said("Your documents are going to be signed. You will receive them in a few seconds");
        while client.status(pks).await != "ISSUED" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        whole(&sandbox, &client, pks, &uids, "B-LT").await;
    }
    sandbox.audit();
}

/// A sandbox on a disk of its own, which is in memory and small.
struct Cramped {
    process: Child,
    desk: TempDir,
}

impl Cramped {
    fn start() -> Self {
        let desk = tempfile::tempdir().unwrap();
        // A mount that only this process and its children see.
        let script = "mount -t tmpfs -o size=24m tmpfs \"$1\" && \
                      exec \"$0\" sandbox --dir \"$1/sandbox\" --listen 127.0.0.1:0";
        let program = env!("CARGO_BIN_EXE_avouch");
        let mut process = Command::new(testkit::tool("unshare"))
            .args(["--map-root-user", "--mount", "sh", "-c", script, program])
            .arg(desk.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = process.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        let cramped = Self { process, desk };
        assert!(said.starts_with("ready http://"), "{said:?}");
        cramped
    }

    /// The disk, as its processes see it.
    fn disk(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process.id()));
        root.join(self.desk.path().strip_prefix("/").unwrap())
    }

    /// Fills the disk but for so many bytes.
    fn fill(&self, left: u64) {
        let ballast = self.disk().join("ballast");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(ballast)
            .unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(left)).unwrap();
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_signed_and_the_code_stays_good() {
    let cramped = Cramped::start();
    let sandbox = cramped.disk().join("sandbox");
    let client = OneShot::new(&read_json(&sandbox.join("sandbox.json")), Dialect::New);
    let pks = approved(&client).await;
    let uids = bring_a_set(&client, pks).await;
    client.otp(pks).await.said("OTP generated");
    // The sandbox writes it into a file instead of sending it.
    let text = loop {
        let texts = fs::read_to_string(sandbox.join("sms.jsonl")).unwrap();
        if texts.ends_with('\n') {
            break texts;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let text: Value = serde_json::from_str(&text).unwrap();
    let order = json!({ "secret": text["code"], "signature": { "level": "LTVA" } });
    for left in [0, 60_000, 200_000] {
        cramped.fill(left);
        let full = client.sign(pks, &order).await;
        assert_eq!(full.status, 507, "{full}");
        let words = "The server's storage is full. Nothing was stored";
        assert_eq!(full.json()["detail"], words);
        let record = client.record(pks).await;
        assert_eq!(record["status"], "ENROLLREADY");
        assert_eq!(record["certificate_set"], json!([]));
        for uid in &uids {
            let copy = client.document(pks, "signed", uid).await;
            copy.refused(404, "Document not found");
        }
    }
    fs::remove_file(cramped.disk().join("ballast")).unwrap();
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    let record = client.record(pks).await;
    assert_eq!(record["certificate_set"].as_array().unwrap().len(), 1);
    client.document(pks, "signed", &uids[2]).await;
    client.document(pks, "signed", &uids[0]).await.pdf();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_is_signed_days_later_with_a_certificate_that_is_good_then() {
    let mut house = House::start(&[]).await;
    let database = house.installation.dir().join("avouch.db");
    let on_record = |pks: Pks| {
        let request = pks.request;
        format!("SELECT count(*) FROM certificate WHERE request = {request}")
    };
    let order = async |house: &House, pks: Pks| {
        let secret = house.code(pks).await;
        json!({ "secret": secret, "signature": { "level": "LTVA" } })
    };
    // Until a kill comes after the certificate is on record and before anything is signed with it.
    let mut moment: u64 = 0;
    let (pks, uids, ordered) = 'requests: loop {
        let client = house.client();
        let pks = approved(&client).await;
        let uids = bring_a_set(&client, pks).await;
        let ordered = order(&house, pks).await;
        loop {
            let client = house.client();
            let path = format!("/sign/{}", pks.request);
            let signing = client.request(Method::POST, &path).json(&ordered);
            let signing = tokio::spawn(async move { client.try_send(signing).await.map(drop) });
            tokio::time::sleep(Duration::from_millis(moment)).await;
            house.installation.kill();
            let _ = signing.await.unwrap();
            let on_record = on_record(pks);
            let recorded = crate::sql::number(&database, &on_record);
            let signed = format!("{on_record} AND der IS NOT NULL");
            match (recorded, crate::sql::number(&database, &signed)) {
                (1, 0) => break 'requests (pks, uids, ordered),
                (0, _) => moment += 2,
                _ => moment = moment.saturating_sub(5),
            }
            house.serve(&[]);
            if recorded > 0 {
                continue 'requests;
            }
        }
    };
    let later = clock_off_by("+2d");
    let later = later
        .each_ref()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    house.serve(&later);
    let client = house.client();
    let old = client.sign(pks, &ordered).await;
    old.refused(403, "Confirmation Code invalid");
    let ordered = order(&house, pks).await;
    client
        .sign(pks, &ordered)
        .await
        .said("Documents correctly signed");
    let record = client.record(pks).await;
    let told = record["certificate_set"].as_array().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["valid"], true);
    // What was on record before was never signed, and its key is of no use any more.
    let signed = format!("{} AND der IS NOT NULL", on_record(pks));
    assert_eq!(crate::sql::number(&database, &signed), 1);

    let desk = tempfile::tempdir().unwrap();
    let pdf = client.document(pks, "signed", &uids[0]).await.pdf();
    let path = desk.path().join("signed.pdf");
    fs::write(&path, &pdf).unwrap();
    let at = soon_after(&pdf).format(&Rfc3339).unwrap();
    let report = &verified(&house.root(), &[path], &["--at", &at])[0];
    assert_eq!(report["valid"], true, "{report:#}");
    assert_eq!(report["signatures"][0]["level"], "B-LTA");
}
