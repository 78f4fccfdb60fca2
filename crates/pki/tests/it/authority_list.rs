//! The root's own list: it continues itself, and OpenSSL goes by it.

use model::certificate::RevocationReason;
use pki::CertificateFacts;
use pki::crl::{self, Entry};
use pki::issuance::Issuer;
use pki::verify::VerifyError;
use testkit::{openssl, run};
use time::Duration;

use crate::{AUTHORITIES, text};

fn root() -> Issuer {
    let root = &AUTHORITIES.made.root;
    let urls = pki::AuthorityUrls::at("http://pki.example.com");
    Issuer::new(
        root.certificate.clone(),
        root.key.clone(),
        urls.root_pointers(),
    )
    .unwrap()
}

fn next(last: Option<&[u8]>, more: Vec<Entry>) -> Result<Vec<u8>, VerifyError> {
    let now = AUTHORITIES.now;
    crl::continued(&root(), last, more, (now, now + Duration::days(365)))
}

/// Whether OpenSSL still trusts the issuing authority by this list.
fn is_trusted(name: &str, list: &[u8]) -> bool {
    let a = &*AUTHORITIES;
    let der = a.file(&format!("{name}.crl"), list);
    let lint = [
        "lint",
        "--type",
        "CRL",
        "--profile",
        "PKIX",
        "--severity",
        "NOTICE",
    ];
    run("lint_crl", lint.into_iter().chain([text(&der)]), b"").must_accept();
    let pem = a.path(&format!("{name}.pem"));
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
    let verify = ["verify", "-crl_check", "-CAfile", text(&root), "-CRLfile"];
    let files = [text(&pem), text(&issuing)];
    openssl(verify.into_iter().chain(files), b"").accepted()
}

#[test]
fn openssl_trusts_an_authority_until_the_root_s_list_names_it() {
    let issuing = CertificateFacts::read(&AUTHORITIES.made.issuing.certificate).unwrap();
    let first = next(None, Vec::new()).unwrap();
    assert!(is_trusted("root-first", &first));
    let entry = Entry {
        serial_hex: issuing.serial,
        at: AUTHORITIES.now,
        reason: Some(RevocationReason::KeyCompromise),
    };
    let second = next(Some(&first), vec![entry.clone()]).unwrap();
    assert!(!is_trusted("root-second", &second));
    // Nobody gets off it, and nobody is on it twice.
    let third = next(Some(&second), vec![entry.clone()]).unwrap();
    assert!(!is_trusted("root-third", &third));
    let certificate = root().certificate().to_vec();
    let read = |list| crl::own(list, &certificate).unwrap();
    assert_eq!(read(&third).entries().unwrap(), [entry]);
    let numbers = [&first, &second, &third].map(|list| read(list).number().unwrap());
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn nobody_else_s_list_is_continued() {
    let a = &*AUTHORITIES;
    let until = a.now + Duration::DAY;
    let theirs = crl::build(&a.issuer, 7, a.now, until, &[], &[]).unwrap();
    assert_eq!(next(Some(&theirs), Vec::new()), Err(VerifyError::Signature));
    assert!(next(Some(b"nothing"), Vec::new()).is_err());
}

#[test]
fn certificates_of_issuing_authorities_point_to_the_root_s_list() {
    let shown = |name: &str| {
        let file = AUTHORITIES.path(name);
        let arguments = ["x509", "-noout", "-ext", "crlDistributionPoints", "-in"];
        openssl(arguments.into_iter().chain([text(&file)]), b"").text()
    };
    let issuing = shown("issuing.pem");
    assert!(issuing.contains("/pki/root.crl"), "{issuing}");
    // Nobody asks about responders (RFC 6960 §4.2.2.2.1).
    assert!(!shown("root_ocsp.pem").contains("URI"));
}
