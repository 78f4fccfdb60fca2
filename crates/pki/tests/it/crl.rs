use std::path::Path;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::certificate::RevocationReason;
use pki::PkiError;
use pki::crl::{self, Entry};
use pki::issuance::{Signed, Validity};
use pki::profile::natural_person::officer_draft;
use pki::profile::{Qualification, Terms};
use testkit::{openssl, run};
use time::Duration;

use crate::{AUTHORITIES, specimen, text};

fn list(number: u64, entries: &[Entry]) -> Vec<u8> {
    let a = &*AUTHORITIES;
    crl::build(
        &a.issuer,
        number,
        a.now,
        a.now + Duration::DAY,
        entries,
        &[],
    )
    .unwrap()
}

fn entry(serial: &str, reason: Option<RevocationReason>) -> Entry {
    Entry {
        serial_hex: serial.to_owned(),
        at: AUTHORITIES.now - Duration::HOUR,
        reason,
    }
}

/// What OpenSSL reads in a list whose signature it verified.
fn shown(list: &[u8]) -> String {
    let issuing = AUTHORITIES.path("issuing.pem");
    let arguments = [
        "crl",
        "-inform",
        "DER",
        "-noout",
        "-text",
        "-CAfile",
        text(&issuing),
    ];
    let output = openssl(arguments, list).must_accept();
    assert!(
        output.stderr.contains("verify OK"),
        "{}",
        output.transcript()
    );
    output.text()
}

#[test]
fn openssl_verifies_lists_and_reads_every_reason() {
    let entries: Vec<_> = RevocationReason::ALL
        .into_iter()
        .enumerate()
        .map(|(at, reason)| entry(&format!("7f0{at}"), Some(reason)))
        .chain([entry("80ff", None), entry("0badcafe", None)])
        .collect();
    let shown = shown(&list(0x1_0000_0000, &entries));
    assert!(shown.contains("Version 2 (0x1)"), "{shown}");
    assert!(
        shown.contains("X509v3 CRL Number: \n                4294967296\n"),
        "{shown}"
    );
    for reason in [
        "Key Compromise",
        "Affiliation Changed",
        "Superseded",
        "Cessation Of Operation",
        "Certificate Hold",
        "Privilege Withdrawn",
    ] {
        assert_eq!(shown.matches(reason).count(), 1, "{reason}: {shown}");
    }
    assert!(!shown.contains("Unspecified"), "{shown}");
    assert!(shown.contains("Serial Number: 80FF"), "{shown}");
    assert!(shown.contains("Serial Number: 0BADCAFE"), "{shown}");
    assert_eq!(
        shown.matches("Serial Number: ").count(),
        entries.len(),
        "{shown}"
    );
}

#[test]
fn an_empty_list_is_a_list() {
    assert!(shown(&list(1, &[])).contains("No Revoked Certificates."));
}

#[test]
fn openssl_refuses_what_is_on_the_list_and_nothing_else() {
    let a = &*AUTHORITIES;
    let [good, revoked] = [(); 2].map(|()| a.issue(&specimen(), &Qualification::None).signed);
    let reason = Some(RevocationReason::CertificateHold);
    let der = list(2, &[entry(revoked.serial(), reason)]);
    let der = a.file("check.crl", der);
    let pem = a.path("check.crl.pem");
    let convert = [
        "crl",
        "-inform",
        "DER",
        "-in",
        text(&der),
        "-out",
        text(&pem),
    ];
    openssl(convert, b"").must_accept();
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let check = |name: &str, certificate: &[u8]| {
        let file = a.file(name, pki::facts::to_pem(certificate).unwrap());
        let arguments = [
            "verify",
            "-x509_strict",
            "-crl_check",
            "-CRLfile",
            text(&pem),
            "-CAfile",
            text(&root),
            "-untrusted",
            text(&issuing),
            text(&file),
        ];
        openssl(arguments, b"")
    };
    check("crl-good.pem", good.certificate()).must_accept();
    let refused = check("crl-revoked.pem", revoked.certificate()).must_refuse();
    assert!(
        refused.stderr.contains("certificate revoked"),
        "{}",
        refused.transcript()
    );
}

/// Where the certificate of an officer says that its shard is.
fn shard_of(signed: &Signed) -> String {
    let arguments = [
        "x509",
        "-inform",
        "DER",
        "-noout",
        "-ext",
        "crlDistributionPoints",
    ];
    let shown = openssl(arguments, signed.certificate())
        .must_accept()
        .text();
    let address = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("URI:"));
    address.unwrap_or_else(|| panic!("{shown}")).to_owned()
}

