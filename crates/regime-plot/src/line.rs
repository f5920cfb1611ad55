//! Layout of a line of text: the glyphs of the embedded font and their positions.
//!
//! Labels of figures need two functions of a text shaper: kerning of pairs of
//! letters, and placement of accents on letters.

use ttf_parser::GlyphId;

use crate::font::{BOLD, Font, MISSING, REGULAR};

/// A line of text. Lengths are in units of the text size.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) glyphs: Vec<Glyph>,
    pub(crate) width: f64,
}

/// A glyph and its position.
pub(crate) struct Glyph {
    pub(crate) font: &'static Font,
    pub(crate) id: GlyphId,
    /// The origin of the glyph: to the right from the start of the line, and up from
    /// the baseline.
    pub(crate) at: (f64, f64),
}

/// Lays out a line of text. A letter that the font lacks becomes a box, as wide as
/// a wide letter.
pub(crate) fn set(text: &str, bold: bool) -> Line {
    let fonts: &[&'static Font] = if bold { &[&BOLD, &REGULAR] } else { &[&REGULAR] };
    let mut line = Line::default();
    // The last letter that is not an accent.
    let mut last: Option<Letter> = None;
    for character in text.chars() {
        let found = fonts.iter().find_map(|font| Some((*font, font.glyph(character)?)));
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

/// The last letter, for the kerning of the next letter and for accents.
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
    fn an_accent_takes_no_width() {
        for (text, letter) in [("z\u{303}", "z"), ("Z\u{303}", "Z"), ("θ\u{302}", "θ")] {
            for bold in [true, false] {
                assert_eq!(set(text, bold).width, set(letter, bold).width, "{text}");
            }
        }
        let [low, high] = ["z\u{303}", "Z\u{303}"].map(|text| set(text, true).glyphs[1].at.1);
        assert!(high > low + 0.1, "{low} {high}");
    }

    #[test]
    fn glyphs_that_bold_lacks_come_from_the_regular_font() {
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
