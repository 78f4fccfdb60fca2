//! `avouch verify`.

mod log;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use model::Clock;
use pki::verify::RevocationList;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;
use validation::{Content, MissingRevocation, Report, Trust, validate_detached, validate_pdf};

use crate::cli;
use crate::stdout;
use crate::system::SystemClock;

/// Where an installation keeps the certificate of its root.
const OWN_ROOT: &str = "keys/root.crt";
/// And what it revoked.
const OWN_ROOT_LIST: &str = "keys/root.crl";
/// Something could not be read, or was called wrongly.
const UNREADABLE: u8 = 2;

/// What is said about one file.
#[derive(Serialize)]
struct FileReport<'a> {
    file: &'a Path,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Judged(Report),
    Unreadable { error: String },
}

/// Judges all files, says so, and returns the exit status.
pub fn run(options: &cli::Verify) -> ExitCode {
    let judged = match &options.log {
        Some(key) => log::judge(key, &options.files, options.json),
        None => judge_all(options),
    };
    match judged {
        Ok(code) => code,
        Err(error) => {
            eprintln!("avouch: {error:#}");
            ExitCode::from(UNREADABLE)
        }
    }
}

fn judge_all(options: &cli::Verify) -> anyhow::Result<ExitCode> {
    let trust = Trust {
        roots: roots(&options.roots)?,
        missing_revocation: match options.tolerate_missing_revocation {
            true => MissingRevocation::Tolerated,
            false => MissingRevocation::Doubted,
        },
        revocation_lists: revocation_lists(options)?,
    };
    let content = options.content.as_deref().map(read).transpose()?;
    let reports: Vec<_> = options
        .files
        .iter()
        .map(|file| FileReport {
            file,
            outcome: match judge(file, content.as_deref(), &trust, options) {
                Ok(report) => Outcome::Judged(report),
                Err(error) => Outcome::Unreadable {
                    error: format!("{error:#}"),
                },
            },
        })
        .collect();
    if options.json {
        stdout::print(&format!("{}\n", serde_json::to_string_pretty(&reports)?))?;
    } else {
        for report in &reports {
            match &report.outcome {
                Outcome::Judged(judged) => stdout::print(&words::tell(report.file, judged))?,
                Outcome::Unreadable { error } => {
                    eprintln!("avouch: {}: {error}", report.file.display());
                }
            }
        }
    }
    let is_unreadable = |one: &FileReport<'_>| matches!(one.outcome, Outcome::Unreadable { .. });
    let is_valid = |one: &FileReport<'_>| matches!(&one.outcome, Outcome::Judged(one) if one.valid);
    Ok(if reports.iter().any(is_unreadable) {
        ExitCode::from(UNREADABLE)
    } else if reports.iter().all(is_valid) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn judge(
    file: &Path,
    content: Option<&[u8]>,
    trust: &Trust,
    options: &cli::Verify,
) -> anyhow::Result<Report> {
    let now = options.at.unwrap_or_else(|| SystemClock.now());
    let bytes = fs::read(file)?;
    // DER and BER begin with a SEQUENCE, PDF anywhere in its first kilobyte.
    if bytes.first() == Some(&0x30) {
        let content = content.map_or(Content::Embedded, Content::Bytes);
        return Ok(validate_detached(&bytes, content, trust, now)?);
    }
    Ok(validate_pdf(&bytes, trust, now)?)
}

fn roots(places: &[PathBuf]) -> anyhow::Result<Vec<Vec<u8>>> {
    let own = [PathBuf::from(OWN_ROOT)];
    let places = match places {
        [] if Path::new(OWN_ROOT).exists() => &own,
        [] => bail!("nothing to trust: name root certificates with --roots"),
        given => given,
    };
    let mut roots = Vec::new();
    for place in places {
        if place.is_dir() {
            let entries = fs::read_dir(place);
            for entry in entries.with_context(|| format!("cannot read {}", place.display()))? {
                let path = entry?.path();
                // A folder may hold other things as well.
                if path.is_file() {
                    roots.extend(certificates(&read(&path)?));
                }
            }
        } else {
            let found = certificates(&read(place)?);
            ensure!(
                !found.is_empty(),
                "{} holds no certificate",
                place.display()
            );
            roots.extend(found);
        }
    }
    ensure!(
        !roots.is_empty(),
        "nothing to trust: no certificate was found"
    );
    Ok(roots)
}

/// The lists that were named, or the own root's where that is trusted by default.
fn revocation_lists(options: &cli::Verify) -> anyhow::Result<Vec<Vec<u8>>> {
    let own = Path::new(OWN_ROOT_LIST);
    let mut places: Vec<_> = options.crl.iter().map(PathBuf::as_path).collect();
    if options.roots.is_empty() && places.is_empty() && own.exists() {
        places.push(own);
    }
    let mut lists = Vec::new();
    for place in places {
        let bytes = read(place)?;
        let list = match CertificateRevocationListDer::from_pem_slice(&bytes) {
            Ok(list) => list.to_vec(),
            Err(_) => bytes,
        };
        RevocationList::read(&list)
            .with_context(|| format!("{} holds no revocation list", place.display()))?;
        lists.push(list);
    }
    Ok(lists)
}

/// The certificates of a file, DER or PEM.
fn certificates(bytes: &[u8]) -> Vec<Vec<u8>> {
    if pki::CertificateFacts::read(bytes).is_ok() {
        return vec![bytes.to_vec()];
    }
    CertificateDer::pem_slice_iter(bytes)
        .filter_map(|one| one.ok().map(|der| der.to_vec()))
        .filter(|der| pki::CertificateFacts::read(der).is_ok())
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
