//! Reading what clients send, with bounds on size, depth and patience.

pub(crate) mod base64;
pub(crate) mod evidence;
pub(crate) mod guard;
pub(crate) mod json;
pub(crate) mod multipart;

use std::error::Error as StdError;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// Why a body could not be read. All of these are the client's doing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    /// Not JSON. Line and column count from 1, `offset` from 0, all in characters.
    #[error("Could not parse JSON body - {message}: line {line} column {column} (char {offset})")]
    Json {
        /// What the parser missed.
        message: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// Characters before the place.
        offset: usize,
    },
    /// JSON, but no object.
    #[error("Could not parse JSON body - Expecting an object")]
    NotAnObject,
    /// A text with U+0000, which no database stores.
    #[error("The character U+0000 is not allowed in '{0}'")]
    Nul(String),
    /// Over the limit.
    #[error("Request body too large: the limit is {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The client stopped sending or sends too slowly.
    #[error("The request body did not arrive in time")]
    Stalled,
    /// The connection ended inside the body.
    #[error("The request body ended too early")]
    CutOff,
    /// The Content-Type names no multipart form.
    #[error("Expected a multipart/form-data body with a boundary")]
    NotMultipart,
    /// The multipart form is broken.
    #[error("Could not parse multipart body - {0}")]
    Multipart(String),
}

impl BodyFault {
    /// The status code that says it best.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            BodyFault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyFault::Stalled => StatusCode::REQUEST_TIMEOUT,
            BodyFault::Json { .. }
            | BodyFault::NotAnObject
            | BodyFault::Nul(_)
            | BodyFault::CutOff
            | BodyFault::NotMultipart
            | BodyFault::Multipart(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// From an error that the body gave.
    fn of_read(error: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<guard::Stalled>() {
                return Self::Stalled;
            }
            next = error.source();
        }
        Self::CutOff
    }
}

/// The `Content-Length`, where the client states one.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The whole body. Refused before it is read where its stated length is over `limit`, and while
/// it is read otherwise.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limit: u64,
) -> Result<Bytes, BodyFault> {
    let declared = declared_length(headers);
    if declared.is_some_and(|length| length > limit) {
        return Err(BodyFault::TooLarge { limit });
    }
    // A stated length is a promise that need not be kept: believe the first megabyte of it.
    let mut content = BytesMut::with_capacity(declared.unwrap_or(0).min(1 << 20) as usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyFault::of_read(&error))?;
        if let Ok(data) = frame.into_data() {
            if (content.len() + data.len()) as u64 > limit {
                return Err(BodyFault::TooLarge { limit });
            }
            content.extend_from_slice(&data);
        }
    }
    Ok(content.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(chunks: &'static [&'static str]) -> Body {
        let chunks = chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())));
        Body::from_stream(futures::stream::iter(chunks))
    }

    #[tokio::test]
    async fn the_limit_holds_with_and_without_a_stated_length() {
        let none = HeaderMap::new();
        assert_eq!(
            read(&none, chunked(&["12345", "67890"]), 10).await.unwrap(),
            "1234567890"
        );
        let over = read(&none, chunked(&["12345", "678901"]), 10).await;
        assert!(matches!(over, Err(BodyFault::TooLarge { limit: 10 })));

        let stated = HeaderMap::from_iter([(header::CONTENT_LENGTH, "11".parse().unwrap())]);
        // The body would fail the test if it were looked at.
        let untouchable = Body::from_stream(futures::stream::poll_fn(
            |_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> { panic!("was read") },
        ));
        let over = read(&stated, untouchable, 10).await;
        assert!(matches!(over, Err(BodyFault::TooLarge { limit: 10 })));
    }

    #[tokio::test]
    async fn a_broken_connection_is_told_apart() {
        let body = Body::from_stream(futures::stream::iter([
            Ok(Bytes::from_static(b"12")),
            Err(std::io::Error::other("reset")),
        ]));
        assert!(matches!(
            read(&HeaderMap::new(), body, 10).await,
            Err(BodyFault::CutOff)
        ));
    }
}
