//! Who is at the other end of the connection: the client certificate, from TLS or from a proxy.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::config::ForwardedCertificate;
use crate::body::base64;

/// The other end of a connection; an extension of every request that comes over it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// The certificate whose key it proved to hold in the TLS handshake, DER.
    pub certificate: Option<Vec<u8>>,
}

/// A proxy sent a header in which no certificate can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the forwarded client certificate cannot be read")]
pub(super) struct Unreadable;

/// The client's certificate, DER.
///
/// What a trusted proxy shows in the handshake is its own certificate, so that its header alone
/// counts; from anyone else the header is what anyone could write, so that it never counts.
pub(super) fn certificate(
    peer: Option<&Peer>,
    headers: &HeaderMap,
    forwarded: Option<&ForwardedCertificate>,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let Some(peer) = peer else {
        return Ok(None);
    };
    match forwarded.filter(|forwarded| forwarded.trusts(peer.address)) {
        Some(forwarded) => in_header(headers, forwarded),
        None => Ok(peer.certificate.clone()),
    }
}

fn in_header(
    headers: &HeaderMap,
    forwarded: &ForwardedCertificate,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut values = headers.get_all(&forwarded.header).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // Two of them: one may be the client's own, let through by mistake.
    if values.next().is_some() {
        return Err(Unreadable);
    }
    match value.to_str().map_err(|_| Unreadable)?.trim() {
        "" => Ok(None),
        text => read(text).map(Some).ok_or(Unreadable),
    }
}

/// A certificate as a byte sequence (RFC 9440 §2.1), as PEM with or without URL-encoding, or as
/// bare base64 of its DER.
fn read(text: &str) -> Option<Vec<u8>> {
    if let Some(rest) = text.strip_prefix(':') {
        return decode(rest.strip_suffix(':')?);
    }
    let plain = percent_decoded(text)?;
    if !plain.contains("-----") {
        return decode(&plain);
    }
    let (_, rest) = plain.split_once("-----BEGIN CERTIFICATE-----")?;
    let (content, rest) = rest.split_once("-----END CERTIFICATE-----")?;
    rest.trim().is_empty().then(|| decode(content))?
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let der = base64::decode(text.to_owned()).ok()?;
    // A SEQUENCE, as every certificate is: anything else was not meant as one.
    (der.first() == Some(&0x30)).then_some(der)
}

/// Without the escapes of RFC 3986 §2.1. A plus sign is a digit of base64 here, not a blank.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.extend(hex::decode(digits).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    /// Not a certificate, but a SEQUENCE; its base64 has a plus sign and a slash.
    const DER: &[u8] = &[0x30, 0x04, 0x04, 0x02, 0xfb, 0xff];
    const BASE64: &str = "MAQEAvv/";
    const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

    fn seen(
        peer: &str,
        own: Option<&[u8]>,
        header: Option<&str>,
    ) -> Result<Option<Vec<u8>>, Unreadable> {
        let peer = Peer {
            address: peer.parse().unwrap(),
            certificate: own.map(<[u8]>::to_vec),
        };
        let forwarded = ForwardedCertificate {
            header: CLIENT_CERT,
            from: vec!["10.0.0.0/8".parse().unwrap()],
        };
        let headers = header
            .map(|value| (CLIENT_CERT, HeaderValue::from_str(value).unwrap()))
            .into_iter()
            .collect();
        certificate(Some(&peer), &headers, Some(&forwarded))
    }

    #[test]
    fn only_a_trusted_proxy_may_speak_for_its_clients() {
        let header = format!(":{BASE64}:");
        let stranger = "192.0.2.1";
        let proxy = "10.1.1.1";
        assert_eq!(seen(stranger, None, Some(&header)), Ok(None));
        assert_eq!(
            seen(stranger, Some(b"own"), Some(&header)),
            Ok(Some(b"own".to_vec()))
        );
        assert_eq!(
            seen(stranger, Some(b"own"), Some("?")),
            Ok(Some(b"own".to_vec()))
        );
        assert_eq!(seen(proxy, None, Some(&header)), Ok(Some(DER.to_vec())));
        assert_eq!(
            seen(proxy, Some(b"own"), Some(&header)),
            Ok(Some(DER.to_vec()))
        );
        assert_eq!(
            seen(proxy, Some(b"own"), None),
            Ok(None),
            "the proxy's own does not count"
        );
        assert_eq!(seen(proxy, Some(b"own"), Some(" ")), Ok(None));
        let nobody = certificate(None, &HeaderMap::new(), None);
        assert_eq!(nobody, Ok(None));
    }

    #[test]
    fn every_form_of_the_header_is_read() {
        let pem = "-----BEGIN%20CERTIFICATE-----%0AMAQE%0AAvv%2F%0A-----END%20CERTIFICATE-----%0A";
        let bare_plus = "-----BEGIN%20CERTIFICATE-----%0AMAQEAvv/%0A-----END%20CERTIFICATE-----";
        let blanks = "-----BEGIN CERTIFICATE----- MAQE Avv/ -----END CERTIFICATE-----";
        for text in [":MAQEAvv/:", BASE64, "MAQEAvv%2F", pem, bare_plus, blanks] {
            assert_eq!(read(text).as_deref(), Some(DER), "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for text in [
            ":MAQEAvv/",
            ":?:",
            "%",
            "%3",
            "%zz",
            "%ff",
            "null",
            "-----BEGIN CERTIFICATE-----MAQEAvv/",
            "-----BEGIN CERTIFICATE-----MAQE-----END CERTIFICATE----- MAQEAvv/",
            "-----BEGIN PRIVATE KEY-----MAQEAvv/-----END PRIVATE KEY-----",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(seen("10.1.1.1", Some(b"own"), Some("?")), Err(Unreadable));
        let two = HeaderMap::from_iter([(CLIENT_CERT, HeaderValue::from_static(":MAQEAvv/:"))]);
        let mut twice = two.clone();
        twice.append(CLIENT_CERT, HeaderValue::from_static(":MAQEAvv/:"));
        let forwarded = ForwardedCertificate {
            header: CLIENT_CERT,
            from: Vec::new(),
        };
        assert!(in_header(&two, &forwarded).is_ok());
        assert_eq!(in_header(&twice, &forwarded), Err(Unreadable));
    }
}
