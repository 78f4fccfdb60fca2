//! The link: which request it leads to, and whether it opens for the device that follows it.
//!
//! A device becomes known when a code is sent from it, and keeps the enrolment to itself until that
//! code has expired. The device that completes an enrolment stays known until the link expires: it
//! may read the signed contract and take the file.

use model::Status;
use model::otp::Purpose;
use store::{Enrolment as Row, Reader};
use time::OffsetDateTime;

use super::LinkRefusal;
use crate::case::Case;
use crate::{Error, Service};

/// Where a link leads.
pub(super) struct Link {
    pub(super) row: Row,
    pub(super) case: Case,
    /// Whether its codes were guessed at.
    guessed: bool,
}

/// How a link stands towards a device that it opens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Enrolment can begin.
    Open,
    /// Enrolment goes on on this device, whose code has not expired.
    UnderWay,
    /// This device completed the enrolment.
    Completed,
}

impl Link {
    pub(super) fn standing(
        &self,
        device: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Standing, Error> {
        let device = device.map(device_digest);
        let status = self.case.row.status;
        standing(&self.row, status, self.guessed, device, now).map_err(Error::LinkRefused)
    }

    /// As [`Link::standing`], unless enrolment is complete.
    pub(super) fn open(
        &self,
        device: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Standing, Error> {
        match self.standing(device, now)? {
            Standing::Completed => Err(Error::LinkRefused(LinkRefusal::Used)),
            standing => Ok(standing),
        }
    }

    /// Whether the link's device is this one.
    pub(super) fn knows(&self, device: Option<&str>) -> bool {
        device.is_some_and(|device| self.row.device == Some(device_digest(device)))
    }
}

fn standing(
    row: &Row,
    status: Status,
    guessed: bool,
    device: Option<[u8; 32]>,
    now: OffsetDateTime,
) -> Result<Standing, LinkRefusal> {
    let known = device.is_some() && device == row.device;
    let expired = now >= row.expires_at;
    if status == Status::Cancelled {
        Err(LinkRefusal::Cancelled)
    } else if row.completed_at.is_some() || status.is_issued() {
        match known && !expired {
            true => Ok(Standing::Completed),
            false => Err(LinkRefusal::Used),
        }
    } else if expired {
        Err(LinkRefusal::Expired)
    } else if guessed {
        Err(LinkRefusal::Guessed)
    } else if row.device_until.is_none_or(|until| now >= until) {
        Ok(Standing::Open)
    } else if known {
        Ok(Standing::UnderWay)
    } else {
        Err(LinkRefusal::OtherDevice)
    }
}

/// The digest that finds a link by its token, which may be typed in either case.
pub(crate) fn token_digest(token: &str) -> [u8; 32] {
    crypto::sha256(token.trim().to_ascii_lowercase().as_bytes())
}

pub(super) fn device_digest(device: &str) -> [u8; 32] {
    crypto::sha256(device.trim().as_bytes())
}

impl Service {
    /// Follows a link. A file that nobody took in time is erased on the way.
    pub(super) async fn follow(&self, token: &str) -> Result<Link, Error> {
        let unknown = || Error::LinkRefused(LinkRefusal::Unknown);
        let mut reader = self.store().read().await?;
        let row = store::enrolments::by_token(&mut reader, &token_digest(token))
            .await?
            .ok_or_else(unknown)?;
        let case = self.reopen(&mut reader, row.request).await?;
        let guessed = codes_guessed(&mut reader, &case).await?;
        drop(reader);
        let mut link = Link { row, case, guessed };
        if link.row.pickup.is_some() && self.now() >= link.row.expires_at {
            let mut tx = self.store().begin().await?;
            self.relock(&mut tx, link.case.pk()).await?;
            link.row.pickup = None;
            store::enrolments::update(&mut tx, &link.row).await?;
            self.commit(tx).await?;
        }
        Ok(link)
    }

    /// As [`Service::follow`], holding the request's row until the transaction ends.
    pub(super) async fn follow_locked(
        &self,
        tx: &mut store::Tx,
        link: &Link,
    ) -> Result<Link, Error> {
        let case = self.relock(tx, link.case.pk()).await?;
        let row = store::enrolments::get(tx, case.pk())
            .await?
            .filter(|row| row.token_digest == link.row.token_digest)
            .ok_or(Error::LinkRefused(LinkRefusal::Unknown))?;
        let guessed = codes_guessed(tx, &case).await?;
        Ok(Link { row, case, guessed })
    }
}

async fn codes_guessed(reads: &mut Reader, case: &Case) -> Result<bool, Error> {
    let otp = store::otps::get(reads, case.pk(), Purpose::Enrol).await?;
    Ok(otp.is_some_and(|otp| otp.state.is_guessed()))
}

#[cfg(test)]
mod tests {
    use model::RequestPk;
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn row() -> Row {
        Row {
            request: RequestPk(1001),
            token_digest: token_digest("ab"),
            token: Vec::new(),
            created_at: NOW - Duration::days(1),
            expires_at: NOW + Duration::days(14),
            device: None,
            device_until: None,
            completed_at: None,
            pickup: None,
        }
    }

    fn begun_on(device: &str) -> Row {
        Row {
            device: Some(device_digest(device)),
            device_until: Some(NOW + Duration::minutes(10)),
            ..row()
        }
    }

    fn seen(
        row: &Row,
        status: Status,
        device: &str,
        at: Duration,
    ) -> Result<Standing, LinkRefusal> {
        let device = Some(device).filter(|device| !device.is_empty());
        standing(row, status, false, device.map(device_digest), NOW + at)
    }

    #[test]
    fn a_fresh_link_opens_for_everybody_until_it_expires() {
        let (ready, row) = (Status::EnrollReady, row());
        assert_eq!(seen(&row, ready, "", Duration::ZERO), Ok(Standing::Open));
        assert_eq!(seen(&row, ready, "a", Duration::ZERO), Ok(Standing::Open));
        let last = Duration::days(14) - Duration::SECOND;
        assert_eq!(seen(&row, ready, "", last), Ok(Standing::Open));
        let late = seen(&row, ready, "", Duration::days(14));
        assert_eq!(late, Err(LinkRefusal::Expired));
    }

    #[test]
    fn a_device_keeps_the_enrolment_to_itself_while_its_code_is_good() {
        let (ready, row) = (Status::EnrollReady, begun_on("a"));
        let other = Err(LinkRefusal::OtherDevice);
        assert_eq!(
            seen(&row, ready, "a", Duration::ZERO),
            Ok(Standing::UnderWay)
        );
        assert_eq!(seen(&row, ready, "b", Duration::ZERO), other);
        assert_eq!(seen(&row, ready, "", Duration::ZERO), other);
        let later = Duration::minutes(10);
        assert_eq!(seen(&row, ready, "a", later), Ok(Standing::Open));
        assert_eq!(seen(&row, ready, "b", later), Ok(Standing::Open));
    }

    #[test]
    fn a_used_link_shows_the_result_to_its_own_device_only() {
        let completed = Row {
            completed_at: Some(NOW),
            ..begun_on("a")
        };
        let used = Err(LinkRefusal::Used);
        let issued = Status::Issued;
        assert_eq!(
            seen(&completed, issued, "a", Duration::days(1)),
            Ok(Standing::Completed)
        );
        assert_eq!(seen(&completed, issued, "b", Duration::days(1)), used);
        assert_eq!(seen(&completed, issued, "", Duration::days(1)), used);
        assert_eq!(seen(&completed, issued, "a", Duration::days(14)), used);
        // Enrolled by a call of the API: no device ever was.
        assert_eq!(seen(&row(), Status::Renewed, "", Duration::ZERO), used);
    }

    #[test]
    fn guessing_closes_a_link_that_still_opens_on_every_device() {
        let after = |row: &Row, status, device| {
            standing(row, status, true, Some(device_digest(device)), NOW)
        };
        let guessed = Err(LinkRefusal::Guessed);
        for row in [row(), begun_on("a")] {
            for device in ["a", "b"] {
                assert_eq!(after(&row, Status::EnrollReady, device), guessed);
            }
        }
        let late = Row {
            expires_at: NOW,
            ..row()
        };
        let expired = Err(LinkRefusal::Expired);
        assert_eq!(after(&late, Status::EnrollReady, "a"), expired);
        let used = Err(LinkRefusal::Used);
        assert_eq!(after(&row(), Status::Issued, "a"), used);
    }

    #[test]
    fn a_cancelled_request_closes_its_link() {
        let cancelled = Err(LinkRefusal::Cancelled);
        for row in [row(), begun_on("a")] {
            assert_eq!(
                seen(&row, Status::Cancelled, "a", Duration::ZERO),
                cancelled
            );
        }
    }

    #[test]
    fn tokens_are_found_in_either_case() {
        assert_eq!(token_digest(" 0AbC "), token_digest("0abc"));
        assert_ne!(token_digest("0abc"), token_digest("0abd"));
    }
}
