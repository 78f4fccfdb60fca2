//! The video, in and out.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::RequestPk;
use service::{Error, Intake, VideoContent};

use super::dialect::Success;
use super::door::{Door, PathArgs};
use super::endpoint::Endpoint;
use super::evidences;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::declared_length;
use crate::body::multipart::Form;
use crate::range::{Wanted, wanted};

/// Boundaries and part headers around the video, generously: what a body may be longer than the
/// video in it. The limit itself is held while the video streams.
const FORM_OVERHEAD: u64 = 64 << 10;

const UPLOADED: &str = "Videoid video upload completed";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::UploadVideo, upload)
            .paths(&["/videoid/{pk}/video"], &["/videoid/{pk}/evidences/video"])
            .of_videoid()
            .about(
                "VideoID",
                "Upload the video",
                "MP4, MOV, 3GP, WebM or Matroska. Replaces an earlier one. Completes the request \
                 if the evidences are there: `VIDEOREVIEW`.",
            )
            .form(schema::object("", vec![("video", schema::bytes("The video."), true)]))
            .answers_each(
                Some(evidences::intake_schema()),
                None,
                evidences::intake_sample(UPLOADED),
            )
            .refuses(|| {
                vec![
                    (no_video(), "The form has no file part, or several and none is called `video`."),
                    (two_videos(), "The form has two parts called `video`."),
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::EvidenceClosed(RequestPk(50231)).into(), "The evidence is complete, or the request is over."),
                    (
                        Fault::said(
                            StatusCode::UNSUPPORTED_MEDIA_TYPE,
                            "Unsupported file type: the file looks like plain text, send MP4, MOV, 3GP, WebM or Matroska video",
                        ),
                        "No video, or a broken one. The request is now in `VIDEOERROR`; a good upload recovers.",
                    ),
                ]
            }),
        Endpoint::post(Call::UploadVideo, upload_by_name)
            .aliases(&["/upload/video/{name}"]),
        Endpoint::get(Call::DownloadVideo, download)
            .paths(&["/videoid/{pk}/video"], &["/videoid/{pk}/download/video"])
            .of_videoid()
            .about(
                "VideoID",
                "Download the video",
                "As it was uploaded. Ranges, `HEAD` and conditional requests are served.",
            )
            .answers_bytes(
                &["video/mp4", "video/quicktime", "video/3gpp", "video/webm", "video/x-matroska"],
                "The video.",
                true,
            )
            .refuses(|| {
                vec![
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::NoVideo(RequestPk(50231)).into(), "It has no video yet."),
                    (unsatisfiable(), "`Range` asks for bytes beyond the end."),
                ]
            }),
        Endpoint::get(Call::DownloadVideo, download_by_name)
            .aliases(&["/download/video/{name}"]),
    ]
}

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadVideo, async {
        take_in(&door, args.pk()?, &headers, body).await
    })
    .await
}

/// The oldest form: a VideoID by its opaque name.
pub(super) async fn upload_by_name(
    door: Door,
    args: PathArgs,
    headers: HeaderMap,
    body: Body,
) -> Response {
    door.answer(Call::UploadVideo, async {
        let pk = door.service.video_identifier(&args.text("name")).await?;
        take_in(&door, pk, &headers, body).await
    })
    .await
}

async fn take_in(door: &Door, pk: i64, headers: &HeaderMap, body: Body) -> Result<Success, Fault> {
    let intake = stream_in(door, pk, headers, body).await?;
    Ok(evidences::success(UPLOADED, intake))
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

async fn stream_in(door: &Door, pk: i64, headers: &HeaderMap, body: Body) -> Result<Intake, Fault> {
    let declared = declared_length(headers).map(|length| length.saturating_sub(FORM_OVERHEAD));
    let mut intake = door.service.open_video_intake(pk, declared).await?;
    let mut form = Form::open(headers, body)?;
    let mut source = Source::Nothing;
    while let Some(mut part) = form.next().await? {
        let named = part.name() == "video";
        let is_file = named || part.file_name().is_some();
        let next = match (source, named) {
            (source, _) if !is_file => source,
            (Source::Named, true) => return Err(two_videos()),
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
            intake = door.service.open_video_intake(pk, declared).await?;
        }
        source = next;
        while let Some(chunk) = part.chunk().await? {
            intake.write(chunk).await?;
        }
    }
    // Only now is it certain that the form arrived whole.
    match source {
        Source::Named | Source::Guessed => Ok(intake.finish().await?),
        Source::Nothing | Source::Unclear => Err(no_video()),
    }
}

async fn download(door: Door, args: PathArgs, method: Method, headers: HeaderMap) -> Response {
    door.answer(Call::DownloadVideo, async {
        let video = door.service.video(args.pk()?).await?;
        serve(&door, &video, &method, &headers)
    })
    .await
}

/// The oldest form: a VideoID by its opaque name.
pub(super) async fn download_by_name(
    door: Door,
    args: PathArgs,
    method: Method,
    headers: HeaderMap,
) -> Response {
    door.answer(Call::DownloadVideo, async {
        let pk = door.service.video_identifier(&args.text("name")).await?;
        let video = door.service.video(pk).await?;
        serve(&door, &video, &method, &headers)
    })
    .await
}

fn serve(
    door: &Door,
    video: &VideoContent,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let etag = format!("\"{}\"", hex::encode(video.sha256));
    let etag = HeaderValue::from_str(&etag)
        .map_err(|_| Error::Internal("a digest is no header value".into()))?;
    let (status, range) = match wanted(headers, video.size, &etag) {
        Wanted::Whole => (StatusCode::OK, 0..video.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::NotModified => {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
        }
        Wanted::Unsatisfiable => {
            let mut response = door.refuse(Call::DownloadVideo, unsatisfiable());
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{}", video.size)) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            return Ok(response);
        }
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
        .map_err(|_| Error::Internal("the video's media type is no header value".into()).into())
}

fn no_video() -> Fault {
    Fault::said(StatusCode::BAD_REQUEST, "No video file provided")
}

fn two_videos() -> Fault {
    Fault::said(StatusCode::BAD_REQUEST, "More than one video file provided")
}

fn unsatisfiable() -> Fault {
    Fault::said(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The range lies beyond the end of the video",
    )
}
