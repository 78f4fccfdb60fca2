//! Style and script, embedded. Their names change with their content, so that browsers may keep
//! them for ever.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../assets/console.css");
    Asset::new("css", "text/css; charset=utf-8", content)
});

pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../assets/console.js");
    Asset::new("js", "text/javascript; charset=utf-8", content)
});

/// A file that pages use.
pub(crate) struct Asset {
    name: String,
    media_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(ending: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self {
            name: format!("console-{:016x}.{ending}", hasher.finish()),
            media_type,
            content,
        }
    }

    /// The path under which it is served.
    pub(crate) fn address(&self) -> String {
        format!("/console/assets/{}", self.name)
    }
}

/// Serves them.
pub fn assets() -> Router {
    Router::new().route("/console/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>) -> Response {
    let asset = [&STYLE, &SCRIPT]
        .into_iter()
        .find(|asset| asset.name == name);
    let Some(asset) = asset else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.content).into_response()
}
