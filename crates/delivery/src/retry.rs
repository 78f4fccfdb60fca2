//! How long to wait before the next attempt.

use model::Entropy;
use time::Duration;

/// Growing pauses: each twice the one before, up to a limit, and each off by up to a fifth, so
/// that what failed together is not tried together again.
///
/// The default, 2 seconds up to an hour, makes about 34 attempts in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause is longer than this, but for the fifth.
    pub longest: Duration,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            first: Duration::seconds(2),
            longest: Duration::hours(1),
        }
    }
}

impl RetrySchedule {
    /// The pause after an attempt that `earlier` attempts came before.
    pub(crate) fn pause(&self, earlier: i64, entropy: &dyn Entropy) -> Duration {
        let doublings = u32::try_from(earlier.clamp(0, 30)).unwrap_or(0);
        let pause = self
            .first
            .checked_mul(1_i32 << doublings)
            .map_or(self.longest, |pause| pause.min(self.longest));
        let mut random = [0; 2];
        entropy.fill(&mut random);
        let between_0_and_1 = f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX);
        pause * (0.8 + 0.4 * between_0_and_1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn pauses_double_up_to_the_limit_and_vary_by_a_fifth() {
        let schedule = RetrySchedule::default();
        let seconds = |earlier, entropy| schedule.pause(earlier, &entropy).as_seconds_f64();
        for (earlier, plain) in [(0, 2.0), (1, 4.0), (5, 64.0), (11, 3600.0), (500, 3600.0)] {
            assert!((seconds(earlier, Fixed(0)) - plain * 0.8).abs() < 1e-6);
            assert!((seconds(earlier, Fixed(0xff)) - plain * 1.2).abs() < 1e-6);
        }
    }

    #[test]
    fn a_day_of_failures_is_some_thirty_attempts() {
        let (mut attempts, mut waited) = (0, Duration::ZERO);
        while waited < Duration::DAY {
            waited += RetrySchedule::default().pause(attempts, &Fixed(0x80));
            attempts += 1;
        }
        assert!((30..40).contains(&attempts), "{attempts}");
    }
}
