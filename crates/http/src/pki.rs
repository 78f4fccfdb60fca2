//! OCSP, revocation lists, time-stamping, and the certificates that everything hangs on.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use service::{Freshness, Service};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::body::{self, BodyFault};
use crate::problem::Problem;

/// OCSP and time-stamp requests are a few hundred bytes.
const LIMIT: u64 = 64 << 10;

/// `OCSPResponse { responseStatus malformedRequest(1) }` (RFC 6960 §4.2.1).
const MALFORMED_REQUEST: [u8; 5] = [0x30, 0x03, 0x0a, 0x01, 0x01];
/// `OCSPResponse { responseStatus internalError(2) }`.
const INTERNAL_ERROR: [u8; 5] = [0x30, 0x03, 0x0a, 0x01, 0x02];

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/ocsp", post(ocsp_post))
        .route("/ocsp/{*request}", get(ocsp_get))
        .route("/tsa", post(time_stamp))
        .route(
            "/pki/root.crt",
            get(|State(service): State<Service>| async move { der(&service.root_certificate()) }),
        )
        .route(
            "/pki/root.pem",
            get(|State(service): State<Service>| async move { pem(&service.root_certificate()) }),
        )
        .route("/pki/root.crl", get(root_list))
        .route("/pki/{file}", get(published))
        .route("/pki/{issuer}/{file}", get(shard))
        .with_state(service)
}

/// OCSP over POST (RFC 6960 Appendix A.1). The Content-Type is not looked at: the body is DER or
/// refused.
async fn ocsp_post(State(service): State<Service>, headers: HeaderMap, body: Body) -> Response {
    match body::read(&headers, body, LIMIT).await {
        Ok(request) => ocsp(&service, &request).await.0,
        Err(fault) => unread(&fault),
    }
}

/// OCSP over GET (RFC 6960 Appendix A.1): base64, then URL-encoded. A client that joins it to a
/// URL with a slash at its end sends two. Caches on the way may keep the answer (RFC 5019 §6.2).
async fn ocsp_get(
    State(service): State<Service>,
    request: Result<Path<String>, PathRejection>,
) -> Response {
    let request = request.map(|Path(text)| text).unwrap_or_default();
    let Ok(request) = STANDARD.decode(request.trim_start_matches('/')) else {
        return ocsp_response(MALFORMED_REQUEST.to_vec());
    };
    let (mut response, fresh) = ocsp(&service, &request).await;
    let caching = fresh.map_or_else(not_kept, kept);
    response.headers_mut().extend(caching);
    response
}

async fn ocsp(service: &Service, request: &[u8]) -> (Response, Option<Freshness>) {
    match service.ocsp(request).await {
        Ok(answer) => (ocsp_response(Bytes::from_owner(answer.der)), answer.fresh),
        Err(error) => {
            tracing::error!(%error, "no OCSP answer");
            (ocsp_response(INTERNAL_ERROR.to_vec()), None)
        }
    }
}

/// Every OCSP answer, errors included, is a 200: the status is inside.
fn ocsp_response(der: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/ocsp-response")], der).into_response()
}

/// How long a cache may hand an answer out, in seconds: a revocation is to show soon, although
/// the answer before it is signed for longer.
const CACHED_FOR: u32 = 300;

fn kept(fresh: Freshness) -> HeaderMap {
    let control = format!("max-age={CACHED_FOR}, public, no-transform, must-revalidate");
    let fields = [
        (header::LAST_MODIFIED, http_date(fresh.this_update)),
        (header::EXPIRES, http_date(fresh.next_update)),
        (header::CACHE_CONTROL, control),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
        .collect()
}

fn not_kept() -> HeaderMap {
    HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(at: OffsetDateTime) -> String {
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    at.to_utc().format(&form).unwrap_or_default()
}

/// RFC 3161 §3.4.
async fn time_stamp(State(service): State<Service>, headers: HeaderMap, body: Body) -> Response {
    let request = match body::read(&headers, body, LIMIT).await {
        Ok(request) => request,
        Err(fault) => return unread(&fault),
    };
    match service.time_stamp(&request).await {
        Ok(reply) => (
            [(header::CONTENT_TYPE, "application/timestamp-reply")],
            reply,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "no time-stamp");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
        }
    }
}

/// What an issuing authority publishes: `issuing`, by which older certificates know the first one,
/// or its key's identifier, by which all others do; then what it is.
async fn published(
    State(service): State<Service>,
    file: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(file)) = file else {
        return unknown();
    };
    let Some((issuer, kind)) = file.split_once('.') else {
        return unknown();
    };
    let issuer = (issuer != "issuing").then_some(issuer);
    let certificate = || service.issuing_certificate(issuer);
    match kind {
        "crt" => certificate().map_or_else(unknown, |it| der(&it)),
        "pem" => certificate().map_or_else(unknown, |it| pem(&it)),
        "crl" => revocation_list(&service, issuer, None).await,
        _ => unknown(),
    }
}

/// A shard of an issuing authority's revocation lists.
async fn shard(
    State(service): State<Service>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((issuer, file))) = path else {
        return unknown();
    };
    let number = file.strip_suffix(".crl").and_then(|shard| {
        let number: u16 = shard.parse().ok()?;
        (number.to_string() == shard).then_some(number)
    });
    match number {
        Some(number) => revocation_list(&service, Some(&issuer), Some(number)).await,
        None => unknown(),
    }
}

/// What the root revoked.
async fn root_list(State(service): State<Service>) -> Response {
    service.root_list().map_or_else(unknown, crl)
}

async fn revocation_list(service: &Service, issuer: Option<&str>, shard: Option<u16>) -> Response {
    match service.crl(issuer, shard).await {
        Ok(Some(list)) => crl(list),
        Ok(None) => unknown(),
        Err(error) => {
            tracing::error!(%error, "no revocation list");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
        }
    }
}

/// A CRL as RFC 2585 §4.2 wants it. A revocation shows in it at once, so that nobody is told to
/// keep it.
fn crl(list: Arc<[u8]>) -> Response {
    (
        [
            (header::CONTENT_TYPE, "application/pkix-crl"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        Bytes::from_owner(list),
    )
        .into_response()
}

fn unknown() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "Nothing is published here").into_response()
}

fn unread(fault: &BodyFault) -> Response {
    Problem::new(fault.status(), fault.to_string()).into_response()
}

/// A certificate as RFC 2585 §4.1 wants it.
fn der(certificate: &[u8]) -> Response {
    public("application/pkix-cert", certificate.to_vec())
}

fn pem(certificate: &[u8]) -> Response {
    public(
        "application/x-pem-file",
        armour("CERTIFICATE", certificate).into_bytes(),
    )
}

/// RFC 7468 §2.
pub(crate) fn armour(label: &str, content: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(content).as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn public(media_type: &'static str, content: Vec<u8>) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armour_has_lines_of_64() {
        let text = armour("CERTIFICATE", &[0xff; 100]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        assert!(
            lines[1..lines.len() - 2]
                .iter()
                .all(|line| line.len() == 64)
        );
        let body = lines[1..lines.len() - 1].concat();
        assert_eq!(STANDARD.decode(body).unwrap(), [0xff; 100]);
    }
}
