//! The lazy reader: opens a PDF by its cross-reference data and parses only the objects that
//! somebody asks for.
//!
//! Hostile files are held by three bounds, all proportional to the file's size: bytes unpacked
//! from its structure, bytes parsed altogether, and objects listed.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::HashMap,
    ops::Range,
    rc::Rc,
};

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

/// Bytes from which on it takes less to copy an object than to parse it again.
const LARGE: usize = 16 << 10;

/// Said of objects that are not where they should be.
pub(crate) const MISPLACED: &str = "the cross-reference data do not lead to this object";

/// A PDF opened for reading.
pub(crate) struct Document<'a> {
    pub data: &'a [u8],
    pub xref: Xref,
    /// Set if the file is encrypted; strings are handed out and taken in as plain ones.
    pub protection: Option<Protection>,
    /// Set if it was repaired although it holds a signature.
    pub is_repaired_signed: bool,
    inflate_left: Cell<usize>,
    parse_left: Cell<usize>,
    object_streams: RefCell<HashMap<u32, Rc<ObjectStream>>>,
    /// The last large object that was parsed: many others may share it.
    large: RefCell<Option<(Ref, Indirect)>>,
}

/// An indirect object and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Indirect {
    pub value: Object,
    /// The place of the value in the file; `None` inside an object stream.
    pub span: Option<Range<usize>>,
    /// Where the data begin if it is a stream.
    pub stream: Option<usize>,
}

/// An object stream, unpacked.
pub(crate) struct ObjectStream {
    plain: Vec<u8>,
    /// Numbers of the objects and the offsets of their values.
    pub index: Vec<xref::StreamIndexEntry>,
}

impl<'a> Document<'a> {
    pub fn new(data: &'a [u8], xref: Xref) -> Result<Self, PdfError> {
        let mut document = Self {
            data,
            xref,
            protection: None,
            inflate_left: Cell::new(xref::inflate_limit(data)),
            parse_left: Cell::new(parse_limit(data)),
            object_streams: RefCell::default(),
            large: RefCell::default(),
            is_repaired_signed: false,
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

    /// The object that `id` names; `None` where there is none, which means null (7.3.10).
    pub fn object(&self, id: Ref) -> Result<Option<Indirect>, PdfError> {
        match self.xref.entries.get(&id.number) {
            None | Some(Entry::Free) => Ok(None),
            Some(Entry::Offset { generation, .. }) if *generation != id.generation => Ok(None),
            Some(Entry::Offset { at, .. }) => {
                if let Some((_, known)) = self.large.borrow().as_ref().filter(|large| large.0 == id)
                {
                    self.spend(known.span.as_ref().map_or(0, Range::len))?;
                    return Ok(Some(known.clone()));
                }
                let ParsedIndirect {
                    mut value,
                    span,
                    stream,
                    ..
                } = self.parse_at(id.number, *at)?;
                if let Some(protection) = &self.protection {
                    protection.decrypt_strings(id, &mut value);
                }
                let is_large = span.len() > LARGE;
                let object = Indirect {
                    value,
                    span: Some(span),
                    stream,
                };
                if is_large {
                    *self.large.borrow_mut() = Some((id, object.clone()));
                }
                Ok(Some(object))
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
        let (holder, value, _) = self.follow(value)?;
        Ok((holder, value))
    }

    /// The same where it may be written anew: a stream is refused there, since its dictionary alone
    /// would take its data away.
    pub fn locate_plain(&self, value: &Object) -> Result<(Option<Ref>, Object), PdfError> {
        match self.follow(value)? {
            (id, _, true) => Err(PdfError::in_object(
                "there is a stream where none should be",
                id.map_or(0, |id| id.number),
            )),
            (holder, value, false) => Ok((holder, value)),
        }
    }

    /// As [`Document::locate`], and whether the value is a stream's dictionary.
    pub fn follow(&self, value: &Object) -> Result<(Option<Ref>, Object, bool), PdfError> {
        let (mut holder, mut is_stream) = (None, false);
        let mut value = value.clone();
        for _ in 0..MAX_INDIRECTIONS {
            let Object::Reference(id) = value else {
                return Ok((holder, value, is_stream));
            };
            holder = Some(id);
            let object = self.object(id)?;
            is_stream = object.as_ref().is_some_and(|one| one.stream.is_some());
            value = object.map_or(Object::Null, |object| object.value);
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

    /// The array that `entry` is or leads to; empty where it is absent. `what` and `owner` tell of
    /// anything else.
    pub fn array(
        &self,
        entry: &Object,
        what: &'static str,
        owner: Ref,
    ) -> Result<Vec<Object>, PdfError> {
        match self.locate(entry)? {
            (_, Object::Array(items)) => Ok(items),
            (_, Object::Null) => Ok(Vec::new()),
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
        match root.map(|root| self.locate_plain(root)).transpose()? {
            Some((Some(id), Object::Dictionary(catalog))) if catalog.get("Pages").is_some() => {
                Ok((id, catalog))
            }
            _ => {
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
            .map_or(1, |highest| highest.saturating_add(1));
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

    /// The object stream with this number.
    pub fn object_stream(&self, number: u32) -> Result<Rc<ObjectStream>, PdfError> {
        if let Some(known) = self.object_streams.borrow().get(&number) {
            return Ok(Rc::clone(known));
        }
        let (dictionary, object) = self.packed_object_stream(number)?;
        let id = Ref {
            number,
            generation: 0,
        };
        let plain = self.stream_data(id, &object)?;
        let index = xref::stream_index(&plain, &dictionary).collect();
        let stream = Rc::new(ObjectStream { plain, index });
        self.object_streams
            .borrow_mut()
            .insert(number, Rc::clone(&stream));
        Ok(stream)
    }

    /// The same as it stands in the file, with its dictionary.
    pub fn packed_object_stream(&self, number: u32) -> Result<(Dictionary, Indirect), PdfError> {
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
        match &value {
            Object::Dictionary(dictionary) if dictionary.is_type("ObjStm") && stream.is_some() => {
                let object = Indirect {
                    span: Some(span),
                    stream,
                    value: value.clone(),
                };
                Ok((dictionary.clone(), object))
            }
            _ => Err(broken()),
        }
    }

    /// True if the object with this number begins at this byte.
    pub fn begins_at(&self, number: u32, at: usize) -> Result<bool, PdfError> {
        let mut lexer = Lexer::new(self.data, at);
        let found = lexer.indirect_head();
        self.spend(lexer.position().saturating_sub(at))?;
        Ok(found.is_some_and(|id| id.number == number))
    }

    fn parse_at(&self, number: u32, at: usize) -> Result<ParsedIndirect, PdfError> {
        let mut lexer = Lexer::new(self.data, at);
        if lexer.take_unsigned() != Some(u64::from(number)) {
            return Err(PdfError::in_object(MISPLACED, number));
        }
        lexer.seek(at);
        let result = lexer.indirect();
        self.spend(lexer.position().saturating_sub(at))?;
        Ok(result?)
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

/// Bytes that may be parsed. Honest objects do not overlap, so once over the file, and over what
/// its object streams unpack to, would do; the rest is for objects that are asked for twice.
fn parse_limit(data: &[u8]) -> usize {
    xref::inflate_limit(data).saturating_mul(2)
}
