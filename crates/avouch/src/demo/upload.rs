//! The upload of the specimen video, with a bar.

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};

use super::client::ShowingClient;

/// A piece of the video as it is sent; small enough for the bar to move.
const PIECE: usize = 16 << 10;

/// Uploads the video to `path`.
pub async fn upload_video(client: &mut ShowingClient, path: &str) -> anyhow::Result<()> {
    let video = specimens::VIDEO;
    let bar = ProgressBar::new(video.len() as u64).with_style(ProgressStyle::with_template(
        "  video [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec}",
    )?);
    let moving = bar.clone();
    let pieces = video.chunks(PIECE).map(move |piece| {
        moving.inc(piece.len() as u64);
        Ok::<_, std::io::Error>(Bytes::from_static(piece))
    });
    let body = Body::wrap_stream(futures::stream::iter(pieces));
    let part = Part::stream_with_length(body, video.len() as u64)
        .file_name("video.mp4")
        .mime_str("video/mp4")?;
    let form = Form::new().part("video", part);
    let outcome = client
        .call(Method::POST, path, |call| call.multipart(form))
        .await;
    bar.finish_and_clear();
    outcome.map(drop)
}
