//! The lazy reader: opens a PDF by its cross-reference data and parses only the objects that
//! somebody asks for.
//!
//! Hostile files are held by three bounds, all proportional to the file's size: bytes unpacked
//! from its structure, bytes parsed altogether, and objects listed.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    ops::Range,
    rc::Rc,
};

use memchr::memmem;

use crate::{
    encryption::Protection,
    error::{PdfError, Place},
    filter,
    object::{Dictionary, Object, Ref},
    syntax::{Lexer, ParsedIndirect},
    xref::{self, Entry, Xref},
};

/// References that lead to references.
const MAX_INDIRECTIONS: usize = 16;

/// The encryption dictionary, its crypt filters, each of them, and its entries.
const ENCRYPTION_DEPTH: usize = 4;

/// A PDF opened for reading.
pub(crate) struct Document<'a> {
    pub data: &'a [u8],
    pub xref: Xref,
    /// Set if the file is encrypted; strings are handed out and taken in as plain ones.
    pub protection: Option<Protection>,
    inflate_left: Cell<usize>,
    parse_left: Cell<usize>,
    object_streams: RefCell<HashMap<u32, Rc<ObjectStream>>>,
    /// Set when an object is not where the cross-reference data say.
    misplaced: Cell<bool>,
}

/// An indirect object and where it stands.
#[derive(Debug)]
pub(crate) struct Indirect {
    pub value: Object,
    /// The place of the value in the file; `None` inside an object stream.
    pub span: Option<Range<usize>>,
    /// Where the data begin if it is a stream.
    pub stream: Option<usize>,
}

struct ObjectStream {
    plain: Vec<u8>,
    /// Numbers of the objects and the offsets of their values.
    index: Vec<xref::StreamIndexEntry>,
}

impl<'a> Document<'a> {
    /// Runs `work` on the document as its cross-reference data describe it. Where those prove
    /// wrong, it runs on what a search for the objects finds, provided that nothing is missing:
    /// to repair half of a document would be to sign another one.
    pub fn with<T>(
        data: &'a [u8],
        work: impl Fn(&Self) -> Result<T, PdfError>,
    ) -> Result<T, PdfError> {
        let header = find_header(data)?;
        let read = xref::read(data, header, xref::inflate_limit(data));
        let (broken, listed) = match read.and_then(|xref| Self::new(data, xref)) {
            Ok(document) => match work(&document) {
                Err(error) if document.misplaced.get() => (error, Some(document.xref.entries)),
                result => return result,
            },
            Err(error @ PdfError::Broken { .. }) => (error, None),
            Err(error) => return Err(error),
        };
        let rebuilt = xref::rebuild(data, header).and_then(|(xref, object_streams)| {
            let mut document = Self::new(data, xref)?;
            document.list_compressed(&object_streams)?;
            document.check_complete(listed.as_ref())?;
            work(&document)
        });
        match rebuilt {
            // The first complaint says more about the file than the failed repair.
            Err(PdfError::Broken { .. }) => Err(broken),
            result => result,
        }
    }

    fn new(data: &'a [u8], xref: Xref) -> Result<Self, PdfError> {
        let mut document = Self {
            data,
            xref,
            protection: None,
            inflate_left: Cell::new(xref::inflate_limit(data)),
            parse_left: Cell::new(parse_limit(data)),
            object_streams: RefCell::default(),
            misplaced: Cell::new(false),
        };
        document.protection = document.open_protection()?;
        Ok(document)
    }

