//! The end-to-end suite: the built program, driven over real HTTP as its users drive it.

mod client;
mod harness;
mod workflow;
