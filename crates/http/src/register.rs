//! The register of everything issued, for whoever has the administrator's key.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use service::{CertificateState, RegisterMark, RegisterSearch, Service};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::DoorConfig;
use crate::problem::Problem;
use crate::query;

/// Certificates on a page: as many as by default, and at most.
const PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 1000;

#[derive(Clone)]
struct Door {
    service: Service,
    config: Arc<DoorConfig>,
}

pub(crate) fn router(service: Service, config: Arc<DoorConfig>) -> Router {
    Router::new()
        .route("/register", get(search))
        .with_state(Door { service, config })
}

async fn search(State(door): State<Door>, headers: HeaderMap, uri: Uri) -> Response {
    if !door.config.keys.is_admin(&headers) {
        let text = "The administrator's key is needed";
        return Problem::new(StatusCode::FORBIDDEN, text).into_response();
    }
    let (search, after, limit) = match asked(&uri) {
        Ok(asked) => asked,
        Err(field) => {
            let text = format!("{field} has another form");
            return Problem::new(StatusCode::BAD_REQUEST, text).into_response();
        }
    };
    let page = door.service.register_page(&search, after.as_ref(), limit);
    match page.await {
        Ok(page) => {
            let next = page.next.map(|(at, serial)| cursor(at, &serial));
            let body = json!({ "certificates": page.entries, "next": next });
            ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the register cannot be read");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
        }
    }
}

/// What the query asks for, or the field that can't be read.
fn asked(uri: &Uri) -> Result<(RegisterSearch, Option<RegisterMark>, i64), &'static str> {
    let text = |name| query::value(uri, name);
    let time = |name| match text(name) {
        None => Ok(None),
        Some(value) => OffsetDateTime::parse(&value, &Rfc3339)
            .map(Some)
            .map_err(|_| name),
    };
    let status = match text("status").map(|name| name.to_ascii_uppercase()) {
        None => None,
        Some(name) => Some(match name.as_str() {
            "VALID" => CertificateState::Valid,
            "SUSPENDED" => CertificateState::Suspended,
            "REVOKED" => CertificateState::Revoked,
            _ => return Err("status"),
        }),
    };
    let search = RegisterSearch {
        name: text("name"),
        identity: text("identity"),
        email: text("email"),
        scratchcard: text("scratchcard"),
        from: time("from")?,
        before: time("to")?,
        status,
    };
    let after = match text("after") {
        None => None,
        Some(value) => Some(mark(&value).ok_or("after")?),
    };
    let limit = match text("limit") {
        None => PAGE,
        Some(value) => value.parse().map_err(|_| "limit")?,
    };
    Ok((search, after, limit.clamp(1, LARGEST_PAGE)))
}

fn cursor(at: OffsetDateTime, serial: &str) -> String {
    format!("{}-{serial}", at.unix_timestamp_nanos() / 1_000_000)
}

fn mark(cursor: &str) -> Option<RegisterMark> {
    let (at, serial) = cursor.split_once('-')?;
    let at: i64 = at.parse().ok()?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).ok()?;
    Some((at, serial.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_where_it_came_from() {
        let at = time::macros::datetime!(2026-03-01 10:00:00.123 UTC);
        let read = mark(&cursor(at, "0ab1")).unwrap();
        assert_eq!(read, (at, "0ab1".to_owned()));
        for wrong in ["", "1", "-1", "x-0a", "99999999999999999-0a"] {
            assert_eq!(mark(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (query, field) in [
            ("from=yesterday", "from"),
            ("to=1", "to"),
            ("status=gone", "status"),
            ("after=x", "after"),
            ("limit=many", "limit"),
        ] {
            let uri: Uri = format!("/register?{query}").parse().unwrap();
            assert_eq!(asked(&uri).map(drop), Err(field));
        }
        let uri = Uri::from_static("/register?status=revoked&limit=5000&name=Ana");
        let (search, after, limit) = asked(&uri).unwrap();
        assert_eq!(search.status, Some(CertificateState::Revoked));
        assert_eq!(
            (search.name.as_deref(), after, limit),
            (Some("Ana"), None, 1000)
        );
    }
}
