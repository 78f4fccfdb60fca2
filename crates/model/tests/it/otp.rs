use std::sync::atomic::{AtomicU64, Ordering};

use model::Entropy;
use model::otp::{OtpPolicy, OtpRefusal, OtpState};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

/// A counter run through a mixing function: every draw differs, every run is the same.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let n = self
                .0
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15);
            *byte = (n >> 56) as u8;
        }
    }
}

fn state(now: OffsetDateTime) -> OtpState {
    let policy = OtpPolicy::default();
    OtpState {
        created_at: now,
        expires_at: now + policy.lifetime,
        attempts_left: policy.attempts,
        consumed: false,
        binding: Some([7; 32]),
    }
}

const NOON: OffsetDateTime = time::macros::datetime!(2026-01-01 12:00 UTC);

proptest! {
    #[test]
    fn codes_have_six_digits(seed in any::<u64>()) {
        let code = OtpPolicy::default().draw(&Counting(AtomicU64::new(seed)));
        prop_assert_eq!(code.len(), 6);
        prop_assert!(code.bytes().all(|b| b.is_ascii_digit()));
    }

    #[test]
    fn a_code_opens_only_fresh_unused_and_for_its_documents(
        seconds in -5_i64..1_200, matches: bool, attempts in 0_i64..6, consumed: bool, same: bool,
    ) {
        let mut otp = state(NOON);
        otp.attempts_left = attempts;
        otp.consumed = consumed;
        let standing = if same { [7; 32] } else { [8; 32] };
        let verdict = otp.check(matches, &standing, NOON + Duration::seconds(seconds));
        let good = matches && same && !consumed && attempts > 0 && seconds < 600;
        prop_assert_eq!(verdict.is_ok(), good);
    }
}

#[test]
fn a_code_made_before_any_document_takes_what_stands() {
    let mut otp = state(NOON);
    otp.binding = None;
    assert_eq!(otp.check(true, &[9; 32], NOON), Ok(()));
    assert_eq!(otp.check(false, &[9; 32], NOON), Err(OtpRefusal::Wrong));
}

#[test]
fn codes_are_a_minute_apart() {
    let policy = OtpPolicy::default();
    assert!(policy.may_generate(None, NOON));
    assert!(!policy.may_generate(Some(NOON), NOON + Duration::seconds(59)));
    assert!(policy.may_generate(Some(NOON), NOON + Duration::seconds(60)));
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    let policy = OtpPolicy::default();
    let to_come = NOON + Duration::HOUR;
    assert!(policy.may_generate(Some(to_come), NOON));
}
