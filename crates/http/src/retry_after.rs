//! When it is worth asking again.

use axum::http::{HeaderValue, header};
use axum::response::Response;

/// What those are told for whom no signing key is ready.
pub(crate) const NO_KEY: &str = "No signing key is ready. Nothing was signed. Try again later";

/// What is said where the time-stamp authority fails: it is somebody else's.
pub(crate) const NO_TIME_STAMP: &str =
    "The time-stamp authority did not answer as it should. Nothing was signed. Try again later";

/// The response with `Retry-After` (RFC 9110 §10.2.3), in seconds.
pub(crate) fn hint(mut response: Response, seconds: u32) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
