//! The certification authority at work: the ceremony and its record, successors on a running
//! server, and what relying parties find meanwhile.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::openssl;

use crate::acts::{approved, order, signed_agreement, upload, verified};
use crate::client::{ANA, Dialect, OneShot, external_unlock, specimen};
use crate::harness::{Installation, Options, Sandbox, avouch, read_json};
use crate::registration::client::{Api, Case, decoded, text};

/// What a command of `avouch ca` printed.
#[track_caller]
fn ca<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    let (accepted, said) = try_ca(arguments);
    assert!(accepted, "{said}");
    said
}

/// The same, and whether it went well.
fn try_ca<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> (bool, String) {
    let output = avouch().arg("ca").args(arguments).output();
    let output = output.expect("the program starts");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(said).expect("the program writes text"),
    )
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// `openssl x509` about a certificate in DER or PEM.
fn shown(certificate: &[u8], arguments: &[&str]) -> String {
    let arguments = ["x509", "-noout"].iter().chain(arguments);
    openssl(arguments, certificate).must_accept().text()
}

/// The addresses that a certificate names in one of its extensions.
fn addresses(certificate: &[u8], extension: &str) -> Vec<String> {
    let text = shown(certificate, &["-ext", extension]);
    let lines = text.lines().filter_map(|line| line.split_once("URI:"));
    lines
        .map(|(_, address)| address.trim().to_owned())
        .collect()
}

/// Signs one document, and gives the one-time certificate, PEM.
async fn signed_by(client: &OneShot) -> Vec<u8> {
    let pks = client.approved(&ANA).await;
    let file = ("file", "agreement.pdf", specimen("agreement.pdf"));
    client.documents(pks, &[file]).await.payload();
    let signed = client.sign(pks, &external_unlock()).await;
    signed.said("Documents correctly signed");
    let record = client.record(pks).await;
    text(&record["certificate_set"][0]["data"])
        .as_bytes()
        .to_vec()
}

/// Insists that OpenSSL gets a good answer about a certificate from the server, and trusts its
/// whole chain, of which it fetches the middle from where the certificate points.
async fn relied_upon(sandbox: &Sandbox, certificate: &[u8]) {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, content: &[u8]| -> PathBuf {
        let path = desk.path().join(name);
        fs::write(&path, content).expect("the folder is writable");
        path
    };
    let access = addresses(certificate, "authorityInfoAccess");
    let (ocsp, issuer) = (&access[0], &access[1]);
    let issuer = reqwest::get(issuer).await.expect("an answer");
    assert_eq!(issuer.headers()["content-type"], "application/pkix-cert");
    let issuer = issuer.bytes().await.expect("a body");
    let issuer = openssl(["x509", "-inform", "DER"], &issuer).must_accept();
    let issuer = put("issuer.pem", &issuer.stdout);
    let certificate = put("certificate.pem", certificate);
    let root = sandbox.root();
    let chain = ["-CAfile", path(&root), "-untrusted", path(&issuer)];
    let verify = ["verify", "-x509_strict"].into_iter().chain(chain);
    openssl(verify.chain([path(&certificate)]), b"").must_accept();
    let ask = [
        "ocsp",
        "-url",
        ocsp,
        "-timeout",
        "30",
        "-CAfile",
        path(&root),
    ];
    let about = ["-issuer", path(&issuer), "-cert", path(&certificate)];
    let said = openssl(ask.into_iter().chain(about), b"").must_accept();
    let said = said.transcript();
    assert!(
        said.contains("Response verify OK") && said.contains(": good"),
        "{said}"
    );
}

