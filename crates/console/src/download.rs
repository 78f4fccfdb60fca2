//! Files that a browser saves.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

/// A file of this name (RFC 6266 §4.3, in the UTF-8 form that every browser reads).
pub(crate) fn file(media_type: &'static str, name: &str, content: Bytes) -> Response {
    let mut disposition = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            disposition.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(disposition, "%{byte:02X}");
        }
    }
    let plain = HeaderValue::from_static("attachment");
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).unwrap_or(plain),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_name_ends_the_header() {
        let response = file("application/pdf", "a\r\n\"ñ.pdf", Bytes::new());
        assert_eq!(
            response.headers()[header::CONTENT_DISPOSITION],
            "attachment; filename*=UTF-8''a%0D%0A%22%C3%B1.pdf"
        );
    }
}
