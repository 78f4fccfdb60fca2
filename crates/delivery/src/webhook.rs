//! Webhooks: one HTTP POST, optionally signed as Standard Webhooks 1.0 says.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, MasterKey};
use model::Entropy;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use store::OutboxMessage;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::guard::{self, AllowList};

const PREFIX: &str = "whsec_";
const CONTEXT: &str = "webhook-secret";

/// The secret that a receiver checks signatures with: `whsec_` and base64 of 24 to 64 bytes
/// (Standard Webhooks 1.0).
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// The text is no webhook secret: the operator's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is whsec_ and base64 of 24 to 64 bytes")]
pub struct InvalidSecret;

impl WebhookSecret {
    /// Draws a secret of 32 bytes.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads a secret in its written form.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidSecret)?);
        match bytes.len() {
            24..=64 => Ok(Self(bytes)),
            _ => Err(InvalidSecret),
        }
    }

    /// The written form, for the receiver and nobody else.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// Seals the secret for a registration authority's row and the outbox.
    pub fn seal(&self, master: &MasterKey, entropy: &dyn Entropy) -> Vec<u8> {
        master.seal(CONTEXT, &self.0, entropy)
    }

    /// Opens what [`WebhookSecret::seal`] made.
    pub fn open(master: &MasterKey, sealed: &[u8]) -> Result<Self, CryptoError> {
        master.open(CONTEXT, sealed).map(Self)
    }

    /// The value of `webhook-signature`: HMAC-SHA-256 over `id.timestamp.body`.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        format!(
            "v1,{}",
            STANDARD.encode(crypto::hmac_sha256(&self.0, &signed))
        )
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Sends the message once.
pub(crate) async fn send(
    client: &Client,
    allow: &AllowList,
    master: &MasterKey,
    message: &OutboxMessage,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let url = guard::target(&message.target, allow)?;
    let timestamp = now.unix_timestamp();
    let mut request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp);
    if let Some(sealed) = &message.secret {
        let secret = WebhookSecret::open(master, sealed).map_err(|_| Failure::Unreadable)?;
        let signature = secret.sign(&message.id, timestamp, &message.payload);
        request = request.header("webhook-signature", signature);
    }
    let response = request.body(message.payload.clone()).send().await?;
    let status = response.status();
    drain(response).await;
    Failure::of_status(status)
}

/// Reads a short answer to its end, so that the far end can finish and the connection be used
/// again; a long one is cut off. The status has been decided by then.
pub(crate) async fn drain(mut response: reqwest::Response) {
    let mut left: usize = 16 * 1024;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_example() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn written_form() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(*WebhookSecret::parse(text).unwrap().expose(), text);
        for wrong in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_*",
        ] {
            assert_eq!(WebhookSecret::parse(wrong), Err(InvalidSecret), "{wrong}");
        }
        assert!(!format!("{:?}", WebhookSecret::parse(text)).contains("MfKQ"));
    }
}
