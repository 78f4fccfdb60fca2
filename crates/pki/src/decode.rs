//! Strict DER, read element by element, so that the exact bytes of every part stay at hand.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{DateTime, Decode, Reader as _, SliceReader};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use x509_cert::time::Time;

use crate::PkiError;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// The tag of `[number]`, constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Reads the elements inside one constructed element. `what` names the structure in errors.
pub(crate) struct Elements<'a> {
    rest: SliceReader<'a>,
    what: &'static str,
}

impl<'a> Elements<'a> {
    /// The elements inside `element`, which must have the given tag and fill its bytes.
    pub(crate) fn of(tag: u8, element: &'a [u8], what: &'static str) -> Result<Self, PkiError> {
        let content = content(tag, element).ok_or(PkiError::Malformed(what))?;
        let rest = SliceReader::new(content).map_err(|_| PkiError::Malformed(what))?;
        Ok(Self { rest, what })
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<&'a [u8], PkiError> {
        self.rest.tlv_bytes().map_err(|_| self.malformed())
    }

    /// The next element, if there is one and it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, PkiError> {
        if self.rest.peek_byte() == Some(tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The next element, which must have this tag.
    pub(crate) fn next(&mut self, tag: u8) -> Result<&'a [u8], PkiError> {
        self.optional(tag)?.ok_or(self.malformed())
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn content(&mut self, tag: u8) -> Result<&'a [u8], PkiError> {
        let element = self.next(tag)?;
        content(tag, element).ok_or(self.malformed())
    }

    /// The elements inside the next element, which must have this tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Result<Elements<'a>, PkiError> {
        Elements::of(tag, self.next(tag)?, self.what)
    }

    /// The next element as an object identifier.
    pub(crate) fn oid(&mut self) -> Result<ObjectIdentifier, PkiError> {
        let element = self.next(OID)?;
        ObjectIdentifier::from_der(element).map_err(|_| self.malformed())
    }

    /// The content octets of the next element, an INTEGER in its shortest form.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], PkiError> {
        match self.content(INTEGER)? {
            [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(self.malformed()),
            digits => Ok(digits),
        }
    }

    /// The next element as a GeneralizedTime in whole seconds.
    pub(crate) fn generalized_time(&mut self) -> Result<OffsetDateTime, PkiError> {
        let element = self.next(GENERALIZED_TIME)?;
        let time = Time::from_der(element).map_err(|_| self.malformed())?;
        Ok(instant(time))
    }

    /// The next element as a GeneralizedTime that may have a fraction of a second, which is cut
    /// after nanoseconds (RFC 3161 §2.4.2).
    pub(crate) fn precise_time(&mut self) -> Result<OffsetDateTime, PkiError> {
        let text = self.content(GENERALIZED_TIME)?;
        precise_time(text).ok_or(self.malformed())
    }

    /// Whether nothing is left.
    pub(crate) fn is_finished(&self) -> bool {
        self.rest.is_finished()
    }

    /// Checks that nothing is left.
    pub(crate) fn finish(self) -> Result<(), PkiError> {
        if self.is_finished() {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }

    fn malformed(&self) -> PkiError {
        PkiError::Malformed(self.what)
    }
}

fn precise_time(text: &[u8]) -> Option<OffsetDateTime> {
    let form = format_description!("[year][month][day][hour][minute][second]");
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    // A fraction that is there is neither empty nor ends in zero.
    if text.ends_with(['.', '0']) && whole != text {
        return None;
    }
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let time = PrimitiveDateTime::parse(whole, &form).ok()?;
    time.assume_utc().replace_nanosecond(nanoseconds).ok()
}

/// The first of the elements that stand one after the other in `list`.
pub(crate) fn first(list: &[u8]) -> Option<&[u8]> {
    SliceReader::new(list)
        .and_then(|mut list| list.tlv_bytes())
        .ok()
}

/// The content of `element` if it is exactly one element with this tag.
pub(crate) fn content(tag: u8, element: &[u8]) -> Option<&[u8]> {
    let any = AnyRef::from_der(element).ok()?;
    (element[0] == tag).then(|| any.value())
}

/// Whether `element` is one element in DER down to its innermost parts, as far as its tags tell
/// (X.690 §10, §11). What stands under implicit tags is taken as it is.
pub(crate) fn is_der(element: &[u8]) -> bool {
    is_der_within(element, MAX_DEPTH)
}

/// Elements within elements, at most.
const MAX_DEPTH: usize = 16;

fn is_der_within(element: &[u8], depth: usize) -> bool {
    let (Ok(any), Some(depth)) = (AnyRef::from_der(element), depth.checked_sub(1)) else {
        return false;
    };
    let value = any.value();
    let parts = || {
        let mut rest = SliceReader::new(value).ok()?;
        let mut parts = Vec::new();
        while !rest.is_finished() {
            parts.push(rest.tlv_bytes().ok()?);
        }
        parts
            .iter()
            .all(|part| is_der_within(part, depth))
            .then_some(parts)
    };
    match element[0] {
        BOOLEAN => matches!(value, [0] | [0xff]),
        INTEGER => !matches!(value, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]),
        OID => <ObjectIdentifier>::from_der(element).is_ok(),
        SET => parts().is_some_and(|parts| parts.is_sorted()),
        SEQUENCE => parts().is_some(),
        // Strings are not put together from parts (X.690 §10.2).
        0x20..=0x3f => false,
        tag if tag & 0x20 != 0 => parts().is_some(),
        _ => true,
    }
}