#[test]
fn the_root_s_key_leaves_at_a_ceremony_whose_record_openssl_verifies() {
    let secrets = tempfile::tempdir().expect("a temporary folder");
    let passphrase = secrets.path().join("passphrase");
    fs::write(&passphrase, "una frase muy larga\n").expect("the folder is writable");
    let present = ["--present", "Ana Ejemplo", "--present", "Luis Muestra"];
    let file = ["--root-passphrase-file", path(&passphrase)];
    let installation = Installation::init(present.into_iter().chain(file));
    let dir = installation.dir();
    let (keys, offline) = (dir.join("keys"), dir.join("offline/root.key.pem"));
    assert!(!keys.join("root.key").exists());

    // The key in the file is the root's, and opens under the passphrase only.
    let opened = |passphrase: &str| {
        let passphrase = format!("pass:{passphrase}");
        let arguments = ["pkey", "-in", path(&offline), "-pubout", "-passin"];
        openssl(arguments.into_iter().chain([passphrase.as_str()]), b"")
    };
    let root = keys.join("root.crt");
    let pem = fs::read(&root).expect("the root is there");
    let key = opened("una frase muy larga").must_accept().text();
    assert_eq!(key, shown(&pem, &["-pubkey"]));
    opened("una frase muy corta").must_refuse();

    let record = dir.join("ceremonies/ceremony-1.json");
    let told = read_json(&record);
    assert_eq!(told["purpose"], "establishment");
    assert_eq!(told["present"], json!(["Ana Ejemplo", "Luis Muestra"]));
    let made = told["keys"].as_array().expect("a list");
    assert_eq!(made.len(), 5);
    for one in made {
        let name = text(&one["name"]);
        let file = fs::read(keys.join(format!("{name}.crt"))).expect("it is there");
        let digest = shown(&file, &["-fingerprint", "-sha256"]).replace(':', "");
        let recorded = text(&one["certificate_sha256"]).to_uppercase();
        assert!(digest.trim_end().ends_with(&recorded), "{name}: {digest}");
        let home = text(&one["key_home"]);
        assert_eq!(home.starts_with("offline: "), name == "root", "{home}");
    }

    let signature = dir.join("ceremonies/ceremony-1.json.p7s");
    let judge = |content: &Path| {
        let arguments = [
            "cms", "-verify", "-binary", "-purpose", "any", "-inform", "DER",
        ];
        let files = ["-in", path(&signature), "-content", path(content)];
        let trust = ["-CAfile", path(&root), "-out", "/dev/null"];
        openssl(arguments.into_iter().chain(files).chain(trust), b"")
    };
    judge(&record).must_accept();
    let check = |record: &Path| try_ca(["verify-record", path(record), "--root", path(&root)]);
    let (accepted, said) = check(&record);
    assert!(accepted && said.contains("Luis Muestra"), "{said}");

    let forged = secrets.path().join("ceremony-1.json");
    let text = fs::read_to_string(&record).expect("it is there");
    fs::write(&forged, text.replace("Luis", "Juan")).expect("the folder is writable");
    fs::copy(&signature, forged.with_extension("json.p7s")).expect("the folder is writable");
    judge(&forged).must_refuse();
    let (accepted, said) = check(&forged);
    assert!(!accepted && said.contains("not what was signed"), "{said}");
    let other = Installation::init([""; 0]);
    let stranger = other.dir().join("keys/root.crt");
    let (accepted, said) = try_ca(["verify-record", path(&record), "--root", path(&stranger)]);
    assert!(!accepted && said.contains("another key"), "{said}");
    // The drawn passphrase was on the screen, and opens what it should.
    let drawn = other.printed("Its passphrase, shown once:");
    let theirs = other.dir().join("offline/root.key.pem");
    let drawn = format!("pass:{drawn}");
    let arguments = ["pkey", "-in", path(&theirs), "-noout", "-passin", &drawn];
    openssl(arguments, b"").must_accept();
}

