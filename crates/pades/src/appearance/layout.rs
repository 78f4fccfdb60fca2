//! Lines of text fitted into a box: the largest size at which all of them fit, wrapped at words,
//! and below the smallest size cut.

use unicode_bidi::ParagraphBidiInfo;

use super::{
    draw::Frame,
    font::{Paragraph, Piece, fonts, shape},
};

/// Sizes in points.
const LARGEST: f64 = 14.0;
const SMALLEST: f64 = 4.0;
const STEP: f64 = 0.5;

/// From baseline to baseline, in ems.
const LEADING: f64 = 1.2;

/// Characters that are set at all. A page of the smallest size holds more, but no signature
/// says as much.
const MOST_CHARACTERS: usize = 4000;

const ELLIPSIS: &str = "…";

/// Text in its place.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Points to the em.
    pub size: f64,
    pub rows: Vec<Row>,
}

/// A row of text.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it begins, from the left edge of the box.
    pub x: f64,
    /// Its baseline, from the bottom of the box.
    pub y: f64,
    /// From left to right.
    pub pieces: Vec<Piece>,
}

/// Fits `lines` into `frame`, centred from top to bottom.
pub(super) fn fit(lines: &[String], frame: Frame) -> Block {
    let (paragraphs, complete) = shape_lines(lines);
    if paragraphs
        .iter()
        .all(|paragraph| paragraph.pieces.is_empty())
    {
        return Block::default();
    }
    let steps = ((LARGEST - SMALLEST) / STEP) as u32;
    let fitting = (0..=steps)
        .map(|step| LARGEST - STEP * f64::from(step))
        .filter(|_| complete)
        .find_map(|size| {
            let rows = wrap(&paragraphs, frame.width / size);
            let fits = rows.len() <= most_rows(frame, size)
                && rows.iter().all(|row| row.width() * size <= frame.width);
            fits.then_some((size, rows))
        });
    let (size, rows) = fitting.unwrap_or_else(|| (SMALLEST, cut(&paragraphs, complete, frame)));
    place(rows, size, frame)
}

/// The lines shaped, and whether they are all there.
fn shape_lines(lines: &[String]) -> (Vec<Paragraph>, bool) {
    let mut left = MOST_CHARACTERS;
    let mut paragraphs = Vec::new();
    for line in lines.iter().flat_map(|line| line.split('\n')) {
        let end = line
            .char_indices()
            .nth(left)
            .map_or(line.len(), |(end, _)| end);
        left -= line[..end].chars().count();
        paragraphs.push(shape(&line[..end]));
        if end < line.len() || left == 0 {
            return (paragraphs, false);
        }
    }
    (paragraphs, true)
}

/// Pieces of one row, as they are read.
struct Unplaced {
    pieces: Vec<Piece>,
    from_right: bool,
}

impl Unplaced {
    /// In ems.
    fn width(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.width).sum()
    }
}

/// Breaks paragraphs at spaces so that rows are at most `width` ems wide, but for words that are
/// wider by themselves.
fn wrap(paragraphs: &[Paragraph], width: f64) -> Vec<Unplaced> {
    let mut rows = Vec::new();
    for paragraph in paragraphs {
        let row = |pieces| Unplaced {
            pieces,
            from_right: paragraph.from_right,
        };
        let mut current: Vec<Piece> = Vec::new();
        let mut current_width = 0.0;
        for part in paragraph
            .pieces
            .chunk_by(|left, right| left.is_space == right.is_space)
        {
            let part_width: f64 = part.iter().map(|piece| piece.width).sum();
            let is_space = part[0].is_space;
            if !is_space && !current.is_empty() && current_width + part_width > width {
                while current.last().is_some_and(|piece| piece.is_space) {
                    current.pop();
                }
                if !current.is_empty() {
                    rows.push(row(std::mem::take(&mut current)));
                }
                current_width = 0.0;
            }
            current.extend_from_slice(part);
            current_width += part_width;
        }
        while current.last().is_some_and(|piece| piece.is_space) {
            current.pop();
        }
        rows.push(row(current));
    }
    rows
}

/// What of `paragraphs` fits at the smallest size; an ellipsis stands for the rest.
fn cut(paragraphs: &[Paragraph], complete: bool, frame: Frame) -> Vec<Unplaced> {
    let width = frame.width / SMALLEST;
    let mut rows = wrap(paragraphs, width);
    let most = most_rows(frame, SMALLEST).max(1);
    let dropped = rows.len() > most || !complete;
    rows.truncate(most);
    let last = rows.len().saturating_sub(1);
    for (index, row) in rows.iter_mut().enumerate() {
        if row.width() > width || dropped && index == last {
            *row = shorten(row, width);
        }
    }
    rows
}

/// As much of a row as fits into `width` ems with an ellipsis behind it.
fn shorten(row: &Unplaced, width: f64) -> Unplaced {
    let text: String = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let ends: Vec<_> = text.char_indices().map(|(end, _)| end).collect();
    let shortened = |end: usize| shape(&format!("{}{ELLIPSIS}", text[..end].trim_end()));
    let fits = |end: &usize| {
        let width_of_all: f64 = shortened(*end).pieces.iter().map(|piece| piece.width).sum();
        width_of_all <= width
    };
    let fitting = ends.partition_point(fits);
    let end = ends[..fitting].last().copied().unwrap_or(0);
    Unplaced {
        pieces: shortened(end).pieces,
        from_right: row.from_right,
    }
}

