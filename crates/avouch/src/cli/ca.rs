//! Subcommands for those who run the certification authority.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::certificate::RevocationReason;

use super::Place;

/// Run the certification authority.
#[derive(Args)]
#[command(
    long_about = "Shows the authorities' certificates, appoints successors and checks the records of \
key ceremonies.\n\nA running server finds a successor within seconds and needs no restart: what the \
one before issued stays valid, and is answered for. The server renews the time-stamping unit and the \
issuing CA's OCSP responder by itself; only what the root signs needs the root's key.",
    after_long_help = "Examples:\n  \
avouch ca status --config /var/lib/avouch/avouch.toml\n  \
avouch ca new-issuing --config /var/lib/avouch/avouch.toml --root-key /media/root/root.key.pem \\\n      \
--passphrase-file /media/root/passphrase --present \"Ana Ejemplo\" --present \"Luis Muestra\"\n  \
avouch ca verify-record ceremony-1.json --root root.crt"
)]
pub struct Ca {
    /// What to do.
    #[command(subcommand)]
    pub command: CaCommand,
}

/// What can be done with the authorities.
#[derive(Subcommand)]
pub enum CaCommand {
    /// Show every certificate of the authorities, in use or not, and what ends soon.
    Status(Place),
    /// Appoint another issuing CA and its OCSP responder. Needs the root's key.
    NewIssuing(WithRoot),
    /// Appoint another time-stamping unit.
    NewTsa(Place),
    /// Appoint other OCSP responders.
    NewOcsp(NewOcsp),
    /// Revoke an issuing CA, or a responder of the root, that has a successor. Needs the root's key.
    Revoke(Revoke),
    /// Make the root's revocation list anew, once a year at least. Needs the root's key.
    RootCrl(WithRoot),
    /// Take the root's key out of the keys folder, into a file under a passphrase.
    RootOffline(RootOffline),
    /// Write the revocation lists as they stand now into a folder.
    Crl(Crl),
    /// Check the signature over the record of a key ceremony, and print what it tells.
    VerifyRecord(VerifyRecord),
}

/// Where the root's key is.
#[derive(Args)]
pub struct RootKey {
    /// The file with the root's key, where it is offline.
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// File with the passphrase of the root's key. Default: the environment variable
    /// AVOUCH_ROOT_PASSPHRASE.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Somebody who is present; once for each. The record of the ceremony names them.
    #[arg(long, value_name = "NAME")]
    pub present: Vec<String>,
}

/// Appoint another issuing CA.
#[derive(Args)]
pub struct WithRoot {
    #[command(flatten)]
    /// Which installation.
    pub place: Place,
    #[command(flatten)]
    /// Where the root's key is.
    pub root: RootKey,
}

/// Appoint other OCSP responders.
#[derive(Args)]
pub struct NewOcsp {
    #[command(flatten)]
    /// Which installation.
    pub place: Place,
    #[command(flatten)]
    /// Where the root's key is.
    pub root: RootKey,
    /// For whose certificates.
    #[arg(long, value_name = "WHO", default_value = "issuing")]
    pub of: Appointing,
}

/// Who appoints OCSP responders.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Appointing {
    /// The issuing CAs, each of which has one.
    Issuing,
    /// The root; its key is needed.
    Root,
}

/// Revoke what the root appointed.
#[derive(Args)]
pub struct Revoke {
    /// What `avouch ca status` calls it, as in `issuing`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Why.
    #[arg(long, value_name = "REASON")]
    pub reason: Reason,
    #[command(flatten)]
    /// Which installation.
    pub place: Place,
    #[command(flatten)]
    /// Where the root's key is.
    pub root: RootKey,
}

/// Why an authority is revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// Its key may be in other hands.
    KeyCompromise,
    /// Another took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// What its certificate says of it changed.
    AffiliationChanged,
    /// None is given.
    Unspecified,
}

impl Reason {
    /// How records put it.
    pub fn words(self) -> &'static str {
        match self {
            Reason::KeyCompromise => "its key may be in other hands",
            Reason::Superseded => "superseded",
            Reason::CessationOfOperation => "no longer needed",
            Reason::AffiliationChanged => "affiliation changed",
            Reason::Unspecified => "no reason given",
        }
    }
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::KeyCompromise => RevocationReason::KeyCompromise,
            Reason::Superseded => RevocationReason::Superseded,
            Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
            Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
            Reason::Unspecified => RevocationReason::Unspecified,
        }
    }
}

/// Take the root's key offline.
#[derive(Args)]
pub struct RootOffline {
    #[command(flatten)]
    /// Which installation.
    pub place: Place,
    /// File to write the key to, on the medium that it will stay on.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// File with the passphrase to set. Default: the environment variable AVOUCH_ROOT_PASSPHRASE,
    /// or else a drawn one, which is printed once.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Somebody who is present; once for each. The record of the ceremony names them.
    #[arg(long, value_name = "NAME")]
    pub present: Vec<String>,
}

/// Write the revocation lists.
#[derive(Args)]
pub struct Crl {
    #[command(flatten)]
    /// Which installation.
    pub place: Place,
    /// Folder to write them to, laid out as under /pki/.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Check the record of a ceremony.
#[derive(Args)]
pub struct VerifyRecord {
    /// The record; its signature lies beside it, with .p7s at the end of its name.
    #[arg(value_name = "FILE")]
    pub record: PathBuf,
    /// The root's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    pub root: PathBuf,
}
