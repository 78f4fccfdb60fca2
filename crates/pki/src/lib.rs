//! Certificates, revocation answers, time-stamps and signature containers, as values: no file, no
//! socket, no database.
//!
//! * [`establish()`] makes an installation's authorities.
//! * [`profile`] knows what each kind of certificate looks like and makes [`issuance::Draft`]s;
//!   [`issuance`] leads a draft through lint and record to the signature.
//! * [`cms`] makes signature containers, [`attributes`] are what they say besides, [`tsa`] time-stamps
//!   or asks others to, [`ocsp`] and [`crl`] tell what is revoked.
//! * [`pkcs10`] reads requests of keys made elsewhere, [`pkcs12`] hands out keys made here,
//!   [`pkcs8`] keeps one under a passphrase.
//! * [`verify`] judges a container against trusted roots, offline.
//!
//! Private keys are [`crypto::SigningKey`]s; the time and randomness are arguments.

pub mod attributes;
pub mod cms;
pub mod crl;
mod decode;
mod encode;
pub mod establish;
pub mod facts;
pub mod issuance;
pub mod lint;
mod name;
pub mod ocsp;
pub mod oid;
pub mod pkcs10;
pub mod pkcs12;
pub mod pkcs8;
pub mod profile;
mod semantics;
pub mod tsa;
pub mod verify;

pub use const_oid::ObjectIdentifier;
pub use establish::{Authorities, AuthorityNames, AuthorityUrls, Established, establish};
pub use facts::CertificateFacts;

/// What can go wrong when something is made, and whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    /// A value cannot stand in a certificate or signature: the fault of whoever supplied it.
    #[error("{field} {reason}")]
    Value {
        /// Which value, as a person would call it. The value itself is never repeated.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate to be issued breaks the rules and was not signed.
    #[error("the certificate breaks its rules: {}", display(.0))]
    Lint(Vec<lint::Finding>),
    /// Bytes are not what they should be: the fault of whoever made or stored them.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A key or certificate was used with something that it does not belong to: the caller's
    /// fault.
    #[error("{0}")]
    Mismatch(&'static str),
    /// The crypto room failed.
    #[error(transparent)]
    Crypto(#[from] crypto::CryptoError),
}

fn display(findings: &[lint::Finding]) -> String {
    findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
