//! Who the certificate will name.

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
}

impl IdDocumentType {
    /// All types, in the order in which errors list them.
    pub const ALL: [IdDocumentType; 6] = [
        IdDocumentType::Idc,
        IdDocumentType::Pas,
        IdDocumentType::Pno,
        IdDocumentType::Tin,
        IdDocumentType::Ci,
        IdDocumentType::Ce,
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

/// The text names no identity document type.
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
    pub id_document_type: IdDocumentType,
    /// Country that issued the document.
    pub id_document_country: Country,
    /// Country that the certificate's subject names; the document's where nobody said otherwise.
    pub country_name: Option<Country>,
    /// `DD/MM/YYYY`, as sent.
    pub birth_date: Option<String>,
    /// Where mail goes.
    pub email: Email,
    /// Where codes go: the number given when the request was created, unless an update changed it.
    pub mobile_phone_number: Phone,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}

impl Subject {
    /// A subject of whom only the contact details are known yet.
    pub fn from_contact(email: Email, mobile_phone_number: Phone) -> Self {
        Self {
            given_name: None,
            surname_1: None,
            surname_2: None,
            serial_number: None,
            id_document_type: IdDocumentType::default(),
            id_document_country: Country::SPAIN,
            country_name: None,
            birth_date: None,
            email,
            mobile_phone_number,
        }
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
        self.country_name.unwrap_or(self.id_document_country)
    }

    /// The value of a field by its wire name, `None` where it is empty or unknown.
    pub fn field(&self, name: &str) -> Option<String> {
        let value = match name {
            "given_name" => self.given_name.clone(),
            "surname_1" => self.surname_1.clone(),
            "surname_2" => self.surname_2.clone(),
            "serial_number" => self.serial_number.clone(),
            "id_document_type" => Some(self.id_document_type.name().to_owned()),
            "id_document_country" => Some(self.id_document_country.to_string()),
            "country_name" => Some(self.country().to_string()),
            "birth_date" => self.birth_date.clone(),
            "email" => Some(self.email.as_str().to_owned()),
            "mobile_phone_number" => Some(self.mobile_phone_number.as_str().to_owned()),
            _ => None,
        };
        value.filter(|text| !text.trim().is_empty())
    }

    /// The identity number in the form of EN 319 412-1 §5.1.3: `IDCES-00000000T`.
    ///
    /// `CI` and `CE` are tax numbers and take the `TIN` prefix, since the standard has no other.
    pub fn semantic_serial_number(&self) -> Option<String> {
        let prefix = match self.id_document_type {
            IdDocumentType::Ci | IdDocumentType::Ce => "TIN",
            kind => kind.name(),
        };
        let number = self.field("serial_number")?;
        Some(format!("{prefix}{}-{number}", self.id_document_country))
    }
}
