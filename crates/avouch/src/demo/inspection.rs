//! Verifying what the demo signed, offline, against the sandbox's root.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use model::Clock;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use validation::report::{Coverage, Indication};
use validation::{MissingRevocation, Trust, validate_pdf};

use crate::system::SystemClock;

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// Verifies every signature of every file and shows them.
pub fn inspect(files: &[PathBuf], root: &Path) -> anyhow::Result<()> {
    let root = CertificateDer::from_pem_file(root)
        .with_context(|| format!("cannot read {}", root.display()))?;
    let trust = Trust {
        // The column of levels tells which files hold none.
        missing_revocation: MissingRevocation::Tolerated,
        ..Trust::in_roots(vec![root.to_vec()])
    };
    println!();
    let names = files.iter().map(|file| name_of(file).chars().count());
    let width = names.max().unwrap_or_default().max(14);
    println!(
        "  {:<width$} {:<26} {:<6} Time-stamped",
        "Verified", "Signed by", "Level"
    );
    for file in files {
        let pdf = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = name_of(file);
        let report = validate_pdf(&pdf, &trust, SystemClock.now())?;
        ensure!(!report.signatures.is_empty(), "{name} bears no signature");
        for signature in &report.signatures {
            let doubt = signature.reason.as_deref().unwrap_or_default();
            ensure!(
                signature.indication == Indication::TotalPassed,
                "{name}: {doubt}"
            );
            let signer = signature.signer.as_ref();
            let signer = signer.map_or("", |signer| signer.common_name.as_str());
            let level = signature.level.map_or("", |level| level.name());
            let stamped = signature.proven_time;
            let stamped = stamped.context("a signature without time-stamp")?;
            let stamped = stamped.to_utc().format(MOMENT)?;
            println!("✓ {name:<width$} {signer:<26} {level:<6} {stamped}");
        }
        let signatures = &report.signatures;
        let whole = |covers| covers == Some(Coverage::WholeFile);
        ensure!(
            signatures.iter().any(|one| whole(one.coverage))
                || !report.document_time_stamps.is_empty(),
            "{name}: something was appended after the last signature"
        );
    }
    Ok(())
}

fn name_of(file: &Path) -> Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}
