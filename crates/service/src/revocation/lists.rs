//! Revocation lists: for each issuing authority a complete one, and shards of which certificates
//! name one each.
//!
//! The server makes them ahead; one that was outdated since is made when somebody asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pki::crl::{self, Entry};
use pki::issuance::Lists;
use store::certificates::Change;
use time::{Duration, OffsetDateTime};

use crate::issuance::BACKDATED;
use crate::trust::issuing;
use crate::{Error, Service};

/// How long relying parties may go without a newer list. A certificate stays listed for as long
/// after its end, so that at least one list after it names it (RFC 5280 §3.3).
const LIFETIME: Duration = Duration::DAY;
/// How old a list may be when it is handed out.
const KEPT: Duration = Duration::hours(12);
/// How old it may be before a new one is made ahead.
const RENEWED_AFTER: Duration = Duration::hours(6);
/// Into how many shards the lists of an authority can be divided. All are served, however many
/// there are for new certificates now: older certificates may point to any.
pub const MAX_CRL_SHARDS: u16 = 1024;

/// Which list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ListId {
    /// The issuer's key identifier.
    issuer: String,
    /// Which shard, unless it is the complete list.
    shard: Option<u16>,
}

impl ListId {
    /// The lists that tell of a certificate.
    pub(super) fn telling_of(change: &Change) -> impl Iterator<Item = Self> {
        let shard = change.shard.and_then(|shard| u16::try_from(shard).ok());
        let issuer = change.issuer.clone();
        let shard = shard.map(|shard| Self {
            issuer: issuer.clone(),
            shard: Some(shard),
        });
        let complete = Self {
            issuer,
            shard: None,
        };
        [complete].into_iter().chain(shard)
    }
}

/// The lists that were made last. The lock of one is held while it is made: one at a time.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<ListId, Slot>>);

type Slot = Arc<tokio::sync::Mutex<Option<Made>>>;

struct Made {
    /// The next one's is higher, even within a millisecond.
    number: u64,
    at: OffsetDateTime,
    /// The latest change that it tells of.
    revision: i64,
    der: Arc<[u8]>,
}

impl Shelf {
    fn slot(&self, id: &ListId) -> Slot {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lists.entry(id.clone()).or_default())
    }
}

impl Service {
    /// A revocation list (RFC 5280 §5), DER: of the issuing authority with that key identifier, or
    /// of the first one; a shard, or the complete one. `None` where there is no such list.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn crl(
        &self,
        issuer: Option<&str>,
        shard: Option<u16>,
    ) -> Result<Option<Arc<[u8]>>, Error> {
        let anchors = self.anchors();
        let issuer = issuer.unwrap_or(anchors.first_issuer());
        let Some(known) = anchors.issuer_with(issuer) else {
            return Ok(None);
        };
        let shards = known
            .pointers()
            .lists
            .as_ref()
            .map_or(0, |_| MAX_CRL_SHARDS);
        if shard.is_some_and(|shard| shard >= shards) {
            return Ok(None);
        }
        let id = ListId {
            issuer: issuer.to_owned(),
            shard,
        };
        self.list(id, KEPT).await.map(Some)
    }

    /// Makes all lists ahead that relying parties would otherwise wait for: those that were outdated,
    /// and those that are no longer young.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn publish_revocation_lists(&self) -> Result<(), Error> {
        for id in self.published_lists() {
            self.list(id, RENEWED_AFTER).await?;
        }
        Ok(())
    }

    /// All revocation lists, each with its path below the folder in which they are published.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn revocation_lists(&self) -> Result<Vec<(String, Arc<[u8]>)>, Error> {
        let root = self.root_list().map(|list| ("root.crl".to_owned(), list));
        let mut lists: Vec<_> = root.into_iter().collect();
        for id in self.published_lists() {
            let path = match id.shard {
                None => format!("{}.crl", id.issuer),
                Some(shard) => format!("{}/{shard}.crl", id.issuer),
            };
            lists.push((path, self.list(id, Duration::ZERO).await?));
        }
        Ok(lists)
    }

    fn published_lists(&self) -> Vec<ListId> {
        let mut ids = Vec::new();
        for (issuer, shards) in self.anchors().publishing(self.now()) {
            let shards = [None].into_iter().chain((0..shards).map(Some));
            ids.extend(shards.map(|shard| ListId {
                issuer: issuer.clone(),
                shard,
            }));
        }
        ids
    }

    /// A list that tells of every change that is known, and is no older than this.
    async fn list(&self, id: ListId, kept: Duration) -> Result<Arc<[u8]>, Error> {
        let slot = self.inner.revocation.lists.slot(&id);
        let mut slot = slot.lock().await;
        let (now, revision) = (self.now(), self.keep_up().await?);
        let changed = self.inner.revocation.seen().changed.get(&id).copied();
        if let Some(made) = &*slot
            && (made.at..made.at + kept).contains(&now)
            && changed.is_none_or(|changed| changed <= made.revision)
        {
            return Ok(Arc::clone(&made.der));
        }

        let mut reader = self.store().read().await?;
        let (after, shard) = (now - LIFETIME, id.shard.map(i64::from));
        let rows = store::certificates::not_good(&mut reader, &id.issuer, shard, after).await?;
        let mut folders = store::authority_certificates::folders(&mut reader, &id.issuer).await?;
        drop(reader);
        let entries: Vec<_> = rows
            .into_iter()
            .map(|(serial_hex, _, at, reason)| Entry {
                serial_hex,
                at,
                reason,
            })
            .collect();
        let anchors = self.anchors();
        let gone = || Error::Internal("an issuing authority is gone".into());
        let issuer = anchors.issuer_with(&id.issuer).ok_or_else(gone)?;
        let now_in = issuer.pointers().lists.as_ref().map(|lists| &lists.folder);
        folders.extend(now_in.filter(|folder| !folders.contains(folder)).cloned());
        let shard = id.shard.into_iter();
        let addresses: Vec<_> = shard
            .flat_map(|shard| {
                folders
                    .iter()
                    .map(move |folder| Lists::address_in(folder, shard))
            })
            .collect();
        let issuer = issuer.clone();
        let number = next_number(slot.as_ref().map_or(0, |made| made.number), now);
        let der: Arc<[u8]> = self
            .at_work(move |_| {
                let (from, until) = (now - BACKDATED, now + LIFETIME);
                crl::build(&issuer, number, from, until, &entries, &addresses)
            })
            .await?
            .map_err(issuing)?
            .into();
        *slot = Some(Made {
            number,
            at: now,
            revision,
            der: Arc::clone(&der),
        });
        Ok(der)
    }
}

/// Milliseconds grow from list to list, over restarts and processes too.
fn next_number(last: u64, now: OffsetDateTime) -> u64 {
    let milliseconds = now.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(milliseconds).unwrap_or(0).max(last + 1)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn numbers_grow_even_where_the_clock_does_not() {
        let now = datetime!(2026-03-01 12:00:00.25 UTC);
        let first = next_number(0, now);
        assert_eq!(first, 1_772_366_400_250);
        assert_eq!(next_number(first, now), first + 1);
        assert_eq!(next_number(first, now - Duration::HOUR), first + 1);
        assert_eq!(next_number(first, now + Duration::SECOND), first + 1000);
    }
}
