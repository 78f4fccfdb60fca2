//! The Registration Authority API's listener.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use url::{Host, Url};

use super::Tls;

/// The Registration Authority API, on a listener of its own: its clients are known by their TLS
/// certificates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationAuthority {
    /// Address and port; without it the API is off.
    pub listen: Option<SocketAddr>,
    /// Under which URL clients reach it. Default: `https://` and the address.
    pub public_url: Option<Url>,
    /// The server's certificate. Default: one from our own CA, made at every start.
    pub tls: Option<Tls>,
    /// HTTP without TLS, for a proxy that ends it and forwards the certificates.
    pub plain: bool,
    /// A proxy that ends TLS and forwards the client's certificate.
    pub forwarded_certificate: Option<ForwardedCertificate>,
    /// Whether API users may enrol subscribers, who otherwise do it themselves at the pages.
    pub enrolment_by_api: bool,
    /// Whether clients' mistakes that the API answers with 500 get the status that fits.
    pub strict_http: bool,
    /// Days for which the link in a subscriber's mail opens.
    pub link_days: u32,
}

impl Default for RegistrationAuthority {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            tls: None,
            plain: false,
            forwarded_certificate: None,
            enrolment_by_api: false,
            strict_http: false,
            link_days: 15,
        }
    }
}

/// A header with the client's certificate, and who may set it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardedCertificate {
    /// The header's name.
    #[serde(default = "client_cert")]
    pub header: String,
    /// The proxies: addresses, or networks in CIDR form.
    pub from: Vec<String>,
}

/// The header of RFC 9440.
fn client_cert() -> String {
    "Client-Cert".to_owned()
}

impl RegistrationAuthority {
    /// Where clients reach the API that listens on `address`.
    pub fn url_at(&self, address: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None if self.plain => format!("http://{address}"),
            None => format!("https://{address}"),
        }
    }

    /// The names under which clients reach `address`, for its certificate.
    pub fn names_of(&self, address: SocketAddr) -> Vec<String> {
        let mut names = vec!["localhost".to_owned()];
        if !address.ip().is_unspecified() {
            names.push(address.ip().to_canonical().to_string());
        }
        let host = self.public_url.as_ref().and_then(Url::host);
        names.extend(host.map(|host| match host {
            // An address in a URL has brackets that it has nowhere else.
            Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        }));
        names.sort();
        names.dedup();
        names
    }

    /// The proxy, as the door knows it.
    pub fn forwarded(&self) -> anyhow::Result<Option<http_doors::ForwardedCertificate>> {
        let Some(ForwardedCertificate { header, from }) = &self.forwarded_certificate else {
            return Ok(None);
        };
        let field = "registration_authority.forwarded_certificate";
        ensure!(!from.is_empty(), "{field}.from names no proxy");
        let networks: Result<Vec<model::network::Network>, _> =
            from.iter().map(|network| network.parse()).collect();
        Ok(Some(http_doors::ForwardedCertificate {
            header: header
                .parse()
                .with_context(|| format!("{field}.header {header:?}"))?,
            from: networks.with_context(|| format!("{field}.from"))?,
        }))
    }

    /// Checks what can be checked before anything starts.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.forwarded()?;
        if !self.plain {
            return Ok(());
        }
        if self.tls.is_some() {
            bail!("registration_authority: tls and plain exclude each other");
        }
        if self.forwarded_certificate.is_none() {
            bail!(
                "registration_authority.plain needs forwarded_certificate: without TLS only a \
                 proxy can tell who calls"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(public_url: Option<&str>) -> RegistrationAuthority {
        RegistrationAuthority {
            public_url: public_url.map(|url| url.parse().unwrap()),
            ..RegistrationAuthority::default()
        }
    }

    #[test]
    fn the_certificate_names_what_clients_dial() {
        let names = |url, address: &str| configured(url).names_of(address.parse().unwrap());
        assert_eq!(names(None, "127.0.0.1:1"), ["127.0.0.1", "localhost"]);
        assert_eq!(
            names(Some("https://ra.example.org/"), "0.0.0.0:443"),
            ["localhost", "ra.example.org"]
        );
        assert_eq!(
            names(Some("https://[2001:db8::1]:8443"), "[2001:db8::1]:8443"),
            ["2001:db8::1", "localhost"]
        );
    }

    #[test]
    fn links_begin_with_what_clients_dial() {
        let address = "127.0.0.1:8443".parse().unwrap();
        assert_eq!(configured(None).url_at(address), "https://127.0.0.1:8443");
        let behind = configured(Some("https://ra.example.org/"));
        assert_eq!(behind.url_at(address), "https://ra.example.org");
    }

    #[test]
    fn without_tls_a_proxy_must_vouch_for_clients() {
        let mut plain = configured(None);
        plain.plain = true;
        assert!(plain.check().is_err());
        plain.forwarded_certificate = Some(ForwardedCertificate {
            header: client_cert(),
            from: vec!["10.0.0.0/8".to_owned()],
        });
        assert!(plain.check().is_ok());
    }

    #[test]
    fn a_proxy_that_nobody_could_be_is_a_mistake() {
        let mut proxied = configured(None);
        for (header, from) in [
            ("Client-Cert", vec![]),
            ("a b", vec!["::1"]),
            ("X-Cert", vec!["all"]),
        ] {
            proxied.forwarded_certificate = Some(ForwardedCertificate {
                header: header.to_owned(),
                from: from.into_iter().map(str::to_owned).collect(),
            });
            assert!(proxied.check().is_err(), "{header}");
        }
    }
}
