//! Somebody else's time-stamping unit: asking it, and not asking it for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery::{AllowList, FetchError, Fetcher, Question};
use pades::SecurityStore;
use pki::tsa::client::{LearnedSize, MAX_RESPONSE_LEN, Request, TokenError};
use pki::verify::{Certificate, Container, Horizon};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::status::{self, Kept, Standing};
use super::{OutsideStamper, wait_for};
use crate::{Error, Service};

/// After so many failures in a row nobody is made to wait for the unit.
const PATIENCE: u32 = 3;

/// For so long. Then one call tries again.
const PAUSE: Duration = Duration::seconds(30);

/// Why there is no time-stamp.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    reason: String,
    retry_after: u32,
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: PAUSE
                .whole_seconds()
                .unsigned_abs()
                .try_into()
                .unwrap_or(30),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::NoTimeStamp {
            reason: failure.reason,
            retry_after: failure.retry_after,
        }
    }
}

/// How somebody else's unit is doing.
#[derive(Debug, Clone)]
pub struct StamperStanding {
    /// Where it is asked.
    pub url: Url,
    /// The length of its longest token so far, in bytes.
    pub longest_token: Option<usize>,
    /// Why its last answer was not taken, or that there was none.
    pub failing: Option<String>,
}

pub(super) struct Unit {
    about: OutsideStamper,
    fetcher: Fetcher,
    size: LearnedSize,
    state: Mutex<State>,
    /// What is known of the certificates that its last token came with.
    standing: Mutex<Option<Kept>>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// Nobody asks before.
    pause_until: Option<OffsetDateTime>,
    failing: Option<Failure>,
    /// Certificates of the last token, the signer's first.
    certificates: Arc<Vec<Vec<u8>>>,
}

