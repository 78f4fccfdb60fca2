//! `avouch verify --log`: what an issuance log says, checked by anybody and without a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use transparency::tile::{self, WIDTH};
use transparency::{
    Checkpoint, Hash, LogVerifier, NodeId, Receipt, consistency_proof, verify_consistency,
};

use super::{certificates, read};
use crate::stdout;

/// What was given.
#[derive(Default)]
struct Evidence {
    certificates: Vec<(PathBuf, Vec<u8>)>,
    receipts: Vec<(PathBuf, Receipt)>,
    notes: Vec<(PathBuf, String)>,
    tiles: Option<PathBuf>,
}

/// What was found.
#[derive(Default, Serialize)]
struct Findings {
    valid: bool,
    included: Vec<Included>,
    consistent: Vec<State>,
    faults: Vec<String>,
}

/// A certificate that is in the log.
#[derive(Serialize)]
struct Included {
    certificate: PathBuf,
    index: u64,
    of: u64,
}

/// A state of the log that fits the others.
#[derive(Serialize)]
struct State {
    size: u64,
    root: String,
}

/// Checks everything, says so, and returns the exit status.
pub fn judge(key: &Path, files: &[PathBuf], in_json: bool) -> anyhow::Result<ExitCode> {
    let line = String::from_utf8(read(key)?).context("the log's key is no text")?;
    let log = LogVerifier::parse(&line).with_context(|| key.display().to_string())?;
    let evidence = Evidence::gather(files)?;
    let mut findings = Findings::default();
    findings.check_inclusion(&evidence, &log);
    findings.check_consistency(&evidence, &log);
    findings.valid = findings.faults.is_empty();
    if in_json {
        stdout::print(&format!("{}\n", serde_json::to_string_pretty(&findings)?))?;
    } else {
        stdout::print(&findings.words(&log))?;
    }
    Ok(match findings.valid {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

impl Evidence {
    fn gather(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut evidence = Self::default();
        for path in files {
            if path.is_dir() {
                ensure!(evidence.tiles.is_none(), "more than one folder with tiles");
                evidence.tiles = Some(path.clone());
                continue;
            }
            let bytes = read(path)?;
            let found = certificates(&bytes);
            if let Some(first) = found.into_iter().next() {
                // A chain's other certificates are the authorities' own.
                evidence.certificates.push((path.clone(), first));
            } else if let Ok(receipt) = serde_json::from_slice(&bytes) {
                evidence.receipts.push((path.clone(), receipt));
            } else if let Ok(note) = String::from_utf8(bytes) {
                evidence.notes.push((path.clone(), note));
            } else {
                bail!(
                    "{} is neither a certificate nor a receipt nor a checkpoint",
                    path.display()
                );
            }
        }
        Ok(evidence)
    }
}

impl Findings {
    /// That every certificate has a receipt and every receipt a certificate.
    fn check_inclusion(&mut self, evidence: &Evidence, log: &LogVerifier) {
        let mut proved = vec![false; evidence.certificates.len()];
        for (path, receipt) in &evidence.receipts {
            let certificates = evidence.certificates.iter().enumerate();
            let mut verified = certificates.map(|(at, (_, der))| (at, receipt.verify(der, log)));
            match verified.find(|(_, verified)| verified.is_ok()) {
                Some((at, Ok(of))) => {
                    proved[at] = true;
                    self.included.push(Included {
                        certificate: evidence.certificates[at].0.clone(),
                        index: receipt.index,
                        of,
                    });
                }
                _ => {
                    let why = match receipt.checkpoint(log) {
                        Err(error) => error.to_string(),
                        Ok(_) => "it proves none of these certificates".to_owned(),
                    };
                    self.faults.push(format!("{}: {why}", path.display()));
                }
            }
        }
        for ((path, _), proved) in evidence.certificates.iter().zip(proved) {
            if !proved {
                let path = path.display();
                self.faults.push(format!("{path}: no receipt proves it"));
            }
        }
    }

    /// That all checkpoints, those of receipts among them, are states of one log that only grew.
    fn check_consistency(&mut self, evidence: &Evidence, log: &LogVerifier) {
        let mut states = Vec::new();
        for (path, note) in &evidence.notes {
            match log.open(note) {
                Ok(checkpoint) => states.push(checkpoint),
                Err(error) => self.faults.push(format!("{}: {error}", path.display())),
            }
        }
        let of_receipts = evidence.receipts.iter();
        states.extend(of_receipts.filter_map(|(_, receipt)| receipt.checkpoint(log).ok()));
        states.sort_by_key(|one| (one.size, one.root));
        states.dedup();
        for pair in states.windows(2) {
            if let Err(fault) = follows(&pair[0], &pair[1], evidence.tiles.as_deref()) {
                let (old, new) = (pair[0].size, pair[1].size);
                self.faults.push(format!("from {old} to {new}: {fault:#}"));
            }
        }
        self.consistent = states
            .into_iter()
            .map(|one| State {
                size: one.size,
                root: STANDARD.encode(one.root),
            })
            .collect();
    }

    fn words(&self, log: &LogVerifier) -> String {
        let mut text = format!("log {}\n", log.name());
        for one in &self.included {
            let path = one.certificate.display();
            text += &format!("{path} is entry {} of {}\n", one.index, one.of);
        }
        for one in &self.consistent {
            text += &format!("checkpoint over {}: root {}\n", one.size, one.root);
        }
        for fault in &self.faults {
            text += &format!("FAULT {fault}\n");
        }
        text += if self.valid { "valid\n" } else { "not valid\n" };
        text
    }
}

/// That the log grew from one state to the other.
fn follows(old: &Checkpoint, new: &Checkpoint, tiles: Option<&Path>) -> anyhow::Result<()> {
    ensure!(
        old.size != new.size,
        "two states of the same size: the log tells different things to different people"
    );
    let proof = match (old.size, tiles) {
        (0, _) => Vec::new(),
        (_, None) => bail!("the folder with the log's tiles is needed to compare them"),
        (_, Some(tiles)) => {
            consistency_proof(old.size, new.size, |node| node_of(tiles, node, new.size))?
        }
    };
    let (old, new) = ((old.size, &old.root), (new.size, &new.root));
    ensure!(
        verify_consistency(old, new, &proof),
        "the later state does not continue the earlier one"
    );
    Ok(())
}

/// A node, from a copy of the log's tiles.
fn node_of(tiles: &Path, node: NodeId, size: u64) -> anyhow::Result<Hash> {
    let (tile, below) = tile::of_node(node, size);
    // A tile that was partial for this state may be full by now.
    let full = tile::Tile {
        width: WIDTH,
        ..tile
    };
    let bytes = fs::read(tiles.join(full.path()))
        .or_else(|_| fs::read(tiles.join(tile.path())))
        .with_context(|| format!("tile {} is not there", tile.path()))?;
    let (hashes, _) = bytes.as_chunks();
    hashes
        .get(below)
        .and_then(tile::node_over)
        .with_context(|| format!("tile {} is too short", tile.path()))
}
