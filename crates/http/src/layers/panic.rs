//! A bug must not take the connection down with it.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use crate::layers::request_id::RequestId;
use crate::layers::routing::Refuse;

/// Turns a panic in a handler into a 500 with the request id.
///
/// Unwinding past the use cases is safe: a transaction that is dropped rolls back, a blob writer
/// that is dropped removes its file.
pub(crate) async fn catch(State(refuse): State<Refuse>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let id = request.extensions().get::<RequestId>().cloned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            // The panic hook has logged message and place.
            tracing::error!("a handler panicked");
            refuse(
                &uri,
                id,
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal server error",
            )
        }
    }
}
