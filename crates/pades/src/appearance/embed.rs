//! Fonts embedded with no more than the glyphs that were used (ISO 32000-2, 9.7 to 9.10).
//!
//! Glyphs are renumbered from 1 in the order of their first use; the codes in the content are
//! these numbers.

use std::collections::BTreeMap;

use rustybuzz::ttf_parser::{GlyphId, RawFace, Tag};
use subsetter::GlyphRemapper;

use super::{
    draw::{number, pack},
    font::{Font, Glyph, Piece},
};
use crate::{
    error::PdfError,
    object::{Dictionary, Object, Ref, write_hex},
    revision::Revision,
};

/// Symbolic: its characters are not those of a standard Latin set (table 121).
const SYMBOLIC: i64 = 1 << 2;

/// What PDF wants to know and fonts do not say; only readers that replace fonts look at it.
const STEM_WIDTH: i64 = 80;

/// A font and what was used of it.
pub(super) struct Subset {
    font: &'static Font,
    glyphs: GlyphRemapper,
    /// The text behind each code.
    texts: BTreeMap<u16, String>,
}

impl Subset {
    pub fn new(font: &'static Font) -> Self {
        Self {
            font,
            glyphs: GlyphRemapper::new(),
            texts: BTreeMap::new(),
        }
    }

    /// The code for a glyph of `piece`.
    pub fn code(&mut self, piece: &Piece, glyph: &Glyph) -> u16 {
        let code = self.glyphs.remap(glyph.id);
        let text = &piece.text[glyph.text.clone()];
        if !text.is_empty() {
            self.texts.entry(code).or_insert_with(|| text.to_owned());
        }
        code
    }

    /// How far a glyph moves the pen by itself, in thousandths of an em.
    pub fn width(&self, glyph: u16) -> f64 {
        let advance = self.font.face.glyph_hor_advance(GlyphId(glyph));
        self.thousandths(advance.unwrap_or(0).into())
    }

    fn thousandths(&self, units: f64) -> f64 {
        units * 1000.0 / f64::from(self.font.face.units_per_em())
    }

    /// Writes the font; the answer is what a resource dictionary refers to.
    pub fn put(&self, revision: &mut Revision<'_, '_>) -> Result<Ref, PdfError> {
        let program = subsetter::subset(self.font.data, 0, &self.glyphs)
            .map_err(|_| PdfError::Font(self.font.name))?;
        let tables = RawFace::parse(&program, 0).map_err(|_| PdfError::Font(self.font.name))?;
        // A font with PostScript outlines is embedded without the wrapping of OpenType.
        let outlines = tables.table(Tag::from_bytes(b"CFF "));
        let name = format!("{}+{}", self.tag(), self.font.name);
        let (file_key, file) = match outlines {
            // They are dense already: to deflate them would cost more time than all of the rest,
            // and save half a kilobyte.
            Some(outlines) => {
                let subtype = Object::name("CIDFontType0C");
                let dictionary = Dictionary::default().with("Subtype", subtype);
                ("FontFile3", revision.put_stream(dictionary, outlines)?)
            }
            None => {
                let (dictionary, data) = pack(&program);
                let length = Object::Integer(program.len() as i64);
                let dictionary = dictionary.with("Length1", length);
                ("FontFile2", revision.put_stream(dictionary, &data)?)
            }
        };
        let count = glyph_count(&tables).ok_or(PdfError::Font(self.font.name))?;
        let cid_set = revision.put_stream(Dictionary::default(), &cid_set(count))?;
        let descriptor = self
            .descriptor(&name)
            .with(file_key, Object::Reference(file))
            .with("CIDSet", Object::Reference(cid_set));
        let descriptor_id = revision.allocate()?;
        revision.put(descriptor_id, &Object::Dictionary(descriptor))?;

        let system = Dictionary::default()
            .with("Registry", Object::String(b"Adobe".to_vec()))
            .with("Ordering", Object::String(b"Identity".to_vec()))
            .with("Supplement", Object::Integer(0));
        let mut descendant = Dictionary::default()
            .with("Type", Object::name("Font"))
            .with("BaseFont", Object::name(&name))
            .with("CIDSystemInfo", Object::Dictionary(system))
            .with("FontDescriptor", Object::Reference(descriptor_id))
            .with("DW", Object::Integer(0))
            .with("W", self.widths());
        let mut full_name = name;
        if outlines.is_some() {
            descendant.set("Subtype", Object::name("CIDFontType0"));
            full_name.push_str("-Identity-H");
        } else {
            descendant.set("Subtype", Object::name("CIDFontType2"));
            descendant.set("CIDToGIDMap", Object::name("Identity"));
        }
        let descendant_id = revision.allocate()?;
        revision.put(descendant_id, &Object::Dictionary(descendant))?;

        let (dictionary, data) = pack(&self.to_unicode());
        let to_unicode = revision.put_stream(dictionary, &data)?;
        let font = Dictionary::default()
            .with("Type", Object::name("Font"))
            .with("Subtype", Object::name("Type0"))
            .with("BaseFont", Object::name(&full_name))
            .with("Encoding", Object::name("Identity-H"))
            .with(
                "DescendantFonts",
                Object::Array(vec![Object::Reference(descendant_id)]),
            )
            .with("ToUnicode", Object::Reference(to_unicode));
        let id = revision.allocate()?;
        revision.put(id, &Object::Dictionary(font))?;
        Ok(id)
    }

