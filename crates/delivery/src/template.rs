//! Filling a gateway's URL and body with one text message.

use reqwest::header::HeaderValue;
use url::form_urlencoded;

/// The media type of a body whose headers name none.
pub(crate) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// How a gateway's body is written, and so how values in it are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// JSON; placeholders stand inside string literals.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl BodyFormat {
    /// The format that a `Content-Type` names, if values can be escaped for it.
    pub(crate) fn of(content_type: &HeaderValue) -> Option<Self> {
        let essence = content_type
            .to_str()
            .ok()?
            .split(';')
            .next()?
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            JSON => Some(BodyFormat::Json),
            FORM => Some(BodyFormat::Form),
            _ => None,
        }
    }

    /// Escapes a value for its place in a body of this format.
    pub(crate) fn escape(self, value: &str) -> String {
        match self {
            BodyFormat::Json => {
                let literal = serde_json::Value::from(value).to_string();
                literal[1..literal.len() - 1].to_owned()
            }
            BodyFormat::Form => percent(value),
        }
    }
}

/// The operator's template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Neither the URL nor the body mentions this placeholder.
    #[error("the SMS gateway's url or body must mention {0}")]
    Missing(&'static str),
    /// The body is no JSON, even with values put in.
    #[error("the SMS gateway's body is no JSON; placeholders stand inside its quotes")]
    NotJson,
    /// Values cannot be escaped for this content type.
    #[error("the SMS gateway's Content-Type must be {JSON} or {FORM}")]
    NotABody,
    /// The URL is no `http` or `https` address.
    #[error("the SMS gateway's url is no http or https address")]
    NotAnAddress,
    /// The method is none of HTTP's.
    #[error("the SMS gateway's method is none of HTTP's")]
    NotAMethod,
    /// A header's name or value cannot be sent.
    #[error("the SMS gateway's header {0:?} cannot be sent")]
    NotAHeader(String),
}

/// Escapes a value for its place in a URL's query or a form.
pub(crate) fn percent(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Puts values in the place of `{name}`, in one pass: a value that looks like a placeholder
/// stays as it is.
pub(crate) fn fill(
    template: &str,
    values: &[(&str, &str)],
    escape: impl Fn(&str) -> String,
) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let value = values.iter().find(|(name, _)| rest.starts_with(name));
        match value {
            Some((name, value)) => {
                filled.push_str(&escape(value));
                rest = &rest[name.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &[(&str, &str)] = &[
        ("{to}", "+34600111222"),
        ("{text}", "a \"b\"\n{code} ñ&="),
        ("{code}", "123456"),
    ];

    #[test]
    fn json_bodies_stay_json() {
        let template = r#"{"to":"{to}","body":{"text":"{text}"},"other":"{else}"}"#;
        let filled = fill(template, VALUES, |value| BodyFormat::Json.escape(value));
        let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
        assert_eq!(read["to"], "+34600111222");
        assert_eq!(read["body"]["text"], "a \"b\"\n{code} ñ&=");
        assert_eq!(read["other"], "{else}");
    }

    #[test]
    fn forms_stay_forms() {
        let filled = fill("to={to}&text={text}&n={code}", VALUES, |v| {
            BodyFormat::Form.escape(v)
        });
        let read: Vec<_> = form_urlencoded::parse(filled.as_bytes())
            .into_owned()
            .collect();
        let expected = [("to", VALUES[0].1), ("text", VALUES[1].1), ("n", "123456")];
        assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}
