//! Which addresses may be called.
//!
//! A webhook's target comes from clients. Without this guard they could make the server call
//! what only the server can reach: its own ports, its neighbours, a cloud's metadata service.
//! Names are resolved here, so that the address that was judged is the one that is called.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use model::network::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use crate::failure::Failure;

/// Targets that the operator permits although they are not public: names, addresses and
/// networks, as in `hooks.internal`, `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    names: BTreeSet<String>,
    networks: Vec<Network>,
}

impl AllowList {
    /// Reads a list of names, addresses and networks.
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Result<Self, NotANetwork> {
        let mut list = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            let numeric = entry.contains(['/', ':']) || entry.parse::<IpAddr>().is_ok();
            if numeric {
                let network = entry.parse().map_err(|_| NotANetwork(entry.to_owned()))?;
                list.networks.push(network);
            } else if entry.is_empty() {
                return Err(NotANetwork(entry.to_owned()));
            } else {
                list.names.insert(canonical(entry));
            }
        }
        Ok(list)
    }

    /// The loopback networks, for a sandbox.
    pub fn loopback() -> Self {
        Self {
            names: BTreeSet::new(),
            networks: vec![
                Network::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
                Network::new(Ipv6Addr::LOCALHOST.into(), 128),
            ],
        }
    }

    /// Whether this address may be called.
    fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        let faces = faces(address);
        let permitted = |network: &Network| faces.iter().any(|face| network.contains(*face));
        if self.networks.iter().any(permitted) {
            return Ok(());
        }
        for face in faces {
            if let Some((_, kind)) = not_public().find(|(network, _)| network.contains(face)) {
                return Err(Refused(kind));
            }
        }
        Ok(())
    }

    fn permits_name(&self, name: &str) -> bool {
        self.names.contains(&canonical(name))
    }
}

impl<'de> Deserialize<'de> for AllowList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<String>::deserialize(deserializer)?;
        Self::new(&entries).map_err(serde::de::Error::custom)
    }
}

/// The entry is neither an address nor a network: the operator's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a name, an address nor a network such as 10.0.0.0/8")]
pub struct NotANetwork(pub String);

/// The address must not be called; holds what kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the target's address is not public ({}) and not on the allow list",
            self.0
        )
    }
}

impl std::error::Error for Refused {}

/// Reads a target and refuses what is no `http` or `https` URL or names an address that must not
/// be called. Names are judged when they are resolved.
pub(crate) fn target(text: &str, allow: &AllowList) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| Failure::Target)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::Target);
    }
    match url.host() {
        // The parser has already turned 0x7f.1, 2130706433 and the like into addresses.
        Some(Host::Ipv4(address)) => allow.judge(address.into())?,
        Some(Host::Ipv6(address)) => allow.judge(address.into())?,
        Some(Host::Domain(_)) => {}
        None => return Err(Failure::Target),
    }
    Ok(url)
}

