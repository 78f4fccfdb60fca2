//! The doors in front of a real service: SQLite and files in a temporary folder.

mod bodies;
mod cloud;
mod describes;
mod dialects;
mod elsewhere;
mod house;
mod layers;
mod log;
mod office;
mod registration;
mod registration_callers;
mod revocation;
mod trust;
