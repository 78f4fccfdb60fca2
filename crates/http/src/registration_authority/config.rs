//! What the operator decides about the Registration Authority API.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderName;
use model::Entropy;
use model::network::Network;

use crate::config::Product;

/// Configuration of the Registration Authority API's listener.
#[derive(Clone)]
pub struct RegistrationDoorConfig {
    /// Where clients reach the listener, without a trailing slash. Links to further pages of lists
    /// begin with it.
    pub base_url: String,
    /// What the OpenAPI document says of the program.
    pub product: Product,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// A proxy that ends TLS and forwards the client's certificate, if there is one.
    pub forwarded: Option<ForwardedCertificate>,
    /// Whether subscribers may be enrolled by calls: off where they enrol at the server's pages.
    pub enrolment_by_api: bool,
    /// Whether clients' mistakes that the API answers with 500 get the status code that fits.
    pub strict_http: bool,
    /// Requests served at the same time; more are answered with 503.
    pub max_in_flight: usize,
    /// A body must bring [`Self::body_least_bytes`] within each such span, or its end.
    pub body_window: Duration,
    /// See [`Self::body_window`].
    pub body_least_bytes: u64,
}

impl RegistrationDoorConfig {
    /// The defaults: certificates from TLS alone, no enrolment by calls, the documented status
    /// codes, 1024 requests at a time, bodies of at least 16 KiB in 30 s.
    pub fn new(base_url: impl Into<String>, product: Product, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            base_url: base_url.into(),
            product,
            entropy,
            forwarded: None,
            enrolment_by_api: false,
            strict_http: false,
            max_in_flight: 1024,
            body_window: Duration::from_secs(30),
            body_least_bytes: 16 << 10,
        }
    }
}

/// A header with the client's certificate, and who may set it.
#[derive(Debug, Clone)]
pub struct ForwardedCertificate {
    /// The header.
    pub header: HeaderName,
    /// The proxies. From anyone else the header means nothing.
    pub from: Vec<Network>,
}

impl ForwardedCertificate {
    /// Whether `address` is one of the proxies.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.from.iter().any(|network| network.contains(address))
    }
}