/// The algorithm and its parameters, as an element, from an AlgorithmIdentifier.
pub(crate) fn algorithm<'a>(
    element: &'a [u8],
    what: &'static str,
) -> Result<(ObjectIdentifier, Option<&'a [u8]>), PkiError> {
    let mut parts = Elements::of(SEQUENCE, element, what)?;
    let id = parts.oid()?;
    let parameters = if parts.is_finished() {
        None
    } else {
        Some(parts.any()?)
    };
    parts.finish()?;
    Ok((id, parameters))
}

/// One extension (RFC 5280 §4.1): identifier, whether critical, value.
pub(crate) fn extension<'a>(
    list: &mut Elements<'a>,
) -> Result<(ObjectIdentifier, bool, &'a [u8]), PkiError> {
    let mut parts = list.inside(SEQUENCE)?;
    let id = parts.oid()?;
    let critical = parts
        .optional(BOOLEAN)?
        .is_some_and(|element| element[2..] == [0xff]);
    let value = parts.content(OCTET_STRING)?;
    parts.finish()?;
    Ok((id, critical, value))
}

/// The parts of a certificate (RFC 5280 §4.1), each as the very bytes that stand in it.
pub(crate) struct CertificateParts<'a> {
    pub(crate) tbs: &'a [u8],
    /// AlgorithmIdentifier.
    pub(crate) signature_algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) public_key_info: &'a [u8],
}

impl<'a> CertificateParts<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, PkiError> {
        const WHAT: &str = "certificate";
        let mut certificate = Elements::of(SEQUENCE, der, WHAT)?;
        let tbs = certificate.next(SEQUENCE)?;
        let signature_algorithm = certificate.next(SEQUENCE)?;
        let signature = whole_bytes(certificate.content(BIT_STRING)?, WHAT)?;
        certificate.finish()?;
        let mut parts = Elements::of(SEQUENCE, tbs, WHAT)?;
        parts.optional(context(0))?;
        let serial = parts.next(INTEGER)?;
        parts.next(SEQUENCE)?;
        let issuer = parts.next(SEQUENCE)?;
        parts.next(SEQUENCE)?;
        let subject = parts.next(SEQUENCE)?;
        let public_key_info = parts.next(SEQUENCE)?;
        Ok(Self {
            tbs,
            signature_algorithm,
            signature,
            serial,
            issuer,
            subject,
            public_key_info,
        })
    }

    /// IssuerAndSerialNumber (RFC 5652 §10.2.4).
    pub(crate) fn issuer_and_serial(&self) -> Vec<u8> {
        crate::encode::sequence(&[self.issuer, self.serial])
    }
}

/// The public key's bits from a SubjectPublicKeyInfo.
pub(crate) fn public_key_bits(info: &[u8]) -> Result<&[u8], PkiError> {
    const WHAT: &str = "public key";
    let mut parts = Elements::of(SEQUENCE, info, WHAT)?;
    parts.next(SEQUENCE)?;
    let bits = whole_bytes(parts.content(BIT_STRING)?, WHAT)?;
    parts.finish()?;
    Ok(bits)
}

/// An INTEGER's content as hexadecimal digits, without the leading zero of a high bit.
pub(crate) fn serial_hex(integer: &[u8]) -> String {
    let digits = match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        digits => digits,
    };
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of what [`serial_hex`] wrote, of which there are at most 20 (RFC 5280 §4.1.2.2).
pub(crate) fn serial_bytes(hex: &str) -> Result<Vec<u8>, PkiError> {
    let malformed = PkiError::Malformed("serial number");
    let digits = hex.as_bytes();
    if !matches!(digits.len(), 1..=40) {
        return Err(malformed);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| {
        pair.iter()
            .try_fold(0, |sum, one| Some(sum * 16 + digit(one)?))
    };
    // An odd first digit stands alone.
    let (head, pairs) = digits.split_at(digits.len() % 2);
    [head]
        .into_iter()
        .filter(|head| !head.is_empty())
        .chain(pairs.chunks(2))
        .map(|pair| byte(pair).map(|value| value as u8))
        .collect::<Option<_>>()
        .ok_or(malformed)
}

/// A certificate's time as an instant.
pub(crate) fn instant(time: Time) -> OffsetDateTime {
    let date: DateTime = time.to_date_time();
    OffsetDateTime::UNIX_EPOCH + date.unix_duration()
}

pub(crate) fn whole_bytes<'a>(bits: &'a [u8], what: &'static str) -> Result<&'a [u8], PkiError> {
    match bits {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(PkiError::Malformed(what)),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_may_have_fractions_in_their_one_form() {
        let read = |text: &str| precise_time(text.as_bytes());
        assert_eq!(
            read("20261122093015Z"),
            Some(datetime!(2026-11-22 09:30:15 UTC))
        );
        assert_eq!(
            read("20261122093015.25Z"),
            Some(datetime!(2026-11-22 09:30:15.25 UTC))
        );
        for bad in [
            "20261122093015",
            "20261122093015.Z",
            "20261122093015.250Z",
            "20261122093015.2x5Z",
            "20261122093015+0100",
            "202611220930Z",
            "20261322093015Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested =
            |depth| (0..depth).fold(vec![5, 0], |inner, _| crate::encode::sequence(&[&inner]));
        assert!(is_der(&nested(MAX_DEPTH - 1)));
        assert!(!is_der(&nested(MAX_DEPTH)));
    }
}
