use crypto::foreign::Hash;
use model::DigestAlgorithm;
use proptest::prelude::*;
use validation::report::{Indication, Level, SignatureReport, SubIndication};
use validation::{Content, MissingRevocation, Report, Trust, validate_detached};

use crate::{SPECIMENS, now};

const CONTENT: &[u8] = b"what is signed\nin two lines\n";

/// A container that OpenSSL makes with these options.
fn signed(name: &str, options: &[&str]) -> Vec<u8> {
    let path = |name: &str| SPECIMENS.path(name).to_str().unwrap().to_owned();
    let content = path(&format!("{name}.content"));
    std::fs::write(&content, CONTENT).unwrap();
    let out = path(&format!("{name}.p7m"));
    let (person, key, issuing) = (path("person.pem"), path("person.key"), path("issuing.pem"));
    let mut arguments = vec![
        "cms", "-sign", "-binary", "-outform", "DER", "-in", &content,
    ];
    arguments.extend([
        "-out",
        &out,
        "-certfile",
        &issuing,
        "-signer",
        &person,
        "-inkey",
        &key,
    ]);
    arguments.extend(options);
    testkit::openssl(arguments, b"").must_accept();
    std::fs::read(out).unwrap()
}

fn trust() -> Trust {
    Trust {
        missing_revocation: MissingRevocation::Tolerated,
        ..SPECIMENS.trust("root.pem")
    }
}

fn judge(cms: &[u8], content: Content<'_>) -> Report {
    validate_detached(cms, content, &trust(), now()).unwrap()
}

#[test]
fn containers_of_every_form_are_judged() {
    let pss = ["-keyopt", "rsa_padding_mode:pss"];
    let digest_long = ["-keyopt", "rsa_pss_saltlen:digest"];
    let forms: &[(&str, &[&str], Option<Level>)] = &[
        ("plain", &["-md", "sha256"], None),
        ("cades", &["-cades", "-md", "sha256"], Some(Level::B)),
        ("sha512", &["-cades", "-md", "sha512"], Some(Level::B)),
        ("streamed", &["-cades", "-stream"], Some(Level::B)),
        ("no-attributes", &["-noattr", "-md", "sha256"], None),
        ("key-identifier", &["-cades", "-keyid"], Some(Level::B)),
        ("pss", &[&["-cades"], &pss[..]].concat(), Some(Level::B)),
        (
            "pss-digest",
            &[&["-cades"], &pss[..], &digest_long].concat(),
            Some(Level::B),
        ),
    ];
    let others = Content::Bytes(b"something else");
    let digest = Hash::Sha2(DigestAlgorithm::Sha256).of(&[CONTENT]);
    for (name, options, level) in forms {
        let detached = signed(name, options);
        let report = judge(&detached, Content::Bytes(CONTENT));
        let reason = &report.signatures[0].reason;
        assert!(report.valid, "{name}: {reason:?}");
        assert_eq!(report.signatures[0].level, *level, "{name}");
        assert_eq!(
            report.signatures[0].higher_levels.len(),
            4 - usize::from(level.is_some())
        );
        let failed = judge(&detached, others);
        assert_eq!(
            failed.signatures[0].indication,
            Indication::TotalFailed,
            "{name}"
        );

        let attached = signed(
            &format!("{name}-attached"),
            &[options, &["-nodetach"][..]].concat(),
        );
        assert!(judge(&attached, Content::Embedded).valid, "{name}");
        assert!(judge(&attached, Content::Bytes(CONTENT)).valid, "{name}");
        let contradicted = judge(&attached, others);
        let indication = contradicted.signatures[0].indication;
        assert_eq!(indication, Indication::TotalFailed, "{name}");
        if *name != "sha512" {
            let hash = Hash::Sha2(DigestAlgorithm::Sha256);
            assert!(
                judge(&detached, Content::Digest(hash, &digest)).valid,
                "{name}"
            );
        }
        // What OpenSSL streams holds its content in any case.
        let nothing = validate_detached(&detached, Content::Embedded, &trust(), now());
        assert_eq!(nothing.is_err(), *name != "streamed", "{name}");
    }
}

#[test]
fn a_container_by_sha_1_is_in_doubt() {
    let report = judge(&signed("sha1", &["-md", "sha1"]), Content::Bytes(CONTENT));
    let first = &report.signatures[0];
    assert_eq!(first.indication, Indication::Indeterminate);
    let weak = SubIndication::CryptoConstraintsFailureNoPoe;
    assert_eq!(first.sub_indication, Some(weak));
}

#[test]
fn two_signers_are_judged_one_by_one() {
    let path = |name: &str| SPECIMENS.path(name).to_str().unwrap().to_owned();
    let (second, key) = (path("second.pem"), path("second.key"));
    let cms = signed("two", &["-cades", "-signer", &second, "-inkey", &key]);
    let report = judge(&cms, Content::Bytes(CONTENT));
    let signers = report
        .signatures
        .iter()
        .filter_map(|one| one.signer.as_ref());
    let mut names: Vec<_> = signers.map(|one| one.common_name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Ana", "Ben"]);
    assert!(report.valid);
    // The last bytes are the second signature's value.
    let mut broken = cms.clone();
    *broken.last_mut().unwrap() ^= 1;
    let report = judge(&broken, Content::Bytes(CONTENT));
    let passed = |one: &&SignatureReport| one.indication == Indication::TotalPassed;
    assert_eq!(report.signatures.iter().filter(passed).count(), 1);
    assert!(!report.valid);
}

#[test]
fn without_revocation_data_a_container_is_in_doubt() {
    let cms = signed("doubted", &["-cades"]);
    let strict = SPECIMENS.trust("root.pem");
    let report = validate_detached(&cms, Content::Bytes(CONTENT), &strict, now()).unwrap();
    assert!(!report.valid);
    let first = &report.signatures[0];
    assert_eq!(first.sub_indication, Some(SubIndication::TryLater));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A container with one changed byte is refused, or still says the same of the same signer.
    #[test]
    fn a_changed_container_never_says_anything_else(
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        static VALID: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| signed("changed", &["-cades"]));
        let mut cms = VALID.clone();
        let at = at.index(cms.len());
        cms[at] ^= flip;
        let original = judge(&VALID, Content::Bytes(CONTENT));
        let signer = |report: &Report| {
            let signer = report.signatures[0].signer.as_ref();
            signer.map(|signer| (signer.serial.clone(), signer.issuer.clone()))
        };
        if let Ok(report) = validate_detached(&cms, Content::Bytes(CONTENT), &trust(), now()) {
            prop_assert!(!report.valid || signer(&report) == signer(&original), "byte {at}");
        }
    }
}