/// Resolves names to those of their addresses that may be called.
#[derive(Debug)]
pub(crate) struct GuardedResolver(pub(crate) Arc<AllowList>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            if allow.permits_name(name.as_str()) {
                let found: Vec<SocketAddr> = found.collect();
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let mut public = Vec::new();
            let mut refused = None;
            for address in found {
                match allow.judge(address.ip()) {
                    Ok(()) => public.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match refused {
                Some(reason) if public.is_empty() => Err(reason.into()),
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// Every address block that is not public, of IANA's special-purpose registries (RFC 6890).
fn not_public() -> impl Iterator<Item = (Network, &'static str)> {
    const V4: &[([u8; 4], u8, &str)] = &[
        ([0, 0, 0, 0], 8, "this network"),
        ([10, 0, 0, 0], 8, "private"),
        ([100, 64, 0, 0], 10, "shared by carriers"),
        ([127, 0, 0, 0], 8, "loopback"),
        ([169, 254, 0, 0], 16, "link-local"),
        ([172, 16, 0, 0], 12, "private"),
        ([192, 0, 0, 0], 24, "protocol assignments"),
        ([192, 0, 2, 0], 24, "documentation"),
        ([192, 88, 99, 0], 24, "6to4 relay"),
        ([192, 168, 0, 0], 16, "private"),
        ([198, 18, 0, 0], 15, "benchmarking"),
        ([198, 51, 100, 0], 24, "documentation"),
        ([203, 0, 113, 0], 24, "documentation"),
        ([224, 0, 0, 0], 4, "multicast"),
        ([240, 0, 0, 0], 4, "reserved"),
    ];
    const V6: &[([u16; 8], u8, &str)] = &[
        // Unspecified, loopback, and the IPv4-compatible form that nothing uses any more.
        ([0, 0, 0, 0, 0, 0, 0, 0], 96, "loopback or unspecified"),
        ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "local translation"),
        ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard"),
        ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments"),
        ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
        ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
        ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing"),
        ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local"),
        ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
        ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
        ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
    ];
    let v4 = V4
        .iter()
        .map(|(base, bits, kind)| (Network::new((*base).into(), u32::from(*bits)), *kind));
    let v6 = V6
        .iter()
        .map(|(base, bits, kind)| (Network::new((*base).into(), u32::from(*bits)), *kind));
    v4.chain(v6)
}

/// The address, and the IPv4 address that it leads to when it is an IPv6 address that embeds one:
/// mapped (RFC 4291 §2.5.5.2), translated (RFC 6052 §2.1), or 6to4 (RFC 3056 §2).
fn faces(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else {
        return vec![address];
    };
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::from([a, b, c, d])
    };
    match segments {
        // A mapped address is the IPv4 address itself, so only that counts.
        [0, 0, 0, 0, 0, 0xffff, high, low] => vec![embedded(high, low)],
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            vec![address, embedded(high, low)]
        }
        _ => vec![address],
    }
}

/// Host names compare without case and without the root's dot.
fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str, list: &AllowList) -> bool {
        target(text, list).is_ok()
    }

    #[test]
    fn addresses_that_are_not_public_are_refused() {
        let refused = [
            "http://127.0.0.1/",
            "http://127.255.255.254:8080/x",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0.0.0.0/",
            "http://0.1.2.3/",
            "http://10.0.0.1/",
            "https://100.64.0.1/",
            "http://100.127.255.255/",
            "http://169.254.169.254/latest/meta-data/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.0.0.8/",
            "http://192.0.2.1/",
            "http://192.168.1.1/",
            "http://198.19.0.1/",
            "http://198.51.100.7/",
            "http://203.0.113.7/",
            "http://224.0.0.1/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::127.0.0.1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2002:c0a8:101::1]/",
            "http://[2001::1]/",
            "http://[2001:db8::1]/",
            "http://[3fff::1]/",
            "http://[100::1]/",
            "http://[fc00::1]/",
            "http://[fdff::1]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://[ff02::1]/",
            "http://user:secret@127.0.0.1/",
        ];
        for url in refused {
            assert!(!allowed(url, &AllowList::default()), "{url}");
        }
    }

    #[test]
    fn public_addresses_and_names_pass() {
        let passed = [
            "http://1.1.1.1/",
            "https://9.9.9.9:8443/hook?x=1",
            "http://172.15.255.255/",
            "http://172.32.0.1/",
            "http://100.63.255.255/",
            "http://100.128.0.1/",
            "http://[2606:4700::1111]/",
            "http://[::ffff:1.1.1.1]/",
            "http://[64:ff9b::101:101]/",
            "https://hooks.example.com/",
        ];
        for url in passed {
            assert!(allowed(url, &AllowList::default()), "{url}");
        }
    }

    #[test]
    fn other_schemes_and_rubbish_are_no_targets() {
        for text in [
            "ftp://1.1.1.1/",
            "file:///etc/passwd",
            "gopher://1.1.1.1",
            "hook",
            "",
            "http://",
        ] {
            assert!(
                matches!(target(text, &AllowList::default()), Err(Failure::Target)),
                "{text}"
            );
        }
    }

    #[test]
    fn the_operator_may_permit_networks_addresses_and_names() {
        let list = AllowList::new(&["10.1.0.0/16", "fd00::/8", "192.168.7.7", "Hooks.Internal."]);
        let list = list.unwrap();
        for url in [
            "http://10.1.2.3/",
            "http://[fd12::1]/",
            "http://192.168.7.7/",
        ] {
            assert!(allowed(url, &list), "{url}");
        }
        assert!(allowed("http://[::ffff:10.1.2.3]/", &list));
        for url in [
            "http://10.2.0.1/",
            "http://192.168.7.8/",
            "http://127.0.0.1/",
        ] {
            assert!(!allowed(url, &list), "{url}");
        }
        assert!(list.permits_name("hooks.internal"));
        assert!(!list.permits_name("other.internal"));
        assert!(allowed("http://127.0.0.1:9/", &AllowList::loopback()));
        assert!(allowed("http://[::1]:9/", &AllowList::loopback()));
        assert!(!allowed("http://10.0.0.1/", &AllowList::loopback()));
    }

    #[test]
    fn wrong_entries_are_named() {
        for entry in ["10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/x", ""] {
            assert_eq!(AllowList::new(&[entry]), Err(NotANetwork(entry.to_owned())));
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        let resolve = async |list: AllowList| {
            let resolver = GuardedResolver(Arc::new(list));
            resolver.resolve("localhost".parse().unwrap()).await
        };
        let Err(error) = resolve(AllowList::default()).await else {
            panic!("localhost was resolved");
        };
        assert!(error.is::<Refused>(), "{error}");
        assert!(resolve(AllowList::loopback()).await.is_ok());
        assert!(
            resolve(AllowList::new(&["LOCALHOST"]).unwrap())
                .await
                .is_ok()
        );
    }
}
