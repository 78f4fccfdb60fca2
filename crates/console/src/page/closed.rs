//! Pages on which nothing can be done but to read why.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::wording::{ClosedWords, Said};
use super::{Frame, answer};

/// Why there is nothing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The link is unknown.
    Unknown,
    /// Enrolment is complete, and was on another device.
    Used,
    /// The link has expired.
    Expired,
    /// The request was cancelled.
    Cancelled,
    /// Enrolment goes on on another device.
    OtherDevice,
    /// Too many wrong codes were tried behind the link.
    Guessed,
    /// Another site's page sent the form.
    ForeignForm,
    /// What the browser sent is no form of ours.
    Unreadable,
    /// What the browser sent is larger than any form of ours.
    TooLarge,
    /// Something of ours failed; the log has it under this reference.
    Internal(String),
}

/// The page that says so.
#[derive(Debug, Clone, Template)]
#[template(path = "closed.html")]
pub struct ClosedPage {
    /// Around it.
    pub frame: Frame,
    /// What to say.
    pub closed: Closed,
}

impl ClosedPage {
    fn words(&self) -> &'static ClosedWords {
        &self.frame.words().closed
    }

    fn said(&self) -> Said {
        let words = self.words();
        match self.closed {
            Closed::Unknown => words.unknown,
            Closed::Used => words.used,
            Closed::Expired => words.expired,
            Closed::Cancelled => words.cancelled,
            Closed::OtherDevice => words.other_device,
            Closed::Guessed => words.guessed,
            Closed::ForeignForm => words.foreign_form,
            Closed::Unreadable => words.unreadable,
            Closed::TooLarge => words.too_large,
            Closed::Internal(_) => words.internal,
        }
    }

    fn reference(&self) -> Option<&str> {
        match &self.closed {
            Closed::Internal(reference) => Some(reference),
            _ => None,
        }
    }

    /// Whether the page before is worth another try.
    fn leads_back(&self) -> bool {
        matches!(
            self.closed,
            Closed::Unreadable | Closed::TooLarge | Closed::Internal(_)
        )
    }

    fn status(&self) -> StatusCode {
        match self.closed {
            Closed::Unknown => StatusCode::NOT_FOUND,
            Closed::Used | Closed::Expired | Closed::Cancelled => StatusCode::GONE,
            Closed::OtherDevice => StatusCode::CONFLICT,
            Closed::Guessed => StatusCode::LOCKED,
            Closed::ForeignForm => StatusCode::FORBIDDEN,
            Closed::Unreadable => StatusCode::BAD_REQUEST,
            Closed::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Closed::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ClosedPage {
    fn into_response(self) -> Response {
        answer(self.status(), &self)
    }
}
