//! Whether a certificate was revoked, by the OCSP answers and lists at hand.

use std::sync::Arc;

use model::certificate::RevocationReason;
use pki::ocsp::Status;
use pki::verify::{Certificate, Purpose, Statement};
use time::{Duration, OffsetDateTime};

use crate::doubt::Doubt;
use crate::evidence::Fingerprint;
use crate::judge::{Approved, CLOCK_SKEW, Judge, Use, display, moment};
use crate::report::{RevocationReport, Source, SubIndication};

/// Responders whose certificates need another responder's answer, one after another.
const MAX_DEPTH: usize = 3;
/// How long data are current that do not say until when they are.
const CURRENT_BY_DEFAULT: Duration = Duration::DAY;

/// One statement about a certificate, from somebody who may make it.
struct Witness {
    source: Source,
    statement: Statement,
    /// The data, and the certificate that vouches for them.
    pieces: Vec<Fingerprint>,
}

/// What all statements together say.
enum Standing {
    NotNeeded,
    Good(Witness),
    Revoked {
        at: OffsetDateTime,
        reason: Option<RevocationReason>,
    },
    /// Nothing that is usable, and why.
    Open {
        sub_indication: SubIndication,
        why: String,
    },
}

impl Judge<'_> {
    /// Says how the certificate stands, or doubts it.
    pub(crate) fn check_revocation(
        &mut self,
        certificate: &Arc<Certificate>,
        issuer: &Arc<Certificate>,
        is_authority: bool,
        used: Use,
        approved: &mut Approved,
    ) -> Result<RevocationReport, Doubt> {
        let subject = display(certificate);
        match self.standing(certificate, issuer, used, 0) {
            Standing::NotNeeded => Ok(RevocationReport::NotNeeded),
            Standing::Good(witness) => {
                approved.needed_revocation = true;
                approved.used.extend(witness.pieces);
                Ok(RevocationReport::Good {
                    source: witness.source,
                    as_of: witness.statement.this_update,
                })
            }
            Standing::Revoked { at, reason } => {
                let why = match reason {
                    Some(reason) => format!(" ({})", words(reason)),
                    None => String::new(),
                };
                let sub_indication = match is_authority {
                    false => SubIndication::RevokedNoPoe,
                    true => SubIndication::RevokedCaNoPoe,
                };
                Err(Doubt::open(
                    sub_indication,
                    format!(
                        "the certificate of {subject} was revoked at {}{why}, and nothing \
                         proves that it was used before",
                        moment(at)
                    ),
                ))
            }
            Standing::Open { why, .. } if self.tolerates_missing => {
                approved.needed_revocation = true;
                approved.unknown.push(format!("for {subject}, {why}"));
                Ok(RevocationReport::Unknown)
            }
            Standing::Open {
                sub_indication,
                why,
            } => Err(Doubt::open(
                sub_indication,
                format!("whether the certificate of {subject} was revoked is not known: {why}"),
            )),
        }
    }

    fn standing(
        &mut self,
        certificate: &Arc<Certificate>,
        issuer: &Arc<Certificate>,
        used: Use,
        depth: usize,
    ) -> Standing {
        if certificate.is_short_term() || certificate.is_never_checked() {
            return Standing::NotNeeded;
        }
        let mut open = (
            SubIndication::TryLater,
            "the file holds no revocation data about it".to_owned(),
        );
        let witnesses = match depth < MAX_DEPTH {
            true => self.witnesses(certificate, issuer, depth, &mut open),
            false => Vec::new(),
        };
        let mut good: Option<Witness> = None;
        let mut hold: Option<(OffsetDateTime, OffsetDateTime)> = None;
        for witness in witnesses {
            let statement = &witness.statement;
            match statement.status {
                Status::Revoked { at, reason } if at <= used.proven => {
                    if reason != Some(RevocationReason::CertificateHold) {
                        return Standing::Revoked { at, reason };
                    }
                    hold = hold.max(Some((statement.this_update, at)));
                }
                Status::Unknown => open.1 = "its issuer does not know it".to_owned(),
                Status::Good | Status::Revoked { .. } => {
                    match is_usable(certificate, statement, used.at) {
                        Ok(()) => {
                            let better = good
                                .as_ref()
                                .is_none_or(|known| self.worth(known) < self.worth(&witness));
                            if better {
                                good = Some(witness);
                            }
                        }
                        Err(why) => open.1 = why,
                    }
                }
            }
        }
        // A hold can be lifted, so the newest word counts.
        let newest = good.as_ref().map(|witness| witness.statement.this_update);
        match (hold, good) {
            (Some((since, at)), _) if newest.is_none_or(|newest| newest <= since) => {
                let reason = Some(RevocationReason::CertificateHold);
                Standing::Revoked { at, reason }
            }
            (_, Some(witness)) => Standing::Good(witness),
            (_, None) => {
                let (sub_indication, why) = open;
                Standing::Open {
                    sub_indication,
                    why,
                }
            }
        }
    }

    /// What comes with the file is better than what came beside it, and then the newer is better.
    fn worth(&self, witness: &Witness) -> (bool, OffsetDateTime) {
        let mut pieces = witness.pieces.iter();
        let is_inside = !pieces.any(|piece| self.beside.contains(piece));
        (is_inside, witness.statement.this_update)
    }

    /// All statements about the certificate by its issuer, or by whom the issuer appointed. `open`
    /// says why there are none that count.
    fn witnesses(
        &mut self,
        certificate: &Arc<Certificate>,
        issuer: &Arc<Certificate>,
        depth: usize,
        open: &mut (SubIndication, String),
    ) -> Vec<Witness> {
        let mut witnesses = Vec::new();
        for index in 0..self.ocsp_responses.len() {
            let response = &self.ocsp_responses[index];
            let Some(statement) = response.value.about(certificate, issuer) else {
                continue;
            };
            let fingerprint = response.fingerprint;
            match self.responder(index, issuer, depth) {
                Ok(responder) => witnesses.push(Witness {
                    source: Source::Ocsp,
                    statement,
                    pieces: vec![fingerprint, responder],
                }),
                Err(why) => *open = why,
            }
        }
        for index in 0..self.revocation_lists.len() {
            let list = &self.revocation_lists[index];
            let Ok(Some(statement)) = list.value.about(certificate) else {
                continue;
            };
            let fingerprint = list.fingerprint;
            match self.list_signer(index, issuer) {
                Ok(()) => witnesses.push(Witness {
                    source: Source::Crl,
                    statement,
                    pieces: vec![fingerprint, *issuer.fingerprint()],
                }),
                Err(why) => *open = why,
            }
        }
        let now = self.now;
        witnesses.retain(|witness| witness.statement.this_update <= now + CLOCK_SKEW);
        witnesses
    }

    /// Who signed an OCSP answer, if that is the issuer or somebody whom it appointed (RFC 6960
    /// §4.2.2.2), at a time when they could.
    fn responder(
        &mut self,
        index: usize,
        issuer: &Arc<Certificate>,
        depth: usize,
    ) -> Result<Fingerprint, (SubIndication, String)> {
        let existed = self.proofs.of(&self.ocsp_responses[index].fingerprint);
        let response = &self.ocsp_responses[index].value;
        let scheme = response.scheme();
        let what = "an OCSP answer is signed";
        if self.may_check() && response.is_signed_by(issuer) {
            self.rely_on_signature(what, (scheme, issuer.public_key_info()), existed)
                .map_err(|weak| (SubIndication::TryLater, weak))?;
            self.vouches(issuer, existed)?;
            return Ok(*issuer.fingerprint());
        }
        let signed = |candidate: &&Arc<Certificate>| {
            candidate.serves(Purpose::OcspSigning).is_ok()
                && self.may_check()
                && response.is_signed_by(candidate)
                && candidate.is_issued_by(issuer)
        };
        let delegate = self.issuers.all().find(signed).cloned().ok_or((
            SubIndication::TryLater,
            "an OCSP answer is signed by nobody whom its issuer appointed".to_owned(),
        ))?;
        self.rely_on_signature(what, (scheme, delegate.public_key_info()), existed)
            .map_err(|weak| (SubIndication::TryLater, weak))?;
        self.vouches(&delegate, existed)?;
        match self.standing(&delegate, issuer, Use::proven(existed), depth + 1) {
            Standing::Good(_) | Standing::NotNeeded => Ok(*delegate.fingerprint()),
            Standing::Revoked { .. } => Err((
                SubIndication::TryLater,
                "the OCSP responder's certificate was revoked".to_owned(),
            )),
            Standing::Open { why, .. } => Err((
                SubIndication::TryLater,
                format!("its OCSP responder may be revoked: {why}"),
            )),
        }
    }

    /// Whether a revocation list is its issuer's work, at a time when that could be.
    fn list_signer(
        &mut self,
        index: usize,
        issuer: &Certificate,
    ) -> Result<(), (SubIndication, String)> {
        let list = &self.revocation_lists[index];
        let (existed, scheme) = (self.proofs.of(&list.fingerprint), list.value.scheme());
        let open = |why| (SubIndication::TryLater, why);
        if !self.may_check() || !list.value.is_signed_by(issuer) {
            return Err(open(
                "a revocation list is not signed by its issuer".to_owned(),
            ));
        }
        let signature = (scheme, issuer.public_key_info());
        self.rely_on_signature("a revocation list is signed", signature, existed)
            .map_err(open)?;
        self.vouches(issuer, existed)
    }

    /// Whether revocation data that existed at that time can be this certificate's work.
    fn vouches(
        &self,
        signer: &Certificate,
        existed: OffsetDateTime,
    ) -> Result<(), (SubIndication, String)> {
        let is_anchor = self
            .issuers
            .anchors()
            .any(|anchor| anchor.der() == signer.der());
        if is_anchor || signer.is_valid_at(existed) {
            return Ok(());
        }
        Err((
            SubIndication::NoPoe,
            format!(
                "the revocation data are signed by {}, whose certificate expired at {}, and \
                 nothing proves that they are older",
                display(signer),
                moment(signer.facts().not_after)
            ),
        ))
    }
}

