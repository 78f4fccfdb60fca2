//! A report in plain words.

use std::fmt::Write;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use validation::Report;
use validation::report::{
    CertificateReport, Indication, LaterChanges, SignatureReport, SubIndication, TimeStampReport,
};

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// What a person should know about a file.
pub fn tell(file: &Path, report: &Report) -> String {
    let mut out = String::new();
    let nothing = report.signatures.is_empty() && report.document_time_stamps.is_empty();
    let verdict = match (report.valid, nothing) {
        (true, _) => "valid",
        (false, true) => "bears no signature",
        (false, false) => "NOT VALID",
    };
    line(&mut out, 0, &format!("{}: {verdict}", file.display()));
    for signature in &report.signatures {
        tell_signature(&mut out, signature);
    }
    for stamp in &report.document_time_stamps {
        tell_document_time_stamp(&mut out, stamp);
    }
    if let Some(until) = report.algorithms_until {
        let told = "its algorithms are recommended until";
        let advice = "an archive time-stamp before then prolongs that";
        line(&mut out, 1, &format!("{told} {}; {advice}", moment(until)));
    }
    out
}

fn tell_signature(out: &mut String, signature: &SignatureReport) {
    let who = signature.signer.as_ref().map_or("somebody", name_of);
    let field = match &signature.field {
        Some(field) => format!(" in the field {field}"),
        None => String::new(),
    };
    let level = match signature.level {
        Some(level) => level.name(),
        None => "no baseline level",
    };
    let mark = mark(signature.indication);
    line(out, 1, &format!("{mark} signed by {who}{field}: {level}"));
    tell_doubt(
        out,
        signature.indication,
        signature.sub_indication,
        signature.reason.as_deref(),
    );
    if let Some(proven) = signature.proven_time {
        line(
            out,
            2,
            &format!("existed by {}, as a time-stamp proves", moment(proven)),
        );
    } else if let Some(claimed) = signature.claimed_time {
        line(
            out,
            2,
            &format!("made {}, as the signer says", moment(claimed)),
        );
    }
    if let Some(signer) = &signature.signer {
        line(out, 2, &format!("certificate: {}", signer.subject));
        line(out, 2, &format!("issued by: {}", signer.issuer));
    }
    for missing in &signature.higher_levels {
        line(
            out,
            2,
            &format!("not {}: {}", missing.level.name(), missing.why),
        );
    }
    tell_changes(out, signature.later_changes.as_ref());
    let of_stamps = signature.time_stamps.iter().flat_map(|one| &one.warnings);
    tell_warnings(out, signature.warnings.iter().chain(of_stamps));
}

fn tell_warnings<'a>(out: &mut String, warnings: impl Iterator<Item = &'a String>) {
    for warning in warnings {
        line(out, 2, &format!("mind: {warning}"));
    }
}

fn tell_document_time_stamp(out: &mut String, stamp: &TimeStampReport) {
    let who = stamp.unit.as_ref().map_or("somebody", name_of);
    let when = stamp.time.map_or_else(|| "unknown".into(), moment);
    let mark = mark(stamp.indication);
    line(
        out,
        1,
        &format!("{mark} time-stamped as a whole by {who}: {when}"),
    );
    tell_doubt(
        out,
        stamp.indication,
        stamp.sub_indication,
        stamp.reason.as_deref(),
    );
    tell_warnings(out, stamp.warnings.iter());
}

fn tell_doubt(
    out: &mut String,
    indication: Indication,
    sub_indication: Option<SubIndication>,
    reason: Option<&str>,
) {
    let (Some(sub_indication), Some(reason)) = (sub_indication, reason) else {
        return;
    };
    let verdict = match indication {
        Indication::TotalFailed => "invalid",
        _ => "in doubt",
    };
    let word = sub_indication.word();
    line(out, 2, &format!("{verdict}: {reason} ({word})"));
}

fn tell_changes(out: &mut String, changes: Option<&LaterChanges>) {
    let Some(changes) = changes.filter(|changes| changes.most.is_some()) else {
        return;
    };
    let permitted = match changes.permitted {
        true => "as a signed file may be",
        false => "against what the signature allows",
    };
    line(out, 2, &format!("changed later, {permitted}:"));
    for change in &changes.changes {
        line(out, 3, &change.what);
    }
}

fn mark(indication: Indication) -> &'static str {
    match indication {
        Indication::TotalPassed => "✓",
        Indication::Indeterminate => "?",
        Indication::TotalFailed => "✗",
    }
}

/// A subject's common name; the whole subject where it has none.
fn name_of(certificate: &CertificateReport) -> &str {
    match certificate.common_name.as_str() {
        "" => &certificate.subject,
        name => name,
    }
}

fn moment(at: OffsetDateTime) -> String {
    at.to_utc()
        .format(MOMENT)
        .unwrap_or_else(|_| at.to_string())
}

/// Names come from strangers: what would steer a terminal is not printed.
fn line(out: &mut String, depth: usize, text: &str) {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    let _ = writeln!(out, "{:indent$}{plain}", "", indent = depth * 2);
}
