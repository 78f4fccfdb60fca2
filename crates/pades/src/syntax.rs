//! The lexical layer: bytes to [`Object`]s (ISO 32000-2, 7.2 and 7.3).

use std::ops::Range;

use crate::object::{Dictionary, Object, Ref};

/// Arrays and dictionaries inside one another. Real files stay below 20.
const MAX_DEPTH: usize = 128;

/// What stopped the lexer, and at which byte of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub what: &'static str,
    pub at: usize,
}

/// `N G obj` followed by a value, and by a stream's data where there is one.
#[derive(Debug)]
pub(crate) struct ParsedIndirect {
    pub id: Ref,
    pub value: Object,
    /// Where the value stands, without `N G obj`.
    pub span: Range<usize>,
    /// Where the stream's data begin.
    pub stream: Option<usize>,
}

/// A cursor over PDF syntax.
pub(crate) struct Lexer<'a> {
    data: &'a [u8],
    pos: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(data: &'a [u8], pos: usize) -> Self {
        Self {
            data,
            pos: pos.min(data.len()),
        }
    }

    pub fn position(&self) -> usize {
        self.pos
    }

    pub fn seek(&mut self, pos: usize) {
        self.pos = pos.min(self.data.len());
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.data[self.pos..]
    }

    /// White space and comments (7.2.3, 7.2.4).
    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if is_space(byte) {
                self.pos += 1;
            } else if byte == b'%' {
                let line = self.rest();
                self.pos += memchr::memchr2(b'\r', b'\n', line).unwrap_or(line.len());
            } else {
                break;
            }
        }
    }

    /// Takes `word` if it comes next as a token of its own.
    pub fn take_keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.rest();
        let found = rest.starts_with(word.as_bytes())
            && rest.get(word.len()).is_none_or(|byte| !is_regular(*byte));
        if found {
            self.pos += word.len();
        }
        found
    }

    /// An integer without sign, as used in references and cross-reference tables.
    pub fn take_unsigned(&mut self) -> Option<u64> {
        self.skip_space();
        let rest = self.rest();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // 19 digits always fit.
        if digits == 0 || digits > 19 || rest.get(digits).is_some_and(|byte| is_regular(*byte)) {
            return None;
        }
        self.pos += digits;
        Some(
            rest[..digits]
                .iter()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')),
        )
    }

    pub fn object(&mut self) -> Result<Object, SyntaxError> {
        self.object_at_depth(0)
    }

    /// The `N G obj` with which an indirect object begins.
    pub fn indirect_head(&mut self) -> Option<Ref> {
        let number = u32::try_from(self.take_unsigned()?).ok()?;
        let generation = u16::try_from(self.take_unsigned()?).ok()?;
        self.take_literal("obj")
            .then_some(Ref { number, generation })
    }

    /// An indirect object; the cursor ends behind its value, or at its stream's data.
    pub fn indirect(&mut self) -> Result<ParsedIndirect, SyntaxError> {
        let Some(id) = self.indirect_head() else {
            return Err(self.error("no object where one should begin"));
        };
        self.skip_space();
        let start = self.pos;
        // `1 0 obj endobj` is how some producers write null.
        let value = if self.rest().starts_with(b"endobj") {
            Object::Null
        } else {
            self.object()?
        };
        let span = start..self.pos;
        let mut stream = None;
        if matches!(value, Object::Dictionary(_)) {
            let after_value = self.pos;
            if self.take_keyword("stream") {
                // 7.3.8.1 wants CR LF or LF; a lone CR occurs.
                self.pos += match self.rest() {
                    [b'\r', b'\n', ..] => 2,
                    [b'\r' | b'\n', ..] => 1,
                    _ => 0,
                };
                stream = Some(self.pos);
            } else {
                self.pos = after_value;
            }
        }
        Ok(ParsedIndirect {
            id,
            value,
            span,
            stream,
        })
    }

    fn object_at_depth(&mut self, depth: usize) -> Result<Object, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("arrays or dictionaries nested too deeply"));
        }
        self.skip_space();
        match self.rest() {
            [b'/', ..] => self.name().map(Object::Name),
            [b'<', b'<', ..] => self.dictionary(depth).map(Object::Dictionary),
            [b'<', ..] => self.hex_string().map(Object::String),
            [b'(', ..] => self.literal_string().map(Object::String),
            [b'[', ..] => self.array(depth),
            [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => Ok(self.number_or_reference()),
            _ if self.take_keyword("null") => Ok(Object::Null),
            _ if self.take_keyword("true") => Ok(Object::Boolean(true)),
            _ if self.take_keyword("false") => Ok(Object::Boolean(false)),
            [] => Err(self.error("the file ends inside an object")),
            _ => Err(self.error("unknown token inside an object")),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Dictionary, SyntaxError> {
        self.pos += 2;
        let mut dictionary = Dictionary::default();
        loop {
            self.skip_space();
            match self.rest() {
                [b'>', b'>', ..] => {
                    self.pos += 2;
                    return Ok(dictionary);
                }
                [b'/', ..] => {
                    let key = self.name()?;
                    let value = self.object_at_depth(depth + 1)?;
                    dictionary.push(key, value);
                }
                _ => return Err(self.error("a dictionary key is not a name")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Object, SyntaxError> {
        self.pos += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some(b']') {
                self.pos += 1;
                return Ok(Object::Array(items));
            }
            items.push(self.object_at_depth(depth + 1)?);
        }
    }

    fn name(&mut self) -> Result<Vec<u8>, SyntaxError> {
        self.pos += 1;
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| is_regular(**byte)).count();
        let token = &rest[..length];
        self.pos += length;
        let mut name = Vec::with_capacity(length);
        let mut index = 0;
        while index < token.len() {
            // A `#` that starts no number stands for itself, as in PDF 1.1.
            if let [b'#', high, low, ..] = token[index..]
                && let (Some(high), Some(low)) = (hex_digit(high), hex_digit(low))
            {
                name.push(high << 4 | low);
                index += 3;
            } else {
                name.push(token[index]);
                index += 1;
            }
        }
        Ok(name)
    }

    fn hex_string(&mut self) -> Result<Vec<u8>, SyntaxError> {
        let start = self.pos;
        self.pos += 1;
        let rest = self.rest();
        let Some(length) = memchr::memchr(b'>', rest) else {
            return Err(SyntaxError {
                what: "a string has no end",
                at: start,
            });
        };
        self.pos += length + 1;
        decode_hex(&rest[..length]).ok_or(SyntaxError {
            what: "a hexadecimal string holds other characters",
            at: start,
        })
    }

    fn literal_string(&mut self) -> Result<Vec<u8>, SyntaxError> {
        let start = self.pos;
        self.pos += 1;
        let mut text = Vec::new();
        let mut open = 1_usize;
        while let Some(byte) = self.peek() {
            self.pos += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(text);
                    }
                }
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                b'\r' => {
                    // 7.3.4.2: an end of line inside a string counts as one LF.
                    if self.peek() == Some(b'\n') {
                        self.pos += 1;
                    }
                    text.push(b'\n');
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        Err(SyntaxError {
            what: "a string has no end",
            at: start,
        })
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.pos += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\n' => {}
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.pos += 1;
                }
            }
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                    self.pos += 1;
                }
                // 7.3.4.2: high-order overflow is ignored.
                text.push(value as u8);
            }
            other => text.push(other),
        }
    }

    fn number_or_reference(&mut self) -> Object {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| is_regular(**byte)).count();
        let token = &rest[..length];
        self.pos += length;
        let plain = token.iter().all(u8::is_ascii_digit);
        let Some(value) = std::str::from_utf8(token)
            .ok()
            .and_then(|text| text.parse().ok())
        else {
            return Object::Real(token.into());
        };
        if plain && let Ok(number) = u32::try_from(value) {
            let after_number = self.pos;
            let generation = self
                .take_unsigned()
                .and_then(|number| u16::try_from(number).ok());
            if let Some(generation) = generation
                && self.take_keyword("R")
            {
                return Object::Reference(Ref { number, generation });
            }
            self.pos = after_number;
        }
        Object::Integer(value)
    }

    /// Takes `word` even where the next token follows without a gap, as in `obj<<`.
    fn take_literal(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(word.as_bytes());
        if found {
            self.pos += word.len();
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.pos).copied()
    }

    fn error(&self, what: &'static str) -> SyntaxError {
        SyntaxError { what, at: self.pos }
    }
}

