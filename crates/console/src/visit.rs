//! One call of a browser: which link, which language, which cookies.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use model::Language;

use crate::page::{Closed, ClosedPage, Frame, Notice};
use crate::{Console, Place, language};

/// What a handler must know of the call.
pub(crate) struct Visit {
    /// The link's token; empty on pages without one. Never written anywhere.
    pub(crate) token: String,
    /// The path of the page that belongs to the call.
    pub(crate) here: String,
    /// The language that the address asks for.
    asked: Option<Language>,
    /// The language that the browser prefers.
    accepted: Language,
    headers: HeaderMap,
}

impl FromRequestParts<Console> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Infallible> {
        let params = RawPathParams::from_request_parts(parts, console).await.ok();
        let token = params.as_ref().and_then(|params| {
            let (_, value) = params.iter().find(|(name, _)| *name == "token")?;
            Some(value)
        });
        // The token goes back into addresses and cookies: what no token can look like does not.
        let plain =
            |token: &str| token.len() <= 64 && token.bytes().all(|b| b.is_ascii_alphanumeric());
        let token = token.map(|token| if plain(token) { token } else { "-" });
        let root = &console.place.root;
        let query = parts.uri.query().unwrap_or_default();
        let asked = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "lang")
            .and_then(|(_, value)| Language::of_code(&value));
        Ok(Self {
            here: match token {
                Some(token) => format!("{root}/lcmpl/enrollment/auth/{token}"),
                None => format!("{root}/sign"),
            },
            token: token.unwrap_or_default().to_owned(),
            asked,
            accepted: language::accepted(&parts.headers).unwrap_or_default(),
            headers: parts.headers.clone(),
        })
    }
}

impl Visit {
    /// The frame of a page, in the language asked for, else in the `usual` one.
    pub(crate) fn frame(
        &self,
        place: &Place,
        usual: Option<Language>,
        notice: Option<Notice>,
    ) -> Frame {
        Frame {
            language: self.asked.or(usual).unwrap_or(self.accepted),
            organisation: place.organisation.clone(),
            root: place.root.clone(),
            here: self.here.clone(),
            notice,
        }
    }

    /// The page on which nothing can be done.
    pub(crate) fn closed(&self, console: &Console, closed: Closed) -> ClosedPage {
        ClosedPage {
            frame: self.frame(&console.place, None, None),
            closed,
        }
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// Sends the browser to this call's page, by GET and in the same language.
    pub(crate) fn back(&self) -> Response {
        let language = self.asked.map(|language| format!("?lang={language}"));
        let address = format!("{}{}", self.here, language.unwrap_or_default());
        let mut response = Redirect::to(&address).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        response
    }

    /// Has the browser keep a cookie for this call's page and those below it: for `seconds`, or
    /// not at all.
    pub(crate) fn keep(
        &self,
        place: &Place,
        mut response: Response,
        name: &str,
        value: &str,
        seconds: u32,
    ) -> Response {
        let secure = if place.secure_cookies { "; Secure" } else { "" };
        // Links in mails come from elsewhere: `Strict` would hide the cookie from them.
        let cookie = format!(
            "{name}={value}; Path={}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            self.here
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
