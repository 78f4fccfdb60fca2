//! Tiles: the tree in files that never change once they are full (C2SP tlog-tiles).

use std::ops::Range;

use crate::tree::{Hash, NodeId, node_hash};

/// Hashes in a full tile, and levels of the tree in one row of tiles.
pub const WIDTH: u64 = 1 << HEIGHT;
/// Levels of the tree that one level of tiles spans.
pub const HEIGHT: u32 = 8;
/// Tile levels that can be asked for.
const MAX_LEVEL: u8 = 7;

/// A tile: some hashes of one level, or some entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// `None`: entries. Else hashes of the nodes at [`HEIGHT`] times this level.
    pub level: Option<u8>,
    /// The how manieth of its level, from 0.
    pub index: u64,
    /// How many hashes or entries it holds: [`WIDTH`] when it is full.
    pub width: u64,
}

impl Tile {
    /// Reads what follows `tile/` in a path, such as `0/x001/234.p/7` or `entries/000`.
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.split_once('/')?;
        let level = match level {
            "entries" => None,
            digits => Some(number(digits, 1).filter(|level| *level <= MAX_LEVEL.into())? as u8),
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, WIDTH),
            Some((index, width)) => {
                let digits = width.len();
                let width = number(width, digits).filter(|width| (1..WIDTH).contains(width))?;
                if width.to_string().len() != digits {
                    return None;
                }
                (index, width)
            }
        };
        let mut parts = index.split('/').peekable();
        let mut index: u64 = 0;
        while let Some(part) = parts.next() {
            let digits = match parts.peek() {
                Some(_) => part.strip_prefix('x')?,
                None => part,
            };
            index = index.checked_mul(1000)?.checked_add(number(digits, 3)?)?;
        }
        Some(Self {
            level,
            index,
            width,
        })
    }

    /// What follows `tile/` in its path.
    pub fn path(&self) -> String {
        let level = match self.level {
            None => "entries".to_owned(),
            Some(level) => level.to_string(),
        };
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        let partial = match self.width {
            WIDTH => String::new(),
            width => format!(".p/{width}"),
        };
        format!("{level}/{}{partial}", groups.join("/"))
    }

    /// The first of its nodes, and how many follow from there, in a tree of `size` leaves; `None`
    /// where the tree does not reach so far.
    pub fn nodes(&self, size: u64) -> Option<(NodeId, u64)> {
        let level = u32::from(self.level.unwrap_or(0)) * HEIGHT;
        let start = self.index.checked_mul(WIDTH)?;
        let there = size >> level;
        (start.checked_add(self.width)? <= there).then_some((
            NodeId {
                level,
                index: start,
            },
            self.width,
        ))
    }
}

/// Where a complete node of a tree of `size` leaves can be read from tiles: the tile, and which of
/// its hashes are below the node.
pub fn of_node(node: NodeId, size: u64) -> (Tile, Range<usize>) {
    let (level, above) = (node.level / HEIGHT, node.level % HEIGHT);
    let first = node.index << above;
    let there = size >> (level * HEIGHT);
    let index = first / WIDTH;
    let tile = Tile {
        level: Some(level as u8),
        index,
        width: (there - index * WIDTH).min(WIDTH),
    };
    let start = (first % WIDTH) as usize;
    (tile, start..start + (1 << above))
}

/// The node over these hashes, as many as a power of two.
pub fn node_over(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [hash] => Some(*hash),
        hashes => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(&node_over(left)?, &node_over(right)?))
        }
    }
}

/// A number of exactly so many digits.
fn number(digits: &str, count: usize) -> Option<u64> {
    let plain = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        for (tile, path) in [
            ((Some(0), 0, WIDTH), "0/000"),
            ((Some(0), 273, 112), "0/273.p/112"),
            ((Some(1), 1_234_067, WIDTH), "1/x001/x234/067"),
            ((None, 1000, 1), "entries/x001/000.p/1"),
        ] {
            let (level, index, width) = tile;
            let tile = Tile {
                level,
                index,
                width,
            };
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
    }

    #[test]
    fn other_paths_are_no_tiles() {
        for path in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "8/000",
            "00/000",
            "x/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/07",
            "0/000.p/",
            "0/x000",
            "0/001/000",
            "0/-01",
            "0/0 1",
            "entries/",
            "0/x999/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn every_node_is_read_from_a_tile() {
        let leaves = crate::tree::tests::leaves(600);
        let (_, nodes) = crate::tree::tests::grown(&leaves);
        for (node, hash) in &nodes {
            let (tile, below) = of_node(*node, 600);
            let (first, count) = tile.nodes(600).unwrap();
            let hashes: Vec<_> = (first.index..first.index + count)
                .map(|index| nodes[&NodeId { index, ..first }])
                .collect();
            assert_eq!(node_over(&hashes[below]), Some(*hash), "{node:?}");
        }
    }

    #[test]
    fn a_tile_is_there_when_the_tree_is_large_enough() {
        let tile = Tile::parse("0/001.p/3").unwrap();
        let node = NodeId {
            level: 0,
            index: 256,
        };
        assert_eq!(tile.nodes(259), Some((node, 3)));
        assert_eq!(tile.nodes(258), None);
        assert_eq!(Tile::parse("1/000.p/1").unwrap().nodes(255), None);
        assert!(Tile::parse("1/000.p/1").unwrap().nodes(256).is_some());
    }
}
