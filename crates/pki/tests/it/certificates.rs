use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use pki::CertificateFacts;
use pki::issuance::Validity;
use pki::profile::natural_person::{self, NaturalPerson};
use pki::profile::{Qualification, Terms};
use testkit::{openssl, pkilint_etsi, run};
use time::Duration;

use crate::{AUTHORITIES, disclosures, pkilint_must_accept, specimen, text};

fn persons() -> Vec<(&'static str, NaturalPerson)> {
    let person = |given: &str, surname: &str, country: &str, number: &str| NaturalPerson {
        given_name: given.into(),
        surname: surname.into(),
        common_name: format!("{given} {surname}"),
        country: country.into(),
        semantic_serial_number: number.into(),
        email: None,
        organisation: None,
    };
    let officer = NaturalPerson {
        organisation: Some("Ejemplo S.L.".into()),
        ..specimen()
    };
    vec![
        ("latin", specimen()),
        ("officer", officer),
        (
            "greek",
            person("Ελένη", "Παπαδοπούλου", "GR", "IDCGR-AB123456"),
        ),
        (
            "cyrillic",
            person("Йордан", "Щърбанов", "BG", "PNOBG-7523169263"),
        ),
        (
            "polish",
            person("Łukasz", "Brzęczyszczykiewicz", "PL", "PASPL-ZS0000177"),
        ),
        (
            "local-scheme",
            person("First", "Officer", "ES", "PI:ES-0123456789"),
        ),
        (
            "long",
            person(
                &"Anna Maria ".repeat(12),
                &"de la Torre ".repeat(15),
                "ES",
                "TINES-X",
            ),
        ),
    ]
}

#[test]
fn openssl_follows_every_chain_to_the_root() {
    let a = &*AUTHORITIES;
    let signer = a.issue(&specimen(), &Qualification::None);
    let signer = a.file(
        "chain-signer.pem",
        pki::facts::to_pem(signer.signed.certificate()).unwrap(),
    );
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    for (leaf, purpose) in [
        (a.path("issuing.pem"), "any"),
        (a.path("tsa.pem"), "timestampsign"),
        (a.path("issuing_ocsp.pem"), "ocsphelper"),
        (a.path("root_ocsp.pem"), "ocsphelper"),
        (signer, "any"),
    ] {
        let arguments = [
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            text(&root),
            "-untrusted",
            text(&issuing),
            text(&leaf),
        ];
        openssl(arguments, b"").must_accept();
    }
}

#[test]
fn openssl_shows_what_the_profile_promises() {
    let a = &*AUTHORITIES;
    let signer = a.issue(&specimen(), &Qualification::None);
    let shown = openssl(
        [
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-text",
            "-nameopt",
            "RFC2253,utf8,-esc_msb",
        ],
        signer.signed.certificate(),
    )
    .must_accept()
    .text();
    for expected in [
        "CN=Carmen Española Española,GN=Carmen,SN=Española Española,\
         serialNumber=IDCES-99999999R,C=ES",
        "X509v3 Key Usage: critical\n                Non Repudiation\n",
        "OCSP - URI:http://pki.example.com/ocsp",
        "CA Issuers - URI:http://pki.example.com/pki/",
        "Policy: 0.4.0.2042.1.1",
        "Policy: 1.3.6.1.4.1.32473.1.1\n                  CPS: https://pki.example.com/cps",
        "email:carmen@example.com",
        "Signature Algorithm: ecdsa-with-SHA256",
    ] {
        assert!(
            shown.contains(expected),
            "{expected} is missing in\n{shown}"
        );
    }
    // Nobody is qualified by default: neither QcCompliance nor a qualified policy is there.
    assert!(!shown.contains("0.4.0.194112"), "{shown}");
}

