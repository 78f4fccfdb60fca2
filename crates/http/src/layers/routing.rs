//! Answers to paths and methods that are not there.

use std::future::{Ready, ready};

use axum::Extension;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use crate::layers::request_id::RequestId;

/// Says no in the form of the door that the path belongs to.
pub(crate) type Refuse = fn(&Uri, Option<RequestId>, StatusCode, &str) -> Response;

/// 404.
pub(crate) fn unknown_route(
    refuse: Refuse,
) -> impl Fn(Uri, Option<Extension<RequestId>>) -> Ready<Response> + Clone {
    move |uri, id| {
        let id = id.map(|Extension(id)| id);
        ready(refuse(&uri, id, StatusCode::NOT_FOUND, "No such endpoint"))
    }
}

/// 405. The `Allow` header is the router's.
pub(crate) fn wrong_method(
    refuse: Refuse,
) -> impl Fn(Uri, Method, Option<Extension<RequestId>>) -> Ready<Response> + Clone {
    move |uri, method, id| {
        let text = format!(
            "Method {} not allowed here",
            method.as_str().chars().take(20).collect::<String>()
        );
        let id = id.map(|Extension(id)| id);
        ready(refuse(&uri, id, StatusCode::METHOD_NOT_ALLOWED, &text))
    }
}
