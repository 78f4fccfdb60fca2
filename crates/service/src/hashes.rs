//! Digests that are signed in place of content that never leaves its owner.

use bytes::Bytes;
use model::{DigestAlgorithm, HashDescriptor};
use pki::attributes;

use crate::{Error, Problems};

/// No more attributes are signed along with one digest.
const MAX_ATTRIBUTES: usize = 20;

/// A digest as a client brings it.
pub struct NewHash {
    /// The file that it came in, which is handed out as the original.
    pub file: Bytes,
    /// The digest: bare, or as a message-digest Attribute in DER (RFC 5652 §11.2).
    pub message_digest: Vec<u8>,
    /// What made it.
    pub algorithm: DigestAlgorithm,
    /// Whether the signature is over signed attributes, as CAdES wants.
    pub signed_attributes: bool,
    /// Whether the time of signing is among them.
    pub signing_time: bool,
    /// DER Attributes to be signed along.
    pub other_attributes: Vec<Vec<u8>>,
}

impl NewHash {
    /// What is to be signed. Fails with [`Error::Fields`], which has the members of the file.
    pub(crate) fn descriptor(&self) -> Result<HashDescriptor, Error> {
        let mut problems = Problems::default();
        let given = &self.message_digest;
        let digest = attributes::message_digest(given).unwrap_or(given);
        let len = self.algorithm.digest_len();
        if digest.len() != len {
            let reason = format!(
                "must be {len} bytes, as the algorithm makes them, or a message-digest attribute \
                 with them"
            );
            problems.invalid("messageDigest", reason);
        }
        let others = &self.other_attributes;
        if others.len() > MAX_ATTRIBUTES {
            let reason = format!("must not be more than {MAX_ATTRIBUTES}");
            problems.invalid("otherAuthAttributes", reason);
        } else if !others.is_empty() && !self.signed_attributes {
            let reason = "cannot be signed without signed attributes";
            problems.invalid("otherAuthAttributes", reason);
        } else if let Err(refused) = attributes::check(others) {
            problems.invalid("otherAuthAttributes", refused.to_string());
        }
        problems.check()?;
        Ok(HashDescriptor {
            algorithm: self.algorithm,
            digest: digest.to_vec(),
            signed_attributes: self.signed_attributes,
            signing_time: self.signing_time && self.signed_attributes,
            other_attributes: others.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(message_digest: Vec<u8>) -> NewHash {
        NewHash {
            file: Bytes::new(),
            message_digest,
            algorithm: DigestAlgorithm::Sha256,
            signed_attributes: true,
            signing_time: true,
            other_attributes: Vec::new(),
        }
    }

    #[test]
    fn a_digest_comes_bare_or_as_an_attribute() {
        let attribute = attributes::opaque(&pki::oid::ATTRIBUTE_MESSAGE_DIGEST, &[7; 32]);
        for given in [vec![7; 32], attribute] {
            assert_eq!(hash(given).descriptor().unwrap().digest, [7; 32]);
        }
        let short = attributes::opaque(&pki::oid::ATTRIBUTE_MESSAGE_DIGEST, &[7; 20]);
        for given in [vec![7; 31], vec![7; 48], Vec::new(), short] {
            let refused = hash(given).descriptor().unwrap_err().to_string();
            assert!(refused.contains("messageDigest"), "{refused}");
        }
    }

    #[test]
    fn without_signed_attributes_there_is_no_time_and_nothing_else() {
        let bare = NewHash {
            signed_attributes: false,
            ..hash(vec![7; 32])
        };
        assert!(!bare.descriptor().unwrap().signing_time);
        let oid = pki::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");
        let more = NewHash {
            other_attributes: vec![attributes::opaque(&oid, b"order 4711")],
            ..bare
        };
        let refused = more.descriptor().unwrap_err().to_string();
        assert!(refused.contains("otherAuthAttributes"), "{refused}");
    }
}