#[test]
fn without_the_root_s_key_nobody_is_appointed_in_its_name() {
    let secrets = tempfile::tempdir().expect("a temporary folder");
    let passphrase = secrets.path().join("passphrase");
    fs::write(&passphrase, "una frase muy larga").expect("the folder is writable");
    let file = ["--root-passphrase-file", path(&passphrase)];
    let installation = Installation::init(file);
    let config = installation.config();
    let place = ["--config", path(&config)];
    let before = ca(["status"].into_iter().chain(place));

    let (accepted, said) = try_ca(["new-issuing"].into_iter().chain(place));
    assert!(!accepted && said.contains("--root-key"), "{said}");
    let medium = secrets.path().join("root.key.pem");
    fs::rename(installation.dir().join("offline/root.key.pem"), &medium).expect("it moves");
    let with_key = |command: &'static str, passphrase: &Path| {
        let key = [
            "--root-key",
            path(&medium),
            "--passphrase-file",
            path(passphrase),
        ];
        let all = [command].into_iter().chain(place).chain(key);
        try_ca(all.map(str::to_owned).collect::<Vec<_>>())
    };
    let wrong = secrets.path().join("wrong");
    fs::write(&wrong, "otra frase muy larga").expect("the folder is writable");
    let (accepted, said) = with_key("new-issuing", &wrong);
    assert!(!accepted && said.contains("wrong password"), "{said}");
    // Another installation's root is not this one's.
    let other = Installation::init(file);
    let theirs = other.dir().join("offline/root.key.pem");
    let foreign = [
        "--root-key",
        path(&theirs),
        "--passphrase-file",
        path(&passphrase),
    ];
    let (accepted, said) = try_ca(["new-issuing"].into_iter().chain(place).chain(foreign));
    assert!(!accepted && said.contains("does not belong"), "{said}");
    assert_eq!(ca(["status"].into_iter().chain(place)), before);

    let (accepted, said) = with_key("new-issuing", &passphrase);
    assert!(accepted && said.contains("Issuing CA 2"), "{said}");
    let (accepted, said) = with_key("new-ocsp", &passphrase);
    assert!(accepted && said.contains("issuing-ocsp-3"), "{said}");
    let status = ca(["status", "--json"].into_iter().chain(place));
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let of = |name: &str| {
        let mut all = status.as_array().expect("a list").iter();
        all.find(|one| one["name"] == name).expect(name).clone()
    };
    assert_eq!(of("root")["key"], "offline");
    assert_eq!(of("issuing")["in_use"], false);
    assert_eq!(of("issuing-2")["in_use"], true);
    assert_eq!(of("issuing-2")["notice"], Value::Null);
    assert_eq!(of("time-stamping")["in_use"], true);
    let record = installation.dir().join("ceremonies/ceremony-2.json");
    assert_eq!(read_json(&record)["purpose"], "new-issuing-authority");
    let root = installation.dir().join("keys/root.crt");
    ca(["verify-record", path(&record), "--root", path(&root)]);
}

/// Somebody who signs one document after the other until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    running: tokio::task::JoinHandle<Vec<Vec<u8>>>,
}

impl Load {
    fn on(sandbox: &Sandbox) -> Self {
        let (stop, done) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (asked, counted) = (Arc::clone(&stop), Arc::clone(&done));
        let client = sandbox.client(Dialect::New);
        let running = tokio::spawn(async move {
            let mut certificates = Vec::new();
            while !asked.load(Ordering::Relaxed) {
                certificates.push(signed_by(&client).await);
                counted.fetch_add(1, Ordering::Relaxed);
            }
            certificates
        });
        Self {
            stop,
            done,
            running,
        }
    }

