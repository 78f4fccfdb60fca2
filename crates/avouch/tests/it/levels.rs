//! What signatures are worth: the level, by every name and from every place that may set one, and what
//! others say of it when it was made and years later, with the server gone.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    Offline, PdfSigTrust, PyHankoReport, openssl, pdfsig_at, pyhanko_offline, qpdf_check,
    workspace_root,
};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::acts::{
    House, approved, approved_with, moment, order, signed_agreement, soon_after, upload, verified,
};
use crate::client::{DIALECTS, Dialect, OneShot, Pks, specimen};
use crate::harness::{Options, Sandbox};
use crate::registration::client::Api;

/// The names of the contract, their aliases and those of the standards, and what `avouch verify` finds.
const NAMES: [(&str, &str); 16] = [
    ("BASIC", "B-B"),
    ("T", "B-T"),
    ("LTVLITE", "B-T"),
    ("LTV", "B-LT"),
    ("LTVA", "B-LTA"),
    ("BES", "B-B"),
    ("B", "B-B"),
    ("B-B", "B-B"),
    ("B-T", "B-T"),
    ("LT", "B-LT"),
    ("B-LT", "B-LT"),
    ("PAdES-B-LT", "B-LT"),
    ("ltv", "B-LT"),
    ("LTA", "B-LTA"),
    ("B-LTA", "B-LTA"),
    ("pades-b-lta", "B-LTA"),
];

/// `avouch verify`'s opinion with missing revocation data tolerated.
fn levels_of(root: &Path, files: &[Bytes]) -> Vec<String> {
    let desk = tempfile::tempdir().unwrap();
    let paths: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(number, pdf)| put(&desk, &format!("{number}.pdf"), pdf))
        .collect();
    let reports = verified(root, &paths, &["--tolerate-missing-revocation"]);
    let level = |report: &Value| {
        assert_eq!(report["valid"], true, "{report:#}");
        let last = report["signatures"].as_array().unwrap().last().unwrap();
        last["level"].as_str().unwrap().to_owned()
    };
    reports.iter().map(level).collect()
}

