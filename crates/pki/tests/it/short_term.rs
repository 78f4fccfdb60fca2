//! Certificates that are over before a revocation could take effect.

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use pki::PkiError;
use pki::issuance::{Recorded, Validity};
use pki::profile::Terms;
use pki::profile::natural_person::{self, Posture, Qualification};
use testkit::{openssl, pkilint_etsi};
use time::Duration;

use crate::{AUTHORITIES, disclosures, specimen};

#[test]
fn openssl_sees_both_ways_of_saying_so_and_no_pointer_to_answers() {
    let a = &*AUTHORITIES;
    let shown = |posture| {
        let algorithm = KeyAlgorithm::EcdsaP256;
        let person = a.issue_as(&specimen(), &Qualification::None, algorithm, posture);
        let arguments = ["x509", "-inform", "DER", "-noout", "-text"];
        let signed = person.signed.certificate();
        openssl(arguments, signed).must_accept().text()
    };
    // OpenSSL 3.0 has no name for noRevAvail, later ones have.
    let says_so = |text: &str| {
        ["2.5.29.56", "No Revocation Available"].map(|name| text.contains(name)) != [false; 2]
    };
    let short = shown(Posture::ShortTerm);
    assert!(
        says_so(&short) && short.contains("0.4.0.194121.2.1"),
        "{short}"
    );
    assert!(short.contains("CA Issuers - URI:"), "{short}");
    for pointer in ["OCSP", "CRL Distribution"] {
        assert!(!short.contains(pointer), "{pointer}: {short}");
    }
    let classic = shown(Posture::Classic);
    assert!(
        !says_so(&classic) && !classic.contains("0.4.0.194121.2.1"),
        "{classic}"
    );
    assert!(classic.contains("OCSP - URI:"), "{classic}");
}

/// pkilint knows EN 319 412-2 without short-term certificates and asks for the pointers that RFC
/// 9608 §3 forbids beside noRevAvail.
#[test]
fn pkilint_misses_nothing_but_the_pointers() {
    let a = &*AUTHORITIES;
    let qualified = Qualification::Qualified {
        qscd: true,
        disclosures: disclosures(),
    };
    let asked = [
        "etsi.en_319_412_2.gen-4.3.11-2.crldp_extension_missing",
        "etsi.en_319_412_2.gen-4.4.1-8.ocsp_aia_access_method_absent",
    ];
    for (qualification, kind) in [
        (Qualification::None, "NCP-NATURAL-PERSON-CERTIFICATE"),
        (qualified, "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"),
    ] {
        let algorithm = KeyAlgorithm::EcdsaP256;
        let person = a.issue_as(&specimen(), &qualification, algorithm, Posture::ShortTerm);
        let file = a.file(&format!("short-{kind}.der"), person.signed.certificate());
        let mut errors = pkilint_etsi(&[(kind, &file)]).remove(0);
        errors.retain(|one| one.severity == "ERROR" || one.severity == "FATAL");
        let codes: Vec<_> = errors.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, asked, "{errors:?}");
    }
}

fn drafted(posture: Posture, lasting: Duration) -> Result<Recorded, PkiError> {
    let a = &*AUTHORITIES;
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let terms = Terms {
        validity: Validity::starting(a.now, lasting),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let (spki, entropy) = (key.public_key_info(), &SystemEntropy);
    natural_person::draft(&a.issuer, &specimen(), &terms, posture, spki, entropy)?
        .lint()?
        .record()
}

#[test]
fn what_lasts_is_not_short_term() {
    assert!(drafted(Posture::ShortTerm, Duration::DAY).is_ok());
    let two_days = drafted(Posture::ShortTerm, Duration::days(2)).unwrap_err();
    assert!(
        two_days.to_string().contains("EN 319 411-1 §3.1"),
        "{two_days}"
    );
    assert!(drafted(Posture::Classic, Duration::days(2)).is_ok());
}

/// Bytes that somebody put together from both postures.
#[test]
fn the_postures_do_not_mix() {
    let complaint = |tbs: &[u8]| Recorded::from_tbs(tbs).unwrap_err().to_string();
    let short = drafted(Posture::ShortTerm, Duration::DAY).unwrap();
    // id-ad-caIssuers (…48.2) becomes id-ad-ocsp (…48.1).
    let issuers = [0x2b, 6, 1, 5, 5, 7, 0x30, 2];
    let mut pointing = short.tbs().to_vec();
    let at = find(&pointing, &issuers);
    pointing[at + 7] = 1;
    assert!(complaint(&pointing).contains("RFC 9608 §3"));
    // 0.4.0.194121.2.1 becomes 0.4.0.194121.2.2, which nobody knows.
    let mut half = short.tbs().to_vec();
    let at = find(&half, &[4, 0, 0x8b, 0xec, 0x49, 2, 1]);
    half[at + 6] = 2;
    assert!(complaint(&half).contains("short-term certificate must say so"));
    // The value of noRevAvail becomes BOOLEAN-like.
    let mut odd = short.tbs().to_vec();
    let at = find(&odd, &[0x55, 0x1d, 56, 4, 2, 5, 0]);
    odd[at + 5] = 4;
    assert!(complaint(&odd).contains("RFC 9608 §2"));
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .unwrap()
}
