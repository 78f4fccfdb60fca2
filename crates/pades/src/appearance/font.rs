//! The fonts that appearances are set in, and text turned into their glyphs.

use std::{ops::Range, sync::LazyLock};

use rustybuzz::{Direction, Face, UnicodeBuffer, ttf_parser::name_id};
use unicode_bidi::{BidiClass, Level, ParagraphBidiInfo, bidi_class};

/// By PostScript name, the first that has a character draws it: Latin, Greek, Cyrillic and
/// Hebrew, in the face of our contracts; then Arabic, Armenian and Georgian.
const FAMILY: [&str; 2] = ["LibertinusSerif-Regular", "DejaVuSansMono"];

/// Stands for characters that no font has, so that a reader sees that there is something.
const REPLACEMENT: char = '\u{FFFD}';

/// A font in memory.
pub(super) struct Font {
    pub name: &'static str,
    pub data: &'static [u8],
    pub face: Face<'static>,
}

/// The fonts, in the order of their use; a glyph's font is a place in this list.
pub(super) fn fonts() -> &'static [Font] {
    static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
        let all: Vec<_> = typst_assets::fonts()
            .filter_map(|data| Some((data, Face::from_slice(data, 0)?)))
            .collect();
        let find = |name: &'static str| {
            all.iter()
                .find(|(_, face)| post_script_name(face).as_deref() == Some(name))
                .map(|(data, face)| Font {
                    name,
                    data,
                    face: face.clone(),
                })
        };
        FAMILY.into_iter().filter_map(find).collect()
    });
    &FONTS
}

fn post_script_name(face: &Face<'_>) -> Option<String> {
    face.names()
        .into_iter()
        .filter(|name| name.name_id == name_id::POST_SCRIPT_NAME)
        .find_map(|name| name.to_string())
}

/// One line of text as it was given, shaped: pieces in the order in which they are read.
#[derive(Debug, Clone)]
pub(super) struct Paragraph {
    pub pieces: Vec<Piece>,
    /// True where it runs from right to left as a whole.
    pub from_right: bool,
}

/// A word, a part of one, or the space between two: of one font and one direction.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub text: String,
    pub font: usize,
    pub level: Level,
    pub is_space: bool,
    /// From left to right.
    pub glyphs: Vec<Glyph>,
    /// Sum of all advances, in ems.
    pub width: f64,
}

/// A glyph in its place. Lengths are in ems.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub id: u16,
    pub advance: f64,
    pub right: f64,
    pub up: f64,
    /// The part of the piece's text that it stands for; empty for the later glyphs of several
    /// that stand for the same part.
    pub text: Range<usize>,
}

impl Piece {
    /// True if the text can be read back from the glyphs one by one.
    pub fn is_plain(&self) -> bool {
        let read: usize = self.glyphs.iter().map(|glyph| glyph.text.len()).sum();
        read == self.text.len()
            && !self.text.contains(REPLACEMENT)
            && self.glyphs.iter().all(|glyph| !glyph.text.is_empty())
    }
}

/// Shapes one line.
pub(super) fn shape(line: &str) -> Paragraph {
    let text = readable(line);
    let bidi = ParagraphBidiInfo::new(&text, None);
    let from_right = bidi.paragraph_level.is_rtl();
    let pieces = split(&text, &bidi.levels)
        .into_iter()
        .map(|(range, font, level)| shape_piece(&line_part(&text, range), font, level))
        .collect();
    Paragraph { pieces, from_right }
}

fn line_part(text: &str, range: Range<usize>) -> String {
    text.get(range).unwrap_or_default().to_owned()
}

/// Without controls, which would be drawn as nothing or turn the order of what follows (Unicode
/// Standard Annex 9, 2.1 to 2.4: a name can be made to read as another), and with a visible
/// sign for characters that no font has.
fn readable(line: &str) -> String {
    line.chars()
        .filter_map(|character| match bidi_class(character) {
            _ if character.is_whitespace() => Some(' '),
            _ if character.is_control() => None,
            BidiClass::LRE
            | BidiClass::RLE
            | BidiClass::LRO
            | BidiClass::RLO
            | BidiClass::PDF
            | BidiClass::LRI
            | BidiClass::RLI
            | BidiClass::FSI
            | BidiClass::PDI => None,
            // Joiners and marks of direction have no shape of their own.
            BidiClass::BN => Some(character),
            _ if fonts().iter().any(|font| has(font, character)) => Some(character),
            _ => Some(REPLACEMENT),
        })
        .collect()
}

fn has(font: &Font, character: char) -> bool {
    font.face.glyph_index(character).is_some()
}