    /// Six letters that tell this subset from others of the same font (9.9.2).
    fn tag(&self) -> String {
        let glyphs: Vec<_> = self.used().flat_map(u16::to_be_bytes).collect();
        let digest = crypto::sha256(&[self.font.name.as_bytes(), &glyphs].concat());
        let letters = digest[..6].iter().map(|byte| char::from(b'A' + byte % 26));
        letters.collect()
    }

    /// The glyphs of the font, in the order of their codes.
    fn used(&self) -> impl Iterator<Item = u16> {
        self.glyphs.remapped_gids()
    }

    fn descriptor(&self, name: &str) -> Dictionary {
        let face = &self.font.face;
        let length = |units: i16| number(self.thousandths(units.into()));
        let bounds = face.global_bounding_box();
        let corners = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max];
        let capitals = face.capital_height().unwrap_or(face.ascender());
        Dictionary::default()
            .with("Type", Object::name("FontDescriptor"))
            .with("FontName", Object::name(name))
            .with("Flags", Object::Integer(SYMBOLIC))
            .with("FontBBox", Object::Array(corners.map(length).to_vec()))
            .with("ItalicAngle", Object::Integer(0))
            .with("Ascent", length(face.ascender()))
            .with("Descent", length(face.descender()))
            .with("CapHeight", length(capitals))
            .with("StemV", Object::Integer(STEM_WIDTH))
    }

    /// 9.7.4.3.
    fn widths(&self) -> Object {
        let widths = self.used().map(|glyph| number(self.width(glyph)));
        Object::Array(vec![Object::Integer(0), Object::Array(widths.collect())])
    }

    /// 9.10.3.
    fn to_unicode(&self) -> Vec<u8> {
        let mut map = TO_UNICODE_HEAD.as_bytes().to_vec();
        let entries: Vec<_> = self.texts.iter().collect();
        for block in entries.chunks(100) {
            map.extend_from_slice(format!("{} beginbfchar\n", block.len()).as_bytes());
            for (code, text) in block {
                let text: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
                map.push(b'<');
                write_hex(&code.to_be_bytes(), &mut map);
                map.extend_from_slice(b"> <");
                write_hex(&text, &mut map);
                map.extend_from_slice(b">\n");
            }
            map.extend_from_slice(b"endbfchar\n");
        }
        map.extend_from_slice(TO_UNICODE_FOOT.as_bytes());
        map
    }
}

/// Composite glyphs bring their parts, so there may be more than were used.
fn glyph_count(tables: &RawFace<'_>) -> Option<u16> {
    let maxima = tables.table(Tag::from_bytes(b"maxp"))?;
    Some(u16::from_be_bytes([*maxima.get(4)?, *maxima.get(5)?]))
}

/// One bit for each glyph that is there, all of them (9.8.3.2): PDF/A-1 wants to have it, and later
/// parts want it to be right.
fn cid_set(glyphs: u16) -> Vec<u8> {
    let mut bits = vec![0xFF; usize::from(glyphs / 8)];
    if !glyphs.is_multiple_of(8) {
        bits.push(!(0xFF >> (glyphs % 8)));
    }
    bits
}

const TO_UNICODE_HEAD: &str = "/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
";

const TO_UNICODE_FOOT: &str = "endcmap
CMapName currentdict /CMap defineresource pop
end
end
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appearance::font::{fonts, shape};

    fn subset(text: &str) -> Subset {
        let mut subset = Subset::new(&fonts()[0]);
        for piece in &shape(text).pieces {
            for glyph in &piece.glyphs {
                subset.code(piece, glyph);
            }
        }
        subset
    }

    #[test]
    fn codes_lead_back_to_text_and_a_ligature_to_all_of_its_letters() {
        let map = String::from_utf8(subset("Office").to_unicode()).unwrap();
        // O, ffi, c, e: after the glyph 0, which nothing refers to.
        for line in [
            "4 beginbfchar",
            "<0001> <004F>",
            "<0002> <006600660069>",
            "<0003> <0063>",
            "<0004> <0065>",
        ] {
            assert!(map.lines().any(|other| other == line), "{line} in {map}");
        }
    }

    #[test]
    fn subsets_are_told_apart_by_their_tags() {
        let tags = ["Ana", "Ana Ruiz", "Ana"].map(|text| subset(text).tag());
        assert_eq!(tags[0], tags[2]);
        assert_ne!(tags[0], tags[1]);
        for tag in tags {
            assert!(tag.len() == 6 && tag.bytes().all(|letter| letter.is_ascii_uppercase()));
        }
    }

    #[test]
    fn the_set_of_glyphs_has_a_bit_for_each_and_no_more() {
        assert_eq!(cid_set(3), [0b1110_0000]);
        assert_eq!(cid_set(8), [0xFF]);
        assert_eq!(cid_set(17), [0xFF, 0xFF, 0b1000_0000]);
    }
}
