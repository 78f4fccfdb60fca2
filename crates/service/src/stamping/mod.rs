//! Where time-stamps come from: our own unit, or others' that the operator allows.
//!
//! Others are asked over the network while a document is being signed, never within a database
//! transaction. How long their tokens get is learned, since a container's size must be known before
//! its token is. What they do wrong ends in [`Error::NoTimeStamp`]: nothing is signed then.

mod status;
mod unit;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Level;
use pades::SecurityStore;
use pki::cms::TimeStamper;
use pki::{ObjectIdentifier, PkiError};
use secrecy::SecretString;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use url::Url;

use crate::trust::{Stamper, issuing};
use crate::{Error, Problems, Service};
pub(crate) use unit::certificates_of;
use unit::{Failure, Unit};

pub use unit::StamperStanding;

/// Somebody else's time-stamping unit.
pub struct OutsideStamper {
    /// Where it is asked.
    pub url: Url,
    /// What calls bring along, such as credentials: header names and values.
    pub headers: Vec<(String, SecretString)>,
    /// DER certificates; one of them vouches for the unit.
    pub roots: Vec<Vec<u8>>,
    /// The policy that its tokens are to be under.
    pub policy: Option<ObjectIdentifier>,
    /// How long one answer may take.
    pub timeout: Duration,
}

/// Everybody who may be asked for time-stamps.
#[derive(Default)]
pub struct TimeStamping {
    units: Vec<Arc<Unit>>,
    outside_by_default: bool,
}

impl TimeStamping {
    /// Our own unit and these. `outside_by_default`: the first of them takes our own's place where
    /// nobody names another.
    ///
    /// # Errors
    ///
    /// When a call to one of them cannot be prepared.
    pub fn new(
        outside: Vec<OutsideStamper>,
        outside_by_default: bool,
    ) -> Result<Self, delivery::FetchError> {
        let units = outside.into_iter().map(|one| Unit::new(one).map(Arc::new));
        Ok(Self {
            units: units.collect::<Result<_, _>>()?,
            outside_by_default,
        })
    }

    fn named(&self, url: &str) -> Option<&Arc<Unit>> {
        let url = Url::parse(url.trim()).ok()?;
        self.units.iter().find(|unit| *unit.url() == url)
    }
}

/// Who stamps in one act.
pub(crate) enum TimeSource<'a> {
    Own {
        stamper: Stamper<'a>,
        certificate: Vec<u8>,
    },
    Outside(Outside<'a>),
}

/// Somebody else, asked for one act.
pub(crate) struct Outside<'a> {
    service: &'a Service,
    unit: Arc<Unit>,
    /// What containers keep free for a token, in this act.
    room: usize,
    /// Tokens that were longer.
    outgrown: AtomicUsize,
    failure: Mutex<Option<Failure>>,
}

