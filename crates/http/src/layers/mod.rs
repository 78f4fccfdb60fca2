//! What every request passes through.

pub(crate) mod access_log;
pub(crate) mod in_flight;
pub(crate) mod panic;
pub(crate) mod path;
pub(crate) mod request_id;
pub(crate) mod routing;
pub(crate) mod security;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use model::Entropy;

use crate::body::guard::{self, Patience};
use routing::Refuse;

/// What the layers around the routes of one listener need to know.
pub(crate) struct Layers {
    /// Requests served at the same time; more are answered with 503.
    pub(crate) max_in_flight: usize,
    /// How slow a client may be.
    pub(crate) patience: Patience,
    /// Where request ids come from.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// How the listener says no before any endpoint is reached.
    pub(crate) refuse: Refuse,
}

impl Layers {
    /// Puts the layers around the routes.
    pub(crate) fn around(self, routes: Router) -> Router {
        let routes = routes
            .fallback(routing::unknown_route(self.refuse))
            .method_not_allowed_fallback(routing::wrong_method(self.refuse))
            .layer(from_fn_with_state(self.refuse, panic::catch))
            .layer(from_fn(access_log::log));

        // Layers of a router run after its own routing, so that what changes paths wraps a second
        // one.
        let in_flight = in_flight::InFlight::new(self.max_in_flight, self.refuse);
        Router::new()
            .fallback_service(routes)
            .layer(from_fn_with_state(in_flight, in_flight::limit))
            .layer(map_request(move |request| {
                guard::guard(request, self.patience)
            }))
            .layer(from_fn(security::headers))
            .layer(map_request(path::normalise))
            .layer(from_fn_with_state(self.entropy, request_id::assign))
    }
}
