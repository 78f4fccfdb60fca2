//! Rules that every certificate is checked against before it is signed: RFC 5280, EN 319 412-1,
//! -2, -3 and -5 as far as our kinds of certificate go.
//!
//! The lint reads the very bytes that will be signed, not the values that they were made from, and
//! decides from these bytes alone which kind of certificate it has before it.

mod revocation;
mod statements;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::flagset::FlagSet;
use der::referenced::OwnedToRef;
use der::{Decode, Encode, Tag, Tagged};
use model::contact::Country;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage,
    KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::decode::{Elements, SEQUENCE};
use crate::profile::statements::Person;
use crate::{name, oid};

/// Extensions that constrain authorities, and that nobody else's certificate may have.
const FOR_AUTHORITIES: [ObjectIdentifier; 4] = [
    oid::NAME_CONSTRAINTS,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
];

/// Lengths of RSA keys that subscribers may bring; the back end verifies no others.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The clause, as in `RFC 5280 §4.1.2.2`, or `Avouch` for a rule of our own.
    pub clause: &'static str,
    /// What is wrong. Never repeats a value: subjects are people.
    pub message: &'static str,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.clause)
    }
}

/// Checks a DER TBSCertificate; no finding means that it may be signed.
pub fn check(tbs: &[u8]) -> Vec<Finding> {
    let Ok(certificate) = TbsCertificate::from_der(tbs) else {
        return vec![Finding {
            clause: "RFC 5280 §4.1",
            message: "is no TBSCertificate in DER",
        }];
    };
    let mut lint = Lint {
        certificate: &certificate,
        findings: Vec::new(),
    };
    lint.expect(
        certificate.to_der().is_ok_and(|again| again == tbs),
        "RFC 5280 §4.1",
        "is not in the one form that DER allows",
    );
    lint.basics();
    lint.name(certificate.issuer());
    lint.name(certificate.subject());
    lint.extensions();
    match lint.kind() {
        Kind::Authority => lint.authority(),
        Kind::TimeStamping => lint.time_stamping(),
        Kind::OcspResponder => lint.ocsp_responder(),
        Kind::TlsServer => lint.tls_server(),
        Kind::TlsClient => lint.tls_client(),
        Kind::Person(Person::Natural) => lint.natural_person(),
        Kind::Person(Person::Legal) => lint.legal_person(),
    }
    lint.findings
}

/// Checks a public key: of a kind and length that we certify.
pub(crate) fn key(key: &SubjectPublicKeyInfoOwned) -> Result<(), Finding> {
    let bits = key.subject_public_key.raw_bytes();
    let (clause, holds, message) = match key.algorithm.oid {
        rfc5912::RSA_ENCRYPTION => (
            "RFC 8017 appendix A.1.1",
            RSA_BITS.contains(&rsa_modulus_bits(bits).unwrap_or_default()),
            "an RSA key must have 2048 to 8192 bits",
        ),
        _ => (
            "RFC 5480 §2",
            key.algorithm.oid == rfc5912::ID_EC_PUBLIC_KEY
                && key.algorithm.owned_to_ref().parameters_oid() == Ok(rfc5912::SECP_256_R_1)
                && bits.len() == 65,
            "the public key must be RSA, or an uncompressed point on P-256",
        ),
    };
    match holds {
        true => Ok(()),
        false => Err(Finding { clause, message }),
    }
}

enum Kind {
    Authority,
    TimeStamping,
    OcspResponder,
    TlsServer,
    /// A machine. People who may log in may do more.
    TlsClient,
    Person(Person),
}

struct Lint<'a> {
    certificate: &'a TbsCertificate,
    findings: Vec<Finding>,
}

impl<'a> Lint<'a> {
    fn expect(&mut self, holds: bool, clause: &'static str, message: &'static str) {
        if !holds {
            self.findings.push(Finding { clause, message });
        }
    }

    fn kind(&self) -> Kind {
        let usages = self.extended_key_usages();
        if self
            .basic_constraints()
            .is_some_and(|(_, constraints)| constraints.ca)
        {
            Kind::Authority
        } else if usages.contains(&oid::KP_TIME_STAMPING) {
            Kind::TimeStamping
        } else if usages.contains(&oid::KP_OCSP_SIGNING) {
            Kind::OcspResponder
        } else if usages.contains(&oid::KP_SERVER_AUTH) {
            Kind::TlsServer
        } else if usages == [oid::KP_CLIENT_AUTH] {
            Kind::TlsClient
        } else {
            Kind::Person(self.person())
        }
    }

