//! The revision writer: new and changed objects appended to a file that itself stays as it is
//! (ISO 32000-2, 7.5.6).
//!
//! The form of the cross-reference data follows the file's newest revision: a table after a table
//! (hybrid files included), a stream after a stream. Where the file's own data had to be rebuilt,
//! the new section lists every object of the file and leads back to none of the damaged ones.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Ref, write_hex},
    xref::{Entry, Kind, MAX_OBJECT_NUMBER},
};

/// Ten digits: what a cross-reference table can address, and room enough in a `/ByteRange`.
const MAX_FILE: u64 = 9_999_999_999;

/// Said of what a signature would have to write twice, or write as one thing and change as another.
pub(crate) const TWO_ROLES: &str = "one object is used in two roles that a signature changes";

/// A revision under construction.
pub(crate) struct Revision<'d, 'a> {
    document: &'d Document<'a>,
    tail: Vec<u8>,
    entries: BTreeMap<u32, Written>,
    next: u32,
}

struct Written {
    generation: u16,
    /// Where `N G obj` begins, from the start of the tail.
    start: usize,
}

impl<'d, 'a> Revision<'d, 'a> {
    pub fn new(document: &'d Document<'a>, capacity: usize) -> Self {
        let mut tail = Vec::with_capacity(capacity);
        if !matches!(document.data.last(), Some(b'\n' | b'\r')) {
            tail.push(b'\n');
        }
        Self {
            document,
            tail,
            entries: BTreeMap::new(),
            next: document.next_number(),
        }
    }

    /// A number for a new object.
    pub fn allocate(&mut self) -> Result<Ref, PdfError> {
        if self.next > MAX_OBJECT_NUMBER {
            let limit = u64::from(MAX_OBJECT_NUMBER);
            return Err(PdfError::Limit {
                what: "object numbers are used up",
                limit,
            });
        }
        self.next += 1;
        Ok(Ref {
            number: self.next - 1,
            generation: 0,
        })
    }

    /// Writes a new object, or a new state of one.
    pub fn put(&mut self, id: Ref, value: &Object) -> Result<(), PdfError> {
        let start = self.begin(id);
        self.write(id, value);
        self.end(id, start)
    }

    /// Writes a new stream; its `/Length` is added here.
    pub fn put_stream(&mut self, dictionary: Dictionary, data: &[u8]) -> Result<Ref, PdfError> {
        let id = self.allocate()?;
        let data = match &self.document.protection {
            Some(protection) => Cow::Owned(protection.encrypt_stream(id, data)),
            None => Cow::Borrowed(data),
        };
        let dictionary = dictionary.with("Length", Object::Integer(data.len() as i64));
        let start = self.begin(id);
        self.write(id, &Object::Dictionary(dictionary));
        self.tail.extend_from_slice(b"\nstream\n");
        self.tail.extend_from_slice(&data);
        self.tail.extend_from_slice(b"\nendstream");
        self.end(id, start)?;
        Ok(id)
    }

    /// Writes a signature dictionary (12.8.1) whose `/ByteRange` and `/Contents` are still blank.
    pub fn put_signature_value(
        &mut self,
        dictionary: Dictionary,
        reserve: usize,
    ) -> Result<(Ref, Blanks), PdfError> {
        let id = self.allocate()?;
        let start = self.begin(id);
        self.write(id, &Object::Dictionary(dictionary));
        let tail = &mut self.tail;
        tail.truncate(tail.len() - ">>".len());
        tail.extend_from_slice(b"/ByteRange ");
        let byte_range = tail.len()..tail.len() + LONGEST_BYTE_RANGE.len();
        tail.resize(byte_range.end, b' ');
        tail.extend_from_slice(b"/Contents ");
        let contents = tail.len()..tail.len() + 2 * reserve + "<>".len();
        tail.push(b'<');
        tail.resize(contents.end - 1, b'0');
        tail.extend_from_slice(b">>>");
        self.end(id, start)?;
        Ok((
            id,
            Blanks {
                byte_range,
                contents,
            },
        ))
    }

    /// Encrypts the strings of `value` if the file is encrypted.
    fn write(&mut self, id: Ref, value: &Object) {
        match &self.document.protection {
            Some(protection) => protection.encrypt_strings(id, value).write(&mut self.tail),
            None => value.write(&mut self.tail),
        }
    }

