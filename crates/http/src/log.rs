//! The issuance log, as everybody may read it (C2SP tlog-tiles), and receipts for those who have a
//! certificate.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use service::{Error, Service};

use crate::body;
use crate::problem::Problem;

/// A certificate takes one to two kilobytes.
const LIMIT: u64 = 64 << 10;

const TEXT: &str = "text/plain; charset=utf-8";
/// Full tiles never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_NOW: &str = "no-cache";

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/key", get(key))
        .route("/log/tile/{*tile}", get(tile))
        .route("/log/receipt", post(receipt))
        .with_state(service)
}

async fn checkpoint(State(service): State<Service>) -> Response {
    match service.log_checkpoint().await {
        Ok(Some(note)) => published(TEXT, FOR_NOW, note),
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

async fn key(State(service): State<Service>) -> Response {
    match service.log_verifier().await {
        Ok(line) => published(TEXT, FOR_NOW, line + "\n"),
        Err(error) => failed(&error),
    }
}

async fn tile(
    State(service): State<Service>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(path)) = path else {
        return absent();
    };
    match service.log_tile(&path).await {
        Ok(Some(tile)) => {
            let caching = if tile.is_full { FOR_EVER } else { FOR_NOW };
            published("application/octet-stream", caching, tile.content)
        }
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

/// Whoever has a certificate gets its receipt, and with it the salt; the log itself leads nobody to
/// a certificate.
async fn receipt(State(service): State<Service>, headers: HeaderMap, body: Body) -> Response {
    let certificate = match body::read(&headers, body, LIMIT).await {
        Ok(certificate) => certificate,
        Err(fault) => return Problem::new(fault.status(), fault.to_string()).into_response(),
    };
    match service.log_receipt(&certificate).await {
        Ok(Some(receipt)) => {
            let mut response = axum::Json(receipt).into_response();
            let control = HeaderValue::from_static("no-store");
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, control);
            response
        }
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

fn published(media_type: &'static str, caching: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, caching),
    ];
    (headers, body).into_response()
}

fn absent() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "Nothing is published here").into_response()
}

fn failed(error: &Error) -> Response {
    tracing::error!(%error, "the issuance log cannot be read");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
}
