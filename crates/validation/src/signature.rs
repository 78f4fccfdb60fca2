//! Judging one signature (EN 319 102-1 §5.3, §5.5, §5.6).

use pki::verify::{Content, Purpose, Signer};

use crate::doubt::Doubt;
use crate::evidence::Fingerprint;
use crate::judge::{Approved, Judge, Use, describe};
use crate::level::{self, Achieved};
use crate::report::{Indication, SignatureReport};
use crate::time_stamp::Passed;

/// Time-stamps over one signature that are judged, at most.
const MAX_TIME_STAMPS: usize = 16;

/// A signature to be judged.
pub(crate) struct Task<'a, 'c> {
    pub(crate) signer: &'a Signer<'c>,
    pub(crate) content: Content<'a>,
    /// Of the container that it stands in.
    pub(crate) container: Fingerprint,
    /// Where it comes from.
    pub(crate) setting: Setting<'a>,
}

/// Where a signature stands, which decides what its levels need.
#[derive(Clone, Copy)]
pub(crate) enum Setting<'a> {
    /// In a PDF.
    Pdf {
        sub_filter: &'a str,
        has_store: bool,
    },
    /// In a container of its own.
    Detached,
}

impl Judge<'_> {
    /// Fills in the report about a signature whose place is in order.
    pub(crate) fn signature(&mut self, task: &Task<'_, '_>, report: &mut SignatureReport) {
        let signer = task.signer;
        report.algorithm = signer.scheme().ok().map(|scheme| scheme.to_string());
        report.claimed_time = report.claimed_time.or(signer.signing_time());

        let tokens = signer.time_stamps().unwrap_or_default();
        let mut stamps: Vec<Passed> = Vec::new();
        for token in tokens.into_iter().take(MAX_TIME_STAMPS) {
            let stamp = self.time_stamp(token, &[signer.signature]);
            if let Some(reason) = &stamp.report.reason {
                report
                    .warnings
                    .push(format!("a time-stamp does not count: {reason}"));
            }
            report.time_stamps.push(stamp.report);
            stamps.extend(stamp.passed);
        }
        let earliest = stamps.into_iter().min_by_key(|stamp| stamp.time);
        let by_document = self.proofs.proven(&task.container);
        let by_stamp = earliest.as_ref().map(|stamp| stamp.time);
        report.proven_time = by_stamp.into_iter().chain(by_document).min();

        let held = self.hold(signer, task.content);
        let reference = match &held {
            Ok(held) => Ok(held.reference),
            Err(broken) => Err(broken.doubt.clone()),
        };
        let certificate = match &held {
            Ok(held) => Some(&held.certificate),
            Err(broken) => broken.certificate.as_ref(),
        };
        report.signer = certificate.map(|one| describe(one));
        let existed = report.proven_time.unwrap_or(self.now);
        let verdict = match held {
            Ok(held) => self
                .check_algorithms(signer, &held.certificate, existed)
                .and_then(|()| {
                    let used = Use::proven(existed);
                    self.approve(&held.certificate, Purpose::Signature, used)
                }),
            Err(broken) => Err(broken.doubt),
        };
        let achieved = Achieved {
            setting: task.setting,
            reference: reference.as_ref().map_err(|doubt| doubt.reason.as_str()),
            time_stamp: earliest.as_ref(),
            failed_time_stamp: report
                .time_stamps
                .iter()
                .find_map(|one| one.reason.as_deref()),
            document_proof: by_document,
            verdict: verdict.as_ref().map_err(|doubt| doubt.reason.as_str()),
            all_proven: self.all_proven(verdict.as_ref().ok(), earliest.as_ref()),
        };
        (report.level, report.higher_levels) = level::reached(&achieved);
        match verdict {
            Ok(approved) => {
                for unknown in &approved.unknown {
                    let warning = format!("revocation was not checked: {unknown}");
                    report.warnings.push(warning);
                }
                report.chain = approved.chain;
                if !report.chain.is_empty() {
                    report.signer = Some(report.chain.remove(0));
                }
            }
            Err(doubt) => report.doubt(doubt),
        }
        report.warnings.extend(self.reliance.take_warnings());
    }

    /// Whether document time-stamps prove everything that the verdict rests on.
    fn all_proven(&self, approved: Option<&Approved>, stamp: Option<&Passed>) -> bool {
        let used = approved.map(|approved| &approved.used);
        let used = used.into_iter().chain(stamp.map(|stamp| &stamp.used));
        used.flatten()
            .all(|piece| self.proofs.proven(piece).is_some())
    }
}

impl SignatureReport {
    /// A report about a signature that nothing is known of yet.
    pub(crate) fn new(format: &str) -> Self {
        Self {
            field: None,
            format: format.to_owned(),
            indication: Indication::TotalPassed,
            sub_indication: None,
            reason: None,
            level: None,
            higher_levels: Vec::new(),
            signer: None,
            chain: Vec::new(),
            claimed_time: None,
            proven_time: None,
            algorithm: None,
            time_stamps: Vec::new(),
            coverage: None,
            later_changes: None,
            warnings: Vec::new(),
        }
    }

    /// Takes in a doubt, unless a graver one is known.
    pub(crate) fn doubt(&mut self, doubt: Doubt) {
        let graver = match self.indication {
            Indication::TotalPassed => true,
            Indication::Indeterminate => doubt.indication == Indication::TotalFailed,
            Indication::TotalFailed => false,
        };
        if graver {
            self.indication = doubt.indication;
            self.sub_indication = Some(doubt.sub_indication);
            self.reason = Some(doubt.reason);
        }
    }
}