    fn begin(&mut self, id: Ref) -> usize {
        let start = self.tail.len();
        self.tail
            .extend_from_slice(format!("{} {} obj\n", id.number, id.generation).as_bytes());
        start
    }

    fn end(&mut self, id: Ref, start: usize) -> Result<(), PdfError> {
        self.tail.extend_from_slice(b"\nendobj\n");
        let written = Written {
            generation: id.generation,
            start,
        };
        if self.entries.insert(id.number, written).is_some() {
            return Err(PdfError::in_object(TWO_ROLES, id.number));
        }
        Ok(())
    }

    /// Writes cross-reference data and trailer; `file_id` becomes the second part of `/ID`, which
    /// changes with every update (14.4).
    pub fn finish(mut self, file_id: &[u8]) -> Result<Vec<u8>, PdfError> {
        let xref = &self.document.xref;
        let kind = xref.kind;
        let stream_id = match kind {
            Kind::Table => None,
            Kind::Stream => Some(self.allocate()?),
        };
        let section = self.tail.len();
        let mut rows = BTreeMap::new();
        if xref.start.is_none() {
            rows.insert(0, Entry::Free);
            rows.extend(xref.entries.iter().map(|(number, entry)| (*number, *entry)));
        }
        for (number, written) in &self.entries {
            let at = self.document.data.len() + written.start;
            rows.insert(
                *number,
                Entry::Offset {
                    at,
                    generation: written.generation,
                },
            );
        }
        if let Some(id) = stream_id {
            let at = self.document.data.len() + section;
            rows.insert(id.number, Entry::Offset { at, generation: 0 });
        }

        let mut trailer = Dictionary::default();
        for (key, value) in xref.trailer.iter() {
            if !SECTION_KEYS.contains(&key) {
                trailer.push(key.to_vec(), value.clone());
            }
        }
        trailer.set("Size", Object::Integer(i64::from(self.next)));
        if let Some(id) = self.identifier(file_id)? {
            trailer.set("ID", id);
        }
        if let Some(start) = xref.start {
            trailer.set("Prev", Object::Integer(start as i64));
        }
        match stream_id {
            None => write_table(&rows, xref.header, trailer, &mut self.tail),
            Some(id) => write_stream(id, &rows, xref.header, trailer, &mut self.tail),
        }
        let start = self.document.data.len() + section - xref.header;
        self.tail
            .extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());

        let length = (self.document.data.len() + self.tail.len()) as u64;
        if length > MAX_FILE {
            return Err(PdfError::Limit {
                what: "the file is too large",
                limit: MAX_FILE,
            });
        }
        Ok(self.tail)
    }

    /// The identifier of the new state. Its first part never changes; where an encrypted file has
    /// none, it gets none, since the key depends on it.
    fn identifier(&self, file_id: &[u8]) -> Result<Option<Object>, PdfError> {
        let first = match self.document.value(&self.document.xref.trailer, "ID")? {
            Object::Array(parts) => match parts.first() {
                Some(Object::String(first)) if !first.is_empty() => Some(first.clone()),
                _ => None,
            },
            _ => None,
        };
        if first.is_none() && self.document.protection.is_some() {
            return Ok(None);
        }
        let second = Object::String(file_id.to_vec());
        let first = first.map_or_else(|| second.clone(), Object::String);
        Ok(Some(Object::Array(vec![first, second])))
    }
}

/// What `/ByteRange` may grow to in a file of [`MAX_FILE`] bytes.
const LONGEST_BYTE_RANGE: &str = "[0 9999999999 9999999999 9999999999]";

/// What belongs to one cross-reference section; all else in a trailer is carried on (7.5.6).
const SECTION_KEYS: [&[u8]; 13] = [
    b"Size",
    b"Prev",
    b"XRefStm",
    b"ID",
    b"Type",
    b"W",
    b"Index",
    b"Length",
    b"Filter",
    b"DecodeParms",
    b"F",
    b"FFilter",
    b"FDecodeParms",
];