    /// An organisation is what says so, or what has an organisation's name and no person's.
    fn person(&self) -> Person {
        let has = |attribute| count(self.certificate.subject(), attribute) > 0;
        let declared = self
            .statements()
            .is_some_and(|found| found.semantics.contains(&oid::SEMANTICS_LEGAL));
        let personal = [oid::GIVEN_NAME, oid::SURNAME, oid::PSEUDONYM].map(has);
        if declared || has(oid::ORGANIZATION_NAME) && personal == [false; 3] {
            Person::Legal
        } else {
            Person::Natural
        }
    }

    fn basics(&mut self) {
        let certificate = self.certificate;
        self.expect(
            certificate.version() == x509_cert::Version::V3,
            "RFC 5280 §4.1.2.1",
            "the version must be 3",
        );
        let serial = certificate.serial_number().as_bytes();
        self.expect(
            serial.len() <= 20 && serial.first().is_some_and(|byte| byte & 0x80 == 0),
            "RFC 5280 §4.1.2.2",
            "the serial number must be positive and have at most 20 bytes",
        );
        self.expect(
            serial.len() >= 8,
            "Avouch",
            "the serial number must hold at least 64 random bits",
        );
        let signature = certificate.signature();
        let parameters = signature.parameters.as_ref();
        self.expect(
            match signature.oid {
                oid::ECDSA_WITH_SHA256 => parameters.is_none(),
                oid::SHA256_WITH_RSA => parameters.is_some_and(der::Any::is_null),
                _ => false,
            },
            "RFC 5758 §3.2, RFC 4055 §5",
            "the signature algorithm must be ecdsa-with-SHA256 without parameters, or \
             sha256WithRSAEncryption with NULL",
        );
        self.expect(
            certificate.issuer_unique_id().is_none() && certificate.subject_unique_id().is_none(),
            "RFC 5280 §4.1.2.8",
            "unique identifiers must not be there",
        );
        let validity = certificate.validity();
        self.expect(
            [validity.not_before, validity.not_after]
                .into_iter()
                .all(is_in_its_form),
            "RFC 5280 §4.1.2.5",
            "times must be UTCTime until 2049 and GeneralizedTime from 2050",
        );
        self.expect(
            validity.not_before.to_unix_duration() < validity.not_after.to_unix_duration(),
            "RFC 5280 §4.1.2.5",
            "validity must begin before it ends",
        );
        self.findings
            .extend(key(certificate.subject_public_key_info()).err());
    }

    /// Rules for any name, the issuer's or the subject's.
    fn name(&mut self, name: &Name) {
        self.expect(
            !name.is_empty(),
            "RFC 5280 §4.1.2.4",
            "issuer and subject must not be empty",
        );
        for attribute in name.iter() {
            let Some(text) = name::text(attribute) else {
                let message = "names must be UTF8String or PrintableString";
                self.expect(false, "RFC 5280 §4.1.2.4", message);
                continue;
            };
            let max = name::upper_bound(&attribute.oid);
            self.expect(
                (1..=max).contains(&text.chars().count()),
                "RFC 5280 appendix A.1",
                "a name attribute is empty or longer than its upper bound",
            );
            self.expect(
                text.trim() == text && !text.chars().any(char::is_control),
                "RFC 5280 §4.1.2.4",
                "a name attribute holds control characters or begins or ends with a blank",
            );
            let printable = attribute.value.tag() == Tag::PrintableString;
            match attribute.oid {
                oid::COUNTRY_NAME => self.expect(
                    printable && text.len() == 2 && text.bytes().all(|c| c.is_ascii_uppercase()),
                    "RFC 5280 appendix A.1",
                    "a country must be two capital letters in a PrintableString",
                ),
                oid::SERIAL_NUMBER => self.expect(
                    printable,
                    "RFC 5280 appendix A.1",
                    "a serial number attribute must be a PrintableString",
                ),
                _ => {}
            }
        }
        for single in [oid::COMMON_NAME, oid::COUNTRY_NAME, oid::ORGANIZATION_NAME] {
            self.expect(
                count(name, single) <= 1,
                "EN 319 412-2 §4.2",
                "a name holds an attribute twice that must be there once",
            );
        }
    }

