//! `avouch log`, and what a running server does of it by itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use service::Service;
use tokio_util::sync::CancellationToken;

use crate::cli::{self, LogCommand};
use crate::registration::{Office, output};
use crate::stdout;

/// How often a running server gives new entries their places. A checkpoint tells when something was
/// issued no more exactly than that.
const EVERY: Duration = Duration::from_secs(60);

/// Does what was asked for.
pub async fn run(options: cli::Log) -> anyhow::Result<()> {
    let place = match &options.command {
        LogCommand::Key(place) | LogCommand::Checkpoint(place) | LogCommand::Audit(place) => place,
        LogCommand::Receipt(options) => &options.place,
    };
    let office = Office::open(place).await?;
    let answer = answer(office.service(), &options.command).await;
    office.close().await;
    stdout::print(&answer?)
}

async fn answer(service: &Service, command: &LogCommand) -> anyhow::Result<String> {
    match command {
        LogCommand::Key(_) => Ok(service.log_verifier().await? + "\n"),
        LogCommand::Checkpoint(_) => {
            service.advance_log().await?;
            let latest = service.log_checkpoint().await?;
            latest.context("the issuance log has no checkpoint")
        }
        LogCommand::Receipt(options) => {
            let receipt = match (&options.serial, &options.certificate) {
                (Some(serial), _) => service.log_receipt_of(&serial.to_lowercase()).await?,
                (None, Some(path)) => service.log_receipt(&certificate(path)?).await?,
                (None, None) => unreachable!("the command line demands one of the two"),
            };
            let receipt = receipt.context("no such certificate is in the issuance log")?;
            Ok(output::json(&serde_json::to_value(receipt)?))
        }
        LogCommand::Audit(place) => {
            let audit = service.audit_log().await?;
            let root = hex::encode(audit.root);
            Ok(match place.json {
                true => output::json(&json!({
                    "entries": audit.entries,
                    "checkpoints": audit.checkpoints,
                    "root": root,
                })),
                false => format!(
                    "{} entries and {} checkpoints, each is what it should be\nroot {root}\n",
                    audit.entries, audit.checkpoints
                ),
            })
        }
    }
}

fn certificate(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(CertificateDer::from_pem_slice(&bytes).map_or(bytes, |der| der.to_vec()))
}

/// Gives new entries their places and signs checkpoints until `stop`.
pub async fn keep(service: Service, stop: CancellationToken) {
    loop {
        if let Err(error) = service.advance_log().await {
            tracing::warn!(%error, "the issuance log does not advance");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
