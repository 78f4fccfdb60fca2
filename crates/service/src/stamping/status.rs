//! Whether the certificates behind somebody else's time-stamps are good, from those who say so:
//! fetched from where the certificates name, judged, and kept as long as it may be relied on.

use std::sync::Arc;

use delivery::{FetchError, Fetcher, Question};
use pades::SecurityStore;
use pki::ocsp::Status;
use pki::verify::{
    Certificate, Issuers, OcspResponse, Path, Purpose, RevocationList, Sources, Statement,
    ocsp_request,
};
use time::{Duration, OffsetDateTime};

use super::unit::Failure;

/// No OCSP answer is longer, in bytes.
const MAX_ANSWER_LEN: usize = 64 << 10;

/// No revocation list is longer, in bytes: it becomes a part of every signed file.
const MAX_LIST_LEN: usize = 2 << 20;

/// How long an answer is kept that does not say how long it holds.
const KEEP: Duration = Duration::hours(1);

/// How long any answer is kept.
const KEEP_AT_MOST: Duration = Duration::hours(12);

/// How far others' clocks may be from ours.
const SKEW: Duration = Duration::minutes(5);

/// What is known of one path.
pub(super) struct Standing {
    pub(super) security: SecurityStore,
    until: OffsetDateTime,
}

/// The same, kept.
pub(super) struct Kept {
    signer: Vec<u8>,
    until: OffsetDateTime,
    pub(super) security: SecurityStore,
}

impl Kept {
    pub(super) fn new(signer: &[u8], found: Standing) -> Self {
        Self {
            signer: signer.to_vec(),
            until: found.until,
            security: found.security,
        }
    }

    pub(super) fn is_about(&self, signer: &[u8], now: OffsetDateTime) -> bool {
        self.signer == signer && now < self.until
    }
}

/// From a certificate to one of the roots, all DER.
pub(super) fn path(signer: &[u8], along: &[Vec<u8>], roots: &[Vec<u8>]) -> Option<Path> {
    let read = |all: &[Vec<u8>]| -> Vec<_> {
        let certificates = all.iter().filter_map(|der| Certificate::read(der).ok());
        certificates.map(Arc::new).collect()
    };
    let signer = Arc::new(Certificate::read(signer).ok()?);
    let mut issuers = Issuers::new(read(roots), read(along));
    issuers.paths(&signer).into_iter().next()
}

impl Standing {
    /// Asks about every certificate of the path but the root.
    pub(super) async fn of(
        path: &Path,
        fetcher: &Fetcher,
        now: OffsetDateTime,
    ) -> Result<Self, Failure> {
        let all = path.certificates();
        let mut standing = Self {
            security: SecurityStore {
                certificates: all.iter().skip(1).map(|one| one.der().to_vec()).collect(),
                ..SecurityStore::default()
            },
            until: now + KEEP_AT_MOST,
        };
        for pair in all.windows(2) {
            let [certificate, issuer] = pair else {
                continue;
            };
            if !certificate.is_short_term() {
                standing.ask(certificate, issuer, fetcher, now).await?;
            }
        }
        Ok(standing)
    }

    /// Asks responders first, since their answers are short, until somebody knows.
    async fn ask(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        fetcher: &Fetcher,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let sources = Sources::of(certificate);
        if sources == Sources::default() {
            // Nobody will ever say more about it.
            return Ok(());
        }
        let mut why = Failure::new("nobody tells whether the unit's certificate is good");
        let unreadable = |_| Failure::new("the unit's certificate cannot be asked about");
        for address in &sources.responders {
            let question = Question {
                content_type: "application/ocsp-request",
                accept: "application/ocsp-response",
                headers: &[],
                body: ocsp_request(certificate, issuer).map_err(unreadable)?,
            };
            let fetched = fetcher.post(address, question, MAX_ANSWER_LEN).await;
            match told(fetched, |der| judged_answer(der, certificate, issuer, now)) {
                Ok((statement, answer)) => {
                    self.rely_on(statement, now);
                    self.security.ocsp_responses.push(answer);
                    return Ok(());
                }
                Err(doubt) => why = doubt.unless_revoked()?,
            }
        }
        for address in &sources.lists {
            let fetched = fetcher.get(address, MAX_LIST_LEN).await;
            match told(fetched, |der| judged_list(der, certificate, issuer, now)) {
                Ok((statement, list)) => {
                    self.rely_on(statement, now);
                    self.security.revocation_lists.push(list);
                    return Ok(());
                }
                Err(doubt) => why = doubt.unless_revoked()?,
            }
        }
        Err(why)
    }

