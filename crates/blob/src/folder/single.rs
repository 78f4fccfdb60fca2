//! A blob with a file of its own: written in `staging`, then moved to its place.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::layout::Layout;
use crate::shelf::{Publishing, Staged};
use crate::{BlobError, blocking};

pub(super) struct Single {
    layout: Arc<Layout>,
    id: String,
    file: File,
    /// Where it lies now; gone once it is published.
    path: Option<PathBuf>,
}

impl Single {
    pub(super) fn begin(layout: &Arc<Layout>, id: &str) -> Result<Self, BlobError> {
        layout.room_for(0)?;
        let path = layout.staged(id);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self {
            layout: Arc::clone(layout),
            id: id.to_owned(),
            file,
            path: Some(path),
        })
    }

    fn publish_now(mut self) -> Result<(), BlobError> {
        self.file.sync_all()?;
        self.layout.grow(&self.id)?;
        let whole = self.layout.whole(&self.id);
        if let Some(path) = &mut self.path {
            fs::rename(&*path, &whole)?;
            *path = whole;
        }
        self.layout.flush(&self.id)?;
        self.path = None;
        Ok(())
    }
}

impl Staged for Single {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        Ok(self.file.write_all(bytes)?)
    }

    fn publish(self: Box<Self>) -> Publishing {
        Box::pin(blocking(move || self.publish_now()))
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What cannot be removed now is left to the sweeper.
            let _ = fs::remove_file(path);
        }
    }
}
