//! Lines of text in the embedded font: which glyphs, and where they stand.
//!
//! The font is DejaVu Sans, which is wider than the fonts that a browser may
//! put in its place: what fits here fits there. Labels of figures need pairs
//! of letters moved closer (kerning) and accents put on letters, and nothing
//! else of what a text shaper does.

use std::sync::LazyLock;

use ttf_parser::gpos::{MarkToBaseAdjustment, PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, GlyphId};

/// Subsets of DejaVu Sans: Latin, Greek, raised digits and signs of mathematics,
/// and fewer of the last in bold. Made by `assets/subset.sh`; licence beside it.
static REGULAR: LazyLock<Font> =
    LazyLock::new(|| Font::new(include_bytes!("../assets/DejaVuSans-subset.ttf")));
static BOLD: LazyLock<Font> =
    LazyLock::new(|| Font::new(include_bytes!("../assets/DejaVuSans-Bold-subset.ttf")));

/// The glyph that stands for a letter that a font lacks.
const MISSING: GlyphId = GlyphId(0);

/// A line of text of size 1. Lengths are in sizes of the text.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) glyphs: Vec<Glyph>,
    pub(crate) width: f64,
}

/// A glyph and its place.
pub(crate) struct Glyph {
    font: &'static Font,
    id: GlyphId,
    /// Where its origin stands, from the start of the line to the right, and
    /// from the baseline up.
    pub(crate) at: (f64, f64),
}