/// Whether a statement tells of the certificate at the time of use: made later, or still current
/// then. One that was made after the certificate expired may have forgotten it.
fn is_usable(
    certificate: &Certificate,
    statement: &Statement,
    used_at: OffsetDateTime,
) -> Result<(), String> {
    let expiry = certificate.facts().not_after;
    let speaks_of_expired = statement
        .speaks_of_expired_since
        .is_some_and(|since| since <= expiry);
    if statement.this_update > expiry && !speaks_of_expired {
        return Err("the revocation data are from after its expiry and may not tell of it".into());
    }
    let current_until = statement
        .next_update
        .unwrap_or(statement.this_update + CURRENT_BY_DEFAULT);
    if used_at <= statement.this_update.max(current_until) + CLOCK_SKEW {
        return Ok(());
    }
    Err(format!(
        "the newest revocation data are of {} and were current until {}, but it was used at {}",
        moment(statement.this_update),
        moment(current_until),
        moment(used_at)
    ))
}

fn words(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "no reason given",
        RevocationReason::KeyCompromise => "its key may be in other hands",
        RevocationReason::AffiliationChanged => "affiliation changed",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "no longer needed",
        RevocationReason::CertificateHold => "on hold",
        RevocationReason::PrivilegeWithdrawn => "privilege withdrawn",
    }
}