/// 7.3.4.3: white space is ignored and a missing last digit is zero. `None` on anything else.
pub(crate) fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for &digit in digits.iter().filter(|byte| !is_space(**byte)) {
        let value = hex_digit(digit)?;
        match high.take() {
            Some(high) => bytes.push(high << 4 | value),
            None => high = Some(value),
        }
    }
    bytes.extend(high.map(|high| high << 4));
    Some(bytes)
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

pub(crate) fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        let object = Lexer::new(text.as_bytes(), 0).object().unwrap();
        let mut out = Vec::new();
        object.write(&mut out);
        assert_eq!(
            Lexer::new(&out, 0).object().unwrap(),
            object,
            "written form reads the same"
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_are_written_as_they_were_read() {
        for text in [
            "<</Type /Page/Rotate -90/Box [0 0 595.276 841.89]/P 3 0 R/Q (a\\(b\\)\\\\)/N null>>",
            "[1 2 3 0 R 4 5]",
            "[-.5 +7.25 4. 123456789012345678901234567890]",
            "/A#20B#23C",
            "true",
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn strings_follow_the_escape_rules() {
        let text = b"(a\\\r\nb\r\nc\\1014\\n(x)\\q)";
        assert_eq!(
            Lexer::new(text, 0).object().unwrap(),
            Object::String(b"ab\ncA4\n(x)q".to_vec())
        );
        assert_eq!(
            Lexer::new(b"<48 6\n9 7>", 0).object().unwrap(),
            Object::String(b"Hip".into())
        );
    }

    #[test]
    fn depth_is_bounded() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        let error = Lexer::new(&deep, 0).object().unwrap_err();
        assert_eq!(error.what, "arrays or dictionaries nested too deeply");
    }
}
