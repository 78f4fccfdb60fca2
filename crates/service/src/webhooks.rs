//! The two payload forms of a webhook, made ready in the transaction that they tell of.

use model::Status;
use model::event::{EventType, WebhookFormat};
use serde_json::{Value, json};
use store::{Certificate, CertificateState, Channel, OutboxMessage, Tx};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::case::Case;
use crate::{Error, Service};

const SENT_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day][hour][minute][second]");
const CERTIFICATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day] [hour]:[minute]:[second]");
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");

/// Queues the event for the request's own target, or else its registration authority's.
pub(crate) async fn queue(
    service: &Service,
    tx: &mut Tx,
    case: &Case,
    event: EventType,
    previous: Option<Status>,
) -> Result<(), Error> {
    let authority = store::authorities::get(tx, case.row.ra)
        .await?
        .ok_or_else(|| Error::Internal("a request without its registration authority".into()))?;
    let Some(target) = case.row.webhook_url.clone().or(authority.webhook_url) else {
        return Ok(());
    };
    let now = service.now();
    let payload = match case.row.webhook_format.unwrap_or(authority.webhook_format) {
        WebhookFormat::Event => {
            let certificates = store::certificates::of_request(tx, case.pk()).await?;
            event_form(case, event, previous, &certificates, now)
        }
        WebhookFormat::Status => status_form(case, previous, now),
    };
    let message = OutboxMessage {
        id: format!("msg_{}", hex::encode(service.random::<16>())),
        channel: Channel::Webhook,
        request: case.pk(),
        target,
        label: event.name().to_owned(),
        payload: payload.to_string().into_bytes(),
        secret: authority.webhook_secret,
        created_at: now,
        expires_at: now + service.policy().webhook_lifetime,
    };
    store::outbox::enqueue(tx, &message).await?;
    Ok(())
}

fn event_form(
    case: &Case,
    event: EventType,
    previous: Option<Status>,
    certificates: &[Certificate],
    now: OffsetDateTime,
) -> Value {
    let certificates: Vec<Value> = certificates
        .iter()
        .filter_map(|certificate| {
            let status = match certificate.state {
                CertificateState::Recorded => return None,
                CertificateState::Valid => "VALID",
                CertificateState::Suspended => "SUSPENDED",
                CertificateState::Revoked => "REVOKED",
            };
            Some(json!({
                "status": status,
                "serial_number": certificate.serial,
                "valid_from": written(certificate.not_before, CERTIFICATE_TIME),
                "valid_to": written(certificate.not_after, CERTIFICATE_TIME),
            }))
        })
        .collect();
    json!({
        "event_type": event.name(),
        "sent_at": written(now, SENT_AT),
        "date": written(now, DATE),
        "previous_status": previous.map(Status::name),
        "request": {
            "status": case.row.status.name(),
            "profile": case.row.profile,
            "registration_authority": case.row.ra.0,
            "scratchcard": case.row.scratchcard,
            "pk": case.pk().0,
        },
        "certificates": certificates,
    })
}

fn status_form(case: &Case, previous: Option<Status>, now: OffsetDateTime) -> Value {
    json!({
        "status": case.row.status.name(),
        "date": written(now, DATE),
        "previous_status": previous.map(Status::name),
        "request": case.pk().0,
        "registration_authority": case.row.ra.0,
    })
}

fn written(at: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format)
        .unwrap_or_default()
}
