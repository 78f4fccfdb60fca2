//! Proofs that a leaf is in a tree, and that a tree grew out of another (RFC 6962 §2.1.1, §2.1.2;
//! verified as RFC 9162 §2.1.3.2 and §2.1.4.2 say).

use crate::tree::{Hash, NodeId, complete_subtrees, node_hash};

/// The hashes that lead from the leaf `index` to the root over `size` leaves. `read` gives complete
/// nodes; the first error it gives is returned.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    mut read: impl FnMut(NodeId) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    let mut others = Vec::new();
    while end - start > 1 {
        let split = start + split(end - start);
        if index < split {
            others.push((split, end));
            end = split;
        } else {
            others.push((start, split));
            start = split;
        }
    }
    for (start, end) in others.into_iter().rev() {
        path.push(range_root(start, end, &mut read)?);
    }
    Ok(path)
}

/// The hashes that show that the tree over `new` leaves begins with the one over `old`.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    mut read: impl FnMut(NodeId) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut ranges = Vec::new();
    if old > 0 && old < new {
        let (mut start, mut end, mut whole) = (0, new, true);
        let mut rest = old;
        while rest != end - start {
            let middle = split(end - start);
            if rest <= middle {
                ranges.push((start + middle, end));
                end = start + middle;
            } else {
                ranges.push((start, start + middle));
                start += middle;
                rest -= middle;
                whole = false;
            }
        }
        if !whole {
            ranges.push((start, end));
        }
    }
    let ranges = ranges.into_iter().rev();
    ranges
        .map(|(start, end)| range_root(start, end, &mut read))
        .collect()
}

/// Whether `proof` leads from `leaf`, the `index`th of `size`, to `root`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for other in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(other, &hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, other);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `new` leaves with `new_root` begins with the one of `old`
/// leaves with `old_root`. Every tree begins with the empty one.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty();
    }
    // Where the old tree is one complete subtree, its root begins the proof without being in it.
    let mut proof = proof.iter();
    let first = if old.is_power_of_two() {
        old_root
    } else {
        match proof.next() {
            Some(first) => first,
            None => return false,
        }
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node % 2 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for other in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(other, &old_hash);
            new_hash = node_hash(other, &new_hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, other);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The largest power of two below `leaves`, which are two at least.
fn split(leaves: u64) -> u64 {
    1 << (63 - (leaves - 1).leading_zeros())
}

/// The root over the leaves from `start` to before `end`.
fn range_root<E>(
    start: u64,
    end: u64,
    read: &mut impl FnMut(NodeId) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let mut nodes = complete_subtrees(start, end).into_iter().rev();
    let Some(last) = nodes.next() else {
        return Ok(crypto::sha256(&[]));
    };
    let mut hash = read(last)?;
    for node in nodes {
        hash = node_hash(&read(node)?, &hash);
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::tree::tests::{grown, leaves, root_by_definition};

    #[test]
    fn every_leaf_of_every_tree_is_proved() {
        let leaves = leaves(130);
        let (_, nodes) = grown(&leaves);
        let read = |node| Ok::<_, Infallible>(nodes[&node]);
        for size in 1..=130 {
            let root = root_by_definition(&leaves[..size as usize]);
            for index in 0..size {
                let Ok(proof) = inclusion_proof(index, size, read);
                let leaf = &leaves[index as usize];
                assert!(verify_inclusion(leaf, index, size, &proof, &root));
                assert!(!verify_inclusion(leaf, index + 1, size, &proof, &root));
                let other = &leaves[(index as usize + 1) % 130];
                assert!(!verify_inclusion(other, index, size, &proof, &root));
            }
        }
    }

    #[test]
    fn every_tree_is_shown_to_grow_out_of_every_smaller_one() {
        let leaves = leaves(130);
        let (_, nodes) = grown(&leaves);
        let read = |node| Ok::<_, Infallible>(nodes[&node]);
        for new in 1..=130 {
            let new_root = root_by_definition(&leaves[..new as usize]);
            for old in 0..=new {
                let old_root = root_by_definition(&leaves[..old as usize]);
                let Ok(proof) = consistency_proof(old, new, read);
                assert!(
                    verify_consistency((old, &old_root), (new, &new_root), &proof),
                    "{old} {new}"
                );
                let wrong = root_by_definition(&leaves[1..=old.min(129) as usize]);
                if old > 0 && old < new {
                    assert!(!verify_consistency((old, &wrong), (new, &new_root), &proof));
                    assert!(!verify_consistency((old, &old_root), (new, &wrong), &proof));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_changed_proof_proves_nothing(
            size in 2_u64..300,
            index in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            bit in 0_usize..256,
        ) {
            let leaves = leaves(size);
            let (frontier, nodes) = grown(&leaves);
            let index = index.index(size as usize);
            let read = |node| Ok::<_, Infallible>(nodes[&node]);
            let Ok(mut proof) = inclusion_proof(index as u64, size, read);
            let at = at.index(proof.len());
            proof[at][bit / 8] ^= 1 << (bit % 8);
            let root = frontier.root();
            prop_assert!(!verify_inclusion(&leaves[index], index as u64, size, &proof, &root));
            proof.pop();
            prop_assert!(!verify_inclusion(&leaves[index], index as u64, size, &proof, &root));
        }
    }
}
