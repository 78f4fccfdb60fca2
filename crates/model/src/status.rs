//! The status machine. Every change of status in the whole program asks [`transition`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::EventType;

/// A request's status. The names are wire constants in both public APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The VideoID request exists; no evidence has been received.
    VideoPending,
    /// Some, but not all, of evidences and video have been received.
    VideoIncomplete,
    /// An upload was processed and was unusable; a good one recovers.
    VideoError,
    /// Every required piece is present; an officer must review.
    VideoReview,
    /// Validated, or created without VideoID; waits for approval.
    Created,
    /// Approved; the certificate may be issued.
    EnrollReady,
    /// The certificate is issued and the documents are signed.
    Issued,
    /// The certificate was renewed at least once.
    Renewed,
    /// Cancelled or refused; final.
    Cancelled,
}

impl Status {
    /// All statuses, in the order in which a request can meet them.
    pub const ALL: [Status; 9] = [
        Status::VideoPending,
        Status::VideoIncomplete,
        Status::VideoError,
        Status::VideoReview,
        Status::Created,
        Status::EnrollReady,
        Status::Issued,
        Status::Renewed,
        Status::Cancelled,
    ];

    /// The wire name, as in `VIDEOPENDING`.
    pub fn name(self) -> &'static str {
        match self {
            Status::VideoPending => "VIDEOPENDING",
            Status::VideoIncomplete => "VIDEOINCOMPLETE",
            Status::VideoError => "VIDEOERROR",
            Status::VideoReview => "VIDEOREVIEW",
            Status::Created => "CREATED",
            Status::EnrollReady => "ENROLLREADY",
            Status::Issued => "ISSUED",
            Status::Renewed => "RENEWED",
            Status::Cancelled => "CANCELLED",
        }
    }

    /// Whether the request is over: its certificate is out, or never will be. Only a renewal still
    /// leads on from here.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Issued | Status::Renewed | Status::Cancelled)
    }

    /// Whether the certificate has been given out.
    pub fn is_issued(self) -> bool {
        matches!(self, Status::Issued | Status::Renewed)
    }

    /// Whether the request's data may still be corrected: until an officer approves.
    pub fn is_correctable(self) -> bool {
        !self.is_final() && self != Status::EnrollReady
    }

    /// Whether evidences or a video may still be handed in.
    pub fn takes_evidence(self) -> bool {
        transition(self, Trigger::EvidencePartial).is_ok()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no status name.
#[derive(Debug, thiserror::Error)]
#[error("unknown status {0:?}")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Status::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// What can move a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Evidences or a video were accepted and something is still missing.
    EvidencePartial,
    /// Evidences or a video were accepted and the set is now complete.
    EvidenceComplete,
    /// Evidences or a video were processed and are unusable.
    EvidenceUnusable,
    /// An officer confirmed the evidence without approving yet (the two-step form).
    Validate,
    /// An officer approved.
    Approve,
    /// An officer refused, with a reason.
    Refuse,
    /// The client cancelled.
    Cancel,
    /// The certificate was issued and everything was signed.
    Enrol,
    /// The holder renewed the certificate.
    Renew,
}

impl Trigger {
    /// All triggers.
    pub const ALL: [Trigger; 9] = [
        Trigger::EvidencePartial,
        Trigger::EvidenceComplete,
        Trigger::EvidenceUnusable,
        Trigger::Validate,
        Trigger::Approve,
        Trigger::Refuse,
        Trigger::Cancel,
        Trigger::Enrol,
        Trigger::Renew,
    ];

    /// The name that the audit log and the documentation use.
    pub fn name(self) -> &'static str {
        match self {
            Trigger::EvidencePartial => "evidence-partial",
            Trigger::EvidenceComplete => "evidence-complete",
            Trigger::EvidenceUnusable => "evidence-unusable",
            Trigger::Validate => "validate",
            Trigger::Approve => "approve",
            Trigger::Refuse => "refuse",
            Trigger::Cancel => "cancel",
            Trigger::Enrol => "enrol",
            Trigger::Renew => "renew",
        }
    }
}

