//! The One-Shot API: one set of endpoints, two dialects.
//!
//! The prefix of the path chooses the dialect, the dialect chooses the envelopes, and nothing else.

mod async_status;
mod contract;
mod create;
mod decisions;
mod dialect;
mod documents;
mod door;
mod endpoint;
mod evidences;
mod hashfile;
mod images;
mod metadata;
mod otp;
mod refusal;
mod requests;
mod schema;
mod settings;
mod sign;
mod sign_order;
mod tokens;
mod video;
mod video_id;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodFilter;
use service::Service;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::schema::ComponentsBuilder;

use crate::config::DoorConfig;

pub(crate) use dialect::{Dialect, Refusal};

use door::DoorState;
use endpoint::Endpoint;

/// Groups of calls and what they are about.
pub(crate) const GROUPS: [(&str, &str); 9] = [
    ("VideoID", "From a request to its approval."),
    ("Requests", "The request's record."),
    ("Documents", "What is to be signed, and what was."),
    (
        "Contract",
        "What the signer agrees to with the certificate.",
    ),
    ("Signature", "The code, and the act."),
    ("Images", "Pictures that visible signatures show."),
    (
        "Metadata",
        "What signatures carry beside the signer's agreement.",
    ),
    ("Tokens", "Officers' credentials kept by the server."),
    ("Server", "Liveness and defaults."),
];

/// The doors of one dialect, relative to its prefix.
pub(crate) fn router(service: Service, config: Arc<DoorConfig>, dialect: Dialect) -> Router {
    let state = DoorState {
        service,
        config,
        dialect,
    };
    endpoints()
        .into_iter()
        .fold(Router::new(), |router, endpoint| endpoint.register(router))
        .layer(from_fn_with_state(state.clone(), door::demand_key))
        .with_state(state)
}

/// Two paths of the oldest clients, which lack every prefix. They speak the legacy dialect.
pub(crate) fn stray_routes(service: Service, config: Arc<DoorConfig>) -> Router {
    let state = DoorState {
        service,
        config,
        dialect: Dialect::Legacy,
    };
    let upload = axum::routing::on(MethodFilter::POST, video::upload_by_name);
    let download = axum::routing::on(MethodFilter::GET, video::download_by_name);
    Router::new()
        .route("/v1/upload/video/{name}", upload)
        .route("/v1/download/video/{name}", download)
        .layer(from_fn_with_state(state.clone(), door::demand_key))
        .with_state(state)
}

/// Adds both dialects to the OpenAPI document.
pub(crate) fn describe(
    mut paths: PathsBuilder,
    mut components: ComponentsBuilder,
) -> (PathsBuilder, ComponentsBuilder) {
    for dialect in Dialect::ALL {
        let (name, failure) = schema::failure_component(dialect);
        components = components.schema(name, failure);
        let endpoints = endpoints();
        let links: Vec<_> = endpoints
            .iter()
            .flat_map(|endpoint| endpoint.link_targets(dialect))
            .collect();
        for endpoint in endpoints {
            for (path, item) in endpoint.describe(dialect, &links) {
                paths = paths.path(path, item);
            }
            for (name, schema) in endpoint.schemas() {
                components = components.schema(name, schema);
            }
        }
    }
    (paths, components)
}

/// Every endpoint, in the order in which a reader meets them.
fn endpoints() -> Vec<Endpoint> {
    [
        video_id::endpoints(),
        evidences::endpoints(),
        video::endpoints(),
        create::endpoints(),
        requests::endpoints(),
        async_status::endpoints(),
        decisions::endpoints(),
        documents::endpoints(),
        contract::endpoints(),
        otp::endpoints(),
        sign::endpoints(),
        images::endpoints(),
        metadata::endpoints(),
        tokens::endpoints(),
        settings::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors_page;

    #[test]
    fn the_page_of_errors_is_true() {
        let endpoints = endpoints();
        let common = |pick: fn(&Endpoint) -> bool| {
            let endpoint = endpoints.iter().find(|endpoint| pick(endpoint));
            endpoint
                .map(Endpoint::common_errors_table)
                .unwrap_or_default()
        };
        let bodiless = |one: &Endpoint| !one.takes_json() && !one.takes_form();
        let errors = errors_page::generated(
            [
                ("Calls without a body", common(bodiless)),
                ("Calls with a JSON body", common(Endpoint::takes_json)),
                ("Calls with a form", common(Endpoint::takes_form)),
            ],
            endpoints.iter().map(Endpoint::errors_section),
        );
        errors_page::hold("errors.md", &errors);
    }
}