/// Sets a line of text. A letter that the font lacks is a box in the width of
/// a wide letter.
pub(crate) fn set(text: &str, bold: bool) -> Line {
    let fonts: &[&'static Font] = if bold { &[&BOLD, &REGULAR] } else { &[&REGULAR] };
    let mut line = Line::default();
    // The last letter that is not an accent.
    let mut last: Option<Letter> = None;
    for character in text.chars() {
        let found = fonts.iter().find_map(|font| Some((*font, font.face.glyph_index(character)?)));
        let Some((font, id)) = found else {
            let at = (line.width + 0.5 * (1.0 - fonts[0].advance(MISSING)), 0.0);
            line.push(Glyph { font: fonts[0], id: MISSING, at }, 1.0);
            last = None;
            continue;
        };
        if let Some(base) = &last
            && let Some((x, y)) = font.accent(base.character, id)
        {
            line.push(Glyph { font, id, at: (base.start + x, y) }, 0.0);
            continue;
        }
        let before = last.as_ref().filter(|letter| std::ptr::eq(letter.font, font));
        line.width += before.map_or(0.0, |letter| font.kerning(letter.id, id));
        last = Some(Letter { character, font, id, start: line.width });
        line.push(Glyph { font, id, at: (line.width, 0.0) }, font.advance(id));
    }
    line
}

/// A letter that others are set beside or on.
struct Letter {
    character: char,
    font: &'static Font,
    id: GlyphId,
    start: f64,
}

impl Line {
    fn push(&mut self, glyph: Glyph, advance: f64) {
        self.glyphs.push(glyph);
        self.width += advance;
    }
}

impl Glyph {
    /// The outline, in units of the font and upwards from its origin.
    #[cfg(feature = "png")]
    pub(crate) fn outline(&self, builder: &mut dyn ttf_parser::OutlineBuilder) {
        // A space has none.
        let _ = self.font.face.outline_glyph(self.id, builder);
    }

    /// The length of a unit of the font, in sizes of the text.
    #[cfg(feature = "png")]
    pub(crate) fn unit(&self) -> f64 {
        1.0 / self.font.units
    }
}

/// A font and the tables of it that are used.
struct Font {
    face: Face<'static>,
    /// Units of the font in a size of the text.
    units: f64,
    pairs: Vec<PairAdjustment<'static>>,
    accents: Vec<MarkToBaseAdjustment<'static>>,
}

impl Font {
    fn new(data: &'static [u8]) -> Self {
        let face = Face::parse(data, 0).expect("an embedded font is a font");
        let (mut pairs, mut accents) = (Vec::new(), Vec::new());
        for lookup in face.tables().gpos.iter().flat_map(|table| table.lookups) {
            for table in lookup.subtables.into_iter() {
                match table {
                    PositioningSubtable::Pair(pair) => pairs.push(pair),
                    PositioningSubtable::MarkToBase(accent) => accents.push(accent),
                    _ => {}
                }
            }
        }
        Self { units: f64::from(face.units_per_em()), face, pairs, accents }
    }

    fn advance(&self, id: GlyphId) -> f64 {
        f64::from(self.face.glyph_hor_advance(id).unwrap_or(0)) / self.units
    }

    /// Where the accent `mark` stands on a letter, from the origin of the letter
    /// to the right and up; none if it is no accent of that letter.
    fn accent(&self, letter: char, mark: GlyphId) -> Option<(f64, f64)> {
        let base = self.face.glyph_index(letter)?;
        self.accents.iter().find_map(|table| {
            let (class, on_mark) = table.marks.get(table.mark_coverage.get(mark)?)?;
            let on_base = table.anchors.get(table.base_coverage.get(base)?, class)?;
            let units = |base: i16, mark: i16| (f64::from(base) - f64::from(mark)) / self.units;
            Some((units(on_base.x, on_mark.x), units(on_base.y, on_mark.y)))
        })
    }

    /// What is added to the distance of two letters.
    fn kerning(&self, first: GlyphId, second: GlyphId) -> f64 {
        let found = self.pairs.iter().find_map(|table| match table {
            PairAdjustment::Format1 { coverage, sets } => {
                Some(sets.get(coverage.get(first)?)?.get(second)?.0)
            }
            PairAdjustment::Format2 { coverage, classes, matrix } => {
                coverage.get(first)?;
                Some(matrix.get((classes.0.get(first), classes.1.get(second)))?.0)
            }
        });
        found.map_or(0.0, |record| f64::from(record.x_advance)) / self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_letters_are_kerned() {
        // In DejaVu Sans, T and o are 1251 and 1253 of 2048 units wide.
        let loose = (1251.0 + 1253.0) / 2048.0;
        let kerned = set("To", false).width;
        assert!(kerned < loose - 0.05 && kerned > 0.8 * loose, "{kerned}");
        assert_eq!(set("oT", false).glyphs[1].at.1, 0.0);
    }

    #[test]
    fn an_accent_takes_no_width_and_stands_on_its_letter() {
        for (text, letter) in [("z\u{303}", "z"), ("Z\u{303}", "Z"), ("θ\u{302}", "θ")] {
            let (accented, plain) = (set(text, false), set(letter, false));
            assert_eq!(accented.width, plain.width, "{text}");
            let middle = {
                let Glyph { font, id, at } = &accented.glyphs[1];
                let outline = font.face.glyph_bounding_box(*id).unwrap();
                at.0 + f64::from(outline.x_min + outline.x_max) / 2.0 / font.units
            };
            assert!((middle - plain.width / 2.0).abs() < 0.05, "{text}: {middle}");
        }
        let [low, high] = ["z\u{303}", "Z\u{303}"].map(|text| set(text, false).glyphs[1].at.1);
        assert!(high > low + 0.1, "{low} {high}");
    }

    #[test]
    fn bold_takes_from_the_regular_font_what_it_lacks() {
        let [bold, regular] = [true, false].map(|bold| set("⟨", bold).width);
        assert_eq!(bold, regular);
        assert!(set("m", true).width > set("m", false).width);
    }

    #[test]
    fn a_letter_that_no_font_has_is_a_box() {
        for bold in [true, false] {
            let line = set("a漢a", bold);
            assert_eq!(line.glyphs[1].id, MISSING);
            assert_eq!(line.width, 2.0 * set("a", bold).width + 1.0);
        }
    }
}