/// How far the first font's letters reach up and down, in ems.
fn reach() -> (f64, f64) {
    fonts().first().map_or((1.0, 0.0), |font| {
        let em = f64::from(font.face.units_per_em());
        (
            f64::from(font.face.ascender()) / em,
            -f64::from(font.face.descender()) / em,
        )
    })
}

fn most_rows(frame: Frame, size: f64) -> usize {
    let (up, down) = reach();
    ((frame.height / size - up - down) / LEADING + 1.0).max(0.0) as usize
}

fn place(rows: Vec<Unplaced>, size: f64, frame: Frame) -> Block {
    let (up, down) = reach();
    let between = rows.len().saturating_sub(1) as f64 * LEADING;
    let above = (frame.height - (between + up + down) * size) / 2.0;
    let first = frame.y + frame.height - above.max(0.0) - up * size;
    let rows = (0_u32..)
        .zip(rows)
        .map(|(index, row)| Row {
            x: if row.from_right {
                frame.x + frame.width - row.width() * size
            } else {
                frame.x
            },
            y: first - f64::from(index) * LEADING * size,
            pieces: in_sight(row.pieces),
        })
        .collect();
    Block { size, rows }
}

/// The pieces of a row from left to right (Unicode Standard Annex 9, rule L2).
fn in_sight(pieces: Vec<Piece>) -> Vec<Piece> {
    let levels: Vec<_> = pieces.iter().map(|piece| piece.level).collect();
    let mut pieces: Vec<_> = pieces.into_iter().map(Some).collect();
    ParagraphBidiInfo::reorder_visual(&levels)
        .into_iter()
        .filter_map(|index| pieces[index].take())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: f64, height: f64) -> Frame {
        Frame {
            x: 10.0,
            y: 20.0,
            width,
            height,
        }
    }

    fn fitted(lines: &[&str], frame: Frame) -> Block {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        fit(&lines, frame)
    }

    fn texts(block: &Block) -> Vec<String> {
        let text = |row: &Row| row.pieces.iter().map(|piece| piece.text.as_str()).collect();
        block.rows.iter().map(text).collect()
    }

    /// Everything lies within the frame.
    #[track_caller]
    fn assert_inside(block: &Block, frame: Frame) {
        for row in &block.rows {
            let width: f64 = row.pieces.iter().map(|piece| piece.width).sum();
            assert!(row.x >= frame.x - 0.01, "{row:?}");
            assert!(
                row.x + width * block.size <= frame.x + frame.width + 0.01,
                "{row:?}"
            );
            assert!(row.y > frame.y && row.y < frame.y + frame.height, "{row:?}");
        }
    }

    #[test]
    fn text_is_as_large_as_it_can_be_and_no_larger_than_print() {
        let line = ["Signed by Ana Ruiz Ortega"];
        assert_eq!(fitted(&line, frame(400.0, 100.0)).size, LARGEST);
        let mut last = LARGEST;
        for height in (5..=40).rev() {
            let frame = frame(160.0, f64::from(height));
            let block = fitted(&line, frame);
            assert!(block.size <= last, "a lower box makes no larger text");
            assert_inside(&block, frame);
            last = block.size;
        }
        assert_eq!(last, SMALLEST);
    }

    #[test]
    fn long_lines_break_at_spaces_and_lines_stay_lines() {
        let block = fitted(&["one two  three", "", "four\nfive"], frame(55.0, 200.0));
        assert_eq!(texts(&block), ["one two", "three", "", "four", "five"]);
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let frame = frame(60.0, 12.0);
        let endless = "on and ".repeat(2000);
        for (lines, rows) in [
            (
                vec!["maria.de.los.angeles.fernandez.villaverde@example.com"],
                1,
            ),
            (vec![endless.as_str()], 2),
            (vec!["one", "two", "three", "four"], 2),
        ] {
            let block = fitted(&lines, frame);
            let texts = texts(&block);
            assert_eq!((block.size, texts.len()), (SMALLEST, rows), "{texts:?}");
            assert!(
                texts.last().is_some_and(|text| text.ends_with(ELLIPSIS)),
                "{texts:?}"
            );
            assert_inside(&block, frame);
        }
    }

    #[test]
    fn lines_from_the_right_begin_at_the_right_and_keep_numbers_in_order() {
        let frame = frame(200.0, 30.0);
        let block = fitted(&["דוד 2026 לוי"], frame);
        let row = &block.rows[0];
        let width: f64 = row.pieces.iter().map(|piece| piece.width).sum();
        assert!((row.x + width * block.size - frame.x - frame.width).abs() < 0.01);
        let words: Vec<_> = row.pieces.iter().map(|piece| piece.text.trim()).collect();
        assert_eq!(words, ["לוי", "", "2026", "", "דוד"]);
    }

    #[test]
    fn nothing_to_say_is_nothing_to_draw() {
        assert!(fitted(&[], frame(100.0, 50.0)).rows.is_empty());
        assert!(fitted(&["", ""], frame(100.0, 50.0)).rows.is_empty());
    }
}
