//! The subscriber behind the link in the mail: what a browser would send.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, Url};

use super::client::ShowingClient;
use super::outbox;
use crate::init::digits;

/// A subscriber in front of the pages.
pub struct Subscriber {
    request: i64,
    base: String,
    path: String,
    texts: PathBuf,
}

impl Subscriber {
    /// One who follows `link` and reads text messages in the file `texts`.
    pub fn new(request: i64, link: &str, texts: &std::path::Path) -> anyhow::Result<Self> {
        let link = Url::parse(link)?;
        Ok(Self {
            request,
            base: link.origin().ascii_serialization(),
            path: link.path().to_owned(),
            texts: texts.to_owned(),
        })
    }

    /// Reads, asks for the code, and chooses a PIN, which it answers.
    pub async fn enrol(&self, client: &mut ShowingClient) -> anyhow::Result<String> {
        let page = |end: &str| format!("{}{end}", self.path);
        client
            .show(Method::GET, &self.base, &page(""), |call| call)
            .await?;
        let accepted = client
            .show(Method::POST, &self.base, &page("/code"), |call| {
                call.form(&[("accept", "yes")])
            })
            .await?;
        let cookie = accepted
            .headers
            .get(SET_COOKIE)
            .and_then(|cookie| cookie.to_str().ok())
            .and_then(|cookie| cookie.split(';').next())
            .context("the page remembers no device")?
            .to_owned();

        let code = outbox::code(&self.texts, self.request, 1).await?;
        let pin = format!("demo{}", digits(6));
        let form = [("code", code.as_str()), ("secret", &pin), ("again", &pin)];
        client
            .show(Method::POST, &self.base, &page("/enrol"), |call| {
                call.header(COOKIE, &cookie).form(&form)
            })
            .await?;
        let done = client
            .show(Method::GET, &self.base, &page(""), |call| {
                call.header(COOKIE, &cookie)
            })
            .await?;
        ensure!(!done.body.is_empty(), "the last page is empty");
        Ok(pin)
    }
}
