//! What the papers say, and the form in which templates see it.

use std::fmt;

use model::RequestPk;
use model::contact::Country;
use model::subject::IdDocumentType;
use serde::Serialize;
use time::OffsetDateTime;

use crate::RenderError;
use crate::text::{PARAGRAPH, Text};

/// The language of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Language {
    /// British English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
}

impl Language {
    /// The language that a code such as `ES`, `es` or `es-MX` names (BCP 47); English for any
    /// that no paper is written in.
    pub fn from_code(code: &str) -> Self {
        let primary = code.trim().split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("es") {
            Language::Spanish
        } else {
            Language::English
        }
    }
}

/// Who was identified, as the certificate will name them.
#[derive(Clone)]
pub struct Identity {
    /// First names and surnames.
    pub full_name: String,
    /// Scheme of the number.
    pub document_type: IdDocumentType,
    /// Who issued the document.
    pub document_country: Country,
    /// Number of the document.
    pub document_number: String,
}

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
    pub mobile_phone_number: String,
    /// Name of the certificate profile.
    pub profile: String,
    /// How long the certificate will be valid, in hours.
    pub validity_hours: u32,
    /// How long evidence is kept, in years; `None` where the law alone decides.
    pub retention_years: Option<u16>,
    /// The law that applies and the courts that decide, as whole sentences; an empty text stands
    /// for the law of the country in which the provider is established.
    pub applicable_law: String,
    /// When the contract was drawn up.
    pub at: OffsetDateTime,
}

/// A registration authority officer.
#[derive(Clone)]
pub struct Officer {
    /// The officer's name.
    pub name: String,
    /// The officer's identifier at the registration authority.
    pub id: String,
}

/// A stored piece of evidence other than the video.
#[derive(Clone)]
pub struct EvidencePiece {
    /// Its wire name, such as `document_front`; the known ones are printed in words.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 over its bytes.
    pub sha256: [u8; 32],
}

/// The stored video.
#[derive(Clone)]
pub struct VideoPiece {
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 over its bytes.
    pub sha256: [u8; 32],
    /// How long it runs, in milliseconds, if that is known.
    pub duration_ms: Option<u64>,
}

/// The declaration in which an officer answers for an identification.
///
/// The three voices stay apart: what the sender claimed, what this server recomputed, and what
/// the officer saw.
#[derive(Clone)]
pub struct DeclarationData {
    /// The language of the paper.
    pub language: Language,
    /// The organisation that issues the certificate.
    pub provider: String,
    /// The registration authority on whose behalf the officer acts.
    pub registration_authority: String,
    /// Who declares.
    pub officer: Officer,
    /// The request that was reviewed.
    pub request: RequestPk,
    /// Who was identified.
    pub subject: Identity,
    /// What was reviewed; digests are recomputed by this server.
    pub evidence: Vec<EvidencePiece>,
    /// The film that was reviewed, where the identification was filmed.
    pub video: Option<VideoPiece>,
    /// Names and results of the sender's own checks, as claimed. At most 100.
    pub security_checks: Vec<(String, String)>,
    /// How alike the sender found portrait and selfie, as claimed.
    pub similarity_level: Option<String>,
    /// What the officer adds in their own words.
    pub remarks: Option<String>,
    /// When the officer approved.
    pub at: OffsetDateTime,
}

