//! Asking somebody else's time-stamping unit (RFC 3161, RFC 5816). How the request travels is not
//! decided here.

use std::sync::atomic::{AtomicUsize, Ordering};

use const_oid::ObjectIdentifier;
use time::{Duration, OffsetDateTime};

use super::info::Info;
use super::sha256_imprint;
use crate::decode::{self, BIT_STRING, Elements, SEQUENCE};
use crate::verify::{VerifyError, verify_time_stamp};
use crate::{PkiError, encode};

/// No answer is longer than this, in bytes; whoever fetches it need not read further.
pub const MAX_RESPONSE_LEN: usize = 64 << 10;

/// How far the unit's clock may be from ours.
pub const MAX_SKEW: Duration = Duration::minutes(5);

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The bytes are no TimeStampResp.
    #[error("the answer is no TimeStampResp")]
    Unreadable,
    /// The unit said no.
    #[error("the unit refused: {0}")]
    Refused(String),
    /// The token is about something else than what was asked.
    #[error("the token {0}")]
    Other(&'static str),
    /// The token's signature, certificate or chain does not hold.
    #[error("the token does not hold: {0}")]
    Invalid(#[from] VerifyError),
}

impl From<PkiError> for TokenError {
    fn from(_: PkiError) -> Self {
        TokenError::Unreadable
    }
}

/// A question to a time-stamping unit, which knows what answer it takes.
#[derive(Debug, Clone)]
pub struct Request {
    imprint: [u8; 32],
    nonce: [u8; 8],
    policy: Option<ObjectIdentifier>,
}

impl Request {
    /// About a SHA-256 `imprint`. The `nonce` must be fresh from a source of randomness; it has 64
    /// bits, which is what units everywhere can echo.
    pub fn new(imprint: [u8; 32], nonce: [u8; 8]) -> Self {
        Self {
            imprint,
            nonce,
            policy: None,
        }
    }

    /// To be answered under this policy and no other.
    pub fn under(self, policy: ObjectIdentifier) -> Self {
        Self {
            policy: Some(policy),
            ..self
        }
    }

    /// The DER TimeStampReq, which asks for the unit's certificates too.
    pub fn to_der(&self) -> Vec<u8> {
        let policy = self.policy.as_ref().map(encode::oid);
        encode::sequence(&[
            &encode::small(1),
            &sha256_imprint(&self.imprint),
            policy.as_deref().unwrap_or_default(),
            &encode::unsigned(&self.nonce),
            &encode::TRUE,
        ])
    }

    /// Takes the token out of a DER TimeStampResp: it is granted, about this imprint, for this
    /// request and no other, of a time near `now`, and of a unit that one of `roots` (DER
    /// certificates) vouches for.
    pub fn accept(
        &self,
        response: &[u8],
        roots: &[Vec<u8>],
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, TokenError> {
        let token = granted(response)?;
        let info = Info::of_token(token)?;
        if info.imprint != sha256_imprint(&self.imprint) && !self.is_imprinted_with_null(&info) {
            return Err(TokenError::Other("is about another imprint"));
        }
        if info.nonce != Some(&encode::unsigned(&self.nonce)[..]) {
            return Err(TokenError::Other("answers another request"));
        }
        if self.policy.is_some_and(|policy| policy != info.policy) {
            return Err(TokenError::Other("is under another policy"));
        }
        if (info.time - now).abs() > MAX_SKEW {
            return Err(TokenError::Other("is of a time that is not now"));
        }
        verify_time_stamp(token, &self.imprint, roots)?;
        Ok(token.to_vec())
    }

    /// The same imprint with NULL parameters of its algorithm, as some units rewrite it (RFC 5754
    /// §2 takes both forms).
    fn is_imprinted_with_null(&self, info: &Info<'_>) -> bool {
        let algorithm = encode::sequence(&[&encode::oid(&crate::oid::SHA256), &encode::NULL]);
        info.imprint == encode::sequence(&[&algorithm, &encode::octet_string(&self.imprint)])
    }
}

/// The token of a response that grants one (RFC 3161 §2.4.2).
fn granted(response: &[u8]) -> Result<&[u8], TokenError> {
    const WHAT: &str = "TimeStampResp";
    const GRANTED: &[u8] = &[0];
    const GRANTED_WITH_MODIFICATIONS: &[u8] = &[1];
    if response.len() > MAX_RESPONSE_LEN {
        return Err(TokenError::Unreadable);
    }
    let mut parts = Elements::of(SEQUENCE, response, WHAT)?;
    let mut status = parts.inside(SEQUENCE)?;
    let code = status.integer()?;
    if code != GRANTED && code != GRANTED_WITH_MODIFICATIONS {
        let text = status.optional(SEQUENCE)?;
        let failure = status.optional(BIT_STRING)?;
        return Err(TokenError::Refused(refusal(text, failure)));
    }
    let token = parts.next(SEQUENCE)?;
    parts.finish()?;
    Ok(token)
}

/// What a PKIStatusInfo says about why not: the failure, and the unit's own words, shortened and
/// without control characters.
fn refusal(text: Option<&[u8]>, failure: Option<&[u8]>) -> String {
    const LONGEST: usize = 200;
    let failure = failure
        .and_then(|element| decode::content(BIT_STRING, element))
        .and_then(first_bit)
        .map_or("no reason that is known", |bit| match bit {
            0 => "unrecognized or unsupported algorithm",
            2 => "the transaction is not permitted or supported",
            5 => "the data has the wrong format",
            14 => "its time source is not available",
            15 => "the policy is not supported",
            16 => "an extension is not supported",
            17 => "additional information is not available",
            25 => "system failure",
            _ => "no reason that is known",
        });
    let words: String = text
        .and_then(|element| decode::content(SEQUENCE, element))
        .and_then(|list| decode::first(list))
        .and_then(|first| decode::content(0x0c, first))
        .map(String::from_utf8_lossy)
        .into_iter()
        .flat_map(|words| {
            let words: Vec<_> = words.chars().filter(|c| !c.is_control()).collect();
            words.into_iter().take(LONGEST)
        })
        .collect();
    match words.is_empty() {
        true => failure.to_owned(),
        false => format!("{failure} ({words})"),
    }
}

/// The number of the first bit that is set in a BIT STRING's content.
fn first_bit(content: &[u8]) -> Option<usize> {
    let bytes = content.get(1..)?;
    let at = bytes.iter().position(|byte| *byte != 0)?;
    Some(at * 8 + bytes[at].leading_zeros() as usize)
}

/// How long the tokens of somebody else's unit get, learned from those that came: a container's
/// size must be known before its token is.
#[derive(Debug)]
pub struct LearnedSize(AtomicUsize);

impl LearnedSize {
    /// Reserved for a unit of which no token has come yet: enough for a chain of three RSA-4096
    /// certificates.
    pub const AT_FIRST: usize = 12 << 10;

    /// From the longest token seen in earlier times, if there was one.
    pub fn new(longest: Option<usize>) -> Self {
        Self(AtomicUsize::new(longest.unwrap_or_default()))
    }

    /// Takes note of a token's length.
    pub fn learn(&self, len: usize) {
        self.0.fetch_max(len, Ordering::Relaxed);
    }

    /// The longest token that came so far, to be kept for [`LearnedSize::new`].
    pub fn longest(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|longest| *longest > 0)
    }

    /// What to reserve: an eighth more than the longest that came and half a KiB, since serial
    /// numbers grow, times may have fractions and certificates are renewed.
    pub fn reserve(&self) -> usize {
        match self.longest() {
            Some(longest) => longest + longest / 8 + 512,
            None => Self::AT_FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_reserve_follows_the_longest_token() {
        let size = LearnedSize::new(None);
        assert_eq!(
            (size.longest(), size.reserve()),
            (None, LearnedSize::AT_FIRST)
        );
        size.learn(8000);
        size.learn(4000);
        assert_eq!(
            (size.longest(), size.reserve()),
            (Some(8000), 8000 + 1000 + 512)
        );
        assert_eq!(LearnedSize::new(Some(8000)).reserve(), size.reserve());
    }

    #[test]
    fn a_units_words_are_shortened_and_harmless() {
        let words = format!("no\u{1b}[2J {}", "x".repeat(1000));
        let text = encode::sequence(&[&encode::utf8(&words)]);
        let failure = encode::single_bit(15);
        let said = refusal(Some(&text), Some(&failure));
        assert!(
            said.starts_with("the policy is not supported (no[2J x"),
            "{said}"
        );
        assert!(said.len() < 300 && !said.contains('\u{1b}'));
        assert_eq!(refusal(None, None), "no reason that is known");
    }
}
