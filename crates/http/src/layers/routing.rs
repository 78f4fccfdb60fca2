//! Answers to paths and methods that are not there.

use axum::Extension;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::layers::request_id::RequestId;
use crate::one_shot::{Dialect, Refusal};
use crate::problem::Problem;

/// 404, in the words of the door that the path belongs to.
pub(crate) async fn unknown_route(uri: Uri) -> Response {
    refuse(&uri, None, StatusCode::NOT_FOUND, "No such endpoint")
}

/// 405. The `Allow` header is the router's.
pub(crate) async fn wrong_method(uri: Uri, method: Method) -> Response {
    let text = format!(
        "Method {} not allowed here",
        method.as_str().chars().take(20).collect::<String>()
    );
    refuse(&uri, None, StatusCode::METHOD_NOT_ALLOWED, &text)
}

/// A refusal in the form of the door that `uri` belongs to.
pub(crate) fn refuse(
    uri: &Uri,
    id: Option<Extension<RequestId>>,
    status: StatusCode,
    text: &str,
) -> Response {
    let id = id.map(|Extension(id)| id);
    match Dialect::of_path(uri.path()) {
        Some(dialect) => Refusal::new(status, text)
            .with_id(id)
            .into_response(dialect),
        None => Problem::new(status, text).with_id(id).into_response(),
    }
}