fn put(desk: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = desk.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn at_level(name: &str) -> Value {
    order(json!({ "signature": { "level": name } }))
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_go_by_every_name_in_both_dialects() {
    let sandbox = Sandbox::shared();
    for (dialect, names) in [(Dialect::New, &NAMES[..]), (Dialect::Legacy, &NAMES[..5])] {
        let client = sandbox.client(dialect);
        let mut files = Vec::new();
        for (name, _) in names {
            files.push(signed_agreement(&client, &at_level(name)).await);
        }
        let levels = levels_of(&sandbox.root(), &files);
        let expected: Vec<_> = names.iter().map(|(_, level)| *level).collect();
        assert_eq!(levels, expected, "{names:?}");
    }
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = approved(&client).await;
        client.agreement(pks).await;
        let refused = client.sign(pks, &at_level("LTVX")).await;
        refused.refused(
            400,
            "signature.level: must be BASIC, T, LTVLITE, LTV or LTVA",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_comes_before_the_authority_the_settings_and_the_server() {
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let unnamed = order(json!({}));
    let mut files = vec![signed_agreement(&client, &unnamed).await];
    let settings = json!({ "signature": { "default_level": "LTVA" } });
    client
        .post("/settings", &settings)
        .await
        .said("Settings saved successfully");
    files.push(signed_agreement(&client, &unnamed).await);

    let level = json!({ "signature_level": "T" });
    let authority = Api::of(&sandbox).new_authority(level).await;
    let place = json!({ "registration_authority": authority });
    for named in [json!({}), json!({ "signature": { "level": "BASIC" } })] {
        let pks = approved_with(&client, place.clone()).await;
        let uid = client.agreement(pks).await;
        client.otp(pks).await.said("OTP generated");
        let mut order = named;
        order["secret"] = sandbox.code_for(pks.request).await.into();
        client
            .sign(pks, &order)
            .await
            .said("Documents correctly signed");
        files.push(client.document(pks, "signed", &uid).await.pdf());
    }
    let found = levels_of(&sandbox.root(), &files);
    assert_eq!(found, ["B-LT", "B-LTA", "B-T", "B-B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_have_a_level_of_its_own() {
    let house = House::start(&[("AVOUCH__SIGNATURE__DEFAULT_LEVEL", "T")]).await;
    let files = [
        house.signed_agreement(json!({})).await,
        house
            .signed_agreement(json!({ "signature": { "level": "LTV" } }))
            .await,
    ];
    assert_eq!(levels_of(&house.root(), &files), ["B-T", "B-LT"]);
}

/// One row of the page: how a file was signed, and the file.
struct Product {
    name: String,
    path: PathBuf,
}

/// When the judges judge, after the signature.
const MOMENTS: [(&str, Duration); 4] = [
    ("When it was signed", Duration::ZERO),
    (
        "Two days later: the one-time certificate has ended, the OCSP answers are stale",
        Duration::days(2),
    ),
    ("After 400 days", Duration::days(400)),
    (
        "After 1,800 days: the OCSP responders have ended, the time-stamping unit is about to",
        Duration::days(1800),
    ),
];

const PAGE: &str = "docs/levels.md";
const BEGIN: &str = "<!-- Written by `make levels`, from here -->\n";
const END: &str = "<!-- to here -->\n";

/// What the page says stands between the marks; with `AVOUCH_WRITE_DOCS` set it is written anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_levels_says_what_judges_say() {
    let desk = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options::default());
    let client = sandbox.client(Dialect::New);
    let mut classic = Vec::new();
    for level in ["BASIC", "T", "LTVLITE", "LTV", "LTVA"] {
        let pdf = signed_agreement(&client, &at_level(level)).await;
        classic.push(Product {
            path: put(&desk, &format!("{level}.pdf"), &pdf),
            name: format!("`{level}`"),
        });
    }
    let digests = hashes(&client, &desk).await;
    let house = House::start(&[("AVOUCH__SIGNATURE__POSTURE", "short-term")]).await;
    let mut short = Vec::new();
    for level in ["T", "LTV", "LTVA"] {
        let pdf = house
            .signed_agreement(json!({ "signature": { "level": level } }))
            .await;
        short.push(Product {
            path: put(&desk, &format!("short-{level}.pdf"), &pdf),
            name: format!("`{level}`, short-term"),
        });
    }
    // Nobody is left who could be asked.
    let (root, own_root) = (put_copy(&desk, &sandbox.root()), house.root());
    sandbox.kill();
    let House {
        mut installation, ..
    } = house;
    installation.kill();

    let signed = soon_after(&fs::read(&short[2].path).unwrap());
    let mut page = String::new();
    for (title, later) in MOMENTS {
        let at = signed + later;
        writeln!(page, "\n### {title}\n").unwrap();
        page.push_str(
            "| Level | avouch verify | pyHanko | pyHanko, unit known | pdfsig | openssl cms |\n",
        );
        page.push_str("|---|---|---|---|---|---|\n");
        page.push_str(&pdf_rows(&classic, &root, at));
        page.push_str(&pdf_rows(&short, &own_root, at));
        page.push_str("\n| Digest at | avouch verify | openssl cms |\n|---|---|---|\n");
        page.push_str(&digest_rows(&digests, &root, at));
    }
    must_stand_in_the_page(&page);
}

fn put_copy(desk: &TempDir, file: &Path) -> PathBuf {
    put(desk, "root.pem", &fs::read(file).unwrap())
}

/// A `.p7m` at both levels that there are for digests.
async fn hashes(client: &OneShot, desk: &TempDir) -> Vec<Product> {
    let content = specimen("terms.pdf");
    put(desk, "content", &content);
    let mut products = Vec::new();
    for level in ["BASIC", "T"] {
        let pks: Pks = approved(client).await;
        let digest = crypto::sha256(&content);
        let file = json!({ "messageDigest": base64(&digest), "digestAlgorithm": "sha256" });
        let file = ("hashfile", "hash.json", file.to_string().into_bytes());
        let uids = upload(client, pks, &[file]).await;
        client
            .sign(pks, &at_level(level))
            .await
            .said("Documents correctly signed");
        let p7m = client.document(pks, "signed", &uids[0]).await;
        products.push(Product {
            path: put(desk, &format!("{level}.p7m"), &p7m.body),
            name: format!("`{level}`"),
        });
    }
    products
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn pdf_rows(products: &[Product], root: &Path, at: OffsetDateTime) -> String {
    let moment = moment(at);
    let paths: Vec<_> = products.iter().map(|one| one.path.as_path()).collect();
    let ask = |by| pyhanko_offline(&moment, &paths, root, by);
    let (alone, told) = (ask(Offline::FileAlone), ask(Offline::NewestUnitGood));
    let files: Vec<_> = products.iter().map(|one| one.path.clone()).collect();
    let rfc3339 = at.format(&Rfc3339).unwrap();
    let ours = verified(root, &files, &["--at", &rfc3339]);

    let mut rows = String::new();
    for (((product, alone), told), ours) in products.iter().zip(&alone).zip(&told).zip(&ours) {
        qpdf_check(&product.path).must_accept();
        let pdfsig = &pdfsig_at(&moment, &product.path, root)[0];
        assert!(pdfsig.valid, "{pdfsig:?}");
        let trust = match &pdfsig.trust {
            PdfSigTrust::Trusted | PdfSigTrust::NoWord => "valid".to_owned(),
            PdfSigTrust::Refused(words) => format!("valid; {}", lowered(words)),
        };
        let (container, content) = taken_apart(&product.path);
        let openssl = openssl_says(&container, &content, root, at);
        let words = [
            verdict(&ours["signatures"][0]),
            pyhanko_says(alone),
            pyhanko_says(told),
            trust,
            openssl,
        ];
        writeln!(rows, "| {} | {} |", product.name, words.join(" | ")).unwrap();
    }
    rows
}

fn digest_rows(products: &[Product], root: &Path, at: OffsetDateTime) -> String {
    let mut rows = String::new();
    let rfc3339 = at.format(&Rfc3339).unwrap();
    for Product { name, path } in products {
        let content = path.with_file_name("content");
        let openssl = openssl_says(path, &content, root, at);
        let content = content.to_str().unwrap();
        let flags = ["--at", &rfc3339, "--content", content];
        let ours = verified(root, std::slice::from_ref(path), &flags);
        let verdict = verdict(&ours[0]["signatures"][0]);
        writeln!(rows, "| {name} | {verdict} | {openssl} |").unwrap();
    }
    rows
}

/// The verdict of the AdES procedure.
fn pyhanko_says(reports: &[PyHankoReport]) -> String {
    let [report] = reports else {
        panic!("not one signature: {reports:?}")
    };
    assert!(report.intact && report.valid, "{report:?}");
    report.ades.replace('/', ": ")
}

/// `avouch verify`'s verdict and level.
fn verdict(signature: &Value) -> String {
    let text = |name: &str| signature[name].as_str();
    let mut words = text("indication").unwrap().to_owned();
    if let Some(why) = text("sub_indication") {
        write!(words, ": {why}").unwrap();
    }
    if let Some(level) = text("level") {
        write!(words, ", {level}").unwrap();
    }
    words
}

/// The container and the bytes that it is about, as files beside the PDF.
fn taken_apart(pdf: &Path) -> (PathBuf, PathBuf) {
    let bytes = fs::read(pdf).unwrap();
    let signature = &pades::signatures(&bytes).unwrap()[0];
    let range = |at: usize| {
        let number = |at: usize| usize::try_from(signature.byte_range[at]).unwrap();
        &bytes[number(at)..number(at) + number(at + 1)]
    };
    let (container, content) = (pdf.with_extension("p7s"), pdf.with_extension("bytes"));
    fs::write(&container, &signature.cms).unwrap();
    fs::write(&content, [range(0), range(2)].concat()).unwrap();
    (container, content)
}

/// OpenSSL knows nothing of time-stamps: it asks whether the certificate is good at the time.
fn openssl_says(container: &Path, content: &Path, root: &Path, at: OffsetDateTime) -> String {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let at = at.unix_timestamp().to_string();
    let (container, content, root) = (text(container), text(content), text(root));
    let arguments = [
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-in",
        &container,
        "-content",
        &content,
        "-CAfile",
        &root,
        "-purpose",
        "any",
        "-attime",
        &at,
        "-out",
        "/dev/null",
    ];
    let output = openssl(arguments, b"");
    if output.accepted() {
        return "valid".to_owned();
    }
    let error = output.stderr.lines().find_map(|line| {
        let (_, words) = line.split_once("Verify error:")?;
        Some(words.trim())
    });
    error
        .unwrap_or_else(|| panic!("{}", output.transcript()))
        .to_owned()
}

fn lowered(words: &str) -> String {
    words.trim_end_matches('.').to_lowercase()
}

#[track_caller]
fn must_stand_in_the_page(tables: &str) {
    let path = workspace_root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has its marks");
    let (written, after) = rest.split_once(END).expect("the page has its marks");
    if std::env::var_os("AVOUCH_WRITE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, tables, "\n", END, after].concat()).unwrap();
        return;
    }
    let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (old, new) = (lines(written), lines(tables));
    let gone: Vec<_> = old
        .difference(&new)
        .filter(|line| !line.is_empty())
        .collect();
    let come: Vec<_> = new
        .difference(&old)
        .filter(|line| !line.is_empty())
        .collect();
    assert!(
        written.trim() == tables.trim(),
        "{PAGE} is out of date (make levels):\n- {gone:#?}\n+ {come:#?}"
    );
}
