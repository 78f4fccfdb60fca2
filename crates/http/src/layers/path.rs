//! One form for the several forms of a path.
//!
//! Clients of the One-Shot API write paths with and without a trailing slash, and those that copy
//! the vendor's samples write the prefix twice. All are served directly: a redirect would lose the
//! body of a multipart upload.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

const DOUBLED: &str = "/oneshot/api/v1/api/v1";
const SINGLE: &str = "/oneshot/api/v1";

/// Rewrites the request's path into the form that the routes have.
pub(crate) async fn normalise(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The new URI, or `None` where nothing changes.
fn rewritten(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    // What follows is base64 there, in which a slash is a digit.
    if path.starts_with("/ocsp/") && path.len() > "/ocsp/".len() {
        return None;
    }
    let trimmed = path.trim_end_matches('/');
    let rest = trimmed
        .strip_prefix(DOUBLED)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut new = match rest {
        Some(rest) => format!("{SINGLE}{rest}"),
        None if trimmed.len() == path.len() => return None,
        None if trimmed.is_empty() => "/".to_owned(),
        None => trimmed.to_owned(),
    };
    if let Some(query) = uri.query() {
        new.push('?');
        new.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(new).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(uri: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        rewritten(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn slashes_and_the_doubled_prefix_fold() {
        assert_eq!(normal("/api/v1/hello/"), "/api/v1/hello");
        assert_eq!(normal("/api/v1/hello///?a=/b/"), "/api/v1/hello?a=/b/");
        assert_eq!(
            normal("/oneshot/api/v1/api/v1/videoid/"),
            "/oneshot/api/v1/videoid"
        );
        assert_eq!(normal("/oneshot/api/v1/api/v1"), "/oneshot/api/v1");
        assert_eq!(normal("/oneshot/api/v1/api/v1x"), "/oneshot/api/v1/api/v1x");
        assert_eq!(normal("/"), "/");
        assert_eq!(normal("//"), "/");
        assert_eq!(normal("http://h:1/tsa/"), "http://h:1/tsa");
    }

    #[test]
    fn base64_of_an_ocsp_get_stays() {
        assert_eq!(normal("/ocsp/MFQ/"), "/ocsp/MFQ/");
        assert_eq!(normal("/ocsp/"), "/ocsp");
    }
}
