//! What the operator decides about the doors.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use model::Entropy;
use subtle::ConstantTimeEq;

/// The header in which a key may come; `Authorization: Bearer` is the other.
const API_KEY: &str = "x-api-key";

/// Configuration of the doors.
#[derive(Clone)]
pub struct DoorConfig {
    /// Where clients reach this server, without a trailing slash.
    pub base_url: String,
    /// What `GET /version` says of the program.
    pub product: Product,
    /// What `GET /version` says of the machine.
    pub machine: Machine,
    /// Who may pass the One-Shot doors.
    pub keys: Keys,
    /// Requests served at the same time; more are answered with 503.
    pub max_in_flight: usize,
    /// A body must bring [`Self::body_least_bytes`] within each such span, or its end.
    pub body_window: Duration,
    /// See [`Self::body_window`].
    pub body_least_bytes: u64,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
}

impl DoorConfig {
    /// The defaults: no keys, 1024 requests at a time, bodies of at least 16 KiB in 30 s.
    pub fn new(base_url: impl Into<String>, product: Product, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            base_url: base_url.into(),
            product,
            machine: Machine::this(),
            keys: Keys::none(),
            max_in_flight: 1024,
            body_window: Duration::from_secs(30),
            body_least_bytes: 16 << 10,
            entropy,
        }
    }
}

/// Name and version of the program.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// As in `avouch`.
    pub name: &'static str,
    /// As in `0.1.0`.
    pub version: &'static str,
}

/// The machine the server runs on, in the members of the One-Shot `info` object.
#[derive(Debug, Clone, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Machine {
    /// Instruction set, as in `x86_64`.
    pub machine: String,
    /// Kernel name.
    pub system: String,
    /// Kernel release.
    pub release: String,
    /// Kernel build.
    pub version: String,
    /// Host name.
    pub hostname: String,
    /// Processor family; the instruction set where nothing better is known.
    pub processor: String,
}

impl Machine {
    /// Asks the kernel through `/proc/sys/kernel`; what it does not tell stays empty.
    pub fn this() -> Self {
        let kernel = |name: &str| {
            std::fs::read_to_string(format!("/proc/sys/kernel/{name}"))
                .map(|text| text.trim().to_owned())
                .unwrap_or_default()
        };
        Self {
            machine: std::env::consts::ARCH.to_owned(),
            system: kernel("ostype"),
            release: kernel("osrelease"),
            version: kernel("version"),
            hostname: kernel("hostname"),
            processor: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// SHA-256. The doors hold no cryptography of their own: whoever wires them lends it.
pub type Digest = fn(&[u8]) -> [u8; 32];

/// The keys to the One-Shot doors, as their SHA-256: keys are long and random, so that a slow hash
/// would add nothing.
#[derive(Clone)]
pub struct Keys {
    digest: Digest,
    clients: Vec<[u8; 32]>,
    admin: Option<[u8; 32]>,
}

impl Keys {
    /// No keys: everybody may pass, since the API has no authentication of its own.
    pub fn none() -> Self {
        Self {
            digest: |_| [0; 32],
            clients: Vec::new(),
            admin: None,
        }
    }

    /// `clients` open every door but `POST /settings` where there is an `admin` key, which opens
    /// them all. Without `clients` the other doors stay open to everybody.
    pub fn new(digest: Digest, clients: Vec<[u8; 32]>, admin: Option<[u8; 32]>) -> Self {
        Self {
            digest,
            clients,
            admin,
        }
    }

    /// Whether any door demands a key.
    pub(crate) fn are_set(&self) -> bool {
        !self.clients.is_empty() || self.admin.is_some()
    }

    /// Whether the request may pass the doors.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        self.clients.is_empty() || self.matches(headers, self.clients.iter().chain(&self.admin))
    }

    /// Whether the request may change what holds for everybody.
    pub(crate) fn admit_admin(&self, headers: &HeaderMap) -> bool {
        self.admin.is_none() || self.matches(headers, self.admin.iter())
    }

    /// Whether the request shows the administrator's key. Nobody does where there is none.
    pub(crate) fn is_admin(&self, headers: &HeaderMap) -> bool {
        self.matches(headers, self.admin.iter())
    }

    fn matches<'a>(&self, headers: &HeaderMap, keys: impl Iterator<Item = &'a [u8; 32]>) -> bool {
        let given: Vec<_> = given_keys(headers)
            .map(|key| (self.digest)(key.as_bytes()))
            .collect();
        // Every key is compared, so that the time does not tell which one was near.
        keys.fold(false, |found, key| {
            given
                .iter()
                .fold(found, |found, given| found | bool::from(given.ct_eq(key)))
        })
    }
}

/// What comes in `X-API-Key` and in `Authorization: Bearer`.
fn given_keys(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key);
    [text(API_KEY), bearer].into_iter().flatten().map(str::trim)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Keys({}, admin: {})",
            self.clients.len(),
            self.admin.is_some()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::sha256;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_key_opens_in_either_header_and_no_other_key_does() {
        let keys = Keys::new(
            sha256,
            vec![sha256(b"k1"), sha256(b"k2")],
            Some(sha256(b"admin")),
        );
        for key in ["k1", "k2", "admin"] {
            assert!(keys.admit(&headers("x-api-key", key)));
            assert!(keys.admit(&headers("authorization", &format!("bearer {key}"))));
            assert!(!keys.admit(&headers("authorization", &format!("Basic {key}"))));
            assert_eq!(keys.admit_admin(&headers("x-api-key", key)), key == "admin");
        }
        assert!(!keys.admit(&headers("x-api-key", "k3")));
        assert!(!keys.admit(&HeaderMap::new()));
        assert_eq!(format!("{keys:?}"), "Keys(2, admin: true)");
    }

    #[test]
    fn without_keys_everybody_passes() {
        assert!(Keys::none().admit(&HeaderMap::new()));
        assert!(Keys::none().admit_admin(&HeaderMap::new()));
        let admin_only = Keys::new(sha256, Vec::new(), Some(sha256(b"admin")));
        assert!(admin_only.admit(&HeaderMap::new()));
        assert!(!admin_only.admit_admin(&HeaderMap::new()));
    }
}
