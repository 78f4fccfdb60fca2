//! Verifying what the demo signed, offline, against the sandbox's root.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use model::Clock;
use pades::Coverage;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::system::SystemClock;

const MOMENT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// Verifies every signature of every file and shows them.
pub fn inspect(files: &[PathBuf], root: &Path) -> anyhow::Result<()> {
    let root = CertificateDer::from_pem_file(root)
        .with_context(|| format!("cannot read {}", root.display()))?;
    println!();
    let names = files.iter().map(|file| name_of(file).chars().count());
    let width = names.max().unwrap_or_default().max(14);
    println!("  {:<width$} {:<26} Time-stamped", "Verified", "Signed by");
    for file in files {
        let pdf = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let signatures = pades::signatures(&pdf)?;
        ensure!(
            !signatures.is_empty(),
            "{} bears no signature",
            file.display()
        );
        let name = name_of(file);
        for signature in &signatures {
            let digest = signature
                .digest
                .context("a signature over irregular ranges")?;
            let verified = pki::verify::verify_detached(
                &signature.cms,
                &digest,
                &[root.to_vec()],
                SystemClock.now(),
            )
            .with_context(|| format!("{name}: {}", signature.field_name))?;
            let stamped = verified
                .time_stamp
                .context("a signature without time-stamp")?;
            let stamped = stamped.format(MOMENT)?;
            println!(
                "✓ {name:<width$} {:<26} {stamped}",
                verified.signer.common_name
            );
        }
        let whole = signatures
            .iter()
            .any(|one| one.covers == Coverage::WholeFile);
        ensure!(
            whole,
            "{name}: something was appended after the last signature"
        );
    }
    Ok(())
}

fn name_of(file: &Path) -> Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}
