//! The One-Shot workflow, call by call, with the specimen evidence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::client::ShowingClient;
use crate::sandbox::Description;

/// A piece of the video as it is sent; small enough for the bar to move.
const PIECE: usize = 16 << 10;

/// Plays the workflow and returns the signed files.
pub async fn play(sandbox: &Description, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut client = ShowingClient::new(&sandbox.one_shot.base)?;
    let played = play_with(&mut client, sandbox, out).await;
    let summary = serde_json::to_vec_pretty(&client.steps)?;
    std::fs::write(out.join("summary.json"), summary).context("cannot write summary.json")?;
    played
}

async fn play_with(
    client: &mut ShowingClient,
    sandbox: &Description,
    out: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let create = json!({
        "mobile_phone_number": specimens::PHONE,
        "email": specimens::EMAIL,
        "registration_authority": sandbox.registration_authority,
        "profile": sandbox.profile,
        "billing_username": sandbox.billing.username,
        "billing_password": sandbox.billing.password,
    });
    let created = client
        .call(Method::POST, "/videoid", |call| call.json(&create))
        .await?;
    let (request, videoid) = (
        number(&created, "request_pk")?,
        number(&created, "videoid_pk")?,
    );

    let evidence = specimens::evidences();
    let path = format!("/videoid/{videoid}/evidences");
    client
        .call(Method::POST, &path, |call| call.json(&evidence))
        .await?;
    upload_video(client, videoid).await?;

    let rao = json!({ "token": sandbox.rao.token, "rao": sandbox.rao.id });
    let path = format!("/videoid/{videoid}/approve");
    client
        .call(Method::POST, &path, |call| call.json(&rao))
        .await?;

    let part = |name: &str, pdf: &'static [u8]| {
        Part::bytes(pdf)
            .file_name(name.to_owned())
            .mime_str("application/pdf")
    };
    let documents = Form::new()
        .part("file", part("agreement.pdf", specimens::AGREEMENT)?)
        .part("file2", part("terms.pdf", specimens::TERMS)?);
    let path = format!("/document/{request}");
    let uploaded = client
        .call(Method::POST, &path, |call| call.multipart(documents))
        .await?;
    client
        .fetch(Method::GET, &format!("/contract/{request}"), |call| call)
        .await?;

    client
        .call(Method::POST, &format!("/otp/{request}"), |call| call)
        .await?;
    let code = received_code(&sandbox.sms_outbox, request).await?;
    let secret = json!({ "secret": code });
    client
        .call(Method::POST, &format!("/sign/{request}"), |call| {
            call.json(&secret)
        })
        .await?;

    let mut files = Vec::new();
    for document in uploaded["detail"]
        .as_array()
        .context("no list of documents")?
    {
        let uid = document["uid"].as_str().context("a document without uid")?;
        let path = format!("/document/{request}/signed/{uid}");
        let signed = client.fetch(Method::GET, &path, |call| call).await?;
        let name = document["filename"].as_str().unwrap_or("document.pdf");
        files.push(keep(out, name, &signed)?);
    }
    let path = format!("/contract/{request}");
    let contract = client.fetch(Method::GET, &path, |call| call).await?;
    files.push(keep(out, "contract.pdf", &contract)?);
    client
        .call(Method::DELETE, &format!("/document/{request}"), |call| call)
        .await?;
    Ok(files)
}

async fn upload_video(client: &mut ShowingClient, videoid: i64) -> anyhow::Result<()> {
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
    let path = format!("/videoid/{videoid}/video");
    let outcome = client
        .call(Method::POST, &path, |call| call.multipart(form))
        .await;
    bar.finish_and_clear();
    outcome.map(drop)
}

/// Waits for the text message that carries the code.
async fn received_code(outbox: &Path, request: i64) -> anyhow::Result<String> {
    const TRIES: u32 = 200;
    for _ in 0..TRIES {
        let lines = tokio::fs::read_to_string(outbox).await.unwrap_or_default();
        let code = lines
            .lines()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|message| message["request_pk"] == request)
            .and_then(|message| message["code"].as_str().map(str::to_owned));
        if let Some(code) = code {
            return Ok(code);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("no code arrived in {}", outbox.display())
}

fn number(answer: &Value, name: &str) -> anyhow::Result<i64> {
    answer["detail"][name]
        .as_i64()
        .with_context(|| format!("no {name} in the answer"))
}

fn keep(out: &Path, name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
    let path = out.join(name);
    std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
