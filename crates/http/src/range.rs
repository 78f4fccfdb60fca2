//! Byte ranges (RFC 9110 §14) and the conditions around them (§13).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};

/// What of a resource a GET asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// No byte of the resource lies in the range: 416.
    Unsatisfiable,
    /// The client has it already: 304.
    NotModified,
}

/// Reads `Range`, `If-Range` and `If-None-Match` against a resource of `size` bytes whose strong
/// validator is `etag`.
///
/// Ranges in other units, malformed ones and lists of several are ignored, as RFC 9110 §14.2
/// allows.
pub(crate) fn wanted(headers: &HeaderMap, size: u64, etag: &HeaderValue) -> Wanted {
    let matches = |name| {
        let value = headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        value.map(|value| {
            value
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
        })
    };
    if matches(header::IF_NONE_MATCH) == Some(true) {
        return Wanted::NotModified;
    }
    if matches(header::IF_RANGE) == Some(false) {
        return Wanted::Whole;
    }
    headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| single_range(value, size))
        .unwrap_or(Wanted::Whole)
}

fn single_range(value: &str, size: u64) -> Option<Wanted> {
    let (unit, spec) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number beyond 64 bits lies beyond every resource.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix)? {
            0 => return Some(Wanted::Unsatisfiable),
            length => size.saturating_sub(length)..size,
        },
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start >= size {
        Wanted::Unsatisfiable
    } else {
        Wanted::Part(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: HeaderValue = HeaderValue::from_static("\"abc\"");

    fn ask(pairs: &[(&'static str, &'static str)]) -> Wanted {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        wanted(&headers, 1000, &ETAG)
    }

    #[test]
    fn ranges_of_rfc_9110() {
        let range = |value| ask(&[("range", value)]);
        assert_eq!(ask(&[]), Wanted::Whole);
        assert_eq!(range("bytes=0-499"), Wanted::Part(0..500));
        assert_eq!(range("bytes=500-"), Wanted::Part(500..1000));
        assert_eq!(range("bytes=-200"), Wanted::Part(800..1000));
        assert_eq!(range("bytes=-5000"), Wanted::Part(0..1000));
        assert_eq!(range("Bytes = 999-5000"), Wanted::Part(999..1000));
        assert_eq!(
            range("bytes=999-99999999999999999999999"),
            Wanted::Part(999..1000)
        );
        assert_eq!(range("bytes=1000-"), Wanted::Unsatisfiable);
        assert_eq!(
            range("bytes=99999999999999999999999-"),
            Wanted::Unsatisfiable
        );
        assert_eq!(range("bytes=-0"), Wanted::Unsatisfiable);
        for ignored in [
            "bytes=5-2",
            "bytes=a-b",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=",
            "bytes=-",
        ] {
            assert_eq!(range(ignored), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn an_empty_resource_has_no_satisfiable_range() {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-"))]);
        assert_eq!(wanted(&headers, 0, &ETAG), Wanted::Unsatisfiable);
    }

    #[test]
    fn conditions() {
        let part = Wanted::Part(0..1);
        assert_eq!(
            ask(&[("range", "bytes=0-0"), ("if-range", "\"abc\"")]),
            part
        );
        assert_eq!(
            ask(&[("range", "bytes=0-0"), ("if-range", "\"old\"")]),
            Wanted::Whole
        );
        assert_eq!(
            ask(&[
                ("range", "bytes=0-0"),
                ("if-range", "Wed, 21 Oct 2026 07:28:00 GMT")
            ]),
            Wanted::Whole
        );
        assert_eq!(
            ask(&[("if-none-match", "\"x\", \"abc\"")]),
            Wanted::NotModified
        );
        assert_eq!(ask(&[("if-none-match", "*")]), Wanted::NotModified);
        assert_eq!(ask(&[("if-none-match", "\"x\"")]), Wanted::Whole);
    }
}
