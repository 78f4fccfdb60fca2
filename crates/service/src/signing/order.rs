//! What one act of signing is asked to do.

use std::collections::BTreeMap;

use model::Level;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What opens the signature, and what it is to be.
#[derive(Default)]
pub struct SignCommand {
    /// The one-time code; may be left out with external authentication.
    pub secret: Option<SecretString>,
    /// Method and transaction of an external authentication, kept as evidence.
    pub external_unlock: Option<(String, String)>,
    /// What the signatures are to be.
    pub order: SignOrder,
}

/// What the signatures of one act are to be. It can be stored, sealed, for an act that happens later.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignOrder {
    /// The level; the authority's or the server's where none is named.
    pub level: Option<Level>,
    /// The signer's reason, for the signature dictionary.
    pub reason: Option<String>,
    /// The signer's place, for the signature dictionary and the visible text.
    pub location: Option<String>,
    /// A name under which a file may have an empty signature field, which is used then.
    pub field_name: Option<String>,
    /// How the signature shows on every PDF; not at all where absent.
    pub appearance: Option<AppearanceOrder>,
    /// What single documents have instead, by their identifiers.
    pub options: BTreeMap<String, DocumentOrder>,
    /// Stored metadata, by identifier, that every signature carries.
    pub metadata: Option<String>,
    /// A time-stamp authority that the operator allows, in place of the usual one.
    pub tsa_url: Option<String>,
    /// A second signature, by somebody whose key is here for good.
    pub countersignature: Option<Countersignature>,
}

/// What one document has of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentOrder {
    /// How the signature shows.
    pub appearance: AppearanceOrder,
    /// Whether it is countersigned.
    pub countersigned: bool,
}

/// How a signature shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppearanceOrder {
    /// Left, bottom, right and top, in points from the bottom left of the page as it is shown.
    pub rect: [f64; 4],
    /// Zero-based; negative ones count from the end.
    pub page: i64,
    /// The text's form.
    pub text: TextOrder,
    /// A picture.
    pub picture: Option<PictureOrder>,
    /// The picture stands beside the text and not behind it.
    pub beside: bool,
}

/// The form of a visible signature's text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextOrder {
    /// One line each, with placeholders such as `%(CN)s`. Where absent: name and time, unless there
    /// is a picture. An empty list is no text.
    pub lines: Option<Vec<String>>,
    /// How `%(DATE)s` is written, by the rules of `strftime`.
    pub date_format: Option<String>,
    /// IANA name of the time zone that `%(DATE)s` is in.
    pub time_zone: Option<String>,
}

/// Where a visible signature's picture comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureOrder {
    /// Identifier of an uploaded image.
    Uploaded(String),
    /// PNG or JPEG.
    Inline(Vec<u8>),
    /// Either: an identifier, or the picture in base64 where there is no such image.
    Named(String),
    /// A QR code with this address.
    QrCode(String),
}

/// A second signature on the documents that ask for it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Countersignature {
    /// User name of the countersigner's key.
    pub username: String,
    /// Its password.
    #[serde(with = "exposed")]
    pub password: SecretString,
    /// Its PIN.
    #[serde(with = "exposed")]
    pub pin: SecretString,
    /// How it shows; not at all where absent.
    pub appearance: Option<AppearanceOrder>,
}

/// Secrets in an order that is about to be sealed.
mod exposed {
    use super::{Deserialize, Deserializer, ExposeSecret, SecretString, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &SecretString,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose_secret())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::from)
    }
}
