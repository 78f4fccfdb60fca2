//! Whether a certificate was good for something at some time (EN 319 102-1 §5.2.6, §5.6.2).

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;

use pki::verify::{Certificate, Issuers, OcspResponse, Path, Purpose, RevocationList};
use time::{Duration, OffsetDateTime};

use crate::algorithm::Reliance;
use crate::doubt::Doubt;
use crate::evidence::{Evidence, Fingerprint, Proofs, Read};
use crate::report::{CertificateReport, RevocationReport, SubIndication};
use crate::{MissingRevocation, Trust};

/// Clocks of different makers disagree by this much.
pub(crate) const CLOCK_SKEW: Duration = Duration::MINUTE;

/// Signatures of revocation data that are verified for one file, at most.
const MAX_CHECKS: usize = 5_000;

/// Judges certificates by what a file brought along.
pub(crate) struct Judge<'a> {
    pub(crate) proofs: Proofs,
    pub(crate) now: OffsetDateTime,
    pub(crate) issuers: Issuers,
    pub(crate) tolerates_missing: bool,
    pub(crate) ocsp_responses: Vec<Read<OcspResponse<'a>>>,
    pub(crate) revocation_lists: Vec<Read<RevocationList<'a>>>,
    /// Revocation data from beside the file.
    pub(crate) beside: &'a HashSet<Fingerprint>,
    pub(crate) reliance: Reliance,
    checks_left: Cell<usize>,
}

/// The times that a certificate is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    /// When its key was used, as far as that can be believed.
    pub(crate) at: OffsetDateTime,
    /// When what it signed is proven to have existed.
    pub(crate) proven: OffsetDateTime,
}

impl Use {
    /// Used when it is proven.
    pub(crate) fn proven(at: OffsetDateTime) -> Self {
        Self { at, proven: at }
    }
}

/// A path on which everything was in order.
pub(crate) struct Approved {
    /// From the certificate itself up to the trusted root.
    pub(crate) chain: Vec<CertificateReport>,
    /// The certificates for whose revocation nothing was found, and which that is tolerated for.
    pub(crate) unknown: Vec<String>,
    /// The certificates and revocation data that it rests on.
    pub(crate) used: Vec<Fingerprint>,
    /// Whether revocation data were needed at all.
    pub(crate) needed_revocation: bool,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(trust: &Trust, evidence: &'a Evidence, now: OffsetDateTime) -> Self {
        let anchors = trust.roots.iter();
        let anchors = anchors.filter_map(|der| Certificate::read(der).ok().map(Arc::new));
        Self {
            proofs: Proofs::new(now),
            now,
            issuers: Issuers::new(anchors.collect(), evidence.certificates().to_vec()),
            tolerates_missing: trust.missing_revocation == MissingRevocation::Tolerated,
            ocsp_responses: evidence.ocsp_responses(),
            revocation_lists: evidence.revocation_lists(),
            beside: evidence.beside(),
            reliance: Reliance::default(),
            checks_left: Cell::new(MAX_CHECKS),
        }
    }

    /// Whether another signature of revocation data may be verified. Files may bring crowds of
    /// them.
    pub(crate) fn may_check(&self) -> bool {
        let left = self.checks_left.get();
        self.checks_left.set(left.saturating_sub(1));
        left > 0
    }

    /// Finds a path from the certificate to a trusted root on which everything was in order, or
    /// says what was wrong with the best one.
    pub(crate) fn approve(
        &mut self,
        certificate: &Arc<Certificate>,
        purpose: Purpose,
        used: Use,
    ) -> Result<Approved, Doubt> {
        let subject = display(certificate);
        let mut first = None;
        for path in self.issuers.paths(certificate) {
            match self.walk(&path, purpose, used) {
                Ok(approved) => return Ok(approved),
                Err(doubt) => first = first.or(Some(doubt)),
            }
        }
        Err(first.unwrap_or_else(|| {
            Doubt::open(
                SubIndication::NoCertificateChainFound,
                format!("the certificate of {subject} leads to no trusted root"),
            )
        }))
    }

    fn walk(&mut self, path: &Path, purpose: Purpose, used: Use) -> Result<Approved, Doubt> {
        path.check_purposes(purpose)?;
        let certificates = path.certificates();
        let mut approved = Approved {
            chain: Vec::new(),
            unknown: Vec::new(),
            used: Vec::new(),
            needed_revocation: false,
        };
        for (index, certificate) in certificates.iter().enumerate() {
            let issuer = certificates.get(index + 1);
            let mut shown = describe(certificate);
            shown.revocation = Some(match issuer {
                // A signer that is trusted itself is judged by its validity all the same.
                None if index > 0 => RevocationReport::Trusted,
                None => {
                    self.check_validity(certificate, index, used.proven)?;
                    RevocationReport::Trusted
                }
                Some(issuer) => {
                    self.check_validity(certificate, index, used.proven)?;
                    self.check_strength(certificate, issuer)?;
                    approved.used.push(*certificate.fingerprint());
                    let is_authority = index > 0;
                    self.check_revocation(certificate, issuer, is_authority, used, &mut approved)?
                }
            });
            approved.chain.push(shown);
        }
        Ok(approved)
    }

    fn check_validity(
        &self,
        certificate: &Certificate,
        index: usize,
        at: OffsetDateTime,
    ) -> Result<(), Doubt> {
        if certificate.is_valid_at(at) {
            return Ok(());
        }
        let facts = certificate.facts();
        let subject = display(certificate);
        if at < facts.not_before {
            let reason = format!(
                "the certificate of {subject} was not valid before {}, but is used at {}",
                moment(facts.not_before),
                moment(at)
            );
            return Err(Doubt::open(SubIndication::NotYetValid, reason));
        }
        let what = if index == 0 {
            "it was used"
        } else {
            "it was relied on"
        };
        let reason = format!(
            "the certificate of {subject} expired at {}, and nothing proves that {what} before",
            moment(facts.not_after)
        );
        Err(Doubt::open(SubIndication::OutOfBoundsNoPoe, reason))
    }

    fn check_strength(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), Doubt> {
        let existed = self.proofs.of(certificate.fingerprint());
        let what = format!("the certificate of {} is signed", display(certificate));
        let signature = (certificate.scheme(), issuer.public_key_info());
        self.rely_on_signature(&what, signature, existed)
            .map_err(|weak| Doubt::open(SubIndication::CryptoConstraintsFailureNoPoe, weak))
    }
}

/// A certificate as reports show it.
pub(crate) fn describe(certificate: &Certificate) -> CertificateReport {
    let facts = certificate.facts();
    CertificateReport {
        subject: facts.subject(),
        common_name: facts.common_name.clone(),
        issuer: facts.issuer(),
        serial: facts.serial.clone(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        revocation: None,
    }
}

/// Whom a sentence speaks of.
pub(crate) fn display(certificate: &Certificate) -> String {
    let facts = certificate.facts();
    let name = match facts.common_name.as_str() {
        "" => &facts.subject(),
        name => name,
    };
    format!("“{name}”")
}

/// A time in a sentence.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let at = at.to_utc();
    format!(
        "{} {:02}:{:02}:{:02} UTC",
        at.date(),
        at.hour(),
        at.minute(),
        at.second()
    )
}
