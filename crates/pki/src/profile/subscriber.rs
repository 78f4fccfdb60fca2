//! Subscribers: the certificates of the profile table, for people, people of organisations, and
//! organisations (EN 319 412-1, -2, -3 and -5).

use model::contact::Country;
use model::profile::Holder;
use model::{Entropy, Profile, SecureElement, Subject};
use x509_cert::ext::pkix::KeyUsages;

use super::revocation::Revocation;
use super::statements::{self, Person};
use super::terms::{Qualification, Terms};
use super::{email_address, extended_key_usage, key_usage};
use crate::issuance::{Content, Draft, Issuer};
use crate::name::{self, NameBuilder};
use crate::{PkiError, oid, semantics};

const ORGANIZATIONAL_UNITS: [&str; 4] = [
    "organizational_unit_1",
    "organizational_unit_2",
    "organizational_unit_3",
    "organizational_unit_4",
];

/// Who asks for a certificate, under which profile, and where the key lives.
#[derive(Clone, Copy)]
pub struct Subscriber<'a> {
    /// The profile, which decides what of the subject the certificate names.
    pub profile: &'static Profile,
    /// What the request says. A value that the profile fixes stands in place of the request's.
    pub subject: &'a Subject,
    /// What holds the key.
    pub element: SecureElement,
}

impl std::fmt::Debug for Subscriber<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber")
            .field("profile", &self.profile.name)
            .field("element", &self.element)
            .finish_non_exhaustive()
    }
}

