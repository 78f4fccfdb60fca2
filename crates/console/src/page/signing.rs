//! The signing page: who signs, then what, with PIN and code.

use askama::Template;
use axum::response::{IntoResponse, Response};

use super::wording::SignWords;
use super::{Frame, Step, answer, steps};

/// The first step: user name and password.
#[derive(Debug, Clone, Template)]
#[template(path = "signing/sign_in.html")]
pub struct SignInPage {
    /// Around it.
    pub frame: Frame,
    /// What was typed before.
    pub username: String,
}

/// The second step: the document, PIN and code.
#[derive(Debug, Clone, Template)]
#[template(path = "signing/sign.html")]
pub struct SignPage {
    /// Around it.
    pub frame: Frame,
    /// Who signs.
    pub username: String,
    /// Where the code went, all but its end hidden.
    pub masked_phone: String,
    /// What a document may have.
    pub megabytes: u64,
}

impl SignInPage {
    fn words(&self) -> &'static SignWords {
        &self.frame.words().sign
    }

    fn steps(&self) -> Vec<Step> {
        steps([self.words().step_who, self.words().step_sign], 0)
    }
}

impl SignPage {
    fn words(&self) -> &'static SignWords {
        &self.frame.words().sign
    }

    fn steps(&self) -> Vec<Step> {
        steps([self.words().step_who, self.words().step_sign], 1)
    }

    fn signing_as(&self) -> String {
        (self.words().signing_as)(&self.username)
    }

    fn code_sent(&self) -> String {
        (self.frame.words().confirm.code_sent)(&self.masked_phone)
    }

    fn file_hint(&self) -> String {
        (self.words().file_hint)(self.megabytes)
    }
}

impl IntoResponse for SignInPage {
    fn into_response(self) -> Response {
        answer(self.frame.status(), &self)
    }
}

impl IntoResponse for SignPage {
    fn into_response(self) -> Response {
        answer(self.frame.status(), &self)
    }
}
