//! The machine doors: the One-Shot API in both dialects, OCSP and time-stamping, health and the
//! reference page.
//!
//! A door only translates. It reads what a client sent, calls one use case of [`service`], and
//! puts the outcome into the words of the dialect that was spoken. A rule found here is in the
//! wrong place.

mod body;
mod config;
mod disposition;
mod layers;
mod one_shot;
mod ops;
mod pki;
mod problem;
mod query;
mod range;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use service::Service;
use utoipa::openapi::OpenApi;

pub use config::{Digest, DoorConfig, Keys, Machine, Product};

use one_shot::Dialect;

/// All machine doors of one server.
///
/// The router takes every path with and without a trailing slash and under the doubled One-Shot
/// prefix, and brings its own request ids, access log, limits and security headers. It expects to
/// be served over HTTP/1.1 or HTTP/2 without any body-touching layer in front.
pub fn router(service: Service, config: DoorConfig) -> Router {
    let mut document = openapi(&config.product, Some(&config.base_url));
    if !config.keys.are_set() {
        document.security = None;
    }
    let config = Arc::new(config);
    let one_shot = |dialect| one_shot::router(service.clone(), Arc::clone(&config), dialect);
    let routes = Router::new()
        .nest(Dialect::New.prefix(), one_shot(Dialect::New))
        .nest(Dialect::Legacy.prefix(), one_shot(Dialect::Legacy))
        .merge(one_shot::stray_routes(service.clone(), Arc::clone(&config)))
        .merge(pki::router(service.clone()))
        .merge(ops::router(service, &document))
        .fallback(layers::routing::unknown_route)
        .method_not_allowed_fallback(layers::routing::wrong_method)
        .layer(from_fn(layers::panic::catch))
        .layer(from_fn(layers::access_log::log));

    // Layers of a router run after its own routing, so that what changes paths wraps a second one.
    let in_flight = layers::in_flight::InFlight::new(config.max_in_flight);
    let body_guard = body::guard::Patience {
        window: config.body_window,
        least: config.body_least_bytes,
    };
    Router::new()
        .fallback_service(routes)
        .layer(from_fn_with_state(in_flight, layers::in_flight::limit))
        .layer(map_request(move |request| {
            body::guard::guard(request, body_guard)
        }))
        .layer(from_fn(layers::security::headers))
        .layer(map_request(layers::path::normalise))
        .layer(from_fn_with_state(
            Arc::clone(&config.entropy),
            layers::request_id::assign,
        ))
}

/// The OpenAPI 3.1 document of all doors. `base_url` becomes the server's address where it is
/// known.
pub fn openapi(product: &Product, base_url: Option<&str>) -> OpenApi {
    ops::document(product, base_url)
}
