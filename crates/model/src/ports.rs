//! What the rooms above must bring: time and randomness.

use time::OffsetDateTime;

/// Where the time comes from. Everything that needs the time takes one of these.
pub trait Clock: Send + Sync {
    /// The current instant in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// Where identifiers, nonces and codes come from.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}
