//! Text messages through an HTTP gateway.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::failure::Failure;
use crate::template::{BodyFormat, JSON, TemplateError, fill, percent};
use crate::webhook::drain;

/// What the payload of a text message's row holds, as JSON, sealed under the master key with
/// [`sms_context`].
#[derive(Clone, Serialize, Deserialize)]
pub struct TextMessage {
    /// The telephone number, international with `+`.
    pub to: String,
    /// The text.
    pub text: String,
    /// The one-time code within the text, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextMessage(…)")
    }
}

/// The place that a text message's payload is sealed for.
pub fn sms_context(message_id: &str) -> String {
    format!("sms {message_id}")
}

/// How to reach a text message gateway.
///
/// `{to}`, `{text}` and `{code}` in `url` and `body` are replaced and escaped; the code is empty
/// in a message without one.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsGateway {
    /// The address. The operator's choice, so private addresses are fine.
    pub url: String,
    /// The method.
    #[serde(default = "post")]
    pub method: String,
    /// Headers, such as the gateway's key. `Content-Type` decides how values are escaped in the
    /// body: `application/json`, which is the default, or `application/x-www-form-urlencoded`.
    #[serde(default, deserialize_with = "secrets")]
    pub headers: BTreeMap<String, SecretString>,
    /// The body; empty for gateways that take everything in the URL.
    #[serde(default)]
    pub body: String,
}

fn secrets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, SecretString>, D::Error> {
    let plain = BTreeMap::<String, String>::deserialize(deserializer)?;
    Ok(plain
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect())
}

fn post() -> String {
    Method::POST.to_string()
}

impl fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Address and headers may hold the gateway's key.
        let method = &self.method;
        f.debug_struct("SmsGateway")
            .field("method", method)
            .finish_non_exhaustive()
    }
}

/// A gateway whose templates were tried.
#[derive(Clone)]
pub(crate) struct Gateway {
    url: String,
    method: Method,
    headers: HeaderMap,
    body: String,
    format: BodyFormat,
}

impl Gateway {
    /// Tries the templates, so that a mistake is told at the start and not at the first code.
    pub(crate) fn new(gateway: &SmsGateway) -> Result<Self, TemplateError> {
        for placeholder in ["{to}", "{text}"] {
            if !gateway.url.contains(placeholder) && !gateway.body.contains(placeholder) {
                return Err(TemplateError::Missing(placeholder));
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &gateway.headers {
            let wrong = || TemplateError::NotAHeader(name.clone());
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let format = match headers.get(CONTENT_TYPE) {
            Some(value) => BodyFormat::of(value).ok_or(TemplateError::NotABody)?,
            None => BodyFormat::Json,
        };
        if !gateway.body.is_empty() {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(JSON));
        }
        let ready = Self {
            url: gateway.url.clone(),
            method: gateway
                .method
                .parse()
                .map_err(|_| TemplateError::NotAMethod)?,
            headers,
            body: gateway.body.clone(),
            format,
        };
        let sample = TextMessage {
            to: "+34600000000".to_owned(),
            text: "\"text\"".to_owned(),
            code: Some("123456".to_owned()),
        };
        ready.address(&sample).ok_or(TemplateError::NotAnAddress)?;
        if ready.format == BodyFormat::Json && !ready.body.is_empty() {
            let filled = ready.filled_body(&sample);
            serde_json::from_str::<serde::de::IgnoredAny>(&filled)
                .map_err(|_| TemplateError::NotJson)?;
        }
        Ok(ready)
    }

    /// Sends the message once.
    pub(crate) async fn send(
        &self,
        client: &Client,
        message_id: &str,
        message: &TextMessage,
    ) -> Result<(), Failure> {
        let url = self.address(message).ok_or(Failure::Target)?;
        // The same at every attempt, for gateways that recognise repetitions.
        let mut request = client
            .request(self.method.clone(), url)
            .headers(self.headers.clone())
            .header("idempotency-key", message_id);
        if !self.body.is_empty() {
            request = request.body(self.filled_body(message));
        }
        let response = request.send().await?;
        let status = response.status();
        drain(response).await;
        Failure::of_status(status)
    }

    /// Scheme and host, for the log.
    pub(crate) fn origin(&self) -> String {
        Url::parse(&fill(&self.url, &[], percent)).map_or_else(|_| String::new(), |u| origin(&u))
    }

    fn address(&self, message: &TextMessage) -> Option<Url> {
        let url = Url::parse(&fill(&self.url, &message.values(), percent)).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }

    fn filled_body(&self, message: &TextMessage) -> String {
        fill(&self.body, &message.values(), |value| {
            self.format.escape(value)
        })
    }
}

impl TextMessage {
    fn values(&self) -> [(&str, &str); 3] {
        let code = self.code.as_deref().unwrap_or_default();
        [("{to}", &self.to), ("{text}", &self.text), ("{code}", code)]
    }
}

/// What a log may hold of a URL: scheme, host and port.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(url: &str, body: &str) -> SmsGateway {
        SmsGateway {
            url: url.to_owned(),
            method: post(),
            headers: BTreeMap::from([("x-key".to_owned(), "k3y".into())]),
            body: body.to_owned(),
        }
    }

    fn with_header(name: &str, value: &str, gateway: SmsGateway) -> SmsGateway {
        SmsGateway {
            headers: BTreeMap::from([(name.to_owned(), value.into())]),
            ..gateway
        }
    }

    fn error(gateway: &SmsGateway) -> TemplateError {
        match Gateway::new(gateway) {
            Ok(_) => panic!("accepted"),
            Err(error) => error,
        }
    }

    #[test]
    fn mistakes_are_told_at_the_start() {
        let url = "https://sms.example/send?key=s3cret";
        let good = r#"{"to":"{to}","text":"{text}"}"#;
        assert!(Gateway::new(&gateway(url, good)).is_ok());
        assert!(Gateway::new(&gateway("https://sms.example/{to}?t={text}", "")).is_ok());
        let cases = [
            (
                gateway(url, r#"{"text":"{text}"}"#),
                TemplateError::Missing("{to}"),
            ),
            (
                gateway(url, r#"{"to":"{to}"}"#),
                TemplateError::Missing("{text}"),
            ),
            (
                gateway(url, r#"{"to":"{to}","text":{text}"#),
                TemplateError::NotJson,
            ),
            (
                gateway("ftp://sms.example", good),
                TemplateError::NotAnAddress,
            ),
            (
                with_header("x key", "1", gateway(url, good)),
                TemplateError::NotAHeader("x key".into()),
            ),
            (
                with_header("Content-Type", "text/xml", gateway(url, good)),
                TemplateError::NotABody,
            ),
        ];
        for (gateway, expected) in cases {
            assert_eq!(error(&gateway), expected);
        }
    }

    #[test]
    fn logs_get_the_origin_only() {
        let form = "application/x-www-form-urlencoded";
        let ready = gateway(
            "https://sms.example:8443/send?key=s3cret&to={to}",
            "t={text}",
        );
        let ready = Gateway::new(&with_header("content-type", form, ready)).unwrap();
        assert_eq!(ready.origin(), "https://sms.example:8443");
        let shown = format!("{:?}", gateway("https://sms.example/?key=s3cret", "{}"));
        assert!(
            !shown.contains("s3cret") && !shown.contains("k3y"),
            "{shown}"
        );
    }
}
