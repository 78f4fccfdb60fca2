//! What things are: statuses and their transitions, subjects, evidence, profiles, one-time codes.
//!
//! This room is pure. It reads no clock, draws no randomness, opens no file and knows no wire
//! dialect; the traits in [`ports`] say what the rooms above must bring.

pub mod authority;
pub mod certificate;
pub mod contact;
pub mod environment;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod language;
pub mod network;
pub mod otp;
pub mod ports;
pub mod profile;
pub mod signature;
pub mod status;
pub mod subject;
pub mod workflow;

pub use environment::Environment;
pub use ids::{
    DocumentUid, ImageUid, MetadataUid, RaId, RaoId, RequestPk, TokenUid, UserId, VideoIdPk,
};
pub use language::Language;
pub use ports::{Clock, Entropy};
pub use profile::{Profile, SecureElement};
pub use signature::{DigestAlgorithm, HashDescriptor, Level, Posture};
pub use status::{IllegalTransition, Status, Transition, Trigger, transition};
pub use subject::Subject;
pub use workflow::Workflow;
