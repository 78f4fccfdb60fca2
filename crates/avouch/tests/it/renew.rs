//! `avouch renew`: archive time-stamps for what is due, however often, and whatever comes between.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use bytes::Bytes;
use serde_json::json;
use testkit::{Offline, PdfSigTrust, pdfsig, pyhanko_offline, qpdf_check};

use crate::acts::{House, approved, moment, soon_after, verified};
use crate::client::Pks;
use crate::harness::avouch;

/// Every signature is due within so many days.
const FOR_EVER: [&str; 3] = ["--regardless", "--within-days", "36500"];

fn renew(house: &House, flags: &[&str]) -> Command {
    let mut command = avouch();
    command
        .arg("renew")
        .arg("--config")
        .arg(house.installation.config())
        .args(flags);
    command
}

fn renewed(house: &House, flags: &[&str]) -> Output {
    renew(house, flags).output().expect("the program starts")
}

#[track_caller]
fn said(output: &Output, words: &str) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stdout.contains(words), "{stdout}{stderr}");
    assert!(output.status.success(), "{stdout}{stderr}");
}

async fn signed(house: &House) -> (Pks, String) {
    let client = house.client();
    let pks = approved(&client).await;
    let uid = client.agreement(pks).await;
    let order = json!({ "secret": house.code(pks).await, "signature": { "level": "LTV" } });
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    (pks, uid)
}

async fn document(house: &House, of: &(Pks, String)) -> Bytes {
    let (pks, uid) = of;
    house.client().document(*pks, "signed", uid).await.pdf()
}

fn put(dir: &Path, pdf: &[u8]) -> PathBuf {
    let path = dir.join("renewed.pdf");
    std::fs::write(&path, pdf).unwrap();
    path
}

/// Everybody agrees that the file is good, and how many signatures and time-stamps it has.
#[track_caller]
fn must_hold(house: &House, pdf: &[u8], signatures: usize) {
    assert_eq!(pades::signatures(pdf).unwrap().len(), signatures);
    let desk = tempfile::tempdir().unwrap();
    let path = put(desk.path(), pdf);
    qpdf_check(&path).must_accept();
    let reports = verified(&house.root(), std::slice::from_ref(&path), &[]);
    assert_eq!(reports[0]["valid"], true, "{:#}", reports[0]);
    assert_eq!(
        reports[0]["signatures"][0]["level"], "B-LTA",
        "{:#}",
        reports[0]
    );
    let first = &pdfsig(&path, &house.root())[0];
    assert!(first.valid, "{first:?}");
    let trusted = matches!(first.trust, PdfSigTrust::Trusted | PdfSigTrust::NoWord);
    assert!(trusted, "{first:?}");
    let at = moment(soon_after(pdf));
    let judged = pyhanko_offline(&at, &[&path], &house.root(), Offline::NewestUnitGood);
    for report in &judged[0] {
        assert!(report.intact && report.valid, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_gets_archive_time_stamps_again_and_again() {
    let house = House::start(&[]).await;
    let agreement = signed(&house).await;
    assert_eq!(
        pades::signatures(&document(&house, &agreement).await)
            .unwrap()
            .len(),
        1
    );
    said(&renewed(&house, &["--within-days", "1"]), "0 files are due");
    let due = renewed(&house, &[&FOR_EVER[..], &["--dry-run"]].concat());
    said(&due, "3 files are due");
    // What a new time-stamp does not prolong would only grow.
    let in_vain = renewed(&house, &FOR_EVER[1..]);
    said(&in_vain, "0 files are due");
    said(&in_vain, "3 more run out before");
    for signatures in [2, 3] {
        let output = renewed(&house, &FOR_EVER);
        said(&output, "3 files have a new archive time-stamp");
        must_hold(&house, &document(&house, &agreement).await, signatures);
    }
}

fn in_background(house: &House) -> Child {
    renew(house, &FOR_EVER)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_and_one_killed_half_way_leave_good_files() {
    let house = House::start(&[]).await;
    let mut agreements = Vec::new();
    for _ in 0..3 {
        agreements.push(signed(&house).await);
    }
    let both = [in_background(&house), in_background(&house)];
    for one in both {
        said(
            &one.wait_with_output().unwrap(),
            "have a new archive time-stamp",
        );
    }
    let mut killed = in_background(&house);
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    said(&renewed(&house, &FOR_EVER), "9 files have");
    for agreement in &agreements {
        let pdf = document(&house, agreement).await;
        let count = pades::signatures(&pdf).unwrap().len();
        assert!((3..=5).contains(&count), "{count}");
        must_hold(&house, &pdf, count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_renewed_is_named_and_the_others_are_renewed() {
    let house = House::start(&[]).await;
    let agreement = signed(&house).await;
    // The last two blobs in the newest file of the store are what was signed: document and contract.
    let blobs = house.installation.dir().join("blobs");
    let mut files = Vec::new();
    walk(&blobs, &mut files);
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    let pack = files.last().expect("a blob");
    let mut bytes = std::fs::read(pack).unwrap();
    let mut entries = bytes[..4096].chunks(16);
    let contract = entries.rposition(|entry| entry != [0; 16]).unwrap();
    let document = &bytes[16 * (contract - 1)..][..8];
    let start = u64::from_be_bytes(document.try_into().unwrap()) as usize;
    bytes[start..].fill(0);
    std::fs::write(pack, bytes).unwrap();
    let output = renewed(&house, &FOR_EVER);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let (pks, uid) = &agreement;
    for name in [uid.clone(), format!("contract of request {}", pks.request)] {
        assert!(complaint.contains(&name), "{complaint}");
    }
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 files have a new"), "{told}{complaint}");
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
