//! Text strings and dates (ISO 32000-2, 7.9.2.2 and 7.9.4).

use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use crate::object::Object;

/// PDFDocEncoding where it differs from Latin-1 (annex D.2), from 0x18 and from 0x80 on.
const SPACING_ACCENTS: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
const PUNCTUATION: [char; 33] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™',
    'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{FFFD}', '€',
];

/// A text string: plain where it is ASCII, UTF-16 with a byte order mark otherwise.
pub(crate) fn encode(text: &str) -> Object {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Object::String(text.as_bytes().to_vec());
    }
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    Object::String([0xFE, 0xFF].into_iter().chain(units).collect())
}

/// The text of a string in any of the three encodings; what is not text becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, units @ ..] => {
            let units: Vec<_> = units
                .chunks_exact(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        [0xEF, 0xBB, 0xBF, text @ ..] => String::from_utf8_lossy(text).into_owned(),
        _ => bytes
            .iter()
            .map(|&byte| match byte {
                0x18..=0x1F => SPACING_ACCENTS[usize::from(byte - 0x18)],
                0x80..=0xA0 => PUNCTUATION[usize::from(byte - 0x80)],
                _ => char::from(byte),
            })
            .collect(),
    }
}

/// `D:20261122031800+01'00'`, the form that both PDF 1.7 and PDF/A readers accept.
pub(crate) fn encode_date(at: OffsetDateTime) -> Object {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if at.offset().is_negative() { '-' } else { '+' };
    let text = format!(
        "D:{:04}{:02}{:02}{:02}{:02}{:02}{sign}{:02}'{:02}'",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        hours.unsigned_abs(),
        minutes.unsigned_abs(),
    );
    Object::String(text.into_bytes())
}

/// Reads a date; parts after the year may be missing, and a missing offset counts as UTC.
pub(crate) fn decode_date(bytes: &[u8]) -> Option<OffsetDateTime> {
    let mut rest = bytes.strip_prefix(b"D:").unwrap_or(bytes);
    let mut take = |count: usize| {
        let (digits, after) = rest.split_at_checked(count)?;
        let value = std::str::from_utf8(digits).ok()?.parse::<u16>().ok()?;
        rest = after;
        Some(value)
    };
    let year = take(4)?;
    let mut part = |default: u8| {
        take(2)
            .and_then(|part| u8::try_from(part).ok())
            .unwrap_or(default)
    };
    let (month, day, hour, minute, second) = (part(1), part(1), part(0), part(0), part(0));
    let date = Date::from_calendar_date(i32::from(year), Month::try_from(month).ok()?, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    let offset = match rest {
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let digits: Vec<_> = offset.iter().filter(|byte| byte.is_ascii_digit()).collect();
            let pair = |at: usize| {
                let digits = digits.get(at..at + 2)?;
                i8::try_from((digits[0] - b'0') * 10 + (digits[1] - b'0')).ok()
            };
            let sign = if *sign == b'-' { -1 } else { 1 };
            UtcOffset::from_hms(sign * pair(0)?, sign * pair(2).unwrap_or(0), 0).ok()?
        }
        _ => UtcOffset::UTC,
    };
    Some(date.with_time(time).assume_offset(offset))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn text_round_trip(text: &str) -> String {
        match encode(text) {
            Object::String(bytes) => decode(&bytes),
            other => panic!("not a string: {other:?}"),
        }
    }

    #[test]
    fn text_survives_in_every_encoding() {
        for text in ["Ana (1) \\ Ruiz", "Ελένη Παππά", "Пётр", "😀", ""] {
            assert_eq!(text_round_trip(text), text);
        }
        assert_eq!(decode(b"\x80\x93 caf\xE9 \xA0"), "•ﬁ café €");
        assert_eq!(decode(b"\xEF\xBB\xBF\xCE\xA9"), "Ω");
    }

    #[test]
    fn dates_keep_their_offset() {
        for at in [
            datetime!(2026-11-22 03:18:07 +01:30),
            datetime!(1999-12-31 23:59:59 -08:00),
        ] {
            let Object::String(bytes) = encode_date(at) else {
                panic!("not a string")
            };
            let back = decode_date(&bytes).unwrap();
            assert_eq!((back, back.offset()), (at, at.offset()));
        }
        assert_eq!(decode_date(b"D:2026"), Some(datetime!(2026-01-01 0:00 UTC)));
        assert_eq!(decode_date(b"20260230"), None);
        assert_eq!(decode_date(b"yesterday"), None);
    }
}
