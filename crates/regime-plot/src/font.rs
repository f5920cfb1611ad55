//! The embedded font.
//!
//! The font is DejaVu Sans. It is wider than the fonts that a browser may use
//! instead, so text that fits in DejaVu Sans also fits in these fonts.

use std::sync::LazyLock;

use ttf_parser::gpos::{MarkToBaseAdjustment, PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Subsets of DejaVu Sans: Latin, Greek, superscript digits and mathematical symbols;
/// the bold subset has fewer symbols. `assets/subset.sh` makes them; the licence is in
/// the same folder.
pub(crate) static REGULAR: LazyLock<Font> =
    LazyLock::new(|| Font::new(include_bytes!("../assets/DejaVuSans-subset.ttf")));
pub(crate) static BOLD: LazyLock<Font> =
    LazyLock::new(|| Font::new(include_bytes!("../assets/DejaVuSans-Bold-subset.ttf")));

/// The glyph for a letter that a font lacks.
pub(crate) const MISSING: GlyphId = GlyphId(0);

/// A font, with its tables for kerning and for the positions of accents.
pub(crate) struct Font {
    face: Face<'static>,
    /// Font units per text size.
    units: f64,
    pairs: Vec<PairAdjustment<'static>>,
    accents: Vec<MarkToBaseAdjustment<'static>>,
}

impl Font {
    fn new(data: &'static [u8]) -> Self {
        let face = Face::parse(data, 0).expect("the embedded font is valid");
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

    /// The glyph of a letter, if the font has it.
    pub(crate) fn glyph(&self, letter: char) -> Option<GlyphId> {
        self.face.glyph_index(letter)
    }

    /// The distance from a glyph to the next, in units of the text size.
    pub(crate) fn advance(&self, id: GlyphId) -> f64 {
        f64::from(self.face.glyph_hor_advance(id).unwrap_or(0)) / self.units
    }

    /// The position of the accent `mark` on a letter: to the right and up from the
    /// origin of the letter, in units of the text size. `None` if the font has no
    /// position.
    pub(crate) fn accent(&self, letter: char, mark: GlyphId) -> Option<(f64, f64)> {
        let base = self.glyph(letter)?;
        self.accents.iter().find_map(|table| {
            let (class, on_mark) = table.marks.get(table.mark_coverage.get(mark)?)?;
            let on_base = table.anchors.get(table.base_coverage.get(base)?, class)?;
            let units = |base: i16, mark: i16| (f64::from(base) - f64::from(mark)) / self.units;
            Some((units(on_base.x, on_mark.x), units(on_base.y, on_mark.y)))
        })
    }

    /// The correction to the distance of two letters, in units of the text size.
    pub(crate) fn kerning(&self, first: GlyphId, second: GlyphId) -> f64 {
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

    /// Passes the outline of a glyph to `builder`, in font units, with y upwards from the
    /// origin.
    pub(crate) fn outline(&self, id: GlyphId, builder: &mut dyn OutlineBuilder) {
        // A space has no outline.
        let _ = self.face.outline_glyph(id, builder);
    }

    /// The length of a font unit, in units of the text size.
    pub(crate) fn unit(&self) -> f64 {
        1.0 / self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_stands_above_the_middle_of_its_letter() {
        let font = &REGULAR;
        for (letter, accent) in [('z', '\u{303}'), ('Z', '\u{303}'), ('x', '\u{302}')] {
            let [letter_glyph, mark] = [letter, accent].map(|sign| font.glyph(sign).unwrap());
            let (x, y) = font.accent(letter, mark).unwrap();
            let outline = |id| font.face.glyph_bounding_box(id).unwrap();
            let middle = f64::from(outline(mark).x_min + outline(mark).x_max) / 2.0 * font.unit();
            assert!((x + middle - font.advance(letter_glyph) / 2.0).abs() < 0.05, "{letter}");
            let (top, bottom) = (outline(letter_glyph).y_max, outline(mark).y_min);
            assert!(y + f64::from(bottom) * font.unit() > f64::from(top) * font.unit(), "{letter}");
        }
        assert_eq!(font.accent('z', font.glyph('a').unwrap()), None);
    }
}
