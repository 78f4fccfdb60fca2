//! Subcommands for those who run registration authorities.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use model::authority::Permissions;

use crate::registration::settings;

/// Which installation, and in which form to answer.
#[derive(Args)]
pub struct Place {
    /// The installation's configuration file.
    #[arg(long, value_name = "FILE", required_unless_present = "dir")]
    pub config: Option<PathBuf>,
    /// A sandbox's folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub dir: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// Set up registration authorities.
#[derive(Args)]
#[command(
    long_about = "Registration authorities own requests, officers, API users and scratchcards. \
They form a tree: an API user sees its own authority and those below it.\n\nThe commands work on \
the database, also while the server runs, and what they change is in the audit log.",
    after_long_help = "Examples:\n  \
avouch ra create --config avouch.toml --name \"Example RA\" country=ES\n  \
avouch ra list --config avouch.toml\n  \
avouch ra set --config avouch.toml 2 validate_auto_approves=true documents_per_phone=2\n  \
avouch ra show --config avouch.toml --json 2"
)]
pub struct Ra {
    /// What to do.
    #[command(subcommand)]
    pub command: RaCommand,
}

/// What can be done with registration authorities.
#[derive(Subcommand)]
pub enum RaCommand {
    /// Add one.
    #[command(after_long_help = settings::help(
        "avouch ra create --config avouch.toml --name \"Example RA\"\n  \
         avouch ra create --config avouch.toml --name Branch --parent 1 country=ES videoid_steps=2"
    ))]
    Create {
        #[command(flatten)]
        place: Place,
        /// Its name, as contracts print it.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The authority above it. Default: none, a tree of its own.
        #[arg(long, value_name = "NUMBER")]
        parent: Option<i64>,
        #[command(flatten)]
        settings: Settings,
    },
    /// List all.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one with its settings.
    Show {
        #[command(flatten)]
        place: Place,
        /// Its number.
        number: i64,
    },
    /// Change one.
    #[command(after_long_help = settings::help(
        "avouch ra set --config avouch.toml 1 webhook_url=https://example.org/hook\n  \
         avouch ra set --config avouch.toml 1 documents_per_phone=  (no limit any more)"
    ))]
    Set {
        #[command(flatten)]
        place: Place,
        /// Its number.
        number: i64,
        #[command(flatten)]
        settings: Settings,
    },
}

/// What to set of a registration authority.
#[derive(Args)]
pub struct Settings {
    /// Fields and their values; a blank value brings the default back.
    #[arg(value_name = "FIELD=VALUE", value_parser = settings::parse)]
    pub fields: Vec<(String, String)>,
    /// Secret for Standard Webhooks signatures: `whsec_` and base64.
    #[arg(long, value_name = "SECRET")]
    pub webhook_secret: Option<String>,
}

/// Set up registration authority officers.
#[derive(Args)]
#[command(
    long_about = "Officers (RAOs) check identities and approve requests with a key of their own. \
The first one of an authority is made here, with its key; every further one enrols like any \
subscriber and is then appointed.\n\nPassword and PIN of an officer that is made here are printed \
once and stored nowhere in the clear.",
    after_long_help = "Examples:\n  \
avouch rao create --config avouch.toml --ra 1 --given-name Rosa --surname Example\n  \
avouch rao appoint --config avouch.toml --ra 1 --request 1001\n  \
avouch rao list --config avouch.toml\n  \
avouch rao show --config avouch.toml 1"
)]
pub struct Rao {
    /// What to do.
    #[command(subcommand)]
    pub command: RaoCommand,
}

