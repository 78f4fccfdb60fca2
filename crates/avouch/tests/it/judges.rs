//! What comes out, judged by software that we did not write: signatures, certificates, OCSP
//! answers, time-stamps, and the contract as a PDF.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    HttpSink, PdfSigTrust, Revocation, openssl, pdfsig, pkilint_etsi, pyhanko, qpdf_check, run,
};

use crate::client::{
    ANA, Dialect, ELENI, OneShot, PEOPLE, Person, Pks, YORDAN, external_unlock, specimen,
};
use crate::harness::{Installation, Options, Sandbox};

/// A signed request and what it produced.
struct Signed {
    record: Value,
    documents: Vec<(Bytes, Bytes)>,
    contract: Bytes,
}

async fn sign_for(client: &OneShot, person: Person) -> Signed {
    let pks = client.approved(&person).await;
    let names = ["agreement.pdf", "terms.pdf"];
    let files = names.map(|name| ("file", name, specimen(name)));
    let uploaded = client.documents(pks, &files).await.payload();
    client
        .sign(pks, &external_unlock())
        .await
        .said("Documents correctly signed");
    let mut documents = Vec::new();
    for (item, (_, _, original)) in uploaded.as_array().unwrap().iter().zip(files) {
        let uid = item["uid"].as_str().unwrap();
        let signed = client.document(pks, "signed", uid).await.pdf();
        documents.push((original.into(), signed));
    }
    let contract = client.contract(pks).await.pdf();
    Signed {
        record: client.record(pks).await,
        documents,
        contract,
    }
}

/// A folder for what judges read from files.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("the temporary folder is writable");
        path
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signature_is_accepted_by_pdfsig_qpdf_and_pyhanko() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let root = sandbox.root();
    let desk = Desk::new();
    let signed = sign_for(&client, ANA).await;
    let officer = signed.record["approving_rao"].clone();
    let signer = common_name(&signed.record["certificate_set"][0]);
    let rao = common_name(&officer["certificate"]);
    assert_ne!(signer, rao);

    let mut files = Vec::new();
    for (number, (original, pdf)) in signed.documents.iter().enumerate() {
        assert!(pdf.starts_with(original), "bytes of the original changed");
        files.push((
            desk.put(&format!("{number}.pdf"), pdf),
            vec![signer.as_str()],
        ));
    }
    files.push((
        desk.put("contract.pdf", &signed.contract),
        vec![rao.as_str(), signer.as_str()],
    ));
    let mut stamps = Vec::new();
    for (path, signers) in &files {
        qpdf_check(path).must_accept();
        check_pdfsig(path, &root, signers);
        stamps.extend(check_pyhanko(path, &root, signers));
    }
    // The same authority stamped everything, after the officer approved.
    assert_eq!(stamps.len(), 4);
    assert!(stamps.iter().all(|unit| *unit == stamps[0]), "{stamps:?}");

    // A judge that accepts everything would be none: one changed byte, and another root.
    let mut broken = signed.documents[0].1.to_vec();
    let at = signed.documents[0].0.len() / 2;
    broken[at] ^= 1;
    let broken = pdfsig(&desk.put("broken.pdf", &broken), &root);
    assert!(broken.iter().all(|report| !report.valid), "{broken:?}");
    let foreign = Sandbox::shared();
    let untrusted = pyhanko(&files[0].0, &foreign.root(), Revocation::Ignore);
    assert!(
        untrusted
            .iter()
            .all(|report| !report.trusted && !report.bottom_line)
    );
}

/// pdfsig finds these signatures, all valid, the last over the whole file.
#[track_caller]
pub fn check_pdfsig(path: &Path, root: &Path, signers: &[&str]) {
    let reports = pdfsig(path, root);
    assert_eq!(reports.len(), signers.len(), "{reports:?}");
    for (report, signer) in reports.iter().zip(signers) {
        assert!(report.valid, "{report:?}");
        assert_eq!(report.signer, **signer);
        assert_eq!(report.signature_type, "ETSI.CAdES.detached");
        assert_eq!(report.hash_algorithm, "SHA-256");
        assert!(
            matches!(report.trust, PdfSigTrust::Trusted | PdfSigTrust::NoWord),
            "{report:?}"
        );
    }
    assert!(reports.last().unwrap().covers_whole_document, "{reports:?}");
}

