use std::sync::atomic::{AtomicU64, Ordering};

use model::Entropy;
use model::otp::{MOST_FAILURES, NoCode, OtpPolicy, OtpRefusal, OtpState};
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
    OtpPolicy::default()
        .generate(None, Some([7; 32]), now)
        .unwrap()
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
    let next = |seconds| {
        let now = NOON + Duration::seconds(seconds);
        OtpPolicy::default().generate(Some(&state(NOON)), None, now)
    };
    assert_eq!(next(59), Err(NoCode::TooSoon));
    assert!(next(60).is_ok());
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    let to_come = state(NOON + Duration::HOUR);
    let next = OtpPolicy::default().generate(Some(&to_come), None, NOON);
    assert!(next.is_ok());
}

#[test]
fn guesses_are_counted_over_all_codes_until_one_is_used() {
    let policy = OtpPolicy::default();
    let mut now = NOON;
    let mut otp = state(now);
    let mut guesses = 0;
    let mut next = |otp: &OtpState| {
        now += policy.cooldown;
        policy.generate(Some(otp), otp.binding, now)
    };
    while !otp.is_guessed() {
        match otp.check(false, &[7; 32], otp.created_at) {
            Err(OtpRefusal::Wrong) => {
                otp.miss();
                guesses += 1;
            }
            refused => {
                assert_eq!(refused, Err(OtpRefusal::Exhausted));
                otp = next(&otp).unwrap();
            }
        }
    }
    assert_eq!(guesses, MOST_FAILURES);
    let right = |otp: &OtpState| otp.check(true, &[7; 32], otp.created_at);
    assert_eq!(right(&otp), Err(OtpRefusal::Guessed));
    assert_eq!(next(&otp), Err(NoCode::Guessed));

    otp.failures -= 1;
    let mut otp = next(&otp).unwrap();
    assert_eq!(right(&otp), Ok(()));
    otp.consume();
    assert_eq!(right(&otp), Err(OtpRefusal::Consumed));
    assert_eq!(next(&otp).unwrap().failures, 0);
}