/// Cuts `text` where a word begins or ends, or where direction or font change.
fn split(text: &str, levels: &[Level]) -> Vec<(Range<usize>, usize, Level)> {
    let mut parts: Vec<(Range<usize>, usize, Level)> = Vec::new();
    let mut after_space = None;
    for (at, character) in text.char_indices() {
        let level = levels.get(at).copied().unwrap_or_else(Level::ltr);
        let is_space = character == ' ';
        let last = parts.last().map(|(_, font, _)| *font);
        // Marks stay with the letter that they belong to, and spaces are as wide as the words
        // before them want.
        let kept = last.filter(|font| match bidi_class(character) {
            BidiClass::BN | BidiClass::WS => true,
            BidiClass::NSM => fonts().get(*font).is_some_and(|font| has(font, character)),
            _ => false,
        });
        let font = kept
            .or_else(|| fonts().iter().position(|font| has(font, character)))
            .unwrap_or(0);
        let end = at + character.len_utf8();
        match parts.last_mut() {
            Some((range, last_font, last_level))
                if *last_font == font && *last_level == level && after_space == Some(is_space) =>
            {
                range.end = end;
            }
            _ => parts.push((at..end, font, level)),
        }
        after_space = Some(is_space);
    }
    parts
}

fn shape_piece(text: &str, font: usize, level: Level) -> Piece {
    let is_space = text.starts_with(' ');
    let (glyphs, width) = fonts()
        .get(font)
        .map(|font| shape_glyphs(&font.face, text, level))
        .unwrap_or_default();
    Piece {
        text: text.to_owned(),
        font,
        level,
        is_space,
        glyphs,
        width,
    }
}

fn shape_glyphs(face: &Face<'static>, text: &str, level: Level) -> (Vec<Glyph>, f64) {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.set_direction(if level.is_rtl() {
        Direction::RightToLeft
    } else {
        Direction::LeftToRight
    });
    buffer.guess_segment_properties();
    let shaped = rustybuzz::shape(face, &[], buffer);
    let em = f64::from(face.units_per_em());
    let mut starts: Vec<_> = shaped
        .glyph_infos()
        .iter()
        .map(|info| info.cluster as usize)
        .collect();
    starts.sort_unstable();
    let end_of = |start| {
        let next = starts.partition_point(|other| *other <= start);
        starts.get(next).copied().unwrap_or(text.len())
    };
    let mut glyphs = Vec::with_capacity(starts.len());
    let mut width = 0.0;
    let mut last = None;
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let start = info.cluster as usize;
        let end = match last.replace(start) {
            Some(last) if last == start => start,
            _ => end_of(start),
        };
        let advance = f64::from(position.x_advance) / em;
        width += advance;
        glyphs.push(Glyph {
            id: u16::try_from(info.glyph_id).unwrap_or(0),
            advance,
            right: f64::from(position.x_offset) / em,
            up: f64::from(position.y_offset) / em,
            text: start..end,
        });
    }
    (glyphs, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(paragraph: &Paragraph) -> Vec<(&str, usize)> {
        paragraph
            .pieces
            .iter()
            .map(|piece| (piece.text.as_str(), piece.font))
            .collect()
    }

    #[test]
    fn every_font_of_the_family_is_there() {
        let names: Vec<_> = fonts().iter().map(|font| font.name).collect();
        assert_eq!(names, FAMILY);
    }

    #[test]
    fn words_get_the_first_font_that_has_their_letters() {
        assert_eq!(words(&shape("Ana Գ")), [("Ana", 0), (" ", 0), ("Գ", 1)]);
        // A mark that the font of its letter has stays with it.
        assert_eq!(words(&shape("e\u{301}")), [("e\u{301}", 0)]);
    }

    #[test]
    fn what_no_font_has_is_visible_and_no_glyph_is_that_of_a_missing_one() {
        for line in ["山田 Ana", "😀", "\u{10FFFF}", "\u{0B95}\u{0BCD}"] {
            let paragraph = shape(line);
            let glyphs = paragraph.pieces.iter().flat_map(|piece| &piece.glyphs);
            assert!(glyphs.clone().count() > 0, "{line:?}");
            assert!(glyphs.clone().all(|glyph| glyph.id != 0), "{line:?}");
        }
        assert_eq!(words(&shape("山")), [("\u{FFFD}", 0)]);
    }

    #[test]
    fn controls_that_would_turn_the_order_are_gone() {
        let paragraph = shape("Ana\u{202E}ziuR\u{202C}\t\u{7}x");
        assert_eq!(words(&paragraph), [("AnaziuR", 0), (" ", 0), ("x", 0)]);
    }

    #[test]
    fn letters_join_where_their_script_joins_them() {
        // Four letters in two shapes each: the middle ones must not be those of single letters.
        let joined = shape("محمد");
        let single: Vec<_> = "محمد"
            .chars()
            .map(|letter| shape(&letter.to_string()))
            .collect();
        let single: Vec<_> = single
            .iter()
            .rev()
            .flat_map(|paragraph| paragraph.pieces[0].glyphs.iter().map(|glyph| glyph.id))
            .collect();
        let joined: Vec<_> = joined.pieces[0]
            .glyphs
            .iter()
            .map(|glyph| glyph.id)
            .collect();
        assert_eq!(joined.len(), single.len());
        assert!(
            joined
                .iter()
                .zip(&single)
                .filter(|(joined, single)| joined != single)
                .count()
                >= 3
        );
    }

    #[test]
    fn a_ligature_is_read_back_as_its_letters() {
        let paragraph = shape("difficult");
        let piece = &paragraph.pieces[0];
        assert!(piece.glyphs.len() < piece.text.len());
        let text: String = piece
            .glyphs
            .iter()
            .map(|glyph| &piece.text[glyph.text.clone()])
            .collect();
        assert_eq!(text, "difficult");
    }
}
