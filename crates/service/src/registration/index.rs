//! What requests are found by: keyed digests of a few fields of the subject, which is sealed.

use model::Subject;
use model::contact::Phone;
use store::Tx;

use crate::case::Case;
use crate::{Error, Service};

/// Fields that lists are filtered by.
const SEARCHED: [&str; 6] = [
    "given_name",
    "surname_1",
    "surname_2",
    "serial_number",
    "email",
    "mobile_phone_number",
];

/// The number of the identity document, whichever field carries it.
pub(super) const DOCUMENT: &str = "document";

impl Service {
    /// Brings the index in line with the subject, in the transaction that changes it.
    pub(crate) async fn index_subject(&self, tx: &mut Tx, case: &Case) -> Result<(), Error> {
        store::subject_index::put(tx, case.pk(), &self.index_of(&case.subject)).await?;
        Ok(())
    }

    /// All digests of a subject, by field.
    pub(super) fn index_of(&self, subject: &Subject) -> Vec<(&'static str, Vec<u8>)> {
        let searched = SEARCHED.map(|name| (name, subject.field(name)));
        let document = (DOCUMENT, subject.document_number());
        searched
            .into_iter()
            .chain([document])
            .filter_map(|(name, value)| Some((name, self.index_digest(name, &value?))))
            .collect()
    }

    /// The digest that a value of a field is found by.
    pub(super) fn index_digest(&self, field: &str, value: &str) -> Vec<u8> {
        self.master()
            .mac(
                &format!("index {field}"),
                normalised(field, value).as_bytes(),
            )
            .to_vec()
    }
}

/// The one spelling of values that mean the same.
fn normalised(field: &str, value: &str) -> String {
    let value = value.trim();
    match field {
        "email" => value.to_lowercase(),
        // A `+` that a client left as it is arrives from a query string as a blank.
        "mobile_phone_number" => Phone::parse(value)
            .or_else(|_| Phone::parse(&format!("+{value}")))
            .map_or_else(|_| value.to_owned(), |phone| phone.as_str().to_owned()),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn spellings_of_one_phone_number_or_address_are_found_alike() {
        for spelling in ["+34 600 000 000", " 34600000000", "+34600000000"] {
            assert_eq!(normalised("mobile_phone_number", spelling), "+34600000000");
        }
        assert_eq!(normalised("email", " Ana@Example.org"), "ana@example.org");
    }

    #[test]
    fn names_and_numbers_are_found_as_they_were_written() {
        assert_eq!(normalised("surname_1", " de la Prueba "), "de la Prueba");
        assert_ne!(
            normalised("serial_number", "00000000t"),
            normalised("serial_number", "00000000T"),
        );
    }
}
