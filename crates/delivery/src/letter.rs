//! A mail in the form in which it travels (RFC 5322, MIME).
//!
//! Nothing in it is drawn or read off a clock, so a repetition is the same, byte for byte, and
//! its `Message-ID` lets the receiver's server drop it.

use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use time::OffsetDateTime;
use url::Host;

use crate::failure::Failure;
use crate::mail::{MailAttachment, MailMessage};

/// Identifiers stand in the `Message-ID` and in boundaries, which hold 70 characters at most.
const LONGEST_ID: usize = 60;

/// Writes the mail. `id` is the outbox row's, `at` when it was queued.
pub(crate) fn write(
    from: &Mailbox,
    id: &str,
    mail: &MailMessage,
    at: OffsetDateTime,
) -> Result<Message, Failure> {
    let plain_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain_id) {
        return Err(Failure::Unreadable);
    }
    let to = address(&mail.to).ok_or(Failure::NotAMail)?;
    let letter = Message::builder()
        .from(from.clone())
        .to(to.into())
        .subject(one_line(&mail.subject))
        .date(at.into())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(automatic());
    let letter = match (content(id, mail), mail.attachments.is_empty()) {
        (Content::Text(text), true) => letter.singlepart(text),
        (Content::Both(both), true) => letter.multipart(both),
        (content, false) => {
            let mixed = MultiPart::mixed().boundary(boundary(id, "mixed"));
            let mixed = match content {
                Content::Text(text) => mixed.singlepart(text),
                Content::Both(both) => mixed.multipart(both),
            };
            let mixed = mail.attachments.iter().try_fold(mixed, |mixed, file| {
                Ok::<_, Failure>(mixed.singlepart(attached(file)?))
            })?;
            letter.multipart(mixed)
        }
    };
    letter.map_err(|_| Failure::NotAMail)
}

/// Reads an address, international domains in the form that every server understands.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let Ok(Host::Domain(domain)) = Host::parse(domain) else {
        return None;
    };
    Address::new(user, domain).ok()
}

enum Content {
    Text(SinglePart),
    Both(MultiPart),
}

fn content(id: &str, mail: &MailMessage) -> Content {
    let text = body(ContentType::TEXT_PLAIN, &mail.text);
    match &mail.html {
        None => Content::Text(text),
        Some(html) => Content::Both(
            MultiPart::alternative()
                .boundary(boundary(id, "both"))
                .singlepart(text)
                .singlepart(body(ContentType::TEXT_HTML, html)),
        ),
    }
}

fn body(kind: ContentType, text: &str) -> SinglePart {
    SinglePart::builder()
        .header(kind)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(text.to_owned())
}

fn attached(file: &MailAttachment) -> Result<SinglePart, Failure> {
    let kind = ContentType::parse(&file.media_type).map_err(|_| Failure::NotAMail)?;
    Ok(SinglePart::builder()
        .header(ContentDisposition::attachment(&one_line(&file.name)))
        .header(kind)
        .header(ContentTransferEncoding::Base64)
        .body(file.content.clone()))
}

/// `=_` stands in neither quoted-printable nor base64 (RFC 2045 §6.7), so no content ends a part.
fn boundary(id: &str, what: &str) -> String {
    format!("=_{id}_{what}")
}

/// Tells programs that answer for people on holiday to keep still (RFC 3834).
fn automatic() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
