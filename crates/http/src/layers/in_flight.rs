//! A bound on what is served at the same time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use crate::layers::request_id::RequestId;
use crate::layers::routing::Refuse;
use crate::retry_after;

/// What those are told who find no place.
pub(crate) const OVERLOAD: &str = "Too many requests at the same time. Try again in a few seconds";

/// Places for requests. Cloning shares them.
#[derive(Clone)]
pub(crate) struct InFlight {
    places: Arc<Semaphore>,
    refuse: Refuse,
}

impl InFlight {
    pub(crate) fn new(places: usize, refuse: Refuse) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            refuse,
        }
    }
}

/// Serves the request if there is a place, and otherwise says so at once: a queue would only make
/// slow clients starve quick ones.
pub(crate) async fn limit(
    State(InFlight { places, refuse }): State<InFlight>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_place) = places.try_acquire() else {
        tracing::warn!("too many requests at the same time");
        let response = refuse(
            request.uri(),
            request.extensions().get::<RequestId>().cloned(),
            StatusCode::SERVICE_UNAVAILABLE,
            OVERLOAD,
        );
        return retry_after::hint(response, 2);
    };
    next.run(request).await
}
