//! How long it may be what clients of either API say at will, since answers and events repeat it.

use model::evidence::Claims;
use serde_json::{Value, json};
use url::Url;

use crate::{Error, Problems};

/// Longest reason of a refusal, in characters: every answer on the request repeats it.
const LONGEST_REASON: usize = 1000;
/// Longest of each claim, in bytes of JSON: lists repeat those of ten requests.
const LONGEST_CLAIM: usize = 1 << 20;
/// Longest address of a webhook, in bytes: it stands in every event that is queued for it.
const LONGEST_ADDRESS: usize = 2048;

/// Why a request is refused, without blanks around.
pub(crate) fn reason(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    let mut problems = Problems::default();
    if text.chars().count() > LONGEST_REASON {
        let words = format!("must have no more than {LONGEST_REASON} characters");
        problems.invalid("reason", words);
    }
    problems.check().map(|()| text)
}

/// Fails with [`Error::Fields`] where a claim is longer than anything that is said of a person.
pub(crate) fn check_claims(claims: &Claims) -> Result<(), Error> {
    let mut problems = Problems::default();
    if let Value::Object(claims) = json!(claims) {
        for (name, claim) in claims {
            if claim.to_string().len() > LONGEST_CLAIM {
                problems.invalid(name, "must have no more than 1 MiB");
            }
        }
    }
    problems.check()
}

/// Where events go.
pub(crate) fn address(text: &str) -> Result<Url, &'static str> {
    if text.len() > LONGEST_ADDRESS {
        return Err("must have no more than 2048 characters");
    }
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("Enter a valid URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(refused: Result<(), Error>) -> Vec<String> {
        let Err(Error::Fields(problems)) = refused else {
            panic!("not refused");
        };
        problems.0.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_reason_has_an_end_that_blanks_around_do_not_reach() {
        let long = "é".repeat(LONGEST_REASON);
        assert_eq!(reason(&format!(" {long}\n")).unwrap(), long);
        assert_eq!(named(reason(&(long + "é")).map(drop)), ["reason"]);
    }

    #[test]
    fn each_claim_has_an_end_of_its_own() {
        let text = |length: usize| json!({ "a": "x".repeat(length) }).as_object().cloned();
        let around = r#"{"a":""}"#.len();
        let claims = Claims {
            acceptance: text(LONGEST_CLAIM - around),
            ocr_data: text(LONGEST_CLAIM - around),
            ..Claims::default()
        };
        assert!(check_claims(&claims).is_ok());
        let claims = Claims {
            ocr_data: text(LONGEST_CLAIM - around + 1),
            similarity_level: Some("x".repeat(LONGEST_CLAIM).into()),
            ..claims
        };
        let named = named(check_claims(&claims));
        assert_eq!(named, ["ocr_data", "similarity_level"]);
    }

    #[test]
    fn an_address_has_an_end() {
        let long = |length: usize| format!("{:a<length$}", "https://example.org/");
        assert!(address(&long(LONGEST_ADDRESS)).is_ok());
        assert!(address(&long(LONGEST_ADDRESS + 1)).is_err());
        assert!(address("ftp://example.org/").is_err());
    }
}
