//! The two dialects: envelopes of success and failure.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::layers::request_id::RequestId;
use crate::retry_after;

/// In which form a client is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/oneshot/api/v1`.
    New,
    /// `/api/v1`.
    Legacy,
}

impl Dialect {
    /// Both.
    pub(crate) const ALL: [Dialect; 2] = [Dialect::New, Dialect::Legacy];

    /// The prefix of all its paths.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Dialect::New => "/oneshot/api/v1",
            Dialect::Legacy => "/api/v1",
        }
    }

    /// What the OpenAPI document calls a group of this dialect's calls.
    pub(crate) fn tag(self, group: &str) -> String {
        match self {
            Dialect::New => group.to_owned(),
            Dialect::Legacy => format!("{group} (legacy)"),
        }
    }

    /// The dialect that a path belongs to.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let below = |prefix: &str| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if below(Dialect::New.prefix()) {
            Some(Dialect::New)
        } else if below(Dialect::Legacy.prefix())
            || below("/v1/upload/video")
            || below("/v1/download/video")
        {
            Some(Dialect::Legacy)
        } else {
            None
        }
    }
}

/// What a call that went well answers.
#[derive(Debug, Clone)]
pub(crate) struct Success {
    status: StatusCode,
    message: String,
    new: Option<Value>,
    legacy: Value,
    /// What the payload leaves out. In the new dialect only.
    reason: Option<String>,
    /// Members that both dialects carry beside the documented ones.
    extra: Map<String, Value>,
}

impl Success {
    /// A message and nothing else.
    pub(crate) fn text(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status: StatusCode::OK,
            legacy: message.clone().into(),
            message,
            new: None,
            reason: None,
            extra: Map::new(),
        }
    }

    /// A message, and the same payload in both dialects.
    pub(crate) fn payload(message: impl Into<String>, payload: Value) -> Self {
        Self {
            legacy: payload.clone(),
            new: Some(payload),
            ..Self::text(message)
        }
    }

    /// Says that something was created: 201.
    pub(crate) fn created(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self
    }

    /// The code.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The code and its phrase.
    pub(crate) fn status_line(&self) -> String {
        status_line(self.status)
    }

    /// Says in the new dialect what the payload leaves out.
    pub(crate) fn with_reason(mut self, reason: String) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Sets the new dialect's payload alone.
    pub(crate) fn with_new(mut self, payload: Value) -> Self {
        self.new = Some(payload);
        self
    }

    /// Sets the legacy dialect's payload alone.
    pub(crate) fn with_legacy(mut self, payload: Value) -> Self {
        self.legacy = payload;
        self
    }

    /// Adds a member beside the documented ones.
    pub(crate) fn with_extra(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// The body.
    pub(crate) fn body(self, dialect: Dialect) -> Value {
        let Self {
            status,
            message,
            new,
            legacy,
            reason,
            mut extra,
        } = self;
        let mut body = Map::new();
        match dialect {
            Dialect::New => {
                body.insert("status".into(), "success".into());
                // Three s: a wire constant of the one endpoint that adds it.
                if let Some(misspelt) = extra.remove("messsage") {
                    body.insert("messsage".into(), misspelt);
                }
                body.insert("message".into(), message.into());
                if let Some(payload) = new {
                    body.insert("detail".into(), payload.clone());
                    body.insert("details".into(), payload);
                }
                body.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
            }
            Dialect::Legacy => {
                extra.remove("messsage");
                body.insert("status".into(), status_line(status).into());
                body.insert("details".into(), legacy);
            }
        }
        body.extend(extra);
        Value::Object(body)
    }

    /// The answer.
    pub(crate) fn into_response(self, dialect: Dialect) -> Response {
        json_response(self.status, &self.body(dialect))
    }
}

