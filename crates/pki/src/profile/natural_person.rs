//! Natural persons: signers with one-time keys, and officers of the registration authority (EN
//! 319 412-1, -2 and -5).

use const_oid::ObjectIdentifier;
use der::asn1::Ia5String;
use model::Entropy;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsages, SubjectAltName};

use super::{access, encoded, key_usage, policies};
use crate::issuance::{Content, Draft, Issuer, Validity};
use crate::name::NameBuilder;
use crate::{PkiError, encode, oid};

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

/// Whether the certificate claims to be qualified (Regulation (EU) 910/2014 annex I).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Qualification {
    /// It does not. Right for everyone but a qualified trust service provider.
    #[default]
    None,
    /// It does.
    Qualified {
        /// Whether the key lives in a qualified signature creation device.
        qscd: bool,
        /// Disclosure statements; one must be in English (EN 319 412-5 §4.3.4).
        disclosures: Vec<Disclosure>,
    },
}

/// Where a PKI disclosure statement can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// `https` address.
    pub url: String,
    /// ISO 639-1 code, lower case.
    pub language: String,
}

/// On which terms a certificate is issued.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// When it is valid.
    pub validity: Validity,
    /// Whether it claims to be qualified.
    pub qualification: &'a Qualification,
    /// The installation's own policy for this kind of certificate, named before the ETSI policy
    /// that always stands there.
    pub policy: Option<ObjectIdentifier>,
    /// Address of the practice statement.
    pub practice_statement: Option<&'a str>,
}

/// A certificate for `public_key_info` (DER SubjectPublicKeyInfo), whose key commits to content
/// and does nothing else.
///
/// Fails with [`PkiError::Value`] where a value cannot stand in a certificate.
pub fn draft(
    issuer: &Issuer,
    person: &NaturalPerson,
    terms: &Terms<'_>,
    public_key_info: &[u8],
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let etsi_policy = match terms.qualification {
        Qualification::None => oid::POLICY_NCP,
        Qualification::Qualified { qscd: false, .. } => oid::POLICY_QCP_N,
        Qualification::Qualified { qscd: true, .. } => oid::POLICY_QCP_N_QSCD,
    };
    let ids: Vec<_> = terms.policy.into_iter().chain([etsi_policy]).collect();
    let mut extensions = vec![
        key_usage(KeyUsages::NonRepudiation)?,
        policies(&ids, terms.practice_statement)?,
    ];
    extensions.extend(
        person
            .email
            .as_deref()
            .and_then(alternative_name)
            .transpose()?,
    );
    extensions.push(access(issuer.pointers())?);
    extensions.push(statements(issuer, person, terms.qualification));
    let content = Content {
        subject: subject(person)?,
        public_key_info,
        validity: terms.validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}

/// `uniformResourceIdentifier` of a GeneralName (RFC 5280 §4.2.1.6).
pub(crate) const URI: u8 = 0x86;

/// Whether an identity number is of a locally defined scheme, as in `PI:ES-0001` (EN 319 412-1
/// §5.1.3, NAT-5.1.3-05).
pub(crate) fn is_local_scheme(number: &str) -> bool {
    number.as_bytes().get(2) == Some(&b':')
}

fn subject(person: &NaturalPerson) -> Result<Vec<u8>, PkiError> {
    let mut name = NameBuilder::default().country(&person.country)?;
    if let Some(organisation) = &person.organisation {
        name = name.organization(organisation)?;
    }
    let name = name
        .serial_number(&person.semantic_serial_number)?
        .surname(&person.surname)?
        .given_name(&person.given_name)?
        .personal_common_name(&person.common_name)?;
    Ok(name.finish())
}

fn alternative_name(email: &str) -> Option<Result<Vec<u8>, PkiError>> {
    let address = Ia5String::new(email).ok()?;
    let value = encoded(&SubjectAltName(vec![GeneralName::Rfc822Name(address)]));
    Some(value.map(|value| encode::extension(&oid::SUBJECT_ALT_NAME, false, &value)))
}

/// QCStatements (RFC 3739 §3.2.6): how to read the serial number, always; the rest only where it
/// is claimed.
fn statements(issuer: &Issuer, person: &NaturalPerson, qualification: &Qualification) -> Vec<u8> {
    let statement =
        |id: &ObjectIdentifier, info: &[u8]| encode::sequence(&[&encode::oid(id), info]);
    let only = |id: &ObjectIdentifier| encode::sequence(&[&encode::oid(id)]);
    let mut semantics = encode::oid(&oid::SEMANTICS_NATURAL);
    if is_local_scheme(&person.semantic_serial_number) {
        // Of a scheme that only the issuer knows, somebody must be named who answers for it.
        let register = encode::tlv(URI, &[issuer.pointers().certificate.as_bytes()]);
        semantics.extend(encode::sequence(&[&register]));
    }
    let mut list = statement(&oid::QCS_SYNTAX_V2, &encode::sequence(&[&semantics]));
    if let Qualification::Qualified { qscd, disclosures } = qualification {
        list.extend(only(&oid::QCS_COMPLIANCE));
        if *qscd {
            list.extend(only(&oid::QCS_QSCD));
        }
        list.extend(statement(&oid::QCS_TYPE, &only(&oid::QC_TYPE_ESIGN)));
        let location = |one: &Disclosure| {
            encode::sequence(&[&encode::ia5(&one.url), &encode::printable(&one.language)])
        };
        let locations: Vec<u8> = disclosures.iter().flat_map(location).collect();
        list.extend(statement(&oid::QCS_PDS, &encode::sequence(&[&locations])));
    }
    encode::extension(&oid::QC_STATEMENTS, false, &encode::sequence(&[&list]))
}
