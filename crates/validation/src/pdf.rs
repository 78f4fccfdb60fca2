//! Validating a PDF: its document time-stamps newest first, then its signatures.

use crypto::foreign::Hash;
use crypto::sha256;
use pades::{Certification, ChangeKind, EmbeddedSignature, PdfError};
use pki::verify::{self, Container};
use time::OffsetDateTime;

use crate::Trust;
use crate::doubt::Doubt;
use crate::evidence::{Evidence, Fingerprint};
use crate::judge::Judge;
use crate::report::{
    ChangeReport, Coverage, Indication, LaterChanges, Report, SignatureReport, SubIndication,
    TimeStampReport,
};
use crate::signature::{Setting, Task};
use crate::time_stamp::Stamp;

/// Signatures and document time-stamps, at most: for each one the file is read again.
const MAX_SIGNATURES: usize = 200;

/// Validates every signature and document time-stamp of a PDF.
///
/// # Errors
///
/// Those that keep the file from being read. What is wrong with signatures is in the report.
pub fn validate_pdf(pdf: &[u8], trust: &Trust, now: OffsetDateTime) -> Result<Report, PdfError> {
    let mut embedded = pades::signatures(pdf)?;
    if embedded.len() > MAX_SIGNATURES {
        let (what, limit) = ("it has too many signatures", MAX_SIGNATURES as u64);
        return Err(PdfError::Limit { what, limit });
    }
    embedded.sort_by_key(end);
    let store = pades::security_store(pdf)?;
    let mut evidence = Evidence::default();
    let entries: Vec<_> = embedded
        .into_iter()
        .map(|embedded| Entry::read(pdf, embedded, &mut evidence))
        .collect();
    let has_store = !evidence.add_store(&store).is_empty();
    evidence.add_lists(&trust.revocation_lists);
    let mut stores = StoreHistory {
        pdf,
        evidence: Evidence::default(),
    };
    let mut judge = Judge::new(trust, &evidence, now);

    let mut document_time_stamps = Vec::new();
    for (index, entry) in entries.iter().enumerate().rev() {
        if !entry.is_time_stamp() {
            continue;
        }
        let (report, time) = entry.judge_time_stamp(&mut judge);
        if let Some(time) = time {
            let older = entries[..index].iter().flat_map(|older| &older.pieces);
            for piece in older.chain(&stores.pieces_at(entry)) {
                judge.proofs.record(*piece, time);
            }
        }
        document_time_stamps.push(report);
    }
    document_time_stamps.reverse();
    let signatures: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.is_time_stamp())
        .map(|entry| entry.judge_signature(&mut judge, has_store))
        .collect();
    Ok(Report {
        valid: is_valid(&signatures, &document_time_stamps),
        validated_at: now,
        algorithms_until: judge.reliance.until,
        signatures,
        document_time_stamps,
    })
}

fn is_valid(signatures: &[SignatureReport], time_stamps: &[TimeStampReport]) -> bool {
    let passed = |indication| indication == Indication::TotalPassed;
    if signatures.is_empty() {
        return !time_stamps.is_empty() && time_stamps.iter().all(|one| passed(one.indication));
    }
    signatures.iter().all(|one| passed(one.indication))
        && time_stamps
            .iter()
            .all(|one| one.indication != Indication::TotalFailed)
}

/// The first byte behind what is signed.
fn end(signature: &EmbeddedSignature) -> u64 {
    match signature.byte_range.as_slice() {
        &[_, _, start, length] => start.saturating_add(length),
        _ => 0,
    }
}

/// What the security store held in earlier revisions.
struct StoreHistory<'p> {
    pdf: &'p [u8],
    evidence: Evidence,
}

impl StoreHistory<'_> {
    /// What lay in it when this document time-stamp was made, as far as that can be read.
    fn pieces_at(&mut self, entry: &Entry<'_>) -> Vec<Fingerprint> {
        let end = usize::try_from(end(&entry.embedded)).unwrap_or(usize::MAX);
        let revision = self.pdf.get(..end).unwrap_or_default();
        let store = pades::security_store(revision).unwrap_or_default();
        self.evidence.add_store(&store)
    }
}

