//! The machine doors: the One-Shot API in both dialects, the Registration Authority API, OCSP and
//! time-stamping, signing with keys in the cloud, health and the reference page.
//!
//! A door only translates. It reads what a client sent, calls one use case of [`service`], and
//! puts the outcome into the words of the dialect that was spoken. A rule found here is in the
//! wrong place.

mod body;
mod cloud;
mod config;
mod describe;
mod disposition;
#[cfg(test)]
mod errors_page;
mod layers;
mod log;
mod one_shot;
mod ops;
mod path_args;
mod pki;
mod problem;
mod query;
mod range;
mod register;
mod registration_authority;
mod retry_after;
mod schema;
mod video;

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use service::Service;
use utoipa::openapi::OpenApi;

pub use config::{Digest, DoorConfig, Keys, Machine, Product};
pub use registration_authority::{ForwardedCertificate, Peer, RegistrationDoorConfig};

use body::guard::Patience;
use layers::Layers;
use layers::request_id::RequestId;
use one_shot::{Dialect, Refusal};
use problem::Problem;

/// All machine doors of one server but the Registration Authority API's.
///
/// The router takes every path with and without a trailing slash and under the doubled One-Shot
/// prefix, and brings its own request ids, access log, limits and security headers. It expects to
/// be served over HTTP/1.1 or HTTP/2 without any body-touching layer in front. `pages`, the human doors,
/// pass through the same.
pub fn router(service: Service, config: DoorConfig, pages: Router) -> Router {
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
        .merge(cloud::router(service.clone()))
        .merge(log::router(service.clone()))
        .merge(register::router(service.clone(), Arc::clone(&config)))
        .merge(ops::router(service))
        .merge(ops::reference(&document))
        .merge(pages);
    Layers {
        max_in_flight: config.max_in_flight,
        patience: Patience {
            window: config.body_window,
            least: config.body_least_bytes,
        },
        entropy: Arc::clone(&config.entropy),
        refuse,
    }
    .around(routes)
}

/// A refusal in the form of the door that `uri` belongs to. The request is named where the server
/// is at fault.
fn refuse(uri: &Uri, id: Option<RequestId>, status: StatusCode, text: &str) -> Response {
    let id = id.filter(|_| status == StatusCode::INTERNAL_SERVER_ERROR);
    match Dialect::of_path(uri.path()) {
        Some(dialect) => Refusal::new(status, text)
            .with_id(id)
            .into_response(dialect),
        None => Problem::new(status, text).with_id(id).into_response(),
    }
}

/// The Registration Authority API, for a listener of its own.
///
/// What holds of [`router`] holds here too. Whoever serves it puts a [`Peer`] into the extensions
/// of every request: by its certificate an API user is known.
pub fn registration_router(service: Service, config: RegistrationDoorConfig) -> Router {
    registration_authority::listener(service, config)
}

/// The OpenAPI 3.1 document of the Registration Authority API.
pub fn registration_openapi(product: &Product, base_url: Option<&str>) -> OpenApi {
    registration_authority::document(product, base_url)
}

/// The OpenAPI 3.1 document of all doors. `base_url` becomes the server's address where it is
/// known.
pub fn openapi(product: &Product, base_url: Option<&str>) -> OpenApi {
    ops::document(product, base_url)
}
