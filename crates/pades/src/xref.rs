//! Cross-reference data: where each object stands (ISO 32000-2, 7.5.4 to 7.5.8).
//!
//! [`read`] follows `startxref` through tables, streams, hybrid files and all earlier revisions.
//! [`rebuild`] ignores all that and looks for the objects themselves; it serves files whose
//! cross-reference data are damaged.

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use crate::{
    error::PdfError,
    filter,
    object::{Dictionary, Object},
    syntax::Lexer,
};

/// Annex C.2 names 8,388,607 as the customary highest object number.
pub(crate) const MAX_OBJECT_NUMBER: u32 = 8_388_607;

const TRAILER_LOST: &str = "and the trailer that would say how is lost";

/// Said of streams whose data no `endstream` of the file ends for certain.
pub(crate) const NO_END: &str = "a stream does not end within the file";

/// What ends the data of a stream, and how many bytes it takes with the white space before it. The
/// book knows one end of line there (7.3.8.1); writers add some.
const END: &[u8] = b"endstream";
const LONGEST_END: usize = END.len() + 16;

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Free,
    /// From the start of the file, any header offset included.
    Offset {
        at: usize,
        generation: u16,
    },
    Compressed {
        stream: u32,
        index: u32,
    },
}

/// The form of cross-reference data that the newest revision uses, which the next one keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    Stream,
}

/// All revisions' cross-reference data as one map, the newest entry of each object winning.
#[derive(Debug)]
pub(crate) struct Xref {
    pub entries: HashMap<u32, Entry>,
    /// The newest trailer, completed from older ones where it lacks `/Root`, `/Info` or `/ID`.
    pub trailer: Dictionary,
    pub kind: Kind,
    /// The newest section's offset as `startxref` gives it; `None` after [`rebuild`].
    pub start: Option<usize>,
    /// Where the header stands. Offsets within the file are counted from there (7.5.2); files
    /// that count them otherwise come out of [`rebuild`].
    pub header: usize,
}

struct Section {
    entries: Vec<(u32, Entry)>,
    trailer: Dictionary,
    kind: Kind,
}

/// Reads what `startxref` leads to. `header` is the offset of `%PDF-`; `inflate_limit` bounds
/// each cross-reference stream.
pub(crate) fn read(data: &[u8], header: usize, inflate_limit: usize) -> Result<Xref, PdfError> {
    let keyword = memmem::rfind(data, b"startxref")
        .ok_or_else(|| PdfError::at_byte("there is no startxref", data.len()))?;
    let mut lexer = Lexer::new(data, keyword + "startxref".len());
    let start = lexer
        .take_unsigned()
        .and_then(|start| usize::try_from(start).ok())
        .ok_or_else(|| PdfError::at_byte("startxref gives no offset", keyword))?;
    let behind = &data[lexer.position()..];
    if memmem::find_iter(behind, b"obj")
        .any(|mark| object_start(&behind[..mark], &behind[mark..]).is_some())
    {
        return Err(PdfError::Truncated);
    }

    let reader = Reader {
        data,
        header,
        inflate_limit,
    };
    let newest = reader.section(start)?;
    let mut xref = Xref {
        entries: HashMap::new(),
        trailer: newest.trailer.clone(),
        kind: newest.kind,
        start: Some(start),
        header,
    };
    let mut seen = HashSet::from([start]);
    let mut work = 0_usize;
    let mut next = Some(newest);
    while let Some(section) = next.take() {
        work += section.entries.len();
        // Sections can overlap, so the map alone does not bound the work.
        check_limit(work, max_entries(data).saturating_mul(4))?;
        // In a hybrid file the entries of the stream stand before the table's free ones, which
        // hide them from old readers (7.5.8.4).
        let hidden = match offset(&section.trailer, "XRefStm") {
            Some(at) if section.kind == Kind::Table => reader.section(at)?.entries,
            _ => Vec::new(),
        };
        xref.entries.reserve(section.entries.len());
        let is_free = |(_, entry): &&(u32, Entry)| *entry == Entry::Free;
        let used = section.entries.iter().filter(|entry| !is_free(entry));
        let free = section.entries.iter().filter(is_free);
        for (number, entry) in used.chain(&hidden).chain(free) {
            xref.entries.entry(*number).or_insert(*entry);
        }
        check_count(xref.entries.len(), data)?;
        complete(&mut xref.trailer, &section.trailer);
        let entry = section.trailer.get("Prev");
        if entry.is_some_and(|entry| !entry.is_null()) {
            let previous = offset(&section.trailer, "Prev").ok_or_else(|| {
                PdfError::at_byte("the earlier cross-reference section has no offset", start)
            })?;
            if !seen.insert(previous) {
                let what = "the cross-reference sections form a loop";
                return Err(PdfError::at_byte(what, previous));
            }
            next = Some(reader.section(previous)?);
        }
    }
    Ok(xref)
}

