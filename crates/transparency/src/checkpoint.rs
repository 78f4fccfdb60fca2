//! Checkpoints: how large the tree is and what its root is, signed (C2SP tlog-checkpoint over
//! C2SP signed-note).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, Ed25519Key};

use crate::tree::Hash;

/// Longest note that is read, in bytes.
const MAX_NOTE: usize = 16 << 10;
/// What an Ed25519 key begins with in a verifier's line (signed-note).
const ED25519: u8 = 0x01;

/// A state of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why a note is no checkpoint of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has another form.
    #[error("this is no signed checkpoint")]
    Malformed,
    /// It is another log's, or nobody's whose key was given.
    #[error("the checkpoint is not signed with this log's key")]
    Signature,
    /// The key's line has another form.
    #[error("this is no key of a log: NAME+HASH+KEY is expected")]
    Key,
}

/// Signs a log's checkpoints.
pub struct LogKey {
    verifier: LogVerifier,
    key: Ed25519Key,
}

/// Verifies a log's checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    public: [u8; 32],
}

impl LogKey {
    /// With the log's name, which is its origin too: no blanks and no plus signs.
    ///
    /// Fails with [`CryptoError::PublicKey`] for any other name.
    pub fn new(name: &str, key: Ed25519Key) -> Result<Self, CryptoError> {
        let public = key
            .public()
            .try_into()
            .map_err(|_| CryptoError::PublicKey)?;
        if !is_name(name) {
            return Err(CryptoError::PublicKey);
        }
        Ok(Self {
            verifier: LogVerifier {
                name: name.to_owned(),
                public,
            },
            key,
        })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// A signed checkpoint.
    pub fn sign(&self, size: u64, root: &Hash) -> String {
        let LogVerifier { name, .. } = &self.verifier;
        let body = format!("{name}\n{size}\n{}\n", STANDARD.encode(root));
        let mut signature = self.verifier.id().to_vec();
        signature.extend(self.key.sign(body.as_bytes()));
        format!("{body}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
    }
}

impl LogVerifier {
    /// Reads `NAME+HASH+KEY` (signed-note).
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let mut parts = line.trim().splitn(3, '+');
        let mut part = || parts.next().ok_or(NoteError::Key);
        let (name, id, key) = (part()?, part()?, part()?);
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let [ED25519, public @ ..] = key.as_slice() else {
            return Err(NoteError::Key);
        };
        let verifier = Self {
            name: name.to_owned(),
            public: public.try_into().map_err(|_| NoteError::Key)?,
        };
        match is_name(name) && hex::encode(verifier.id()) == id {
            true => Ok(verifier),
            false => Err(NoteError::Key),
        }
    }

    /// Its line, as [`LogVerifier::parse`] reads it.
    pub fn line(&self) -> String {
        let mut key = vec![ED25519];
        key.extend(self.public);
        let id = hex::encode(self.id());
        format!("{}+{id}+{}", self.name, STANDARD.encode(key))
    }

    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The checkpoint that a note holds, if this log signed it. Others may have signed it besides.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::Malformed);
        }
        let (body, signatures) = note.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let body = format!("{body}\n");
        let ours = signatures.lines().any(|line| self.signed(line, &body));
        if !ours {
            return Err(NoteError::Signature);
        }
        let mut lines = body.lines();
        let mut line = || lines.next().ok_or(NoteError::Malformed);
        let (origin, size, root) = (line()?, line()?, line()?);
        let root = STANDARD.decode(root).map_err(|_| NoteError::Malformed)?;
        let number: u64 = size.parse().map_err(|_| NoteError::Malformed)?;
        if origin != self.name || number.to_string() != size {
            return Err(NoteError::Malformed);
        }
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size: number,
            root: root.try_into().map_err(|_| NoteError::Malformed)?,
        })
    }

    fn signed(&self, line: &str, body: &str) -> bool {
        let named = line
            .strip_prefix("\u{2014} ")
            .and_then(|rest| rest.split_once(' '))
            .filter(|(name, _)| *name == self.name);
        let Some(bytes) = named.and_then(|(_, text)| STANDARD.decode(text).ok()) else {
            return false;
        };
        bytes.strip_prefix(&self.id()).is_some_and(|signature| {
            crypto::verify_ed25519(&self.public, body.as_bytes(), signature).is_ok()
        })
    }

    /// The key's identifier: the first four bytes of a hash over name and key.
    fn id(&self) -> [u8; 4] {
        let mut hashed = self.name.clone().into_bytes();
        hashed.extend([b'\n', ED25519]);
        hashed.extend(self.public);
        let hash = crypto::sha256(&hashed);
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LogKey {
        let key = Ed25519Key::from_seed(&[7; 32]).unwrap();
        LogKey::new("example.com/log", key).unwrap()
    }

    #[test]
    fn what_was_signed_is_read_back() {
        let note = key().sign(42, &[9; 32]);
        let verifier = LogVerifier::parse(&key().verifier().line()).unwrap();
        let checkpoint = verifier.open(&note).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (42, [9; 32]));
        assert_eq!(checkpoint.origin, "example.com/log");
    }

    #[test]
    fn nothing_else_is() {
        let note = key().sign(42, &[9; 32]);
        let verifier = key().verifier().clone();
        let forged = note.replacen("\n42\n", "\n43\n", 1);
        assert_eq!(verifier.open(&forged), Err(NoteError::Signature));
        let other = LogKey::new("example.com/log", Ed25519Key::from_seed(&[8; 32]).unwrap());
        let other = other.unwrap().sign(42, &[9; 32]);
        assert_eq!(verifier.open(&other), Err(NoteError::Signature));
        for text in ["", "\n\n", "a\nb\n\n", &note[..note.len() / 2]] {
            assert!(verifier.open(text).is_err(), "{text:?}");
        }
        for line in ["", "a", "a+b+c", "example.com/log+00000000+AQ=="] {
            assert_eq!(LogVerifier::parse(line), Err(NoteError::Key), "{line}");
        }
        let key = Ed25519Key::from_seed(&[7; 32]).unwrap();
        assert!(LogKey::new("two words", key).is_err());
    }
}
