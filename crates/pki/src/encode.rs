//! DER, written from the inside out (X.690 §8 and §10).
//!
//! Containers hold certificates, tokens and identifiers that others made and that must be kept to
//! the byte, so structures are put together from finished pieces instead of being modelled.

use const_oid::ObjectIdentifier;
use crypto::KeyAlgorithm;
use model::DigestAlgorithm;
use model::certificate::RevocationReason;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::oid;

/// One element with a single-byte tag, its content joined from `parts`.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(len + 6);
    out.push(tag);
    match len {
        0..=0x7f => out.push(len as u8),
        _ => {
            let bytes = len.to_be_bytes();
            let bytes = &bytes[len.leading_zeros() as usize / 8..];
            out.push(0x80 | bytes.len() as u8);
            out.extend_from_slice(bytes);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// A SET of one element, for which no order has to be kept.
pub(crate) fn set(element: &[u8]) -> Vec<u8> {
    tlv(0x31, &[element])
}

/// The content of a DER SET OF: elements in ascending order of their encodings (X.690 §11.6).
pub(crate) fn sorted(mut elements: Vec<&[u8]>) -> Vec<u8> {
    elements.sort_unstable();
    elements.concat()
}

/// `[number]`, constructed: an EXPLICIT tag around `content`, or an IMPLICIT one in place of a
/// SEQUENCE's or SET's own.
pub(crate) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, &[content])
}

pub(crate) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, &[bytes])
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes])
}

/// A named bit list with only bit `number` set (X.690 §11.2.2).
pub(crate) fn single_bit(number: u8) -> Vec<u8> {
    let mut bytes = vec![0; usize::from(number / 8) + 1];
    *bytes.last_mut().expect("there is at least one byte") = 0x80 >> (number % 8);
    tlv(0x03, &[&[7 - number % 8], &bytes])
}

/// A non-negative INTEGER from big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match &bytes[zeros..] {
        [] => tlv(0x02, &[&[0]]),
        digits if digits[0] & 0x80 != 0 => tlv(0x02, &[&[0], digits]),
        digits => tlv(0x02, &[digits]),
    }
}

pub(crate) fn small(value: u8) -> Vec<u8> {
    unsigned(&[value])
}

pub(crate) fn enumerated(value: u8) -> Vec<u8> {
    tlv(0x0a, &[&[value]])
}

/// CRLReason; none where nobody gave one, since `unspecified` should not be written (RFC 5280
/// §5.3.1).
pub(crate) fn reason(reason: Option<RevocationReason>) -> Option<Vec<u8>> {
    let reason = reason.filter(|reason| *reason != RevocationReason::Unspecified)?;
    Some(enumerated(reason.number() as u8))
}

pub(crate) fn oid(oid: &ObjectIdentifier) -> Vec<u8> {
    tlv(0x06, &[oid.as_bytes()])
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0c, &[text.as_bytes()])
}

pub(crate) fn printable(text: &str) -> Vec<u8> {
    tlv(0x13, &[text.as_bytes()])
}

pub(crate) fn ia5(text: &str) -> Vec<u8> {
    tlv(0x16, &[text.as_bytes()])
}

pub(crate) const NULL: [u8; 2] = [0x05, 0x00];
pub(crate) const TRUE: [u8; 3] = [0x01, 0x01, 0xff];

/// GeneralizedTime in whole seconds, without fraction (RFC 5280 §4.1.2.5.2).
pub(crate) fn generalized_time(at: OffsetDateTime) -> Vec<u8> {
    let form = format_description!("[year][month][day][hour][minute][second]Z");
    let text = at
        .to_utc()
        .format(&form)
        .expect("every part of the form is always present");
    tlv(0x18, &[text.as_bytes()])
}

/// `Time` of a certificate's validity: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280
/// §4.1.2.5).
pub(crate) fn certificate_time(at: OffsetDateTime) -> Vec<u8> {
    if !(1950..2050).contains(&at.to_utc().year()) {
        return generalized_time(at);
    }
    let form = format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
    let text = at
        .to_utc()
        .format(&form)
        .expect("every part of the form is always present");
    tlv(0x17, &[text.as_bytes()])
}

/// An AlgorithmIdentifier whose parameters are absent (RFC 5758 §3.2, RFC 5754 §2).
pub(crate) fn algorithm(algorithm: &ObjectIdentifier) -> Vec<u8> {
    sequence(&[&oid(algorithm)])
}

/// A digest algorithm, without parameters (RFC 5754 §2).
pub(crate) fn digest_algorithm(digest: DigestAlgorithm) -> Vec<u8> {
    algorithm(match digest {
        DigestAlgorithm::Sha256 => &oid::SHA256,
        DigestAlgorithm::Sha384 => &oid::SHA384,
        DigestAlgorithm::Sha512 => &oid::SHA512,
    })
}

/// The signature algorithm of keys of this kind over SHA-256, which signs everything of ours but
/// content that comes with another digest.
pub(crate) fn signature_algorithm(key: KeyAlgorithm) -> Vec<u8> {
    signature_algorithm_over(key, DigestAlgorithm::Sha256)
}

/// The signature algorithm of keys of this kind over this digest.
pub(crate) fn signature_algorithm_over(key: KeyAlgorithm, digest: DigestAlgorithm) -> Vec<u8> {
    let (ecdsa, rsa) = match digest {
        DigestAlgorithm::Sha256 => (&oid::ECDSA_WITH_SHA256, &oid::SHA256_WITH_RSA),
        DigestAlgorithm::Sha384 => (&oid::ECDSA_WITH_SHA384, &oid::SHA384_WITH_RSA),
        DigestAlgorithm::Sha512 => (&oid::ECDSA_WITH_SHA512, &oid::SHA512_WITH_RSA),
    };
    match key {
        KeyAlgorithm::EcdsaP256 => algorithm(ecdsa),
        // Parameters are NULL here (RFC 4055 §5).
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => sequence(&[&oid(rsa), &NULL]),
    }
}

/// An Extension (RFC 5280 §4.1).
pub(crate) fn extension(id: &ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &TRUE } else { &[] };
    sequence(&[&oid(id), critical, &octet_string(value)])
}

/// An Attribute with one value (RFC 5652 §5.3).
pub(crate) fn attribute(id: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), &set(value)])
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(tlv(4, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(tlv(4, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[&[0; 256]])[..4], [4, 0x82, 1, 0]);
        assert_eq!(tlv(4, &[&vec![0; 65536]])[..5], [4, 0x83, 1, 0, 0]);
    }

    #[test]
    fn integers_are_minimal_and_positive() {
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
    }

    #[test]
    fn named_bits_drop_trailing_zeros() {
        assert_eq!(single_bit(0), [3, 2, 7, 0x80]);
        assert_eq!(single_bit(2), [3, 2, 5, 0x20]);
        assert_eq!(single_bit(16), [3, 4, 7, 0, 0, 0x80]);
    }

    #[test]
    fn times_change_form_in_2050() {
        let text = |der: Vec<u8>| (der[0], String::from_utf8(der[2..].to_vec()).unwrap());
        let before = datetime!(2049-12-31 23:59:59.9 UTC);
        assert_eq!(
            text(certificate_time(before)),
            (0x17, "491231235959Z".into())
        );
        let after = datetime!(2050-01-01 02:00:00 +2);
        assert_eq!(
            text(certificate_time(after)),
            (0x18, "20500101000000Z".into())
        );
    }
}