/// An object stream that [`rebuild`] came across.
pub(crate) struct FoundStream {
    pub number: u32,
    /// Where its object begins.
    pub at: usize,
}

/// What [`rebuild`] found.
pub(crate) struct Rebuilt {
    pub xref: Xref,
    /// What these hold is still to be added, since they may be encrypted.
    pub object_streams: Vec<FoundStream>,
    /// An object is the value of a signature.
    pub is_signed: bool,
}

/// Finds every object by its `N G obj`, and every trailer, later ones in the file replacing
/// earlier ones. Streams are skipped as a whole, so that a PDF inside a PDF does not leak out.
pub(crate) fn rebuild(data: &[u8], header: usize) -> Result<Rebuilt, PdfError> {
    let mut entries = HashMap::new();
    let mut trailer = Dictionary::default();
    let mut catalog = None;
    let mut encrypted = false;
    let mut is_signed = false;
    let mut object_streams = Vec::new();
    let mut at = header;
    for mark in memchr::memchr2_iter(b'o', b't', &data[header..]).map(|mark| mark + header) {
        if mark < at {
            continue;
        }
        if data[mark..].starts_with(b"trailer") {
            let mut lexer = Lexer::new(data, mark + "trailer".len());
            if let Object::Dictionary(newer) = lexer.object()? {
                replace(&mut trailer, newer);
            }
            at = lexer.position();
            continue;
        }
        let Some(start) = object_start(&data[at..mark], &data[mark..]) else {
            continue;
        };
        let start = at + start;
        let mut lexer = Lexer::new(data, start);
        // A damaged object is not passed over: an older state of it would take its place.
        let object = lexer.indirect()?;
        at = lexer.position();
        let number = object.id.number;
        let generation = object.id.generation;
        entries.insert(
            number,
            Entry::Offset {
                at: start,
                generation,
            },
        );
        let Object::Dictionary(dictionary) = object.value else {
            continue;
        };
        if dictionary.is_type("Catalog") {
            catalog = Some(object.id);
        }
        encrypted |= is_encryption(&dictionary);
        is_signed |= dictionary.get("ByteRange").is_some();
        let Some(stream) = object.stream else {
            continue;
        };
        at = stream + certain_length(data, stream, dictionary.get("Length"))?;
        if dictionary.is_type("XRef") {
            replace(&mut trailer, dictionary);
        } else if dictionary.is_type("ObjStm") {
            object_streams.push(FoundStream { number, at: start });
        }
        check_count(entries.len(), data)?;
    }
    if trailer.get("Root").is_none() {
        // The trailer that would say so is lost.
        if encrypted {
            return Err(PdfError::Encrypted(TRAILER_LOST));
        }
        let id = catalog.ok_or_else(|| PdfError::at_byte("there is no catalogue", data.len()))?;
        trailer.set("Root", Object::Reference(id));
    }
    let kind = if object_streams.is_empty() {
        Kind::Table
    } else {
        Kind::Stream
    };
    let xref = Xref {
        entries,
        trailer,
        kind,
        start: None,
        header,
    };
    Ok(Rebuilt {
        xref,
        object_streams,
        is_signed,
    })
}

/// One line of an object stream's index (7.5.7).
pub(crate) struct StreamIndexEntry {
    pub number: u32,
    /// From the start of the decoded stream.
    pub at: usize,
}

