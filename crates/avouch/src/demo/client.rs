//! A One-Shot client that shows each call as it makes it.

use std::time::Instant;

use anyhow::{Context, bail};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// One step, as `summary.json` lists it.
#[derive(Serialize)]
pub struct Step {
    call: String,
    http_status: u16,
    status_before: Option<String>,
    status_after: Option<String>,
    ms: f64,
}

/// Makes calls against one base URL and keeps account of them.
pub struct ShowingClient {
    http: Client,
    base: String,
    /// The request whose status is shown, once there is one.
    pub request_pk: Option<i64>,
    /// What was done so far.
    pub steps: Vec<Step>,
}

impl ShowingClient {
    /// A client for the One-Shot doors under `base`.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        println!(
            "{:<36} {:>4}  {:<15}   {:<15} {:>10}",
            "Call", "HTTP", "Status before", "Status after", "Time"
        );
        println!("{}", "─".repeat(87));
        Ok(Self {
            http,
            base: base.to_owned(),
            request_pk: None,
            steps: Vec::new(),
        })
    }

    /// Calls and expects success with a JSON answer.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Value> {
        let body = self.fetch(method, path, fill).await?;
        serde_json::from_slice(&body).with_context(|| format!("{path}: the answer is no JSON"))
    }

    /// Calls and expects success with any answer.
    pub async fn fetch(
        &mut self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Vec<u8>> {
        let call = format!("{method} {path}");
        let before = self.status().await?;
        let request = fill(self.http.request(method, format!("{}{path}", self.base)));
        let start = Instant::now();
        let response = request.send().await.with_context(|| call.clone())?;
        let (status, body) = read(response).await?;
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        // The first call makes the request whose status is asked for.
        if self.request_pk.is_none() {
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            self.request_pk = answer["detail"]["request_pk"].as_i64();
        }
        let after = self.status().await?;
        let shown = |status: &Option<String>| status.clone().unwrap_or_else(|| "–".to_owned());
        println!(
            "{:<36} {:>4}  {:<15} → {:<15} {ms:>7.1} ms",
            shortened(&call),
            status.as_u16(),
            shown(&before),
            shown(&after),
        );
        self.steps.push(Step {
            call: call.clone(),
            http_status: status.as_u16(),
            status_before: before,
            status_after: after,
            ms: (ms * 10.0).round() / 10.0,
        });
        if !status.is_success() {
            bail!(
                "{call} answered {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }

    async fn status(&self) -> anyhow::Result<Option<String>> {
        let Some(pk) = self.request_pk else {
            return Ok(None);
        };
        let response = self
            .http
            .get(format!("{}/request/{pk}", self.base))
            .send()
            .await?;
        let (_, body) = read(response).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        Ok(answer["detail"]["status"].as_str().map(str::to_owned))
    }
}

/// The call without the end of a document's identifier, so that the columns stand.
fn shortened(call: &str) -> String {
    const WIDTH: usize = 36;
    if call.chars().count() <= WIDTH {
        return call.to_owned();
    }
    let start: String = call.chars().take(WIDTH - 1).collect();
    format!("{start}…")
}

async fn read(response: Response) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let status = response.status();
    Ok((status, response.bytes().await?.to_vec()))
}
