//! The issuing CA's revocation list.
//!
//! It is made when somebody asks, and kept until something is revoked in this process, or for a
//! minute: another process may have revoked something too.

use pki::crl::{self, Entry};
use time::{Duration, OffsetDateTime};

use crate::issuance::BACKDATED;
use crate::trust::issuing;
use crate::{Error, Service};

/// How long a list is handed out before it is made again.
const KEPT: Duration = Duration::MINUTE;
/// How long relying parties may go without a newer one. A certificate stays on the list for as long
/// after its end, so that at least one list after it names it (RFC 5280 §3.3).
const LIFETIME: Duration = Duration::DAY;

/// The list that was made last. Its lock is held while one is made: one at a time.
#[derive(Default)]
pub(crate) struct RevocationList(tokio::sync::Mutex<Last>);

#[derive(Default)]
struct Last {
    /// The number it had; the next one is higher, even within a millisecond.
    number: u64,
    /// When it was made and what it is, unless it is out of date.
    made: Option<(OffsetDateTime, Vec<u8>)>,
}

impl Service {
    /// The issuing CA's revocation list (RFC 5280 §5), DER.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn crl(&self) -> Result<Vec<u8>, Error> {
        let mut last = self.inner.revocation_list.0.lock().await;
        let now = self.now();
        if let Some((at, list)) = &last.made
            && (*at..*at + KEPT).contains(&now)
        {
            return Ok(list.clone());
        }
        let mut reader = self.store().read().await?;
        let rows = store::certificates::not_good(&mut reader, now - LIFETIME).await?;
        drop(reader);
        let entries: Vec<_> = rows
            .into_iter()
            .map(|(serial_hex, _, at, reason)| Entry {
                serial_hex,
                at,
                reason,
            })
            .collect();
        let number = next_number(last.number, now);
        let list = self
            .at_work(move |service| {
                let anchors = service.anchors();
                let issuer = anchors.issuer();
                crl::build(issuer, number, now - BACKDATED, now + LIFETIME, &entries)
            })
            .await?
            .map_err(issuing)?;
        *last = Last {
            number,
            made: Some((now, list.clone())),
        };
        Ok(list)
    }

    /// After a commit that changed how a certificate stands: the next list is a new one.
    pub(crate) async fn outdate_revocation_list(&self) {
        self.inner.revocation_list.0.lock().await.made = None;
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