/// The index at the head of a decoded object stream; it ends early where it is damaged.
pub(crate) fn stream_index(
    plain: &[u8],
    dictionary: &Dictionary,
) -> impl Iterator<Item = StreamIndexEntry> {
    let count = dictionary
        .get("N")
        .and_then(Object::as_integer)
        .unwrap_or(0);
    let first = offset(dictionary, "First").unwrap_or(0);
    let mut lexer = Lexer::new(plain, 0);
    (0..count).map_while(move |_| {
        let number = u32::try_from(lexer.take_unsigned()?).ok()?;
        let at = usize::try_from(lexer.take_unsigned()?)
            .ok()?
            .saturating_add(first);
        Some(StreamIndexEntry { number, at })
    })
}

/// The length of a stream's data: the declared one where `endstream` follows it, and otherwise
/// the distance to the next `endstream`, or to the end of the file.
pub(crate) fn stream_length(data: &[u8], declared: Option<&Object>) -> usize {
    declared_length(declared)
        .filter(|length| is_end(behind(data, *length)))
        .or_else(|| memmem::find(data, END))
        .unwrap_or(data.len())
}

/// The same if it stays so whatever is appended to the file: `None` where no `endstream` follows, or
/// where the declared one would have to be appended.
pub(crate) fn settled_length(data: &[u8], declared: Option<&Object>) -> Option<usize> {
    let is_open = |length: usize| {
        let behind = behind(data, length);
        data.len().saturating_sub(length) < LONGEST_END
            && !is_end(behind)
            && END.starts_with(behind)
    };
    let is_open = declared_length(declared).is_some_and(is_open);
    let length = stream_length(data, declared);
    (!is_open && length < data.len()).then_some(length)
}

fn declared_length(declared: Option<&Object>) -> Option<usize> {
    declared
        .and_then(Object::as_integer)
        .and_then(|length| usize::try_from(length).ok())
}

/// What stands where a stream of this length would end, without white space before it.
fn behind(data: &[u8], length: usize) -> &[u8] {
    let behind = data.get(length..).unwrap_or_default();
    behind[..behind.len().min(LONGEST_END)].trim_ascii_start()
}

fn is_end(behind: &[u8]) -> bool {
    behind.starts_with(END)
}

/// The length of a stream's data, if there is no doubt about it. An `endobj` before `endstream`
/// leaves two readings: that the end of this stream is damaged, or that it holds a PDF.
fn certain_length(
    data: &[u8],
    stream: usize,
    declared: Option<&Object>,
) -> Result<usize, PdfError> {
    let data = &data[stream..];
    let is_certain = |length: &usize| {
        declared_length(declared) == Some(*length)
            || memmem::find(&data[..*length], b"endobj").is_none()
    };
    settled_length(data, declared)
        .filter(is_certain)
        .ok_or_else(|| PdfError::at_byte("a stream has no certain end", stream))
}

/// An encryption dictionary of the standard handler (7.6.4.2, table 21).
fn is_encryption(dictionary: &Dictionary) -> bool {
    let is_string = |key| matches!(dictionary.get(key), Some(Object::String(_)));
    is_string("O") && is_string("U") && dictionary.get("P").is_some()
}

/// Bytes that the structure of a file may unpack to. Deflate makes at most 1,032 bytes of one,
/// and honest structure far less; without a bound a small file could ask for gigabytes.
pub(crate) fn inflate_limit(data: &[u8]) -> usize {
    data.len()
        .saturating_mul(32)
        .saturating_add(16 << 20)
        .min(512 << 20)
}

struct Reader<'a> {
    data: &'a [u8],
    header: usize,
    inflate_limit: usize,
}

