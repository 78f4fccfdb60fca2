//! Refusals that many endpoints describe, with what leads to them.

use model::{RequestPk, Status};
use service::registration::ContactLimit;
use service::{Error, Problems};

use super::refusal::Fault;

/// A refusal and what leads to it.
pub(super) type Case = (Fault, &'static str);

pub(super) fn unknown_request() -> Case {
    (
        Error::UnknownRequest("7".into()).into(),
        "No request has this number, or it belongs to an authority that the API user does not see.",
    )
}

/// `status` is one in which the call is refused.
pub(super) fn wrong_status(status: Status, when: &'static str) -> Case {
    (Error::WrongStatus(status).into(), when)
}

pub(super) fn not_permitted() -> Case {
    (
        Error::NotPermitted.into(),
        "The API user's permissions do not allow it, or not there.",
    )
}

pub(super) fn wrong_parameters(field: &str, when: &'static str) -> Case {
    let mut problems = Problems::default();
    problems.missing(field);
    (Error::Fields(problems).into(), when)
}

pub(super) fn no_page() -> Case {
    (Error::NoSuchPage.into(), "The list has no such page.")
}

pub(super) fn invalid_scratchcard() -> Case {
    (
        Error::InvalidScratchcard.into(),
        "The scratchcard is unknown, used, or another authority's.",
    )
}

pub(super) fn profile_not_available() -> Case {
    (
        Error::ProfileNotAvailable("PFunknown".into()).into(),
        "The profile is unknown.",
    )
}

pub(super) fn unknown_officer(when: &'static str) -> Case {
    (Error::UnknownOfficerNumber.into(), when)
}

pub(super) fn contact_limit() -> Case {
    (
        Error::ContactLimit(ContactLimit::Phone).into(),
        "More people than the authority allows share the telephone number or the address.",
    )
}

/// Of a call with an officer's credentials.
pub(super) fn credentials() -> Vec<Case> {
    vec![
        unknown_request(),
        (
            Error::IncompleteCredentials.into(),
            "One of `username`, `password`, `pin` and `rao_id` is missing.",
        ),
        unknown_officer("`rao_id` names no officer."),
        (
            Error::WrongCredentials.into(),
            "User name, password or PIN are wrong.",
        ),
        (
            Error::CredentialBlocked.into(),
            "They were wrong too often.",
        ),
        (
            Error::NotPermitted.into(),
            "The officer may not act for the request's authority, or the API user not decide.",
        ),
    ]
}

/// Of a call that signs.
pub(super) fn no_key() -> Case {
    (
        Error::NoKeyReady { retry_after: 5 }.into(),
        "The token that holds the keys is away. `Retry-After` says when to try again; nothing \
         changed, and a code stays good.",
    )
}

/// Of a call that signs papers.
pub(super) fn no_signature() -> [Case; 2] {
    let reason = "it did not answer in time".into();
    let no_time_stamp = Error::NoTimeStamp {
        reason,
        retry_after: 30,
    };
    [
        no_key(),
        (
            no_time_stamp.into(),
            "The time-stamp authority that was chosen gives no time-stamp. `Retry-After` says when \
             to try again; nothing changed, and a code stays good.",
        ),
    ]
}

/// Of an approval, or a validation that approves.
pub(super) fn incomplete_subject() -> Case {
    (
        Error::IncompleteSubject {
            request: RequestPk(1001),
            fields: vec!["mobile_phone_number".into()],
        }
        .into(),
        "The profile demands fields that the request lacks.",
    )
}
