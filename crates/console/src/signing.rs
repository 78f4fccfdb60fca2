//! The signing page: sign in, which sends a code; then document, PIN and code give the signed PDF.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use service::Error;
use service::enrolment::CloudCredentials;

use crate::form::{Chosen, Form};
use crate::page::{Closed, Notice, SignInPage, SignPage};
use crate::refusal::{Refused, refused};
use crate::sessions::Session;
use crate::visit::Visit;
use crate::{Console, download};

/// Who has signed in.
const SESSION: &str = "signing-session";
/// As long as a session is kept.
const SESSION_SECONDS: u32 = 15 * 60;

pub(crate) async fn open(State(console): State<Console>, visit: Visit) -> Response {
    show(&console, &visit, "", None)
}

pub(crate) async fn back(visit: Visit) -> Response {
    visit.back()
}

pub(crate) async fn leave(State(console): State<Console>, visit: Visit) -> Response {
    if let Some(name) = visit.cookie(SESSION) {
        console.place.sessions.close(name);
    }
    visit.keep(&console.place, visit.back(), SESSION, "", 0)
}

pub(crate) async fn code(
    State(console): State<Console>,
    visit: Visit,
    request: Request,
) -> Response {
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err(closed) => return visit.closed(&console, closed).into_response(),
    };
    let username = form.text("username").trim().to_owned();
    let credentials = || match session(&console, &visit) {
        // Who has signed in before asks for another code.
        Some(session) if username.is_empty() => session.credentials(),
        _ => CloudCredentials {
            username: username.clone(),
            password: form.secret("password"),
        },
    };
    match console.service.send_signing_code(credentials()).await {
        Ok(masked_phone) => {
            let session = Session::new(credentials(), masked_phone);
            if let Some(name) = visit.cookie(SESSION) {
                console.place.sessions.close(name);
            }
            let name = console.place.sessions.open(session);
            visit.keep(
                &console.place,
                visit.back(),
                SESSION,
                &name,
                SESSION_SECONDS,
            )
        }
        Err(error) => refuse(&console, &visit, &username, error),
    }
}

pub(crate) async fn sign(
    State(console): State<Console>,
    visit: Visit,
    request: Request,
) -> Response {
    let Some(session) = session(&console, &visit) else {
        return show(&console, &visit, "", Some(Notice::SignedOut));
    };
    let limit = console.service.limits().document_bytes;
    let mut form = match Form::read(request).await {
        Ok(form) => form,
        Err(Closed::TooLarge) => {
            return refuse(&console, &visit, "", Error::TooLarge { limit });
        }
        Err(closed) => return visit.closed(&console, closed).into_response(),
    };
    let Some(Chosen { name, content }) = form.file("file") else {
        return show(&console, &visit, "", Some(Notice::NoFile));
    };
    let (credentials, pin, code) = (session.credentials(), form.secret("pin"), form.code());
    let signed = console
        .service
        .sign_in_cloud(credentials, pin, code, &name, content)
        .await;
    match signed {
        Ok(pdf) => download::file("application/pdf", &signed_name(&name), pdf),
        // User name and password were right a moment ago.
        Err(Error::WrongCredentials) => show(&console, &visit, "", Some(Notice::WrongPin)),
        Err(error) => refuse(&console, &visit, "", error),
    }
}

/// `contract.pdf` becomes `contract-signed.pdf`.
fn signed_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.eq_ignore_ascii_case("pdf") => stem,
        _ => name,
    };
    let stem = stem
        .trim_start_matches('.')
        .chars()
        .filter(|c| !c.is_control());
    format!("{}-signed.pdf", stem.take(200).collect::<String>())
}

fn session(console: &Console, visit: &Visit) -> Option<Session> {
    console.place.sessions.find(visit.cookie(SESSION)?)
}

fn refuse(console: &Console, visit: &Visit, username: &str, error: Error) -> Response {
    match refused(error, &*console.place.entropy) {
        Refused::Closed(closed) => visit.closed(console, closed).into_response(),
        Refused::Notice(notice) => show(console, visit, username, Some(notice)),
    }
}

/// The page of the step at which the visitor stands; the first one where a name was typed.
fn show(console: &Console, visit: &Visit, username: &str, notice: Option<Notice>) -> Response {
    let frame = visit.frame(&console.place, None, notice);
    match session(console, visit).filter(|_| username.is_empty()) {
        Some(session) => {
            let page = SignPage {
                frame,
                username: session.username,
                masked_phone: session.masked_phone,
                megabytes: console.service.limits().document_bytes >> 20,
            };
            page.into_response()
        }
        None => {
            let page = SignInPage {
                frame,
                username: username.to_owned(),
            };
            page.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_files_are_named_after_what_was_signed() {
        assert_eq!(signed_name("contract.PDF"), "contract-signed.pdf");
        assert_eq!(signed_name("C:\\fakepath\\a.b.pdf"), "a.b-signed.pdf");
        assert_eq!(signed_name("../.hidden\n"), "hidden-signed.pdf");
        assert_eq!(signed_name("offer"), "offer-signed.pdf");
    }
}
