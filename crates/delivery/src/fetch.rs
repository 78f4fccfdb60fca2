//! Asking others over HTTP, for what is needed at once: time-stamps, and whether certificates are
//! still good.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;
use crate::guard::{self, AllowList, GuardedResolver};

/// Why nothing was fetched, in words that hold no secret.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FetchError(#[from] Failure);

/// What is sent along with a question.
pub struct Question<'a> {
    /// Its media type.
    pub content_type: &'a str,
    /// The media type of the answer.
    pub accept: &'a str,
    /// Further headers, such as credentials.
    pub headers: &'a [(String, SecretString)],
    /// The question.
    pub body: Vec<u8>,
}

/// Fetches from public addresses, and from others that are allowed.
pub struct Fetcher {
    client: Client,
    allow: Arc<AllowList>,
}

impl Fetcher {
    /// With a limit of time for each call.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be made.
    pub fn new(allow: AllowList, timeout: Duration) -> Result<Self, FetchError> {
        let allow = Arc::new(allow);
        // Redirects would lead around the guard, and so would a proxy from the environment.
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(timeout)
            .user_agent(concat!("Avouch/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(GuardedResolver(Arc::clone(&allow)))
            .build()
            .map_err(|_| Failure::Client)?;
        Ok(Self { client, allow })
    }

    /// POSTs a question and returns an answer of `limit` bytes at most.
    ///
    /// # Errors
    ///
    /// When the address may not be called, or there is no such answer in time.
    pub async fn post(
        &self,
        address: &str,
        question: Question<'_>,
        limit: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let url = guard::target(address, &self.allow)?;
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, question.content_type)
            .header(ACCEPT, question.accept)
            .body(question.body);
        for (name, value) in question.headers {
            request = request.header(name, value.expose_secret());
        }
        Ok(answer(request, limit).await?)
    }

    /// GETs what is at an address, `limit` bytes at most.
    ///
    /// # Errors
    ///
    /// As [`Fetcher::post`].
    pub async fn get(&self, address: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
        let url = guard::target(address, &self.allow)?;
        Ok(answer(self.client.get(url), limit).await?)
    }
}

async fn answer(request: RequestBuilder, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut response = request.send().await?;
    if !response.status().is_success() {
        return Err(Failure::Answered(response.status()));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > limit {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
