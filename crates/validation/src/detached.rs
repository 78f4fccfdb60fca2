//! Validating a CMS container whose content is elsewhere, or in it.

use crypto::foreign::Hash;
use crypto::sha256;
use pki::verify::{Container, VerifyError};
use time::OffsetDateTime;

use crate::Trust;
use crate::doubt::Doubt;
use crate::evidence::Evidence;
use crate::judge::Judge;
use crate::report::{Indication, Report, SignatureReport, SubIndication};
use crate::signature::{Setting, Task};

/// What a container is about.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// The content itself.
    Bytes(&'a [u8]),
    /// Its digest by that hash.
    Digest(Hash, &'a [u8]),
    /// It is in the container.
    Embedded,
}

/// Validates every signature of a container, in DER or BER.
///
/// # Errors
///
/// Where the bytes are no container of signatures at all, or hold no content although they should.
/// Everything else is in the report.
pub fn validate_detached(
    cms: &[u8],
    content: Content<'_>,
    trust: &Trust,
    now: OffsetDateTime,
) -> Result<Report, VerifyError> {
    let container = Container::read(cms)?;
    let data = container.signed_data()?;
    let mut evidence = Evidence::default();
    evidence.add_container(&data);
    for signer in &data.signers {
        for token in signer.time_stamps().unwrap_or_default() {
            evidence.add_token(token);
        }
    }
    evidence.add_lists(&trust.revocation_lists);
    let mut judge = Judge::new(trust, &evidence, now);
    let pieces;
    let signed = match (content, data.content) {
        (Content::Bytes(bytes), _) => {
            pieces = [bytes];
            pki::verify::Content::Pieces(&pieces)
        }
        (Content::Digest(hash, digest), _) => pki::verify::Content::Digest(hash, digest),
        (Content::Embedded, Some(bytes)) => {
            pieces = [bytes];
            pki::verify::Content::Pieces(&pieces)
        }
        (Content::Embedded, None) => {
            let what = "the container does not hold its content";
            return Err(VerifyError::Unreadable(what.into()));
        }
    };
    let is_contradicted = match (content, data.content) {
        (Content::Bytes(given), Some(embedded)) => given != embedded,
        (Content::Digest(hash, digest), Some(embedded)) => hash.of(&[embedded]) != digest,
        _ => false,
    };
    let mut signatures = Vec::new();
    for signer in &data.signers {
        let mut report = SignatureReport::new("CMS");
        let task = Task {
            signer,
            content: signed,
            container: sha256(cms),
            setting: Setting::Detached,
        };
        judge.signature(&task, &mut report);
        if is_contradicted {
            let reason = "the container holds other content than what was given";
            report.doubt(Doubt::failed(SubIndication::HashFailure, reason));
        }
        signatures.push(report);
    }
    let passed = |one: &SignatureReport| one.indication == Indication::TotalPassed;
    Ok(Report {
        valid: signatures.iter().all(passed),
        validated_at: now,
        algorithms_until: judge.reliance.until,
        signatures,
        document_time_stamps: Vec::new(),
    })
}
