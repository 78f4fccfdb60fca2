//! The video, in and out.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use model::RequestPk;
use service::{Error, VideoContent};

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::evidences;
use super::refusal::{Call, Fault};
use super::schema;
use crate::path_args::PathArgs;
use crate::video::{self, FormFault, Served};

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
    let open = |declared| door.service.open_video_intake(pk, declared);
    let intake = video::take_in::<Fault, _>(open, headers, body).await?;
    Ok(evidences::success(UPLOADED, intake))
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
    match video::serve(video, method, headers)? {
        Served::Answer(response) => Ok(response),
        Served::Unsatisfiable => {
            let refused = door.refuse(Call::DownloadVideo, unsatisfiable());
            Ok(video::with_size(refused, video.size))
        }
    }
}

impl From<FormFault> for Fault {
    fn from(fault: FormFault) -> Self {
        match fault {
            FormFault::NoVideo => no_video(),
            FormFault::TwoVideos => two_videos(),
        }
    }
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
