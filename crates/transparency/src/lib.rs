//! An append-only Merkle log: its tree, its proofs, its checkpoints, and the receipt with which
//! anybody can check that a certificate is in it.
//!
//! The tree is RFC 6962's (§2.1). Its leaves are commitments to certificates, each under a salt of
//! its own, so that the log names nobody: whoever has certificate and salt can find the leaf, and
//! nobody else learns anything from it. Checkpoints are signed notes, and the tree is published in
//! tiles, in the forms of <https://c2sp.org/tlog-checkpoint> and <https://c2sp.org/tlog-tiles>.
//!
//! This room is pure: hashes come from wherever the caller keeps them.

mod checkpoint;
mod proof;
mod receipt;
pub mod tile;
mod tree;

pub use checkpoint::{Checkpoint, LogKey, LogVerifier, NoteError};
pub use proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use receipt::{Receipt, ReceiptError, commitment};
pub use tree::{Frontier, Hash, NodeId, leaf_hash};