/// pyHanko accepts these signatures, unrevoked and time-stamped: by which units.
#[track_caller]
pub fn check_pyhanko(path: &Path, root: &Path, signers: &[&str]) -> Vec<String> {
    let mut units = Vec::new();
    // Every certificate must be shown to be unrevoked by the responder that it names.
    let reports = pyhanko(path, root, Revocation::Require);
    assert_eq!(reports.len(), signers.len(), "{reports:?}");
    // The AdES procedure asks nobody online, and B-T carries no answers with it.
    for report in pyhanko(path, root, Revocation::Ignore) {
        assert_eq!(report.ades, "PASSED", "{report:?}");
    }
    for (report, signer) in reports.iter().zip(signers) {
        assert!(
            report.intact && report.valid && report.trusted,
            "{report:?}"
        );
        assert!(report.bottom_line, "{report:?}");
        assert!(report.signer.contains(signer), "{report:?}");
        assert_eq!(report.subfilter, "/ETSI.CAdES.detached");
        assert_eq!(report.digest_algorithm, "sha256");
        let stamp = report.timestamp.as_ref().expect("a signature time-stamp");
        assert!(stamp.intact && stamp.valid && stamp.trusted, "{report:?}");
        units.push(stamp.signer.clone());
    }
    let last = reports.last().unwrap();
    assert_eq!(last.coverage, "ENTIRE_FILE");
    assert_eq!(last.modification_level, "NONE");
    units
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_what_openssl_and_pkilint_expect_of_a_natural_person_s() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::Legacy);
    let desk = Desk::new();
    let keys = sandbox.dir().join("keys");
    let (root, issuing) = (keys.join("root.crt"), keys.join("issuing.crt"));
    let chain = [
        "-CAfile".as_ref(),
        root.as_os_str(),
        "-untrusted".as_ref(),
        issuing.as_os_str(),
    ];
    for person in PEOPLE {
        let pks = client.approved(&person).await;
        client.agreement(pks).await;
        client
            .sign(pks, &external_unlock())
            .await
            .said("Documents correctly signed");
        let record = client.record(pks).await;
        let certificate = &record["certificate_set"][0];
        let pem = certificate["data"].as_str().unwrap();
        let path = desk.put("signer.pem", pem.as_bytes());

        let verify = ["verify", "-x509_strict"].map(OsStr::new);
        let arguments = verify.into_iter().chain(chain).chain([path.as_os_str()]);
        openssl(arguments, b"").must_accept();

        let subject = name_parts(&path, "-subject");
        let serial = format!("IDCES-{}", person.serial_number);
        let surname = format!("{} {}", person.surname_1, person.surname_2);
        let expected = BTreeMap::from([
            ("C".to_owned(), "ES".to_owned()),
            ("GN".to_owned(), person.given_name.to_owned()),
            ("SN".to_owned(), surname.trim().to_owned()),
            ("serialNumber".to_owned(), serial),
            (
                "CN".to_owned(),
                format!("{} {}", person.given_name, surname.trim()),
            ),
        ]);
        assert_eq!(subject, expected);
        let day = field(&path, &["-noout", "-dates"]);
        let (from, to) = day.trim().split_once('\n').expect("two lines");
        let from = epoch(from.strip_prefix("notBefore=").unwrap());
        let to = epoch(to.strip_prefix("notAfter=").unwrap());
        assert!(
            (24 * 3600 - 1..=24 * 3600 + 300).contains(&(to - from)),
            "{day}"
        );
        let serial = field(&path, &["-noout", "-serial"]).to_lowercase();
        let told = certificate["serial_number"].as_str().unwrap();
        assert_eq!(serial.trim(), format!("serial={told}"));
        let usage = field(&path, &["-noout", "-ext", "keyUsage,extendedKeyUsage"]);
        assert!(usage.contains("Non Repudiation"), "{usage}");
        assert!(!usage.contains("Key Cert Sign"), "{usage}");
        // One-time: never the same key again.
        let key = field(&path, &["-noout", "-pubkey"]);
        assert!(
            !desk
                .0
                .path()
                .join(hex::encode(crypto::sha256(key.as_bytes())))
                .exists()
        );
        desk.put(&hex::encode(crypto::sha256(key.as_bytes())), b"");
    }

    // The officer's own.
    let pks = client.reviewable(&ANA).await;
    client
        .approve(pks, &client.officer())
        .await
        .said("Request approved successfully");
    let record = client.record(pks).await;
    let pem = record["approving_rao"]["certificate"]["data"]
        .as_str()
        .unwrap();
    let path = desk.put("officer.pem", pem.as_bytes());
    openssl(
        ["verify".as_ref()]
            .into_iter()
            .chain(chain)
            .chain([path.as_os_str()]),
        b"",
    )
    .must_accept();

    // What the server publishes is what the files hold.
    for (name, file) in [("root", &root), ("issuing", &issuing)] {
        let base = sandbox.description()["base_url"].as_str().unwrap();
        let url = format!("{base}/pki/{name}.crt");
        let der = client
            .http
            .get(&url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        let arguments = ["x509", "-outform", "DER", "-in"].map(OsStr::new);
        let known = openssl(arguments.into_iter().chain([file.as_os_str()]), b"").must_accept();
        assert!(known.stdout == der, "{url}");
    }
}