/// A certificate for `public_key_info` (DER SubjectPublicKeyInfo).
///
/// A key in a device commits to content and does nothing else. Any other key signs for log-ins
/// and mails too where it is a person's, which the extended key usage says.
///
/// What the terms claim counts as far as the profile allows: only profiles for Europe are
/// qualified, and only keys in a device are in a qualified one.
///
/// Fails with [`PkiError::Value`], which names the field of the request, where a value is missing
/// or cannot stand in a certificate.
pub fn draft(
    issuer: &Issuer,
    subscriber: &Subscriber<'_>,
    terms: &Terms<'_>,
    public_key_info: &[u8],
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let qualification = subscriber.qualification(terms.qualification);
    let terms = Terms {
        qualification: &qualification,
        ..terms.clone()
    };
    let person = subscriber.person();
    let Named {
        subject,
        identifier,
        email,
    } = match person {
        Person::Natural => subscriber.natural_person()?,
        Person::Legal => subscriber.legal_person()?,
    };

    let mut extensions = Vec::new();
    if subscriber.key_is_in_device() {
        extensions.push(key_usage(KeyUsages::NonRepudiation)?);
    } else {
        let both = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
        extensions.push(key_usage(both)?);
        if person == Person::Natural {
            let usages = [oid::KP_CLIENT_AUTH, oid::KP_EMAIL_PROTECTION];
            extensions.push(extended_key_usage(&usages, false)?);
        }
    }
    extensions.push(terms.policies(person)?);
    if let Some(email) = email {
        extensions.extend(email_address(&email)?);
    }
    extensions.extend(Revocation::AnswersAndList.extensions(issuer, public_key_info)?);
    extensions.push(statements::extension(
        issuer,
        person,
        &identifier,
        terms.qualification,
    ));
    let content = Content {
        subject,
        public_key_info,
        validity: terms.validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}

/// What a subject comes to.
struct Named {
    /// Distinguished name, DER.
    subject: Vec<u8>,
    /// The attribute of it whose semantics the certificate declares.
    identifier: String,
    email: Option<String>,
}

impl Subscriber<'_> {
    fn person(&self) -> Person {
        match self.profile.holder() {
            Holder::Organisation => Person::Legal,
            Holder::Individual | Holder::Member | Holder::Representative => Person::Natural,
        }
    }

    fn key_is_in_device(&self) -> bool {
        match self.element {
            SecureElement::SmartCard => true,
            SecureElement::Cloud => self.profile.wants_qscd(),
            SecureElement::Software => false,
        }
    }

    fn qualification(&self, claimed: &Qualification) -> Qualification {
        match claimed {
            Qualification::Qualified { qscd, disclosures } if self.profile.is_qualified() => {
                Qualification::Qualified {
                    qscd: *qscd && self.key_is_in_device(),
                    disclosures: disclosures.clone(),
                }
            }
            _ => Qualification::None,
        }
    }

    /// The value that the profile fixes for a field, else the request's, if the profile has the
    /// field at all.
    fn value(&self, field: &str) -> Option<String> {
        let fixed = self.profile.fixed(field).map(str::to_owned);
        fixed.or_else(|| self.subject.field(field).filter(|_| self.has_field(field)))
    }

    fn has_field(&self, field: &str) -> bool {
        self.profile.fields.iter().any(|one| one.name == field)
    }

    fn required(&self, field: &'static str) -> Result<String, PkiError> {
        self.value(field)
            .ok_or_else(|| name::value(field, "is missing"))
    }

    /// Country, organisation where the profile names one, and the person. Read from the back, an
    /// individual's name has the order in which certificates are listed.
    fn natural_person(&self) -> Result<Named, PkiError> {
        let subject = self.subject;
        let identifier = self.identity_number()?;
        let mut name =
            NameBuilder::default().country("country_name", subject.country().as_str())?;
        let holder = self.profile.holder();
        if holder != Holder::Individual {
            name = self.organisation(name)?;
            if let Some((field, identifier)) = self.organization_identifier()? {
                name = name.text(&oid::ORGANIZATION_IDENTIFIER, field, &identifier)?;
            }
            name = self.units(name)?;
            if holder == Holder::Representative {
                name = self.optional(name, &oid::DESCRIPTION, "description")?;
            }
            name = self.optional(name, &oid::TITLE, "title")?;
        }
        let given_name = subject.given_name.as_deref().unwrap_or_default();
        let name = name
            .text(&oid::SURNAME, "surname_1", &subject.surnames())?
            .text(&oid::GIVEN_NAME, "given_name", given_name)?
            .serial_number("serial_number", &identifier)?
            .cut_common_name("given_name", &subject.full_name())?;
        Ok(Named {
            subject: name.finish(),
            identifier,
            email: Some(subject.email.as_str().to_owned()),
        })
    }

    /// A seal's subject (EN 319 412-3 §4.2.1): nobody who acts for the organisation is named.
    fn legal_person(&self) -> Result<Named, PkiError> {
        let Some((field, identifier)) = self.organization_identifier()? else {
            return Err(name::value("organization_identifier", "is missing"));
        };
        let common_name = match self.value("process_application") {
            Some(system) => ("process_application", system),
            None => ("organization_name", self.required("organization_name")?),
        };
        let country = self.organization_country()?;
        let name = NameBuilder::default().country("organization_country", country.as_str())?;
        let name =
            self.organisation(name)?
                .text(&oid::ORGANIZATION_IDENTIFIER, field, &identifier)?;
        let name = self
            .units(name)?
            .cut_common_name(common_name.0, &common_name.1)?;
        Ok(Named {
            subject: name.finish(),
            identifier,
            email: self.value("organization_email"),
        })
    }

    fn organisation(&self, name: NameBuilder) -> Result<NameBuilder, PkiError> {
        let field = "organization_name";
        name.text(&oid::ORGANIZATION_NAME, field, &self.required(field)?)
    }

    fn units(&self, name: NameBuilder) -> Result<NameBuilder, PkiError> {
        let unit = |name, field| self.optional(name, &oid::ORGANIZATIONAL_UNIT_NAME, field);
        ORGANIZATIONAL_UNITS.into_iter().try_fold(name, unit)
    }

    fn optional(
        &self,
        name: NameBuilder,
        attribute: &crate::ObjectIdentifier,
        field: &'static str,
    ) -> Result<NameBuilder, PkiError> {
        match self.value(field) {
            Some(value) => name.text(attribute, field, &value),
            None => Ok(name),
        }
    }

    fn identity_number(&self) -> Result<String, PkiError> {
        let subject = self.subject;
        subject.semantic_serial_number().ok_or_else(|| {
            let missing = if subject.id_document_type.is_none() {
                "id_document_type"
            } else if subject.id_document_country.is_none() {
                "id_document_country"
            } else if self.has_field("serial_number") {
                "serial_number"
            } else {
                // Peru's profiles have it in its place.
                "id_document_number"
            };
            name::value(missing, "is missing")
        })
    }

    /// The organisation's identifier in the form of EN 319 412-1 §5.1.4, and the field it is from.
    /// A tax number becomes one where no other is given.
    fn organization_identifier(&self) -> Result<Option<(&'static str, String)>, PkiError> {
        let field = "organization_identifier";
        if let Some(identifier) = self.value(field) {
            if semantics::is_legal(&identifier) {
                return Ok(Some((field, identifier)));
            }
            let reason = "must have the form of EN 319 412-1 §5.1.4, as in VATES-B00000000";
            return Err(name::value(field, reason));
        }
        let field = "organization_tax_number";
        let Some(number) = self.value(field) else {
            return Ok(None);
        };
        if semantics::is_legal(&number) {
            return Ok(Some((field, number)));
        }
        let country = self.organization_country()?;
        Ok(Some((field, format!("VAT{country}-{number}"))))
    }

    /// Where the organisation is established; the subject's country where nobody said otherwise.
    fn organization_country(&self) -> Result<Country, PkiError> {
        let field = "organization_country";
        match self.value(field) {
            Some(code) => Country::parse(&code)
                .map_err(|_| name::value(field, "is no ISO 3166-1 alpha-2 country code")),
            None => Ok(self.subject.country()),
        }
    }
}