/// What can be done with officers.
#[derive(Subcommand)]
pub enum RaoCommand {
    /// Make an authority's first one, with a key, a password and a PIN.
    #[command(after_long_help = "Examples:\n  \
avouch rao create --config avouch.toml --ra 1 --given-name Rosa --surname Example\n  \
avouch rao create --config avouch.toml --ra 1 --given-name Rosa --surname Example \\\n      \
--identity IDCES-00000001R --country ES --username rosa --json")]
    Create {
        #[command(flatten)]
        place: Place,
        /// The authority it works for.
        #[arg(long, value_name = "NUMBER")]
        ra: i64,
        /// First names.
        #[arg(long, value_name = "NAME")]
        given_name: String,
        /// Surname.
        #[arg(long, value_name = "NAME")]
        surname: String,
        /// Identity number, as EN 319 412-1 §5.1.3 writes it. Default: a random one issued by the
        /// organisation itself.
        #[arg(long, value_name = "NUMBER")]
        identity: Option<String>,
        /// Country, ISO 3166-1 alpha-2.
        #[arg(long, value_name = "CC", default_value = "ES")]
        country: String,
        /// The name it signs in with. Default: a random one.
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
        /// Although the authority has an officer: for the day when none can sign in any more.
        #[arg(long)]
        again: bool,
    },
    /// Make an officer of somebody whose certificate was issued.
    #[command(after_long_help = "Examples:\n  \
avouch rao appoint --config avouch.toml --ra 1 --request 1001\n  \
avouch rao appoint --config avouch.toml --ra 1 --also 2 --also 3 --request 1001 --identificator")]
    Appoint {
        #[command(flatten)]
        place: Place,
        /// Its home authority.
        #[arg(long, value_name = "NUMBER")]
        ra: i64,
        /// A further authority where it may act.
        #[arg(long, value_name = "NUMBER")]
        also: Vec<i64>,
        /// The issued request.
        #[arg(long, value_name = "NUMBER")]
        request: i64,
        /// It may identify people whom another officer approves.
        #[arg(long)]
        identificator: bool,
    },
    /// List all.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        place: Place,
        /// Its number.
        number: i64,
    },
}

/// Set up API users.
#[derive(Args)]
#[command(
    long_about = "API users are the machines that call the Registration Authority API. Each is \
known by a TLS client certificate, which the server's own CA issues here.",
    after_long_help = "Examples:\n  \
avouch api-user create --config avouch.toml --ra 1 --name shop --out ./shop\n  \
avouch api-user list --config avouch.toml\n  \
avouch api-user disable --config avouch.toml 2"
)]
pub struct ApiUser {
    /// What to do.
    #[command(subcommand)]
    pub command: ApiUserCommand,
}

/// What can be done with API users.
#[derive(Subcommand)]
pub enum ApiUserCommand {
    /// Add one and issue its client certificate.
    #[command(
        long_about = "Adds an API user and writes NAME.crt, NAME.key and ca.pem (the root that \
signs the server's certificate too, unless it has one from elsewhere) into the folder, PEM, for \
their owner only. The key is kept nowhere else.",
        after_long_help = "Examples:\n  \
avouch api-user create --config avouch.toml --ra 1 --name shop --out ./shop\n  \
avouch api-user create --config avouch.toml --ra 1 --name monitor \\\n      \
--permissions read-only --days 90 --out ./monitor\n  \
curl --cert shop/shop.crt --key shop/shop.key --cacert shop/ca.pem \\\n      \
https://127.0.0.1:8421/api/v1/requests/"
    )]
    Create {
        #[command(flatten)]
        place: Place,
        /// The authority it works for.
        #[arg(long, value_name = "NUMBER")]
        ra: i64,
        /// Its name: the certificate's common name and the files' name.
        #[arg(long, value_name = "NAME", value_parser = file_name)]
        name: String,
        /// What it may do.
        #[arg(long, value_name = "WHAT", default_value = "requests")]
        permissions: PermissionsChoice,
        /// Days for which its certificate is valid.
        #[arg(long, value_name = "DAYS", default_value_t = 730)]
        days: i64,
        /// Folder for the files; made if missing.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// List all.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Refuse one from now on.
    Disable {
        #[command(flatten)]
        place: Place,
        /// Its number.
        number: i64,
    },
    /// Take one in again.
    Enable {
        #[command(flatten)]
        place: Place,
        /// Its number.
        number: i64,
    },
}

