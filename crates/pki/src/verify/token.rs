//! Others' time-stamp tokens (RFC 3161 §2.4.2).

use crypto::foreign::Hash;
use time::{Duration, OffsetDateTime};

use super::{SignedData, VerifyError, algorithm};
use crate::decode::{Elements, GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE};
use crate::{PkiError, oid};

const WHAT: &str = "time-stamp token";

/// TSTInfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// When what was stamped existed.
    pub time: OffsetDateTime,
    /// The hash of the imprint.
    pub hash: Hash,
    imprint: Vec<u8>,
}

impl TokenInfo {
    /// From the content of a token.
    pub fn read(token: &SignedData<'_>) -> Result<Self, VerifyError> {
        let info = token
            .content
            .filter(|_| token.content_type == oid::CT_TST_INFO)
            .ok_or(PkiError::Malformed(WHAT))?;
        let mut parts = Elements::of(SEQUENCE, info, WHAT)?;
        parts.integer()?;
        parts.oid()?;
        let mut message = parts.inside(SEQUENCE)?;
        let hash = algorithm::hash(message.next(SEQUENCE)?)?;
        let imprint = message.content(OCTET_STRING)?.to_vec();
        message.finish()?;
        parts.next(INTEGER)?;
        let time = generalized_time(parts.content(GENERALIZED_TIME)?)?;
        Ok(Self {
            time,
            hash,
            imprint,
        })
    }

    /// Whether it is over this content, in pieces.
    pub fn is_over(&self, pieces: &[&[u8]]) -> bool {
        self.imprint == self.hash.of(pieces)
    }

    /// Whether it is over content with this digest by that hash.
    pub fn is_over_digest(&self, hash: Hash, digest: &[u8]) -> bool {
        self.hash == hash && self.imprint == digest
    }
}

/// `YYYYMMDDhhmmss[.f…]Z`: fractions are allowed here, unlike in certificates.
fn generalized_time(content: &[u8]) -> Result<OffsetDateTime, PkiError> {
    const MALFORMED: PkiError = PkiError::Malformed(WHAT);
    let (whole, fraction) = match content {
        [whole @ .., b'Z'] if whole.len() == 14 => (whole, &[][..]),
        [whole @ .., b'Z'] if whole.len() > 15 && whole[14] == b'.' => (&whole[..14], &whole[15..]),
        _ => return Err(MALFORMED),
    };
    let element = crate::encode::tlv(GENERALIZED_TIME, &[whole, b"Z"]);
    let framed = crate::encode::sequence(&[&element]);
    let time = Elements::of(SEQUENCE, &framed, WHAT)?.generalized_time()?;
    let mut unit = 100_000_000;
    let mut nanoseconds = 0;
    for digit in fraction {
        let digit = char::from(*digit).to_digit(10).ok_or(MALFORMED)?;
        nanoseconds += i64::from(digit) * unit;
        unit /= 10;
    }
    Ok(time + Duration::nanoseconds(nanoseconds))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn fractions_of_seconds_are_kept() {
        let read = |text: &[u8]| generalized_time(text).ok();
        assert_eq!(
            read(b"20261122093718Z"),
            Some(datetime!(2026-11-22 09:37:18 UTC))
        );
        assert_eq!(
            read(b"20261122093718.25Z"),
            Some(datetime!(2026-11-22 09:37:18.25 UTC))
        );
        for wrong in [
            &b"20261122093718"[..],
            b"20261122093718.Z",
            b"20261322093718Z",
            b"2026112209371x.5Z",
        ] {
            assert_eq!(read(wrong), None);
        }
    }
}
