//! `pkcs11:` URIs (RFC 7512), as far as tokens and private keys are named by them.

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

/// A token, and perhaps one of its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUri {
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The key's label.
    pub object: Option<String>,
    /// Where the module is (`module-path`), for who sets a token up.
    pub module_path: Option<PathBuf>,
    /// File with the PIN (`pin-source`), for who sets a token up.
    pub pin_source: Option<PathBuf>,
}

/// Why a text is no URI of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It begins with something else.
    #[error("a key reference begins with pkcs11:")]
    Scheme,
    /// An attribute is unknown here, or stands there twice.
    #[error("the attribute {0} is not expected in a pkcs11: URI")]
    Attribute(String),
    /// A `%` that two hexadecimal digits do not follow, or bytes that are no UTF-8.
    #[error("a value of the pkcs11: URI is not encoded as RFC 7512 wants it")]
    Encoding,
    /// A PIN in the URI itself, where it ends up in files and logs.
    #[error("a PIN does not belong into a pkcs11: URI; name its file by pin-source=file:PATH")]
    Pin,
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let attributes = text.strip_prefix("pkcs11:").ok_or(UriError::Scheme)?;
        let (path, query) = attributes.split_once('?').unwrap_or((attributes, ""));
        let mut uri = Self::default();
        let parts = path.split(';').map(|part| (part, true));
        let parts = parts.chain(query.split('&').map(|part| (part, false)));
        for (part, in_path) in parts.filter(|(part, _)| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = decoded(value)?;
            let taken = match (in_path, name) {
                (true, "token") => uri.token.replace(value).is_some(),
                (true, "serial") => uri.serial.replace(value).is_some(),
                (true, "object") => uri.object.replace(value).is_some(),
                (true, "type") if value == "private" => false,
                (false, "module-path") => uri.module_path.replace(value.into()).is_some(),
                (false, "pin-source") => {
                    let path = value.strip_prefix("file:").unwrap_or(&value);
                    // file:PATH and file:///PATH mean the same.
                    let path = path.strip_prefix("//").unwrap_or(path);
                    uri.pin_source.replace(path.into()).is_some()
                }
                (false, "pin-value") => return Err(UriError::Pin),
                _ => true,
            };
            if taken {
                return Err(UriError::Attribute(name.to_owned()));
            }
        }
        Ok(uri)
    }
}

impl fmt::Display for KeyUri {
    /// Without what only concerns setting up: a reference is stored, and modules move.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let attributes = [
            ("token", &self.token),
            ("serial", &self.serial),
            ("object", &self.object),
        ];
        let mut separator = "";
        for (name, value) in attributes {
            if let Some(value) = value {
                write!(f, "{separator}{name}=")?;
                encode(f, value)?;
                separator = ";";
            }
        }
        match self.object {
            Some(_) => f.write_str(";type=private"),
            None => Ok(()),
        }
    }
}

/// All but RFC 3986's unreserved characters as `%XX`: always allowed (RFC 7512 §2.3).
fn encode(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                f.write_char(byte.into())?;
            }
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, UriError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(UriError::Encoding),
        }
    }
    String::from_utf8(bytes).map_err(|_| UriError::Encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_example_of_the_standard_is_read() {
        let uri = "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=my-key;type=private\
                   ?module-path=/usr/lib/pkcs11.so&pin-source=file:/etc/token_pin";
        let uri: KeyUri = uri.parse().unwrap();
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!(uri.object.as_deref(), Some("my-key"));
        assert_eq!(uri.module_path, Some("/usr/lib/pkcs11.so".into()));
        assert_eq!(uri.pin_source, Some("/etc/token_pin".into()));
        assert_eq!(
            uri.to_string(),
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=my-key;type=private"
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let read = |text: &str| text.parse::<KeyUri>().unwrap_err();
        assert_eq!(read("file:x"), UriError::Scheme);
        assert_eq!(read("pkcs11:token=%4"), UriError::Encoding);
        assert_eq!(read("pkcs11:token=%ff"), UriError::Encoding);
        assert_eq!(
            read("pkcs11:token=a;token=b"),
            UriError::Attribute("token".into())
        );
        assert_eq!(read("pkcs11:type=cert"), UriError::Attribute("type".into()));
        assert_eq!(read("pkcs11:token=a?pin-value=1234"), UriError::Pin);
    }

    proptest! {
        #[test]
        fn every_name_survives_the_trip(token in ".*", object in ".*") {
            let uri = KeyUri { token: Some(token), object: Some(object), ..KeyUri::default() };
            prop_assert_eq!(uri.to_string().parse(), Ok(uri));
        }
    }
}
