//! Papers and pages, judged by those who read them elsewhere.

mod data;
mod page;
mod paper;
mod wording;
