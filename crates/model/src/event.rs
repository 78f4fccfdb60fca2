//! What webhooks announce.

use std::fmt;
use std::str::FromStr;

/// The event names of the webhook payload. `CANCELED` has one L here and two in the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A request was created.
    RequestCreated,
    /// Evidence arrived, or was validated.
    VideoIdUpdated,
    /// Evidence was unusable.
    VideoIdFailed,
    /// An officer refused.
    VideoIdRefused,
    /// An officer approved.
    RequestApproved,
    /// The client cancelled.
    RequestCanceled,
    /// The certificate was issued and everything was signed.
    RequestEnrolled,
    /// The holder renewed the certificate.
    RequestRenewed,
    /// The request's certificates were put on hold.
    CertificateSuspended,
    /// A hold was lifted.
    CertificateActivated,
    /// The request's certificates were revoked.
    CertificateRevoked,
}

impl EventType {
    /// All events.
    pub const ALL: [EventType; 11] = [
        EventType::RequestCreated,
        EventType::VideoIdUpdated,
        EventType::VideoIdFailed,
        EventType::VideoIdRefused,
        EventType::RequestApproved,
        EventType::RequestCanceled,
        EventType::RequestEnrolled,
        EventType::RequestRenewed,
        EventType::CertificateSuspended,
        EventType::CertificateActivated,
        EventType::CertificateRevoked,
    ];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            EventType::RequestCreated => "REQUEST_CREATED",
            EventType::VideoIdUpdated => "VIDEOID_UPDATED",
            EventType::VideoIdFailed => "VIDEOID_FAILED",
            EventType::VideoIdRefused => "VIDEOID_REFUSED",
            EventType::RequestApproved => "REQUEST_APPROVED",
            EventType::RequestCanceled => "REQUEST_CANCELED",
            EventType::RequestEnrolled => "REQUEST_ENROLLED",
            EventType::RequestRenewed => "REQUEST_RENEWED",
            EventType::CertificateSuspended => "CERTIFICATE_SUSPENDED",
            EventType::CertificateActivated => "CERTIFICATE_ACTIVATED",
            EventType::CertificateRevoked => "CERTIFICATE_REVOKED",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no event name.
#[derive(Debug, thiserror::Error)]
#[error("unknown event {0:?}")]
pub struct UnknownEvent(pub String);

impl FromStr for EventType {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventType::ALL
            .into_iter()
            .find(|event| event.name() == text)
            .ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

/// Which of the two webhook payload forms a target receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// `event_type`, `sent_at`, `request`, `certificates`.
    #[default]
    Event,
    /// `status`, `date`, `previous_status`, `request`, `registration_authority`.
    Status,
}
