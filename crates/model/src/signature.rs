//! What a signature is to be worth, and how its certificate stands to revocation.

use serde::{Deserialize, Serialize};

/// Baseline levels of AdES signatures, lowest first (EN 319 142-1 §6, EN 319 122-1 §6).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// B-B: signature and reference to the certificate.
    Basic,
    /// B-T: and proof of when it existed.
    T,
    /// B-LT with revocation data of the signer's chain only, not of the time-stamping unit's.
    LtvLite,
    /// B-LT: and all that a validator needs, so that it holds offline.
    #[default]
    Ltv,
    /// B-LTA: and a time-stamp over all of that, so that it holds beyond its algorithms and
    /// certificates if it is renewed in time.
    Ltva,
}

impl Level {
    /// All, lowest first.
    pub const ALL: [Level; 5] = [
        Level::Basic,
        Level::T,
        Level::LtvLite,
        Level::Ltv,
        Level::Ltva,
    ];

    /// Reads the One-Shot contract's names, their aliases and the baseline's own; case and
    /// surrounding space do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("PADES-").unwrap_or(&text);
        let text = text.strip_prefix("CADES-").unwrap_or(text);
        Some(match text {
            "BASIC" | "BES" | "B" | "B-B" | "BB" => Level::Basic,
            "T" | "B-T" | "BT" => Level::T,
            "LTVLITE" => Level::LtvLite,
            "LTV" | "LT" | "B-LT" | "BLT" => Level::Ltv,
            "LTVA" | "LTA" | "B-LTA" | "BLTA" => Level::Ltva,
            _ => return None,
        })
    }

    /// The contract's name.
    pub fn wire(self) -> &'static str {
        match self {
            Level::Basic => "BASIC",
            Level::T => "T",
            Level::LtvLite => "LTVLITE",
            Level::Ltv => "LTV",
            Level::Ltva => "LTVA",
        }
    }

    /// The standards' name.
    pub fn baseline(self) -> &'static str {
        match self {
            Level::Basic => "B-B",
            Level::T => "B-T",
            Level::LtvLite | Level::Ltv => "B-LT",
            Level::Ltva => "B-LTA",
        }
    }

    /// What a detached signature over a hash can have of it: there is no file that could carry
    /// more than a time-stamp.
    pub fn for_hash(self) -> Self {
        self.min(Level::T)
    }
}

/// How a one-time certificate stands to revocation. The two do not mix (RFC 9608 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Posture {
    /// It can be revoked, and points to where that would be said.
    #[default]
    Classic,
    /// It is over before revocation could take effect, and says so (RFC 9608; EN 319 412-1
    /// §5.2.2). It points nowhere.
    ShortTerm,
}

/// Digests that content may come with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A digest to be signed in place of the content, which never leaves its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashDescriptor {
    /// Which digest.
    pub algorithm: DigestAlgorithm,
    /// As many bytes as the algorithm makes.
    pub digest: Vec<u8>,
    /// Whether the signature is over signed attributes, as CAdES wants, and not over the digest
    /// itself (RFC 5652 §5.4).
    pub signed_attributes: bool,
    /// Whether the time of signing is among them.
    pub signing_time: bool,
    /// DER Attributes to be signed along.
    pub other_attributes: Vec<Vec<u8>>,
}

impl DigestAlgorithm {
    /// Length of a digest, in bytes.
    pub fn digest_len(self) -> usize {
        match self {
            DigestAlgorithm::Sha256 => 32,
            DigestAlgorithm::Sha384 => 48,
            DigestAlgorithm::Sha512 => 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.wire()), Some(level));
            assert_eq!(Level::parse(&level.wire().to_lowercase()), Some(level));
        }
        assert_eq!(Level::parse(" B-LT "), Some(Level::Ltv));
        assert_eq!(Level::parse("PAdES-B-LTA"), Some(Level::Ltva));
        assert_eq!(Level::parse("BES"), Some(Level::Basic));
        assert_eq!(Level::parse("XL"), None);
        assert_eq!(Level::parse(""), None);
    }

    #[test]
    fn a_hash_can_carry_a_time_stamp_and_no_more() {
        assert_eq!(Level::Basic.for_hash(), Level::Basic);
        assert_eq!(Level::Ltva.for_hash(), Level::T);
    }
}
