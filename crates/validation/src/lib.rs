//! Validates signatures offline: any PDF's, and CMS containers beside their content.
//!
//! The model is EN 319 102-1. Each signature is judged at the time when it is proven to have
//! existed, its certificates by revocation data from the file alone, and the proofs themselves, the
//! time-stamps, in the same way, newest first: each one that passes proves that what it covers is
//! at least that old, so that it can be judged by that time and no longer by now. Nothing is
//! fetched.
//!
//! Two simplifications against the standard, both for validating without a network:
//!
//! - A time-stamping unit's certificate must be valid, and not revoked, when the token is proven to
//!   exist; but the revocation data that say so need only be current at the time that the token
//!   states. Otherwise no file could be validated longer than its OCSP answers are current.
//! - Certificate policies and name constraints are not processed. A critical extension that would
//!   need it makes a path invalid.

mod algorithm;
mod container;
mod detached;
mod doubt;
mod evidence;
mod judge;
mod level;
mod pdf;
pub mod report;
mod revocation;
mod signature;
mod time_stamp;

pub use detached::{Content, validate_detached};
pub use pdf::validate_pdf;
pub use report::Report;

/// What is believed from the start, and how strictly the rest is judged.
#[derive(Debug, Clone)]
pub struct Trust {
    /// DER certificates that are trusted.
    pub roots: Vec<Vec<u8>>,
    /// What becomes of a certificate that the file says nothing about.
    pub missing_revocation: MissingRevocation,
    /// DER revocation lists that count beside those in the file.
    pub revocation_lists: Vec<Vec<u8>>,
}

impl Trust {
    /// In these roots, with revocation data demanded.
    pub fn in_roots(roots: Vec<Vec<u8>>) -> Self {
        let missing_revocation = MissingRevocation::default();
        Self {
            roots,
            missing_revocation,
            revocation_lists: Vec::new(),
        }
    }
}

/// What becomes of a certificate for which the file holds no revocation data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingRevocation {
    /// What it signed is in doubt.
    #[default]
    Doubted,
    /// It counts as not revoked, with a warning, and no level above B-T is reached.
    Tolerated,
}
