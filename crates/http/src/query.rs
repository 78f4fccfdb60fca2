//! Query strings, read leniently.

use axum::http::Uri;

/// The last value of `name` in the query. Blank values and the words with which client libraries
/// spell "nothing" count as absent.
pub(crate) fn value(uri: &Uri, name: &str) -> Option<String> {
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .filter(|(key, _)| key == name)
        .last()
        .map(|(_, value)| value.trim().to_owned())
        .filter(|value| !matches!(value.as_str(), "" | "null" | "None" | "undefined"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_value_counts_and_spelled_out_nothings_are_absent() {
        let uri: Uri = "/x?a=1&document_type=signed&document_type=origin%61l"
            .parse()
            .unwrap();
        assert_eq!(value(&uri, "document_type").as_deref(), Some("original"));
        assert_eq!(value(&uri, "b"), None);
        let uri: Uri = "/x?document_type=null".parse().unwrap();
        assert_eq!(value(&uri, "document_type"), None);
        assert_eq!(value(&Uri::from_static("/x"), "a"), None);
    }
}