macro_rules! silent {
    ($($name:ident)*) => {$(
        /// Personal data: nothing of it prints.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

silent! { Identity ContractData Officer EvidencePiece VideoPiece DeclarationData }

impl ContractData {
    pub(crate) fn shown(&self, text: &Text<'_>) -> Result<ShownContract, RenderError> {
        let law = text.bounded("applicable_law", &self.applicable_law, PARAGRAPH)?;
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
            mobile_phone_number: text.line("mobile_phone_number", &self.mobile_phone_number)?,
            profile: text.line("profile", &self.profile)?,
            validity_hours: self.validity_hours,
            retention_years: self.retention_years,
            applicable_law: Some(law).filter(|law| !law.is_empty()),
            at: Moment::of(self.at),
        })
    }
}

impl DeclarationData {
    pub(crate) fn shown(&self, text: &Text<'_>) -> Result<ShownDeclaration, RenderError> {
        at_most("evidence", self.evidence.len(), 32)?;
        at_most("security_checks", self.security_checks.len(), 100)?;
        let remarks = self.remarks.as_deref().unwrap_or_default();
        let remarks = text.bounded("remarks", remarks, PARAGRAPH)?;
        Ok(ShownDeclaration {
            language: self.language,
            provider: text.line("provider", &self.provider)?,
            registration_authority: text
                .line("registration_authority", &self.registration_authority)?,
            officer: ShownOfficer {
                name: text.line("officer", &self.officer.name)?,
                id: text.line("officer", &self.officer.id)?,
            },
            request: self.request.to_string(),
            subject: self.subject.shown(text)?,
            evidence: self
                .evidence
                .iter()
                .map(|piece| {
                    Ok(ShownPiece {
                        name: text.line("evidence", &piece.name)?,
                        media_type: text.line("evidence", &piece.media_type)?,
                        size: size(piece.size),
                        sha256: hex::encode(piece.sha256),
                        duration: None,
                    })
                })
                .collect::<Result<_, RenderError>>()?,
            video: self
                .video
                .as_ref()
                .map(|video| {
                    Ok::<_, RenderError>(ShownPiece {
                        name: "video".to_owned(),
                        media_type: text.line("video", &video.media_type)?,
                        size: size(video.size),
                        sha256: hex::encode(video.sha256),
                        duration: video.duration_ms.map(duration),
                    })
                })
                .transpose()?,
            security_checks: self
                .security_checks
                .iter()
                .map(|(name, result)| {
                    let line = |value| text.line("security_checks", value);
                    Ok((line(name)?, line(result)?))
                })
                .collect::<Result<_, RenderError>>()?,
            similarity_level: text
                .optional("similarity_level", self.similarity_level.as_deref())?,
            remarks: Some(remarks).filter(|remarks| !remarks.is_empty()),
            at: Moment::of(self.at),
        })
    }
}

impl Identity {
    fn shown(&self, text: &Text<'_>) -> Result<ShownIdentity, RenderError> {
        Ok(ShownIdentity {
            full_name: text.line("full_name", &self.full_name)?,
            document_type: self.document_type.name(),
            document_country: self.document_country.to_string(),
            document_number: text.line("document_number", &self.document_number)?,
        })
    }
}

fn at_most(field: &'static str, len: usize, limit: usize) -> Result<(), RenderError> {
    if len > limit {
        Err(RenderError::TooLong { field, limit })
    } else {
        Ok(())
    }
}

/// A length with its unit, in the powers of ten that file managers show.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// `1:02:03` or `2:03`, rounded to the next second.
fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
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
    mobile_phone_number: String,
    profile: String,
    validity_hours: u32,
    retention_years: Option<u16>,
    applicable_law: Option<String>,
    at: Moment,
}

#[derive(Serialize)]
pub(crate) struct ShownDeclaration {
    language: Language,
    provider: String,
    registration_authority: String,
    officer: ShownOfficer,
    request: String,
    subject: ShownIdentity,
    evidence: Vec<ShownPiece>,
    video: Option<ShownPiece>,
    security_checks: Vec<(String, String)>,
    similarity_level: Option<String>,
    remarks: Option<String>,
    at: Moment,
}

#[derive(Serialize)]
struct ShownIdentity {
    full_name: String,
    document_type: &'static str,
    document_country: String,
    document_number: String,
}

#[derive(Serialize)]
struct ShownOfficer {
    name: String,
    id: String,
}

#[derive(Serialize)]
struct ShownPiece {
    name: String,
    media_type: String,
    size: String,
    sha256: String,
    duration: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_many_codes() {
        for code in ["ES", "es", " es-MX", "es_AR"] {
            assert_eq!(Language::from_code(code), Language::Spanish, "{code}");
        }
        for code in ["", "EN", "fr", "est"] {
            assert_eq!(Language::from_code(code), Language::English, "{code}");
        }
    }

    #[test]
    fn lengths_read_well() {
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(123_456), "123 kB");
        assert_eq!(size(1_073_741_824), "1073 MB");
        assert_eq!(duration(4_001), "0:05");
        assert_eq!(duration(3_723_000), "1:02:03");
    }
}
