//! For those who run and explore the server: health, the OpenAPI document, the reference page.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use service::{AuthorityStanding, KeyPoolGauges, Service, StamperStanding};
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, KnownFormat, SchemaFormat};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Info, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Required, Schema, SecurityRequirement, schema::SchemaType, schema::Type,
};

use crate::cloud;
use crate::config::Product;
use crate::one_shot;
use crate::problem::Problem;

/// What the reference page may do: run its own scripts and ask its own server. The renderer writes
/// style attributes, which a policy cannot tell by hash.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/health", get(health))
        .with_state(service)
}

/// The OpenAPI document of a listener and the page that shows it.
pub(crate) fn reference(document: &OpenApi) -> Router {
    // It never changes while the server runs.
    let document = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .route(
            "/openapi.json",
            get(move || async move { asset("application/json", document) }),
        )
        .route("/docs", get(page))
        .route(
            "/docs/docs.css",
            get(|| async {
                asset(
                    "text/css; charset=utf-8",
                    Bytes::from_static(include_bytes!("../assets/docs.css")),
                )
            }),
        )
        .route(
            "/docs/docs.js",
            get(|| async {
                asset(
                    "text/javascript; charset=utf-8",
                    Bytes::from_static(include_bytes!("../assets/docs.js")),
                )
            }),
        )
        .route("/docs/rapidoc.js", get(renderer))
}

/// How the server is doing.
#[derive(Serialize, ToSchema)]
struct HealthReport {
    /// `ok`.
    status: &'static str,
    /// `SQLite` or `PostgreSQL`.
    database: &'static str,
    /// Webhooks and messages that wait to leave.
    outbox_pending: i64,
    /// Webhooks and messages that were given up.
    outbox_dead: i64,
    /// Approvals and signatures of asynchronous requests that wait to be made.
    jobs_pending: i64,
    /// Those that were given up, whatever became of their requests since.
    jobs_failed: i64,
    /// RSA keys made ahead, where one-time certificates have such keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_pool: Option<KeyPoolReport>,
    /// Authorities whose certificates are near their end, or over: somebody must act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorities_ending: Vec<AuthorityReport>,
    /// Others who may be asked for time-stamps, as their last answers were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    time_stampers: Vec<TimeStamperReport>,
}

/// An authority's certificate that ends soon.
#[derive(Serialize, ToSchema)]
struct AuthorityReport {
    /// The common name.
    name: String,
    /// The last second of the certificate.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    until: time::OffsetDateTime,
}

impl From<AuthorityStanding> for AuthorityReport {
    fn from(standing: AuthorityStanding) -> Self {
        Self {
            name: standing.common_name,
            until: standing.not_after,
        }
    }
}

/// Somebody else's time-stamp authority.
#[derive(Serialize, ToSchema)]
struct TimeStamperReport {
    /// Where it is asked.
    url: String,
    /// Why its last answer was not taken, or that none came; absent while it does well.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<String>,
    /// The length of its longest token so far, in bytes; absent while none has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_token: Option<usize>,
}

impl From<StamperStanding> for TimeStamperReport {
    fn from(standing: StamperStanding) -> Self {
        Self {
            url: standing.url.into(),
            failing: standing.failing,
            longest_token: standing.longest_token,
        }
    }
}

/// How the keys made ahead are doing. Counts begin with the process.
#[derive(Serialize, ToSchema)]
struct KeyPoolReport {
    /// Keys that are ready.
    size: usize,
    /// Keys that may be ready at most.
    capacity: usize,
    /// Keys made.
    made: u64,
    /// Keys taken.
    taken: u64,
    /// How often a key was wanted and none was ready.
    empty: u64,
    /// How many of those were answered 503.
    refused: u64,
    /// Calls that wait for a key.
    waiting: usize,
    /// What making a key takes, in milliseconds on average.
    making_ms: u64,
}

impl From<KeyPoolGauges> for KeyPoolReport {
    fn from(gauges: KeyPoolGauges) -> Self {
        Self {
            size: gauges.size,
            capacity: gauges.capacity,
            made: gauges.made,
            taken: gauges.taken,
            empty: gauges.empty,
            refused: gauges.refused,
            waiting: gauges.waiting,
            making_ms: gauges.making.as_millis() as u64,
        }
    }
}

