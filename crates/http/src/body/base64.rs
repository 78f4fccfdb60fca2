//! Base64 in the forms that clients send.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Standard alphabet, padded or not: clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 (RFC 4648 §4) with or without line breaks, padding and data-URL prefix (RFC 2397), or
/// why it is none.
pub(crate) fn decode(text: String) -> Result<Vec<u8>, String> {
    let content = match text.trim_start().split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => {
            rest.split_once(',').map_or("", |(_, content)| content)
        }
        _ => text.as_str(),
    };
    let spaced = content.bytes().any(|byte| byte.is_ascii_whitespace());
    let decoded = if spaced {
        let dense: Vec<u8> = content
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64.decode(dense)
    } else {
        BASE64.decode(content)
    };
    decoded.map_err(|error| format!("not base64: {}", error.to_string().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_in_the_forms_that_clients_send() {
        for text in [
            "aGVsbG8=",
            "aGVsbG8",
            "aGVs\r\nbG8=\n",
            "data:image/png;base64,aGVsbG8=",
            " aGVsbG8= ",
        ] {
            assert_eq!(decode(text.into()).unwrap(), b"hello", "{text:?}");
        }
        assert_eq!(decode(String::new()).unwrap(), b"");
        for text in [
            "a",
            "aGVsbG8==x",
            "not base64!",
            "_-_-",
            "é",
            "data:image/png;base64,?",
        ] {
            assert!(
                decode(text.into()).unwrap_err().starts_with("not base64"),
                "{text:?}"
            );
        }
    }
}
