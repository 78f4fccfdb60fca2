//! Why an attempt failed, in words that hold no secret.

use std::error::Error;

use reqwest::StatusCode;

use crate::guard::Refused;

/// Why an attempt failed. The text goes into the log and the outbox row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The far end answered, but not with success.
    #[error("answered {}", .0.as_u16())]
    Answered(StatusCode),
    /// The far end said that it wants no more (410, Standard Webhooks 1.0): no further attempt.
    #[error("answered 410, which asks to stop")]
    Gone,
    /// The address must not be called: the operator's matter.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The target is no URL: the operator's or the client's matter.
    #[error("the target is no http or https address")]
    Target,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or no TLS over it.
    #[error("no connection")]
    Connection,
    /// The connection broke, or what came over it was no HTTP.
    #[error("the connection broke")]
    Broken,
    /// The answer is longer than anything useful.
    #[error("the answer is too long")]
    TooLong,
    /// The row does not open or is not what the service writes: somebody changed it, or the
    /// master key is another one. No further attempt.
    #[error("the stored message is unreadable")]
    Unreadable,
    /// The message, a code, is of no use any more. No further attempt.
    #[error("expired before it could be sent")]
    Expired,
    /// No sender is configured for the channel: the operator's matter.
    #[error("no sender is configured")]
    NoSender,
    /// The mail server refused this mail for good. No further attempt.
    #[error("the mail server refused the mail: {0}")]
    MailRefused(String),
    /// The mail server took no mail this time, or not this one.
    #[error("the mail server answered {0}")]
    MailDeferred(String),
    /// The mail server does not know our name or password: the operator's matter.
    #[error("the mail server refused the login: {0}")]
    Login(String),
    /// The mail server offers no way to log in that we know: the operator's matter.
    #[error("the mail server takes no login")]
    NoLogin,
    /// The mail server offers no `STARTTLS`: the operator's matter, or somebody is in between.
    #[error("the mail server offers no STARTTLS")]
    NoStarttls,
    /// The mail server is somewhere public and mails would travel in the open: the operator's
    /// matter.
    #[error("the mail server has no loopback or private address, and no TLS is configured")]
    InTheOpen,
    /// No mail can be written of the message, or not to this address. No further attempt.
    #[error("the message or its address cannot be sent as a mail")]
    NotAMail,
    /// The file could not be written: the operator's matter.
    #[error("the outbox file cannot be written: {0}")]
    File(std::io::ErrorKind),
    /// This program cannot make the call, for want of trusted root certificates for example.
    #[error("the HTTP client does not start")]
    Client,
}

impl Failure {
    /// Whether another attempt cannot end differently.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Failure::Gone
                | Failure::Unreadable
                | Failure::Expired
                | Failure::MailRefused(_)
                | Failure::NotAMail
        )
    }

    /// What the status means for the message.
    pub(crate) fn of_status(status: StatusCode) -> Result<(), Self> {
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(Failure::Gone),
            status => Err(Failure::Answered(status)),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(refused) = inner.downcast_ref::<Refused>() {
                return Failure::Refused(refused.clone());
            }
            cause = inner.source();
        }
        if error.is_timeout() {
            Failure::Timeout
        } else if error.is_connect() {
            Failure::Connection
        } else if error.is_builder() {
            Failure::Target
        } else {
            Failure::Broken
        }
    }
}
