//! The evidence set: what a sender must bring before an officer can review.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::subject::IdDocumentType;
use crate::workflow::Workflow;

/// The still images of an identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    /// Front of the identity document.
    DocumentFront,
    /// Back of the identity document.
    DocumentRear,
    /// Portrait cropped from the document.
    DocumentPhoto,
    /// The holder's selfie.
    DocumentOwner,
}

impl ImageKind {
    /// All kinds, in the order of the contract.
    pub const ALL: [ImageKind; 4] = [
        ImageKind::DocumentFront,
        ImageKind::DocumentRear,
        ImageKind::DocumentPhoto,
        ImageKind::DocumentOwner,
    ];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            ImageKind::DocumentFront => "document_front",
            ImageKind::DocumentRear => "document_rear",
            ImageKind::DocumentPhoto => "document_photo",
            ImageKind::DocumentOwner => "document_owner",
        }
    }
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no kind of image.
#[derive(Debug, thiserror::Error)]
#[error("unknown image kind {0:?}")]
pub struct UnknownImageKind(pub String);

impl FromStr for ImageKind {
    type Err = UnknownImageKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ImageKind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownImageKind(text.to_owned()))
    }
}

/// What the sender *claims*, kept word for word, open members included.
///
/// It is never mixed with what the server recomputes or what an officer sees. `Debug` prints
/// nothing of it: it is personal data.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Proof that the signer accepted the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Map<String, Value>>,
    /// Text read from the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocr_data: Option<Map<String, Value>>,
    /// Result flags of the sender's own checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_checks: Option<Map<String, Value>>,
    /// Similarity of portrait and selfie: 0 to 100, or a word such as `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity_level: Option<Value>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(…)")
    }
}

impl Claims {
    /// Takes over every block that `newer` brings.
    pub fn merge(&mut self, newer: Claims) {
        let Claims {
            acceptance,
            ocr_data,
            security_checks,
            similarity_level,
        } = newer;
        take(&mut self.acceptance, acceptance);
        take(&mut self.ocr_data, ocr_data);
        take(&mut self.security_checks, security_checks);
        take(&mut self.similarity_level, similarity_level);
    }
}

fn take<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

/// Which pieces are still missing, by the names that the answer to a partial upload lists.
///
/// `images` and `video` are what is stored. The rear side is needed unless the document is a
/// passport; the cropped portrait is needed in the registration authority's workflow only. Where
/// nothing is filmed nothing is missing.
pub fn missing(
    claims: &Claims,
    images: &[ImageKind],
    video: bool,
    document: Option<IdDocumentType>,
    workflow: Workflow,
) -> Vec<&'static str> {
    let filled = |block: &Option<Map<String, Value>>| block.as_ref().is_some_and(|m| !m.is_empty());
    let image_needed = |kind: ImageKind| match kind {
        ImageKind::DocumentPhoto => workflow.is_registration(),
        ImageKind::DocumentRear => document.is_none_or(IdDocumentType::has_rear),
        ImageKind::DocumentFront | ImageKind::DocumentOwner => true,
    };

    let mut missing = Vec::new();
    if !workflow.is_filmed() {
        return missing;
    }
    if !filled(&claims.acceptance) {
        missing.push("acceptance");
    }
    missing.extend(
        ImageKind::ALL
            .into_iter()
            .filter(|kind| image_needed(*kind) && !images.contains(kind))
            .map(ImageKind::name),
    );
    if !filled(&claims.ocr_data) {
        missing.push("ocr_data");
    }
    if claims.security_checks.is_none() {
        missing.push("security_checks");
    }
    if claims.similarity_level.is_none() {
        missing.push("similarity_level");
    }
    if !video {
        missing.push("video");
    }
    missing
}
