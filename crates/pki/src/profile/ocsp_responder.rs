//! Delegated OCSP responders (RFC 6960 §4.2.2.2).
//!
//! The certificate carries id-pkix-ocsp-nocheck: it cannot be revoked but by ending the
//! responder, so it lives for a few years only.

use model::Entropy;
use x509_cert::ext::pkix::KeyUsages;

use super::{Unit, extended_key_usage, key_usage};
use crate::issuance::{Content, Draft, Issuer, Validity};
use crate::{PkiError, encode, oid};

/// A responder that answers for `issuer`, which signs the certificate.
pub fn draft(
    issuer: &Issuer,
    unit: &Unit<'_>,
    public_key_info: &[u8],
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let extensions = vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extended_key_usage(&[oid::KP_OCSP_SIGNING], false)?,
        encode::extension(&oid::OCSP_NO_CHECK, false, &encode::NULL),
    ];
    let content = Content {
        subject: unit.name()?,
        public_key_info,
        validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}
