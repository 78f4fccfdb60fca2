//! Certification authorities: the root, and the issuing authority under it (EN 319 412-3,
//! RFC 5280 §4.2.1.9).

use crypto::SigningKey;
use model::Entropy;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use super::revocation::Revocation;
use super::{Unit, encoded, key_usage, policies};
use crate::issuance::{Content, Draft, Issuer, Validity};
use crate::{PkiError, encode, oid};

/// A root, to be signed with its own `key`. One level of authorities may stand below it.
pub fn root(
    unit: &Unit<'_>,
    key: &dyn SigningKey,
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let content = Content {
        subject: unit.name()?,
        public_key_info: key.public_key_info(),
        validity,
        extensions: vec![constraints(1)?, usage()?],
    };
    Draft::self_issued(key, content, entropy)
}

/// An issuing authority, to be signed by the root. It issues to end entities only, under any
/// policy.
pub fn issuing(
    root: &Issuer,
    unit: &Unit<'_>,
    public_key_info: &[u8],
    validity: Validity,
    entropy: &dyn Entropy,
) -> Result<Draft, PkiError> {
    let mut extensions = vec![
        constraints(0)?,
        usage()?,
        policies(&[oid::ANY_POLICY], None)?,
    ];
    let revocation = Revocation::AnswersAndAuthorityList;
    extensions.extend(revocation.extensions(root, public_key_info)?);
    let content = Content {
        subject: unit.name()?,
        public_key_info,
        validity,
        extensions,
    };
    Draft::issued(root, content, entropy)
}

fn constraints(path_len: u8) -> Result<Vec<u8>, PkiError> {
    let value = encoded(&BasicConstraints {
        ca: true,
        path_len_constraint: Some(path_len),
    })?;
    Ok(encode::extension(&oid::BASIC_CONSTRAINTS, true, &value))
}

fn usage() -> Result<Vec<u8>, PkiError> {
    key_usage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)
}