async fn health(State(service): State<Service>) -> Response {
    match service.health().await {
        Ok(health) => {
            let report = HealthReport {
                status: "ok",
                database: health.database,
                outbox_pending: health.outbox_pending,
                outbox_dead: health.outbox_dead,
                jobs_pending: health.jobs_pending,
                jobs_failed: health.jobs_failed,
                key_pool: health.key_pool.map(KeyPoolReport::from),
                authorities_ending: health.ending.into_iter().map(Into::into).collect(),
                time_stampers: health.time_stampers.into_iter().map(Into::into).collect(),
            };
            axum::Json(report).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "unhealthy");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer",
            )
            .into_response()
        }
    }
}

async fn page() -> Response {
    let page = Bytes::from_static(include_bytes!("../assets/docs.html"));
    let mut response = asset("text/html; charset=utf-8", page);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    response
}

/// Kept and sent compressed: there is no browser that does not take it.
async fn renderer() -> Response {
    let script = Bytes::from_static(include_bytes!("../assets/rapidoc-min.js.gz"));
    let mut response = asset("text/javascript; charset=utf-8", script);
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn asset(media_type: &'static str, content: Bytes) -> Response {
    let headers: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}

/// The whole document.
pub(crate) fn document(product: &Product, base_url: Option<&str>) -> OpenApi {
    let components = ComponentsBuilder::new()
        .schema("Problem", problem_schema())
        .schema_from::<HealthReport>()
        .schema_from::<AuthorityReport>()
        .schema_from::<KeyPoolReport>()
        .schema_from::<TimeStamperReport>()
        .security_scheme(
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
        )
        .security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
    let (paths, components) = one_shot::describe(PathsBuilder::new(), components);
    let (paths, components) = cloud::describe(paths, components);
    let info = info("Avouch", product, DESCRIPTION);
    let server = ServerBuilder::new().url(base_url.unwrap_or("/"));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([server.build()]))
        .tags(Some(tags()))
        .paths(own_paths(paths))
        .components(Some(components.build()))
        // Either key, or none where the operator has set none.
        .security(Some([
            SecurityRequirement::default(),
            SecurityRequirement::new("api_key", [""; 0]),
            SecurityRequirement::new("bearer", [""; 0]),
        ]))
        .build()
}

/// What a document says of itself.
pub(crate) fn info(title: &str, product: &Product, description: &str) -> Info {
    InfoBuilder::new()
        .title(title)
        .version(product.version)
        .description(Some(description))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0 OR MIT")
                .identifier(Some("Apache-2.0 OR MIT"))
                .build(),
        ))
        .build()
}

/// A group of calls.
pub(crate) fn tag(name: impl Into<String>, description: &str) -> Tag {
    TagBuilder::new()
        .name(name)
        .description(Some(description))
        .build()
}

/// Groups in the order in which a reader needs them.
fn tags() -> Vec<Tag> {
    let one_shot = one_shot::Dialect::ALL.into_iter().flat_map(|dialect| {
        one_shot::GROUPS
            .into_iter()
            .map(move |(group, description)| tag(dialect.tag(group), description))
    });
    let own = [
        (
            cloud::GROUP,
            "For holders of a certificate whose key the server keeps.",
        ),
        (
            "Trust services",
            "OCSP, time-stamps and the certificates that signatures lead to.",
        ),
        ("Operation", "For those who run the server."),
    ];
    one_shot
        .chain(own.map(|(name, description)| tag(name, description)))
        .collect()
}

const DESCRIPTION: &str = "From a filmed identification to a certificate and a signed PDF.\n\n\
    **One-Shot, new dialect** (`/oneshot/api/v1`): create a VideoID, upload evidences and video, \
    approve, upload documents, fetch the contract, send a code, sign, fetch what was signed. \
    **One-Shot, legacy dialect** (`/api/v1`): the same calls in the older envelopes.\n\n\
    Every path is served with and without a trailing slash. Numbers may come as texts. Members \
    that are not described are ignored. A call that is not possible in a request's status is \
    answered with 412 and changes nothing.";

