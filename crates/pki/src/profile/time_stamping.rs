//! Time-stamping units (RFC 3161 §2.3, EN 319 422).

use model::Entropy;
use x509_cert::ext::pkix::KeyUsages;

use super::revocation::Revocation;
use super::{Unit, extended_key_usage, key_usage, policies};
use crate::issuance::{Content, Draft, Issuer, Validity};
use crate::{PkiError, oid};

/// A time-stamping unit's certificate: its extended key usage is critical and holds
/// time-stamping alone.
pub fn draft(
    issuer: &Issuer,
    unit: &Unit<'_>,
    public_key_info: &[u8],
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let mut extensions = vec![
        key_usage(KeyUsages::DigitalSignature)?,
        extended_key_usage(&[oid::KP_TIME_STAMPING], true)?,
        policies(&[oid::POLICY_NCP], None)?,
    ];
    extensions.extend(Revocation::Answers.extensions(issuer, public_key_info)?);
    let content = Content {
        subject: unit.name()?,
        public_key_info,
        validity,
        extensions,
    };
    Draft::issued(issuer, content, entropy)
}