    /// Waits until this many more were signed.
    async fn more(&self, count: usize) {
        let until = self.done.load(Ordering::Relaxed) + count;
        while self.done.load(Ordering::Relaxed) < until {
            assert!(!self.running.is_finished(), "a signature failed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What was used, in order.
    async fn end(self) -> Vec<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.running.await.expect("every signature went well")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn successors_take_over_while_documents_are_signed() {
    let sandbox = Sandbox::start(Options::default());
    let place = ["--dir", path(sandbox.dir())];
    let load = Load::on(&sandbox);
    load.more(2).await;
    let out = sandbox.dir().join("medium/root.key.pem");
    let passphrase = sandbox.dir().join("passphrase");
    fs::write(&passphrase, "una frase muy larga").expect("the folder is writable");
    let secret = ["--passphrase-file", path(&passphrase)];
    let out_flag = ["--out", path(&out)];
    ca(["root-offline"]
        .into_iter()
        .chain(place)
        .chain(out_flag)
        .chain(secret));
    assert!(!sandbox.dir().join("keys/root.key").exists());
    load.more(1).await;
    let key = ["--root-key", path(&out)];
    ca(["new-issuing"]
        .into_iter()
        .chain(place)
        .chain(key)
        .chain(secret));
    ca(["new-tsa"].into_iter().chain(place));
    // The server looks every few seconds.
    let client = sandbox.client(Dialect::New);
    let issuer = |certificate: &[u8]| shown(certificate, &["-issuer"]);
    let mut patience = 100;
    let later = loop {
        let certificate = signed_by(&client).await;
        if issuer(&certificate).contains("Issuing CA 2") {
            break certificate;
        }
        patience -= 1;
        assert!(patience > 0, "the new CA never issued");
    };
    load.more(2).await;
    let certificates = load.end().await;
    let by_second: Vec<_> = certificates
        .iter()
        .map(|one| issuer(one).contains("Issuing CA 2"))
        .collect();
    assert!(
        !by_second[0] && by_second.last() == Some(&true),
        "{by_second:?}"
    );
    assert!(by_second.is_sorted(), "nobody went back: {by_second:?}");

    for certificate in [&certificates[0], &later] {
        relied_upon(&sandbox, certificate).await;
    }
    // The names without a key's identifier stay the first one's, to which old certificates point.
    let base = text(&sandbox.description()["base_url"]);
    let first = reqwest::get(format!("{base}/pki/issuing.pem")).await;
    let first = first.expect("an answer").bytes().await.expect("a body");
    assert!(
        shown(&first, &["-subject"])
            .trim_end()
            .ends_with("Issuing CA")
    );

    // Time-stamps come from the new unit.
    let unit = fs::read(sandbox.dir().join("keys/time-stamping-2.crt")).expect("it is there");
    let query = [
        "ts",
        "-query",
        "-cert",
        "-sha256",
        "-digest",
        &"ab".repeat(32),
    ];
    let query = openssl(query, b"").must_accept().stdout;
    let tsa = text(&sandbox.description()["tsa_url"]);
    let reply = reqwest::Client::new().post(tsa).body(query).send().await;
    let reply = reply.expect("an answer").bytes().await.expect("a body");
    let token = ["ts", "-reply", "-token_out", "-in", "/dev/stdin"];
    let token = openssl(token, &reply).must_accept().stdout;
    let pkcs7 = ["pkcs7", "-inform", "DER", "-print_certs"];
    let carried = openssl(pkcs7, &token).must_accept().text();
    let body: String = String::from_utf8_lossy(&unit)
        .lines()
        .nth(1)
        .expect("PEM")
        .to_owned();
    assert!(carried.contains(&body), "{carried}");

    // A restart finds all of them, and the audit log tells of everybody.
    sandbox.terminate();
    sandbox.restart();
    relied_upon(&sandbox, &certificates[0]).await;
    assert!(issuer(&signed_by(&client).await).contains("Issuing CA 2"));
    sandbox.audit();
}

/// A subscriber's certificate, PEM.
async fn subscriber(api: &Api, case: &Case) -> Vec<u8> {
    let record = api.record(case).await;
    let data = decoded(&record["certificate_set"][0]["data"]);
    openssl(["x509"], &data).must_accept().stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_shows_at_once_in_the_shard_that_the_certificate_points_to() {
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    let (first, secrets) = api.issued(&sandbox).await;
    let (second, _) = api.issued(&sandbox).await;
    let (revoked, good) = (
        subscriber(&api, &first).await,
        subscriber(&api, &second).await,
    );
    let desk = tempfile::tempdir().expect("a temporary folder");
    let points = addresses(&revoked, "crlDistributionPoints");
    assert_eq!(points.len(), 1);

    // OpenSSL fetches the list from where the certificate says that it is.
    let root = sandbox.root();
    let issuing = sandbox.dir().join("keys/issuing.crt");
    let check = |name: &str, certificate: &[u8]| {
        let file = desk.path().join(name);
        fs::write(&file, certificate).expect("the folder is writable");
        let arguments = [
            "verify",
            "-crl_check",
            "-crl_download",
            "-CAfile",
            path(&root),
        ];
        let rest = ["-untrusted", path(&issuing), path(&file)];
        let output = openssl(arguments.into_iter().chain(rest), b"");
        (output.accepted(), output.transcript())
    };
    for certificate in [&revoked, &good] {
        let (accepted, said) = check("before.pem", certificate);
        assert!(accepted, "{said}");
    }
    let cached = ocsp_by_get(&sandbox, &desk, &revoked).await;
    assert!(cached.0.contains(": good"), "{}", cached.0);
    let control = &cached.1["cache-control"];
    assert_eq!(
        control,
        "max-age=300, public, no-transform, must-revalidate"
    );
    assert!(cached.1.contains_key("expires") && cached.1.contains_key("last-modified"));

    let body = json!({
        "scratchcard": first.sn, "erc": secrets["erc"], "reason": "KEYCOMPROMISE",
    });
    api.post("/scratchcards/revoke/", &body).await.ok();
    let (accepted, said) = check("after.pem", &revoked);
    assert!(!accepted && said.contains("certificate revoked"), "{said}");
    let (accepted, said) = check("good.pem", &good);
    assert!(accepted, "{said}");
    let now = ocsp_by_get(&sandbox, &desk, &revoked).await.0;
    assert!(
        now.contains(": revoked") && now.contains("keyCompromise"),
        "{now}"
    );

    // The same lists come as files.
    let out = desk.path().join("lists");
    ca(["crl", "--dir", path(sandbox.dir()), "--out", path(&out)]);
    let list = points[0].split_once("/pki/").expect("a path below /pki/").1;
    let list = fs::read(out.join(list)).expect("the shard is there");
    let read = ["crl", "-inform", "DER", "-noout", "-text"];
    let read = openssl(read, &list).must_accept().text();
    assert!(read.contains("Key Compromise"), "{read}");
    assert!(
        read.contains("X509v3 Issuing Distribution Point: critical"),
        "{read}"
    );
    // Shards that no certificate could name are none.
    for unknown in ["1024.crl", "01.crl", "x.crl", "-1.crl", "1.crt"] {
        let folder = points[0].rsplit_once('/').expect("a path").0;
        let answer = reqwest::get(format!("{folder}/{unknown}")).await;
        assert_eq!(answer.expect("an answer").status(), 404, "{unknown}");
    }
}

/// What OpenSSL reads in the answer that a GET gets, and the answer's header fields.
async fn ocsp_by_get(
    sandbox: &Sandbox,
    desk: &TempDir,
    certificate: &[u8],
) -> (String, reqwest::header::HeaderMap) {
    use base64::Engine;
    let put = |name: &str, content: &[u8]| -> PathBuf {
        let path = desk.path().join(name);
        fs::write(&path, content).expect("the folder is writable");
        path
    };
    let file = put("asked.pem", certificate);
    let (root, issuing) = (sandbox.root(), sandbox.dir().join("keys/issuing.crt"));
    let request = desk.path().join("request.der");
    let about = ["-issuer", path(&issuing), "-cert", path(&file)];
    let ask = ["ocsp", "-no_nonce", "-reqout", path(&request)];
    openssl(ask.into_iter().chain(about), b"").must_accept();
    let request = fs::read(&request).expect("it was written");
    let request = base64::engine::general_purpose::STANDARD.encode(request);
    let escaped: String = url::form_urlencoded::byte_serialize(request.as_bytes()).collect();
    let url = text(&sandbox.description()["ocsp_url"]);
    let answer = reqwest::get(format!("{url}/{escaped}"))
        .await
        .expect("an answer");
    let headers = answer.headers().clone();
    let answer = put("answer.der", &answer.bytes().await.expect("a body"));
    let read = ["ocsp", "-respin", path(&answer), "-CAfile", path(&root)];
    let said = openssl(read.into_iter().chain(about), b"").must_accept();
    let said = said.transcript();
    assert!(said.contains("Response verify OK"), "{said}");
    (said, headers)
}

/// What OpenSSL says of the first issuing CA by the root's list and by the root's responder.
fn heard_of_issuing(sandbox: &Sandbox, list: &[u8]) -> (bool, String) {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let pem = desk.path().join("list.pem");
    let convert = ["crl", "-inform", "DER", "-out", path(&pem)];
    openssl(convert, list).must_accept();
    let (root, issuing) = (sandbox.root(), sandbox.dir().join("keys/issuing.crt"));
    let trust = ["-CAfile", path(&root), "-CRLfile", path(&pem)];
    let verify = ["verify", "-crl_check"].into_iter().chain(trust);
    let trusted = openssl(verify.chain([path(&issuing)]), b"").accepted();
    let certificate = fs::read(&issuing).expect("it is there");
    let ocsp = &addresses(&certificate, "authorityInfoAccess")[0];
    let ask = [
        "ocsp",
        "-url",
        ocsp,
        "-timeout",
        "30",
        "-CAfile",
        path(&root),
    ];
    let about = ["-issuer", path(&root), "-cert", path(&issuing)];
    let said = openssl(ask.into_iter().chain(about), b"").must_accept();
    (trusted, said.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_revokes_an_authority_and_everybody_hears_of_it() {
    let sandbox = Sandbox::start(Options::default());
    let place = ["--dir", path(sandbox.dir())];
    let client = sandbox.client(Dialect::New);
    let desk = tempfile::tempdir().expect("a temporary folder");
    let keep = |name: &str, pdf: &[u8]| {
        let file = desk.path().join(name);
        fs::write(&file, pdf).expect("the folder is writable");
        file
    };
    let at_level = |level: &str| order(json!({ "signature": { "level": level } }));
    let pks = approved(&client).await;
    let file = [("file", "agreement.pdf", specimen("agreement.pdf"))];
    let uids = upload(&client, pks, &file).await;
    let signed = client.sign(pks, &at_level("LTVA")).await;
    signed.said("Documents correctly signed");
    let bare = signed_agreement(&client, &at_level("BASIC")).await;
    let bare = keep("bare.pdf", &bare);

    let base = text(&sandbox.description()["base_url"]);
    let address = format!("{base}/pki/root.crl");
    let issuing = fs::read(sandbox.dir().join("keys/issuing.crt")).expect("it is there");
    assert_eq!(
        addresses(&issuing, "crlDistributionPoints"),
        [address.as_str()]
    );
    let published = || async {
        let answer = reqwest::get(&address).await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/pkix-crl");
        answer.bytes().await.expect("a body")
    };
    let first = published().await;
    let heard = tokio::task::block_in_place(|| heard_of_issuing(&sandbox, &first));
    assert!(heard.0 && heard.1.contains(": good"), "{}", heard.1);

    let revoke = |name: &'static str| {
        let what = ["revoke", name, "--reason", "key-compromise"];
        try_ca(what.into_iter().chain(place))
    };
    let refused = |name, words: &str| {
        let (accepted, said) = revoke(name);
        assert!(!accepted && said.contains(words), "{name}: {said}");
    };
    refused("time-stamping", "was not appointed by the root");
    refused("root", "was not appointed by the root");
    refused("issuing", "is in use");
    ca(["new-issuing"].into_iter().chain(place));
    refused("issuing", "avouch ca new-tsa");
    ca(["new-tsa"].into_iter().chain(place));
    // The new unit proves how old everything is that the old one stamped.
    let renew = ["renew", "--regardless", "--within-days", "36500"];
    let renewed = avouch().args(renew).args(place).output();
    let renewed = renewed.expect("the program starts");
    assert!(renewed.status.success(), "{renewed:?}");
    let proven = client.document(pks, "signed", &uids[0]).await.pdf();
    let proven = keep("proven.pdf", &proven);
    // Lists tell of whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (accepted, said) = revoke("issuing");
    assert!(accepted, "{said}");
    let root = sandbox.root();
    let record = sandbox.dir().join("ceremonies/ceremony-2.json");
    let told = ca(["verify-record", path(&record), "--root", path(&root)]);
    assert!(told.contains("issuing, serial number"), "{told}");
    assert_eq!(read_json(&record)["purpose"], "revocation");

    // The server looks every few seconds.
    let mut patience = 100;
    let heard = loop {
        let list = published().await;
        let heard = tokio::task::block_in_place(|| heard_of_issuing(&sandbox, &list));
        if !heard.0 {
            break heard.1;
        }
        patience -= 1;
        assert!(patience > 0, "the server never published the list");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(
        heard.contains(": revoked") && heard.contains("keyCompromise"),
        "{heard}"
    );

    // What is proven to be older stays valid; what is not does not. Whoever signs now is below
    // another authority, and so is the time-stamping unit.
    let later = keep(
        "later.pdf",
        &signed_agreement(&client, &at_level("LTVA")).await,
    );
    let files = [proven, bare, later];
    let list = sandbox.dir().join("keys/root.crl");
    let judged = |flags: &[&str]| {
        let reports = verified(&root, &files, flags);
        let verdicts = reports.into_iter().map(|one| {
            let first = &one["signatures"][0];
            (first["level"].clone(), first["sub_indication"].clone())
        });
        verdicts.collect::<Vec<_>>()
    };
    let tolerant = "--tolerate-missing-revocation";
    let (lta, none) = ((json!("B-LTA"), Value::Null), Value::Null);
    assert_eq!(
        judged(&[tolerant]),
        [lta.clone(), (json!("B-B"), none), lta.clone()]
    );
    let revoked = (json!("B-B"), json!("REVOKED_CA_NO_POE"));
    assert_eq!(
        judged(&[tolerant, "--crl", path(&list)]),
        [lta.clone(), revoked, lta]
    );
}
