//! Problem details (RFC 9457) for the doors that have no error form of their own.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::layers::request_id::RequestId;

/// An `application/problem+json` answer (RFC 9457 §3). The type is `about:blank`, so that `title`
/// is the status code's own phrase (§4.2.1).
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    request_id: Option<RequestId>,
}

impl Problem {
    /// A problem; `detail` must not tell anything about the server's insides.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            request_id: None,
        }
    }

    /// Adds the request id, by which the log tells more.
    pub(crate) fn with_id(mut self, id: Option<RequestId>) -> Self {
        self.request_id = id;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(id) = self.request_id {
            body["request_id"] = id.as_str().into();
        }
        let mut response = (self.status, body.to_string()).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
