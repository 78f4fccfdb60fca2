use std::sync::LazyLock;

use proptest::prelude::*;
use validation::report::{Indication, Level, SignatureReport, SubIndication};
use validation::{MissingRevocation, Report, Trust, validate_pdf};

use crate::{SPECIMENS, now};

use Indication::{Indeterminate, TotalFailed, TotalPassed};
use SubIndication as S;

/// Each file's first signature: verdict, reason, level.
const EXPECTED: &[(&str, Indication, Option<SubIndication>, Option<Level>)] = &[
    ("b_b", Indeterminate, Some(S::TryLater), Some(Level::B)),
    ("b_t", Indeterminate, Some(S::TryLater), Some(Level::B)),
    ("b_lt", TotalPassed, None, Some(Level::Lt)),
    ("b_lt_lists", TotalPassed, None, Some(Level::Lt)),
    ("b_lta", TotalPassed, None, Some(Level::Lta)),
    ("two_signers", TotalPassed, None, Some(Level::Lta)),
    ("rsa", TotalPassed, None, Some(Level::Lt)),
    ("rsa_sha512", TotalPassed, None, Some(Level::Lt)),
    ("rsa_pss", TotalPassed, None, Some(Level::Lt)),
    ("p384", TotalPassed, None, Some(Level::Lt)),
    ("p521", TotalPassed, None, Some(Level::Lt)),
    ("ed25519", TotalPassed, None, Some(Level::Lt)),
    (
        "rsa_1024",
        Indeterminate,
        Some(S::CryptoConstraintsFailureNoPoe),
        Some(Level::T),
    ),
    ("adobe", TotalPassed, None, None),
    ("adobe_sha1", Indeterminate, Some(S::TryLater), None),
    (
        "revoked",
        Indeterminate,
        Some(S::RevokedNoPoe),
        Some(Level::T),
    ),
    ("revoked_later", TotalPassed, None, Some(Level::Lt)),
    (
        "revoked_ca",
        Indeterminate,
        Some(S::RevokedCaNoPoe),
        Some(Level::B),
    ),
    ("revoked_unit", TotalPassed, None, Some(Level::B)),
    (
        "signer_unknown",
        Indeterminate,
        Some(S::TryLater),
        Some(Level::T),
    ),
    ("stale", Indeterminate, Some(S::TryLater), Some(Level::T)),
    (
        "forged_answer",
        Indeterminate,
        Some(S::TryLater),
        Some(Level::T),
    ),
    ("short_term", TotalPassed, None, Some(Level::Lt)),
    (
        "expired",
        Indeterminate,
        Some(S::OutOfBoundsNoPoe),
        Some(Level::B),
    ),
    (
        "not_for_signing",
        Indeterminate,
        Some(S::ChainConstraintsFailure),
        Some(Level::B),
    ),
    (
        "past_lt",
        Indeterminate,
        Some(S::OutOfBoundsNoPoe),
        Some(Level::B),
    ),
    (
        "past_lta",
        Indeterminate,
        Some(S::OutOfBoundsNoPoe),
        Some(Level::B),
    ),
    ("past_renewed", TotalPassed, None, Some(Level::Lta)),
    ("strong_lta", TotalPassed, None, Some(Level::Lta)),
    ("filled", TotalPassed, None, Some(Level::Lt)),
    ("filled_forms", TotalPassed, None, Some(Level::Lt)),
    ("filled_annotations", TotalPassed, None, Some(Level::Lt)),
    (
        "filled_no_changes",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "annotated",
        Indeterminate,
        Some(S::SigConstraintsFailure),
        Some(Level::Lt),
    ),
    (
        "annotated_forms",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    ("annotated_annotations", TotalPassed, None, Some(Level::Lt)),
    (
        "annotated_no_changes",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    ("stamped", TotalPassed, None, Some(Level::Lta)),
    ("stamped_forms", TotalPassed, None, Some(Level::Lta)),
    ("stamped_annotations", TotalPassed, None, Some(Level::Lta)),
    ("stamped_no_changes", TotalPassed, None, Some(Level::Lta)),
    (
        "evil_content",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_font",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_page_removed",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_page_added",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_catalogue",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_box",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_open_action",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_field_added",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_field_removed",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    (
        "evil_moved_field",
        TotalFailed,
        Some(S::FormatFailure),
        Some(Level::Lt),
    ),
    ("evil_wrapped", TotalFailed, Some(S::FormatFailure), None),
    ("evil_no_range", TotalFailed, Some(S::FormatFailure), None),
    ("evil_null_range", TotalFailed, Some(S::FormatFailure), None),
    (
        "evil_no_container",
        TotalFailed,
        Some(S::FormatFailure),
        None,
    ),
];

/// Where pyHanko's verdict is another one, and why ours stays.
const DISPUTED: &[(&str, &str)] = &[
    (
        "annotated_annotations",
        "pyHanko's rules know no annotations, though DocMDP 3 allows them",
    ),
    (
        "revoked_later",
        "without archive time-stamps pyHanko judges by now only",
    ),
    (
        "revoked_unit",
        "a time-stamp in doubt does not make a signature doubtful that needs none",
    ),
    (
        "short_term",
        "pyHanko wants revocation data of certificates that can't be revoked",
    ),
];

#[test]
fn every_state_of_a_signature_has_its_verdict_and_level() {
    let mut wrong = Vec::new();
    for (name, indication, sub_indication, level) in EXPECTED {
        let report = SPECIMENS.judge(&SPECIMENS.pdf(name));
        let first = &report.signatures[0];
        let found = (first.indication, first.sub_indication, first.level);
        if found != (*indication, *sub_indication, *level) {
            wrong.push(format!("{name}: {found:?} {:?}", first.reason));
        }
        assert_eq!(
            first.reason.is_none(),
            first.indication == TotalPassed,
            "{name}"
        );
        let above = Level::ALL.iter().filter(|one| Some(**one) > first.level);
        let missing = first.higher_levels.iter().map(|missing| &missing.level);
        if first.indication != TotalFailed || first.level.is_some() {
            assert!(missing.eq(above), "{name}");
        }
        assert_eq!(report.valid, all_passed(&report), "{name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pyhanko_comes_to_the_same_verdicts() {
    let files = EXPECTED
        .iter()
        .map(|one| SPECIMENS.path(&format!("{}.pdf", one.0)));
    let files: Vec<_> = files.collect();
    let verdicts = testkit::pyhanko_verdicts(&SPECIMENS.path("root.pem"), None, &files);
    let mut wrong = Vec::new();
    for ((name, indication, ..), theirs) in EXPECTED.iter().zip(verdicts) {
        let passed = theirs.verdict == "PASSED" && theirs.unmodified;
        let agreed = passed == (*indication == TotalPassed);
        let disputed = DISPUTED.iter().any(|(one, _)| one == name);
        if agreed == disputed {
            wrong.push(format!("{name}: {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nobody_is_trusted_under_another_root() {
    let trust = SPECIMENS.trust("other_root.pem");
    for name in ["b_b", "b_lta", "adobe", "past_renewed"] {
        let report = validate_pdf(&SPECIMENS.pdf(name), &trust, now()).unwrap();
        let first = &report.signatures[0];
        assert_eq!(first.indication, Indeterminate, "{name}");
        assert_eq!(
            first.sub_indication,
            Some(S::NoCertificateChainFound),
            "{name}"
        );
        assert_eq!(
            first.level,
            Some(Level::B).filter(|_| name != "adobe"),
            "{name}"
        );
    }
}

#[test]
fn missing_revocation_data_can_be_tolerated_and_cost_the_level() {
    let trust = Trust {
        missing_revocation: MissingRevocation::Tolerated,
        ..SPECIMENS.trust("root.pem")
    };
    for (name, level) in [("b_b", Level::B), ("b_t", Level::T), ("b_lt", Level::Lt)] {
        let report = validate_pdf(&SPECIMENS.pdf(name), &trust, now()).unwrap();
        let first = &report.signatures[0];
        assert!(report.valid, "{name}: {:?}", first.reason);
        assert_eq!(first.level, Some(level), "{name}");
        assert_eq!(first.warnings.is_empty(), level == Level::Lt, "{name}");
    }
    // What is known to be revoked stays revoked, and what is weak stays weak.
    for (name, expected) in [
        ("revoked", S::RevokedNoPoe),
        ("adobe_sha1", S::CryptoConstraintsFailureNoPoe),
    ] {
        let report = validate_pdf(&SPECIMENS.pdf(name), &trust, now()).unwrap();
        assert_eq!(
            report.signatures[0].sub_indication,
            Some(expected),
            "{name}"
        );
    }
}

#[test]
fn lists_from_beside_the_file_revoke_and_cost_no_level() {
    let verdict = |list: &str| {
        let list = std::fs::read(SPECIMENS.path(list)).unwrap();
        let trust = Trust {
            revocation_lists: vec![list],
            ..SPECIMENS.trust("root.pem")
        };
        let report = validate_pdf(&SPECIMENS.pdf("b_lta"), &trust, now()).unwrap();
        let first = &report.signatures[0];
        (first.indication, first.sub_indication, first.level)
    };
    assert_eq!(verdict("good.crl"), (TotalPassed, None, Some(Level::Lta)));
    let revoked = (Indeterminate, Some(S::RevokedCaNoPoe), Some(Level::B));
    assert_eq!(verdict("revoking.crl"), revoked);
}

#[test]
fn a_signature_holds_as_long_as_its_last_time_stamp() {
    let pdf = SPECIMENS.pdf("past_renewed");
    let verdict = |at| {
        let report = validate_pdf(&pdf, &SPECIMENS.trust("root.pem"), at).unwrap();
        report.signatures[0].indication
    };
    let years = |years: i64| time::Duration::days(365 * years);
    assert_eq!(verdict(now() + years(5)), TotalPassed);
    assert_eq!(verdict(now() + years(12)), Indeterminate);
}

#[test]
fn a_file_without_signatures_is_not_valid() {
    let report = SPECIMENS.judge(&SPECIMENS.pdf("unsigned"));
    assert!(!report.valid && report.signatures.is_empty());
    assert!(validate_pdf(b"nothing", &SPECIMENS.trust("root.pem"), now()).is_err());
}

fn all_passed(report: &Report) -> bool {
    let passed = |indication| indication == TotalPassed;
    report.signatures.iter().all(|one| passed(one.indication))
}

/// A file, where its first signature's container stands, where that signature ends, and what is
/// said of it.
struct Original {
    pdf: Vec<u8>,
    container: std::ops::Range<usize>,
    end: usize,
    report: Report,
}

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let pdf = SPECIMENS.pdf("b_lt");
    let signature = &pades::signatures(&pdf).unwrap()[0];
    let at = |index: usize| signature.byte_range[index] as usize;
    let report = SPECIMENS.judge(&pdf);
    assert!(report.valid);
    Original {
        container: at(1)..at(2),
        end: at(2) + at(3),
        report,
        pdf,
    }
});

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// No byte of a signed file can be changed without it showing. In the container, which is not
    /// signed, digits have two forms, padding is nobody's, and a time-stamp can be broken, which
    /// costs the level; nothing can be gained.
    #[test]
    fn a_changed_file_never_says_anything_else(
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
        anywhere in any::<bool>(),
    ) {
        let Original { pdf, container, end, report: original } = &*ORIGINAL;
        let at = match anywhere {
            true => at.index(*end),
            false => container.start + at.index(container.len()),
        };
        let mut changed = pdf.clone();
        changed[at] ^= flip;
        let Ok(report) = validate_pdf(&changed, &SPECIMENS.trust("root.pem"), now()) else {
            return Ok(());
        };
        if report.valid {
            let (before, after) = (&original.signatures[0], &report.signatures[0]);
            let signer = |one: &SignatureReport| one.signer.as_ref().map(|one| one.serial.clone());
            prop_assert!(container.contains(&at), "byte {at} can be changed");
            prop_assert_eq!(signer(before), signer(after));
            prop_assert!(after.level <= before.level);
            prop_assert!(after.proven_time.is_none_or(|time| Some(time) == before.proven_time));
        }
    }

    /// Nor can it be cut.
    #[test]
    fn a_cut_file_never_passes(at in any::<prop::sample::Index>()) {
        let cut = &ORIGINAL.pdf[..at.index(ORIGINAL.end - 1)];
        if let Ok(report) = validate_pdf(cut, &SPECIMENS.trust("root.pem"), now()) {
            prop_assert!(!report.valid);
        }
    }
}
