//! The pages in every state, as text and in a browser.

// One leader of browsers for the whole house.
#[path = "../../../avouch/tests/it/browser.rs"]
mod browser;
mod gallery;
mod looks;
mod text;
