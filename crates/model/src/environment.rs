//! Which environment a client asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The `env` of the One-Shot API. Recorded with the request; one server serves both alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Trial use. Older clients call it `test`.
    Sandbox,
    /// Real use.
    Prod,
}

impl Environment {
    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Environment::Sandbox => "sandbox",
            Environment::Prod => "prod",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no environment.
#[derive(Debug, thiserror::Error)]
#[error("Environment {0} does not exist")]
pub struct UnknownEnvironment(pub String);

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "sandbox" | "test" => Ok(Environment::Sandbox),
            "prod" => Ok(Environment::Prod),
            other => Err(UnknownEnvironment(other.chars().take(40).collect())),
        }
    }
}
