//! The link's pages.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use model::SecureElement;
use service::Error;
use service::enrolment::{Enrolment, KeyChoice, LinkRefusal};

use crate::form::Form;
use crate::page::{About, ConfirmPage, Contract, DonePage, Notice, ReadPage};
use crate::refusal::{Refused, closed, refused};
use crate::visit::Visit;
use crate::{Console, download};

/// Which device has asked for the code.
const DEVICE: &str = "enrolment-device";
/// How long a device is known: the file may be taken, and the signed contract read, so long.
const DEVICE_SECONDS: u32 = 24 * 60 * 60;

pub(crate) async fn open(State(console): State<Console>, visit: Visit) -> Response {
    show(&console, &visit, None).await
}

pub(crate) async fn back(visit: Visit) -> Response {
    visit.back()
}

pub(crate) async fn contract(State(console): State<Console>, visit: Visit) -> Response {
    let device = visit.cookie(DEVICE);
    match console
        .service
        .enrolment_contract(&visit.token, device)
        .await
    {
        Ok(pdf) => download::file("application/pdf", "contract.pdf", pdf),
        Err(error) => refuse(&console, &visit, error).await,
    }
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
    if form.text("accept") != "yes" {
        return show(&console, &visit, Some(Notice::AcceptFirst)).await;
    }
    let device = visit.cookie(DEVICE);
    match console
        .service
        .send_enrolment_code(&visit.token, device)
        .await
    {
        Ok(device) => visit.keep(
            &console.place,
            visit.back(),
            DEVICE,
            &device,
            DEVICE_SECONDS,
        ),
        Err(Error::LinkRefused(LinkRefusal::Used)) => visit.back(),
        Err(error) => refuse(&console, &visit, error).await,
    }
}

pub(crate) async fn enrol(
    State(console): State<Console>,
    visit: Visit,
    request: Request,
) -> Response {
    let mut form = match Form::read(request).await {
        Ok(form) => form,
        Err(closed) => return visit.closed(&console, closed).into_response(),
    };
    let device = visit.cookie(DEVICE);
    let enrolment = match console.service.enrolment(&visit.token, device).await {
        Ok(enrolment) => enrolment,
        Err(error) => return refuse(&console, &visit, error).await,
    };
    if enrolment.completed {
        return visit.back();
    }
    let key = match key(enrolment.element, &mut form) {
        Ok(key) => key,
        Err(notice) => return page(&console, &visit, enrolment, Some(notice)),
    };
    let code = form.code();
    match console.service.enrol(&visit.token, device, code, key).await {
        // A form that was sent twice has done its work with the first.
        Ok(()) | Err(Error::LinkRefused(LinkRefusal::Used)) => visit.back(),
        Err(error) => refuse(&console, &visit, error).await,
    }
}

pub(crate) async fn file(State(console): State<Console>, visit: Visit) -> Response {
    let device = visit.cookie(DEVICE);
    match console.service.take_file(&visit.token, device).await {
        Ok(file) => download::file("application/x-pkcs12", "certificate.p12", file),
        Err(error) => refuse(&console, &visit, error).await,
    }
}

/// What the form says of the key.
fn key(element: SecureElement, form: &mut Form) -> Result<KeyChoice, Notice> {
    if element == SecureElement::SmartCard {
        let text = form.text("request_text").trim().as_bytes().to_vec();
        let request = form.file("request").map(|chosen| chosen.content.to_vec());
        let request = request.unwrap_or(text);
        if request.is_empty() {
            return Err(Notice::NoKeyRequest);
        }
        return Ok(KeyChoice::SmartCard(request));
    }
    if form.text("secret") != form.text("again") {
        return Err(Notice::SecretsDiffer);
    }
    let secret = form.secret("secret");
    Ok(match element {
        SecureElement::Cloud => KeyChoice::Cloud(secret),
        _ => KeyChoice::Software(secret),
    })
}

async fn refuse(console: &Console, visit: &Visit, error: Error) -> Response {
    match refused(error, &*console.place.entropy) {
        Refused::Closed(closed) => visit.closed(console, closed).into_response(),
        Refused::Notice(notice) => show(console, visit, Some(notice)).await,
    }
}

/// The page of the step at which the enrolment stands.
async fn show(console: &Console, visit: &Visit, notice: Option<Notice>) -> Response {
    let device = visit.cookie(DEVICE);
    match console.service.enrolment(&visit.token, device).await {
        Ok(enrolment) => page(console, visit, enrolment, notice),
        Err(error) => {
            let closed = closed(error, &*console.place.entropy);
            visit.closed(console, closed).into_response()
        }
    }
}

fn page(
    console: &Console,
    visit: &Visit,
    enrolment: Enrolment,
    notice: Option<Notice>,
) -> Response {
    let notice = notice.map(|notice| match notice {
        // The last of the wrong tries: there is no code any more that could be typed.
        Notice::CodeWrong if !enrolment.code_sent => Notice::CodeExhausted,
        other => other,
    });
    let frame = visit.frame(&console.place, Some(enrolment.language), notice);
    let link = visit.here.clone();
    let about = About {
        name: enrolment.name,
        organisation: enrolment.organisation,
        profile: enrolment.profile,
        element: enrolment.element,
        validity_days: enrolment.validity_days,
        officer: enrolment.officer,
        authority: enrolment.authority,
        provider: enrolment.provider,
        approved_at: enrolment.approved_at,
        expires_at: enrolment.expires_at,
        masked_phone: enrolment.masked_phone,
    };
    let contract = Contract {
        html: enrolment.contract_html,
        language: enrolment.language,
    };
    if enrolment.completed {
        let page = DonePage {
            frame,
            link,
            about,
            username: enrolment.username,
            file_waits: enrolment.file_waits,
            certificate: enrolment.certificate.unwrap_or_default(),
        };
        page.into_response()
    } else if enrolment.code_sent {
        let page = ConfirmPage {
            frame,
            link,
            about,
            contract,
        };
        page.into_response()
    } else {
        let page = ReadPage {
            frame,
            link,
            about,
            contract,
        };
        page.into_response()
    }
}
