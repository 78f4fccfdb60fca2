//! What an identification says of a person, beside what the request says.

use model::Subject;
use model::evidence::Claims;

use crate::case::text_of;

/// Fields that an identity document answers for.
const IDENTIFIED: [&str; 7] = [
    "given_name",
    "surname_1",
    "surname_2",
    "serial_number",
    "birth_date",
    "id_document_type",
    "id_document_country",
];

/// Fields in which the request differs from what was read from the document, for the officer to
/// see. Case and blanks are no difference: documents shout.
pub(super) fn mismatches(subject: &Subject, claims: &Claims) -> Vec<&'static str> {
    let folded = |text: String| {
        let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    read(claims)
        .filter(|(name, value)| {
            let own = subject.field(name);
            own.is_some_and(|own| folded(own) != folded(value.clone()))
        })
        .map(|(name, _)| name)
        .collect()
}

/// Fields that were read from the document and that a correction would change.
pub(super) fn changed(before: &Subject, after: &Subject, claims: &Claims) -> Vec<&'static str> {
    read(claims)
        .map(|(name, _)| name)
        .filter(|name| before.field(name) != after.field(name))
        .collect()
}

fn read(claims: &Claims) -> impl Iterator<Item = (&'static str, String)> {
    IDENTIFIED.into_iter().filter_map(|name| {
        let value = text_of(claims.ocr_data.as_ref()?, name)?;
        Some((name, value))
    })
}

#[cfg(test)]
mod tests {
    use model::contact::Email;
    use serde_json::json;

    use super::*;

    fn subject(given_name: &str) -> Subject {
        let mut subject = Subject::from_email(Email::parse("ana@example.org").unwrap());
        subject.set("given_name", Some(given_name)).unwrap();
        subject.set("serial_number", Some("00000000T")).unwrap();
        subject
    }

    fn claims() -> Claims {
        let ocr =
            json!({ "given_name": "ANA  MARÍA", "serial_number": "00000001R", "eyes": "brown" });
        Claims {
            ocr_data: ocr.as_object().cloned(),
            ..Claims::default()
        }
    }

    #[test]
    fn case_and_blanks_are_no_difference() {
        assert_eq!(
            mismatches(&subject("Ana María"), &claims()),
            ["serial_number"]
        );
        assert_eq!(
            mismatches(&subject("Eva"), &claims()),
            ["given_name", "serial_number"]
        );
        assert!(mismatches(&subject("Eva"), &Claims::default()).is_empty());
    }

    #[test]
    fn only_what_was_read_counts_as_changed() {
        let (before, mut after) = (subject("Ana María"), subject("Eva"));
        after.set("title", Some("Engineer")).unwrap();
        assert_eq!(changed(&before, &after, &claims()), ["given_name"]);
        assert!(changed(&before, &after, &Claims::default()).is_empty());
        assert!(changed(&before, &before, &claims()).is_empty());
    }
}
