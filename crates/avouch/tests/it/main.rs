//! The end-to-end suite: the built program, driven over real HTTP as its users drive it.

mod asynchronous;
mod bad_input;
mod browser;
mod classic;
mod cli;
mod cli_registration;
mod client;
mod decisions;
mod doors;
mod durability;
mod evidence;
mod harness;
mod hsm;
mod judges;
mod paths;
mod postgres;
mod raw;
mod registration;
mod schemathesis;
mod server_wide;
mod sql;
mod webhooks;
mod workflow;
