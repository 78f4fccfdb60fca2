//! The declaration in which an officer answers for an identification.

use model::{Language, RequestPk};
use serde::Serialize;
use time::OffsetDateTime;

use super::contract::{Identification, Organisation, ShownOrganisation};
use super::{Identity, Moment, ShownIdentity};
use crate::RenderError;
use crate::text::{PARAGRAPH, Text};

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
    /// The organisation that the certificate will name, where it names one.
    pub organisation: Option<Organisation>,
    /// How the person was identified.
    pub identification: Identification,
    /// What was reviewed or taken in; digests are recomputed by this server. At most 100.
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

impl DeclarationData {
    pub(crate) fn shown(&self, text: &Text<'_>) -> Result<ShownDeclaration, RenderError> {
        at_most("evidence", self.evidence.len(), 100)?;
        at_most("security_checks", self.security_checks.len(), 100)?;
        let remarks = self.remarks.as_deref().unwrap_or_default();
        let remarks = text.bounded("remarks", remarks, PARAGRAPH)?;
        let organisation = self.organisation.as_ref();
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
            organisation: organisation.map(|org| org.shown(text)).transpose()?,
            filmed: self.identification == Identification::Filmed,
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
pub(crate) struct ShownDeclaration {
    language: Language,
    provider: String,
    registration_authority: String,
    officer: ShownOfficer,
    request: String,
    subject: ShownIdentity,
    organisation: Option<ShownOrganisation>,
    filmed: bool,
    evidence: Vec<ShownPiece>,
    video: Option<ShownPiece>,
    security_checks: Vec<(String, String)>,
    similarity_level: Option<String>,
    remarks: Option<String>,
    at: Moment,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_well() {
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(123_456), "123 kB");
        assert_eq!(size(1_073_741_824), "1073 MB");
        assert_eq!(duration(4_001), "0:05");
        assert_eq!(duration(3_723_000), "1:02:03");
    }
}
