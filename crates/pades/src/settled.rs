//! Whether a file goes on to say the same when something is appended to it, which is all that a
//! signature does.
//!
//! Damage can leave a place open that the next revision fills: a stream whose end is not in the file,
//! or a reference to an object that is yet to come. What was signed would read otherwise afterwards.

use std::collections::HashSet;

use crate::{
    document::{Document, Indirect},
    error::PdfError,
    object::Object,
    xref::{self, Entry},
};

const MISSING: &str = "it leads to a missing object, whose number the next revision gives away";

impl Document<'_> {
    /// Fails where something that a reader can reach is open in that sense. Reads everything.
    pub fn check_settled(&self) -> Result<(), PdfError> {
        let next = self.next_number();
        let roots = ["Root", "Info", "Encrypt"].map(|key| self.xref.trailer.get(key).cloned());
        self.follow_from(roots.into_iter().flatten().collect(), |id| {
            if id.number >= next && id.generation == 0 {
                return Err(PdfError::in_object(MISSING, id.number));
            }
            let Some(object) = readable(self.object(id))?.flatten() else {
                return Ok(None);
            };
            self.check_end(id.number, &object)?;
            Ok(Some(object.value))
        })?;
        let holders = self.xref.entries.values().filter_map(|entry| match entry {
            Entry::Compressed { stream, .. } => Some(*stream),
            _ => None,
        });
        for number in holders.collect::<HashSet<_>>() {
            if let Some((_, stream)) = readable(self.packed_object_stream(number))? {
                self.check_end(number, &stream)?;
            }
        }
        Ok(())
    }

    fn check_end(&self, number: u32, object: &Indirect) -> Result<(), PdfError> {
        let (Object::Dictionary(dictionary), Some(start)) = (&object.value, object.stream) else {
            return Ok(());
        };
        let declared = readable(self.value(dictionary, "Length"))?;
        let length = xref::settled_length(&self.data[start..], declared.as_ref())
            .ok_or_else(|| PdfError::in_object(xref::NO_END, number))?;
        self.spend(length)
    }
}

/// What is damaged within concerns those who need it.
fn readable<T>(read: Result<T, PdfError>) -> Result<Option<T>, PdfError> {
    match read {
        Err(error @ PdfError::Limit { .. }) => Err(error),
        read => Ok(read.ok()),
    }
}