fn officer() -> Signed {
    let a = &*AUTHORITIES;
    let terms = Terms {
        validity: Validity::starting(a.now, Validity::ONE_DAY),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let public = key.public_key_info();
    let draft = officer_draft(&a.issuer, &specimen(), &terms, public, &SystemEntropy).unwrap();
    let recorded = draft.lint().unwrap().record().unwrap();
    let lists = a.issuer.pointers().lists.clone().unwrap();
    let shard = recorded.shard(&lists).unwrap();
    let signed = recorded.sign(&a.issuer).unwrap();
    assert_eq!(shard_of(&signed), lists.address(shard));
    signed
}

#[test]
fn a_shard_serves_for_the_certificates_that_point_to_it_and_for_no_others() {
    let a = &*AUTHORITIES;
    let (good, revoked) = (officer(), officer());
    let other = std::iter::repeat_with(officer)
        .find(|other| shard_of(other) != shard_of(&revoked))
        .unwrap();
    let entries = [entry(revoked.serial(), None)];
    let list = |address: &str, entries: &[Entry]| {
        let until = a.now + Duration::DAY;
        // Where the server was before it moved is named as well.
        let addresses = [
            "http://before.example.com/1.crl".to_owned(),
            address.to_owned(),
        ];
        let der = crl::build(&a.issuer, 4, a.now, until, entries, &addresses).unwrap();
        let number = address.rsplit_once('/').unwrap().1;
        let file = a.file(&format!("shard-{number}"), der);
        let lint = [
            "lint",
            "--type",
            "CRL",
            "--profile",
            "PKIX",
            "--severity",
            "NOTICE",
        ];
        run("lint_crl", lint.into_iter().chain([text(&file)]), b"").must_accept();
        let pem = a.path(&format!("shard-{number}.pem"));
        let convert = [
            "crl",
            "-inform",
            "DER",
            "-in",
            text(&file),
            "-out",
            text(&pem),
        ];
        openssl(convert, b"").must_accept();
        pem
    };
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let check = |list: &Path, certificate: &Signed| {
        let certificate = pki::facts::to_pem(certificate.certificate()).unwrap();
        let file = a.file("shard-judged.pem", certificate);
        let arguments = [
            "verify",
            "-x509_strict",
            "-crl_check",
            "-CRLfile",
            text(list),
        ];
        let chain = [
            "-CAfile",
            text(&root),
            "-untrusted",
            text(&issuing),
            text(&file),
        ];
        openssl(arguments.into_iter().chain(chain), b"")
    };
    let of_revoked = list(&shard_of(&revoked), &entries);
    let refused = check(&of_revoked, &revoked).must_refuse();
    assert!(
        refused.stderr.contains("certificate revoked"),
        "{}",
        refused.transcript()
    );
    let refused = check(&of_revoked, &other).must_refuse();
    assert!(
        refused.stderr.contains("different CRL scope"),
        "{}",
        refused.transcript()
    );
    let of_good = list(&shard_of(&good), &[]);
    check(&of_good, &good).must_accept();
}

#[test]
fn pkilint_accepts_lists() {
    let a = &*AUTHORITIES;
    let full: Vec<_> = RevocationReason::ALL
        .into_iter()
        .map(|reason| entry(&format!("7f0{}", reason.number()), Some(reason)))
        .collect();
    for (name, entries) in [("full", full.as_slice()), ("empty", &[])] {
        let file = a.file(&format!("lint-{name}.crl"), list(3, entries));
        let arguments = [
            "lint",
            "--type",
            "CRL",
            "--profile",
            "PKIX",
            "--severity",
            "NOTICE",
        ];
        run("lint_crl", arguments.into_iter().chain([text(&file)]), b"").must_accept();
    }
}

#[test]
fn serial_numbers_that_are_none_are_refused() {
    let a = &*AUTHORITIES;
    for bad in ["", "xy", "+1", " 1", &"1".repeat(41)] {
        let entries = [entry(bad, None)];
        let refused = crl::build(&a.issuer, 1, a.now, a.now + Duration::DAY, &entries, &[]);
        assert_eq!(refused, Err(PkiError::Malformed("serial number")), "{bad}");
    }
}
