//! Distinguished names: which text may stand where, how long it may be, and in which string type.
//!
//! Text goes in as UTF8String, except where X.520 demands PrintableString (RFC 5280 §4.1.2.4 and
//! appendix A.1). Runs of white space become one blank, since matching ignores them anyway.

use const_oid::ObjectIdentifier;
use der::asn1::{PrintableStringRef, Utf8StringRef};
use der::{Decode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

use crate::{PkiError, encode, oid};

/// ub-common-name, in characters (RFC 5280 appendix A.1).
const MAX_COMMON_NAME: usize = 64;
/// ub-name, in characters (RFC 5280 appendix A.1).
const MAX_NAME: usize = 32_768;
/// Our own bound on given names and surnames: keeps certificates, and with them the space
/// reserved in documents, small. The longest names on record are shorter.
const MAX_PERSONAL_NAME: usize = 300;

/// The most characters that an attribute takes: its `ub-` bound of RFC 5280 appendix A.1 or X.520
/// annex C, where it has one. organizationIdentifier has none and takes the organisation's.
pub(crate) fn upper_bound(attribute: &ObjectIdentifier) -> usize {
    match *attribute {
        oid::COUNTRY_NAME => 2,
        oid::COMMON_NAME => MAX_COMMON_NAME,
        oid::SERIAL_NUMBER
        | oid::ORGANIZATION_NAME
        | oid::ORGANIZATIONAL_UNIT_NAME
        | oid::ORGANIZATION_IDENTIFIER
        | oid::TITLE => 64,
        oid::DESCRIPTION => 1024,
        oid::GIVEN_NAME | oid::SURNAME => MAX_PERSONAL_NAME,
        _ => MAX_NAME,
    }
}

/// Puts a distinguished name together, in the order of the calls. Each takes the name that an
/// error calls the value by.
#[derive(Default)]
pub(crate) struct NameBuilder(Vec<u8>);

impl NameBuilder {
    /// Any attribute that is a UTF8String; it must fit.
    pub(crate) fn text(
        self,
        attribute: &ObjectIdentifier,
        field: &'static str,
        text: &str,
    ) -> Result<Self, PkiError> {
        let text = clean(field, text, upper_bound(attribute))?;
        Ok(self.push(attribute, &encode::utf8(&text)))
    }

    /// A common name that is cut where it does not fit: at the last blank that leaves 64
    /// characters or fewer, else after 64 characters. The full name stands in other attributes.
    pub(crate) fn cut_common_name(self, field: &'static str, text: &str) -> Result<Self, PkiError> {
        let text = clean(field, text, MAX_NAME)?;
        Ok(self.push(&oid::COMMON_NAME, &encode::utf8(cut(&text))))
    }

    pub(crate) fn country(self, field: &'static str, code: &str) -> Result<Self, PkiError> {
        if code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
            Ok(self.push(&oid::COUNTRY_NAME, &encode::printable(code)))
        } else {
            Err(value(field, "must be two capital letters (ISO 3166-1)"))
        }
    }

    pub(crate) fn serial_number(self, field: &'static str, text: &str) -> Result<Self, PkiError> {
        let text = clean(field, text, upper_bound(&oid::SERIAL_NUMBER))?;
        if !text.chars().all(is_printable) {
            let reason = "may hold only letters from A to Z, digits, blanks and '()+,-./:=?";
            return Err(value(field, reason));
        }
        Ok(self.push(&oid::SERIAL_NUMBER, &encode::printable(&text)))
    }

    /// The name, as DER.
    pub(crate) fn finish(self) -> Vec<u8> {
        encode::sequence(&[&self.0])
    }

    fn push(mut self, id: &ObjectIdentifier, value: &[u8]) -> Self {
        let attribute = encode::sequence(&[&encode::oid(id), value]);
        self.0.extend_from_slice(&encode::set(&attribute));
        self
    }
}

/// Whether PrintableString has the character (X.680 §41.4).
pub(crate) fn is_printable(c: char) -> bool {
    c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)
}

/// The value of an attribute that is a UTF8String or PrintableString.
pub(crate) fn text(attribute: &AttributeTypeAndValue) -> Option<&str> {
    match attribute.value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(&attribute.value)
            .ok()
            .map(|s| s.as_str()),
        Tag::PrintableString => PrintableStringRef::try_from(&attribute.value)
            .ok()
            .map(|s| s.as_str()),
        _ => None,
    }
}

/// An attribute's text in a DER name.
pub(crate) fn attribute(name: &[u8], attribute: ObjectIdentifier) -> Option<String> {
    let name = Name::from_der(name).ok()?;
    let found = name.iter().find(|one| one.oid == attribute)?;
    text(found).map(str::to_owned)
}

fn clean(field: &'static str, text: &str, max: usize) -> Result<String, PkiError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let len = text.chars().count();
    if text.is_empty() {
        Err(value(field, "is empty"))
    } else if text.chars().any(char::is_control) {
        Err(value(field, "holds control characters"))
    } else if len > max {
        Err(value(
            field,
            format!("has {len} characters, of which a certificate takes {max}"),
        ))
    } else {
        Ok(text)
    }
}

fn cut(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(MAX_COMMON_NAME) else {
        return text;
    };
    // A blank right after the 64th character ends a word that fits whole.
    let word_end = if text[end..].starts_with(' ') {
        Some(end)
    } else {
        text[..end].rfind(' ')
    };
    &text[..word_end.unwrap_or(end)]
}

pub(crate) fn value(field: &'static str, reason: impl Into<String>) -> PkiError {
    PkiError::Value {
        field,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_common_names_are_cut_between_words() {
        let exact = "x".repeat(64);
        assert_eq!(cut(&exact), exact);
        assert_eq!(cut(&format!("{exact} rest")), exact);
        assert_eq!(cut(&format!("{exact}y")), exact);
        let greek = format!("{} {}", "Ωρίων".repeat(5), "Παπαδόπουλος".repeat(4));
        assert_eq!(cut(&greek), "Ωρίων".repeat(5));
    }

    #[test]
    fn values_that_do_not_fit_are_named_without_being_repeated() {
        let message = |result: Result<NameBuilder, PkiError>| result.err().unwrap().to_string();
        let name = NameBuilder::default;
        assert_eq!(
            message(name().text(&oid::SURNAME, "the surname", &"x".repeat(301))),
            "the surname has 301 characters, of which a certificate takes 300"
        );
        assert_eq!(
            message(name().text(&oid::DESCRIPTION, "description", &"x".repeat(1025))),
            "description has 1025 characters, of which a certificate takes 1024"
        );
        assert_eq!(
            message(name().text(&oid::GIVEN_NAME, "the given name", " \t ")),
            "the given name is empty"
        );
        assert_eq!(
            message(name().text(&oid::GIVEN_NAME, "the given name", "A\u{0}B")),
            "the given name holds control characters"
        );
        let greek = name().serial_number("the identity number", "IDCGR-ΑΒ123456");
        assert!(message(greek).contains("letters from A to Z"));
        assert!(name().country("the country", "es").is_err());
        assert!(name().country("the country", "ESP").is_err());
    }
}
