//! File names in `Content-Disposition` (RFC 6266), out and in.

use std::fmt::Write as _;

use axum::http::HeaderValue;

/// `attachment` with the file name in both forms: plain ASCII for old clients, UTF-8 for the rest
/// (RFC 6266 §4.3, RFC 8187).
pub(crate) fn attachment(file_name: &str) -> HeaderValue {
    let name = base_name(file_name);
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .map(|c| {
            if matches!(c, '"' | '\\' | '%' | ';') {
                '_'
            } else {
                c
            }
        })
        .collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                // Writing into a string cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The last component of a path as some clients send it for a file name, without control
/// characters and at most 200 characters long. `document` when nothing is left.
pub(crate) fn base_name(file_name: &str) -> String {
    let last = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim().trim_start_matches('.');
    let length = clean.chars().count();
    // The end carries the extension.
    let kept: String = clean.chars().skip(length.saturating_sub(200)).collect();
    if kept.is_empty() {
        "document".to_owned()
    } else {
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_both_forms() {
        assert_eq!(attachment("a.pdf"), "attachment; filename=\"a.pdf\"");
        assert_eq!(
            attachment("κ\"ω.pdf"),
            "attachment; filename=\"___.pdf\"; filename*=UTF-8''%CE%BA%22%CF%89.pdf"
        );
        assert_eq!(
            attachment("a\r\nSet-Cookie: x.pdf"),
            "attachment; filename=\"aSet-Cookie: x.pdf\""
        );
    }

    #[test]
    fn paths_and_control_characters_go() {
        assert_eq!(base_name("C:\\fakepath\\contract.pdf"), "contract.pdf");
        assert_eq!(base_name("../../etc/passwd"), "passwd");
        assert_eq!(base_name("a\0b.pdf"), "ab.pdf");
        assert_eq!(base_name("\u{1}/"), "document");
        assert!(base_name(&format!("{}.pdf", "x".repeat(500))).ends_with(".pdf"));
        assert_eq!(base_name(&"x".repeat(500)).len(), 200);
    }
}
