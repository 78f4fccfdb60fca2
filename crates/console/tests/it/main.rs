//! The pages in every state, as text and in a browser.

// One leader of browsers for the whole house.
#[path = "../../../avouch/tests/it/browser.rs"]
mod browser;
mod doors;
mod gallery;
mod house;
mod journey;
mod looks;
mod text;
