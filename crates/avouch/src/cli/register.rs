//! `avouch register`.

use clap::{Args, ValueEnum};
use service::CertificateState;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

use super::Place;

/// Search the register.
#[derive(Args)]
#[command(
    long_about = "Lists everything that was issued, the authorities' own certificates in front, then \
the oldest first: to subscribers, signers, officers and machines. All that is asked for must hold. \
Names are found by their words, whatever their case and accents.",
    after_long_help = "Examples:\n  \
avouch register --config avouch.toml --name \"prueba ana\"\n  \
avouch register --config avouch.toml --identity 00000000T --status revoked\n  \
avouch register --config avouch.toml --from 2026-01-01 --to 2026-02-01 --csv > january.csv"
)]
pub struct Register {
    /// Which installation.
    #[command(flatten)]
    pub place: Place,
    /// Words of the subject's name.
    #[arg(long, value_name = "WORDS")]
    pub name: Option<String>,
    /// Identity number, with or without type and country in front.
    #[arg(long, value_name = "NUMBER")]
    pub identity: Option<String>,
    /// E-mail address that the request has.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Scratchcard that the request used.
    #[arg(long, value_name = "SN")]
    pub scratchcard: Option<String>,
    /// Put on record then or later: a date or a time, RFC 3339, UTC.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<OffsetDateTime>,
    /// Put on record before: a date or a time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<OffsetDateTime>,
    /// How it stands.
    #[arg(long, value_name = "STATUS")]
    pub status: Option<Standing>,
    /// Answer in CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// How a certificate stands.
#[derive(Clone, Copy, ValueEnum)]
pub enum Standing {
    /// Neither revoked nor on hold; it may have run out.
    Valid,
    /// On hold.
    Suspended,
    /// Revoked.
    Revoked,
}

impl From<Standing> for CertificateState {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Valid => CertificateState::Valid,
            Standing::Suspended => CertificateState::Suspended,
            Standing::Revoked => CertificateState::Revoked,
        }
    }
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let date = Date::parse(text, &Iso8601::DATE).map(|date| date.midnight().assume_utc());
    date.or_else(|_| OffsetDateTime::parse(text, &Rfc3339))
        .map_err(|_| "neither a date like 2026-01-31 nor a time like 2026-01-31T12:00:00Z".into())
}
