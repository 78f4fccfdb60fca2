//! How certificates stand, kept at hand: OCSP answers signed ahead, and revocation lists.
//!
//! Every revocation, suspension and end of one takes a number in the database. Whoever hands out
//! what was made earlier first sees whether numbers were taken since, in this process at once, in
//! others at most [`LOOK_EVERY`] ago; what they outdate is made anew.

mod answers;
mod lists;
mod root;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::{Error, Service};

pub use answers::{Freshness, OcspAnswer};
pub use lists::MAX_CRL_SHARDS;
use lists::{ListId, Shelf};
use root::RootList;

/// How often the database is asked for what other processes changed.
const LOOK_EVERY: Duration = Duration::seconds(20);

/// What is kept at hand.
#[derive(Default)]
pub(crate) struct Revocation {
    /// Held while the database is asked: one at a time.
    looking: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
    lists: Shelf,
    root_list: RootList,
}

/// What is known of changes, and what depends on it: both change together.
#[derive(Default)]
struct Seen {
    /// The number of the latest change.
    revision: i64,
    /// When the database was last asked.
    at: Option<OffsetDateTime>,
    answers: answers::Ahead,
    /// The latest change of what each list tells of.
    changed: HashMap<ListId, i64>,
}

impl Revocation {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the answers of responders that were replaced.
    pub(crate) fn forget_answers(&self) {
        self.seen().answers = answers::Ahead::default();
    }
}

impl Service {
    /// After a commit that changed how a certificate stands: what was made before is outdated.
    pub(crate) async fn notice_revocations(&self) -> Result<i64, Error> {
        let revocation = &self.inner.revocation;
        let _turn = revocation.looking.lock().await;
        let (known, first) = {
            let seen = revocation.seen();
            (seen.revision, seen.at.is_none())
        };
        let now = self.now();
        let mut reader = self.store().read().await?;
        let latest = store::certificates::latest_revision(&mut reader).await?;
        // Before the first look nothing was made that could be outdated.
        let changes = if first || latest == known {
            Vec::new()
        } else {
            store::certificates::changes(&mut reader, known, latest).await?
        };
        drop(reader);
        let mut seen = revocation.seen();
        for change in changes {
            seen.answers.forget(&change.serial);
            for id in ListId::telling_of(&change) {
                seen.changed.insert(id, latest);
            }
        }
        seen.revision = latest;
        seen.at = Some(now);
        Ok(latest)
    }

    /// The number of the latest change that is known, after a look at the database where the last
    /// one was too long ago.
    async fn keep_up(&self) -> Result<i64, Error> {
        let now = self.now();
        {
            let seen = self.inner.revocation.seen();
            let recent = |at: OffsetDateTime| (at..at + LOOK_EVERY).contains(&now);
            if seen.at.is_some_and(recent) {
                return Ok(seen.revision);
            }
        }
        self.notice_revocations().await
    }
}