/// A signature or document time-stamp.
struct Entry<'p> {
    pdf: &'p [u8],
    embedded: EmbeddedSignature,
    container: Result<Container, Doubt>,
    /// What a later time-stamp proves: the container and all that is in it.
    pieces: Vec<Fingerprint>,
}

impl<'p> Entry<'p> {
    fn read(pdf: &'p [u8], embedded: EmbeddedSignature, evidence: &mut Evidence) -> Self {
        let container = Container::read(&embedded.cms).map_err(Doubt::from);
        let mut pieces = vec![sha256(&embedded.cms)];
        if let Ok(data) = container
            .as_ref()
            .map_err(Doubt::clone)
            .and_then(signed_data)
        {
            pieces.extend(evidence.add_container(&data));
            for signer in &data.signers {
                for token in signer.time_stamps().unwrap_or_default() {
                    pieces.extend(evidence.add_token(token));
                }
            }
        }
        Self {
            pdf,
            embedded,
            container,
            pieces,
        }
    }

    fn is_time_stamp(&self) -> bool {
        self.embedded.sub_filter == "ETSI.RFC3161"
    }

    /// The signed bytes before and after the container.
    fn signed(&self) -> Result<[&'p [u8]; 2], Doubt> {
        let irregular = || {
            Doubt::failed(
                SubIndication::FormatFailure,
                "its byte ranges do not cover the file in the way that signatures must",
            )
        };
        if self.embedded.covers == pades::Coverage::Irregular {
            return Err(irregular());
        }
        let range = |start: u64, length: u64| {
            let start = usize::try_from(start).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            self.pdf.get(start..end)
        };
        match self.embedded.byte_range.as_slice() {
            &[start, length, second_start, second_length] => range(start, length)
                .zip(range(second_start, second_length))
                .map(|(before, after)| [before, after])
                .ok_or_else(irregular),
            _ => Err(irregular()),
        }
    }

    fn judge_time_stamp(&self, judge: &mut Judge<'_>) -> (TimeStampReport, Option<OffsetDateTime>) {
        let signed = self.signed();
        let pieces: &[&[u8]] = signed.as_ref().map_or(&[], |pieces| pieces);
        let Stamp { mut report, passed } = judge.time_stamp(&self.embedded.cms, pieces);
        report.field = Some(self.embedded.field_name.clone());
        let changes = match signed {
            Ok(_) => self.later_changes(),
            Err(doubt) => Err(doubt),
        };
        let doubt = match changes {
            Ok(changes) => {
                let doubt = changes.as_ref().and_then(forbidden);
                report.later_changes = changes;
                doubt
            }
            Err(doubt) => Some(doubt),
        };
        // What was appended later does not touch what the token proves.
        let is_irregular = self.embedded.covers == pades::Coverage::Irregular;
        let time = passed.filter(|_| !is_irregular).map(|passed| passed.time);
        if let Some(doubt) = doubt.filter(|_| time.is_some() || is_irregular) {
            report.doubt(doubt);
        }
        (report, time)
    }

    fn judge_signature(&self, judge: &mut Judge<'_>, has_store: bool) -> SignatureReport {
        let embedded = &self.embedded;
        let mut report = SignatureReport::new(&embedded.sub_filter);
        report.field = Some(embedded.field_name.clone());
        report.claimed_time = embedded.claimed_time;
        report.coverage = Some(match embedded.covers {
            pades::Coverage::WholeFile => Coverage::WholeFile,
            pades::Coverage::Revision => Coverage::EarlierRevision,
            pades::Coverage::Irregular => Coverage::Irregular,
        });
        if let Err(doubt) = self.examine(judge, has_store, &mut report) {
            report.doubt(doubt);
        }
        report
    }

