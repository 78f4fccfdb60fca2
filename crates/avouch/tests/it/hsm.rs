//! Keys in a token (SoftHSM stands for one) and RSA keys from the pool: whole walks, judged by others.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{HttpSink, Revocation, SoftHsm, in_token, openssl, pdfsig, pyhanko, run};

use crate::acts::{approved, order};
use crate::client::{ANA, Dialect, OneShot, Pks};
use crate::harness::{Installation, Options, Sandbox, health};

const KEYS_IN_TOKEN: (&str, &str) = ("AVOUCH__SIGNATURE__ONE_TIME_KEYS", "pkcs11");

/// An installation and the telephone of its signers.
struct House {
    installation: Installation,
    gateway: HttpSink,
    variables: Vec<(&'static str, String)>,
}

impl House {
    async fn start(flags: &[&str], variables: &[(&'static str, &str)]) -> Self {
        let gateway = HttpSink::start().await;
        let mut all = vec![
            ("AVOUCH__OTP__COOLDOWN_SECONDS", "0".to_owned()),
            ("AVOUCH__OTP__SMS_GATEWAY__URL", gateway.url("/send")),
            (
                "AVOUCH__OTP__SMS_GATEWAY__BODY",
                r#"{"to": "{to}", "text": "{text}", "code": "{code}"}"#.to_owned(),
            ),
        ];
        let own = variables.iter();
        all.extend(own.map(|(name, value)| (*name, (*value).to_owned())));
        let mut house = Self {
            installation: Installation::init(flags),
            gateway,
            variables: all,
        };
        house.serve();
        house
    }

    /// One whose authorities' keys are in the token.
    async fn in_token(variables: &[(&'static str, &str)]) -> Self {
        let pin = tempfile::NamedTempFile::new().unwrap();
        let (_, pin) = pin.keep().unwrap();
        fs::write(&pin, format!("{}\n", SoftHsm::PIN)).unwrap();
        let uri = format!(
            "pkcs11:token={}?module-path={}&pin-source=file:{}",
            SoftHsm::LABEL.replace(' ', "%20"),
            SoftHsm::module().display(),
            pin.display()
        );
        Self::start(&["--keys", &uri], variables).await
    }

    fn serve(&mut self) {
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.installation.serve(&variables);
        self.installation.confide(SoftHsm::PIN);
    }

    fn client(&self) -> OneShot {
        OneShot::new(&self.installation.description(), Dialect::New)
    }

    fn root(&self) -> PathBuf {
        self.installation.dir().join("keys/root.crt")
    }

    /// A request that waits for its signature, its document and the code for it.
    async fn ready_to_sign(&self) -> (Pks, String, Value) {
        let client = self.client();
        let pks = client.reviewable(&ANA).await;
        client
            .approve(pks, &client.officer())
            .await
            .said("Request approved successfully");
        let uid = client.agreement(pks).await;
        let before = self.gateway.received().len();
        client.otp(pks).await.said("OTP generated");
        let text = self
            .gateway
            .wait_for(before + 1)
            .await
            .remove(before)
            .json();
        let code = text["code"].as_str().expect("a code is a text");
        self.installation.confide(code);
        (pks, uid, json!({ "secret": code }))
    }

    /// Signs and has the result judged; returns what OpenSSL reads in the signer's certificate.
    async fn sign(&self) -> String {
        let (pks, uid, code) = self.ready_to_sign().await;
        let client = self.client();
        client
            .sign(pks, &code)
            .await
            .said("Documents correctly signed");
        self.judge(pks, &uid).await
    }

    async fn judge(&self, pks: Pks, uid: &str) -> String {
        let client = self.client();
        let signed = client.document(pks, "signed", uid).await.pdf();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed.pdf");
        fs::write(&path, &signed).unwrap();
        let root = self.root();
        tokio::task::spawn_blocking(move || judge(&path, &root))
            .await
            .unwrap();
        drop(folder);
        certificate(&client, pks).await
    }
}

/// What OpenSSL reads in the signer's certificate.
async fn certificate(client: &OneShot, pks: Pks) -> String {
    let record = client.record(pks).await;
    let certificates = record["certificate_set"].as_array().unwrap();
    assert_eq!(certificates.len(), 1, "{record}");
    let pem = certificates[0]["data"].as_str().unwrap();
    openssl(["x509", "-noout", "-text"], pem.as_bytes())
        .must_accept()
        .text()
}

/// pdfsig and pyHanko find one signature, which is good.
fn judge(path: &Path, root: &Path) {
    let reports = pdfsig(path, root);
    assert!(
        reports.len() == 1 && reports[0].valid && reports[0].covers_whole_document,
        "{reports:?}"
    );
    let reports = pyhanko(path, root, Revocation::Ignore);
    assert!(
        reports.len() == 1 && reports[0].bottom_line && reports[0].trusted,
        "{reports:?}"
    );
}

/// The labels of the token's private keys, as OpenSC sees them.
fn keys_in_token() -> Vec<String> {
    let module = SoftHsm::module();
    let arguments = [
        "--module",
        module.to_str().unwrap(),
        "--token-label",
        SoftHsm::LABEL,
        "--login",
        "--pin",
        SoftHsm::PIN,
        "--list-objects",
        "--type",
        "privkey",
    ];
    let listed = run("pkcs11-tool", arguments, b"").must_accept().text();
    listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("label:"))
        .map(|label| label.trim().to_owned())
        .collect()
}

fn one_time_keys() -> usize {
    keys_in_token()
        .iter()
        .filter(|label| label.starts_with("avouch one-time "))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_and_one_time_keys_live_in_the_token() {
    if !in_token("hsm::authorities_and_one_time_keys_live_in_the_token") {
        return;
    }
    let mut house = House::in_token(&[KEYS_IN_TOKEN]).await;
    let keys = house.installation.dir().join("keys");
    let labels = keys_in_token();
    for name in ["issuing", "time-stamping", "issuing-ocsp"] {
        let file = fs::read_to_string(keys.join(format!("{name}.key"))).unwrap();
        assert!(
            file.starts_with("pkcs11:token=avouch%20test;object=avouch%20"),
            "{file}"
        );
        let label = format!("avouch {name} ");
        assert!(
            labels.iter().any(|one| one.starts_with(&label)),
            "{labels:?}"
        );
    }

    let certificate = house.sign().await;
    assert!(
        certificate.contains("ASN1 OID: prime256v1"),
        "{certificate}"
    );
    assert_eq!(one_time_keys(), 0);

    house.installation.terminate();
    house.serve();
    house.sign().await;
    assert_eq!(one_time_keys(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_a_kill_cut_off_is_made_with_the_key_in_the_token() {
    if !in_token("hsm::a_signature_that_a_kill_cut_off_is_made_with_the_key_in_the_token") {
        return;
    }
    let mut house = House::in_token(&[KEYS_IN_TOKEN]).await;
    for delay in [5, 25, 60, 120] {
        let (pks, uid, code) = house.ready_to_sign().await;
        let cut_off = tokio::spawn({
            let (client, code) = (house.client(), code.clone());
            let body = client.request(reqwest::Method::POST, &format!("/sign/{}", pks.request));
            async move { client.try_send(body.json(&code)).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(delay)).await;
        house.installation.kill();
        let _ = cut_off.await;
        house.serve();
        let client = house.client();
        if client.status(pks).await != "ISSUED" {
            client
                .sign(pks, &code)
                .await
                .said("Documents correctly signed");
        }
        // One certificate, whatever happened.
        house.judge(pks, &uid).await;
    }
    // What a kill left between the commit and the end of the key waits for the sweep; so does a key
    // that was made and never went on record.
    assert!(one_time_keys() <= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_token_is_away_signers_are_told_to_come_back() {
    if !in_token("hsm::while_the_token_is_away_signers_are_told_to_come_back") {
        return;
    }
    let house = House::in_token(&[KEYS_IN_TOKEN]).await;
    let (pks, uid, code) = house.ready_to_sign().await;
    let configuration = PathBuf::from(std::env::var_os(SoftHsm::VARIABLE).unwrap());
    let tokens = configuration.with_file_name("tokens");
    let token = fs::read_dir(&tokens)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let away = configuration.with_file_name("away");
    fs::rename(&token, &away).unwrap();
    let client = house.client();
    let told = client.sign(pks, &code).await;
    assert_eq!(told.status, 503, "{told}");
    assert_eq!(
        told.json()["message"],
        "No signing key is ready. Nothing was signed. Try again later"
    );
    assert!(told.header("retry-after").parse::<u32>().is_ok());
    fs::rename(&away, &token).unwrap();
    client
        .sign(pks, &code)
        .await
        .said("Documents correctly signed");
    house.judge(pks, &uid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_keys_live_in_the_token_too() {
    if !in_token("hsm::rsa_keys_live_in_the_token_too") {
        return;
    }
    let algorithm = ("AVOUCH__SIGNATURE__KEY_ALGORITHM", "rsa-2048");
    let house = House::in_token(&[KEYS_IN_TOKEN, algorithm]).await;
    let certificate = house.sign().await;
    assert!(
        certificate.contains("Public-Key: (2048 bit)"),
        "{certificate}"
    );
    assert_eq!(one_time_keys(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_keys_come_from_the_pool_and_health_tells_how_it_is_doing() {
    for (algorithm, bits) in [("rsa-2048", 2048), ("rsa-3072", 3072)] {
        let variables = [
            ("AVOUCH__SIGNATURE__KEY_ALGORITHM", algorithm),
            ("AVOUCH__SIGNATURE__KEYS_AHEAD", "3"),
        ];
        let house = House::start(&[], &variables).await;
        let certificate = house.sign().await;
        let size = format!("Public-Key: ({bits} bit)");
        assert!(certificate.contains(&size), "{certificate}");

        let description = house.installation.description();
        let pool = loop {
            let pool = health(&description).await["key_pool"].clone();
            if pool["size"] == 3 {
                break pool;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(pool["capacity"], 3);
        assert_eq!(pool["taken"], 1);
        assert_eq!(pool["made"], 4);
        assert_eq!(pool["refused"], 0);
        assert!(pool["making_ms"].as_u64().unwrap() > 0, "{pool}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_signs_with_keys_of_the_kind_that_it_is_told() {
    let sandbox = Sandbox::start(Options {
        key_algorithm: Some("rsa-2048"),
        ..Options::default()
    });
    let client = sandbox.client(Dialect::New);
    let pks = approved(&client).await;
    client.agreement(pks).await;
    client
        .sign(pks, &order(json!({})))
        .await
        .said("Documents correctly signed");
    let certificate = certificate(&client, pks).await;
    assert!(
        certificate.contains("Public-Key: (2048 bit)"),
        "{certificate}"
    );
}

#[test]
fn whoever_asks_for_a_token_that_is_not_there_is_told_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let init = |keys: &str| {
        let mut command = crate::harness::avouch();
        command
            .arg("init")
            .arg("--dir")
            .arg(folder.path().join("new"));
        let output = command.args(["--keys", keys]).output().unwrap();
        assert!(!output.status.success());
        assert!(!folder.path().join("new/keys").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    for (keys, complaint) in [
        ("token", "a key reference begins with pkcs11:"),
        ("pkcs11:token=a?pin-value=1234", "pin-source=file:PATH"),
        ("pkcs11:token=a", "module-path=PATH"),
        (
            "pkcs11:token=a?module-path=/nowhere.so&pin-source=/dev/null",
            "/nowhere.so does not load",
        ),
    ] {
        let said = init(keys);
        assert!(said.contains(complaint), "{keys}: {said}");
    }
}