/// A legal move: where it leads and which event it announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The status before.
    pub from: Status,
    /// What moved the request.
    pub trigger: Trigger,
    /// The status after; may equal `from` where another piece of evidence changes nothing.
    pub to: Status,
    /// The event that webhooks announce, sent only when the status changes.
    pub event: EventType,
}

/// The move is not in the table; the doors answer 412.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{trigger} is not possible in status {from}", trigger = trigger.name())]
pub struct IllegalTransition {
    /// The status the request is in.
    pub from: Status,
    /// What was tried.
    pub trigger: Trigger,
}

/// The whole table: from, trigger, to, event.
pub const TABLE: &[(Status, Trigger, Status, EventType)] = {
    use EventType as E;
    use Status as S;
    use Trigger as T;
    &[
        (
            S::VideoPending,
            T::EvidencePartial,
            S::VideoIncomplete,
            E::VideoIdUpdated,
        ),
        (
            S::VideoPending,
            T::EvidenceComplete,
            S::VideoReview,
            E::VideoIdUpdated,
        ),
        (
            S::VideoPending,
            T::EvidenceUnusable,
            S::VideoError,
            E::VideoIdFailed,
        ),
        (S::VideoPending, T::Cancel, S::Cancelled, E::RequestCanceled),
        (
            S::VideoIncomplete,
            T::EvidencePartial,
            S::VideoIncomplete,
            E::VideoIdUpdated,
        ),
        (
            S::VideoIncomplete,
            T::EvidenceComplete,
            S::VideoReview,
            E::VideoIdUpdated,
        ),
        (
            S::VideoIncomplete,
            T::EvidenceUnusable,
            S::VideoError,
            E::VideoIdFailed,
        ),
        (
            S::VideoIncomplete,
            T::Refuse,
            S::Cancelled,
            E::VideoIdRefused,
        ),
        (
            S::VideoIncomplete,
            T::Cancel,
            S::Cancelled,
            E::RequestCanceled,
        ),
        (
            S::VideoError,
            T::EvidencePartial,
            S::VideoIncomplete,
            E::VideoIdUpdated,
        ),
        (
            S::VideoError,
            T::EvidenceComplete,
            S::VideoReview,
            E::VideoIdUpdated,
        ),
        (
            S::VideoError,
            T::EvidenceUnusable,
            S::VideoError,
            E::VideoIdFailed,
        ),
        (S::VideoError, T::Refuse, S::Cancelled, E::VideoIdRefused),
        (S::VideoError, T::Cancel, S::Cancelled, E::RequestCanceled),
        (S::VideoReview, T::Validate, S::Created, E::VideoIdUpdated),
        (
            S::VideoReview,
            T::Approve,
            S::EnrollReady,
            E::RequestApproved,
        ),
        (S::VideoReview, T::Refuse, S::Cancelled, E::VideoIdRefused),
        (S::VideoReview, T::Cancel, S::Cancelled, E::RequestCanceled),
        (S::Created, T::Approve, S::EnrollReady, E::RequestApproved),
        (S::Created, T::Cancel, S::Cancelled, E::RequestCanceled),
        (S::EnrollReady, T::Enrol, S::Issued, E::RequestEnrolled),
        (S::EnrollReady, T::Cancel, S::Cancelled, E::RequestCanceled),
        (S::Issued, T::Renew, S::Renewed, E::RequestRenewed),
        (S::Renewed, T::Renew, S::Renewed, E::RequestRenewed),
    ]
};

/// The one transition function: looks the move up in [`TABLE`].
pub fn transition(from: Status, trigger: Trigger) -> Result<Transition, IllegalTransition> {
    TABLE
        .iter()
        .find(|(row_from, row_trigger, ..)| (*row_from, *row_trigger) == (from, trigger))
        .map(|&(from, trigger, to, event)| Transition {
            from,
            trigger,
            to,
            event,
        })
        .ok_or(IllegalTransition { from, trigger })
}
