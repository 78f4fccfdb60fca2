//! Making texts of people fit to be set: bounded, on one line, in characters that the fonts have.

use crate::RenderError;
use crate::world::Base;

/// How long a text may be, in characters. Given names and two surnames of the greatest length that
/// is taken in, 149 each, make a full name of 449; whoever reaches this limit is not naming
/// anything.
pub(crate) const LINE: usize = 500;
/// The same for texts of several sentences.
pub(crate) const PARAGRAPH: usize = 4000;

/// Prepares texts for the fonts of a world.
pub(crate) struct Text<'a>(pub(crate) &'a Base);

impl Text<'_> {
    /// A text of one line.
    pub(crate) fn line(&self, field: &'static str, text: &str) -> Result<String, RenderError> {
        self.bounded(field, text, LINE)
    }

    /// A text of one line that may be missing. An empty one counts as missing.
    pub(crate) fn optional(
        &self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<Option<String>, RenderError> {
        let text = text.map(|text| self.line(field, text)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A text of at most `limit` characters.
    pub(crate) fn bounded(
        &self,
        field: &'static str,
        text: &str,
        limit: usize,
    ) -> Result<String, RenderError> {
        if text.chars().nth(limit).is_some() {
            return Err(RenderError::TooLong { field, limit });
        }
        let mut shown = String::with_capacity(text.len());
        for c in plain(text).chars() {
            if c == ' ' || self.0.covers(c) {
                shown.push(c);
            } else {
                // PDF/A forbids a glyph that stands for "missing", and dropping a letter of a
                // name would be worse: the number tells which it was.
                shown.push_str(&format!("[U+{:04X}]", u32::from(c)));
            }
        }
        Ok(shown)
    }
}

/// A text on one line, with nothing in it that cannot be seen.
pub(crate) fn plain(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that change how others look without being seen: in a contract they only deceive.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let base = Base::new();
        Text(&base).line("name", text).unwrap()
    }

    #[test]
    fn all_faces_have_the_three_scripts() {
        let base = Base::new();
        let latin = ('\u{c0}'..='\u{24f}').chain('\u{1e00}'..='\u{1eff}');
        let greek = ('Ά'..='ώ').chain('\u{1f00}'..='\u{1ffc}');
        let letters = latin
            .chain(greek)
            .chain('Ѐ'..='ӿ')
            .filter(|c| c.is_alphabetic());
        let missing: String = letters.filter(|c| !base.covers(*c)).collect();
        assert_eq!(missing, "");
        // Vietnamese, Romanian, and an accent apart from its letter.
        for name in ["Nguyễn Thị Hồng Ngọc", "Țară Știință", "Jose\u{301}"] {
            assert_eq!(line(name), name);
        }
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        assert_eq!(line("李 Ana"), "[U+674E] Ana");
        assert_eq!(line("Ana 🎉"), "Ana [U+1F389]");
    }

    #[test]
    fn lines_stay_lines_and_hide_nothing() {
        assert_eq!(line("  Ana\n\t\u{a0}María\0 "), "Ana María");
        assert_eq!(line("Ana\u{202e}gnp.exe\u{200b}"), "Anagnp.exe");
    }

    #[test]
    fn bounds_are_kept() {
        let base = Base::new();
        let text = Text(&base);
        text.line("name", &"ñ".repeat(LINE)).unwrap();
        let refusal = text.line("name", &"ñ".repeat(LINE + 1)).unwrap_err();
        assert!(matches!(
            refusal,
            RenderError::TooLong {
                field: "name",
                limit: LINE
            }
        ));
    }
}
