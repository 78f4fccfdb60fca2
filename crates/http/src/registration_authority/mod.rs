//! The Registration Authority API, on a listener of its own.
//!
//! API users are known by their TLS client certificates. The contract's oddities, above all the
//! mistakes of clients that it answers with 500, are kept in one table: `refusal`.

mod authorities;
mod config;
mod decisions;
mod documents;
mod door;
mod endpoint;
mod enrolment;
mod evidence;
mod failure_id;
mod forms;
mod officers;
mod paging;
mod peer;
mod refusal;
mod refusals;
mod renewals;
mod requests;
mod schemas;
mod scratchcards;
mod unlock;
mod users;
mod video;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use service::Service;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{OpenApi, OpenApiBuilder, SecurityRequirement};

pub use config::{ForwardedCertificate, RegistrationDoorConfig};
pub use peer::Peer;

use crate::body::guard::Patience;
use crate::config::Product;
use crate::layers::Layers;
use crate::layers::request_id::RequestId;
use crate::ops;
use door::DoorState;
use endpoint::Endpoint;
use refusal::Refusal;

/// Groups of calls and what they are about.
const GROUPS: [(&str, &str); 11] = [
    ("Requests", "The request's record."),
    ("VideoID", "Filmed identification: evidence and video."),
    ("Documents", "Papers, contract and declaration."),
    (
        "Decisions",
        "The officer's acts, and the subscriber's link.",
    ),
    ("Scratchcards", "Stock, and the life of certificates."),
    ("Renewal", "Who may renew."),
    ("PIN", "A new PIN in place of a locked one."),
    ("Registration authorities", "A tree, with settings."),
    ("Officers", "Who identifies and approves."),
    ("Users", "Who calls."),
    (
        "Enrolment by calls",
        "Not there unless the operator switches it on: subscribers enrol at the server's pages.",
    ),
];

/// Everything that the listener serves.
pub(crate) fn listener(service: Service, config: RegistrationDoorConfig) -> Router {
    let document = document(&config.product, Some(&config.base_url));
    let layers = Layers {
        max_in_flight: config.max_in_flight,
        patience: Patience {
            window: config.body_window,
            least: config.body_least_bytes,
        },
        entropy: Arc::clone(&config.entropy),
        refuse,
    };
    let by_api = config.enrolment_by_api;
    let state = DoorState {
        service,
        config: Arc::new(config),
    };
    let routes = endpoints()
        .into_iter()
        .chain(enrolment::endpoints().into_iter().filter(|_| by_api))
        .fold(Router::new(), |router, endpoint| endpoint.register(router))
        .with_state(state)
        .merge(ops::reference(&document));
    layers.around(routes)
}

/// Every endpoint but those of the enrolment by calls, in the order in which a reader meets them.
fn endpoints() -> Vec<Endpoint> {
    [
        requests::endpoints(),
        evidence::endpoints(),
        video::endpoints(),
        documents::endpoints(),
        decisions::endpoints(),
        scratchcards::endpoints(),
        renewals::endpoints(),
        unlock::endpoints(),
        authorities::endpoints(),
        officers::endpoints(),
        users::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is refused before any endpoint is reached.
fn refuse(_: &Uri, id: Option<RequestId>, status: StatusCode, text: &str) -> Response {
    Refusal::new(status, text)
        .with_detail()
        .into_response(&failure_id::of(id.as_ref()), false)
}

/// The whole document.
pub(crate) fn document(product: &Product, base_url: Option<&str>) -> OpenApi {
    let components = schemas::components()
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| {
            components.schema(name, schema)
        });
    let components = components.security_scheme(
        "client_certificate",
        SecurityScheme::MutualTls {
            description: Some("The certificate of an API user.".to_owned()),
            deprecated: None,
            extensions: None,
        },
    );
    let paths = endpoints()
        .iter()
        .chain(&enrolment::endpoints())
        .filter_map(Endpoint::describe)
        .fold(PathsBuilder::new(), |paths, (path, item)| {
            paths.path(path, item)
        });
    let server = ServerBuilder::new().url(base_url.unwrap_or("/"));
    let tags = GROUPS.map(|(name, description)| ops::tag(name, description));
    OpenApiBuilder::new()
        .info(ops::info(
            "Avouch, Registration Authority API",
            product,
            DESCRIPTION,
        ))
        .servers(Some([server.build()]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(
            "client_certificate",
            [""; 0],
        )]))
        .build()
}

const DESCRIPTION: &str = "From the scratchcard to a certificate in the subscriber's hands.\n\n\
    An API user shows a TLS client certificate with every call, and sees the requests, \
    scratchcards and officers of its registration authority and those below it. **Filmed \
    identification**: take a scratchcard, create a request with `videoid_mode`, upload data \
    evidence and video, validate, approve. **Classic**: create a request, upload the papers, \
    approve. The subscriber then enrols at the page that the mail leads to.\n\n\
    Every path is served with and without a trailing slash. Numbers may come as texts, flags as \
    `1`, `0`, `true` or `false`. Bodies may be JSON or forms. Members that are not described are \
    ignored. Some mistakes of clients are answered with 500, as in the original; the operator may \
    have them answered with the status code that fits.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors_page;

    #[test]
    fn the_page_of_errors_is_true() {
        let endpoints: Vec<_> = endpoints()
            .into_iter()
            .chain(enrolment::endpoints())
            .collect();
        // The last form: that of the video has words of its own.
        let common = |pick: fn(&Endpoint) -> bool| {
            let endpoint = endpoints.iter().rfind(|endpoint| pick(endpoint));
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
        errors_page::hold("errors-registration-authority.md", &errors);
    }
}