    fn open_protection(&self) -> Result<Option<Protection>, PdfError> {
        let trailer = &self.xref.trailer;
        let Some(entry) = trailer.get("Encrypt").filter(|entry| !entry.is_null()) else {
            return Ok(None);
        };
        let file_id = match trailer.get("ID") {
            Some(Object::Array(parts)) => match parts.first() {
                Some(Object::String(first)) => first.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        let id = self.locate(entry)?.0;
        match self.resolve(entry, ENCRYPTION_DEPTH)? {
            Object::Dictionary(dictionary) => Protection::open(id, &dictionary, file_id).map(Some),
            _ => Err(PdfError::in_object(
                "there is no encryption dictionary where one should be",
                id.map_or(0, |id| id.number),
            )),
        }
    }

    /// `value` with the references in its dictionaries followed, to the given depth.
    fn resolve(&self, value: &Object, depth: usize) -> Result<Object, PdfError> {
        let (_, mut value) = self.locate(value)?;
        if let (Object::Dictionary(dictionary), Some(below)) = (&mut value, depth.checked_sub(1)) {
            for (_, entry) in dictionary.iter_mut() {
                *entry = self.resolve(entry, below)?;
            }
        }
        Ok(value)
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

    /// The object that `id` names; `None` where there is none, which means null (7.3.10).
    pub fn object(&self, id: Ref) -> Result<Option<Indirect>, PdfError> {
        match self.xref.entries.get(&id.number) {
            None | Some(Entry::Free) => Ok(None),
            Some(Entry::Offset { generation, .. }) if *generation != id.generation => Ok(None),
            Some(Entry::Offset { at, .. }) => {
                let ParsedIndirect {
                    mut value,
                    span,
                    stream,
                    ..
                } = self.parse_at(id.number, *at)?;
                if let Some(protection) = &self.protection {
                    protection.decrypt_strings(id, &mut value);
                }
                Ok(Some(Indirect {
                    value,
                    span: Some(span),
                    stream,
                }))
            }
            Some(Entry::Compressed { .. }) if id.generation != 0 => Ok(None),
            Some(Entry::Compressed { stream, index }) => {
                let value = self.compressed(id.number, *stream, *index)?;
                Ok(Some(Indirect {
                    value,
                    span: None,
                    stream: None,
                }))
            }
        }
    }

    /// Follows references to the value itself, and says which object holds it last.
    pub fn locate(&self, value: &Object) -> Result<(Option<Ref>, Object), PdfError> {
        let mut holder = None;
        let mut value = value.clone();
        for _ in 0..MAX_INDIRECTIONS {
            let Object::Reference(id) = value else {
                return Ok((holder, value));
            };
            holder = Some(id);
            value = self.object(id)?.map_or(Object::Null, |object| object.value);
        }
        Err(PdfError::in_object(
            "references lead in a circle",
            holder.map_or(0, |id| id.number),
        ))
    }

    /// The value under `key`, references followed; null where it is absent.
    pub fn value(&self, dictionary: &Dictionary, key: &str) -> Result<Object, PdfError> {
        dictionary
            .get(key)
            .map_or(Ok(Object::Null), |value| Ok(self.locate(value)?.1))
    }

    /// The array that `entry` is or leads to, and the object that holds it; empty where it is
    /// absent. `what` and `owner` tell of anything else.
    pub fn array(
        &self,
        entry: &Object,
        what: &'static str,
        owner: Ref,
    ) -> Result<(Option<Ref>, Vec<Object>), PdfError> {
        match self.locate(entry)? {
            (id, Object::Array(items)) => Ok((id, items)),
            (_, Object::Null) => Ok((None, Vec::new())),
            (id, _) => Err(PdfError::in_object(what, id.unwrap_or(owner).number)),
        }
    }

    /// The decoded data of the stream that `id` names.
    pub fn stream_data(&self, id: Ref, object: &Indirect) -> Result<Vec<u8>, PdfError> {
        let number = id.number;
        let (Object::Dictionary(dictionary), Some(start)) = (&object.value, object.stream) else {
            return Err(PdfError::in_object(
                "there is no stream where one should be",
                number,
            ));
        };
        // An indirect length may not itself be in an object stream (7.5.7), so this ends.
        let length = match dictionary.get("Length") {
            Some(Object::Reference(id)) => match self.xref.entries.get(&id.number) {
                Some(Entry::Offset { at, .. }) => Some(self.parse_at(id.number, *at)?.value),
                _ => None,
            },
            direct => direct.cloned(),
        };
        let length = xref::stream_length(&self.data[start..], length.as_ref());
        self.spend(length)?;
        let mut data = Cow::Borrowed(&self.data[start..start + length]);
        if let Some(protection) = &self.protection {
            data = protection.decrypt_stream(id, dictionary, &self.data[start..start + length])?;
        }
        let limit = self.inflate_left.get();
        let plain = filter::decode(dictionary, &data, limit, number)?;
        self.inflate_left.set(limit - plain.len());
        Ok(plain)
    }

    /// The trailer's `/Root` and where it stands.
    pub fn catalog(&self) -> Result<(Ref, Dictionary), PdfError> {
        let root = self.xref.trailer.get("Root");
        match root.map(|root| self.locate(root)).transpose()? {
            Some((Some(id), Object::Dictionary(catalog))) if catalog.get("Pages").is_some() => {
                Ok((id, catalog))
            }
            _ => {
                self.misplaced.set(true);
                let what = "the trailer leads to no catalogue";
                Err(PdfError::at_byte(what, self.data.len()))
            }
        }
    }

    /// The first number that no object of the file uses.
    pub fn next_number(&self) -> u32 {
        let used = self
            .xref
            .entries
            .keys()
            .max()
            .map_or(1, |highest| highest + 1);
        // An absurd /Size is no reason to leave a gap of millions of numbers.
        let declared = self.xref.trailer.get("Size").and_then(Object::as_integer);
        let declared = declared
            .and_then(|size| u32::try_from(size).ok())
            .filter(|size| *size <= xref::MAX_OBJECT_NUMBER);
        used.max(declared.unwrap_or(0))
    }

    /// The version that the header gives, as `(1, 7)`.
    pub fn header_version(&self) -> (u8, u8) {
        let rest = &self.data[self.xref.header + "%PDF-".len()..];
        parse_version(rest).unwrap_or((1, 0))
    }

    fn compressed(&self, number: u32, stream: u32, index: u32) -> Result<Object, PdfError> {
        let holder = self.object_stream(stream)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let missing = || PdfError::in_object("an object is not in its object stream", number);
        let entry = holder
            .index
            .get(index)
            .filter(|entry| entry.number == number)
            .or_else(|| holder.index.iter().find(|entry| entry.number == number))
            .ok_or_else(missing)?;
        let mut lexer = Lexer::new(&holder.plain, entry.at);
        let result = lexer.object();
        self.spend(lexer.position() - entry.at.min(lexer.position()))?;
        result.map_err(|error| PdfError::Broken {
            what: error.what,
            place: Place::ObjectStream(stream, error.at),
        })
    }

    fn object_stream(&self, number: u32) -> Result<Rc<ObjectStream>, PdfError> {
        if let Some(known) = self.object_streams.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        let broken =
            || PdfError::in_object("there is no object stream where one should be", number);
        // Object streams can't hold one another (7.5.7), so only plain objects are followed.
        let Some(Entry::Offset { at, .. }) = self.xref.entries.get(&number) else {
            return Err(broken());
        };
        let ParsedIndirect {
            value,
            span,
            stream,
            ..
        } = self.parse_at(number, *at)?;
        let Object::Dictionary(dictionary) = &value else {
            return Err(broken());
        };
        if !dictionary.is_type("ObjStm") {
            return Err(broken());
        }
        let dictionary = dictionary.clone();
        let id = Ref {
            number,
            generation: 0,
        };
        let plain = self.stream_data(
            id,
            &Indirect {
                value,
                span: Some(span),
                stream,
            },
        )?;
        let index = xref::stream_index(&plain, &dictionary).collect();
        let stream = Rc::new(ObjectStream { plain, index });
        self.object_streams
            .borrow_mut()
            .insert(number, Rc::clone(&stream));
        Ok(stream)
    }

    fn parse_at(&self, number: u32, at: usize) -> Result<ParsedIndirect, PdfError> {
        let mut lexer = Lexer::new(self.data, at);
        if lexer.take_unsigned() != Some(u64::from(number)) {
            self.misplaced.set(true);
            let what = "the cross-reference data do not lead to this object";
            return Err(PdfError::in_object(what, number));
        }
        lexer.seek(at);
        let result = lexer.indirect();
        self.spend(lexer.position().saturating_sub(at))?;
        Ok(result?)
    }

    /// Everything that can be reached from the trailer must be there, but for what the damaged data
    /// list as not being there, if they could be read.
    fn check_complete(&self, listed: Option<&HashMap<u32, Entry>>) -> Result<(), PdfError> {
        let was_there = |number: u32| {
            listed.is_none_or(|listed| !matches!(listed.get(&number), None | Some(Entry::Free)))
        };
        let mut seen = HashSet::new();
        let mut stack: Vec<_> = self
            .xref
            .trailer
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        while let Some(value) = stack.pop() {
            match value {
                Object::Reference(id) if seen.insert(id) => match self.object(id)? {
                    Some(object) => stack.push(object.value),
                    None if was_there(id.number) => {
                        return Err(PdfError::in_object("an object is missing", id.number));
                    }
                    None => {}
                },
                Object::Array(items) => stack.extend(items),
                Object::Dictionary(dictionary) => {
                    stack.extend(dictionary.iter().map(|(_, value)| value.clone()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Accounts for work on so many bytes.
    pub fn spend(&self, bytes: usize) -> Result<(), PdfError> {
        let left = self
            .parse_left
            .get()
            .checked_sub(bytes)
            .ok_or(PdfError::Limit {
                what: "its objects overlap or repeat so that reading them would take too long",
                limit: parse_limit(self.data) as u64,
            })?;
        self.parse_left.set(left);
        Ok(())
    }
}

/// `1.7` at the head of `bytes`, as `(1, 7)`.
pub(crate) fn parse_version(bytes: &[u8]) -> Option<(u8, u8)> {
    match bytes {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

/// Readers accept the header anywhere in the first 1,024 bytes.
fn find_header(data: &[u8]) -> Result<usize, PdfError> {
    memmem::find(&data[..data.len().min(1024)], b"%PDF-").ok_or(PdfError::NotPdf)
}

/// Bytes that may be parsed. Honest objects do not overlap, so once over the file, and over what
/// its object streams unpack to, would do; the rest is for objects that are asked for twice.
fn parse_limit(data: &[u8]) -> usize {
    xref::inflate_limit(data).saturating_mul(2)
}