fn own_paths(mut paths: PathsBuilder) -> PathsBuilder {
    for own in OWN_PATHS {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(own.id))
            .tag(own.tag)
            .summary(Some(own.summary))
            .description(Some(own.description));
        if let Some((media_type, description)) = own.body {
            let content = ContentBuilder::new()
                .schema(Some(bytes(description)))
                .build();
            let body = RequestBodyBuilder::new()
                .content(media_type, content)
                .required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        for (name, description) in PATH_PARAMETERS {
            if own.path.contains(&format!("{{{name}}}")) {
                let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
                let parameter = ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .description(Some(description))
                    .schema(Some(text));
                operation = operation.parameter(parameter);
            }
        }
        let schema: RefOr<Schema> = match own.answer {
            "application/json" if own.path == "/health" => {
                Ref::from_schema_name("HealthReport").into()
            }
            "application/json" => ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Object))
                .into(),
            _ => bytes(""),
        };
        let content = ContentBuilder::new().schema(Some(schema)).build();
        operation = operation.response(
            "200",
            ResponseBuilder::new()
                .description("Done.")
                .content(own.answer, content),
        );
        for (status, description) in own.problems {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let response = ResponseBuilder::new()
                .description(*description)
                .content("application/problem+json", content);
            operation = operation.response(*status, response);
        }
        let method = if own.body.is_some() {
            HttpMethod::Post
        } else {
            HttpMethod::Get
        };
        paths = paths.path(own.path, PathItem::new(method, operation));
    }
    paths
}

struct OwnPath {
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    body: Option<(&'static str, &'static str)>,
    answer: &'static str,
    problems: &'static [(&'static str, &'static str)],
}

/// What stands in braces in paths.
const PATH_PARAMETERS: [(&str, &str); 4] = [
    ("request", "The DER of the request in base64, URL-encoded."),
    ("issuer", "The issuing CA's key identifier in hexadecimal."),
    ("shard", "The number of the shard."),
    (
        "tile",
        "Level and place, as in `0/x001/234.p/7` or `entries/000`.",
    ),
];

const NOT_TAKEN: &[(&str, &str)] = &[
    ("400", "The connection ended inside the body."),
    ("408", "The client sends too slowly."),
    ("413", "The body is larger than any such request."),
    ("500", "The server is at fault."),
    ("503", "Overload."),
];
const OVERLOAD: &[(&str, &str)] = &[("503", "Overload.")];
const PUBLISHED: &[(&str, &str)] = &[
    ("404", "Nothing is published here."),
    ("500", "The server is at fault."),
    ("503", "Overload."),
];

