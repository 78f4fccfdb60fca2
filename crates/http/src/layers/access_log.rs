//! One line per request.

use std::time::Instant;

use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::middleware::Next;
use axum::response::Response;

/// An extension of answers that are documented as 500 though the client is at fault, so that nobody
/// is woken by them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientsMistake;

/// Logs method, route pattern, the request's number, status and duration. Never the raw path,
/// query or headers: they can carry what does not belong into a log.
pub(crate) async fn log(params: Option<RawParams>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    tracing::info!(
        target: "access",
        method = method.as_str(),
        route = route.as_ref().map_or("-", MatchedPath::as_str),
        pk = params.and_then(|RawParams(params)| number(&params)),
        status = response.status().as_u16(),
        clients_mistake = response.extensions().get::<ClientsMistake>().map(|_| true),
        ms = started.elapsed().as_micros() as f64 / 1000.0,
        "served"
    );
    response
}

fn number(params: &RawPathParams) -> Option<i64> {
    params
        .iter()
        .find(|(name, _)| *name == "pk")
        .and_then(|(_, value)| value.parse().ok())
}

/// The path's parameters, where a route matched.
pub(crate) struct RawParams(RawPathParams);

impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for RawParams {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        use axum::extract::FromRequestParts;
        Ok(RawPathParams::from_request_parts(parts, state)
            .await
            .ok()
            .map(Self))
    }
}
