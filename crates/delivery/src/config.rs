//! Where messages go, and when again.

use std::time::Duration;

use crate::file_outbox::FileOutbox;
use crate::guard::AllowList;
use crate::retry::RetrySchedule;
use crate::sms::SmsGateway;
use crate::smtp::{SmtpError, SmtpServer};
use crate::template::TemplateError;

/// Where messages go, and when again.
#[derive(Debug, Clone)]
pub struct Config {
    /// The way of text messages.
    pub sms: SmsRoute,
    /// The way of mails.
    pub mail: MailRoute,
    /// Webhook targets that are permitted although they are not public.
    pub allow: AllowList,
    /// Pauses after failures.
    pub retry: RetrySchedule,
    /// One attempt at a webhook or a text message takes no longer than this, connecting included.
    pub attempt: Duration,
}

impl Default for Config {
    /// No text messages and no mails, public targets only, ten seconds an attempt.
    fn default() -> Self {
        Self {
            sms: SmsRoute::default(),
            mail: MailRoute::default(),
            allow: AllowList::default(),
            retry: RetrySchedule::default(),
            attempt: Duration::from_secs(10),
        }
    }
}

/// The way of text messages.
#[derive(Debug, Clone, Default)]
pub enum SmsRoute {
    /// None: text messages wait until they expire.
    #[default]
    Nowhere,
    /// Through an HTTP gateway.
    Gateway(SmsGateway),
    /// Into a file, in the sandbox.
    File(FileOutbox),
}

/// The way of mails.
#[derive(Debug, Clone, Default)]
pub enum MailRoute {
    /// None: mails wait until they expire.
    #[default]
    Nowhere,
    /// Through a mail server.
    Smtp(SmtpServer),
    /// Into a file, in the sandbox.
    File(FileOutbox),
}

/// The configuration cannot work: the operator's mistake.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text message gateway's templates.
    #[error(transparent)]
    Sms(#[from] TemplateError),
    /// The mail server.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
}
