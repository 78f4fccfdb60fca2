//! Mails, as the outbox holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the payload of a mail's row holds, as JSON, sealed under the master key with
/// [`mail_context`].
#[derive(Clone, Serialize, Deserialize)]
pub struct MailMessage {
    /// The address and nothing else, as in `ana@example.org`.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML, for programs that show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The link within the text, if there is one; a file outbox shows it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What goes with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MailAttachment>,
}

/// A file that goes with a mail.
#[derive(Clone, Serialize, Deserialize)]
pub struct MailAttachment {
    /// The file's name, in any script.
    pub name: String,
    /// What it is, as in `application/pdf`.
    pub media_type: String,
    /// The bytes; base64 in JSON.
    #[serde(with = "base64_text")]
    pub content: Vec<u8>,
}

impl fmt::Debug for MailMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailMessage(…)")
    }
}

impl fmt::Debug for MailAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAttachment(…)")
    }
}

/// The place that a mail's payload is sealed for.
pub fn mail_context(message_id: &str) -> String {
    format!("mail {message_id}")
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map_err(|_| de::Error::custom("no base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_attachments_in_base64_and_debug_has_nothing() {
        let mail = MailMessage {
            to: "ana@example.org".to_owned(),
            subject: "Subject".to_owned(),
            text: "Text".to_owned(),
            html: None,
            link: None,
            attachments: vec![MailAttachment {
                name: "a.pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                content: vec![0, 255],
            }],
        };
        let json = serde_json::json!({
            "to": "ana@example.org", "subject": "Subject", "text": "Text",
            "attachments": [{ "name": "a.pdf", "media_type": "application/pdf", "content": "AP8=" }],
        });
        assert_eq!(serde_json::to_value(&mail).unwrap(), json);
        let read: MailMessage = serde_json::from_value(json).unwrap();
        assert_eq!(read.attachments[0].content, [0, 255]);
        assert_eq!(
            format!("{mail:?} {:?}", mail.attachments),
            "MailMessage(…) [MailAttachment(…)]"
        );
    }
}
