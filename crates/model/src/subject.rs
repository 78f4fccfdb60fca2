//! Who the certificate will name.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contact::{Country, Email, Phone};

/// Which scheme the identity number belongs to (EN 319 412-1 §5.1.3 for the first four).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum IdDocumentType {
    /// National identity card.
    #[default]
    Idc,
    /// Passport.
    Pas,
    /// National personal number.
    Pno,
    /// Tax identification number.
    Tin,
    /// Tax number of some American states (`CI` on the wire).
    Ci,
    /// Tax number of some American states (`CE` on the wire).
    Ce,
    /// Peru's national identity card.
    Dni,
    /// Peru's identity card of resident foreigners.
    Cex,
}

impl IdDocumentType {
    /// All types.
    pub const ALL: [IdDocumentType; 8] = [
        IdDocumentType::Idc,
        IdDocumentType::Pas,
        IdDocumentType::Pno,
        IdDocumentType::Tin,
        IdDocumentType::Ci,
        IdDocumentType::Ce,
        IdDocumentType::Dni,
        IdDocumentType::Cex,
    ];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            IdDocumentType::Idc => "IDC",
            IdDocumentType::Pas => "PAS",
            IdDocumentType::Pno => "PNO",
            IdDocumentType::Tin => "TIN",
            IdDocumentType::Ci => "CI",
            IdDocumentType::Ce => "CE",
            IdDocumentType::Dni => "DNI",
            IdDocumentType::Cex => "CEX",
        }
    }

    /// Whether the document has a rear side with data. A passport's data page has none.
    pub fn has_rear(self) -> bool {
        self != IdDocumentType::Pas
    }
}

impl fmt::Display for IdDocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no identity document type. The words are a wire constant, which leaves out Peru's
/// two: only its own profiles take them.
#[derive(Debug, thiserror::Error)]
#[error(
    "The id_document_type specified is not valid. Valid options are IDC, PAS, PNO, TIN, CI, CE"
)]
pub struct UnknownIdDocumentType;

impl FromStr for IdDocumentType {
    type Err = UnknownIdDocumentType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        IdDocumentType::ALL
            .into_iter()
            .find(|kind| kind.name() == upper)
            .ok_or(UnknownIdDocumentType)
    }
}

/// Why a text cannot be a subject's field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No certificate could carry it.
    #[error("must have no more than {0} characters")]
    TooLong(usize),
    /// Line ends, tabs, terminal commands and the like; and the marks that turn the direction of
    /// writing around, by which a name can be made to look like another.
    #[error("must not hold control characters")]
    Control,
    /// A number with characters that X.520 `serialNumber`, a PrintableString, cannot carry.
    #[error("must hold only letters from A to Z, digits, blanks and '()+,-./:=?")]
    NotPrintable,
}

/// Longest name: two of them and a blank are the 300 characters that a certificate takes.
const NAME_LENGTH: usize = 149;
/// Longest identity number: 64 characters (X.520 `ub-serial-number`) less the prefix of
/// EN 319 412-1 §5.1.3.
const NUMBER_LENGTH: usize = 58;

/// A name as it may stand in a certificate, trimmed.
pub fn parse_name(text: &str) -> Result<String, TextError> {
    bounded(text, NAME_LENGTH)
}

/// An identity number as it may stand in a certificate, trimmed.
pub fn parse_number(text: &str) -> Result<String, TextError> {
    let text = bounded(text, NUMBER_LENGTH)?;
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    if text.chars().all(printable) {
        Ok(text)
    } else {
        Err(TextError::NotPrintable)
    }
}

/// Longest particular, in characters.
const PARTICULAR_LENGTH: usize = 1000;

/// Why a field of a subject was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// No field has this name.
    #[error("is no field of a request")]
    Unknown,
    /// The value cannot stand; the text says why and does not repeat it.
    #[error("{0}")]
    Invalid(String),
}

fn bounded(text: &str, length: usize) -> Result<String, TextError> {
    let text = text.trim();
    if text.chars().count() > length {
        Err(TextError::TooLong(length))
    } else if text.chars().any(|c| c.is_control() || turns_direction(c)) {
        Err(TextError::Control)
    } else {
        Ok(text.to_owned())
    }
}

