//! The human doors.

mod assets;
pub mod page;
pub use assets::assets;