#[test]
fn only_officers_certificates_point_to_the_revocation_list() {
    let a = &*AUTHORITIES;
    let points = |certificate: &[u8]| {
        let arguments = ["x509", "-inform", "DER", "-noout", "-text"];
        let shown = openssl(arguments, certificate).must_accept().text();
        shown.contains(".crl")
    };
    let one_time = a.issue(&specimen(), &Qualification::None).signed;
    assert!(!points(one_time.certificate()));

    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let terms = Terms {
        validity: Validity::starting(a.now, Duration::days(730)),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let spki = key.public_key_info();
    let officer =
        natural_person::officer_draft(&a.issuer, &specimen(), &terms, spki, &SystemEntropy)
            .and_then(|draft| draft.lint()?.record()?.sign(&a.issuer))
            .unwrap();
    assert!(points(officer.certificate()));
    let file = a.file("officer.der", officer.certificate());
    pkilint_must_accept(&[("NCP-NATURAL-PERSON-CERTIFICATE", file)]);
}

#[test]
fn pkilint_accepts_every_person_by_each_policy() {
    let a = &*AUTHORITIES;
    let qualified = Qualification::Qualified {
        qscd: true,
        disclosures: disclosures(),
    };
    let policies = [
        (Qualification::None, "NCP-NATURAL-PERSON-CERTIFICATE"),
        (qualified, "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"),
    ];
    let mut certificates = Vec::new();
    for (qualification, kind) in &policies {
        for (name, person) in persons() {
            let signed = a.issue(&person, qualification).signed;
            let file = a.file(&format!("{kind}-{name}.der"), signed.certificate());
            certificates.push((*kind, file));
        }
    }
    pkilint_must_accept(&certificates);
}

#[test]
fn pkilint_would_find_a_certificate_of_the_wrong_kind() {
    let a = &*AUTHORITIES;
    let signed = a.issue(&specimen(), &Qualification::None).signed;
    let file = a.file("wrong-kind.der", signed.certificate());
    let findings = &pkilint_etsi(&[("QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE", &file)])[0];
    assert!(findings.iter().any(|finding| finding.severity == "ERROR"));
}

#[test]
fn pkilint_accepts_the_authorities() {
    let a = &*AUTHORITIES;
    for name in ["root", "issuing", "tsa", "issuing_ocsp", "root_ocsp"] {
        let file = a.path(&format!("{name}.pem"));
        run(
            "lint_pkix_cert",
            ["lint", "--severity", "NOTICE", text(&file)],
            b"",
        )
        .must_accept();
    }
    for (issuer, subject) in [
        ("root", "issuing"),
        ("root", "root_ocsp"),
        ("issuing", "tsa"),
        ("issuing", "issuing_ocsp"),
    ] {
        let [issuer, subject] = [issuer, subject].map(|name| a.path(&format!("{name}.pem")));
        let arguments = [
            "lint",
            "--severity",
            "NOTICE",
            text(&issuer),
            text(&subject),
        ];
        run("lint_pkix_signer_signee_cert_chain", arguments, b"").must_accept();
    }
}

#[test]
fn facts_agree_with_openssl() {
    let a = &*AUTHORITIES;
    for (_, person) in persons() {
        let signed = a.issue(&person, &Qualification::None).signed;
        let facts = CertificateFacts::read(signed.certificate()).unwrap();
        let arguments = [
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-serial",
            "-subject",
            "-nameopt",
            "RFC2253,utf8,-esc_msb",
        ];
        let shown = openssl(arguments, signed.certificate())
            .must_accept()
            .text();
        let serial = format!("serial={}\n", facts.serial.to_uppercase());
        assert!(shown.contains(&serial), "{shown}");
        assert_eq!(facts.serial, signed.serial());
        let common_name = format!("CN={}", facts.common_name);
        assert!(
            shown.contains(&common_name) && facts.subject().contains(&common_name),
            "{shown}"
        );
        assert!(
            facts.subject().ends_with(&format!(",C={}", person.country)),
            "{}",
            facts.subject()
        );
    }
}
