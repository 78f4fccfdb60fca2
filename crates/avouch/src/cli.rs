//! The command line.

mod ca;
mod log;
mod register;
mod registration;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hsm::KeyUri;
use url::Url;

use crate::config::KeyKind;
use crate::installation::RootHome;

pub use ca::{
    Appointing, Ca, CaCommand, Crl, NewOcsp, Revoke, RootKey, RootOffline, VerifyRecord, WithRoot,
};
pub use log::{Log, LogCommand};
pub use register::Register;
pub use registration::{
    ApiUser, ApiUserCommand, Place, Ra, RaCommand, Rao, RaoCommand, Scratchcard,
    ScratchcardCommand, Settings,
};
pub use verify::Verify;

/// From a filmed identification to a certificate and a signed document.
#[derive(Parser)]
#[command(name = "avouch", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `avouch` can do.
#[derive(Subcommand)]
pub enum Command {
    /// Make an installation: keys, CA and TSA, database, configuration, first officer.
    Init(Init),
    /// Run an installation.
    Serve(Serve),
    /// Start a ready-to-use instance for trying and testing.
    Sandbox(Sandbox),
    /// Play both workflows on a fresh instance and show every step.
    Demo(Demo),
    /// Set up registration authorities.
    Ra(Ra),
    /// Set up registration authority officers (RAOs).
    Rao(Rao),
    /// Set up API users and their client certificates.
    ApiUser(ApiUser),
    /// Make and move scratchcards.
    Scratchcard(Scratchcard),
    /// Show the certification authority's certificates and appoint successors.
    Ca(Ca),
    /// Look after the log of everything issued, which names nobody.
    Log(Log),
    /// Search the register of everything issued.
    Register(Register),
    /// Print an OpenAPI document.
    Openapi(Openapi),
    /// Verify signatures, of Avouch or of any other maker, without a network.
    Verify(Verify),
    /// Renew archive time-stamps before they run out.
    Renew(Renew),
    /// Verify the audit log's chain of hashes.
    Audit(Audit),
}

/// Make an installation.
#[derive(Args)]
#[command(
    long_about = "Makes a real installation in DIR: the master key, a root CA, an issuing CA, a \
time-stamping authority and OCSP responders, the database, a commented configuration file, the \
first registration authority and its first officer (RAO).\n\nThe officer's password and PIN are \
printed once and stored nowhere in the clear. An existing installation is never touched.\n\nThe \
root's key does not stay among the others: it goes into DIR/offline, under a passphrase, and that \
folder belongs on a medium in a safe. It is needed again for another issuing CA (avouch ca). What \
was done is recorded in DIR/ceremonies, signed with the root's key.",
    after_long_help = "Examples:\n  \
avouch init --dir /var/lib/avouch\n  \
avouch init --dir /var/lib/avouch --organisation \"Example Trust SL\" --country ES \\\n      \
--public-url https://sign.example.com\n  \
avouch init --dir ./trial --database postgres://avouch@localhost/avouch"
)]
pub struct Init {
    /// Folder for the installation; made if missing.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The organisation that runs it, as certificates and contracts name it.
    #[arg(long, value_name = "NAME", default_value = "Avouch Self-Hosted")]
    pub organisation: String,
    /// The organisation's country, ISO 3166-1 alpha-2.
    #[arg(long, value_name = "CC", default_value = "ES")]
    pub country: String,
    /// Under which URL clients and verifiers reach the server; certificates point there.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8420")]
    pub public_url: Url,
    /// Database: `sqlite:PATH` or `postgres://…`. Default: SQLite inside DIR.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Token in which the keys of the CA, the TSA and the OCSP responders are made, by PKCS #11:
    /// `pkcs11:token=LABEL?module-path=PATH&pin-source=file:PATH` (RFC 7512). Default: no token.
    #[arg(long, value_name = "URI")]
    pub keys: Option<KeyUri>,
    /// Name of the first registration authority. Default: the organisation.
    #[arg(long, value_name = "NAME")]
    pub authority: Option<String>,
    /// The first officer's first names.
    #[arg(long, value_name = "NAME", default_value = "First")]
    pub officer_given_name: String,
    /// The first officer's surname.
    #[arg(long, value_name = "NAME", default_value = "Officer")]
    pub officer_surname: String,
    /// The first officer's identity number, as EN 319 412-1 §5.1.3 writes it. Default: a random
    /// one issued by the organisation itself.
    #[arg(long, value_name = "NUMBER")]
    pub officer_identity: Option<String>,
    /// Where the root's key goes: out of the keys folder, or into it, for trials only.
    #[arg(long, value_name = "WHERE", default_value = "offline")]
    pub root: RootHome,
    /// File with the passphrase for the root's key. Default: the environment variable
    /// AVOUCH_ROOT_PASSPHRASE, or else a drawn one, which is printed once.
    #[arg(long, value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
    /// Somebody who is present; once for each. The record of the ceremony names them.
    #[arg(long, value_name = "NAME")]
    pub present: Vec<String>,
}