/// What a call that was refused answers.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The documented words, the same in both dialects.
    pub(crate) text: String,
    /// What stands in `details` where that is not the words: texts by field or by document.
    details: Option<Value>,
    /// In the legacy dialect's `status`, where that is not the status line.
    legacy_status: Option<&'static str>,
    /// What the documented words leave out. In the new dialect only.
    reason: Option<String>,
    request_id: Option<RequestId>,
    /// When to ask again, in seconds.
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            details: None,
            legacy_status: None,
            reason: None,
            request_id: None,
            retry_after: None,
        }
    }

    /// Puts texts by field or by document in place of the words, which stay the message.
    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    pub(crate) fn with_legacy_status(mut self, status: &'static str) -> Self {
        self.legacy_status = Some(status);
        self
    }

    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Whether it passes by itself, or what is behind it was logged where it happened: others are
    /// away, or a key is being made.
    pub(crate) fn passes(&self) -> bool {
        self.retry_after.is_some() || self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Says when to ask again.
    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds the request id, by which the log tells more.
    pub(crate) fn with_id(mut self, id: Option<RequestId>) -> Self {
        self.request_id = id;
        self
    }

    /// The body.
    pub(crate) fn body(&self, dialect: Dialect) -> Value {
        let words = || Value::from(self.text.as_str());
        let details = self.details.clone().unwrap_or_else(words);
        let mut body = match dialect {
            Dialect::New => json!({
                "status": "error",
                "message": self.text,
                "detail": details,
                "details": details,
            }),
            Dialect::Legacy => {
                let status = match self.legacy_status {
                    Some(status) => status.to_owned(),
                    None => status_line(self.status),
                };
                json!({ "status": status, "details": details })
            }
        };
        if let (Dialect::New, Some(reason)) = (dialect, &self.reason) {
            body["reason"] = reason.as_str().into();
        }
        if let Some(id) = &self.request_id {
            body["request_id"] = id.as_str().into();
        }
        body
    }

    /// The answer.
    pub(crate) fn into_response(self, dialect: Dialect) -> Response {
        let mut response = json_response(self.status, &self.body(dialect));
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        match self.retry_after {
            Some(seconds) => retry_after::hint(response, seconds),
            None => response,
        }
    }
}

fn status_line(status: StatusCode) -> String {
    format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("Error")
    )
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_choose_the_dialect() {
        assert_eq!(Dialect::of_path("/oneshot/api/v1/x"), Some(Dialect::New));
        assert_eq!(Dialect::of_path("/oneshot/api/v1"), Some(Dialect::New));
        assert_eq!(Dialect::of_path("/api/v1/x"), Some(Dialect::Legacy));
        assert_eq!(
            Dialect::of_path("/v1/upload/video/1"),
            Some(Dialect::Legacy)
        );
        assert_eq!(Dialect::of_path("/api/v11/x"), None);
        assert_eq!(Dialect::of_path("/tsa"), None);
    }

    #[test]
    fn envelopes_of_success() {
        let created = Success::payload("VideoID created with pk 2", json!({ "videoid_pk": 2 }))
            .with_extra("messsage", "VideoID created with pk 2".into());
        assert_eq!(
            created.clone().body(Dialect::New).to_string(),
            r#"{"status":"success","messsage":"VideoID created with pk 2","message":"VideoID created with pk 2","detail":{"videoid_pk":2},"details":{"videoid_pk":2}}"#
        );
        assert_eq!(
            created.body(Dialect::Legacy).to_string(),
            r#"{"status":"200 OK","details":{"videoid_pk":2}}"#
        );
        let plain = Success::text("OTP generated");
        assert_eq!(
            plain.clone().body(Dialect::New).to_string(),
            r#"{"status":"success","message":"OTP generated"}"#
        );
        assert_eq!(
            plain.body(Dialect::Legacy).to_string(),
            r#"{"status":"200 OK","details":"OTP generated"}"#
        );
    }

    #[test]
    fn envelopes_of_failure() {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "Confirmation Code invalid")
            .with_reason("the code has expired");
        assert_eq!(
            refusal.body(Dialect::New).to_string(),
            r#"{"status":"error","message":"Confirmation Code invalid","detail":"Confirmation Code invalid","details":"Confirmation Code invalid","reason":"the code has expired"}"#
        );
        assert_eq!(
            refusal.body(Dialect::Legacy).to_string(),
            r#"{"status":"403 Forbidden","details":"Confirmation Code invalid"}"#
        );
        let unparsable = Refusal::new(StatusCode::BAD_REQUEST, "Could not parse JSON body")
            .with_legacy_status("Invalid JSON");
        assert_eq!(unparsable.body(Dialect::Legacy)["status"], "Invalid JSON");
    }
}