/// Embeddings, overrides and isolates of the bidirectional algorithm (UAX #9). Names that are
/// written from right to left need none of them.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The subject as claimed by the sender and possibly corrected by an update.
///
/// `Debug` prints nothing of it: it is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// First names.
    pub given_name: Option<String>,
    /// First surname.
    pub surname_1: Option<String>,
    /// Second surname.
    pub surname_2: Option<String>,
    /// Number of the identity document.
    pub serial_number: Option<String>,
    /// Scheme of that number.
    pub id_document_type: Option<IdDocumentType>,
    /// Country that issued the document.
    pub id_document_country: Option<Country>,
    /// Country that the certificate's subject names; the document's where nobody said otherwise.
    pub country_name: Option<Country>,
    /// `DD/MM/YYYY`, as sent.
    pub birth_date: Option<String>,
    /// Where mail goes.
    pub email: Email,
    /// Where codes go: the number given when the request was created, unless an update changed it.
    pub mobile_phone_number: Option<Phone>,
    /// Further fields by wire name, each one of [`PARTICULARS`] and not blank.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub particulars: BTreeMap<String, String>,
}

/// Fields of a request that only some profiles use, or none: kept as they were sent.
pub const PARTICULARS: [&str; 69] = [
    "sex",
    "citizenship",
    "residence",
    "organization_email",
    "title",
    "organization_name",
    "organizational_unit_1",
    "organizational_unit_2",
    "organizational_unit_3",
    "organizational_unit_4",
    "organization_identifier",
    "responsible_name",
    "responsible_first_surname",
    "responsible_second_surname",
    "responsible_email",
    "responsible_serial",
    "responsible_position",
    "subscriber_responsible_serial",
    "administrative_unit",
    "empowerment",
    "representation",
    "circumstances",
    "limit",
    "registration",
    "process_application",
    "entity_owner",
    "entity_owner_serial_number",
    "description",
    "smartcard_sn",
    "citizen_tax_number",
    "birth_country",
    "birth_city",
    "birth_province",
    "birth_state",
    "birth_district",
    "birth_canton",
    "id_document_description",
    "id_document_issuer",
    "organization_rol",
    "professional_id_number",
    "fix_phone_number",
    "residence_address",
    "residence_city",
    "residence_province",
    "residence_postal_code",
    "residence_state",
    "residence_district",
    "residence_canton",
    "organization_tax_number",
    "organization_address",
    "organization_city",
    "organization_province",
    "organization_country",
    "organization_postal_code",
    "organization_state",
    "organization_url",
    "responsible_legal_level",
    "subscriber",
    "responsible_legal_documents",
    "special_conditions",
    "responsible_registry_data",
    "id_document_number",
    "id_responsible_document_type",
    "id_responsible_document_country",
    "id_responsible_document_number",
    "ext_recognition_data",
    "complement_number",
    "id_responsible_document_issuer",
    "provider_registration_number",
];

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}

impl Subject {
    /// A subject of whom only the address is known yet.
    pub fn from_email(email: Email) -> Self {
        Self {
            given_name: None,
            surname_1: None,
            surname_2: None,
            serial_number: None,
            id_document_type: None,
            id_document_country: None,
            country_name: None,
            birth_date: None,
            email,
            mobile_phone_number: None,
            particulars: BTreeMap::new(),
        }
    }

    /// A subject of whom only the contact details are known yet. The document is taken for a
    /// Spanish identity card until somebody says otherwise, as One-Shot clients expect.
    pub fn from_contact(email: Email, mobile_phone_number: Phone) -> Self {
        Self {
            id_document_type: Some(IdDocumentType::default()),
            id_document_country: Some(Country::SPAIN),
            mobile_phone_number: Some(mobile_phone_number),
            ..Self::from_email(email)
        }
    }

