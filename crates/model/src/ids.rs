//! Identifiers. Each has its own type, so that a request's number is never taken for a VideoID's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ports::Entropy;

macro_rules! number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

number! {
    /// A request's number, positive. Drawn from the same sequence as [`VideoIdPk`].
    RequestPk
}
number! {
    /// A VideoID record's number, positive. Drawn from the same sequence as [`RequestPk`].
    VideoIdPk
}
number! {
    /// A registration authority's number.
    RaId
}
number! {
    /// A registration authority officer's number.
    RaoId
}

number! {
    /// An API user's number.
    UserId
}

fn random_uuid(entropy: &dyn Entropy) -> Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Draws a VideoID record's opaque name: a random UUID (RFC 9562 §5.4, version 4) as 32 bare
/// hexadecimal digits.
pub fn video_identifier(entropy: &dyn Entropy) -> String {
    random_uuid(entropy).simple().to_string()
}

macro_rules! uid {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Draws a fresh identifier: a random UUID (RFC 9562 §5.4, version 4).
            pub fn draw(entropy: &dyn Entropy) -> Self {
                Self(random_uuid(entropy))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Accepts the hyphenated form and 32 bare hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map($name)
            }
        }
    };
}

uid! {
    /// A document's identifier.
    DocumentUid
}
uid! {
    /// A stored credential's identifier.
    TokenUid
}
uid! {
    /// The identifier of a picture for visible signatures.
    ImageUid
}
uid! {
    /// The identifier of metadata for signatures.
    MetadataUid
}
