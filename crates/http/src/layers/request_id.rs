//! Request ids: one per request, in the answer and in every line of the log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use model::Entropy;
use tracing::Instrument;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request in hand. Safe to print anywhere: ASCII letters, digits and `-_.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn of_text(text: &'static str) -> Self {
        Self(HeaderValue::from_static(text))
    }

    /// The id that a proxy or client gave, where it is short and plain enough for a log.
    fn given(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(X_REQUEST_ID)?;
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        let sane = (1..=64).contains(&value.len()) && value.as_bytes().iter().all(plain);
        sane.then(|| Self(value.clone()))
    }

    fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        let text = hex::encode(bytes);
        Self(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0")))
    }
}

/// Gives the request an id, opens the span that carries it, and echoes it.
pub(crate) async fn assign(
    State(entropy): State<Arc<dyn Entropy>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::given(request.headers()).unwrap_or_else(|| RequestId::draw(&*entropy));
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request_id = id.as_str());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(X_REQUEST_ID, id.0);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let given = |value: &str| {
            RequestId::given(&HeaderMap::from_iter([(
                X_REQUEST_ID,
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(given("a-1_b.2").unwrap().as_str(), "a-1_b.2");
        assert_eq!(given(""), None);
        assert_eq!(given("a b"), None);
        assert_eq!(given("a\"b"), None);
        assert_eq!(given(&"x".repeat(65)), None);
    }
}
