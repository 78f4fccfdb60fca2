//! The issuance log and the register of everything issued, on a running server.

use std::fs;
use std::path::Path;
use std::process::Output;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use testkit::{run, workspace_root};

use crate::acts::{House, approved};
use crate::client::Pks;
use crate::harness::avouch;

/// `avouch` with these arguments on the house's installation.
fn told(house: &House, arguments: &[&str]) -> String {
    let config = house.installation.config();
    let (command, rest) = arguments.split_at(if arguments[0] == "log" { 2 } else { 1 });
    let output = avouch()
        .args(command)
        .arg("--config")
        .arg(config)
        .args(rest)
        .output()
        .expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn verify(log: &Path, files: &[&Path]) -> Output {
    avouch()
        .arg("verify")
        .arg("--log")
        .arg(log)
        .args(files)
        .output()
        .expect("the program starts")
}

#[track_caller]
fn holds(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(words), "{said}");
}

#[track_caller]
fn fails(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{said}");
}

/// A request of which a document is signed, and its certificate, DER.
async fn signed(house: &House) -> (Pks, Vec<u8>) {
    let client = house.client();
    let pks = approved(&client).await;
    client.agreement(pks).await;
    let order = json!({ "secret": house.code(pks).await });
    client
        .sign(pks, &order)
        .await
        .said("Documents correctly signed");
    let record = client.record(pks).await;
    let pem = pem_in(&record).expect("the record has a certificate");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    (pks, der.to_vec())
}

fn pem_in(record: &Value) -> Option<String> {
    match record {
        Value::String(text) if text.contains("BEGIN CERTIFICATE") => Some(text.clone()),
        Value::Array(all) => all.iter().find_map(pem_in),
        Value::Object(all) => all.values().find_map(pem_in),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_issued_is_in_a_log_that_others_verify_and_a_register() {
    let mut house =
        House::start(&[("AVOUCH__ONE_SHOT__ADMIN_KEY", "an admin key of the test")]).await;
    let desk = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| {
        let path = desk.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let base = house.installation.description()["base_url"].clone();
    let base = base.as_str().unwrap().trim_end_matches('/').to_owned();
    let http = reqwest::Client::new();

    let key_line = told(&house, &["log", "key"]);
    let key = put("log.key", key_line.as_bytes());
    let earlier = put("earlier", told(&house, &["log", "checkpoint"]).as_bytes());
    let (pks, der) = signed(&house).await;
    let (_, other) = signed(&house).await;
    let certificate = put("one.crt", &der);
    let stranger = put("other.crt", &other);

    // The holder's receipt, at once and over HTTP.
    let answer = http.post(format!("{base}/log/receipt")).body(der.clone());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let receipt = put("receipt.json", &answer.bytes().await.unwrap());
    let root = fs::read(house.root()).unwrap();
    for foreign in [root, b"no certificate".to_vec()] {
        let answer = http.post(format!("{base}/log/receipt")).body(foreign);
        assert_eq!(answer.send().await.unwrap().status(), 404);
    }
    holds(&verify(&key, &[&certificate, &receipt]), "is entry");
    fails(&verify(&key, &[&stranger, &receipt]), "it proves none");
    fails(&verify(&key, &[&certificate]), "no receipt proves it");
    let spoilt = fs::read_to_string(&receipt)
        .unwrap()
        .replace("\\n\\n", "\\n1\\n\\n");
    fails(
        &verify(&key, &[&certificate, &put("spoilt", spoilt.as_bytes())]),
        "not signed",
    );

    // From the earlier checkpoint to the receipt's, by the published tiles.
    fs::create_dir_all(desk.path().join("tile/0/000.p")).unwrap();
    let size = receipt_size(&receipt);
    let tile = format!("tile/0/000.p/{size}");
    let bytes = http.get(format!("{base}/log/{tile}")).send().await.unwrap();
    assert_eq!(bytes.status(), 200);
    let bytes = bytes.bytes().await.unwrap();
    assert_eq!(bytes.len(), 32 * size);
    fs::write(desk.path().join(&tile), &bytes).unwrap();
    let tiles = desk.path().join("tile");
    holds(
        &verify(&key, &[&earlier, &certificate, &receipt, &tiles]),
        "valid",
    );
    fails(
        &verify(&key, &[&earlier, &certificate, &receipt]),
        "tiles is needed",
    );
    let mut forged = bytes.to_vec();
    forged[40] ^= 1;
    fs::write(desk.path().join(&tile), &forged).unwrap();
    let output = verify(&key, &[&earlier, &certificate, &receipt, &tiles]);
    fails(&output, "does not continue");
    let beyond = format!("{base}/log/tile/0/000.p/{}", size + 1);
    assert_eq!(http.get(beyond).send().await.unwrap().status(), 404);

    // Others' code agrees.
    let judge = workspace_root().join("crates/avouch/tests/it/log_judge.py");
    let arguments = [
        judge.as_os_str(),
        base.as_ref(),
        key_line.trim().as_ref(),
        earlier.as_os_str(),
        receipt.as_os_str(),
        certificate.as_os_str(),
    ];
    let judged = run("python", arguments, b"").must_accept().text();
    assert_eq!(judged.trim(), size.to_string());
    let audited = told(&house, &["log", "audit"]);
    assert!(audited.starts_with(&format!("{size} entries")), "{audited}");

    // The register finds people by words of their names, and needs the administrator's key.
    let all: Value = serde_json::from_str(&told(&house, &["register", "--json"])).unwrap();
    let of_request = |one: &&Value| one["request"] == pks.request;
    let ours = all.as_array().unwrap().iter().find(of_request).unwrap();
    let subject = ours["subject"].as_str().unwrap();
    let name = subject.strip_prefix("CN=").unwrap_or(subject);
    let word = name.split([' ', ',']).next().unwrap().to_uppercase();
    let found: Value =
        serde_json::from_str(&told(&house, &["register", "--name", &word, "--json"])).unwrap();
    assert!(
        found.as_array().unwrap().iter().any(|one| one == ours),
        "{word}: {found:#}"
    );
    let none = told(&house, &["register", "--name", "nobodyofthisname", "--csv"]);
    assert_eq!(none.lines().count(), 1);
    let page = format!("{base}/register?limit=1&name={word}");
    assert_eq!(http.get(&page).send().await.unwrap().status(), 403);
    let answer = http
        .get(&page)
        .header("X-API-Key", "an admin key of the test");
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        answer["certificates"].as_array().unwrap().len(),
        1,
        "{answer:#}"
    );
    let next = answer["next"].as_str().unwrap();
    let answer = http
        .get(format!("{page}&after={next}"))
        .header("Authorization", "Bearer an admin key of the test");
    let second: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(second["certificates"].as_array().unwrap().len(), 1);
    assert_ne!(second["certificates"][0], found[0]);

    // Nothing is lost by a kill.
    house.installation.kill();
    let audited = told(&house, &["log", "audit"]);
    assert!(audited.starts_with(&format!("{size} entries")), "{audited}");
}

/// How many entries a receipt's checkpoint covers.
fn receipt_size(path: &Path) -> usize {
    let receipt: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let note = receipt["checkpoint"].as_str().unwrap();
    note.lines().nth(1).unwrap().parse().unwrap()
}