    /// Sets a field by its wire name; `None` or a blank text takes it away. Nothing changes where
    /// the value cannot stand.
    ///
    /// Fails with [`FieldError::Unknown`] for a name that is no subject's field.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), FieldError> {
        fn read<T, E: fmt::Display>(
            value: Option<&str>,
            parse: impl FnOnce(&str) -> Result<T, E>,
        ) -> Result<Option<T>, FieldError> {
            let parsed = value.map(parse).transpose();
            parsed.map_err(|error| FieldError::Invalid(error.to_string()))
        }

        let value = value.map(str::trim).filter(|text| !text.is_empty());
        match name {
            "given_name" => self.given_name = read(value, parse_name)?,
            "surname_1" => self.surname_1 = read(value, parse_name)?,
            "surname_2" => self.surname_2 = read(value, parse_name)?,
            "serial_number" => self.serial_number = read(value, parse_number)?,
            "birth_date" => self.birth_date = read(value, parse_name)?,
            "id_document_type" => self.id_document_type = read(value, str::parse)?,
            "id_document_country" => self.id_document_country = read(value, Country::parse)?,
            "country_name" => self.country_name = read(value, Country::parse)?,
            "mobile_phone_number" => self.mobile_phone_number = read(value, Phone::parse)?,
            "email" => {
                self.email = read(value, Email::parse)?
                    .ok_or_else(|| FieldError::Invalid("must not be blank".to_owned()))?;
            }
            "id_document_number" => self.particular(name, read(value, parse_number)?),
            _ if PARTICULARS.contains(&name) => {
                self.particular(name, read(value, |text| bounded(text, PARTICULAR_LENGTH))?);
            }
            _ => return Err(FieldError::Unknown),
        }
        Ok(())
    }

    fn particular(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => self.particulars.insert(name.to_owned(), value),
            None => self.particulars.remove(name),
        };
    }

    /// Both surnames, joined by a blank.
    pub fn surnames(&self) -> String {
        [&self.surname_1, &self.surname_2]
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// First names and surnames.
    pub fn full_name(&self) -> String {
        format!(
            "{} {}",
            self.given_name.as_deref().unwrap_or_default(),
            self.surnames()
        )
        .trim()
        .to_owned()
    }

    /// The country that the certificate names.
    pub fn country(&self) -> Country {
        self.country_name
            .or(self.id_document_country)
            .unwrap_or(Country::SPAIN)
    }

    /// The number of the identity document: `serial_number`, or Peru's `id_document_number`.
    pub fn document_number(&self) -> Option<String> {
        self.field("serial_number")
            .or_else(|| self.field("id_document_number"))
    }

    /// The value of a field by its wire name, `None` where it is empty or unknown.
    pub fn field(&self, name: &str) -> Option<String> {
        let value = match name {
            "given_name" => self.given_name.clone(),
            "surname_1" => self.surname_1.clone(),
            "surname_2" => self.surname_2.clone(),
            "serial_number" => self.serial_number.clone(),
            "id_document_type" => self.id_document_type.map(|kind| kind.name().to_owned()),
            "id_document_country" => self.id_document_country.map(|country| country.to_string()),
            "country_name" => Some(self.country().to_string()),
            "birth_date" => self.birth_date.clone(),
            "email" => Some(self.email.as_str().to_owned()),
            "mobile_phone_number" => self
                .mobile_phone_number
                .as_ref()
                .map(|phone| phone.as_str().to_owned()),
            _ => self.particulars.get(name).cloned(),
        };
        value.filter(|text| !text.trim().is_empty())
    }

    /// The identity number in the form of EN 319 412-1 §5.1.3: `IDCES-00000000T`.
    ///
    /// `CI` and `CE` are tax numbers and take the `TIN` prefix, `DNI` and `CEX` are identity cards
    /// and take `IDC`, since the standard has no others.
    pub fn semantic_serial_number(&self) -> Option<String> {
        let prefix = match self.id_document_type? {
            IdDocumentType::Ci | IdDocumentType::Ce => "TIN",
            IdDocumentType::Dni | IdDocumentType::Cex => "IDC",
            kind => kind.name(),
        };
        let country = self.id_document_country?;
        Some(format!("{prefix}{country}-{}", self.document_number()?))
    }
}
