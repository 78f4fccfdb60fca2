use std::fs;
use std::path::{Path, PathBuf};

use testkit::{
    PdfSigTrust, Revocation, openssl, pdfsig, pkilint_etsi, pyhanko, qpdf_check, run, tool,
};

const PDF: &[u8] = include_bytes!("one-page.pdf");

/// Two roots of the same name, a certificate under the first, and a PDF signed with it: all made
/// by OpenSSL and pyHanko.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for root in ["root", "stranger"] {
            let key = fixture.path(&format!("{root}.key"));
            let certificate = fixture.path(&format!("{root}.pem"));
            let arguments = format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 \
                 -subj /C=ES/O=Kit/CN=Root -addext keyUsage=critical,keyCertSign,cRLSign \
                 -keyout {} -out {}",
                key.display(),
                certificate.display()
            );
            openssl(arguments.split_whitespace(), b"").must_accept();
        }
        fs::write(
            fixture.path("extensions"),
            "keyUsage=critical,nonRepudiation\nsubjectKeyIdentifier=hash\n\
             authorityKeyIdentifier=keyid\ncertificatePolicies=0.4.0.194112.1.0\n",
        )
        .unwrap();
        let dir = fixture.folder.path().display();
        let request = format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /C=ES/CN=Ana \
             -keyout {dir}/leaf.key -out {dir}/leaf.csr"
        );
        openssl(request.split_whitespace(), b"").must_accept();
        let issue = format!(
            "x509 -req -in {dir}/leaf.csr -CA {dir}/root.pem -CAkey {dir}/root.key -days 1 \
             -extfile {dir}/extensions -out {dir}/leaf.pem"
        );
        openssl(issue.split_whitespace(), b"").must_accept();
        fs::write(fixture.path("plain.pdf"), PDF).unwrap();
        let sign = format!(
            "sign addsig --field Sig1 --use-pades pemder --no-pass --key {dir}/leaf.key \
             --cert {dir}/leaf.pem --chain {dir}/root.pem {dir}/plain.pdf {dir}/signed.pdf"
        );
        run("pyhanko", sign.split_whitespace(), b"").must_accept();

        let signed = fs::read(fixture.path("signed.pdf")).unwrap();
        let at = signed
            .windows(7)
            .position(|window| window == b"200 200")
            .unwrap();
        let mut tampered = signed;
        tampered[at] = b'3';
        fs::write(fixture.path("tampered.pdf"), tampered).unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[test]
fn signatures_are_told_apart() {
    let fixture = Fixture::new();
    let (root, stranger) = (fixture.path("root.pem"), fixture.path("stranger.pem"));
    let (signed, tampered) = (fixture.path("signed.pdf"), fixture.path("tampered.pdf"));

    let good = &pdfsig(&signed, &root)[0];
    assert!(good.valid && good.covers_whole_document, "{good:?}");
    assert!(!matches!(good.trust, PdfSigTrust::Refused(_)), "{good:?}");
    assert_eq!(
        [
            &good.field,
            &good.signer,
            &good.signature_type,
            &good.hash_algorithm
        ],
        ["Sig1", "Ana", "ETSI.CAdES.detached", "SHA-256"]
    );
    let strange = &pdfsig(&signed, &stranger)[0];
    assert!(
        strange.valid && matches!(strange.trust, PdfSigTrust::Refused(_)),
        "{strange:?}"
    );
    assert!(!pdfsig(&tampered, &root)[0].valid);

    let good = &pyhanko(&signed, &root, Revocation::Ignore)[0];
    assert!(
        good.intact && good.valid && good.trusted && good.bottom_line,
        "{good:?}"
    );
    assert_eq!(
        (good.coverage.as_str(), good.modification_level.as_str()),
        ("ENTIRE_FILE", "NONE")
    );
    assert!(
        good.timestamp.is_none() && good.ades.starts_with("INDETERMINATE"),
        "{good:?}"
    );
    let unproven = &pyhanko(&signed, &root, Revocation::Require)[0];
    assert!(unproven.intact && !unproven.bottom_line, "{unproven:?}");
    let strange = &pyhanko(&signed, &stranger, Revocation::Ignore)[0];
    assert!(
        strange.intact && !strange.trusted && !strange.bottom_line,
        "{strange:?}"
    );
    let broken = &pyhanko(&tampered, &root, Revocation::Ignore)[0];
    assert!(
        !broken.intact && broken.ades == "FAILED/HASH_FAILURE",
        "{broken:?}"
    );
}

#[test]
fn broken_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    qpdf_check(&write("good.pdf", PDF)).must_accept();
    qpdf_check(&write("cut.pdf", &PDF[..PDF.len() / 2])).must_refuse();
}

#[test]
fn lint_findings_are_read() {
    let fixture = Fixture::new();
    let leaf = fixture.path("leaf.pem");
    let findings = &pkilint_etsi(&[("NCP-NATURAL-PERSON-CERTIFICATE", &leaf)])[0];
    let rule = "etsi.en_319_412_2.nat-4.2.4-1.required_attribute_missing";
    let missing = findings.iter().find(|finding| finding.code == rule);
    assert_eq!(
        missing.map(|finding| finding.severity.as_str()),
        Some("ERROR"),
        "{findings:?}"
    );
}

#[test]
#[should_panic(expected = "run scripts/install-tools")]
fn a_missing_judge_is_a_failure() {
    let _: &Path = &tool("no-such-judge");
}
