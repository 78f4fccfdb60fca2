//! `[hsm]`: a token that holds keys, reached by PKCS #11.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use crypto::{KeyVault, Zeroizing};
use hsm::{KeyUri, Settings, Token};
use secrecy::SecretString;
use serde::Deserialize;

/// A token and how it is opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hsm {
    /// The maker's PKCS #11 module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// File with the user's PIN in its first line.
    pub pin_file: Option<PathBuf>,
    /// The PIN itself: meant for the environment (`AVOUCH__HSM__PIN`), not for the file.
    pub pin: Option<SecretString>,
    /// Sessions at once, at most.
    #[serde(default = "default_sessions")]
    pub sessions: usize,
    /// New keys of the CA, the TSA and the OCSP responders are made in the token.
    #[serde(default)]
    pub authorities: bool,
}

fn default_sessions() -> usize {
    8
}

impl Hsm {
    /// Makes relative paths start at `base`.
    pub fn anchor(&mut self, base: &Path) {
        self.module = base.join(&self.module);
        if let Some(file) = &mut self.pin_file {
            *file = base.join(&*file);
        }
    }

    /// What can be checked without the token.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.token.is_none() && self.serial.is_none() {
            bail!("hsm: the token needs a label (hsm.token) or a serial number (hsm.serial)");
        }
        if self.pin_file.is_some() == self.pin.is_some() {
            bail!(
                "hsm: the PIN comes either from hsm.pin_file or from the environment's AVOUCH__HSM__PIN"
            );
        }
        Ok(())
    }

    /// Opens the token.
    pub fn open(&self) -> anyhow::Result<Arc<dyn KeyVault>> {
        let settings = Settings {
            module: self.module.clone(),
            token: self.token.clone(),
            serial: self.serial.clone(),
            pin: self.pin()?,
            sessions: self.sessions,
        };
        Ok(Arc::new(Token::open(settings).context("hsm")?))
    }

    /// Turns the template's section on, for keys of authorities in the token that a `pkcs11:` URI
    /// describes (RFC 7512): by label or serial number, module and file of the PIN.
    pub fn written_into(template: &str, uri: &KeyUri) -> anyhow::Result<String> {
        let module = uri.module_path.as_ref();
        let module =
            module.context("--keys: the URI needs module-path=PATH after a question mark")?;
        ensure!(
            uri.token.is_some() || uri.serial.is_some(),
            "--keys: the URI needs token=LABEL or serial=NUMBER"
        );
        ensure!(
            uri.object.is_none(),
            "--keys: the URI names a token, not a key"
        );
        let file = |path: &PathBuf| -> std::io::Result<toml::Value> {
            Ok(absolute(path)?.display().to_string().into())
        };
        let text = |text: &Option<String>| text.clone().map(toml::Value::String);
        let settings = [
            ("module", Some(file(module)?)),
            ("token", text(&uri.token)),
            ("serial", text(&uri.serial)),
            ("pin_file", uri.pin_source.as_ref().map(file).transpose()?),
            ("authorities", Some(true.into())),
        ];
        let (before, section) = template
            .split_once("#[hsm]\n")
            .context("the template has no section hsm")?;
        let mut text = format!("{before}[hsm]\n");
        let mut lines = section.lines();
        for line in lines.by_ref().take_while(|line| line.starts_with('#')) {
            let named = |(name, _): &&(&str, _)| line.starts_with(&format!("#{name} ="));
            match settings.iter().find(named) {
                Some((name, Some(value))) => text.push_str(&format!("{name} = {value}\n")),
                _ => text.push_str(&format!("{line}\n")),
            }
        }
        text.push('\n');
        for line in lines {
            text.push_str(&format!("{line}\n"));
        }
        Ok(text)
    }

    fn pin(&self) -> anyhow::Result<SecretString> {
        let Some(file) = &self.pin_file else {
            return self.pin.clone().context("hsm.pin_file is missing");
        };
        let text = fs::read_to_string(file)
            .map(Zeroizing::new)
            .with_context(|| format!("hsm.pin_file: cannot read {}", file.display()))?;
        let line = text.lines().next().unwrap_or_default().trim();
        Ok(SecretString::from(line.to_owned()))
    }
}
