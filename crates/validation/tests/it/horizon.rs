//! Algorithms that come to their end, judged before and after.

use time::OffsetDateTime;
use time::macros::datetime;
use validation::report::Level;
use validation::{Report, validate_pdf};

use crate::{SPECIMENS, now};

/// RSA keys of 2048 bits end with 2028, RSA with the padding of PKCS #1 v1.5 with 2033.
const END_OF_SHORT_RSA: OffsetDateTime = datetime!(2029-01-01 00:00 UTC);
const END_OF_PKCS1: OffsetDateTime = datetime!(2034-01-01 00:00 UTC);

fn judged(name: &str, at: OffsetDateTime) -> Report {
    validate_pdf(&SPECIMENS.pdf(name), &SPECIMENS.trust("root.pem"), at).unwrap()
}

/// All warnings about algorithms, wherever they stand.
fn aged(report: &Report) -> Vec<&str> {
    let signatures = report.signatures.iter();
    let stamps = signatures.clone().flat_map(|one| &one.time_stamps);
    let stamps = stamps.chain(&report.document_time_stamps);
    let warnings = signatures.flat_map(|one| &one.warnings);
    let warnings = warnings.chain(stamps.flat_map(|one| &one.warnings));
    let about = |warning: &&str| warning.contains("is recommended until");
    warnings.map(String::as_str).filter(about).collect()
}

#[test]
fn a_file_tells_until_when_its_newest_algorithms_are_recommended() {
    for (name, until) in [
        ("b_t", Some(END_OF_SHORT_RSA)),
        ("b_lta", Some(END_OF_SHORT_RSA)),
        ("strong_lta", Some(END_OF_PKCS1)),
        // No time-stamp: signed with keys that no end is known of.
        ("b_b", None),
    ] {
        let report = judged(name, now());
        assert_eq!(report.algorithms_until, until, "{name}");
        assert!(aged(&report).is_empty(), "{name}: {:?}", aged(&report));
    }
}

#[test]
fn beyond_the_end_a_file_holds_with_a_warning_that_names_the_algorithm() {
    let last = END_OF_SHORT_RSA - time::Duration::SECOND;
    assert!(aged(&judged("b_lta", last)).is_empty());
    let report = judged("b_lta", END_OF_SHORT_RSA);
    assert!(report.valid);
    assert_eq!(report.signatures[0].level, Some(Level::Lta));
    assert_eq!(report.algorithms_until, Some(END_OF_SHORT_RSA));
    let newest = &report.document_time_stamps[0].warnings;
    assert_eq!(
        *newest,
        [
            "“Test TSA” signed with an RSA key of 2048 bits, which is recommended until 2028-12-31 \
             only, and nothing proves that it was before"
        ]
    );
    // What the newest time-stamp covers is as old as that says.
    assert_eq!(aged(&report).len(), 1, "{:?}", aged(&report));
}

#[test]
fn an_archive_time_stamp_before_the_end_makes_up_for_what_it_covers() {
    let report = judged("strong_lta", END_OF_SHORT_RSA);
    assert!(report.valid);
    assert!(aged(&report).is_empty(), "{:?}", aged(&report));
    assert_eq!(report.algorithms_until, Some(END_OF_PKCS1));

    let report = judged("strong_lta", END_OF_PKCS1);
    assert!(report.valid);
    let [only] = aged(&report)[..] else {
        panic!("{:?}", aged(&report));
    };
    assert!(only.starts_with("“Strong TSA” signed with RSA with the padding of PKCS #1 v1.5"));
}
