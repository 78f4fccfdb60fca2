//! The One-Shot workflow, call by call, with the specimen evidence.

use std::path::{Path, PathBuf};

use anyhow::Context;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::client::{ONE_SHOT, ShowingClient};
use super::upload::upload_video;
use super::{keep, outbox};
use crate::sandbox::Description;

/// Plays the workflow and returns the signed files.
pub async fn play(sandbox: &Description, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let http = Client::builder().no_proxy().build()?;
    let mut client = ShowingClient::new("One-Shot", http, &sandbox.one_shot.base, ONE_SHOT);
    let played = play_with(&mut client, sandbox, out).await;
    let summary = serde_json::to_vec_pretty(&client.steps)?;
    keep(out, "summary.json", &summary)?;
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
    upload_video(client, &format!("/videoid/{videoid}/video")).await?;

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
    let code = outbox::code(&sandbox.sms_outbox, request, 1).await?;
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

fn number(answer: &Value, name: &str) -> anyhow::Result<i64> {
    answer["detail"][name]
        .as_i64()
        .with_context(|| format!("no {name} in the answer"))
}
