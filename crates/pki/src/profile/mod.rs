//! What each kind of certificate looks like. One module per kind; each makes an
//! [`issuance::Draft`](crate::issuance::Draft).

pub mod authority;
pub mod natural_person;
pub mod ocsp_responder;
pub mod time_stamping;

use const_oid::ObjectIdentifier;
use der::Encode;
use der::asn1::Ia5String;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, CertificatePolicies, ExtendedKeyUsage, KeyUsage,
    KeyUsages,
};

use crate::issuance::Pointers;
use crate::name::NameBuilder;
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
        let mut name = NameBuilder::default()
            .country(self.country)?
            .organization(self.organisation)?;
        if let Some(identifier) = self.organisation_identifier {
            name = name.organization_identifier(identifier)?;
        }
        Ok(name.common_name(self.common_name)?.finish())
    }
}

fn key_usage(usages: impl Into<der::flagset::FlagSet<KeyUsages>>) -> Result<Vec<u8>, PkiError> {
    Ok(encode::extension(
        &oid::KEY_USAGE,
        true,
        &encoded(&KeyUsage(usages.into()))?,
    ))
}

fn extended_key_usage(usage: ObjectIdentifier, critical: bool) -> Result<Vec<u8>, PkiError> {
    let value = encoded(&ExtendedKeyUsage(vec![usage]))?;
    Ok(encode::extension(
        &oid::EXTENDED_KEY_USAGE,
        critical,
        &value,
    ))
}

fn access(pointers: &Pointers) -> Result<Vec<u8>, PkiError> {
    let entry = |access_method, address: &str| {
        let address = Ia5String::new(address).map_err(|_| PkiError::Value {
            field: "the address of the authority",
            reason: "holds characters outside ASCII".into(),
        })?;
        let access_location = GeneralName::UniformResourceIdentifier(address);
        Ok::<_, PkiError>(AccessDescription {
            access_method,
            access_location,
        })
    };
    let value = encoded(&AuthorityInfoAccessSyntax(vec![
        entry(oid::ACCESS_OCSP, &pointers.ocsp)?,
        entry(oid::ACCESS_CA_ISSUERS, &pointers.certificate)?,
    ]))?;
    Ok(encode::extension(
        &oid::AUTHORITY_INFO_ACCESS,
        false,
        &value,
    ))
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
    let unusable = |_| PkiError::Value {
        field: "the address of the practice statement",
        reason: "holds characters outside ASCII".into(),
    };
    let address = Ia5String::new(address).map_err(unusable)?;
    let qualifier = der::Any::encode_from(&address).map_err(unusable)?;
    Ok(PolicyQualifierInfo {
        policy_qualifier_id: oid::QUALIFIER_CPS,
        qualifier: Some(qualifier),
    })
}

fn encoded(value: &impl Encode) -> Result<Vec<u8>, PkiError> {
    value.to_der().map_err(|_| PkiError::Malformed("extension"))
}
