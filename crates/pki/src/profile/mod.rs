//! What each kind of certificate looks like. One module per kind; each makes an
//! [`issuance::Draft`](crate::issuance::Draft).

pub mod authority;
pub mod natural_person;
pub mod ocsp_responder;
mod revocation;
pub(crate) mod statements;
pub mod subscriber;
mod terms;
pub mod time_stamping;
pub mod tls;

pub use terms::{Disclosure, Qualification, Terms};

use const_oid::ObjectIdentifier;
use der::Encode;
use der::asn1::Ia5String;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    CertificatePolicies, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
};

use crate::name::{self, NameBuilder};
use crate::{PkiError, encode, oid};

/// The legal person that runs an authority, time-stamping unit or responder, and the unit's name
/// (EN 319 412-3 §4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit<'a> {
    /// ISO 3166-1 alpha-2 code, capital letters.
    pub country: &'a str,
    /// Registered name, at most 64 characters.
    pub organisation: &'a str,
    /// Registered identifier in the form of EN 319 412-1 §5.1.4, as in `VATES-B00000000`.
    pub organisation_identifier: Option<&'a str>,
    /// Common name, at most 64 characters.
    pub common_name: &'a str,
}

impl Unit<'_> {
    fn name(&self) -> Result<Vec<u8>, PkiError> {
        let organisation = "the organisation's name";
        let mut name = NameBuilder::default()
            .country("the country", self.country)?
            .text(&oid::ORGANIZATION_NAME, organisation, self.organisation)?;
        if let Some(identifier) = self.organisation_identifier {
            let field = "the organisation's identifier";
            name = name.text(&oid::ORGANIZATION_IDENTIFIER, field, identifier)?;
        }
        let name = name.text(&oid::COMMON_NAME, "the common name", self.common_name)?;
        Ok(name.finish())
    }
}

fn key_usage(usages: impl Into<der::flagset::FlagSet<KeyUsages>>) -> Result<Vec<u8>, PkiError> {
    Ok(encode::extension(
        &oid::KEY_USAGE,
        true,
        &encoded(&KeyUsage(usages.into()))?,
    ))
}

fn extended_key_usage(usages: &[ObjectIdentifier], critical: bool) -> Result<Vec<u8>, PkiError> {
    let value = encoded(&ExtendedKeyUsage(usages.to_vec()))?;
    Ok(encode::extension(
        &oid::EXTENDED_KEY_USAGE,
        critical,
        &value,
    ))
}

/// SubjectAltName with an e-mail address; none for an address with characters outside ASCII,
/// which `rfc822Name` cannot hold (RFC 5280 §4.2.1.6).
fn email_address(address: &str) -> Result<Option<Vec<u8>>, PkiError> {
    let Ok(address) = Ia5String::new(address) else {
        return Ok(None);
    };
    let value = encoded(&SubjectAltName(vec![GeneralName::Rfc822Name(address)]))?;
    Ok(Some(encode::extension(
        &oid::SUBJECT_ALT_NAME,
        false,
        &value,
    )))
}

/// Certificate policies; `statement`, the address of the practice statement, goes with the first.
fn policies(ids: &[ObjectIdentifier], statement: Option<&str>) -> Result<Vec<u8>, PkiError> {
    let qualifier = statement.map(practice_statement).transpose()?;
    let policy = |(at, id): (usize, &ObjectIdentifier)| PolicyInformation {
        policy_identifier: *id,
        policy_qualifiers: qualifier.clone().filter(|_| at == 0).map(|one| vec![one]),
    };
    let value = encoded(&CertificatePolicies(
        ids.iter().enumerate().map(policy).collect(),
    ))?;
    Ok(encode::extension(&oid::CERTIFICATE_POLICIES, false, &value))
}

fn practice_statement(address: &str) -> Result<PolicyQualifierInfo, PkiError> {
    let address = ascii("the address of the practice statement", address)?;
    let qualifier =
        der::Any::encode_from(&address).map_err(|_| PkiError::Malformed("extension"))?;
    Ok(PolicyQualifierInfo {
        policy_qualifier_id: oid::QUALIFIER_CPS,
        qualifier: Some(qualifier),
    })
}

fn ascii(field: &'static str, text: &str) -> Result<Ia5String, PkiError> {
    Ia5String::new(text).map_err(|_| name::value(field, "holds characters outside ASCII"))
}

fn encoded(value: &impl Encode) -> Result<Vec<u8>, PkiError> {
    value.to_der().map_err(|_| PkiError::Malformed("extension"))
}