    fn rely_on(&mut self, statement: Statement, now: OffsetDateTime) {
        let until = statement.next_update.unwrap_or(now + KEEP);
        self.until = self.until.min(until);
    }
}

/// Why a source does not show that a certificate is good.
enum Doubt {
    /// It is revoked, whatever others may say.
    Revoked,
    /// Somebody else may know.
    Open(Failure),
}

impl Doubt {
    fn open(reason: &str) -> Self {
        Doubt::Open(Failure::new(reason))
    }

    fn unless_revoked(self) -> Result<Failure, Failure> {
        match self {
            Doubt::Revoked => Err(Failure::new("a certificate of the unit's is revoked")),
            Doubt::Open(failure) => Ok(failure),
        }
    }
}

/// What was fetched, with what it says.
fn told(
    fetched: Result<Vec<u8>, FetchError>,
    judge: impl FnOnce(&[u8]) -> Result<Statement, Doubt>,
) -> Result<(Statement, Vec<u8>), Doubt> {
    let der = fetched.map_err(|error| Doubt::Open(error.into()))?;
    Ok((judge(&der)?, der))
}

fn judged_answer(
    answer: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    now: OffsetDateTime,
) -> Result<Statement, Doubt> {
    let bad = |_| Doubt::open("an OCSP answer about the unit's certificate is unreadable");
    let response = OcspResponse::read(answer).map_err(bad)?;
    let appointed = |der: &&[u8]| {
        Certificate::read(der).is_ok_and(|one| {
            one.is_issued_by(issuer)
                && one.serves(Purpose::OcspSigning).is_ok()
                && one.is_valid_at(now)
                && response.is_signed_by(&one)
        })
    };
    if !response.is_signed_by(issuer) && !response.certificates.iter().any(appointed) {
        return Err(Doubt::open(
            "an OCSP answer about the unit's certificate is signed by nobody who may",
        ));
    }
    good(response.about(certificate, issuer), now)
}

fn judged_list(
    list: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    now: OffsetDateTime,
) -> Result<Statement, Doubt> {
    let bad = |_| Doubt::open("a revocation list for the unit's certificate is unreadable");
    let list = RevocationList::read(list).map_err(bad)?;
    if !issuer.may_sign_lists() || !list.is_signed_by(issuer) {
        return Err(Doubt::open(
            "a revocation list for the unit's certificate is signed by nobody who may",
        ));
    }
    good(list.about(certificate).map_err(bad)?, now)
}

fn good(statement: Option<Statement>, now: OffsetDateTime) -> Result<Statement, Doubt> {
    let statement =
        statement.ok_or_else(|| Doubt::open("an answer is about another certificate"))?;
    let stale = statement.next_update.is_some_and(|until| until <= now);
    if stale || statement.this_update > now + SKEW {
        return Err(Doubt::open(
            "what is said of the unit's certificate is of another time",
        ));
    }
    match statement.status {
        Status::Good => Ok(statement),
        Status::Revoked { .. } => Err(Doubt::Revoked),
        Status::Unknown => Err(Doubt::open(
            "a responder does not know the unit's certificate",
        )),
    }
}

#[cfg(test)]
mod tests;
