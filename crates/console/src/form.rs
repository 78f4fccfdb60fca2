//! What people typed and chose. All of it is taken for a secret until it is looked at.

use std::collections::HashMap;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use crate::FORM_BYTES;
use crate::page::Closed;

/// A form as it was sent.
#[derive(Default)]
pub(crate) struct Form {
    texts: HashMap<String, SecretString>,
    files: HashMap<String, Chosen>,
}

/// A file that was chosen.
pub(crate) struct Chosen {
    /// As the browser calls it.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) content: Bytes,
}

impl Form {
    /// Reads it in either of the forms' encodings.
    ///
    /// # Errors
    ///
    /// [`Closed::TooLarge`], [`Closed::Unreadable`].
    pub(crate) async fn read(request: Request) -> Result<Self, Closed> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        if media_type.is_some_and(|text| text.starts_with("multipart/form-data")) {
            return Self::multipart(request).await;
        }
        let body = to_bytes(request.into_body(), FORM_BYTES)
            .await
            .map_err(|_| Closed::TooLarge)?;
        let texts = url::form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect();
        Ok(Self {
            texts,
            ..Self::default()
        })
    }

    async fn multipart(request: Request) -> Result<Self, Closed> {
        let mut form = Self::default();
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|_| Closed::Unreadable)?;
        while let Some(part) = parts.next_field().await.map_err(|e| fault(e.status()))? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let content = part.bytes().await.map_err(|e| fault(e.status()))?;
            if let Some(file_name) = file_name {
                // An input in which nothing was chosen is sent all the same.
                if !content.is_empty() {
                    let chosen = Chosen {
                        name: file_name,
                        content,
                    };
                    form.files.insert(name, chosen);
                }
            } else {
                let text = str::from_utf8(&content).map_err(|_| Closed::Unreadable)?;
                form.texts.insert(name, text.into());
            }
        }
        Ok(form)
    }

    /// What was typed; empty where nothing was.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts
            .get(name)
            .map(SecretString::expose_secret)
            .unwrap_or_default()
    }

    /// What was typed, still a secret.
    pub(crate) fn secret(&self, name: &str) -> SecretString {
        self.text(name).into()
    }

    /// A code, without the spaces that people put between digits.
    pub(crate) fn code(&self) -> SecretString {
        let digits = self.text("code").split_whitespace();
        digits.collect::<String>().into()
    }

    /// The file that was chosen.
    pub(crate) fn file(&mut self, name: &str) -> Option<Chosen> {
        self.files.remove(name)
    }
}

fn fault(status: StatusCode) -> Closed {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        Closed::TooLarge
    } else {
        Closed::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read(media_type: &str, body: impl Into<Body>) -> Result<Form, Closed> {
        let request = Request::post("/").header(header::CONTENT_TYPE, media_type);
        Form::read(request.body(body.into()).unwrap()).await
    }

    #[tokio::test]
    async fn both_encodings_give_the_same_texts() {
        let parts = "--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n123 456\r\n--b\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--b\r\n\
            Content-Disposition: form-data; name=\"request\"; filename=\"ñ.csr\"\r\n\r\nabc\r\n--b--";
        let mut form = read("multipart/form-data; boundary=b", parts)
            .await
            .ok()
            .unwrap();
        assert_eq!(form.code().expose_secret(), "123456");
        assert!(form.file("file").is_none());
        let chosen = form.file("request").unwrap();
        assert_eq!(
            (chosen.name.as_str(), &chosen.content[..]),
            ("ñ.csr", &b"abc"[..])
        );

        let plain = read(
            "application/x-www-form-urlencoded",
            "code=123+456&secret=%C3%B1",
        )
        .await
        .ok()
        .unwrap();
        assert_eq!(plain.code().expose_secret(), "123456");
        assert_eq!(plain.text("secret"), "ñ");
        assert_eq!(plain.text("again"), "");
    }

    #[tokio::test]
    async fn what_is_no_form_is_said_to_be_none() {
        let refused = |result: Result<Form, Closed>| result.err().unwrap();
        let cut = read("multipart/form-data; boundary=b", "--b\r\nContent-").await;
        assert_eq!(refused(cut), Closed::Unreadable);
        let unbounded = read("multipart/form-data", "--b--").await;
        assert_eq!(refused(unbounded), Closed::Unreadable);
        let large = read(
            "application/x-www-form-urlencoded",
            vec![b'a'; FORM_BYTES + 1],
        )
        .await;
        assert_eq!(refused(large), Closed::TooLarge);
    }
}