const OWN_PATHS: &[OwnPath] = &[
    OwnPath {
        path: "/ocsp",
        id: "OcspPost",
        tag: "Trust services",
        summary: "OCSP",
        description: "RFC 6960. What is wrong with a request is said inside the answer.",
        body: Some(("application/ocsp-request", "OCSPRequest, DER.")),
        answer: "application/ocsp-response",
        problems: NOT_TAKEN,
    },
    OwnPath {
        path: "/ocsp/{request}",
        id: "OcspGet",
        tag: "Trust services",
        summary: "OCSP over GET",
        description: "RFC 6960, Appendix A.1.",
        body: None,
        answer: "application/ocsp-response",
        problems: OVERLOAD,
    },
    OwnPath {
        path: "/tsa",
        id: "TimeStamp",
        tag: "Trust services",
        summary: "Time-stamp",
        description: "RFC 3161. What is wrong with a request is said inside the answer.",
        body: Some(("application/timestamp-query", "TimeStampReq, DER.")),
        answer: "application/timestamp-reply",
        problems: NOT_TAKEN,
    },
    OwnPath {
        path: "/pki/root.crt",
        id: "RootCertificate",
        tag: "Trust services",
        summary: "Root certificate",
        description: "DER. In PEM: `/pki/root.pem`.",
        body: None,
        answer: "application/pkix-cert",
        problems: OVERLOAD,
    },
    OwnPath {
        path: "/pki/root.crl",
        id: "RootRevocationList",
        tag: "Trust services",
        summary: "The root's revocation list",
        description: "DER. Tells of issuing CAs; made where the root's key is, once a year. There may be \
                      none yet.",
        body: None,
        answer: "application/pkix-crl",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/pki/issuing.crt",
        id: "IssuingCertificate",
        tag: "Trust services",
        summary: "First issuing CA's certificate",
        description: "DER. In PEM: `/pki/issuing.pem`. Older certificates point here; newer ones, \
                      and those of later CAs, to `/pki/{issuer}.crt`.",
        body: None,
        answer: "application/pkix-cert",
        problems: OVERLOAD,
    },
    OwnPath {
        path: "/pki/issuing.crl",
        id: "RevocationList",
        tag: "Trust services",
        summary: "Revocation list",
        description: "The first issuing CA's complete CRL, DER (RFC 5280 §5), as it stands at this \
                      moment.",
        body: None,
        answer: "application/pkix-crl",
        problems: &[("500", "The server is at fault."), ("503", "Overload.")],
    },
    OwnPath {
        path: "/pki/{issuer}.crt",
        id: "IssuerCertificate",
        tag: "Trust services",
        summary: "An issuing CA's certificate",
        description: "DER; the CA by its key's identifier in hexadecimal. Also `.pem`.",
        body: None,
        answer: "application/pkix-cert",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/pki/{issuer}.crl",
        id: "IssuerRevocationList",
        tag: "Trust services",
        summary: "An issuing CA's complete revocation list",
        description: "DER (RFC 5280 §5), as it stands at this moment.",
        body: None,
        answer: "application/pkix-crl",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/pki/{issuer}/{shard}.crl",
        id: "RevocationListShard",
        tag: "Trust services",
        summary: "A shard of an issuing CA's revocation lists",
        description: "DER, with an issuing distribution point (RFC 5280 §5.2.5): for the certificates \
                      that point to it.",
        body: None,
        answer: "application/pkix-crl",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/log/checkpoint",
        id: "LogCheckpoint",
        tag: "Trust services",
        summary: "Issuance log: the latest checkpoint",
        description: "A signed note (C2SP tlog-checkpoint): how many certificates were issued, and the \
                      root of the Merkle tree over commitments to them.",
        body: None,
        answer: "text/plain",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/log/key",
        id: "LogKey",
        tag: "Trust services",
        summary: "Issuance log: the key",
        description: "The line by which checkpoints are verified (C2SP signed-note).",
        body: None,
        answer: "text/plain",
        problems: &[("500", "The server is at fault."), ("503", "Overload.")],
    },
    OwnPath {
        path: "/log/tile/{tile}",
        id: "LogTile",
        tag: "Trust services",
        summary: "Issuance log: a tile",
        description: "Hashes or entries (C2SP tlog-tiles). An entry is a commitment under a salt of its \
                      own and tells of nobody.",
        body: None,
        answer: "application/octet-stream",
        problems: PUBLISHED,
    },
    OwnPath {
        path: "/log/receipt",
        id: "LogReceipt",
        tag: "Trust services",
        summary: "Issuance log: a certificate's receipt",
        description: "The salt of its commitment, its place, and the proof that it is below the \
                      checkpoint that comes along. Only for whoever has the certificate.",
        body: Some(("application/pkix-cert", "Certificate, DER.")),
        answer: "application/json",
        problems: &[
            ("400", "The connection ended inside the body."),
            ("404", "The certificate is not ours."),
            ("408", "The client sends too slowly."),
            ("413", "The body is larger than any certificate."),
            ("500", "The server is at fault."),
            ("503", "Overload."),
        ],
    },
    OwnPath {
        path: "/register",
        id: "Register",
        tag: "Operation",
        summary: "Register of everything issued",
        description: "Needs the administrator's key. Query: `name` (words, whatever case and accents), \
                      `identity`, `email`, `scratchcard`, `from` and `to` (RFC 3339; when it was put on \
                      record), `status` (`VALID`, `SUSPENDED`, `REVOKED`), `limit` (up to 1000), and \
                      `after` with the `next` of the page before. Answers `certificates` and `next`.",
        body: None,
        answer: "application/json",
        problems: &[
            ("400", "A field of the query has another form."),
            ("403", "The administrator's key is needed."),
            ("500", "The server is at fault."),
            ("503", "Overload."),
        ],
    },
    OwnPath {
        path: "/health",
        id: "Health",
        tag: "Operation",
        summary: "Health",
        description: "200 while the database answers.",
        body: None,
        answer: "application/json",
        problems: &[("503", "The database does not answer, or overload.")],
    },
    OwnPath {
        path: "/openapi.json",
        id: "OpenApiDocument",
        tag: "Operation",
        summary: "This document",
        description: "OpenAPI 3.1.",
        body: None,
        answer: "application/json",
        problems: OVERLOAD,
    },
];

fn bytes(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .description(Some(description).filter(|text| !text.is_empty()))
        .into()
}

fn problem_schema() -> RefOr<Schema> {
    let member = |kind: Type| ObjectBuilder::new().schema_type(SchemaType::new(kind));
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .description(Some("Problem details, RFC 9457."))
        .property("type", member(Type::String))
        .property("title", member(Type::String))
        .property("status", member(Type::Integer))
        .property("detail", member(Type::String))
        .property("request_id", member(Type::String))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .examples([json!({
            "type": "about:blank",
            "title": "Payload Too Large",
            "status": 413,
            "detail": "Request body too large: the limit is 65536 bytes",
        })])
        .into()
}
