//! Judging time-stamp tokens (EN 319 102-1 §5.4).

use crypto::sha256;
use pki::verify::{Container, Content, Purpose, TokenInfo, VerifyError};
use time::OffsetDateTime;

use crate::doubt::Doubt;
use crate::evidence::Fingerprint;
use crate::judge::{Approved, CLOCK_SKEW, Judge, Use, describe, moment};
use crate::report::{Indication, SubIndication, TimeStampReport};

/// A judged time-stamp.
pub(crate) struct Stamp {
    pub(crate) report: TimeStampReport,
    /// What it rests on, if it passed.
    pub(crate) passed: Option<Passed>,
}

/// A valid time-stamp.
pub(crate) struct Passed {
    pub(crate) time: OffsetDateTime,
    pub(crate) used: Vec<Fingerprint>,
    /// Certificates without revocation data.
    pub(crate) unknown: Vec<String>,
    pub(crate) needed_revocation: bool,
}

impl Judge<'_> {
    /// Judges a token over `pieces`.
    pub(crate) fn time_stamp(&mut self, token: &[u8], pieces: &[&[u8]]) -> Stamp {
        let mut report = TimeStampReport {
            field: None,
            indication: Indication::TotalPassed,
            sub_indication: None,
            reason: None,
            time: None,
            unit: None,
            chain: Vec::new(),
            algorithm: None,
            later_changes: None,
            warnings: Vec::new(),
        };
        let passed = match self.examine(token, pieces, &mut report) {
            Ok((time, approved)) => {
                report.chain = approved.chain;
                if !report.chain.is_empty() {
                    report.unit = Some(report.chain.remove(0));
                }
                Some(Passed {
                    time,
                    used: approved.used,
                    unknown: approved.unknown,
                    needed_revocation: approved.needed_revocation,
                })
            }
            Err(doubt) => {
                report.doubt(doubt);
                None
            }
        };
        report.warnings = self.reliance.take_warnings();
        Stamp { report, passed }
    }

    fn examine(
        &mut self,
        token: &[u8],
        pieces: &[&[u8]],
        report: &mut TimeStampReport,
    ) -> Result<(OffsetDateTime, Approved), Doubt> {
        let container = Container::read(token)?;
        let data = container.signed_data()?;
        let info = TokenInfo::read(&data)?;
        let signer = data.only_signer()?;
        report.time = Some(info.time);
        report.algorithm = signer.scheme().ok().map(|scheme| scheme.to_string());
        let content = [data.content.unwrap_or_default()];
        let held = self
            .hold(signer, Content::Pieces(&content))
            .map_err(|held| {
                report.unit = held.certificate.as_deref().map(describe);
                held.doubt
            })?;
        report.unit = Some(describe(&held.certificate));
        if held.reference.is_none() {
            return Err(VerifyError::Reference.into());
        }
        if !info.is_over(pieces) {
            return Err(VerifyError::Content.into());
        }
        let existed = self.proofs.of(&sha256(token));
        if info.time > existed + CLOCK_SKEW {
            let reason = format!(
                "it states {}, which is later than {}, when it was there already",
                moment(info.time),
                moment(existed)
            );
            return Err(Doubt::open(SubIndication::TimestampOrderFailure, reason));
        }
        let what = "the time-stamp's imprint is hashed";
        self.rely_on_hash(what, info.hash, existed)
            .map_err(|weak| Doubt::open(SubIndication::CryptoConstraintsFailureNoPoe, weak))?;
        self.check_algorithms(signer, &held.certificate, existed)?;
        // The unit's own word on the time counts for which revocation data are fresh enough; that
        // it was valid and not revoked must be true when the token is proven to exist.
        let used = Use {
            at: info.time,
            proven: existed,
        };
        let approved = self.approve(&held.certificate, Purpose::TimeStamping, used)?;
        Ok((info.time, approved))
    }
}

impl TimeStampReport {
    pub(crate) fn doubt(&mut self, doubt: Doubt) {
        self.indication = doubt.indication;
        self.sub_indication = Some(doubt.sub_indication);
        self.reason = Some(doubt.reason);
    }
}
