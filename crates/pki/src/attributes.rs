//! Signed attributes of a signature container (RFC 5652 §5.3, §11).

use const_oid::ObjectIdentifier;
use time::OffsetDateTime;

use crate::decode::{self, Elements, OCTET_STRING, SEQUENCE, SET};
use crate::{PkiError, encode, name, oid};

/// Attributes that a caller may not bring: those that the signer decides about, and those that must
/// not be signed (RFC 5652 §11.4, RFC 3161 appendix A).
const OURS: [ObjectIdentifier; 7] = [
    oid::ATTRIBUTE_CONTENT_TYPE,
    oid::ATTRIBUTE_MESSAGE_DIGEST,
    oid::ATTRIBUTE_SIGNING_TIME,
    oid::ATTRIBUTE_SIGNING_CERTIFICATE,
    oid::ATTRIBUTE_SIGNING_CERTIFICATE_V2,
    oid::ATTRIBUTE_COUNTERSIGNATURE,
    oid::ATTRIBUTE_TIME_STAMP_TOKEN,
];

const FIELD: &str = "a signed attribute";

/// Checks further attributes: each an Attribute in DER, none there twice, none that the signature
/// has anyway.
///
/// Fails with [`PkiError::Value`].
pub fn check(attributes: &[Vec<u8>]) -> Result<(), PkiError> {
    let mut seen = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        let (id, _) = read(attribute)
            .ok_or_else(|| name::value(FIELD, "must be one Attribute (RFC 5652) in DER"))?;
        if OURS.contains(&id) {
            return Err(name::value(FIELD, "is one that the signer decides about"));
        }
        if seen.contains(&id) {
            return Err(name::value(FIELD, "is there twice"));
        }
        seen.push(id);
    }
    Ok(())
}

/// An Attribute that holds `value`, whatever it is, as an OCTET STRING.
pub fn opaque(id: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    encode::attribute(id, &encode::octet_string(value))
}

/// The digest in a message-digest Attribute (RFC 5652 §11.2); `None` if it is none.
pub fn message_digest(attribute: &[u8]) -> Option<&[u8]> {
    match read(attribute)? {
        (oid::ATTRIBUTE_MESSAGE_DIGEST, values) => match values[..] {
            [value] => decode::content(OCTET_STRING, value),
            _ => None,
        },
        _ => None,
    }
}

/// Identifier and values of an Attribute in DER.
fn read(attribute: &[u8]) -> Option<(ObjectIdentifier, Vec<&[u8]>)> {
    const WHAT: &str = "attribute";
    if !decode::is_der(attribute) {
        return None;
    }
    let mut parts = Elements::of(SEQUENCE, attribute, WHAT).ok()?;
    let id = parts.oid().ok()?;
    let mut set = parts.inside(SET).ok()?;
    parts.finish().ok()?;
    let mut values = Vec::new();
    while !set.is_finished() {
        values.push(set.any().ok()?);
    }
    // SET OF is in ascending order (X.690 §11.6).
    (!values.is_empty() && values.is_sorted()).then_some((id, values))
}

/// The signed attributes of one signature.
pub(crate) struct SignedAttributes(Vec<Vec<u8>>);

impl SignedAttributes {
    /// Content type and message digest, without which there are none (RFC 5652 §5.3).
    pub(crate) fn new(kind: &ObjectIdentifier, digest: &[u8]) -> Self {
        Self(vec![
            encode::attribute(&oid::ATTRIBUTE_CONTENT_TYPE, &encode::oid(kind)),
            encode::attribute(
                &oid::ATTRIBUTE_MESSAGE_DIGEST,
                &encode::octet_string(digest),
            ),
        ])
    }

    pub(crate) fn with(mut self, others: &[Vec<u8>]) -> Self {
        self.0.extend_from_slice(others);
        self
    }

    /// And the claimed time, in the form of a certificate's (RFC 5652 §11.3).
    pub(crate) fn with_signing_time(self, at: Option<OffsetDateTime>) -> Self {
        match at {
            Some(at) => {
                let time = encode::certificate_time(at);
                self.with(&[encode::attribute(&oid::ATTRIBUTE_SIGNING_TIME, &time)])
            }
            None => self,
        }
    }

    /// The content of their SET OF.
    pub(crate) fn content(&self) -> Vec<u8> {
        encode::sorted(self.0.iter().map(Vec::as_slice).collect())
    }

    /// The SET itself, which is what the signature is over (RFC 5652 §5.4).
    pub(crate) fn to_be_signed(&self) -> Vec<u8> {
        encode::tlv(SET, &[&self.content()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");

    fn complaint(attributes: &[Vec<u8>]) -> String {
        check(attributes).unwrap_err().to_string()
    }

    #[test]
    fn only_attributes_in_der_pass() {
        let good = opaque(&OWN, b"metadata");
        assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
        let twice = complaint(&[good.clone(), good.clone()]);
        assert!(twice.contains("there twice"), "{twice}");
        let empty = encode::sequence(&[&encode::oid(&OWN), &encode::tlv(SET, &[])]);
        let disordered = encode::sequence(&[
            &encode::oid(&OWN),
            &encode::tlv(SET, &[&encode::small(2), &encode::small(1)]),
        ]);
        // A BOOLEAN that is neither of DER's two, deep inside.
        let lax = encode::attribute(&OWN, &encode::sequence(&[&[1, 1, 1]]));
        let trailing = [&good[..], &[0]].concat();
        let cut = good[..good.len() - 1].to_vec();
        for bad in [empty, disordered, lax, trailing, cut, Vec::new()] {
            let message = complaint(std::slice::from_ref(&bad));
            assert!(message.contains("in DER"), "{bad:02x?}: {message}");
        }
    }

    #[test]
    fn what_the_signer_decides_about_cannot_be_brought() {
        for id in OURS {
            let message = complaint(&[opaque(&id, b"")]);
            assert!(message.contains("signer decides"), "{id}: {message}");
        }
    }

    #[test]
    fn a_message_digest_is_found_in_its_attribute_only() {
        let of = |id: &ObjectIdentifier| opaque(id, &[7; 32]);
        let attribute = of(&oid::ATTRIBUTE_MESSAGE_DIGEST);
        assert_eq!(message_digest(&attribute), Some(&[7; 32][..]));
        assert_eq!(message_digest(&of(&OWN)), None);
        assert_eq!(message_digest(&[7; 32]), None);
    }
}