/// A real installation under a public name, with codes through an SMS gateway. (pkilint rightly
/// minds the loopback URLs in a sandbox's certificates.)
#[tokio::test(flavor = "multi_thread")]
async fn pkilint_has_nothing_to_say_about_a_real_installation_s_certificates() {
    let gateway = HttpSink::start().await;
    let flags = [
        "--public-url",
        "https://sign.example.com",
        "--organisation",
        "Ejemplo S.L.",
    ];
    let mut installation = Installation::init(flags);
    let mut config = fs::read_to_string(installation.config()).unwrap();
    config.push_str(&format!(
        "[otp.sms_gateway]\nurl = \"{}\"\nmethod = \"POST\"\n\
         body = '{{\"to\": \"{{to}}\", \"message\": \"{{text}}\"}}'\n\
         [otp.sms_gateway.headers]\nContent-Type = \"application/json\"\n\
         Authorization = \"Bearer gateway-secret\"\n",
        gateway.url("/messages")
    ));
    fs::write(installation.config(), config).unwrap();
    installation.serve(&[]);
    installation.confide("gateway-secret");

    let client = OneShot::new(&installation.description(), Dialect::New);
    let pks = client.reviewable(&ANA).await;
    client
        .approve(pks, &client.officer())
        .await
        .said("Request approved successfully");
    let uid = client.agreement(pks).await;
    client.otp(pks).await.said("OTP generated");
    let message = gateway.wait_for(1).await.remove(0);
    assert_eq!(
        (message.method.as_str(), message.uri.path()),
        ("POST", "/messages")
    );
    assert_eq!(message.header("authorization"), "Bearer gateway-secret");
    let body = message.json();
    assert_eq!(body["to"], ANA.phone);
    let text = body["message"].as_str().unwrap();
    assert!(text.contains(&pks.request.to_string()), "{text}");
    let code = text
        .split(' ')
        .find(|word| word.len() == 6 && word.parse::<u32>().is_ok());
    let code = code.unwrap_or_else(|| panic!("no code in {text:?}"));
    installation.confide(code);
    client
        .sign(pks, &json!({ "secret": code }))
        .await
        .said("Documents correctly signed");
    client.document(pks, "signed", &uid).await.pdf();

    let desk = Desk::new();
    let record = client.record(pks).await;
    let (signer, officer) = (
        &record["certificate_set"][0],
        &record["approving_rao"]["certificate"],
    );
    for certificate in [signer, officer] {
        let pem = certificate["data"].as_str().unwrap();
        let path = desk.put("certificate.pem", pem.as_bytes());
        assert_eq!(serious_findings(&path), [""; 0]);
        let points = field(&path, &["-noout", "-ext", "authorityInfoAccess"]);
        assert!(points.contains("https://sign.example.com/ocsp"), "{points}");
    }
}

