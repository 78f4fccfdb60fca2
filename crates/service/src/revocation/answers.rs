//! OCSP: answers on demand, and answers kept for who asks the same.

use std::collections::HashMap;
use std::sync::Arc;

use pki::ocsp::{self, Refusal, Status};
use store::CertificateState;
use time::OffsetDateTime;

use crate::trust::issuing;
use crate::{Error, Service};

/// No more answers than this are kept, each of about 1 KiB.
const KEPT_AT_MOST: usize = 32_768;

/// An OCSP answer.
pub struct OcspAnswer {
    /// The OCSPResponse, DER.
    pub der: Arc<[u8]>,
    /// Between which instants others may hand it out as well; `None` for what is only for whoever
    /// asked: refusals, and answers to a nonce.
    pub fresh: Option<Freshness>,
}

/// From when until when an OCSP answer may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When it was known to be right.
    pub this_update: OffsetDateTime,
    /// When there is a newer one at the latest.
    pub next_update: OffsetDateTime,
}

impl Freshness {
    /// Whether whoever gets the answer now can rely on it for half of its time at least.
    fn serves_at(self, now: OffsetDateTime) -> bool {
        let half = (self.next_update - self.this_update) / 2;
        (self.this_update..self.this_update + half).contains(&now)
    }
}

impl OcspAnswer {
    fn refusing(refusal: Refusal) -> Self {
        Self {
            der: refusal.response().into(),
            fresh: None,
        }
    }
}

/// Answers that were given, by the CertID that they are about. Where there are too many, the older
/// half goes.
#[derive(Default)]
pub(super) struct Ahead {
    younger: HashMap<Vec<u8>, Kept>,
    older: HashMap<Vec<u8>, Kept>,
    /// CertIDs by serial number: clients name the same issuer by different hashes.
    named: HashMap<String, Vec<Vec<u8>>>,
}

#[derive(Clone)]
struct Kept {
    serial: String,
    der: Arc<[u8]>,
    fresh: Freshness,
}

impl Ahead {
    fn get(&self, id: &[u8], now: OffsetDateTime) -> Option<OcspAnswer> {
        let kept = self.younger.get(id).or_else(|| self.older.get(id))?;
        kept.fresh.serves_at(now).then(|| OcspAnswer {
            der: Arc::clone(&kept.der),
            fresh: Some(kept.fresh),
        })
    }

    fn keep(&mut self, id: &[u8], kept: Kept) {
        if self.younger.len() >= KEPT_AT_MOST / 2 {
            self.older = std::mem::take(&mut self.younger);
            self.named.clear();
            for (id, kept) in &self.older {
                let ids = self.named.entry(kept.serial.clone()).or_default();
                ids.push(id.clone());
            }
        }
        let ids = self.named.entry(kept.serial.clone()).or_default();
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_vec());
        }
        self.younger.insert(id.to_vec(), kept);
    }

    pub(super) fn forget(&mut self, serial: &str) {
        for id in self.named.remove(serial).unwrap_or_default() {
            self.younger.remove(&id);
            self.older.remove(&id);
        }
    }
}

impl Service {
    /// Answers an OCSP request (RFC 6960), DER for DER. What cannot be answered is refused in
    /// the protocol's own words.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn ocsp(&self, request: &[u8]) -> Result<OcspAnswer, Error> {
        let request = match ocsp::Request::parse(request) {
            Ok(request) => request,
            Err(refusal) => return Ok(OcspAnswer::refusing(refusal)),
        };
        let anchors = self.anchors();
        let Some((issuer, responder)) = anchors.responder_for(&request) else {
            return Ok(OcspAnswer::refusing(Refusal::Unauthorized));
        };
        let (now, revision) = (self.now(), self.keep_up().await?);
        if let Some(id) = request.common()
            && let Some(answer) = self.inner.revocation.seen().answers.get(id, now)
        {
            return Ok(answer);
        }

