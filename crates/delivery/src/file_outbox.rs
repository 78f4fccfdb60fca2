//! The sandbox's outboxes: files with one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use model::RequestPk;
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::sms::TextMessage;

/// A file that messages are appended to, one a line, each on the disk when the call returns.
///
/// It holds telephone numbers and codes, so only its owner may read it.
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

    /// Appends a line. Blocks until it is on the disk.
    pub(crate) fn append(&self, line: &[u8]) -> io::Result<()> {
        let line = [line, b"\n"].concat();
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }
}

/// A text message as a line of the file: one JSON object.
pub(crate) fn line(
    text: &TextMessage,
    request: RequestPk,
    at: OffsetDateTime,
) -> io::Result<Zeroizing<Vec<u8>>> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        text: &'a TextMessage,
        request_pk: RequestPk,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    }

    let line = Line {
        text,
        request_pk: request,
        at,
    };
    Ok(Zeroizing::new(serde_json::to_vec(&line)?))
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

        FileOutbox::open(&path)
            .unwrap()
            .append(b"{\"n\":1}")
            .unwrap();
        fs::write(&path, [&fs::read(&path).unwrap()[..], b"{\"n\":"].concat()).unwrap();
        FileOutbox::open(&path)
            .unwrap()
            .append(b"{\"n\":2}")
            .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
    }
}