/// Errors and warnings of the lint for natural persons' certificates.
fn serious_findings(certificate: &Path) -> Vec<String> {
    let findings = pkilint_etsi(&[("NCP-NATURAL-PERSON-CERTIFICATE", certificate)]);
    let serious = findings.into_iter().flatten();
    let serious = serious.filter(|one| one.severity != "NOTICE");
    serious
        .map(|one| format!("{} {} at {}", one.severity, one.code, one.node))
        .collect()
}

fn field(certificate: &Path, arguments: &[&str]) -> String {
    let arguments = ["x509"].iter().chain(arguments).map(OsStr::new);
    let file = ["-in".as_ref(), certificate.as_os_str()];
    openssl(arguments.chain(file), b"").must_accept().text()
}

/// The attributes of a name by their short names, each a single one.
fn name_parts(certificate: &Path, which: &str) -> BTreeMap<String, String> {
    let form = "sep_multiline,utf8,sname";
    let text = field(certificate, &["-noout", which, "-nameopt", form]);
    let mut parts = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (name, value) = line.trim().split_once('=').expect("name and value");
        let before = parts.insert(name.to_owned(), value.to_owned());
        assert!(before.is_none(), "{name} twice: {text}");
    }
    parts
}

fn common_name(certificate: &Value) -> String {
    common_name_of(certificate["data"].as_str().unwrap())
}

/// The subject's common name in a certificate, PEM.
pub fn common_name_of(pem: &str) -> String {
    let desk = Desk::new();
    let path = desk.put("c.pem", pem.as_bytes());
    name_parts(&path, "-subject")
        .remove("CN")
        .expect("a common name")
}