/// Run an installation.
#[derive(Args)]
#[command(
    long_about = "Runs the installation that FILE configures, until SIGINT or SIGTERM.\n\nThe \
server listens on loopback. Any other address needs TLS (server.tls in FILE) or --behind-proxy, \
which says that a reverse proxy in front ends TLS.\n\nEvery field can be set by an environment \
variable too: AVOUCH__SERVER__LISTEN for server.listen. File, environment and flags count in \
that order.",
    after_long_help = "Examples:\n  \
avouch serve --config /var/lib/avouch/avouch.toml\n  \
avouch serve --config avouch.toml --listen 0.0.0.0:8420 --behind-proxy\n  \
AVOUCH__LOG__LEVEL=debug avouch serve --config avouch.toml"
)]
pub struct Serve {
    /// The configuration file that `avouch init` wrote.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Address to listen on instead of the configured one.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// A reverse proxy in front ends TLS: listen beyond loopback without it.
    #[arg(long)]
    pub behind_proxy: bool,
}

/// Start a sandbox.
#[derive(Args)]
#[command(
    long_about = "Starts an instance that keeps everything under DIR: database, keys, content, and \
the files that codes and mails go to instead of people. The Registration Authority API has a \
listener of its own, over TLS with client certificates. Once it accepts connections it prints one \
line, `ready ` and the base URL, on standard output; DIR/sandbox.json has by then the URLs and the \
credentials, which are random per instance. Started again on the same DIR it goes on where it \
stopped.",
    after_long_help = "Examples:\n  \
avouch sandbox --dir ./sandbox --listen 127.0.0.1:8420\n  \
avouch sandbox --dir ./sandbox --registration-listen 127.0.0.1:8421\n  \
avouch sandbox --dir ./sandbox --listen 127.0.0.1:0 --webhook-url http://127.0.0.1:9000/hook\n  \
tail -f ./sandbox/sms.jsonl"
)]
pub struct Sandbox {
    /// Folder for everything; made if missing.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Loopback address for the Registration Authority API. Default: the port it had, or else a
    /// free one.
    #[arg(long, value_name = "ADDR")]
    pub registration_listen: Option<SocketAddr>,
    /// Where events go; loopback is allowed here.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<Url>,
    /// Payload form of the events: `event` or `status`.
    #[arg(long, value_name = "FORM", default_value = "event", value_parser = ["event", "status"])]
    pub webhook_format: String,
    /// Secret for Standard Webhooks signatures: `whsec_` and base64.
    #[arg(long, value_name = "SECRET")]
    pub webhook_secret: Option<String>,
    /// Database: `sqlite:PATH` or `postgres://…`. Default: SQLite inside DIR.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Largest video that is taken, in MiB. Default: 512.
    #[arg(long, value_name = "MIB")]
    pub max_video_mib: Option<u64>,
    /// The kind of one-time keys; those of RSA are made ahead.
    #[arg(long, value_name = "KIND", value_enum, default_value = "ecdsa-p256")]
    pub key_algorithm: KeyKind,
}

