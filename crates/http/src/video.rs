//! Videos: streamed in from a form, handed out in ranges.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service::{Error, Intake, VideoContent, VideoIntake};

use crate::body::multipart::Form;
use crate::body::{BodyFault, declared_length};
use crate::range::{Wanted, wanted};

/// Boundaries and part headers around the video, generously: what a body may be longer than the
/// video in it. The limit itself is held while the video streams.
const FORM_OVERHEAD: u64 = 64 << 10;

/// Why a form gives no video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormFault {
    /// It has no file part, or several and none is called `video`.
    NoVideo,
    /// It has two parts called `video`.
    TwoVideos,
}

/// Which part the bytes taken in so far came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Nothing,
    /// The part that is called `video`.
    Named,
    /// The one file part under another name.
    Guessed,
    /// File parts under other names, so that nobody can say which.
    Unclear,
}

/// Streams the video of a form into what `open` opens, given the declared size.
pub(crate) async fn take_in<F, O>(
    open: impl Fn(Option<u64>) -> O,
    headers: &HeaderMap,
    body: Body,
) -> Result<Intake, F>
where
    F: From<Error> + From<BodyFault> + From<FormFault>,
    O: Future<Output = Result<VideoIntake, Error>>,
{
    let declared = declared_length(headers).map(|length| length.saturating_sub(FORM_OVERHEAD));
    let mut intake = open(declared).await?;
    let mut form = Form::open(headers, body)?;
    let mut source = Source::Nothing;
    while let Some(mut part) = form.next().await? {
        let named = part.name() == "video";
        let is_file = named || part.file_name().is_some();
        let next = match (source, named) {
            (source, _) if !is_file => source,
            (Source::Named, true) => return Err(FormFault::TwoVideos.into()),
            (Source::Named, false) => Source::Named,
            (_, true) => Source::Named,
            (Source::Nothing, false) => Source::Guessed,
            (Source::Guessed | Source::Unclear, false) => Source::Unclear,
        };
        if next == source || next == Source::Unclear {
            part.drain().await?;
            source = next;
            continue;
        }
        if source != Source::Nothing {
            // The guess was wrong: drop what it brought.
            intake = open(declared).await?;
        }
        source = next;
        while let Some(chunk) = part.chunk().await? {
            intake.write(chunk).await?;
        }
    }
    // Only now is it certain that the form arrived whole.
    match source {
        Source::Named | Source::Guessed => Ok(intake.finish().await?),
        Source::Nothing | Source::Unclear => Err(FormFault::NoVideo.into()),
    }
}

/// What comes of a GET.
pub(crate) enum Served {
    /// The video, a part of it, or that the client's copy is good.
    Answer(Response),
    /// `Range` asks for bytes beyond the end.
    Unsatisfiable,
}

/// The video as a client asks for it.
pub(crate) fn serve(
    video: &VideoContent,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Served, Error> {
    let etag = format!("\"{}\"", hex::encode(video.sha256));
    let etag = HeaderValue::from_str(&etag)
        .map_err(|_| Error::Internal("a digest is no header value".into()))?;
    let (status, range) = match wanted(headers, video.size, &etag) {
        Wanted::Whole => (StatusCode::OK, 0..video.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::NotModified => {
            let answer = (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]);
            return Ok(Served::Answer(answer.into_response()));
        }
        Wanted::Unsatisfiable => return Ok(Served::Unsatisfiable),
    };
    let body = if *method == Method::HEAD || range.is_empty() {
        Body::empty()
    } else {
        Body::from_stream(video.stream(range.clone()))
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, &video.media_type)
        .header(header::CONTENT_LENGTH, range.end - range.start)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, etag)
        // A player must be able to ask for ranges of what it was given before.
        .header(header::CACHE_CONTROL, "private, no-cache");
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!("bytes {}-{}/{}", range.start, range.end - 1, video.size);
        response = response.header(header::CONTENT_RANGE, place);
    }
    response
        .body(body)
        .map(Served::Answer)
        .map_err(|_| Error::Internal("the video's media type is no header value".into()))
}

/// Adds to a 416 how long the video is (RFC 9110 §15.5.17).
pub(crate) fn with_size(mut refused: Response, size: u64) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        refused.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    refused
}
