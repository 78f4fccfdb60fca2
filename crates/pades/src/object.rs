//! PDF objects as values, and how they are written (ISO 32000-2, 7.3).
//!
//! Objects are owned: only the handful that a signature touches is ever parsed. Whatever is
//! read and written back keeps its meaning exactly; numbers that are not plain integers keep
//! their very digits.

/// A reference to an indirect object (ISO 32000-2, 7.3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ref {
    pub number: u32,
    pub generation: u16,
}

/// Any object but a stream: a stream is a dictionary plus a place in the file, see
/// [`crate::document::Indirect`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Object {
    Null,
    Boolean(bool),
    Integer(i64),
    /// The token as it stands in the file; also integers beyond 64 bits.
    Real(Box<[u8]>),
    /// Decoded bytes; what they mean depends on the key (text, date, binary).
    String(Vec<u8>),
    /// Decoded bytes, without the slash.
    Name(Vec<u8>),
    Array(Vec<Object>),
    Dictionary(Dictionary),
    Reference(Ref),
}

/// A dictionary that keeps its order, so that a rewritten one differs only where it was changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Dictionary {
    entries: Vec<(Vec<u8>, Object)>,
}

impl Object {
    pub fn name(name: &str) -> Self {
        Self::Name(name.as_bytes().to_vec())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub fn as_reference(&self) -> Option<Ref> {
        match self {
            Self::Reference(id) => Some(*id),
            _ => None,
        }
    }

    /// Appends the object's syntax to `out`. Every token that needs one is preceded by a
    /// delimiter written by the caller.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(true) => out.extend_from_slice(b"true"),
            Self::Boolean(false) => out.extend_from_slice(b"false"),
            Self::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Real(token) => out.extend_from_slice(token),
            Self::String(bytes) => write_string(bytes, out),
            Self::Name(name) => write_name(name, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Dictionary(dictionary) => dictionary.write(out),
            Self::Reference(id) => {
                out.extend_from_slice(format!("{} {} R", id.number, id.generation).as_bytes());
            }
        }
    }
}

impl Dictionary {
    /// The value of `key`. Where a broken file has the key twice, the last one counts.
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.entries
            .iter()
            .rev()
            .find(|(name, _)| name == key.as_bytes())
            .map(|(_, value)| value)
    }

    pub fn set(&mut self, key: &str, value: Object) {
        match self
            .entries
            .iter_mut()
            .rev()
            .find(|(name, _)| name == key.as_bytes())
        {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.as_bytes().to_vec(), value)),
        }
    }

    pub fn with(mut self, key: &str, value: Object) -> Self {
        self.set(key, value);
        self
    }

    pub fn push(&mut self, key: Vec<u8>, value: Object) {
        self.entries.push((key, value));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Object)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_slice(), value))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut Object)> {
        self.entries
            .iter_mut()
            .map(|(key, value)| (key.as_slice(), value))
    }

    /// True when `/Type` is there and is `name`.
    pub fn is_type(&self, name: &str) -> bool {
        self.get("Type").and_then(Object::as_name) == Some(name.as_bytes())
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<<");
        for (key, value) in &self.entries {
            write_name(key, out);
            out.push(b' ');
            value.write(out);
        }
        out.extend_from_slice(b">>");
    }
}

/// ISO 32000-2, 7.3.5: irregular characters as `#xx`.
fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for &byte in name {
        if byte == b'#' || !byte.is_ascii_graphic() || crate::syntax::is_delimiter(byte) {
            out.extend_from_slice(format!("#{byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
    }
}

/// ISO 32000-2, 7.3.4: literal while it stays readable, hexadecimal otherwise.
fn write_string(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        out.push(b'(');
        for &byte in bytes {
            if matches!(byte, b'(' | b')' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.push(b')');
    } else {
        out.push(b'<');
        write_hex(bytes, out);
        out.push(b'>');
    }
}

/// Appends two upper-case hexadecimal digits for each byte.
pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend(bytes.iter().flat_map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    }));
}
