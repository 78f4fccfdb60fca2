//! Lists in pages of ten.

use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use service::Error;
use service::registration::{PAGE_SIZE, Page};

use super::door::{Door, ok};
use super::refusal::Fault;
use crate::query;

/// The page that the query asks for, counted from 1.
pub(super) fn wanted(uri: &Uri) -> Result<i64, Fault> {
    match query::value(uri, "page") {
        None => Ok(1),
        Some(text) => text
            .parse()
            .ok()
            .filter(|page| *page >= 1)
            .ok_or_else(|| Error::NoSuchPage.into()),
    }
}

/// A page with its neighbours' addresses, which keep the filters.
pub(super) fn answer<T>(
    door: &Door,
    uri: &Uri,
    page: i64,
    list: &Page<T>,
    form: impl Fn(&T) -> Value,
) -> Response {
    let base = door.config.base_url.as_str();
    let next = (page.saturating_mul(PAGE_SIZE) < list.total).then(|| address(base, uri, page + 1));
    let previous = (page > 1).then(|| address(base, uri, page - 1));
    ok(&json!({
        "count": list.total,
        "next": next,
        "previous": previous,
        "results": list.items.iter().map(form).collect::<Vec<_>>(),
    }))
}

/// An empty list, where a filter names what cannot exist.
pub(super) fn none<T>(page: i64) -> Result<Page<T>, Fault> {
    if page > 1 {
        return Err(Error::NoSuchPage.into());
    }
    Ok(Page {
        total: 0,
        items: Vec::new(),
    })
}

fn address(base: &str, uri: &Uri, page: i64) -> String {
    let filters = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != "page");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(filters)
        .append_pair("page", &page.to_string())
        .finish();
    let path = uri.path().trim_end_matches('/');
    format!("{base}{path}/?{query}")
}

/// The number that a filter names: `None` without the filter, an error that no entry fits where it
/// is no number.
pub(super) fn number_filter(uri: &Uri, name: &str) -> Result<Option<i64>, NothingFits> {
    query::value(uri, name)
        .map(|text| text.parse().map_err(|_| NothingFits))
        .transpose()
}

/// A filter names what cannot exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NothingFits;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_keep_the_filters() {
        let uri = Uri::from_static("/api/v1/requests?email=a%2Bb%40example.org&page=2&page=3");
        assert_eq!(
            address("https://ra.example.org", &uri, 4),
            "https://ra.example.org/api/v1/requests/?email=a%2Bb%40example.org&page=4"
        );
    }

    #[test]
    fn pages_are_counted_from_one() {
        let page = |query: &str| wanted(&format!("/x?{query}").parse().unwrap()).ok();
        assert_eq!(page(""), Some(1));
        assert_eq!(page("page="), Some(1));
        assert_eq!(page("page=7"), Some(7));
        for wrong in ["page=0", "page=-1", "page=a", "page=99999999999999999999"] {
            assert_eq!(page(wrong), None, "{wrong}");
        }
    }
}