        let mut known = HashMap::new();
        let mut reader = self.store().read().await?;
        for serial in request.serials() {
            let standing = match anchors.established(issuer, serial) {
                true => self.standing_of_authority(&anchors, issuer, serial)?,
                false => standing(&mut reader, issuer, serial).await?,
            };
            known.insert(serial.to_owned(), standing);
        }
        drop(reader);
        let fresh = Freshness {
            this_update: now,
            next_update: now + responder.fresh_for(),
        };
        let id = request.common().map(<[u8]>::to_vec);
        let responder = Arc::clone(responder);
        let (der, known) = self
            .at_light_work_if(responder.may_block(), move |_| {
                let lookup = |serial: &str| known.get(serial).copied().unwrap_or(Status::Unknown);
                (responder.respond(&request, lookup, now), known)
            })
            .await?;
        let der: Arc<[u8]> = der.map_err(issuing)?.into();
        let Some(id) = id else {
            return Ok(OcspAnswer { der, fresh: None });
        };
        if let Some((serial, standing)) = known.into_iter().next()
            && standing != Status::Unknown
        {
            let mut seen = self.inner.revocation.seen();
            // What changed in the meantime may be this very certificate.
            if seen.revision == revision {
                let kept = Kept {
                    serial,
                    der: Arc::clone(&der),
                    fresh,
                };
                seen.answers.keep(&id, kept);
            }
        }
        Ok(OcspAnswer {
            der,
            fresh: Some(fresh),
        })
    }
}

/// How a certificate stands that is none of the authorities' own.
async fn standing(reader: &mut store::Reader, issuer: &str, serial: &str) -> Result<Status, Error> {
    let row = store::certificates::get(reader, serial).await?;
    let Some(row) = row.filter(|row| row.issuer == issuer) else {
        return Ok(Status::Unknown);
    };
    Ok(match row.state {
        CertificateState::Recorded => Status::Unknown,
        CertificateState::Valid => Status::Good,
        CertificateState::Suspended | CertificateState::Revoked => Status::Revoked {
            at: row.revoked_at.unwrap_or(row.not_before),
            reason: row.reason,
        },
    })
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn kept(serial: &str) -> Kept {
        Kept {
            serial: serial.to_owned(),
            der: serial.as_bytes().into(),
            fresh: Freshness {
                this_update: NOW,
                next_update: NOW + Duration::HOUR,
            },
        }
    }

    #[test]
    fn an_answer_serves_for_half_of_its_time() {
        let mut ahead = Ahead::default();
        ahead.keep(b"id", kept("0a"));
        let at = |minutes| NOW + Duration::minutes(minutes);
        assert_eq!(&*ahead.get(b"id", NOW).unwrap().der, b"0a");
        assert!(ahead.get(b"id", at(29)).is_some());
        assert!(ahead.get(b"id", at(30)).is_none());
        assert!(ahead.get(b"id", at(-1)).is_none(), "the clock went back");
        assert!(ahead.get(b"other", NOW).is_none());
    }

    #[test]
    fn what_is_known_of_a_certificate_goes_by_every_name() {
        let mut ahead = Ahead::default();
        for id in [b"sha1", b"sha2"] {
            ahead.keep(id, kept("0a"));
        }
        ahead.keep(b"else", kept("0b"));
        ahead.forget("0a");
        assert!(ahead.get(b"sha1", NOW).is_none() && ahead.get(b"sha2", NOW).is_none());
        assert!(ahead.get(b"else", NOW).is_some());
        ahead.forget("0c");
    }

    #[test]
    fn there_are_never_too_many_and_the_newest_stay() {
        let mut ahead = Ahead::default();
        let id = |number: usize| number.to_be_bytes();
        for number in 0..2 * KEPT_AT_MOST {
            ahead.keep(&id(number), kept(&format!("{number:x}")));
            assert!(ahead.younger.len() + ahead.older.len() <= KEPT_AT_MOST);
            assert!(ahead.named.len() <= KEPT_AT_MOST);
        }
        assert!(ahead.get(&id(2 * KEPT_AT_MOST - 1), NOW).is_some());
        assert!(ahead.get(&id(0), NOW).is_none());
        let older = KEPT_AT_MOST + KEPT_AT_MOST / 2 + 1;
        assert!(ahead.get(&id(older), NOW).is_some());
        ahead.forget(&format!("{older:x}"));
        assert!(ahead.get(&id(older), NOW).is_none());
    }
}
