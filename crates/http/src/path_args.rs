//! The variable parts of a path.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use service::Error;

/// The variable parts of a path. Reading them never fails: what is no number is the number of
/// nothing.
pub(crate) struct PathArgs(Vec<(String, String)>);

impl PathArgs {
    /// The request's or VideoID's number.
    pub(crate) fn pk(&self) -> Result<i64, Error> {
        let text = self.text("pk");
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(number),
            _ => Err(Error::UnknownRequest(text.chars().take(40).collect())),
        }
    }

    /// A part as a text without control characters; no database or log wants those.
    pub(crate) fn text(&self, name: &str) -> String {
        self.raw(name)
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect()
    }

    /// A part as it is; empty where there is none.
    pub(crate) fn raw(&self, name: &str) -> &str {
        let part = self.0.iter().find(|(key, _)| key == name);
        part.map_or("", |(_, value)| value)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathArgs {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // Rejected where the percent-encoding is no UTF-8: then nothing is known by that name.
        let params = RawPathParams::from_request_parts(parts, state).await;
        Ok(Self(match &params {
            Ok(params) => params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            Err(_) => Vec::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_name_a_request() {
        let pk = |text: &str| PathArgs(vec![("pk".into(), text.into())]).pk();
        assert_eq!(pk("50231").unwrap(), 50231);
        for unknown in [
            "",
            "+5",
            "-5",
            "5.0",
            "abc",
            "99999999999999999999",
            "5\u{0}x",
        ] {
            assert!(
                matches!(pk(unknown), Err(Error::UnknownRequest(_))),
                "{unknown}"
            );
        }
        assert_eq!(
            PathArgs(vec![("uid".into(), "a\0b".into())]).text("uid"),
            "ab"
        );
        assert_eq!(PathArgs(Vec::new()).text("uid"), "");
    }
}
