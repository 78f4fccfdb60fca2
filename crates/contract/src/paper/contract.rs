//! The service contract between the provider and a subscriber.

use model::profile::Holder;
use model::{Language, RequestPk, SecureElement};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Identity, Moment, ShownIdentity};
use crate::RenderError;
use crate::text::{PARAGRAPH, Text};

/// The service contract between the provider and a subscriber.
#[derive(Clone)]
pub struct ContractData {
    /// The language of the paper.
    pub language: Language,
    /// The organisation that issues the certificate.
    pub provider: String,
    /// Where subscribers write to the provider, if that is known: an e-mail or postal address.
    pub provider_contact: Option<String>,
    /// The registration authority that identified the subscriber.
    pub registration_authority: String,
    /// The request that this contract belongs to.
    pub request: RequestPk,
    /// The subscriber.
    pub subject: Identity,
    /// `DD/MM/YYYY`, as sent, if known.
    pub birth_date: Option<String>,
    /// The subscriber's e-mail address.
    pub email: String,
    /// The subscriber's telephone, where codes are sent.
    pub mobile_phone_number: Option<String>,
    /// The organisation that the certificate names, where it names one.
    pub organisation: Option<Organisation>,
    /// Name of the certificate profile.
    pub profile: String,
    /// What kind of certificate is agreed on.
    pub kind: ContractKind,
    /// How long evidence is kept, in years; `None` where the law alone decides.
    pub retention_years: Option<u16>,
    /// The law that applies and the courts that decide, as whole sentences; an empty text stands
    /// for the law of the country in which the provider is established.
    pub applicable_law: String,
    /// When the contract was drawn up.
    pub at: OffsetDateTime,
}

/// What kind of certificate a contract is about.
#[derive(Clone)]
pub enum ContractKind {
    /// For one act of signing, after which the key is gone. The identification was filmed.
    OneTime {
        /// How long the certificate will be valid, in hours.
        validity_hours: u32,
    },
    /// For as many signatures as the subscriber likes, until it expires.
    Lasting {
        /// How long the certificate will be valid, in days.
        validity_days: u32,
        /// What holds the key.
        element: SecureElement,
        /// Number of the scratchcard, which is the subscriber's user name too.
        scratchcard: String,
        /// How the subscriber was identified.
        identification: Identification,
        /// Whether certificates of this registration authority can be renewed.
        renewable: bool,
        /// Serial number of the certificate that this one renews, where it renews one.
        renewal_of: Option<String>,
    },
}

/// How somebody was identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// By a video and images that an officer reviewed afterwards.
    Filmed,
    /// By an officer who met them and took in their papers.
    InPerson,
}

/// An organisation that the certificate names.
#[derive(Clone)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// Its registered number, if known.
    pub identifier: Option<String>,
    /// The subscriber's position in it, if known.
    pub position: Option<String>,
    /// In which capacity the subscriber asks for the certificate.
    pub capacity: Capacity,
}

/// How a subscriber stands to the organisation that the certificate names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// Belongs to it, without speaking for it.
    Member,
    /// Acts for it.
    Representative,
    /// Asks for its seal: the certificate names the organisation alone.
    Seal,
}

impl Capacity {
    /// The capacity in which somebody asks for a certificate of a profile with this holder; `None`
    /// where no organisation is named.
    pub fn of_holder(holder: Holder) -> Option<Self> {
        match holder {
            Holder::Individual => None,
            Holder::Member => Some(Capacity::Member),
            Holder::Representative => Some(Capacity::Representative),
            Holder::Organisation => Some(Capacity::Seal),
        }
    }
}

impl ContractData {
    pub(crate) fn shown(&self, text: &Text<'_>) -> Result<ShownContract, RenderError> {
        let law = text.bounded("applicable_law", &self.applicable_law, PARAGRAPH)?;
        let organisation = self.organisation.as_ref();
        Ok(ShownContract {
            language: self.language,
            provider: text.line("provider", &self.provider)?,
            provider_contact: text
                .optional("provider_contact", self.provider_contact.as_deref())?,
            registration_authority: text
                .line("registration_authority", &self.registration_authority)?,
            request: self.request.to_string(),
            subject: self.subject.shown(text)?,
            birth_date: text.optional("birth_date", self.birth_date.as_deref())?,
            email: text.line("email", &self.email)?,
            mobile_phone_number: text
                .optional("mobile_phone_number", self.mobile_phone_number.as_deref())?,
            organisation: organisation.map(|org| org.shown(text)).transpose()?,
            profile: text.line("profile", &self.profile)?,
            kind: self.kind.shown(text)?,
            retention_years: self.retention_years,
            applicable_law: Some(law).filter(|law| !law.is_empty()),
            at: Moment::of(self.at),
        })
    }
}

impl ContractKind {
    fn shown(&self, text: &Text<'_>) -> Result<ShownKind, RenderError> {
        match self {
            ContractKind::OneTime { validity_hours } => Ok(ShownKind::OneTime {
                hours: *validity_hours,
                filmed: true,
            }),
            ContractKind::Lasting {
                validity_days,
                element,
                scratchcard,
                identification,
                renewable,
                renewal_of,
            } => Ok(ShownKind::Lasting {
                days: *validity_days,
                element: match element {
                    SecureElement::Software => "software",
                    SecureElement::SmartCard => "smart_card",
                    SecureElement::Cloud => "cloud",
                },
                scratchcard: text.line("scratchcard", scratchcard)?,
                filmed: *identification == Identification::Filmed,
                renewable: *renewable,
                renewal_of: text.optional("renewal_of", renewal_of.as_deref())?,
            }),
        }
    }
}

impl Organisation {
    pub(super) fn shown(&self, text: &Text<'_>) -> Result<ShownOrganisation, RenderError> {
        Ok(ShownOrganisation {
            name: text.line("organisation", &self.name)?,
            identifier: text.optional("organisation", self.identifier.as_deref())?,
            position: text.optional("position", self.position.as_deref())?,
            capacity: self.capacity,
        })
    }
}

#[derive(Serialize)]
pub(crate) struct ShownContract {
    language: Language,
    provider: String,
    provider_contact: Option<String>,
    registration_authority: String,
    request: String,
    subject: ShownIdentity,
    birth_date: Option<String>,
    email: String,
    mobile_phone_number: Option<String>,
    organisation: Option<ShownOrganisation>,
    profile: String,
    kind: ShownKind,
    retention_years: Option<u16>,
    applicable_law: Option<String>,
    at: Moment,
}

#[derive(Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum ShownKind {
    OneTime {
        hours: u32,
        filmed: bool,
    },
    Lasting {
        days: u32,
        element: &'static str,
        scratchcard: String,
        filmed: bool,
        renewable: bool,
        renewal_of: Option<String>,
    },
}

#[derive(Serialize)]
pub(super) struct ShownOrganisation {
    name: String,
    identifier: Option<String>,
    position: Option<String>,
    capacity: Capacity,
}
