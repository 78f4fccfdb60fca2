//! Receipts: what the holder of a certificate needs to find it in the log, and nobody else has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, LogVerifier, NoteError};
use crate::proof::verify_inclusion;
use crate::tree::{Hash, leaf_hash};

/// What stands in the log for a certificate (DER): it tells nothing to whoever lacks the salt.
pub fn commitment(salt: &[u8; 32], certificate: &[u8]) -> Hash {
    crypto::hmac_sha256(salt, certificate)
}

/// That a certificate is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The salt of its commitment, base64.
    pub salt: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hashes that lead from it to the checkpoint's root, base64.
    pub proof: Vec<String>,
    /// A signed checkpoint.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It has another form.
    #[error("this is no receipt")]
    Malformed,
    /// Its checkpoint is not the log's.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// Proof, salt and certificate do not fit one another.
    #[error("the receipt is not this certificate's, or the certificate is not in the log")]
    NotIncluded,
}

impl Receipt {
    /// Writes one.
    pub fn new(salt: &[u8; 32], index: u64, proof: &[Hash], checkpoint: String) -> Self {
        Self {
            salt: STANDARD.encode(salt),
            index,
            proof: proof.iter().map(|hash| STANDARD.encode(hash)).collect(),
            checkpoint,
        }
    }

    /// The checkpoint, if this log signed it.
    pub fn checkpoint(&self, log: &LogVerifier) -> Result<Checkpoint, NoteError> {
        log.open(&self.checkpoint)
    }

    /// Checks that `certificate` (DER) is in the log, and answers how many stood there then.
    pub fn verify(&self, certificate: &[u8], log: &LogVerifier) -> Result<u64, ReceiptError> {
        let salt = decoded(&self.salt)?;
        let proof: Vec<_> = self
            .proof
            .iter()
            .map(|text| decoded(text))
            .collect::<Result<_, _>>()?;
        let checkpoint = log.open(&self.checkpoint)?;
        let leaf = leaf_hash(&commitment(&salt, certificate));
        let (size, root) = (checkpoint.size, &checkpoint.root);
        match verify_inclusion(&leaf, self.index, size, &proof, root) {
            true => Ok(size),
            false => Err(ReceiptError::NotIncluded),
        }
    }
}

fn decoded(text: &str) -> Result<[u8; 32], ReceiptError> {
    let bytes = STANDARD.decode(text).map_err(|_| ReceiptError::Malformed)?;
    bytes.try_into().map_err(|_| ReceiptError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use crypto::Ed25519Key;

    use super::*;
    use crate::checkpoint::LogKey;
    use crate::proof::inclusion_proof;
    use crate::tree::tests::grown;

    #[test]
    fn a_receipt_is_good_for_its_certificate_and_no_other() {
        let salts: Vec<_> = (0..50_u8).map(|n| [n; 32]).collect();
        let leaves: Vec<_> = salts
            .iter()
            .map(|salt| leaf_hash(&commitment(salt, b"certificate")))
            .collect();
        let (frontier, nodes) = grown(&leaves);
        let key = LogKey::new("log", Ed25519Key::from_seed(&[1; 32]).unwrap()).unwrap();
        let read = |node| Ok::<_, Infallible>(nodes[&node]);
        let Ok(proof) = inclusion_proof(17, 50, read);
        let checkpoint = key.sign(50, &frontier.root());
        let receipt = Receipt::new(&salts[17], 17, &proof, checkpoint);
        assert_eq!(receipt.verify(b"certificate", key.verifier()), Ok(50));
        let refused = receipt.verify(b"another", key.verifier());
        assert_eq!(refused, Err(ReceiptError::NotIncluded));
        let mut salted = receipt.clone();
        salted.salt = STANDARD.encode([18; 32]);
        let refused = salted.verify(b"certificate", key.verifier());
        assert_eq!(refused, Err(ReceiptError::NotIncluded));
        let mut broken = receipt;
        broken.proof[0] = "?".into();
        let refused = broken.verify(b"certificate", key.verifier());
        assert_eq!(refused, Err(ReceiptError::Malformed));
    }
}
