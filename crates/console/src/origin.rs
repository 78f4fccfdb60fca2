//! Forms come from our own pages, or nothing is done.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Console;
use crate::page::Closed;
use crate::visit::Visit;

/// Refuses forms that another site's page sent.
pub(crate) async fn check(
    State(console): State<Console>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if reads || is_own(request.headers(), console.place.origin.as_deref()) {
        next.run(request).await
    } else {
        visit.closed(&console, Closed::ForeignForm).into_response()
    }
}

/// What browsers say of where a form was, as far as they do: older ones tell the origin, which
/// our own pages, since they send no referrer, make `null`. Programs tell nothing.
fn is_own(headers: &HeaderMap, public: Option<&str>) -> bool {
    let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = told("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match told(header::ORIGIN.as_str()) {
        None | Some("null") => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            public == Some(origin) || (host.is_some() && host == told(header::HOST.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn own(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        is_own(&headers, Some("https://sign.example"))
    }

    #[test]
    fn what_a_browser_says_of_the_site_counts_first() {
        assert!(own(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "null")
        ]));
        assert!(own(&[("sec-fetch-site", "none")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://sign.example")
        ]));
    }

    #[test]
    fn an_origin_must_be_the_public_one_or_the_host_asked() {
        assert!(own(&[("origin", "https://sign.example")]));
        assert!(own(&[
            ("origin", "http://localhost:8080"),
            ("host", "localhost:8080")
        ]));
        assert!(!own(&[
            ("origin", "https://evil.example"),
            ("host", "sign.example")
        ]));
        assert!(!own(&[("origin", "evil")]));
        assert!(own(&[]));
    }
}
