//! Members of packs that are being read here: the room of one that is deleted meanwhile is given
//! back after its last reader, since whoever reads goes on. Readers in other processes find it
//! damaged.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pack_file;
use crate::pack::Extent;

#[derive(Default)]
pub(super) struct Readers(Mutex<HashMap<String, Read>>);

/// How a member is being read.
#[derive(Default)]
struct Read {
    readers: usize,
    /// What to give back after the last.
    deleted: Option<(File, Extent)>,
}

impl Readers {
    /// Begins reading. What is in the pack's table after this stays readable.
    pub(super) fn enter(self: &Arc<Self>, id: &str) -> Reading {
        self.all().entry(id.to_owned()).or_default().readers += 1;
        Reading {
            readers: Arc::clone(self),
            id: id.to_owned(),
        }
    }

    /// Gives back the room of a member that is in its pack's table no more.
    pub(super) fn give_back(&self, id: &str, pack: File, extent: Extent) {
        match self.all().get_mut(id) {
            Some(read) => read.deleted = Some((pack, extent)),
            None => pack_file::give_back(&pack, extent.start, extent.end()),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Read>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody reads a member.
pub(super) struct Reading {
    readers: Arc<Readers>,
    id: String,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut all = self.readers.all();
        let Some(read) = all.get_mut(&self.id) else {
            return;
        };
        read.readers -= 1;
        if read.readers > 0 {
            return;
        }
        let deleted = all.remove(&self.id).and_then(|read| read.deleted);
        drop(all);
        if let Some((pack, extent)) = deleted {
            pack_file::give_back(&pack, extent.start, extent.end());
        }
    }
}
