//! Every state of every page, without a server behind it.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use console::page::{
    About, Closed, ClosedPage, ConfirmPage, Contract, DonePage, Frame, Notice, ReadPage,
    SignInPage, SignPage, Unsignable,
};
use model::{Language, SecureElement};
use time::macros::datetime;

/// A state: its name, and the page in a language.
pub type State = (&'static str, fn(Language) -> Response);

/// All states.
pub const STATES: &[State] = &[
    ("read", |language| read(language, None)),
    ("read-accept", |language| {
        read(language, Some(Notice::AcceptFirst))
    }),
    ("read-expired-code", |language| {
        read(language, Some(Notice::CodeExpired))
    }),
    ("read-exhausted", |language| {
        read(language, Some(Notice::CodeExhausted))
    }),
    ("read-consumed", |language| {
        read(language, Some(Notice::CodeConsumed))
    }),
    ("read-void", |language| {
        read(language, Some(Notice::CodeVoid))
    }),
    ("read-missing", |language| {
        read(language, Some(Notice::CodeMissing))
    }),
    ("read-not-delivered", |language| {
        read(language, Some(Notice::NotDelivered))
    }),
    ("confirm-pin", |language| {
        confirm(language, SecureElement::Cloud, None)
    }),
    ("confirm-password", |language| {
        confirm(language, SecureElement::Software, None)
    }),
    ("confirm-card", |language| {
        confirm(language, SecureElement::SmartCard, None)
    }),
    ("confirm-wrong-code", |language| {
        confirm(language, SecureElement::Cloud, Some(Notice::CodeWrong))
    }),
    ("confirm-too-soon", |language| {
        confirm(
            language,
            SecureElement::Cloud,
            Some(Notice::CodeTooSoon(60)),
        )
    }),
    ("confirm-weak", |language| {
        confirm(language, SecureElement::Cloud, Some(Notice::WeakSecret))
    }),
    ("confirm-differ", |language| {
        confirm(
            language,
            SecureElement::Software,
            Some(Notice::SecretsDiffer),
        )
    }),
    ("confirm-no-request", |language| {
        confirm(
            language,
            SecureElement::SmartCard,
            Some(Notice::NoKeyRequest),
        )
    }),
    ("confirm-bad-request", |language| {
        let notice = Notice::UnusableKeyRequest("its signature does not verify".to_owned());
        confirm(language, SecureElement::SmartCard, Some(notice))
    }),
    ("confirm-full", |language| {
        confirm(language, SecureElement::Cloud, Some(Notice::StorageFull))
    }),
    ("done-cloud", |language| {
        done(language, SecureElement::Cloud, None)
    }),
    ("done-file", |language| {
        done(language, SecureElement::Software, None)
    }),
    ("done-file-taken", |language| {
        done(language, SecureElement::Software, Some(Notice::FileTaken))
    }),
    ("done-card", |language| {
        done(language, SecureElement::SmartCard, None)
    }),
    ("unknown", |language| closed(language, Closed::Unknown)),
    ("used", |language| closed(language, Closed::Used)),
    ("expired", |language| closed(language, Closed::Expired)),
    ("cancelled", |language| closed(language, Closed::Cancelled)),
    ("other-device", |language| {
        closed(language, Closed::OtherDevice)
    }),
    ("guessed", |language| closed(language, Closed::Guessed)),
    ("foreign", |language| closed(language, Closed::ForeignForm)),
    ("unreadable", |language| {
        closed(language, Closed::Unreadable)
    }),
    ("too-large", |language| closed(language, Closed::TooLarge)),
    ("internal", |language| {
        closed(language, Closed::Internal("6f1e9a30c4b27d58".to_owned()))
    }),
    ("sign-in", |language| sign_in(language, None)),
    ("sign-in-wrong", |language| {
        sign_in(language, Some(Notice::WrongCredentials))
    }),
    ("sign-in-blocked", |language| {
        sign_in(language, Some(Notice::Blocked))
    }),
    ("sign-in-again", |language| {
        sign_in(language, Some(Notice::SignedOut))
    }),
    ("sign", |language| sign(language, None)),
    ("sign-wrong-pin", |language| {
        sign(language, Some(Notice::WrongPin))
    }),
    ("sign-no-file", |language| {
        sign(language, Some(Notice::NoFile))
    }),
    ("sign-large", |language| {
        sign(language, Some(Notice::FileTooLarge(64)))
    }),
    ("sign-unsignable", |language| {
        let notice = Notice::NotSignable(Unsignable::Protected);
        sign(language, Some(notice))
    }),
];

/// Serves them at `/{language}/{state}`.
pub fn router() -> Router {
    Router::new()
        .route("/{language}/{state}", get(page))
        .merge(console::assets())
}

async fn page(Path((language, name)): Path<(String, String)>) -> Response {
    let language = Language::of_code(&language).expect("one of ours");
    STATES
        .iter()
        .find(|(state, _)| *state == name)
        .map_or(StatusCode::NOT_FOUND.into_response(), |(_, page)| {
            page(language)
        })
}

const LINK: &str = "/lcmpl/enrollment/auth/0123456789abcdef0123456789abcdef";
const ORGANISATION: &str = "Puerto Digital Trust Services";

fn frame(language: Language, notice: Option<Notice>) -> Frame {
    Frame {
        language,
        organisation: ORGANISATION.to_owned(),
        root: String::new(),
        here: LINK.to_owned(),
        notice,
    }
}

fn about(element: SecureElement) -> About {
    let member = element == SecureElement::Software;
    About {
        name: "Lucía Fernández O'Brien".to_owned(),
        organisation: member.then(|| "Astilleros <del> Norte & Hijos, S.A.".to_owned()),
        profile: if member {
            "PFSoftAFEmpresa"
        } else {
            "PFnubeNC"
        }
        .to_owned(),
        element,
        validity_days: 730,
        officer: "Marta Giménez Soler".to_owned(),
        authority: "Registro Central de Valencia".to_owned(),
        provider: ORGANISATION.to_owned(),
        approved_at: Some(datetime!(2026-11-21 16:42 UTC)),
        expires_at: datetime!(2026-12-06 16:42 UTC),
        masked_phone: "••• ••• 417".to_owned(),
    }
}

fn contract() -> Contract {
    Contract {
        html: CONTRACT.to_owned(),
        language: Language::English,
    }
}

fn read(language: Language, notice: Option<Notice>) -> Response {
    let page = ReadPage {
        frame: frame(language, notice),
        link: LINK.to_owned(),
        about: about(SecureElement::Cloud),
        contract: contract(),
    };
    page.into_response()
}

fn confirm(language: Language, element: SecureElement, notice: Option<Notice>) -> Response {
    let page = ConfirmPage {
        frame: frame(language, notice),
        link: LINK.to_owned(),
        about: about(element),
        contract: contract(),
    };
    page.into_response()
}

fn done(language: Language, element: SecureElement, notice: Option<Notice>) -> Response {
    let page = DonePage {
        file_waits: notice.is_none(),
        frame: frame(language, notice),
        link: LINK.to_owned(),
        about: about(element),
        username: "2412345".to_owned(),
        certificate: CERTIFICATE.to_owned(),
    };
    page.into_response()
}

fn closed(language: Language, closed: Closed) -> Response {
    let page = ClosedPage {
        frame: frame(language, None),
        closed,
    };
    page.into_response()
}

fn sign_in(language: Language, notice: Option<Notice>) -> Response {
    let page = SignInPage {
        username: if notice.is_some() { "2412345" } else { "" }.to_owned(),
        frame: frame(language, notice),
    };
    page.into_response()
}

fn sign(language: Language, notice: Option<Notice>) -> Response {
    let page = SignPage {
        frame: frame(language, notice),
        username: "2412345".to_owned(),
        masked_phone: "••• ••• 417".to_owned(),
        megabytes: 64,
    };
    page.into_response()
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBszCCAVmgAwIBAgIUbW9yZSBvciBsZXNzIGEgc2VyaWFsMAoGCCqGSM49BAMC\n\
    -----END CERTIFICATE-----\n";

const CONTRACT: &str = "<h2>Contract for certification services</h2>\
    <p>between <strong>Puerto Digital Trust Services</strong> (the provider) and \
    <strong>Lucía Fernández O'Brien</strong> (the subscriber).</p>\
    <h3>1. Subject</h3>\
    <p>The provider issues to the subscriber a certificate for electronic signatures under its \
    certification practice statement, and keeps the key for its whole life, wrapped under a PIN \
    that only the subscriber knows.</p>\
    <h3>2. Duties of the subscriber</h3>\
    <ol><li>To state only what is true.</li><li>To keep the PIN, and to tell it to nobody.</li>\
    <li>To ask for revocation at once when somebody else may know it.</li></ol>\
    <h3>3. Liability</h3>\
    <p>The provider is liable for damage that it causes intentionally or negligently by not \
    meeting its obligations.</p>\
    <h3>4. Validity and revocation</h3>\
    <p>The certificate is valid for 730 days from its issue. It is revoked on request of the \
    subscriber, with the revocation code, at any time of day.</p>\
    <h3>5. Data protection</h3>\
    <p>Evidence of the identification is kept for as long as the law demands, sealed under a key \
    of its own.</p>";
