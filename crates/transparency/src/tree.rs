//! The tree: hashes of leaves and nodes, and what is needed to append (RFC 6962 §2.1).

use crypto::Sha256;

/// SHA-256.
pub type Hash = [u8; 32];

/// The node above `1 << level` leaves, the `index`th of its level. Level 0 are the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId {
    /// How far above the leaves.
    pub level: u32,
    /// How many of its level stand before it.
    pub index: u64,
}

/// The hash of a leaf with this entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hash(&[&[0], entry])
}

/// The hash of a node over these two.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(&[&[1], left, right])
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

/// All that is needed of a tree to append to it and to know its root: one hash for each complete
/// subtree, from the left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. `completed` is told of every node that is complete from now on, the leaf
    /// first.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(NodeId, Hash)) {
        let mut node = NodeId {
            level: 0,
            index: self.size,
        };
        let mut hash = leaf;
        completed(node, hash);
        while node.index % 2 == 1 {
            // Every complete left sibling stands at the end of the list.
            let Some(left) = self.subtrees.pop() else {
                break;
            };
            hash = node_hash(&left, &hash);
            node = NodeId {
                level: node.level + 1,
                index: node.index / 2,
            };
            completed(node, hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root; of an empty tree, the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        match subtrees.next() {
            None => crypto::sha256(&[]),
            Some(last) => subtrees.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// As bytes, to be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.subtrees.iter().flatten());
        bytes
    }

    /// What [`Frontier::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, hashes) = bytes.split_first_chunk()?;
        let size = u64::from_be_bytes(*size);
        let (subtrees, rest) = hashes.as_chunks();
        let complete = rest.is_empty() && subtrees.len() == size.count_ones() as usize;
        complete.then(|| Self {
            size,
            subtrees: subtrees.to_vec(),
        })
    }
}

/// The complete subtrees that make up the leaves from `start` to before `end`, from the left.
/// `start` must be where a subtree of at least that many leaves could stand.
pub(crate) fn complete_subtrees(start: u64, end: u64) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at < end {
        let fits = 63 - (end - at).leading_zeros();
        let aligned = match at {
            0 => 63,
            at => at.trailing_zeros(),
        };
        let level = fits.min(aligned);
        nodes.push(NodeId {
            level,
            index: at >> level,
        });
        at += 1 << level;
    }
    nodes
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The definition, word for word (RFC 6962 §2.1).
    pub fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => crypto::sha256(&[]),
            [leaf] => *leaf,
            leaves => {
                let split = 1 << (usize::BITS - 1 - (leaves.len() - 1).leading_zeros());
                let (left, right) = leaves.split_at(split);
                node_hash(&root_by_definition(left), &root_by_definition(right))
            }
        }
    }

    pub fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    pub fn grown(leaves: &[Hash]) -> (Frontier, HashMap<NodeId, Hash>) {
        let mut frontier = Frontier::default();
        let mut nodes = HashMap::new();
        for leaf in leaves {
            frontier.push(*leaf, |node, hash| {
                assert_eq!(nodes.insert(node, hash), None, "complete once");
            });
        }
        (frontier, nodes)
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let leaves = leaves(300);
        let mut frontier = Frontier::default();
        for (count, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), root_by_definition(&leaves[..count]));
            frontier.push(*leaf, |_, _| {});
        }
        assert_eq!(frontier.size(), 300);
    }

    #[test]
    fn the_published_test_vector_holds() {
        // RFC 6962's empty tree, and a leaf with nothing in it.
        assert_eq!(
            hex::encode(Frontier::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex::encode(leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn a_frontier_is_kept_and_taken_up_again() {
        for count in [0, 1, 2, 3, 7, 8, 200, 255, 256] {
            let (frontier, _) = grown(&leaves(count));
            assert_eq!(
                Frontier::from_bytes(&frontier.to_bytes()),
                Some(frontier.clone())
            );
            let mut short = frontier.to_bytes();
            short.pop();
            assert_eq!(Frontier::from_bytes(&short), None);
        }
        assert_eq!(Frontier::from_bytes(&[]), None);
    }

    #[test]
    fn subtrees_cover_a_range_without_gaps() {
        for end in 1..200_u64 {
            let mut at = 0;
            for node in complete_subtrees(0, end) {
                assert_eq!(node.index << node.level, at);
                at += 1 << node.level;
            }
            assert_eq!(at, end);
        }
    }
}
