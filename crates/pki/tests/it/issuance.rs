use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use pki::PkiError;
use pki::issuance::{Issuer, Recorded, Validity};
use pki::profile::natural_person::{
    self, Disclosure, NaturalPerson, Posture, Qualification, Terms,
};
use proptest::prelude::*;
use time::Duration;

use crate::{AUTHORITIES, specimen};

fn terms(qualification: &Qualification) -> Terms<'_> {
    Terms {
        validity: Validity::starting(AUTHORITIES.now, Validity::ONE_DAY),
        qualification,
        policy: None,
        practice_statement: None,
    }
}

fn recorded(person: &NaturalPerson, terms: &Terms<'_>) -> Result<Recorded, PkiError> {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let issuer = &AUTHORITIES.issuer;
    natural_person::draft(
        issuer,
        person,
        terms,
        Posture::Classic,
        key.public_key_info(),
        &SystemEntropy,
    )?
    .lint()?
    .record()
}

fn findings(person: &NaturalPerson, terms: &Terms<'_>) -> String {
    match recorded(person, terms) {
        Err(error @ PkiError::Lint(_)) => error.to_string(),
        other => panic!("not a lint error: {other:?}"),
    }
}

#[test]
fn a_crash_between_record_and_signature_costs_no_serial() {
    let record = recorded(&specimen(), &terms(&Qualification::None)).unwrap();
    let again = Recorded::from_tbs(record.tbs()).unwrap();
    assert_eq!(again.serial(), record.serial());
    let signed = again.sign(&AUTHORITIES.issuer).unwrap();
    assert_eq!(signed.serial(), record.serial());
    let tbs = record.tbs();
    assert!(
        signed
            .certificate()
            .windows(tbs.len())
            .any(|window| window == tbs)
    );
}

#[test]
fn bytes_that_break_the_rules_are_never_signed() {
    assert_eq!(
        Recorded::from_tbs(b"").unwrap_err().to_string(),
        LINT_NOT_DER
    );
    let record = recorded(&specimen(), &terms(&Qualification::None)).unwrap();
    let mut tbs = record.tbs().to_vec();
    tbs.push(0);
    assert!(matches!(Recorded::from_tbs(&tbs), Err(PkiError::Lint(_))));
    // Non-repudiation (bit 1) becomes certificate signing (bit 5) in the stored bytes.
    let usage = [0x03, 0x02, 0x06, 0x40];
    let mut tbs = record.tbs().to_vec();
    let at = tbs.windows(4).position(|window| window == usage).unwrap();
    tbs[at..at + 4].copy_from_slice(&[0x03, 0x02, 0x02, 0x04]);
    let error = Recorded::from_tbs(&tbs).unwrap_err().to_string();
    assert!(
        error.contains("only an authority's key may sign certificates"),
        "{error}"
    );
}

const LINT_NOT_DER: &str =
    "the certificate breaks its rules: is no TBSCertificate in DER (RFC 5280 §4.1)";

#[test]
fn lints_name_the_rule() {
    let none = Qualification::None;
    let person = NaturalPerson {
        semantic_serial_number: "99999999R".into(),
        ..specimen()
    };
    assert!(findings(&person, &terms(&none)).contains("EN 319 412-1 §5.1.3"));

    let start = AUTHORITIES.now;
    let validity = Validity {
        not_before: start,
        not_after: start - Duration::DAY,
    };
    let backwards = Terms {
        validity,
        ..terms(&none)
    };
    assert!(findings(&specimen(), &backwards).contains("validity must begin before it ends"));

    let undisclosed = Qualification::Qualified {
        qscd: false,
        disclosures: Vec::new(),
    };
    assert!(findings(&specimen(), &terms(&undisclosed)).contains("EN 319 412-5 §4.3.4"));
    let url = "http://pki.example.com/pds.pdf".into();
    let insecure = Qualification::Qualified {
        qscd: false,
        disclosures: vec![Disclosure {
            url,
            language: "en".into(),
        }],
    };
    assert!(findings(&specimen(), &terms(&insecure)).contains("EN 319 412-5 §4.3.4"));

    let claimed = Terms {
        policy: Some(pki::oid::POLICY_QCP_N),
        ..terms(&none)
    };
    assert!(findings(&specimen(), &claimed).contains("EN 319 412-2 §5.2"));

    // Named by the installation and once more by the standard; for any use at all.
    for policy in [pki::oid::POLICY_NCP, pki::oid::ANY_POLICY] {
        let policy = Terms {
            policy: Some(policy),
            ..terms(&none)
        };
        assert!(findings(&specimen(), &policy).contains("RFC 5280 §4.2.1.4"));
    }

    let nowhere = NaturalPerson {
        country: "XY".into(),
        ..specimen()
    };
    assert!(findings(&nowhere, &terms(&none)).contains("ISO 3166-1"));

    let speechless = Qualification::Qualified {
        qscd: false,
        disclosures: ["en", "Español"]
            .map(|language| Disclosure {
                url: "https://pki.example.com/pds".into(),
                language: language.into(),
            })
            .into(),
    };
    assert!(findings(&specimen(), &terms(&speechless)).contains("ISO 639-1"));
}

#[test]
fn nothing_outlives_its_issuer() {
    let validity = Validity::starting(AUTHORITIES.now, Duration::days(3660));
    let error = recorded(
        &specimen(),
        &Terms {
            validity,
            ..terms(&Qualification::None)
        },
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("issuing authority's own certificate")
    );
}

#[test]
fn certificates_are_signed_by_the_issuer_they_name() {
    let record = recorded(&specimen(), &terms(&Qualification::None)).unwrap();
    let made = &AUTHORITIES.made;
    let pointers = pki::issuance::Pointers {
        ocsp: String::new(),
        certificate: String::new(),
        lists: None,
        authority_list: None,
    };
    let root = Issuer::new(
        made.root.certificate.clone(),
        made.root.key.clone(),
        pointers.clone(),
    );
    assert!(matches!(
        record.clone().sign(&root.unwrap()),
        Err(PkiError::Mismatch(_))
    ));
    assert!(matches!(
        record.sign_self(made.root.key.as_ref()),
        Err(PkiError::Mismatch(_))
    ));
    let foreign = Issuer::new(
        made.root.certificate.clone(),
        made.issuing.key.clone(),
        pointers,
    );
    assert!(matches!(foreign, Err(PkiError::Mismatch(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a person is called, there is a certificate that passes the lints or an error
    /// that names the value and does not repeat it.
    #[test]
    fn every_name_gives_a_certificate_or_a_clear_error(
        given in "\\PC{0,80}",
        surname in "[\\p{Latin}\\p{Greek}\\p{Cyrillic} '-]{1,200}",
    ) {
        let person = NaturalPerson {
            common_name: format!("{given} {surname}"),
            given_name: given,
            surname,
            ..specimen()
        };
        match recorded(&person, &terms(&Qualification::None)) {
            Ok(_) => {}
            Err(PkiError::Value { field, .. }) => prop_assert!(field.starts_with("the ")),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
