//! `sandbox.json`: where everything is, and the credentials.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::installation::write_private;

/// What `sandbox.json` tells.
#[derive(Clone, Serialize, Deserialize)]
pub struct Description {
    /// Base URL of everything.
    pub base_url: String,
    /// The One-Shot doors.
    pub one_shot: OneShotDescription,
    /// The registration authority's number.
    pub registration_authority: i64,
    /// A certificate profile that works.
    pub profile: String,
    /// The officer.
    pub rao: RaoDescription,
    /// A billing account, as clients want to send one.
    pub billing: BillingDescription,
    /// File with the text messages.
    pub sms_outbox: PathBuf,
    /// File with the mails.
    pub mail_outbox: PathBuf,
    /// PEM file with the root's certificate.
    pub root_certificate: PathBuf,
    /// PEM file with the issuing CA's certificate.
    pub issuing_certificate: PathBuf,
    /// Where the TSA answers.
    pub tsa_url: String,
    /// Where the OCSP responder answers.
    pub ocsp_url: String,
    /// The Registration Authority API; older sandboxes had none.
    #[serde(default)]
    pub registration_authority_api: Option<RegistrationDescription>,
    /// The database, where it is another than the sandbox's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// The One-Shot doors.
#[derive(Clone, Serialize, Deserialize)]
pub struct OneShotDescription {
    /// Base of the new dialect.
    pub base: String,
    /// Base of the legacy dialect.
    pub legacy_base: String,
}

/// The sandbox's officer.
#[derive(Clone, Serialize, Deserialize)]
pub struct RaoDescription {
    /// Number.
    pub id: i64,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// PIN.
    pub pin: String,
    /// Token that stands for all of them.
    pub token: String,
}

/// The sandbox's billing account.
#[derive(Clone, Serialize, Deserialize)]
pub struct BillingDescription {
    /// User name.
    pub username: String,
    /// Password, in base64 as it is sent.
    pub password: String,
}

/// The Registration Authority API and who may call it.
#[derive(Clone, Serialize, Deserialize)]
pub struct RegistrationDescription {
    /// Scheme, host and port.
    pub base_url: String,
    /// PEM file with an administrator's client certificate.
    pub client_certificate: PathBuf,
    /// PEM file with its key.
    pub client_key: PathBuf,
    /// PEM file with the root behind the server's certificate.
    pub server_ca: PathBuf,
    /// The registration authority's number.
    pub ra: i64,
    /// The officer's number.
    pub rao_id: i64,
    /// The officer's user name.
    pub rao_username: String,
    /// The officer's password.
    pub rao_password: String,
    /// The officer's PIN.
    pub rao_pin: String,
    /// Scratchcards that no request had used up when the sandbox started.
    pub free_scratchcards: i64,
}

impl Description {
    /// Where a sandbox's description lies.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join("sandbox.json")
    }

    /// What an earlier start wrote. A sandbox whose first start was cut short is furnished anew.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(dir);
        match std::fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .with_context(|| format!("{} is no sandbox's description", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it, for its owner only.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_private(&Self::path(dir), &json)
    }
}
