//! The sandbox's outboxes: files with one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use model::RequestPk;
use serde::Serialize;
use store::OutboxMessage;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::mail::{MailAttachment, MailMessage};
use crate::sms::TextMessage;

/// A file that messages are appended to, one a line, each on the disk when the call returns.
///
/// It holds addresses, codes and links, so only its owner may read it.
#[derive(Debug, Clone)]
pub struct FileOutbox(Arc<Mutex<File>>);

impl FileOutbox {
    /// Opens the file, or makes it, empty.
    ///
    /// A last line that a crash cut short is taken off: its message will come again.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let whole = content
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < content.len() {
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Appends a line; it is on the disk when this returns.
    pub(crate) async fn append(&self, line: Line) -> Result<(), Failure> {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || this.write(&line)).await {
            Ok(written) => written.map_err(|error| Failure::File(error.kind())),
            Err(_) => Err(Failure::File(io::ErrorKind::Other)),
        }
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line.0)?;
        file.sync_data()
    }
}

/// A line of the file: one JSON object and the end of the line.
pub(crate) struct Line(Zeroizing<Vec<u8>>);

impl Line {
    /// A text message as it is.
    pub(crate) fn of_text(text: &TextMessage, row: &OutboxMessage) -> Result<Self, Failure> {
        Self::of(text, row)
    }

    /// A mail as its receiver sees it: the text without the HTML, and attachments with what
    /// there is to know of them.
    pub(crate) fn of_mail(mail: &MailMessage, row: &OutboxMessage) -> Result<Self, Failure> {
        #[derive(Serialize)]
        struct Mail<'a> {
            to: &'a str,
            subject: &'a str,
            text: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            link: Option<&'a str>,
            attachments: Vec<Attached<'a>>,
        }

        #[derive(Serialize)]
        struct Attached<'a> {
            size: usize,
            sha256: String,
            #[serde(flatten)]
            file: &'a MailAttachment,
        }

        let attachments = mail.attachments.iter().map(|file| Attached {
            size: file.content.len(),
            sha256: hex::encode(crypto::sha256(&file.content)),
            file,
        });
        let mail = Mail {
            to: &mail.to,
            subject: &mail.subject,
            text: &mail.text,
            link: mail.link.as_deref(),
            attachments: attachments.collect(),
        };
        Self::of(&mail, row)
    }

    fn of(message: &impl Serialize, row: &OutboxMessage) -> Result<Self, Failure> {
        #[derive(Serialize)]
        struct Whole<'a, M> {
            #[serde(flatten)]
            message: &'a M,
            request_pk: RequestPk,
            #[serde(with = "time::serde::rfc3339")]
            at: OffsetDateTime,
        }

        let whole = Whole {
            message,
            request_pk: row.request,
            at: row.created_at,
        };
        let mut line = Zeroizing::new(Vec::new());
        serde_json::to_writer(&mut *line, &whole).map_err(|_| Failure::Unreadable)?;
        line.push(b'\n');
        Ok(Self(line))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_survive_and_a_torn_one_is_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sms.jsonl");
        FileOutbox::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let line = |text: &[u8]| Line(Zeroizing::new(text.to_vec()));
        FileOutbox::open(&path)
            .unwrap()
            .write(&line(b"{\"n\":1}\n"))
            .unwrap();
        fs::write(&path, [&fs::read(&path).unwrap()[..], b"{\"n\":"].concat()).unwrap();
        FileOutbox::open(&path)
            .unwrap()
            .write(&line(b"{\"n\":2}\n"))
            .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
    }
}