impl Reader<'_> {
    fn section(&self, start: usize) -> Result<Section, PdfError> {
        let at = start
            .checked_add(self.header)
            .filter(|at| *at < self.data.len())
            .ok_or_else(|| PdfError::at_byte("a cross-reference offset is too large", start))?;
        let mut lexer = Lexer::new(self.data, at);
        if lexer.take_keyword("xref") {
            self.table(lexer)
        } else {
            self.stream(lexer)
        }
    }

    /// 7.5.4.
    fn table(&self, mut lexer: Lexer<'_>) -> Result<Section, PdfError> {
        let broken = |lexer: &Lexer<'_>| {
            PdfError::at_byte("the cross-reference table is damaged", lexer.position())
        };
        let mut entries = Vec::new();
        while !lexer.take_keyword("trailer") {
            let first = lexer.take_unsigned().ok_or_else(|| broken(&lexer))?;
            let count = lexer.take_unsigned().ok_or_else(|| broken(&lexer))?;
            for number in first..first.checked_add(count).ok_or_else(|| broken(&lexer))? {
                lexer.skip_space();
                let (at, generation, used) =
                    table_entry(&mut lexer).ok_or_else(|| broken(&lexer))?;
                // A widespread mistake is to call the head of the list of free objects number 1.
                // Since all numbers are off by one then, such a table is better replaced.
                let misnumbered = number == 1 && at == 0 && generation == 65_535 && !used;
                let number = u32::try_from(number).map_err(|_| broken(&lexer))?;
                if misnumbered || number > MAX_OBJECT_NUMBER {
                    return Err(broken(&lexer));
                }
                let generation = u16::try_from(generation).map_err(|_| broken(&lexer))?;
                entries.push((number, place(used, at, generation, self.header)));
            }
        }
        let Object::Dictionary(trailer) = lexer.object()? else {
            return Err(PdfError::at_byte(
                "there is no trailer dictionary",
                lexer.position(),
            ));
        };
        Ok(Section {
            entries,
            trailer,
            kind: Kind::Table,
        })
    }

    /// 7.5.8.
    fn stream(&self, mut lexer: Lexer<'_>) -> Result<Section, PdfError> {
        let at = lexer.position();
        let object = lexer.indirect()?;
        let number = object.id.number;
        let (Object::Dictionary(trailer), Some(stream)) = (object.value, object.stream) else {
            return Err(PdfError::at_byte("there is no cross-reference section", at));
        };
        if !trailer.is_type("XRef") {
            return Err(PdfError::at_byte("there is no cross-reference section", at));
        }
        let length = settled_length(&self.data[stream..], trailer.get("Length"))
            .ok_or_else(|| PdfError::in_object(NO_END, number))?;
        let data = &self.data[stream..stream + length];
        let plain = filter::decode(&trailer, data, self.inflate_limit, number)?;

        let broken = || PdfError::in_object("the cross-reference stream is damaged", number);
        let widths = match trailer.get("W") {
            Some(Object::Array(widths)) => widths.iter().map(width).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let Some([kind_width, second_width, third_width]) = widths.as_deref() else {
            return Err(broken());
        };
        let row = kind_width + second_width + third_width;
        if row == 0 {
            return Err(broken());
        }
        check_count(plain.len() / row, self.data)?;
        let whole = [
            Object::Integer(0),
            Object::Integer((plain.len() / row) as i64),
        ];
        let index = match trailer.get("Index") {
            Some(Object::Array(index)) => index.as_slice(),
            _ => &whole,
        };
        let mut rows = plain.chunks_exact(row);
        let mut entries = Vec::with_capacity(rows.len());
        for range in index.chunks_exact(2) {
            let (Some(first), Some(count)) = (range[0].as_integer(), range[1].as_integer()) else {
                return Err(broken());
            };
            for number in first..first.checked_add(count).ok_or_else(broken)? {
                // Some producers declare more entries than they write.
                let Some(row) = rows.next() else { break };
                let number = u32::try_from(number).map_err(|_| broken())?;
                if number > MAX_OBJECT_NUMBER {
                    continue;
                }
                let (kind, rest) = row.split_at(*kind_width);
                let (second, third) = rest.split_at(*second_width);
                let kind = if kind.is_empty() { 1 } else { big_endian(kind) };
                let (second, third) = (big_endian(second), big_endian(third));
                let entry = match kind {
                    1 => place(true, second, u16::try_from(third).unwrap_or(0), self.header),
                    2 => Entry::Compressed {
                        stream: u32::try_from(second).map_err(|_| broken())?,
                        index: u32::try_from(third).map_err(|_| broken())?,
                    },
                    // 7.5.8.3: unknown kinds count as references to null.
                    _ => Entry::Free,
                };
                entries.push((number, entry));
            }
        }
        Ok(Section {
            entries,
            trailer,
            kind: Kind::Stream,
        })
    }
}

