//! The Registration Authority API, from the scratchcard to the subscriber's certificate.

pub mod client;
mod endpoints;
mod errors;
mod lists;
mod workflows;
