//! The server-wide settings that One-Shot clients read and change.

use model::{Environment, Level, RaId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::Reader;

use crate::advance::Actor;
use crate::{Error, Problems, Service};

/// Shown in place of a stored secret.
const MASK: &str = "********";

/// The settings. Leaf values are texts, as on the wire, but for the one flag.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) general: General,
    pub(crate) tsa: Tsa,
    pub(crate) request: Request,
    pub(crate) billing: Billing,
    pub(crate) proxy: Proxy,
    pub(crate) signature: Signature,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct General {
    pub(crate) environment: String,
    usepdfclean: bool,
    configuration: String,
    rootstore: String,
}

impl Default for General {
    fn default() -> Self {
        Self {
            environment: Environment::Prod.name().to_owned(),
            usepdfclean: false,
            configuration: "default".to_owned(),
            rootstore: "manual".to_owned(),
        }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tsa {
    /// Empty: what the operator configured.
    pub(crate) tsa_url: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Request {
    pub(crate) default_profile: String,
    pub(crate) default_ra: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Billing {
    pub(crate) billing_username: String,
    billing_password: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Signature {
    /// Empty: what the operator configured.
    pub(crate) default_level: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Proxy {
    useproxy: String,
    proxy_host: String,
    proxy_port: String,
    proxy_protocol: String,
    proxy_username: String,
    proxy_password: String,
    useproxycredentials: String,
}

impl Service {
    /// The settings by section, secrets masked.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn settings(&self) -> Result<Value, Error> {
        let mut reader = self.store().read().await?;
        let mut settings = self.load_settings(&mut reader).await?;
        for secret in [
            &mut settings.billing.billing_password,
            &mut settings.proxy.proxy_password,
        ] {
            if !secret.is_empty() {
                *secret = MASK.to_owned();
            }
        }
        Ok(serde_json::to_value(settings)?)
    }

    /// Merges `patch` into the settings, section by section. Unknown sections and keys are
    /// ignored, and so is a masked secret that comes back.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] naming every value of a wrong kind.
    pub async fn update_settings(&self, patch: &Map<String, Value>) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let mut merged = serde_json::to_value(self.load_settings(&mut tx).await?)?;
        let mut problems = Problems::default();
        let mut changed = Vec::new();
        for (section, values) in patch {
            let Some(Value::Object(known)) = merged.get_mut(section) else {
                continue;
            };
            let Value::Object(values) = values else {
                problems.invalid(section, "must be an object");
                continue;
            };
            for (key, value) in values {
                let Some(slot) = known.get_mut(key) else {
                    continue;
                };
                let name = format!("{section}.{key}");
                match (coerce(&name, slot, value), value) {
                    (_, Value::String(text)) if text == MASK => {}
                    (Ok(Value::String(text)), _)
                        if name == "tsa.tsa_url"
                            && !text.is_empty()
                            && !self.is_stamper_allowed(&text) =>
                    {
                        let text = "must be a time-stamp authority that the operator allows";
                        problems.invalid(name, text);
                    }
                    (Ok(value), _) => {
                        *slot = value;
                        changed.push(name);
                    }
                    (Err(text), _) => problems.invalid(name, text),
                }
            }
        }
        problems.check()?;
        let settings: Settings = serde_json::from_value(merged)?;
        store::settings::put(&mut tx, &self.seal_settings(&settings)?).await?;
        let details = json!({ "changed": changed });
        self.record(&mut tx, Actor::Client, "settings-changed", None, details)
            .await?;
        self.commit(tx).await
    }

    /// The settings as stored, or the defaults.
    pub(crate) async fn load_settings(&self, reads: &mut Reader) -> Result<Settings, Error> {
        match store::settings::get(reads).await? {
            Some(sealed) => {
                let sealed = hex::decode(sealed)
                    .map_err(|_| Error::Internal("the settings are no sealed text".into()))?;
                Ok(serde_json::from_slice(
                    &self.master().open("settings", &sealed)?,
                )?)
            }
            None => Ok(Settings::default()),
        }
    }

    /// The settings hold passwords, so that they are stored sealed.
    fn seal_settings(&self, settings: &Settings) -> Result<String, Error> {
        let plain = crypto::Zeroizing::new(serde_json::to_vec(settings)?);
        Ok(hex::encode(self.master().seal(
            "settings",
            &plain,
            self.entropy(),
        )))
    }
}

/// `value` in the kind that `slot` has: clients send numbers and flags as texts and vice versa.
fn coerce(name: &str, slot: &Value, value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => return Err("must be a text".to_owned()),
    };
    if slot.is_boolean() {
        return match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" | "" => Ok(Value::Bool(false)),
            _ => Err("must be true or false".to_owned()),
        };
    }
    match name {
        "general.environment" => text
            .parse::<Environment>()
            .map(|env| env.name().into())
            .map_err(|e| e.to_string()),
        "signature.default_level" if !text.is_empty() => match Level::parse(&text) {
            Some(level) => Ok(level.wire().into()),
            None => Err("must be BASIC, T, LTVLITE, LTV or LTVA".to_owned()),
        },
        "request.default_ra" if !text.is_empty() => match text.parse::<RaId>() {
            Ok(_) => Ok(text.into()),
            Err(_) => Err("must be a number".to_owned()),
        },
        _ => Ok(text.into()),
    }
}
