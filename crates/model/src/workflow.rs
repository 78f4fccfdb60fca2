//! Which way a request came in, and so by which rules it is taken in.

use std::fmt;
use std::str::FromStr;

/// The workflow of a request, fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Workflow {
    /// Filmed identification, then one act of signing with a one-time key.
    OneShot,
    /// An identification that an officer vouches for on creation, then one act of signing.
    OneShotClassic,
    /// Filmed identification, then a certificate for the subscriber.
    VideoId,
    /// Papers collected by an officer, then a certificate for the subscriber.
    Classic,
}

impl Workflow {
    /// All of them.
    pub const ALL: [Workflow; 4] = [
        Workflow::OneShot,
        Workflow::OneShotClassic,
        Workflow::VideoId,
        Workflow::Classic,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Workflow::OneShot => "one-shot",
            Workflow::OneShotClassic => "one-shot-classic",
            Workflow::VideoId => "videoid",
            Workflow::Classic => "classic",
        }
    }

    /// Whether the identification is filmed.
    pub fn is_filmed(self) -> bool {
        matches!(self, Workflow::OneShot | Workflow::VideoId)
    }

    /// Whether the request belongs to the registration authority API.
    pub fn is_registration(self) -> bool {
        matches!(self, Workflow::VideoId | Workflow::Classic)
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no workflow.
#[derive(Debug, thiserror::Error)]
#[error("unknown workflow {0:?}")]
pub struct UnknownWorkflow(pub String);

impl FromStr for Workflow {
    type Err = UnknownWorkflow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Workflow::ALL
            .into_iter()
            .find(|workflow| workflow.name() == text)
            .ok_or_else(|| UnknownWorkflow(text.to_owned()))
    }
}
