//! What a certificate says, in plain words.

use der::Decode;
use der::pem::{self, LineEnding};
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

use crate::{PkiError, decode, issuance, name, oid};

/// The plain facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Serial number as lower-case hexadecimal digits, an even number of them.
    pub serial: String,
    /// The subject's common name, empty if it has none.
    pub common_name: String,
    /// First second of validity.
    pub not_before: OffsetDateTime,
    /// Last second of validity.
    pub not_after: OffsetDateTime,
    /// Identifier of its key as lower-case hexadecimal digits (RFC 5280 §4.2.1.2, method 1),
    /// whether or not the certificate says it.
    pub key_identifier: String,
    /// Identifier of its issuer's key, where the certificate says it (RFC 5280 §4.2.1.1).
    pub authority_key_identifier: Option<String>,
    /// Whether it says that nothing will be known about its revocation (RFC 9608).
    pub no_revocation_available: bool,
    subject: Name,
    issuer: Name,
}

impl CertificateFacts {
    /// Reads a DER certificate; fails with [`PkiError::Malformed`].
    pub fn read(der: &[u8]) -> Result<Self, PkiError> {
        let certificate =
            Certificate::from_der(der).map_err(|_| PkiError::Malformed("certificate"))?;
        let tbs = certificate.tbs_certificate();
        let parts = decode::CertificateParts::parse(der)?;
        let common_name = tbs.subject().common_name().ok().flatten();
        Ok(Self {
            serial: decode::serial_hex(tbs.serial_number().as_bytes()),
            common_name: common_name
                .map(|name| name.value().into_owned())
                .unwrap_or_default(),
            not_before: decode::instant(tbs.validity().not_before),
            not_after: decode::instant(tbs.validity().not_after),
            key_identifier: hex(&issuance::key_identifier(parts.public_key_info)?),
            authority_key_identifier: issuance::authority_key(tbs).map(|id| hex(&id)),
            no_revocation_available: tbs
                .extensions()
                .into_iter()
                .flatten()
                .any(|one| one.extn_id == oid::NO_REV_AVAIL),
            subject: tbs.subject().clone(),
            issuer: tbs.issuer().clone(),
        })
    }

    /// Subject as an RFC 4514 string.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// Issuer as an RFC 4514 string.
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// Subject as lists of certificates show it: the most specific attribute first, with a blank
    /// after each comma, and by number where RFC 4514 §3 has no short name for it, as in
    /// `CN=Ana Prueba, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, 2.5.4.4=Prueba, C=ES`.
    pub fn subject_listed(&self) -> String {
        listed(&self.subject)
    }

    /// Issuer in the form of [`CertificateFacts::subject_listed`].
    pub fn issuer_listed(&self) -> String {
        listed(&self.issuer)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn listed(name: &Name) -> String {
    let attributes: Vec<_> = name.iter().collect();
    let one = |attribute: &&AttributeTypeAndValue| {
        let value = escaped(name::text(attribute).unwrap_or_default());
        match attribute.oid {
            oid::COMMON_NAME => format!("CN={value}"),
            oid::COUNTRY_NAME => format!("C={value}"),
            oid::ORGANIZATION_NAME => format!("O={value}"),
            oid::ORGANIZATIONAL_UNIT_NAME => format!("OU={value}"),
            other => format!("{other}={value}"),
        }
    };
    let listed: Vec<_> = attributes.iter().rev().map(one).collect();
    listed.join(", ")
}

/// A value in the form of RFC 4514 §2.4.
fn escaped(value: &str) -> String {
    let last = value.len().saturating_sub(1);
    let mut out = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        let edge = c == ' ' && (at == 0 || at == last) || c == '#' && at == 0;
        if edge || "\"+,;<>\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A certificate in PEM form (RFC 7468 §5).
pub fn to_pem(der: &[u8]) -> Result<String, PkiError> {
    pem::encode_string("CERTIFICATE", LineEnding::LF, der)
        .map_err(|_| PkiError::Malformed("certificate"))
}

/// A revocation list (DER) as PEM (RFC 7468 §6).
///
/// Fails with [`PkiError::Malformed`].
pub fn list_to_pem(der: &[u8]) -> Result<String, PkiError> {
    pem::encode_string("X509 CRL", LineEnding::LF, der)
        .map_err(|_| PkiError::Malformed("revocation list"))
}
