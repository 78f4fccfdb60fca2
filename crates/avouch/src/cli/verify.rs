//! `avouch verify`.

use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Verify signatures.
#[derive(Args)]
#[command(
    long_about = "Validates every signature in PDF files, of Avouch or of any other maker, and in \
CMS containers (.p7m, .p7s), without a network: by the roots that are given, and by the revocation \
data and time-stamps that the files hold. Says which level each signature reaches (B-B, B-T, B-LT, \
B-LTA) and what the next ones lack, and what was changed in a file after it was signed.\n\nExit \
status 0: all signatures of all files are valid. 1: some are not, or there are none. 2: a file can't \
be read, or there is nothing to trust.",
    after_long_help = "Examples:\n  \
avouch verify contract.pdf --roots root.pem\n  \
avouch verify *.pdf --roots /etc/ssl/certs --json\n  \
avouch verify hashes.p7m --content hashes.bin --roots root.pem\n  \
avouch verify contract.pdf --roots root.pem --at 2030-01-01T00:00:00Z\n  \
avouch verify --log log.key certificate.crt receipt.json\n  \
avouch verify --log log.key checkpoint.2025 checkpoint.2026 ./tile"
)]
pub struct Verify {
    /// Signed PDF files and CMS containers; with --log, certificates, receipts, checkpoints and a
    /// folder with tiles.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Certificates to trust: a file, PEM or DER, or a folder of such files; may be repeated.
    /// Default: `keys/root.crt`, where it is run inside an installation.
    #[arg(long, value_name = "PATH")]
    pub roots: Vec<PathBuf>,
    /// Revocation lists that count beside those in the files, PEM or DER; may be repeated. Default:
    /// `keys/root.crl`, where it is run inside an installation and trusts its root.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// What a CMS container without content is about.
    #[arg(long, value_name = "FILE")]
    pub content: Option<PathBuf>,
    /// Judge as of this time, RFC 3339, instead of now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,
    /// Let certificates pass that the file holds no revocation data for. No signature gets beyond
    /// B-T that way.
    #[arg(long)]
    pub tolerate_missing_revocation: bool,
    /// Check the issuance log whose key (`NAME+HASH+KEY`) is in this file: that certificates are in
    /// it, by their receipts, and that each checkpoint continues those before it, by the tiles.
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["roots", "crl", "content", "at", "tolerate_missing_revocation"])]
    pub log: Option<PathBuf>,
    /// Print one JSON document instead of words.
    #[arg(long)]
    pub json: bool,
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "not a time like 2030-01-01T00:00:00Z".to_owned())
}
