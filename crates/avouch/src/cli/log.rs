//! `avouch log`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::Place;

/// Look after the issuance log.
#[derive(Args)]
#[command(
    long_about = "Every certificate is entered in an append-only Merkle log in the transaction that \
stores it as signed. What stands there is a commitment under a salt of its own: the log names nobody, \
and whoever has a certificate and its receipt can find it there.\n\nA running server signs a checkpoint \
every minute in which something was issued and publishes the log at /log (C2SP tlog-tiles). avouch \
verify --log checks what it says, without a network.",
    after_long_help = "Examples:\n  \
avouch log key --config avouch.toml > log.key\n  \
avouch log checkpoint --config avouch.toml > checkpoint\n  \
avouch log receipt --config avouch.toml --serial 4a1f > receipt.json\n  \
avouch log audit --config avouch.toml"
)]
pub struct Log {
    /// What to do.
    #[command(subcommand)]
    pub command: LogCommand,
}

/// What can be done with the issuance log.
#[derive(Subcommand)]
pub enum LogCommand {
    /// Print the key by which checkpoints are verified.
    Key(Place),
    /// Sign a checkpoint if something was issued since the last one, and print the latest.
    Checkpoint(Place),
    /// Print a certificate's receipt.
    Receipt(LogReceipt),
    /// Rebuild the tree from the certificates and compare it with everything stored and signed.
    Audit(Place),
}

/// Print a certificate's receipt.
#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["serial", "certificate"]).required(true)))]
pub struct LogReceipt {
    /// Which installation.
    #[command(flatten)]
    pub place: Place,
    /// The certificate's serial number, hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub serial: Option<String>,
    /// The certificate, PEM or DER.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
}
