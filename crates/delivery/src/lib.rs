//! Takes due messages from the outbox and sends them: webhooks by HTTP POST, text messages
//! through a gateway, mails through a mail server; both into files in the sandbox.
//!
//! A message is sent outside any transaction, at least once, and always under the same
//! identifier; the next message of its stream (one request, one channel) leaves only when it is
//! delivered or given up. Failures are retried with growing pauses until the message expires,
//! whether or not the program was restarted in between.
//!
//! [`Fetcher`] asks others for what is needed at once, behind the same guard.
//!
//! What to send was decided when the message was queued. Nothing here reads a request.

mod config;
mod dispatcher;
mod failure;
mod fetch;
mod file_outbox;
mod guard;
mod letter;
mod mail;
mod retry;
mod sms;
mod smtp;
mod template;
mod webhook;

pub use config::{Config, ConfigError, MailRoute, SmsRoute};
pub use dispatcher::Dispatcher;
pub use fetch::{FetchError, Fetcher, Question};
pub use file_outbox::FileOutbox;
pub use guard::{AllowList, NotANetwork};
pub use mail::{MailAttachment, MailMessage, mail_context};
pub use retry::RetrySchedule;
pub use sms::{SmsGateway, TextMessage, sms_context};
pub use smtp::{SmtpError, SmtpSecurity, SmtpServer};
pub use template::TemplateError;
pub use webhook::{InvalidSecret, WebhookSecret};
