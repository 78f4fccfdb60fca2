//! A One-Shot client that notes how long each call takes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::instance::Description;

/// One customer of the server, with connections of its own.
pub struct Client {
    http: reqwest::Client,
    sandbox: Description,
    timings: RefCell<Timings>,
}

/// How long the calls of each kind took, in milliseconds.
pub type Timings = BTreeMap<&'static str, Vec<f64>>;

/// The numbers of a new request.
pub struct Created {
    /// The request.
    pub request: i64,
    /// Its VideoID.
    pub videoid: i64,
}

/// One core for the client: the other is the server's.
pub fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

impl Client {
    /// A client of this sandbox.
    pub fn new(sandbox: &Description) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            http,
            sandbox: sandbox.clone(),
            timings: RefCell::default(),
        })
    }

    /// What the calls took since this was last asked.
    pub fn take_timings(&self) -> Timings {
        self.timings.take()
    }

    /// Notes how long something took that is no call.
    pub fn note(&self, name: &'static str, took: Duration) {
        let milliseconds = took.as_secs_f64() * 1000.0;
        self.timings
            .borrow_mut()
            .entry(name)
            .or_default()
            .push(milliseconds);
    }

    /// Creates a VideoID.
    pub async fn create(&self) -> anyhow::Result<Created> {
        let body = json!({
            "mobile_phone_number": specimens::PHONE,
            "email": specimens::EMAIL,
            "registration_authority": self.sandbox.registration_authority,
            "profile": self.sandbox.profile,
            "billing_username": self.sandbox.billing.username,
            "billing_password": self.sandbox.billing.password,
        });
        let answer = self
            .json("create", Method::POST, "/videoid", |call| call.json(&body))
            .await?;
        let number = |name: &str| {
            answer["detail"][name]
                .as_i64()
                .with_context(|| format!("no {name} in {answer}"))
        };
        Ok(Created {
            request: number("request_pk")?,
            videoid: number("videoid_pk")?,
        })
    }

    /// From nothing to a signed document. `evidences` is the body of that call; `code` brings the
    /// code that was sent for a request.
    pub async fn whole_workflow(
        &self,
        evidences: &[u8],
        code: impl AsyncFn(i64) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let Created { request, videoid } = self.create().await?;
        let post = Method::POST;

        let path = format!("/videoid/{videoid}/evidences");
        let evidences = evidences.to_vec();
        self.json("evidences", post.clone(), &path, |call| {
            call.header("Content-Type", "application/json")
                .body(evidences)
        })
        .await?;

        let path = format!("/videoid/{videoid}/video");
        let form = form("video", "v.mp4", "video/mp4", specimens::VIDEO)?;
        self.json("video", post.clone(), &path, |call| call.multipart(form))
            .await?;

        let path = format!("/videoid/{videoid}/approve");
        let rao = json!({ "token": self.sandbox.rao.token, "rao": self.sandbox.rao.id });
        self.json("approve", post.clone(), &path, |call| call.json(&rao))
            .await?;

        let path = format!("/document/{request}");
        let form = self::form(
            "file",
            "agreement.pdf",
            "application/pdf",
            specimens::AGREEMENT,
        )?;
        let uploaded = self
            .json("document", post.clone(), &path, |call| call.multipart(form))
            .await?;
        let uid = uploaded["detail"]["uid"]
            .as_str()
            .context("no uid")?
            .to_owned();

        let path = format!("/contract/{request}");
        self.pdf("contract", &path).await?;

        self.json("otp", post.clone(), &format!("/otp/{request}"), |call| call)
            .await?;
        let start = Instant::now();
        let secret = json!({ "secret": code(request).await? });
        self.note("code", start.elapsed());
        self.json("sign", post, &format!("/sign/{request}"), |call| {
            call.json(&secret)
        })
        .await?;

        let signed = self
            .pdf("signed", &format!("/document/{request}/signed/{uid}"))
            .await?;
        ensure!(
            signed.starts_with(specimens::AGREEMENT),
            "the signed copy is another document"
        );
        ensure!(
            signed.len() > specimens::AGREEMENT.len(),
            "nothing was signed"
        );
        let path = format!("/document/{request}");
        self.call("delete", Method::DELETE, &path, |call| call)
            .await?;
        Ok(())
    }

    async fn pdf(&self, name: &'static str, path: &str) -> anyhow::Result<Vec<u8>> {
        let body = self.call(name, Method::GET, path, |call| call).await?;
        ensure!(body.starts_with(b"%PDF-"), "{name} brought no PDF");
        Ok(body)
    }

    async fn json(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Value> {
        let body = self.call(name, method, path, fill).await?;
        serde_json::from_slice(&body).with_context(|| format!("{name} was answered without JSON"))
    }

    /// From the start of sending to the last byte of the answer, which must be a success.
    async fn call(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}{path}", self.sandbox.one_shot.base);
        let call = fill(self.http.request(method, url));
        let start = Instant::now();
        let response = call.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        let took = start.elapsed();
        ensure!(
            status.is_success(),
            "{name}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        self.note(name, took);
        Ok(body.into())
    }
}

fn form(
    field: &'static str,
    file: &'static str,
    media_type: &str,
    bytes: &'static [u8],
) -> anyhow::Result<Form> {
    let part = Part::bytes(bytes).file_name(file).mime_str(media_type)?;
    Ok(Form::new().part(field, part))
}
