//! What the papers say, and the form in which templates see it.

mod contract;
mod declaration;

use std::fmt;

use model::contact::Country;
use model::subject::IdDocumentType;
use serde::Serialize;
use time::OffsetDateTime;

pub use contract::{Capacity, ContractData, ContractKind, Identification, Organisation};
pub use declaration::{DeclarationData, EvidencePiece, Officer, VideoPiece};

use crate::RenderError;
use crate::text::Text;

/// Who was identified, as the certificate will name them.
#[derive(Clone)]
pub struct Identity {
    /// First names and surnames.
    pub full_name: String,
    /// Scheme of the number.
    pub document_type: Option<IdDocumentType>,
    /// Who issued the document.
    pub document_country: Option<Country>,
    /// Number of the document; empty where it is not known.
    pub document_number: String,
}

/// Personal data: nothing of it prints.
macro_rules! silent {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

silent! {
    Identity Organisation ContractKind ContractData Officer EvidencePiece VideoPiece DeclarationData
}

impl Identity {
    fn shown(&self, text: &Text<'_>) -> Result<ShownIdentity, RenderError> {
        Ok(ShownIdentity {
            full_name: text.line("full_name", &self.full_name)?,
            document_type: self.document_type.map(IdDocumentType::name),
            document_country: self.document_country.map(|country| country.to_string()),
            document_number: text.optional("document_number", Some(&self.document_number))?,
        })
    }
}

#[derive(Serialize)]
struct ShownIdentity {
    full_name: String,
    document_type: Option<&'static str>,
    document_country: Option<String>,
    document_number: Option<String>,
}

/// An instant in UTC, in parts, since each language writes dates its own way.
#[derive(Serialize)]
struct Moment {
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Moment {
    fn of(at: OffsetDateTime) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        Self {
            year: at.year(),
            month: at.month().into(),
            day: at.day(),
            hour: at.hour(),
            minute: at.minute(),
            second: at.second(),
        }
    }
}
