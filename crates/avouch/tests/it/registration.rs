//! The Registration Authority API, from the scratchcard to the subscriber's certificate.

mod bad_input;
pub mod client;
mod decisions;
mod description;
mod earlier;
mod endpoints;
mod errors;
mod guide;
mod identity;
mod installation;
mod lifecycle;
mod lists;
mod officers;
mod pages;
mod parties;
mod postgres;
mod races;
mod schemathesis;
mod scoping;
mod workflows;