impl Unit {
    pub(super) fn new(about: OutsideStamper) -> Result<Self, FetchError> {
        let host = about.url.host_str().unwrap_or_default();
        // The operator names this host, wherever it is; what its certificates name may be there too.
        let host = host.trim_matches(['[', ']']);
        let allow = AllowList::new(&[host]).unwrap_or_default();
        Ok(Self {
            fetcher: Fetcher::new(allow, about.timeout)?,
            about,
            size: LearnedSize::new(None),
            state: Mutex::default(),
            standing: Mutex::default(),
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.about.url
    }

    pub(super) fn room(&self) -> usize {
        self.size.reserve()
    }

    pub(super) fn recall(&self, len: usize) {
        self.size.learn(len);
    }

    pub(super) fn standing(&self) -> StamperStanding {
        StamperStanding {
            url: self.about.url.clone(),
            longest_token: self.size.longest(),
            failing: self.state().failing.as_ref().map(|one| one.reason.clone()),
        }
    }

    /// Until when its last token can be validated: as long as the certificates behind it are valid
    /// and their algorithms recommended. `None` where there is no token yet.
    pub(super) fn holds_until(&self) -> Option<OffsetDateTime> {
        let certificates = Arc::clone(&self.state().certificates);
        let (signer, along) = certificates.split_first()?;
        let path = status::path(signer, along, &self.about.roots)?;
        let ends = path.judged().iter().map(|one| one.facts().not_after);
        let horizons = path.certificates().iter();
        let horizons = horizons.filter_map(|one| Horizon::of_certificate(one.der()).ok().flatten());
        ends.chain(horizons.map(|horizon| horizon.end)).min()
    }

    /// A token over `imprint`, checked.
    pub(super) fn time_stamp(
        &self,
        imprint: &[u8; 32],
        service: &Service,
    ) -> Result<Vec<u8>, Failure> {
        self.may_ask(service.now())?;
        let asked = self.ask(imprint, service);
        let mut state = self.state();
        match asked {
            Ok((token, certificates)) => {
                *state = State {
                    certificates: Arc::new(certificates),
                    ..State::default()
                };
                drop(state);
                if self
                    .size
                    .longest()
                    .is_none_or(|longest| longest < token.len())
                {
                    self.size.learn(token.len());
                    service.keep_token_len(&self.about.url, token.len());
                }
                Ok(token)
            }
            Err(failure) => {
                state.failures += 1;
                if state.failures >= PATIENCE {
                    state.pause_until = Some(service.now() + PAUSE);
                }
                state.failing = Some(failure.clone());
                drop(state);
                let url = &self.about.url;
                tracing::warn!(%url, reason = failure.reason, "no time-stamp");
                Err(failure)
            }
        }
    }

    /// Refuses while the unit is left alone; whoever comes after that tries for all.
    fn may_ask(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let mut state = self.state();
        match (state.pause_until, &state.failing) {
            (Some(until), Some(failing)) if now < until => {
                let left = (until - now).whole_seconds().max(1);
                Err(Failure {
                    reason: failing.reason.clone(),
                    retry_after: left.try_into().unwrap_or(1),
                })
            }
            (Some(_), _) => {
                state.pause_until = Some(now + PAUSE);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn ask(
        &self,
        imprint: &[u8; 32],
        service: &Service,
    ) -> Result<(Vec<u8>, Vec<Vec<u8>>), Failure> {
        let mut nonce = [0; 8];
        service.entropy().fill(&mut nonce);
        let mut request = Request::new(*imprint, nonce);
        if let Some(policy) = self.about.policy {
            request = request.under(policy);
        }
        let question = Question {
            content_type: "application/timestamp-query",
            accept: "application/timestamp-reply",
            headers: &self.about.headers,
            body: request.to_der(),
        };
        let address = self.about.url.as_str();
        let answer = self.fetcher.post(address, question, MAX_RESPONSE_LEN);
        let answer = waited(answer)??;
        let token = request.accept(&answer, &self.about.roots, service.now())?;
        let certificates = certificates_of(&token)
            .ok_or_else(|| Failure::new("the token does not name its certificate"))?;
        Ok((token, certificates))
    }

    /// Asks for a first token, over nothing in particular, unless one has come.
    pub(super) fn meet(&self, service: &Service) -> Result<(), Failure> {
        if !self.state().certificates.is_empty() {
            return self.may_ask(service.now());
        }
        let mut imprint = [0; 32];
        service.entropy().fill(&mut imprint);
        self.time_stamp(&imprint, service).map(drop)
    }

    /// What a validator needs of this unit.
    pub(super) fn security(&self, service: &Service) -> Result<SecurityStore, Failure> {
        self.meet(service)?;
        let certificates = Arc::clone(&self.state().certificates);
        let Some((signer, along)) = certificates.split_first() else {
            return Ok(SecurityStore::default());
        };
        let security = self.security_of(signer, along, service)?;
        security.ok_or_else(|| Failure::new("no root vouches for the unit"))
    }

    /// What a validator needs of a certificate (DER) that one of this unit's roots vouches for;
    /// `None` where none does.
    pub(super) fn security_of(
        &self,
        signer: &[u8],
        along: &[Vec<u8>],
        service: &Service,
    ) -> Result<Option<SecurityStore>, Failure> {
        let now = service.now();
        let mut kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = kept.as_ref().filter(|one| one.is_about(signer, now)) {
            return Ok(Some(one.security.clone()));
        }
        let Some(path) = status::path(signer, along, &self.about.roots) else {
            return Ok(None);
        };
        let found = waited(Standing::of(&path, &self.fetcher, now))??;
        let security = found.security.clone();
        *kept = Some(Kept::new(signer, found));
        Ok(Some(security))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn waited<F: Future>(future: F) -> Result<F::Output, Failure> {
    wait_for(future).map_err(|error| Failure::new(error.to_string()))
}

/// The certificates that a token came with, the signer's first.
pub(crate) fn certificates_of(token: &[u8]) -> Option<Vec<Vec<u8>>> {
    let container = Container::read(token).ok()?;
    let data = container.signed_data().ok()?;
    let signer = data.only_signer().ok()?;
    let mut all: Vec<_> = data.certificates.iter().map(|der| der.to_vec()).collect();
    let first = all
        .iter()
        .position(|der| Certificate::read(der).is_ok_and(|one| signer.is_by(&one)))?;
    all.swap(0, first);
    Some(all)
}
