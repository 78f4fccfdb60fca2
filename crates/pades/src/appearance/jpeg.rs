//! JPEGs that go into a PDF as they are, but for their metadata (ISO/IEC 10918-1, annex B).

use super::colour::ColourSpace;

/// What the second byte of a marker says; the first is always 0xFF.
mod marker {
    pub const BASELINE: u8 = 0xC0;
    pub const EXTENDED: u8 = 0xC1;
    pub const PROGRESSIVE: u8 = 0xC2;
    pub const START_OF_IMAGE: u8 = 0xD8;
    pub const END_OF_IMAGE: u8 = 0xD9;
    pub const START_OF_SCAN: u8 = 0xDA;
    /// JFIF, which readers may expect.
    pub const APPLICATION_0: u8 = 0xE0;
    /// Adobe's, which says how colours are coded.
    pub const APPLICATION_14: u8 = 0xEE;
    pub const APPLICATION_15: u8 = 0xEF;
    pub const COMMENT: u8 = 0xFE;
}

/// The JPEG without comments and application data, if a PDF can hold it: eight bits to the
/// sample, grey or of three colours, sequential or progressive (ISO 32000-2, 7.4.8).
pub(super) fn slim(jpeg: &[u8]) -> Option<(ColourSpace, Vec<u8>)> {
    let mut rest = jpeg.strip_prefix(&[0xFF, marker::START_OF_IMAGE])?;
    let mut kept = vec![0xFF, marker::START_OF_IMAGE];
    let mut colours = None;
    loop {
        let [0xFF, kind, after @ ..] = rest else {
            return None;
        };
        match *kind {
            // Bytes that fill up to a marker.
            0xFF => {
                rest = &rest[1..];
                continue;
            }
            marker::END_OF_IMAGE => {
                kept.extend_from_slice(&[0xFF, marker::END_OF_IMAGE]);
                return Some((colours?, kept));
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*after.first()?, *after.get(1)?]));
        let segment = after.get(..length.max(2))?;
        match *kind {
            marker::BASELINE | marker::EXTENDED | marker::PROGRESSIVE => {
                let (8, [.., components]) = (*segment.get(2)?, segment.get(..8)?) else {
                    return None;
                };
                colours = Some(match components {
                    1 => ColourSpace::Gray,
                    3 => ColourSpace::Rgb,
                    _ => return None,
                });
            }
            // Arithmetic coding and other rarities; DHT and DAC stand among these numbers.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCF => return None,
            _ => {}
        }
        let is_metadata = matches!(*kind, marker::APPLICATION_0..=marker::APPLICATION_15)
            && !matches!(*kind, marker::APPLICATION_0 | marker::APPLICATION_14);
        if !is_metadata && *kind != marker::COMMENT {
            kept.extend_from_slice(&[0xFF, *kind]);
            kept.extend_from_slice(segment);
        }
        rest = &after[segment.len()..];
        if *kind == marker::START_OF_SCAN {
            let end = scan_length(rest)?;
            kept.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
    }
}

/// Bytes of coded data up to the next marker that is no part of them.
fn scan_length(data: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0xFF, data).find(|&at| {
        // A stuffed byte and the marks for starting over belong to the scan.
        !matches!(data.get(at + 1), None | Some(0x00 | 0xD0..=0xD7 | 0xFF))
    })
}
