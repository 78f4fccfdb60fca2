//! One-time codes: how long they live, how often they may be tried, what they are bound to.

use time::{Duration, OffsetDateTime};

use crate::ports::Entropy;

/// Wrong codes in a row, over all codes of one request and purpose, after which none is sent or
/// accepted any more. NIST SP 800-63B allows 100 at most.
pub const MOST_FAILURES: i64 = 50;

/// The rules for one-time codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtpPolicy {
    /// Decimal digits of a code, 4 to 10.
    pub digits: u32,
    /// How long a code may be used.
    pub lifetime: Duration,
    /// Wrong codes after which it is void.
    pub attempts: i64,
    /// Pause between two codes for one request.
    pub cooldown: Duration,
}

impl Default for OtpPolicy {
    /// Six digits, ten minutes, five attempts, sixty seconds apart.
    fn default() -> Self {
        Self {
            digits: 6,
            lifetime: Duration::minutes(10),
            attempts: 5,
            cooldown: Duration::seconds(60),
        }
    }
}

impl OtpPolicy {
    /// Draws a code, each equally likely.
    pub fn draw(&self, entropy: &dyn Entropy) -> String {
        let codes = 10_u64.pow(self.digits);
        // Values from the incomplete last span would make low codes likelier: draw again.
        let fair = u64::MAX - u64::MAX % codes;
        loop {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            let drawn = u64::from_le_bytes(bytes);
            if drawn < fair {
                return format!("{:0width$}", drawn % codes, width = self.digits as usize);
            }
        }
    }

    /// The state of a new code in place of the previous one, whose wrong tries it goes on counting.
    pub fn generate(
        &self,
        previous: Option<&OtpState>,
        binding: Option<[u8; 32]>,
        now: OffsetDateTime,
    ) -> Result<OtpState, NoCode> {
        if let Some(previous) = previous {
            let made = previous.created_at;
            if previous.is_guessed() {
                return Err(NoCode::Guessed);
            // A moment to come says that the clock was set back: nobody waits for it once more.
            } else if (made..made + self.cooldown).contains(&now) {
                return Err(NoCode::TooSoon);
            }
        }
        Ok(OtpState {
            created_at: now,
            expires_at: now + self.lifetime,
            attempts_left: self.attempts,
            failures: previous.map_or(0, |previous| previous.failures),
            consumed: false,
            binding,
        })
    }
}

/// Why no code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCode {
    /// The last one was made a moment ago.
    TooSoon,
    /// Codes were guessed at, [`MOST_FAILURES`] times.
    Guessed,
}

/// What a code opens. A request has at most one code for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The one act of signing with a one-time key.
    Sign,
    /// The subscriber's enrolment.
    Enrol,
    /// A new PIN in place of a locked one.
    Unlock,
    /// One signature with a key in the cloud.
    CloudSign,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 4] = [
        Purpose::Sign,
        Purpose::Enrol,
        Purpose::Unlock,
        Purpose::CloudSign,
    ];
}

/// A code that was generated, without the code itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtpState {
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it stops being usable.
    pub expires_at: OffsetDateTime,
    /// Wrong tries left.
    pub attempts_left: i64,
    /// Wrong tries in a row, those at the codes before it included.
    pub failures: i64,
    /// Whether it was used.
    pub consumed: bool,
    /// What it approves: a digest over the documents and the contract, as they stood when it was
    /// made. `None` where no document was there yet: then what stands at its use counts.
    pub binding: Option<[u8; 32]>,
}

/// Why a code does not open anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtpRefusal {
    /// Not the code that was sent. Costs an attempt.
    #[error("wrong code")]
    Wrong,
    /// Too late.
    #[error("the code has expired")]
    Expired,
    /// Too many wrong tries.
    #[error("too many wrong codes; ask for a new one")]
    Exhausted,
    /// Too many wrong tries in a row, over all codes.
    #[error("too many wrong codes in a row; no code is accepted any more")]
    Guessed,
    /// Used before.
    #[error("the code was used before")]
    Consumed,
    /// The documents or the contract are not those that it was made for.
    #[error("the documents changed after the code was made; ask for a new one")]
    OtherDocuments,
}

impl OtpState {
    /// Decides on a try. `matches` says whether the code is the right one, `standing` is the
    /// digest over the documents and the contract as they stand.
    pub fn check(
        &self,
        matches: bool,
        standing: &[u8; 32],
        now: OffsetDateTime,
    ) -> Result<(), OtpRefusal> {
        if self.consumed {
            Err(OtpRefusal::Consumed)
        } else if self.is_guessed() {
            Err(OtpRefusal::Guessed)
        } else if self.attempts_left <= 0 {
            Err(OtpRefusal::Exhausted)
        } else if now >= self.expires_at {
            Err(OtpRefusal::Expired)
        } else if !matches {
            Err(OtpRefusal::Wrong)
        } else if self.binding.as_ref().is_some_and(|bound| bound != standing) {
            Err(OtpRefusal::OtherDocuments)
        } else {
            Ok(())
        }
    }

    /// Whether codes were guessed at so often that none is good any more.
    pub fn is_guessed(&self) -> bool {
        self.failures >= MOST_FAILURES
    }

    /// A wrong code was tried.
    pub fn miss(&mut self) {
        self.attempts_left -= 1;
        self.failures += 1;
    }

    /// The right code was used.
    pub fn consume(&mut self) {
        self.consumed = true;
        self.failures = 0;
    }
}
