//! The pages as plain values: what each shows, in every state. They know no use case, so that
//! every state can be looked at without a server behind it.

mod closed;
mod enrolment;
mod notice;
mod signing;
mod wording;

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use model::Language;

use crate::assets;

pub use closed::{Closed, ClosedPage};
pub use enrolment::{About, ConfirmPage, Contract, DonePage, ReadPage};
pub use notice::{Notice, Unsignable};
pub use signing::{SignInPage, SignPage};

use wording::{FrameWords, Wording};

/// What pages may do: use our own style and script, and send forms to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";

/// A page's address is the key to it, so that it goes to nobody, and nobody keeps the page.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// What is around every page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// The organisation whose pages these are.
    pub organisation: String,
    /// The path under which the server is reached, without a trailing slash; often empty.
    pub root: String,
    /// The path of this page, where it is read in another language.
    pub here: String,
    /// What went wrong, where the page is shown again because of it.
    pub notice: Option<Notice>,
}

/// A language that the page can be read in.
struct Choice {
    code: &'static str,
    name: &'static str,
    address: String,
    current: bool,
}

/// A step of several.
struct Step {
    label: &'static str,
    done: bool,
    current: bool,
}

impl Frame {
    fn words(&self) -> &'static Wording {
        wording::of(self.language)
    }

    fn around(&self) -> &'static FrameWords {
        &self.words().frame
    }

    /// An address of ours that is answered in the language of this page.
    fn address(&self, path: &str, end: &str) -> String {
        format!("{path}{end}?lang={}", self.language)
    }

    fn choices(&self) -> Vec<Choice> {
        Language::ALL
            .into_iter()
            .map(|language| Choice {
                code: language.code(),
                name: wording::own_name(language),
                address: format!("{}?lang={language}", self.here),
                current: language == self.language,
            })
            .collect()
    }

    fn style(&self) -> String {
        format!("{}{}", self.root, assets::STYLE.address())
    }

    fn script(&self) -> String {
        format!("{}{}", self.root, assets::SCRIPT.address())
    }

    /// What the notice says, for the top of the page.
    fn said(&self) -> Option<String> {
        self.notice
            .as_ref()
            .map(|notice| notice.said(&self.words().notice))
    }

    /// What another said about it, in English.
    fn detail(&self) -> Option<&str> {
        self.notice.as_ref().and_then(Notice::detail)
    }

    /// The input that the notice is about.
    fn culprit(&self) -> Option<&'static str> {
        self.notice.as_ref().and_then(Notice::input)
    }

    /// Whether the notice is about this input.
    fn wrong(&self, input: &str) -> bool {
        self.culprit() == Some(input)
    }

    fn status(&self) -> StatusCode {
        self.notice.as_ref().map_or(StatusCode::OK, Notice::status)
    }
}

/// The steps, of which the one at `current` is the reader's.
fn steps<const N: usize>(labels: [&'static str; N], current: usize) -> Vec<Step> {
    labels
        .into_iter()
        .enumerate()
        .map(|(index, label)| Step {
            label,
            done: index < current,
            current: index == current,
        })
        .collect()
}

/// The page as an answer.
fn answer(status: StatusCode, page: &impl Template) -> Response {
    let mut response = match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        // Writing into a string fails only where a value's `Display` does, and none of ours does.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