    /// Rules for the extensions of any certificate.
    fn extensions(&mut self) {
        let certificate = self.certificate;
        let extensions = certificate
            .extensions()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let unique = extensions.iter().enumerate().all(|(at, one)| {
            extensions[..at]
                .iter()
                .all(|other| other.extn_id != one.extn_id)
        });
        self.expect(unique, "RFC 5280 §4.2", "an extension is there twice");
        let subject_key = certificate.get_extension::<SubjectKeyIdentifier>();
        self.expect(
            matches!(subject_key, Ok(Some((false, _)))),
            "RFC 5280 §4.2.1.2",
            "the subject key identifier must be there and not be critical",
        );
        let self_issued = certificate.issuer() == certificate.subject();
        let authority_key = certificate.get_extension::<AuthorityKeyIdentifier>();
        self.expect(
            match &authority_key {
                Ok(Some((critical, authority))) => !critical && authority.key_identifier.is_some(),
                Ok(None) => self_issued,
                Err(_) => false,
            },
            "RFC 5280 §4.2.1.1",
            "the authority key identifier must be there, hold a key identifier, not be critical",
        );
        self.revocation();
        self.policies();
        self.alternative_names();
        let usage = self.key_usage();
        self.expect(
            usage.is_some_and(|(critical, usage)| critical && !usage.0.is_empty()),
            "RFC 5280 §4.2.1.3",
            "the key usage must be there, be critical and not be empty",
        );
        if !matches!(self.kind(), Kind::Authority) {
            let ca_usages = KeyUsages::KeyCertSign | KeyUsages::CRLSign;
            self.expect(
                usage.is_none_or(|(_, usage)| (usage.0 & ca_usages).is_empty()),
                "RFC 5280 §4.2.1.3",
                "only an authority's key may sign certificates or revocation lists",
            );
            self.expect(
                !FOR_AUTHORITIES.into_iter().any(|id| self.has_extension(id)),
                "RFC 5280 §4.2.1",
                "only an authority may be constrained in what it issues",
            );
            self.expect(
                self.basic_constraints()
                    .is_none_or(|(_, found)| found.path_len_constraint.is_none()),
                "RFC 5280 §4.2.1.9",
                "only an authority may have a path length",
            );
        }
    }

    fn policies(&mut self) {
        let found = self.certificate.get_extension::<CertificatePolicies>();
        let ids: Vec<_> = found
            .iter()
            .flatten()
            .flat_map(|(_, policies)| &policies.0)
            .map(|policy| policy.policy_identifier)
            .collect();
        self.expect(
            found.is_ok() && (1..ids.len()).all(|at| !ids[..at].contains(&ids[at])),
            "RFC 5280 §4.2.1.4",
            "certificate policies must be readable and each be there once",
        );
        self.expect(
            !ids.contains(&oid::ANY_POLICY) || matches!(self.kind(), Kind::Authority),
            "RFC 5280 §4.2.1.4",
            "only an authority may be for any policy",
        );
    }

    fn alternative_names(&mut self) {
        let names = self.certificate.get_extension::<SubjectAltName>();
        self.expect(
            match &names {
                Ok(Some((critical, names))) => !critical && !names.0.is_empty(),
                Ok(None) => true,
                Err(_) => false,
            },
            "RFC 5280 §4.2.1.6",
            "alternative names must not be empty, nor critical beside a subject",
        );
    }

    fn authority(&mut self) {
        self.legal_person_subject();
        self.expect(
            self.basic_constraints()
                .is_some_and(|(critical, _)| critical),
            "RFC 5280 §4.2.1.9",
            "an authority's basic constraints must be critical",
        );
        self.expect(
            self.key_usage()
                .is_some_and(|(_, usage)| usage.key_cert_sign()),
            "RFC 5280 §4.2.1.9",
            "an authority's key must be for signing certificates",
        );
        let offices = KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature;
        self.expect(
            self.usages()
                .is_some_and(|usages| (usages & !offices).is_empty())
                && self.extended_key_usages().is_empty(),
            "EN 319 412-3 §4.3.1",
            "an authority's key must be for nothing but what authorities sign",
        );
    }

