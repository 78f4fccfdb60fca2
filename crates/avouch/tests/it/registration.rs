//! The Registration Authority API, from the scratchcard to the subscriber's certificate.

mod bad_input;
pub mod client;
mod endpoints;
mod errors;
mod identity;
mod lifecycle;
mod lists;
mod officers;
mod parties;
mod races;
mod scoping;
mod workflows;
