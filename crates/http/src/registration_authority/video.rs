//! The video, in and out.

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::{RequestPk, Status};
use serde_json::json;
use service::Error;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::evidence::GROUP;
use super::refusal::{Call, Fault};
use super::refusals::{not_permitted, wrong_status};
use super::schemas;
use crate::path_args::PathArgs;
use crate::schema;
use crate::video::{self, FormFault, Served};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/upload/video/{name}/", Call::UploadVideo, upload)
            .aliases(&[
                "/upload/video/{name}",
                "/videoid/{name}/evidences/video",
                "/videoid/{name}/video",
            ])
            .about(
                GROUP,
                "Upload the video",
                "MP4, MOV, 3GP, WebM or Matroska. Replaces an earlier one. Where the authority's \
                 setting says so, whoever knows the video identifier needs no client certificate.",
            )
            .form(schema::object(
                "",
                vec![("video", schema::bytes("The video."), true)],
            ))
            .answers(schemas::status(), json!({ "status": "200 OK" }))
            .refuses(|| {
                vec![
                    (
                        FormFault::NoVideo.into(),
                        "The form has no file, or several and none is called `video`; or nothing \
                         has this name.",
                    ),
                    (
                        FormFault::TwoVideos.into(),
                        "The form has two parts called `video`.",
                    ),
                    wrong_status(
                        Status::VideoReview,
                        "The evidence is complete, or the request is over.",
                    ),
                    not_permitted(),
                ]
            }),
        Endpoint::get("/download/video/{name}/", Call::DownloadVideo, download)
            .aliases(&["/v1/download/video/{name}"])
            .about(
                GROUP,
                "Download the video",
                "As it was uploaded. Ranges, `HEAD` and conditional requests are served.",
            )
            .answers_video()
            .refuses(|| {
                vec![
                    (
                        Error::UnknownVideoId("7".into()).into(),
                        "Nothing has this name, or nothing in sight.",
                    ),
                    (
                        Error::NoVideo(RequestPk(1001)).into(),
                        "It has no video yet.",
                    ),
                    (
                        Fault::Unsatisfiable,
                        "`Range` asks for bytes beyond the end.",
                    ),
                ]
            }),
    ]
}

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadVideo, async {
        let caller = door.caller_if_any().await?;
        let name = args.text("name");
        let open = |declared| door.service.submit_video(caller.as_ref(), &name, declared);
        video::take_in::<Fault, _>(open, &headers, body).await?;
        Ok(ok(&json!({ "status": "200 OK" })))
    })
    .await
}

async fn download(door: Door, args: PathArgs, method: Method, headers: HeaderMap) -> Response {
    door.answer(Call::DownloadVideo, async {
        let caller = door.caller().await?;
        let video = door.service.filmed(&caller, &args.text("name")).await?;
        match video::serve(&video, &method, &headers)? {
            Served::Answer(answer) => Ok(answer),
            Served::Unsatisfiable => {
                let refused = door.refuse(Call::DownloadVideo, Fault::Unsatisfiable);
                Ok(video::with_size(refused, video.size))
            }
        }
    })
    .await
}
