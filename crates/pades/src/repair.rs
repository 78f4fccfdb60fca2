//! Which reading of a file counts: the one that its cross-reference data give, or, where they are
//! wrong, the one that a search for the objects finds.
//!
//! This is decided once, when the file is opened, and by all that can be reached in it. If it
//! depended on what somebody happens to look at, a file could be signed in one reading and
//! archived in another.

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use crate::{
    document::{Document, MISPLACED},
    error::PdfError,
    object::{Object, Ref},
    xref::{self, Entry, Rebuilt},
};

impl<'a> Document<'a> {
    /// Runs `work` on the document as its cross-reference data describe it. Where those are wrong,
    /// it runs on what a search for the objects finds, provided that nothing is missing: to repair
    /// half of a document would be to sign another one.
    pub fn with<T>(
        data: &'a [u8],
        work: impl FnOnce(&Self) -> Result<T, PdfError>,
    ) -> Result<T, PdfError> {
        let header = find_header(data)?;
        let read = xref::read(data, header, xref::inflate_limit(data));
        let (broken, listed) = match read.and_then(|xref| Self::new(data, xref)) {
            Ok(document) => match document.check_places() {
                Ok(()) => return work(&document),
                Err(error) => (error, Some(document.xref.entries)),
            },
            Err(error) => (error, None),
        };
        if !matches!(broken, PdfError::Broken { .. }) {
            return Err(broken);
        }
        match Self::repaired(data, header, listed.as_ref()).and_then(|document| work(&document)) {
            // The first complaint says more about the file than the failed repair.
            Err(PdfError::Broken { .. }) => Err(broken),
            result => result,
        }
    }

    /// Fails where the cross-reference data are wrong about anything that can be reached.
    ///
    /// Costs a look at a few bytes for each object. Only where one is wrong, everything is read to
    /// find out whether it matters: wrong entries that nothing leads to are no reason to write a
    /// signed file anew.
    fn check_places(&self) -> Result<(), PdfError> {
        self.catalog()?;
        let misplaced = self.misplaced()?;
        if misplaced.is_empty() {
            return Ok(());
        }
        self.follow_all(|id| {
            if misplaced.contains(&id.number) {
                return Err(PdfError::in_object(MISPLACED, id.number));
            }
            match self.object(id) {
                Err(error @ PdfError::Limit { .. }) => Err(error),
                // What is damaged within concerns those who need it.
                object => Ok(object.ok().flatten().map(|object| object.value)),
            }
        })
    }

    /// Numbers of the objects that are not where the cross-reference data say.
    fn misplaced(&self) -> Result<HashSet<u32>, PdfError> {
        let mut misplaced = HashSet::new();
        let mut streams = HashMap::new();
        for (number, entry) in &self.xref.entries {
            let is_there = match *entry {
                Entry::Free => true,
                Entry::Offset { at, .. } => self.begins_at(*number, at)?,
                Entry::Compressed { stream, .. } => match streams.get(&stream) {
                    Some(is_there) => *is_there,
                    None => {
                        let is_there = match self.packed_object_stream(stream) {
                            Err(error @ PdfError::Limit { .. }) => return Err(error),
                            found => found.is_ok(),
                        };
                        streams.insert(stream, is_there);
                        is_there
                    }
                },
            };
            if !is_there {
                misplaced.insert(*number);
            }
        }
        Ok(misplaced)
    }

    /// The document that a search for its objects finds. `listed` is what the damaged data list, if
    /// they could be read.
    fn repaired(
        data: &'a [u8],
        header: usize,
        listed: Option<&HashMap<u32, Entry>>,
    ) -> Result<Self, PdfError> {
        let Rebuilt {
            xref,
            object_streams,
            is_signed,
        } = xref::rebuild(data, header)?;
        let mut document = Self::new(data, xref)?;
        document.is_repaired_signed = is_signed;
        document.list_compressed(&object_streams)?;
        // Object streams that are said to lie in object streams would be lost to the next reader.
        if let Some(number) = document.misplaced()?.into_iter().min() {
            return Err(PdfError::in_object(MISPLACED, number));
        }
        document.check_complete(listed)?;
        Ok(document)
    }

    /// Adds what object streams hold to a rebuilt map. An object that stands behind the stream in
    /// the file is newer than its state within.
    fn list_compressed(&mut self, streams: &[xref::FoundStream]) -> Result<(), PdfError> {
        for found in streams {
            let stream = self.object_stream(found.number)?;
            for (index, inner) in (0..).zip(&stream.index) {
                let newer = match self.xref.entries.get(&inner.number) {
                    Some(Entry::Offset { at, .. }) => *at > found.at,
                    _ => false,
                };
                if !newer {
                    let entry = Entry::Compressed {
                        stream: found.number,
                        index,
                    };
                    self.xref.entries.insert(inner.number, entry);
                }
            }
            xref::check_count(self.xref.entries.len(), self.data)?;
        }
        Ok(())
    }

    /// Everything that can be reached must be there, but for what the damaged data list as not
    /// being there.
    fn check_complete(&self, listed: Option<&HashMap<u32, Entry>>) -> Result<(), PdfError> {
        let was_there = |number: u32| {
            listed.is_none_or(|listed| !matches!(listed.get(&number), None | Some(Entry::Free)))
        };
        self.follow_all(|id| match self.object(id)? {
            Some(object) => Ok(Some(object.value)),
            None if was_there(id.number) => {
                Err(PdfError::in_object("an object is missing", id.number))
            }
            None => Ok(None),
        })
    }

    /// Calls `follow` for every reference that can be reached from the trailer, each once, to learn
    /// what it leads to.
    fn follow_all(
        &self,
        follow: impl Fn(Ref) -> Result<Option<Object>, PdfError>,
    ) -> Result<(), PdfError> {
        let trailer = self.xref.trailer.iter();
        self.follow_from(trailer.map(|(_, value)| value.clone()).collect(), follow)
    }

    /// The same from the given values.
    pub fn follow_from(
        &self,
        mut open: Vec<Object>,
        follow: impl Fn(Ref) -> Result<Option<Object>, PdfError>,
    ) -> Result<(), PdfError> {
        let mut seen = HashSet::new();
        while let Some(value) = open.pop() {
            match value {
                Object::Reference(id) if seen.insert(id) => open.extend(follow(id)?),
                Object::Array(items) => open.extend(items),
                Object::Dictionary(dictionary) => {
                    open.extend(dictionary.iter().map(|(_, value)| value.clone()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Readers accept the header anywhere in the first 1,024 bytes.
fn find_header(data: &[u8]) -> Result<usize, PdfError> {
    memmem::find(&data[..data.len().min(1024)], b"%PDF-").ok_or(PdfError::NotPdf)
}
