//! A client that shows each call as it makes it.

use std::time::Instant;

use anyhow::{Context, bail};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// As wide as the longest call that is shown.
const WIDTH: usize = 49;

/// One step, as `summary.json` lists it.
#[derive(Serialize)]
pub struct Step {
    call: String,
    http_status: u16,
    status_before: Option<String>,
    status_after: Option<String>,
    ms: f64,
}

/// How an API tells where a request stands.
pub struct Dialect {
    /// Path of a request, before its number.
    path: &'static str,
    /// Where its status stands in the answer.
    status: &'static str,
    /// The number of the request that an answer is about, if it is the one that made it.
    made: fn(&Value) -> Option<i64>,
}

/// The One-Shot API.
pub const ONE_SHOT: Dialect = Dialect {
    path: "/request/",
    status: "/detail/status",
    made: |answer| answer["detail"]["request_pk"].as_i64(),
};

/// The Registration Authority API. Scratchcards have numbers too, but no status.
pub const REGISTRATION: Dialect = Dialect {
    path: "/api/v1/requests/",
    status: "/status",
    made: |answer| {
        answer["pk"]
            .as_i64()
            .filter(|_| answer["status"].is_string())
    },
};

/// Makes calls against one base URL and keeps account of them.
pub struct ShowingClient {
    http: Client,
    base: String,
    dialect: Dialect,
    /// The request whose status is shown, once there is one.
    request_pk: Option<i64>,
    /// What was done so far.
    pub steps: Vec<Step>,
}

impl ShowingClient {
    /// A client for the doors under `base`.
    pub fn new(title: &str, http: Client, base: &str, dialect: Dialect) -> Self {
        println!();
        println!("{title}");
        println!();
        println!(
            "{:<WIDTH$} {:>4}  {:<15}   {:<15} {:>10}",
            "Call", "HTTP", "Status before", "Status after", "Time"
        );
        println!("{}", "─".repeat(WIDTH + 51));
        Self {
            http,
            base: base.to_owned(),
            dialect,
            request_pk: None,
            steps: Vec::new(),
        }
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
        let base = self.base.clone();
        Ok(self.show(method, &base, path, fill).await?.body)
    }

    /// Calls what lies under another base URL, and expects success or a redirect.
    pub async fn show(
        &mut self,
        method: Method,
        base: &str,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let call = format!("{method} {path}");
        let before = self.status().await?;
        let request = fill(self.http.request(method, format!("{base}{path}")));
        let start = Instant::now();
        let response = request.send().await.with_context(|| call.clone())?;
        let answer = Answer::read(response).await?;
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        // One of the first calls makes the request whose status is asked for.
        if self.request_pk.is_none() {
            let content: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            self.request_pk = (self.dialect.made)(&content);
        }
        let after = self.status().await?;
        let shown = |status: &Option<String>| status.clone().unwrap_or_else(|| "–".to_owned());
        println!(
            "{:<WIDTH$} {:>4}  {:<15} → {:<15} {ms:>7.1} ms",
            shortened(&call),
            answer.status.as_u16(),
            shown(&before),
            shown(&after),
        );
        self.steps.push(Step {
            call: call.clone(),
            http_status: answer.status.as_u16(),
            status_before: before,
            status_after: after,
            ms: (ms * 10.0).round() / 10.0,
        });
        if !answer.status.is_success() && !answer.status.is_redirection() {
            bail!(
                "{call} answered {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(answer)
    }

    async fn status(&self) -> anyhow::Result<Option<String>> {
        let Some(pk) = self.request_pk else {
            return Ok(None);
        };
        let url = format!("{}{}{pk}", self.base, self.dialect.path);
        let response = self.http.get(url).send().await?;
        let answer = Answer::read(response).await?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let status = answer.pointer(self.dialect.status);
        Ok(status.and_then(Value::as_str).map(str::to_owned))
    }
}

/// What came back.
pub struct Answer {
    /// The status code.
    status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> anyhow::Result<Self> {
        Ok(Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }
}

/// The call without the ends of identifiers, so that the columns stand.
fn shortened(call: &str) -> String {
    let is_identifier =
        |part: &str| part.len() > 20 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let parts = call.split('/').map(|part| match part.get(..8) {
        Some(start) if is_identifier(part) => format!("{start}…"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_cut_and_the_rest_of_a_call_stays() {
        let call = "POST /lcmpl/enrollment/auth/0123456789abcdef0123456789abcdef/enrol";
        let short = "POST /lcmpl/enrollment/auth/01234567…/enrol";
        assert_eq!(shortened(call), short);
        let call = "POST /api/v1/requests/1003/generates_tbs_receipt/";
        assert_eq!(shortened(call), call);
        assert_eq!(call.len(), WIDTH);
    }
}
