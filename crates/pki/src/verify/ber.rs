//! BER to DER, for containers of signers that stream: indefinite lengths, strings in pieces,
//! lengths with more bytes than they need (X.690 §8.1.3, §8.7.3).

use crate::PkiError;

/// Elements inside one another. Containers need about twenty.
const MAX_DEPTH: usize = 48;

/// The first element of `bytes`, with definite and shortest lengths throughout and strings in one
/// piece, and how many bytes it took. What is inside of primitive elements stays untouched, and so
/// does the order of sets.
pub(super) fn first_as_der(bytes: &[u8]) -> Result<(Vec<u8>, usize), PkiError> {
    let mut reader = Reader { bytes, at: 0 };
    let mut out = Vec::with_capacity(bytes.len());
    reader.element(&mut out, 0)?;
    Ok((out, reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

const MALFORMED: PkiError = PkiError::Malformed("signature container");
const CONSTRUCTED: u8 = 0x20;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

impl<'a> Reader<'a> {
    fn element(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), PkiError> {
        if depth > MAX_DEPTH {
            return Err(MALFORMED);
        }
        let tag = self.tag()?;
        let length = self.length()?;
        if tag[0] & CONSTRUCTED == 0 {
            let content = self.take(length.ok_or(MALFORMED)?)?;
            write(out, tag, content);
            return Ok(());
        }
        let mut inner = Vec::new();
        let pieces_of_a_string = matches!(tag[0], 0x23 | 0x24);
        match length {
            Some(length) => {
                let end = self.at.checked_add(length).ok_or(MALFORMED)?;
                while self.at < end {
                    self.element(&mut inner, depth + 1)?;
                }
                if self.at != end {
                    return Err(MALFORMED);
                }
            }
            None => {
                while !self.bytes[self.at..].starts_with(&END_OF_CONTENTS) {
                    self.element(&mut inner, depth + 1)?;
                }
                self.at += END_OF_CONTENTS.len();
            }
        }
        if pieces_of_a_string {
            write(out, &[tag[0] & !CONSTRUCTED], &joined(tag[0], &inner)?);
        } else {
            write(out, tag, &inner);
        }
        Ok(())
    }

    fn tag(&mut self) -> Result<&'a [u8], PkiError> {
        let start = self.at;
        if self.take(1)?[0] & 0x1f == 0x1f {
            while self.take(1)?[0] & 0x80 != 0 {}
        }
        Ok(&self.bytes[start..self.at])
    }

    /// `None` where the length is indefinite.
    fn length(&mut self) -> Result<Option<usize>, PkiError> {
        match self.take(1)?[0] {
            0x80 => Ok(None),
            short @ 0..=0x7f => Ok(Some(usize::from(short))),
            long => {
                let digits = self.take(usize::from(long & 0x7f))?;
                let zeros = digits.iter().take_while(|byte| **byte == 0).count();
                if digits.len() - zeros > 4 {
                    return Err(MALFORMED);
                }
                let digit = |sum, byte: &u8| sum << 8 | usize::from(*byte);
                Ok(Some(digits.iter().fold(0, digit)))
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PkiError> {
        let end = self.at.checked_add(count).ok_or(MALFORMED)?;
        let taken = self.bytes.get(self.at..end).ok_or(MALFORMED)?;
        self.at = end;
        Ok(taken)
    }
}

/// The content of a string whose pieces, primitive by now, stand in `inner`.
fn joined(tag: u8, inner: &[u8]) -> Result<Vec<u8>, PkiError> {
    let is_bits = tag == 0x23;
    let mut reader = Reader {
        bytes: inner,
        at: 0,
    };
    let mut content = if is_bits { vec![0] } else { Vec::new() };
    while reader.at < inner.len() {
        if reader.take(1)?[0] != tag & !CONSTRUCTED {
            return Err(MALFORMED);
        }
        let length = reader.length()?.ok_or(MALFORMED)?;
        let piece = reader.take(length)?;
        match (is_bits, piece) {
            (false, piece) => content.extend_from_slice(piece),
            (true, [0, bytes @ ..]) => content.extend_from_slice(bytes),
            (true, _) => return Err(MALFORMED),
        }
    }
    Ok(content)
}

fn write(out: &mut Vec<u8>, tag: &[u8], content: &[u8]) {
    out.extend_from_slice(tag);
    // `tlv` knows tags of one byte; the last one of a longer tag serves as well as any.
    let framed = crate::encode::tlv(0, &[content]);
    out.extend_from_slice(&framed[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(bytes: &[u8]) -> Result<Vec<u8>, PkiError> {
        first_as_der(bytes).map(|(der, _)| der)
    }

    #[test]
    fn der_stays_as_it_is_and_what_follows_is_left() {
        let der = [0x30, 5, 2, 1, 7, 5, 0];
        let padded = [&der[..], &[0, 0, 0]].concat();
        assert_eq!(first_as_der(&padded), Ok((der.to_vec(), 7)));
    }

    #[test]
    fn indefinite_and_long_lengths_become_definite_and_short() {
        let ber = [0x30, 0x80, 0x31, 0x82, 0, 3, 2, 1, 7, 0x9f, 0x1f, 0, 0, 0];
        let der = [0x30, 8, 0x31, 3, 2, 1, 7, 0x9f, 0x1f, 0];
        assert_eq!(converted(&ber), Ok(der.to_vec()));
    }

    #[test]
    fn strings_in_pieces_are_joined() {
        let octets = [0x24, 0x80, 4, 1, 1, 0x24, 3, 4, 1, 2, 0, 0];
        assert_eq!(converted(&octets), Ok(vec![4, 2, 1, 2]));
        let bits = [0x23, 8, 3, 2, 0, 1, 3, 2, 0, 2];
        assert_eq!(converted(&bits), Ok(vec![3, 3, 0, 1, 2]));
    }

    #[test]
    fn what_ends_early_or_lies_too_deep_is_refused() {
        assert_eq!(converted(&[]), Err(MALFORMED));
        assert_eq!(converted(&[0x30, 0x80, 2, 1, 7]), Err(MALFORMED));
        assert_eq!(
            converted(&[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1]),
            Err(MALFORMED)
        );
        assert_eq!(converted(&[0x30, 3, 2, 2, 7, 7]), Err(MALFORMED));
        assert_eq!(converted(&[0x30, 0x80].repeat(100)), Err(MALFORMED));
        assert_eq!(converted(&[0x24, 2, 5, 0]), Err(MALFORMED));
    }
}