/// A name that is one part of a path.
fn file_name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.starts_with('.') || text.contains(['/', '\\', '\0']) {
        Err("files are to be called so: no slashes, and no dot in front")
    } else {
        Ok(text.to_owned())
    }
}

/// What an API user may do.
#[derive(Clone, Copy, ValueEnum)]
pub enum PermissionsChoice {
    /// Everything within its authority and those below it.
    Administrator,
    /// Requests from creation to approval, and the life of their certificates.
    Requests,
    /// Looks at everything, changes nothing.
    ReadOnly,
    /// An officers' console: decisions, but neither creation nor administration.
    Officers,
}

impl From<PermissionsChoice> for Permissions {
    fn from(choice: PermissionsChoice) -> Self {
        match choice {
            PermissionsChoice::Administrator => Permissions::Administrator,
            PermissionsChoice::Requests => Permissions::Requests,
            PermissionsChoice::ReadOnly => Permissions::ReadOnly,
            PermissionsChoice::Officers => Permissions::Officers,
        }
    }
}

/// Make and move scratchcards.
#[derive(Args)]
#[command(
    long_about = "Every request uses up one scratchcard: its number, and four secrets for the \
subscriber. They are made in batches and handed out to authorities.",
    after_long_help = "Examples:\n  \
avouch scratchcard create --config avouch.toml --ra 1 --count 100 --csv > cards.csv\n  \
avouch scratchcard list --config avouch.toml --ra 1 --unused\n  \
avouch scratchcard move --config avouch.toml --from 1 --amount 20 --to 2"
)]
pub struct Scratchcard {
    /// What to do.
    #[command(subcommand)]
    pub command: ScratchcardCommand,
}

/// What can be done with scratchcards.
#[derive(Subcommand)]
pub enum ScratchcardCommand {
    /// Make a batch and print numbers and secrets.
    #[command(after_long_help = "Examples:\n  \
avouch scratchcard create --config avouch.toml --ra 1 --count 100 --csv > cards.csv\n  \
avouch scratchcard create --config avouch.toml --ra 1 --json")]
    Create {
        #[command(flatten)]
        place: Place,
        /// The authority they are for.
        #[arg(long, value_name = "NUMBER")]
        ra: i64,
        /// How many.
        #[arg(long, value_name = "COUNT", default_value_t = 1,
              value_parser = clap::value_parser!(u32).range(1..=10_000))]
        count: u32,
        /// Answer in CSV.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// List them, without secrets.
    List {
        #[command(flatten)]
        place: Place,
        /// Only those of this authority.
        #[arg(long, value_name = "NUMBER")]
        ra: Option<i64>,
        /// Only those that no request has used up.
        #[arg(long)]
        unused: bool,
    },
    /// Move unused ones to another authority.
    #[command(
        group(ArgGroup::new("which").args(["from", "first"]).required(true)),
        after_long_help = "Examples:\n  \
avouch scratchcard move --config avouch.toml --from 1 --amount 20 --to 2\n  \
avouch scratchcard move --config avouch.toml --first 7000001 --last 7000020 --to 2"
    )]
    Move {
        #[command(flatten)]
        place: Place,
        /// The lowest ones of this authority.
        #[arg(long, value_name = "NUMBER", requires = "amount")]
        from: Option<i64>,
        /// How many of them.
        #[arg(long, value_name = "COUNT", requires = "from")]
        amount: Option<i64>,
        /// Those from this number on.
        #[arg(long, value_name = "SN", requires = "last")]
        first: Option<String>,
        /// Up to this number.
        #[arg(long, value_name = "SN", requires = "first")]
        last: Option<String>,
        /// The authority that gets them.
        #[arg(long, value_name = "NUMBER")]
        to: i64,
    },
}
