use std::collections::BTreeSet;

use model::event::EventType;
use model::status::TABLE;
use model::{Status, Trigger, transition};
use proptest::prelude::*;

fn any_status() -> impl Strategy<Value = Status> {
    proptest::sample::select(Status::ALL.to_vec())
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    proptest::sample::select(Trigger::ALL.to_vec())
}

proptest! {
    #[test]
    fn a_move_is_legal_exactly_when_the_table_has_it(from in any_status(), trigger in any_trigger()) {
        let listed = TABLE.iter().find(|row| (row.0, row.1) == (from, trigger));
        match (transition(from, trigger), listed) {
            (Ok(made), Some(row)) => prop_assert_eq!((made.to, made.event), (row.2, row.3)),
            (Err(refused), None) => prop_assert_eq!((refused.from, refused.trigger), (from, trigger)),
            (answer, row) => prop_assert!(false, "{:?} but the table says {:?}", answer, row),
        }
    }

    #[test]
    fn only_a_renewal_leads_out_of_a_final_status(
        status in proptest::sample::select(vec![Status::Issued, Status::Renewed, Status::Cancelled]),
        trigger in any_trigger(),
    ) {
        prop_assert!(status.is_final());
        let renews = trigger == Trigger::Renew && status.is_issued();
        prop_assert_eq!(transition(status, trigger).is_ok(), renews);
    }

    #[test]
    fn no_walk_issues_without_an_approval(triggers in proptest::collection::vec(any_trigger(), 0..40)) {
        let mut status = Status::VideoPending;
        let mut approved = false;
        for trigger in triggers {
            if let Ok(made) = transition(status, trigger) {
                approved |= trigger == Trigger::Approve;
                status = made.to;
            }
            prop_assert!(approved || !matches!(status, Status::EnrollReady | Status::Issued));
        }
    }

    #[test]
    fn approval_needs_a_complete_evidence_set(triggers in proptest::collection::vec(any_trigger(), 0..40)) {
        let mut status = Status::VideoPending;
        let mut complete = false;
        for trigger in triggers {
            if let Ok(made) = transition(status, trigger) {
                complete |= trigger == Trigger::EvidenceComplete;
                prop_assert!(trigger != Trigger::Approve || complete);
                status = made.to;
            }
        }
    }

    #[test]
    fn every_open_request_can_be_cancelled(status in any_status()) {
        prop_assert_eq!(transition(status, Trigger::Cancel).is_ok(), !status.is_final());
    }
}

#[test]
fn the_table_has_no_row_twice() {
    let rows: BTreeSet<_> = TABLE
        .iter()
        .map(|row| (row.0.name(), row.1.name()))
        .collect();
    assert_eq!(rows.len(), TABLE.len());
}

#[test]
fn each_status_event_pair_is_one_that_receivers_know() {
    for &(_, trigger, to, event) in TABLE {
        let documented = match event {
            EventType::VideoIdUpdated => {
                matches!(
                    to,
                    Status::VideoIncomplete | Status::VideoReview | Status::Created
                )
            }
            EventType::VideoIdFailed => to == Status::VideoError,
            EventType::VideoIdRefused | EventType::RequestCanceled => to == Status::Cancelled,
            EventType::RequestApproved => to == Status::EnrollReady,
            EventType::RequestEnrolled => to == Status::Issued,
            EventType::RequestRenewed => to == Status::Renewed,
            EventType::RequestCreated
            | EventType::CertificateSuspended
            | EventType::CertificateActivated
            | EventType::CertificateRevoked => false,
        };
        assert!(documented, "{} announces {event} on {to}", trigger.name());
    }
}

#[test]
fn names_are_read_back() {
    for status in Status::ALL {
        assert_eq!(status.name().parse::<Status>().unwrap(), status);
    }
    assert!("videopending".parse::<Status>().is_err());
}

#[test]
fn the_documented_table_is_the_table() {
    let written = include_str!("../../../../ARCHITECTURE.md");
    let rows: Vec<String> = TABLE
        .iter()
        .map(|(from, trigger, to, event)| {
            format!("| `{from}` | {} | `{to}` | `{event}` |", trigger.name())
        })
        .collect();
    let documented: Vec<&str> = written
        .lines()
        .skip_while(|line| !line.starts_with("| From | Trigger |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(documented, rows);
}
