//! The human doors: the subscriber's enrolment pages behind the link, and the signing page.
//!
//! Pages are drawn by the server and work without any script. [`page`] says what each shows, in
//! every state; the handlers read a form, call one use case of [`service`], and choose the page.
//! Nothing is loaded from elsewhere.

mod assets;
mod download;
mod enrolment;
mod form;
mod language;
mod origin;
pub mod page;
mod refusal;
mod sessions;
mod signing;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use model::Entropy;
use service::Service;
use url::Url;

pub use assets::assets;

use sessions::Sessions;

/// What a form has beside its largest file.
const FORM_BYTES: usize = 256 << 10;

/// What the operator decides about the pages.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// Where people reach this server; a path in it is kept before every address.
    pub public_url: String,
    /// The organisation whose name the pages bear.
    pub organisation: String,
    /// Where the names of sessions and the references of failures come from.
    pub entropy: Arc<dyn Entropy>,
    /// Whether cookies travel over TLS only: wherever people reach the server by `https`.
    pub secure_cookies: bool,
}

/// What handlers share.
#[derive(Clone)]
struct Console {
    service: Service,
    place: Arc<Place>,
}

/// Where and whose the pages are.
struct Place {
    organisation: String,
    /// The path of the public address, without a trailing slash.
    root: String,
    /// The origin of the public address, as browsers write it.
    origin: Option<String>,
    secure_cookies: bool,
    entropy: Arc<dyn Entropy>,
    sessions: Sessions,
}

impl Place {
    fn new(config: ConsoleConfig) -> Self {
        let url = Url::parse(&config.public_url).ok();
        let path = url.as_ref().map_or("", |url| url.path());
        Self {
            organisation: config.organisation,
            root: path.trim_end_matches('/').to_owned(),
            origin: url.map(|url| url.origin().ascii_serialization()),
            secure_cookies: config.secure_cookies,
            sessions: Sessions::new(Arc::clone(&config.entropy)),
            entropy: config.entropy,
        }
    }
}

/// All pages. A link's token stands in the path as the parameter `token`: log route patterns,
/// never paths.
pub fn router(service: Service, config: ConsoleConfig) -> Router {
    let document = usize::try_from(service.limits().document_bytes).unwrap_or(usize::MAX);
    let console = Console {
        service,
        place: Arc::new(Place::new(config)),
    };
    let link = |end: &str| format!("/lcmpl/enrollment/auth/{{token}}{end}");
    Router::new()
        .route("/sign", get(signing::open).post(signing::sign))
        .layer(DefaultBodyLimit::max(document.saturating_add(FORM_BYTES)))
        .route(&link(""), get(enrolment::open))
        .route(&link("/contract.pdf"), get(enrolment::contract))
        // What was answered to a form may be asked for again by its address.
        .route(&link("/code"), post(enrolment::code).get(enrolment::back))
        .route(&link("/enrol"), post(enrolment::enrol).get(enrolment::back))
        .route(&link("/file"), post(enrolment::file).get(enrolment::back))
        .route("/sign/code", post(signing::code).get(signing::back))
        .route("/sign/out", post(signing::leave).get(signing::back))
        .layer(from_fn_with_state(console.clone(), origin::check))
        .with_state(console)
        .merge(assets())
}
