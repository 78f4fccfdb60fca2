//! Mutual TLS: servers, and the machines that call them (RFC 5280 §4.2.1.12, RFC 9525).

use std::net::IpAddr;

use der::asn1::{Ia5String, OctetString};
use model::Entropy;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsages, SubjectAltName};

use super::revocation::Revocation;
use super::{Unit, encoded, extended_key_usage, key_usage};
use crate::issuance::{Content, Draft, Issuer, Validity};
use crate::name::{self, NameBuilder};
use crate::{PkiError, encode, oid};

/// A server's certificate for its `names`: DNS names, of which the first label may be `*`, and IP
/// addresses. The first is the common name.
///
/// Fails with [`PkiError::Value`] where there is no name, or one that is neither.
pub fn server_draft(
    issuer: &Issuer,
    names: &[String],
    public_key_info: &[u8],
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let first = names.first().map(String::as_str).unwrap_or_default();
    let subject = NameBuilder::default().text(&oid::COMMON_NAME, "the server's name", first)?;
    let alternatives = names
        .iter()
        .map(|name| server_name(name))
        .collect::<Result<_, _>>()?;
    let alternatives = encoded(&SubjectAltName(alternatives))?;
    let mut extensions = vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extended_key_usage(&[oid::KP_SERVER_AUTH], false)?,
        encode::extension(&oid::SUBJECT_ALT_NAME, false, &alternatives),
    ];
    extensions.extend(Revocation::Answers.extensions(issuer, public_key_info)?);
    let content = Content {
        subject: subject.finish(),
        public_key_info,
        validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}

/// The certificate of a machine that calls, whose user name is the common name of `unit`.
pub fn client_draft(
    issuer: &Issuer,
    unit: &Unit<'_>,
    public_key_info: &[u8],
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let mut extensions = vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extended_key_usage(&[oid::KP_CLIENT_AUTH], false)?,
    ];
    extensions.extend(Revocation::AnswersAndList.extensions(issuer, public_key_info)?);
    let content = Content {
        subject: unit.name()?,
        public_key_info,
        validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}

fn server_name(text: &str) -> Result<GeneralName, PkiError> {
    let unusable = || {
        name::value(
            "the server's name",
            "is neither a DNS name nor an IP address",
        )
    };
    if let Ok(address) = text.parse::<IpAddr>() {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let bytes = OctetString::new(bytes).map_err(|_| unusable())?;
        return Ok(GeneralName::IpAddress(bytes));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let host = text.strip_prefix("*.").unwrap_or(text);
    if text.len() > 253 || !host.split('.').all(label) {
        return Err(unusable());
    }
    let text = Ia5String::new(text).map_err(|_| unusable())?;
    Ok(GeneralName::DnsName(text))
}