    fn time_stamping(&mut self) {
        self.legal_person_subject();
        let usage = self.certificate.get_extension::<ExtendedKeyUsage>();
        self.expect(
            matches!(&usage, Ok(Some((true, usage))) if usage.0 == [oid::KP_TIME_STAMPING]),
            "RFC 3161 §2.3",
            "the extended key usage must be critical and hold time-stamping alone",
        );
        self.signs_only();
    }

    fn ocsp_responder(&mut self) {
        self.legal_person_subject();
        self.expect(
            self.has_extension(oid::OCSP_NO_CHECK),
            "RFC 6960 §4.2.2.2.1",
            "a responder's certificate must say that it need not be checked",
        );
        self.signs_only();
    }

    fn tls_server(&mut self) {
        let names = self.certificate.get_extension::<SubjectAltName>();
        let is_host = |name: &GeneralName| {
            matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_))
        };
        self.expect(
            matches!(&names, Ok(Some((_, names))) if !names.0.is_empty()
                && names.0.iter().all(is_host)),
            "RFC 9525 §2",
            "a server must be named by DNS names or IP addresses in its alternative names",
        );
        self.expect(
            self.extended_key_usages() == [oid::KP_SERVER_AUTH],
            "Avouch",
            "a server's key must be for nothing but serving",
        );
        self.authenticates_only();
    }

    fn tls_client(&mut self) {
        self.legal_person_subject();
        self.authenticates_only();
    }

    fn authenticates_only(&mut self) {
        self.expect(
            self.usages() == Some(KeyUsages::DigitalSignature.into()),
            "RFC 5280 §4.2.1.12",
            "the key usage must be for digital signatures, as TLS needs them",
        );
    }

    fn signs_only(&mut self) {
        let signing = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
        self.expect(
            self.key_usage()
                .is_some_and(|(_, usage)| (usage.0 & !signing).is_empty()),
            "RFC 5280 §4.2.1.12",
            "the key usage must be for signatures, as the extended key usage is",
        );
    }

    /// EN 319 412-3 §4.2.1 and EN 319 412-2 §4.2.3.1.
    fn legal_person_subject(&mut self) {
        let subject = self.certificate.subject();
        for required in [oid::COUNTRY_NAME, oid::ORGANIZATION_NAME, oid::COMMON_NAME] {
            self.expect(
                count(subject, required) == 1,
                "EN 319 412-3 §4.2.1",
                "the subject must have a country, an organisation and a common name",
            );
        }
        self.country();
        let values = [oid::ORGANIZATION_NAME, oid::ORGANIZATION_IDENTIFIER].map(|attribute| {
            subject
                .iter()
                .find(|one| one.oid == attribute)
                .and_then(name::text)
        });
        self.expect(
            values[0] != values[1],
            "EN 319 412-3 §4.2.1",
            "an organisation's name and its identifier must not be the same",
        );
    }

    fn country(&mut self) {
        let mut countries = self
            .certificate
            .subject()
            .iter()
            .filter(|one| one.oid == oid::COUNTRY_NAME)
            .filter_map(name::text);
        self.expect(
            countries.all(|code| Country::parse(code).is_ok()),
            "EN 319 412-2 §4.2.4",
            "the subject's country must be one of ISO 3166-1",
        );
    }

    fn natural_person(&mut self) {
        let subject = self.certificate.subject();
        let has = |attribute| count(subject, attribute) > 0;
        let named = has(oid::GIVEN_NAME) || has(oid::SURNAME);
        self.expect(
            has(oid::COUNTRY_NAME) && has(oid::COMMON_NAME) && (named || has(oid::PSEUDONYM)),
            "EN 319 412-2 §4.2.4",
            "the subject must have a country, a common name, and a name or a pseudonym",
        );
        self.expect(
            !(named && has(oid::PSEUDONYM)),
            "EN 319 412-2 §4.2.4",
            "the subject must not have both a name and a pseudonym",
        );
        self.country();
        self.issuing_organisation();
        let usages = self.extended_key_usages();
        let (commits, signs_at_large) = self.commitment();
        let personal = [oid::KP_CLIENT_AUTH, oid::KP_EMAIL_PROTECTION];
        self.expect(
            commits && usages.is_empty()
                || signs_at_large
                    && !usages.is_empty()
                    && usages.iter().all(|usage| personal.contains(usage)),
            "EN 319 412-2 §4.3.2",
            "the key must be for commitment to content alone (type A), or besides for log-ins and \
             mails (type B), which the extended key usage says",
        );
        self.access_pointers();
        self.policies_and_statements(Person::Natural);
    }

    fn legal_person(&mut self) {
        self.legal_person_subject();
        let subject = self.certificate.subject();
        self.expect(
            count(subject, oid::ORGANIZATION_IDENTIFIER) == 1,
            "EN 319 412-3 §4.2.1",
            "a seal's subject must have an organisation identifier",
        );
        let personal = [oid::GIVEN_NAME, oid::SURNAME, oid::PSEUDONYM];
        self.expect(
            personal.iter().all(|one| count(subject, *one) == 0),
            "Avouch",
            "a seal must not name a person",
        );
        self.issuing_organisation();
        let (commits, signs_at_large) = self.commitment();
        self.expect(
            (commits || signs_at_large) && self.extended_key_usages().is_empty(),
            "EN 319 412-3 §4.3.1",
            "the key must be for commitment to content (types A and B)",
        );
        self.access_pointers();
        self.policies_and_statements(Person::Legal);
    }

    /// Whether the key is of type A, for commitment alone, and whether of type B, for digital
    /// signatures too (EN 319 412-2 §4.3.2).
    fn commitment(&self) -> (bool, bool) {
        let usages = self.usages();
        let both = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
        (
            usages == Some(KeyUsages::NonRepudiation.into()),
            usages == Some(both),
        )
    }

    fn issuing_organisation(&mut self) {
        for required in [oid::COUNTRY_NAME, oid::ORGANIZATION_NAME, oid::COMMON_NAME] {
            self.expect(
                count(self.certificate.issuer(), required) == 1,
                "EN 319 412-2 §4.2.3.1",
                "the issuer must have a country, an organisation and a common name",
            );
        }
    }

    fn key_usage(&self) -> Option<(bool, KeyUsage)> {
        self.certificate.get_extension().ok().flatten()
    }

    fn usages(&self) -> Option<FlagSet<KeyUsages>> {
        self.key_usage().map(|(_, usage)| usage.0)
    }

    fn basic_constraints(&self) -> Option<(bool, BasicConstraints)> {
        self.certificate.get_extension().ok().flatten()
    }

    fn extended_key_usages(&self) -> Vec<ObjectIdentifier> {
        let usage = self
            .certificate
            .get_extension::<ExtendedKeyUsage>()
            .ok()
            .flatten();
        usage.map(|(_, usage)| usage.0).unwrap_or_default()
    }

    fn has_extension(&self, id: ObjectIdentifier) -> bool {
        self.extension(id).is_some()
    }

    /// Whether an extension is critical, and its value.
    fn extension(&self, id: ObjectIdentifier) -> Option<(bool, &'a [u8])> {
        let mut extensions = self.certificate.extensions()?.iter();
        let found = extensions.find(|one| one.extn_id == id)?;
        Some((found.critical, found.extn_value.as_bytes()))
    }
}

/// UTCTime has two digits of the year, which stand for 1950 to 2049.
fn is_in_its_form(time: Time) -> bool {
    match time {
        Time::UtcTime(_) => true,
        Time::GeneralTime(time) => time.to_date_time().year() >= 2050,
    }
}

/// The length of the modulus in RSAPublicKey (RFC 8017 appendix A.1.1).
fn rsa_modulus_bits(key: &[u8]) -> Result<usize, crate::PkiError> {
    let mut parts = Elements::of(SEQUENCE, key, "public key")?;
    let modulus = parts.integer()?;
    parts.integer()?;
    parts.finish()?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let digits = &modulus[zeros..];
    let leading = digits
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    Ok(digits.len() * 8 - leading)
}

fn count(name: &Name, attribute: ObjectIdentifier) -> usize {
    name.iter().filter(|one| one.oid == attribute).count()
}
