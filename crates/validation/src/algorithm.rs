//! What a verdict owes to the strength of algorithms.
//!
//! What is too weak proves nothing about what is not known to be older. What is merely advised against
//! by then proves it all the same, with a warning: that is a rule, not a fact, and rules differ.

use crypto::foreign::{Hash, KeyKind, Scheme};
use pki::verify::Horizon;
use time::OffsetDateTime;

use crate::judge::Judge;

/// What verdicts rest on, as far as it ends.
#[derive(Default)]
pub(crate) struct Reliance {
    /// The earliest end among the algorithms of what nothing in the file proves to be older than the
    /// validation.
    pub(crate) until: Option<OffsetDateTime>,
    /// What had ended when it was needed; told and forgotten by whoever reports next.
    aged: Vec<String>,
}

impl Reliance {
    /// The warnings that have come up.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.aged)
    }
}

impl Judge<'_> {
    /// Relies on a signature that existed at that time, or says why not. `what` begins a sentence
    /// that ends with the algorithm.
    pub(crate) fn rely_on_signature(
        &mut self,
        what: &str,
        (scheme, key): (Option<Scheme>, &[u8]),
        existed: OffsetDateTime,
    ) -> Result<(), String> {
        let unsupported = |thing: &str| format!("{what} with {thing} that is not supported");
        let scheme = scheme.ok_or_else(|| unsupported("an algorithm"))?;
        let key = KeyKind::of(key).ok_or_else(|| unsupported("a kind of key"))?;
        self.rely_on(what, Horizon::of_signature(scheme, key), existed)
    }

    /// The same for a hash.
    pub(crate) fn rely_on_hash(
        &mut self,
        what: &str,
        hash: Hash,
        existed: OffsetDateTime,
    ) -> Result<(), String> {
        self.rely_on(what, Horizon::of_hash(hash), existed)
    }

    fn rely_on(
        &mut self,
        what: &str,
        horizon: Option<Horizon>,
        existed: OffsetDateTime,
    ) -> Result<(), String> {
        let Some(horizon) = horizon else {
            return Ok(());
        };
        let Horizon {
            what: with, end, ..
        } = horizon;
        let has_ended = end <= existed;
        if has_ended && horizon.is_weak {
            return Err(format!("{what} with {with}, which is too weak"));
        }
        if has_ended {
            let last_day = end.date().previous_day().unwrap_or(end.date());
            let warning = format!(
                "{what} with {with}, which is recommended until {last_day} only, and nothing proves \
                 that it was before"
            );
            if !self.reliance.aged.contains(&warning) {
                self.reliance.aged.push(warning);
            }
        }
        if existed >= self.now {
            let until = self.reliance.until;
            self.reliance.until = Some(until.map_or(end, |until| until.min(end)));
        }
        Ok(())
    }
}