/// Offset, generation and whether the entry is in use.
fn table_entry(lexer: &mut Lexer<'_>) -> Option<(u64, u64, bool)> {
    let decimal = |digits: &[u8]| {
        digits.iter().try_fold(0_u64, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + u64::from(digit - b'0'))
        })
    };
    // Twenty bytes by the book; anything else is read token by token.
    if let Some(line) = lexer.rest().get(..18)
        && line[10] == b' '
        && line[16] == b' '
        && let (Some(at), Some(generation)) = (decimal(&line[..10]), decimal(&line[11..16]))
        && matches!(line[17], b'n' | b'f')
    {
        lexer.seek(lexer.position() + 18);
        return Some((at, generation, line[17] == b'n'));
    }
    let at = lexer.take_unsigned()?;
    let generation = lexer.take_unsigned()?;
    let used = lexer.take_keyword("n");
    (used || lexer.take_keyword("f")).then_some((at, generation, used))
}

/// Offset 0 is the header's: entries in use that point there are free in truth.
fn place(used: bool, at: u64, generation: u16, header: usize) -> Entry {
    match usize::try_from(at)
        .ok()
        .and_then(|at| at.checked_add(header))
    {
        Some(place) if used && at > 0 => Entry::Offset {
            at: place,
            generation,
        },
        _ => Entry::Free,
    }
}

/// Where the `N G ` before an `obj` begins, if there is one within `before`.
fn object_start(before: &[u8], at_keyword: &[u8]) -> Option<usize> {
    if !at_keyword.starts_with(b"obj") {
        return None;
    }
    let space = |bytes: &[u8]| bytes.trim_ascii_end().len();
    let digits = |bytes: &[u8]| {
        bytes.len()
            - bytes
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
    };
    let generation_end = space(before);
    let generation = digits(&before[..generation_end]);
    let number_end = space(&before[..generation]);
    let number = digits(&before[..number_end]);
    (generation < generation_end && number_end < generation && number < number_end)
        .then_some(number)
}

fn offset(dictionary: &Dictionary, key: &str) -> Option<usize> {
    dictionary
        .get(key)
        .and_then(Object::as_integer)
        .and_then(|value| usize::try_from(value).ok())
}

fn width(value: &Object) -> Option<usize> {
    value
        .as_integer()
        .and_then(|width| usize::try_from(width).ok())
        .filter(|width| *width <= 8)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Takes over what an incomplete newer trailer lacks.
fn complete(trailer: &mut Dictionary, older: &Dictionary) {
    for key in ["Root", "Info", "ID", "Encrypt"] {
        if trailer.get(key).is_none()
            && let Some(value) = older.get(key)
        {
            trailer.set(key, value.clone());
        }
    }
}

/// Puts a newer trailer, found later in a damaged file, over an older one.
fn replace(trailer: &mut Dictionary, mut newer: Dictionary) {
    complete(&mut newer, trailer);
    *trailer = newer;
}

/// An entry takes room in the file, if only compressed.
fn max_entries(data: &[u8]) -> usize {
    data.len()
        .saturating_add(4096)
        .min(MAX_OBJECT_NUMBER as usize + 1)
}

/// Fails if there are more entries than `data` can hold.
pub(crate) fn check_count(count: usize, data: &[u8]) -> Result<(), PdfError> {
    check_limit(count, max_entries(data))
}

fn check_limit(count: usize, limit: usize) -> Result<(), PdfError> {
    if count > limit {
        let what = "it lists more objects than it can hold";
        return Err(PdfError::Limit {
            what,
            limit: limit as u64,
        });
    }
    Ok(())
}