/// Play the workflows.
#[derive(Args)]
#[command(
    long_about = "Starts a sandbox in DIR and plays two workflows against it, with the specimen \
identity card, selfie and video that ship with the program: One-Shot over HTTP, up to signed \
documents; then the Registration Authority API over HTTPS with a client certificate, up to the \
subscriber's certificate, a document signed with it, and its revocation. It shows them call by \
call, with the status before and after and the time each took. What was signed is verified and \
left in DIR/out, with DIR/out/summary.json. The sandbox then stays up until Ctrl-C, unless --exit is \
given.",
    after_long_help = "Examples:\n  \
avouch demo --dir ./demo\n  \
avouch demo --dir ./demo --exit\n  \
avouch demo --dir ./demo --listen 127.0.0.1:8420"
)]
pub struct Demo {
    /// Folder for everything; must be empty or missing.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Stop when the workflow has been played.
    #[arg(long)]
    pub exit: bool,
}

/// Print an OpenAPI document.
#[derive(Args)]
#[command(
    long_about = "Prints the OpenAPI 3.1 document of one listener's doors as JSON. A running server \
serves the same document at /openapi.json and a reference page at /docs.",
    after_long_help = "Examples:\n  \
avouch openapi > openapi.json\n  \
avouch openapi --api registration-authority --output docs/openapi-registration-authority.json"
)]
pub struct Openapi {
    /// Which listener's doors.
    #[arg(long, value_name = "API", default_value = "one-shot")]
    pub api: Api,
    /// File to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The listeners that describe themselves.
#[derive(Clone, Copy, ValueEnum)]
pub enum Api {
    /// The main one: One-Shot and all else that is not the other.
    OneShot,
    /// The Registration Authority API.
    RegistrationAuthority,
}

/// Renew archive time-stamps.
#[derive(Args)]
#[command(
    long_about = "Walks the signed PDFs that this installation keeps and adds an archive time-stamp \
to each that can be validated no longer than a number of days from now: what validates the \
time-stamp before goes into the file along with it, and a file at B-LT becomes B-LTA. Files for which a \
new time-stamp would last no longer than the old one are left alone, unless --regardless is given: use \
it when an algorithm has fallen and others have taken its place.\n\nA running \
server does the same by itself once a day, unless signature.renew_before_days is 0. Both may work at \
once, and whoever is stopped loses nothing: the next one goes on. Files that cannot be renewed are \
named; the exit status is 1 then.",
    after_long_help = "Examples:\n  avouch renew --config /var/lib/avouch/avouch.toml\n  \
avouch renew --config /var/lib/avouch/avouch.toml --within-days 3650 --dry-run\n  \
avouch renew --dir ./sandbox --within-days 3650 --regardless"
)]
pub struct Renew {
    /// Which installation.
    #[command(flatten)]
    pub place: Place,
    /// Files that can be validated no longer than so many days from now; default: as configured.
    #[arg(long, value_name = "DAYS")]
    pub within_days: Option<u32>,
    /// Also files that a new time-stamp makes last no longer.
    #[arg(long)]
    pub regardless: bool,
    /// Only say how many files are due.
    #[arg(long)]
    pub dry_run: bool,
}

/// Verify the audit log.
#[derive(Args)]
#[command(
    long_about = "Walks the audit log from its first entry and recomputes the chain of hashes. \
Ends with exit status 0 and the number of entries and the head's hash, or with 1 and the first \
entry that does not fit. The head's hash, written down elsewhere, later proves that nothing \
before it was changed.",
    after_long_help = "Examples:\n  avouch audit --config /var/lib/avouch/avouch.toml\n  \
avouch audit --database sqlite:./sandbox/avouch.db"
)]
pub struct Audit {
    /// The configuration file that names the database.
    #[arg(long, value_name = "FILE", required_unless_present = "database")]
    pub config: Option<PathBuf>,
    /// The database itself: `sqlite:PATH` or `postgres://…`.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    pub database: Option<String>,
}
