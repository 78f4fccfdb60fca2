//! Natural persons: signers with one-time keys, and officers of the registration authority (EN
//! 319 412-1, -2 and -5).

use model::Entropy;
pub use model::Posture;
use x509_cert::ext::pkix::KeyUsages;

use super::revocation::Revocation;
use super::statements::{self, Person};
pub use super::terms::{Disclosure, Qualification, Terms};
use super::{email_address, key_usage};
use crate::issuance::{Content, Draft, Issuer};
use crate::name::NameBuilder;
use crate::{PkiError, oid};

/// The person that a certificate names. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct NaturalPerson {
    /// Given names.
    pub given_name: String,
    /// Surnames.
    pub surname: String,
    /// Name to be shown; where it has more than 64 characters it is cut between words.
    pub common_name: String,
    /// ISO 3166-1 alpha-2 code, capital letters.
    pub country: String,
    /// Identity number in the form of EN 319 412-1 §5.1.3, as in `IDCES-00000000T`.
    pub semantic_serial_number: String,
    /// E-mail address, for the subject alternative name. An address with characters outside ASCII
    /// is left out, since `rfc822Name` cannot hold it (RFC 5280 §4.2.1.6).
    pub email: Option<String>,
    /// The organisation in whose name an officer acts; signers have none.
    pub organisation: Option<String>,
}

impl std::fmt::Debug for NaturalPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NaturalPerson(…)")
    }
}

/// A one-time certificate for `public_key_info` (DER SubjectPublicKeyInfo), whose key commits to
/// content and does nothing else. Where its `posture` is short-term, its validity must be, too.
///
/// Fails with [`PkiError::Value`] where a value cannot stand in a certificate.
pub fn draft(
    issuer: &Issuer,
    person: &NaturalPerson,
    terms: &Terms<'_>,
    posture: Posture,
    public_key_info: &[u8],
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let extensions = extensions(issuer, person, terms, posture.into(), public_key_info)?;
    with_extensions(issuer, person, terms, public_key_info, extensions, entropy)
}

/// An officer's certificate: as a one-time certificate, but it lasts, so that it points to the
/// revocation list too.
///
/// Fails with [`PkiError::Value`] where a value cannot stand in a certificate.
pub fn officer_draft(
    issuer: &Issuer,
    person: &NaturalPerson,
    terms: &Terms<'_>,
    public_key_info: &[u8],
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let extensions = extensions(
        issuer,
        person,
        terms,
        Revocation::AnswersAndList,
        public_key_info,
    )?;
    with_extensions(issuer, person, terms, public_key_info, extensions, entropy)
}

fn extensions(
    issuer: &Issuer,
    person: &NaturalPerson,
    terms: &Terms<'_>,
    revocation: Revocation,
    public_key_info: &[u8],
) -> Result<Vec<Vec<u8>>, PkiError> {
    let mut extensions = vec![
        key_usage(KeyUsages::NonRepudiation)?,
        terms.policies(Person::Natural)?,
    ];
    if let Some(email) = &person.email {
        extensions.extend(email_address(email)?);
    }
    extensions.extend(revocation.extensions(issuer, public_key_info)?);
    extensions.push(statements::extension(
        issuer,
        Person::Natural,
        &person.semantic_serial_number,
        terms.qualification,
    ));
    Ok(extensions)
}

fn with_extensions(
    issuer: &Issuer,
    person: &NaturalPerson,
    terms: &Terms<'_>,
    public_key_info: &[u8],
    extensions: Vec<Vec<u8>>,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let content = Content {
        subject: subject(person)?,
        public_key_info,
        validity: terms.validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}

fn subject(person: &NaturalPerson) -> Result<Vec<u8>, PkiError> {
    let mut name = NameBuilder::default().country("the country", &person.country)?;
    if let Some(organisation) = &person.organisation {
        let field = "the organisation's name";
        name = name.text(&oid::ORGANIZATION_NAME, field, organisation)?;
    }
    let name = name
        .serial_number("the identity number", &person.semantic_serial_number)?
        .text(&oid::SURNAME, "the surname", &person.surname)?
        .text(&oid::GIVEN_NAME, "the given name", &person.given_name)?
        .cut_common_name("the common name", &person.common_name)?;
    Ok(name.finish())
}
