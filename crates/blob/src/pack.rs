//! Packs: blobs that were written at the same time, in one go or by several, lie in one file, so
//! that the disk is waited for once and not for each of them.
//!
//! A pack's first block is a table: for each blob, where it begins and how long it is (sealed), in
//! eight bytes each, big-endian. A blob that was deleted has length zero there, and its extent may
//! be a hole. The file goes with the last of its blobs, once nobody appends to it. `NAME.pack` is
//! the file, `NAME.0`, `NAME.1` and so on are the blobs in it.

/// Bytes of the table.
pub(crate) const TABLE: usize = 4096;
/// Bytes of an entry of the table.
pub(crate) const ENTRY: usize = 16;
/// What a disk writes at least, and the table is as large as.
const BLOCK: u64 = TABLE as u64;
/// Most blobs in a pack.
pub(crate) const MOST: usize = TABLE / ENTRY;

const FILE: &str = "pack";

/// Where a blob lies in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    /// Zero once the blob was deleted.
    pub(crate) len: u64,
}

impl Extent {
    /// Where what follows it may begin.
    pub(crate) fn end(self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    /// A file of its own.
    Single(&'a str),
    /// A file with several blobs.
    Pack(&'a str),
    /// One of those.
    Member {
        /// The pack's name without what follows the dot.
        pack: &'a str,
        number: usize,
    },
}

impl<'a> Name<'a> {
    /// `None` for what is no name, and must not become a path.
    pub(crate) fn parse(id: &'a str) -> Option<Self> {
        let (name, rest) = match id.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (id, None),
        };
        let digits = name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if name.len() != 32 || !digits {
            return None;
        }
        match rest {
            None => Some(Name::Single(name)),
            Some(FILE) => Some(Name::Pack(name)),
            Some(number) => {
                let number = number.parse().ok().filter(|number| *number < MOST)?;
                let member = Name::Member { pack: name, number };
                // Each blob has but one name.
                (member.to_string() == id).then_some(member)
            }
        }
    }

    /// The file in which it lies.
    pub(crate) fn file(self) -> String {
        match self {
            Name::Single(name) => name.to_owned(),
            Name::Pack(name) | Name::Member { pack: name, .. } => format!("{name}.{FILE}"),
        }
    }
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Single(name) => f.write_str(name),
            Name::Pack(name) => write!(f, "{name}.{FILE}"),
            Name::Member { pack, number } => write!(f, "{pack}.{number}"),
        }
    }
}

/// The extents of blobs of these (sealed) lengths, one after the other, from the first block that
/// begins at `end` or later.
pub(crate) fn lay_out(end: u64, lens: &[u64]) -> Vec<Extent> {
    let mut start = end.next_multiple_of(BLOCK);
    lens.iter()
        .map(|&len| {
            let extent = Extent { start, len };
            start += len;
            extent
        })
        .collect()
}

/// Entries of the table.
pub(crate) fn entries(extents: &[Extent]) -> Vec<u8> {
    let words = extents.iter().flat_map(|extent| [extent.start, extent.len]);
    words.flat_map(u64::to_be_bytes).collect()
}

/// What an entry of the table says.
pub(crate) fn entry(bytes: &[u8; ENTRY]) -> Extent {
    let word = |bytes: &[u8]| {
        let bytes = bytes.iter();
        bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let (start, len) = bytes.split_at(ENTRY / 2);
    Extent {
        start: word(start),
        len: word(len),
    }
}

/// The numbers of the blobs that were not deleted.
pub(crate) fn standing(table: &[u8; TABLE]) -> impl Iterator<Item = usize> + '_ {
    let (entries, _) = table.as_chunks();
    let standing = entries.iter().enumerate();
    standing
        .filter(|(_, bytes)| entry(bytes).len > 0)
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn names_are_read_as_they_are_written_and_no_other_way() {
        for id in [
            NAME.to_owned(),
            format!("{NAME}.pack"),
            format!("{NAME}.17"),
        ] {
            assert_eq!(Name::parse(&id).map(|name| name.to_string()), Some(id));
        }
        for rest in [
            "", ".", ".-1", ".+1", ".01", ".256", ".1.2", "/x", ".pack ", ".PACK",
        ] {
            let id = format!("{NAME}{rest}");
            assert_eq!(Name::parse(&id).is_some(), rest.is_empty(), "{id}");
        }
        assert_eq!(Name::parse("../../../../../../../../etc/pass"), None);
    }

    #[test]
    fn a_table_tells_where_each_blob_lies() {
        let extents = lay_out(TABLE as u64, &[5, 0x1_0000_0000, 7]);
        let mut table = entries(&extents);
        for (bytes, extent) in table.as_chunks().0.iter().zip(&extents) {
            assert_eq!(entry(bytes), *extent);
        }
        assert_eq!(extents[2].start, 4096 + 5 + 0x1_0000_0000);
        table.resize(TABLE, 0);
        assert!(standing(&table.try_into().unwrap()).eq([0, 1, 2]));
    }

    #[test]
    fn what_is_appended_begins_in_a_block_of_its_own() {
        for (end, start) in [(4096, 4096), (4097, 8192), (8191, 8192), (8192, 8192)] {
            assert_eq!(lay_out(end, &[1])[0].start, start);
        }
    }
}
