//! `[tsa]`: others who are asked for time-stamps.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pki::ObjectIdentifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service::{OutsideStamper, TimeStamping};
use url::Url;

/// Somebody else's time-stamp authority in place of our own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tsa {
    /// Where it is asked (RFC 3161 over HTTP).
    pub url: Option<Url>,
    /// Further ones that the settings and calls may name.
    #[serde(default)]
    pub allowed: Vec<Url>,
    /// PEM file with the roots that vouch for them.
    pub roots: PathBuf,
    /// User name at `url`, by basic authentication.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// Bearer token at `url`.
    pub token: Option<SecretString>,
    /// Object identifier of the policy that time-stamps are to be under.
    pub policy: Option<String>,
    /// Seconds for one answer.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
}

fn default_timeout() -> u32 {
    10
}

impl Tsa {
    /// Makes relative paths start at `base`.
    pub fn anchor(&mut self, base: &Path) {
        self.roots = base.join(&self.roots);
    }

    /// What can be checked without the network.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.url.is_some() || !self.allowed.is_empty(),
            "tsa: neither tsa.url nor tsa.allowed names an authority"
        );
        for url in self.url.iter().chain(&self.allowed) {
            let http = matches!(url.scheme(), "http" | "https");
            ensure!(
                http && url.has_host(),
                "tsa: {url} is no http or https address"
            );
            let named = url.username().is_empty() && url.password().is_none();
            ensure!(
                named,
                "tsa: credentials belong into tsa.username and tsa.password"
            );
        }
        if self.username.is_some() != self.password.is_some() {
            bail!("tsa: tsa.username and tsa.password go together");
        }
        if self.username.is_some() && self.token.is_some() {
            bail!("tsa: either tsa.username or tsa.token");
        }
        ensure!(
            (1..=60).contains(&self.timeout_seconds),
            "tsa.timeout_seconds must be between 1 and 60"
        );
        self.policy().map(drop)
    }

    /// Everybody who may be asked.
    pub fn open(&self) -> anyhow::Result<TimeStamping> {
        let roots = CertificateDer::pem_file_iter(&self.roots)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("tsa.roots: {}", self.roots.display()))?;
        ensure!(
            !roots.is_empty(),
            "tsa.roots: {} has no certificate",
            self.roots.display()
        );
        let roots: Vec<_> = roots.iter().map(|der| der.to_vec()).collect();
        let stamper = |url: &Url, headers| {
            Ok::<_, anyhow::Error>(OutsideStamper {
                url: url.clone(),
                headers,
                roots: roots.clone(),
                policy: self.policy()?,
                timeout: Duration::from_secs(self.timeout_seconds.into()),
            })
        };
        let mut stampers = Vec::new();
        if let Some(url) = &self.url {
            stampers.push(stamper(url, self.credentials())?);
        }
        for url in &self.allowed {
            stampers.push(stamper(url, Vec::new())?);
        }
        TimeStamping::new(stampers, self.url.is_some()).context("tsa")
    }

    fn credentials(&self) -> Vec<(String, SecretString)> {
        let basic = self.username.as_ref().zip(self.password.as_ref());
        let value = match (basic, &self.token) {
            (Some((name, password)), _) => {
                let pair = format!("{name}:{}", password.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
            (None, Some(token)) => format!("Bearer {}", token.expose_secret()),
            (None, None) => return Vec::new(),
        };
        vec![("Authorization".to_owned(), SecretString::from(value))]
    }

    fn policy(&self) -> anyhow::Result<Option<ObjectIdentifier>> {
        let policy = self.policy.as_deref().map(ObjectIdentifier::new);
        policy
            .transpose()
            .map_err(|_| anyhow::anyhow!("tsa.policy must be an object identifier such as 1.2.3.4"))
    }
}