/// 7.5.4. Every line has twenty bytes.
fn write_table(rows: &BTreeMap<u32, Entry>, header: usize, trailer: Dictionary, out: &mut Vec<u8>) {
    out.extend_from_slice(b"xref\n");
    for (first, count) in subsections(rows) {
        out.extend_from_slice(format!("{first} {count}\n").as_bytes());
        for entry in rows.range(first..first + count).map(|(_, entry)| entry) {
            let line = match entry {
                Entry::Offset { at, generation } => {
                    format!("{:010} {generation:05} n \n", at - header)
                }
                // Free for good, so that no list of free objects needs to be kept. A file with
                // object streams never gets a table of all its objects.
                Entry::Free | Entry::Compressed { .. } => "0000000000 65535 f \n".to_owned(),
            };
            out.extend_from_slice(line.as_bytes());
        }
    }
    out.extend_from_slice(b"trailer\n");
    trailer.write(out);
    out.push(b'\n');
}

/// 7.5.8. Uncompressed: the few rows of an update would grow by compression.
fn write_stream(
    id: Ref,
    rows: &BTreeMap<u32, Entry>,
    header: usize,
    trailer: Dictionary,
    out: &mut Vec<u8>,
) {
    let place = |entry: &Entry| match entry {
        Entry::Free => [0, 0, 65_535],
        Entry::Offset { at, generation } => [1, (at - header) as u64, u64::from(*generation)],
        Entry::Compressed { stream, index } => [2, u64::from(*stream), u64::from(*index)],
    };
    let width = |column: usize| {
        let largest = rows
            .values()
            .map(|entry| place(entry)[column])
            .max()
            .unwrap_or(0);
        (8 - largest.leading_zeros() as usize / 8).max(1)
    };
    let widths = [1, width(1), width(2)];
    let mut data = Vec::with_capacity(rows.len() * widths.iter().sum::<usize>());
    for entry in rows.values() {
        for (value, width) in place(entry).into_iter().zip(widths) {
            data.extend_from_slice(&value.to_be_bytes()[8 - width..]);
        }
    }
    let index = subsections(rows)
        .into_iter()
        .flat_map(|(first, count)| [first, count].map(|value| Object::Integer(value.into())));
    let mut dictionary = Dictionary::default()
        .with("Type", Object::name("XRef"))
        .with(
            "W",
            Object::Array(widths.map(|width| Object::Integer(width as i64)).to_vec()),
        )
        .with("Index", Object::Array(index.collect()))
        .with("Length", Object::Integer(data.len() as i64));
    for (key, value) in trailer.iter() {
        dictionary.push(key.to_vec(), value.clone());
    }
    out.extend_from_slice(format!("{} {} obj\n", id.number, id.generation).as_bytes());
    dictionary.write(out);
    out.extend_from_slice(b"\nstream\n");
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\nendstream\nendobj\n");
}

/// First number and length of each run of consecutive object numbers.
fn subsections(rows: &BTreeMap<u32, Entry>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in rows.keys() {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == *number => *count += 1,
            _ => runs.push((*number, 1)),
        }
    }
    runs
}

/// Where the parts of a signature value stand that are filled in last, from the start of the tail.
#[derive(Debug, Clone)]
pub(crate) struct Blanks {
    /// The numbers of `/ByteRange`, with the brackets and room for growth.
    pub byte_range: std::ops::Range<usize>,
    /// The hexadecimal string of `/Contents` with its angle brackets.
    pub contents: std::ops::Range<usize>,
}

impl Blanks {
    /// Fills in `/ByteRange` for a tail that follows `base` bytes (12.8.1: everything but the
    /// value of `/Contents`).
    pub fn fill_byte_range(&self, base: usize, tail: &mut [u8]) {
        let text = format!(
            "[0 {} {} {}]",
            base + self.contents.start,
            base + self.contents.end,
            tail.len() - self.contents.end
        );
        tail[self.byte_range.start..][..text.len()].copy_from_slice(text.as_bytes());
    }
}

/// Writes `cms` over the first digits of a container; the zeros behind it stay.
pub(crate) fn fill_contents(contents: &mut [u8], cms: &[u8]) {
    let mut digits = Vec::with_capacity(2 * cms.len());
    write_hex(cms, &mut digits);
    contents[..digits.len()].copy_from_slice(&digits);
}