impl TimeSource<'_> {
    pub(crate) fn stamper(&self) -> &dyn TimeStamper {
        match self {
            TimeSource::Own { stamper, .. } => stamper,
            TimeSource::Outside(outside) => outside,
        }
    }

    /// What to keep free for the next token, by all that is known now.
    pub(crate) fn room_now(&self) -> usize {
        match self {
            TimeSource::Own { stamper, .. } => stamper.max_token_len(),
            TimeSource::Outside(outside) => outside.unit.room(),
        }
    }

    /// How many tokens have not fitted.
    pub(crate) fn outgrown(&self) -> usize {
        match self {
            TimeSource::Own { .. } => 0,
            TimeSource::Outside(outside) => outside.outgrown.load(Ordering::Relaxed),
        }
    }

    /// Why a container was not made.
    pub(crate) fn explain(&self, error: PkiError) -> Error {
        let failure = match self {
            TimeSource::Own { .. } => None,
            TimeSource::Outside(outside) => outside.take_failure(),
        };
        failure.map_or_else(|| issuing(error), Failure::into)
    }

    /// The unit's certificate, where it is our own.
    pub(crate) fn own_certificate(&self) -> Option<&[u8]> {
        match self {
            TimeSource::Own { certificate, .. } => Some(certificate),
            TimeSource::Outside(_) => None,
        }
    }

    /// What a validator needs of somebody else's unit; nothing of our own. Slow at times, as it may
    /// have to be fetched.
    pub(crate) fn security(&self) -> Result<SecurityStore, Error> {
        match self {
            TimeSource::Own { .. } => Ok(SecurityStore::default()),
            TimeSource::Outside(outside) => Ok(outside.unit.security(outside.service)?),
        }
    }

    /// Finds out before anything is signed whether stamping at this level is likely to work. Slow
    /// at times.
    pub(crate) fn get_ready(&self, level: Level) -> Result<(), Error> {
        match self {
            TimeSource::Outside(outside) if level > Level::Basic => {
                outside.unit.meet(outside.service)?;
                if level > Level::LtvLite {
                    outside.unit.security(outside.service)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Outside<'_> {
    fn take_failure(&self) -> Option<Failure> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl TimeStamper for Outside<'_> {
    fn time_stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, PkiError> {
        match self.unit.time_stamp(imprint, self.service) {
            Ok(token) => {
                if token.len() > self.room {
                    self.outgrown.fetch_add(1, Ordering::Relaxed);
                }
                Ok(token)
            }
            Err(failure) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                Err(PkiError::Mismatch("there is no time-stamp"))
            }
        }
    }

    fn max_token_len(&self) -> usize {
        self.room
    }
}

impl Service {
    /// Who is asked for time-stamps: the one that the order names, or the settings, or the operator.
    /// Off the runtime's threads only.
    ///
    /// Fails with [`Error::Fields`] where the order names somebody whom the operator does not allow.
    pub(crate) fn time_source(&self, ordered: Option<&str>) -> Result<TimeSource<'_>, Error> {
        let unit = match (ordered, self.asks_others()) {
            (Some(_), _) => self.allowed_unit(ordered)?,
            (None, false) => None,
            (None, true) => wait_for(self.usual_unit())??,
        };
        Ok(self.source_of(unit))
    }

    /// Whether time-stamps may come from somebody else, who is waited for.
    pub(crate) fn asks_others(&self) -> bool {
        !self.inner.stamping.units.is_empty()
    }

    fn source_of(&self, unit: Option<Arc<Unit>>) -> TimeSource<'_> {
        match unit {
            Some(unit) => TimeSource::Outside(Outside {
                service: self,
                room: unit.room(),
                unit,
                outgrown: AtomicUsize::new(0),
                failure: Mutex::new(None),
            }),
            None => {
                let anchors = self.anchors();
                TimeSource::Own {
                    certificate: anchors.time_stamping_certificate().to_vec(),
                    stamper: anchors.stamper(&*self.inner.parts.clock, self.entropy()),
                }
            }
        }
    }

    /// Until when what is stamped now can be validated with what it carries: as long as the
    /// certificates of the newest time-stamp and of those who answered for it are valid, and their
    /// algorithms recommended. `None` below B-LT.
    pub(crate) async fn good_until(
        &self,
        level: Level,
        ordered: Option<&str>,
    ) -> Result<Option<OffsetDateTime>, Error> {
        if level < Level::LtvLite {
            return Ok(None);
        }
        let unit = match ordered {
            Some(_) => self.allowed_unit(ordered)?,
            None => self.usual_unit().await?,
        };
        Ok(self.holds_until(unit.as_deref()))
    }

    /// The same for whom the settings or the operator choose, who are asked for a first token if
    /// need be.
    pub(crate) async fn newest_good_until(&self) -> Result<Option<OffsetDateTime>, Error> {
        let unit = self.usual_unit().await?;
        self.at_work(move |service| {
            if let Some(unit) = &unit {
                unit.meet(service)?;
            }
            Ok(service.holds_until(unit.as_deref()))
        })
        .await?
    }

    /// The same for somebody else's unit, or our own; `None` where nothing came of theirs yet.
    fn holds_until(&self, unit: Option<&Unit>) -> Option<OffsetDateTime> {
        let anchors = self.anchors();
        let stamping = match unit {
            Some(unit) => unit.holds_until(),
            None => Some(anchors.time_stamping_until()),
        };
        Some(stamping?.min(anchors.answers_hold_until()))
    }

    /// Checks an address that the settings are to name.
    pub(crate) fn is_stamper_allowed(&self, url: &str) -> bool {
        self.is_own_stamper(url) || self.inner.stamping.named(url).is_some()
    }

    fn is_own_stamper(&self, url: &str) -> bool {
        url.trim() == format!("{}/tsa", self.policy().public_url)
    }

    /// The unit that an order names; `None`: our own.
    fn allowed_unit(&self, ordered: Option<&str>) -> Result<Option<Arc<Unit>>, Error> {
        let url = ordered.unwrap_or_default();
        if self.is_own_stamper(url) {
            return Ok(None);
        }
        let named = self.inner.stamping.named(url).cloned();
        named.map(Some).ok_or_else(|| {
            let mut problems = Problems::default();
            let text = "must be a time-stamp authority that the operator allows";
            problems.invalid("signature.tsa_url", text);
            Error::Fields(problems)
        })
    }

    /// The unit that the settings name, else the operator's; `None`: our own.
    async fn usual_unit(&self) -> Result<Option<Arc<Unit>>, Error> {
        let stamping = &self.inner.stamping;
        if stamping.units.is_empty() {
            return Ok(None);
        }
        let mut reader = self.store().read().await?;
        let settings = self.load_settings(&mut reader).await?;
        let named = &settings.tsa.tsa_url;
        if self.is_own_stamper(named) {
            return Ok(None);
        }
        let by_default = stamping
            .units
            .first()
            .filter(|_| stamping.outside_by_default);
        Ok(stamping.named(named).or(by_default).cloned())
    }

    /// What a validator needs of the others' unit that stamped with this certificate (DER), where
    /// the operator still names it.
    pub(crate) fn security_of_others(
        &self,
        certificate: &[u8],
        along: &[Vec<u8>],
    ) -> Result<Option<SecurityStore>, Error> {
        for unit in &self.inner.stamping.units {
            if let Some(security) = unit.security_of(certificate, along, self)? {
                return Ok(Some(security));
            }
        }
        Ok(None)
    }

    /// Recalls what was learned of others' units before, and asks each for a first token, so that
    /// what is wrong shows now. Whoever does not answer is asked again when it is needed.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn meet_time_stampers(&self) -> Result<Vec<StamperStanding>, Error> {
        let stamping = &self.inner.stamping;
        if stamping.units.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = self.store().read().await?;
        let known = store::time_stamping_units::longest_tokens(&mut reader).await?;
        drop(reader);
        for (url, len) in known {
            if let (Some(unit), Ok(len)) = (stamping.named(&url), usize::try_from(len)) {
                unit.recall(len);
            }
        }
        for unit in stamping.units.clone() {
            let met = self.clone();
            let greeted = tokio::task::spawn_blocking(move || unit.meet(&met));
            // What went wrong stands in the unit.
            let _ = greeted.await;
        }
        Ok(self.time_stamper_standings())
    }

    /// How others' units are doing.
    pub fn time_stamper_standings(&self) -> Vec<StamperStanding> {
        let units = self.inner.stamping.units.iter();
        units.map(|unit| unit.standing()).collect()
    }

    /// Keeps the length of a token, so that the next start knows it.
    fn keep_token_len(&self, url: &Url, len: usize) {
        let (service, url) = (self.clone(), url.to_string());
        let keep = async move {
            let len = i64::try_from(len).unwrap_or(i64::MAX);
            let kept = async {
                let mut tx = service.store().begin().await?;
                store::time_stamping_units::learn(&mut tx, &url, len).await?;
                service.commit(tx).await
            };
            if let Err(error) = kept.await {
                tracing::warn!(%error, "the length of a time-stamp token was not kept");
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(keep);
        }
    }
}

/// Waits for something asynchronous on a thread that may block.
fn wait_for<F: Future>(future: F) -> Result<F::Output, Error> {
    let runtime = Handle::try_current()
        .map_err(|_| Error::Internal("a worker has no runtime to wait in".into()))?;
    Ok(runtime.block_on(future))
}