/// Seconds since 1970 of OpenSSL's `Jan  2 03:04:05 2026 GMT`.
fn epoch(openssl_time: &str) -> i64 {
    let output = run("date", ["-d", openssl_time, "+%s"], b"").must_accept();
    output.text().trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_gets_ocsp_answers_for_what_was_issued_and_for_nothing_else() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let desk = Desk::new();
    let signed = sign_for(&client, YORDAN).await;
    let signer = signed.record["certificate_set"][0]["data"]
        .as_str()
        .unwrap();
    let officer = signed.record["approving_rao"]["certificate"]["data"]
        .as_str()
        .unwrap();
    let keys = sandbox.dir().join("keys");
    let (root, issuing) = (keys.join("root.crt"), keys.join("issuing.crt"));
    let url = sandbox.description()["ocsp_url"].as_str().unwrap();
    let ask = |issuer: &Path, about: &[&OsStr]| {
        let arguments = ["ocsp", "-url", url, "-timeout", "30", "-issuer"].map(OsStr::new);
        let root = ["-CAfile".as_ref(), root.as_os_str()];
        let all = arguments
            .into_iter()
            .chain([issuer.as_os_str()])
            .chain(root);
        openssl(all.chain(about.iter().copied()), b"")
    };
    for (name, pem) in [("signer", signer), ("officer", officer)] {
        let path = desk.put(&format!("{name}.pem"), pem.as_bytes());
        let output = ask(&issuing, &["-cert".as_ref(), path.as_os_str()]).must_accept();
        let said = output.transcript();
        assert!(said.contains("Response verify OK"), "{said}");
        assert!(said.contains(": good"), "{said}");
    }
    let output = ask(&root, &["-cert".as_ref(), issuing.as_os_str()]).must_accept();
    let said = output.transcript();
    assert!(
        said.contains("Response verify OK") && said.contains(": good"),
        "{said}"
    );
    let output = ask(
        &issuing,
        &["-serial".as_ref(), "0x1234567890abcdef".as_ref()],
    );
    let said = output.transcript();
    assert!(
        said.contains("Response verify OK") && said.contains(": unknown"),
        "{said}"
    );

    // The GET form gives the same answer as the POST form.
    let request = desk.0.path().join("request.der");
    let path = desk.0.path().join("signer.pem");
    let arguments = [
        "ocsp".as_ref(),
        "-no_nonce".as_ref(),
        "-issuer".as_ref(),
        issuing.as_os_str(),
        "-cert".as_ref(),
        path.as_os_str(),
        "-reqout".as_ref(),
        request.as_os_str(),
    ];
    openssl(arguments, b"").must_accept();
    let request = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        fs::read(&request).unwrap(),
    );
    let escaped: String = url::form_urlencoded::byte_serialize(request.as_bytes()).collect();
    let answer = client
        .http
        .get(format!("{url}/{escaped}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/ocsp-response"
    );
    let answer = desk.put("answer.der", &answer.bytes().await.unwrap());
    let arguments = [
        "ocsp".as_ref(),
        "-respin".as_ref(),
        answer.as_os_str(),
        "-issuer".as_ref(),
        issuing.as_os_str(),
        "-cert".as_ref(),
        path.as_os_str(),
        "-CAfile".as_ref(),
        root.as_os_str(),
    ];
    let said = openssl(arguments, b"").must_accept().transcript();
    assert!(
        said.contains("Response verify OK") && said.contains(": good"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_verifies_time_stamps() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let desk = Desk::new();
    let url = sandbox.description()["tsa_url"].as_str().unwrap();
    let keys = sandbox.dir().join("keys");
    let (root, issuing) = (keys.join("root.crt"), keys.join("issuing.crt"));
    let data = desk.put("data", b"what there was");
    for (hash, with_certificate) in [("-sha256", true), ("-sha384", false), ("-sha512", true)] {
        let query = desk.0.path().join("query.tsq");
        let mut arguments = vec![
            "ts".as_ref(),
            "-query".as_ref(),
            "-data".as_ref(),
            data.as_os_str(),
            hash.as_ref(),
            "-out".as_ref(),
            query.as_os_str(),
        ];
        arguments.extend(with_certificate.then_some(OsStr::new("-cert")));
        openssl(arguments, b"").must_accept();
        let request = client
            .http
            .post(url)
            .header("content-type", "application/timestamp-query");
        let answer = request
            .body(fs::read(&query).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["content-type"],
            "application/timestamp-reply"
        );
        let reply = desk.put("reply.tsr", &answer.bytes().await.unwrap());
        let chain = desk.put(
            "chain.pem",
            &[
                fs::read(&issuing).unwrap(),
                fs::read(keys.join("time-stamping.crt")).unwrap(),
            ]
            .concat(),
        );
        let verify = |data: &Path| {
            let arguments = [
                "ts".as_ref(),
                "-verify".as_ref(),
                "-data".as_ref(),
                data.as_os_str(),
                "-in".as_ref(),
                reply.as_os_str(),
                "-CAfile".as_ref(),
                root.as_os_str(),
                "-untrusted".as_ref(),
                chain.as_os_str(),
            ];
            openssl(arguments, b"")
        };
        verify(&data).must_accept();
        verify(&desk.put("other", b"what there was not")).must_refuse();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_a_real_pdf_in_every_script() {
    let sandbox = Sandbox::shared();
    let client = sandbox.client(Dialect::New);
    let desk = Desk::new();
    for person in [ANA, ELENI, YORDAN] {
        let pks: Pks = client.approved(&person).await;
        let pdf = client.contract(pks).await.pdf();
        let path = desk.put("contract.pdf", &pdf);
        qpdf_check(&path).must_accept();

        let fonts = run("pdffonts", [&path], b"").must_accept().text();
        let listed: Vec<&str> = fonts.lines().skip(2).collect();
        assert!(!listed.is_empty(), "no fonts:\n{fonts}");
        for font in listed {
            // The columns from the right: object, generation, unicode map, subset, embedded.
            let columns: Vec<_> = font.split_whitespace().rev().collect();
            assert_eq!(
                (columns[4], columns[2]),
                ("yes", "yes"),
                "not embedded: {fonts}"
            );
        }
        let info = run("pdfinfo", [&path], b"").must_accept().text();
        assert!(
            info.lines()
                .any(|line| line.starts_with("Tagged:") && line.ends_with("yes"))
        );

        let text = run("pdftotext", [path.as_os_str(), "-".as_ref()], b"")
            .must_accept()
            .text();
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let others = ["Avouch Sandbox".to_owned(), pks.request.to_string()];
        for expected in person.texts().map(str::to_owned).chain(others) {
            assert!(text.contains(&expected), "no {expected:?} in:\n{text}");
        }
    }
}