    fn examine(
        &self,
        judge: &mut Judge<'_>,
        has_store: bool,
        report: &mut SignatureReport,
    ) -> Result<(), Doubt> {
        let signed = self.signed()?;
        let container = self.container.as_ref().map_err(Doubt::clone)?;
        let data = signed_data(container)?;
        let signer = data.only_signer()?;
        let digest;
        let embedded_digest;
        let content = match (self.embedded.sub_filter.as_str(), data.content) {
            ("ETSI.CAdES.detached" | "adbe.pkcs7.detached", None) => {
                verify::Content::Pieces(&signed)
            }
            ("adbe.pkcs7.sha1", Some(content)) => {
                digest = Hash::Sha1.of(&signed);
                if content != digest {
                    let reason = "the document is not what was signed";
                    return Err(Doubt::failed(SubIndication::HashFailure, reason));
                }
                embedded_digest = [content];
                verify::Content::Pieces(&embedded_digest)
            }
            ("ETSI.CAdES.detached" | "adbe.pkcs7.detached" | "adbe.pkcs7.sha1", _) => {
                let reason = "the container does not fit the signature's format";
                return Err(Doubt::failed(SubIndication::FormatFailure, reason));
            }
            (other, _) => {
                let reason = format!("signatures of the format {other} can't be judged");
                return Err(Doubt::open(SubIndication::FormatFailure, reason));
            }
        };
        let task = Task {
            signer,
            content,
            container: sha256(&self.embedded.cms),
            setting: Setting::Pdf {
                sub_filter: &self.embedded.sub_filter,
                has_store,
            },
        };
        judge.signature(&task, report);
        if self.embedded.sub_filter == "adbe.pkcs7.sha1" {
            let existed = report.proven_time.unwrap_or(judge.now);
            let relied = judge.rely_on_hash("the document is hashed", Hash::Sha1, existed);
            if let Err(weak) = relied {
                let sub_indication = SubIndication::CryptoConstraintsFailureNoPoe;
                report.doubt(Doubt::open(sub_indication, weak));
            }
        }
        let changes = self.later_changes()?;
        if let Some(doubt) = changes.as_ref().and_then(forbidden) {
            report.doubt(doubt);
        }
        report.later_changes = changes;
        Ok(())
    }

    /// What was changed since; `None` where nothing was appended.
    fn later_changes(&self) -> Result<Option<LaterChanges>, Doubt> {
        if self.embedded.covers == pades::Coverage::WholeFile {
            return Ok(None);
        }
        let changes = pades::changes(self.pdf, &self.embedded).map_err(|error| {
            let reason = format!("what was changed after it can't be told: {error}");
            Doubt::failed(SubIndication::FormatFailure, reason)
        })?;
        let permitted = match (changes.most, changes.certification) {
            (None | Some(ChangeKind::Preservation), _) => true,
            (Some(ChangeKind::FormFilling), Some(Certification::NoChanges)) => false,
            (Some(ChangeKind::FormFilling), _) => true,
            (Some(ChangeKind::Annotation), certification) => {
                certification == Some(Certification::Annotations)
            }
            (Some(ChangeKind::Content), _) => false,
        };
        let told = changes.told.into_iter().map(|change| ChangeReport {
            kind: change.kind,
            what: change.what,
        });
        Ok(Some(LaterChanges {
            permitted,
            most: changes.most,
            certification: changes.certification,
            changes: told.collect(),
        }))
    }
}

fn signed_data(container: &Container) -> Result<verify::SignedData<'_>, Doubt> {
    Ok(container.signed_data()?)
}

/// The doubt that later changes cast: whoever annotates a signed file without having been allowed
/// to may mean well, whoever changes the document does not.
fn forbidden(changes: &LaterChanges) -> Option<Doubt> {
    if changes.permitted {
        return None;
    }
    let worst = changes
        .changes
        .iter()
        .find(|change| Some(change.kind) == changes.most);
    let what = worst.map_or("the document was changed", |change| change.what.as_str());
    let reason = format!("after the signature, {what}");
    Some(match (changes.most, changes.certification) {
        (Some(ChangeKind::Annotation), None) => {
            Doubt::open(SubIndication::SigConstraintsFailure, reason)
        }
        _ => Doubt::failed(SubIndication::FormatFailure, reason),
    })
}
