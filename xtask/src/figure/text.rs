//! How wide a text is.
//!
//! Measured in the embedded font, DejaVu Sans, which is wider than the fonts
//! that a browser may put in its place: what fits here fits there.

use std::sync::{Arc, LazyLock};

use resvg::usvg;

use super::markup::escape;

/// Subsets of DejaVu Sans: Latin, Greek, raised digits and signs of mathematics,
/// and fewer of the last in bold. Made by `assets/subset.sh`; licence beside it.
const REGULAR: &[u8] = include_bytes!("../../assets/DejaVuSans-subset.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/DejaVuSans-Bold-subset.ttf");

/// The fonts of the figures, best first, as an attribute has them.
pub(super) const FAMILIES: &str = "'DejaVu Sans', Verdana, system-ui, sans-serif";

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    Arc::new(fonts)
});

/// The settings under which an SVG looks the same on every machine.
pub(super) fn options() -> usvg::Options<'static> {
    usvg::Options {
        fontdb: FONTS.clone(),
        font_family: "DejaVu Sans".into(),
        ..usvg::Options::default()
    }
}

/// The width in pixels of `text` at the given size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg'><text font-size='{size}' xml:space='preserve'>{}</text></svg>",
        escape(text)
    );
    // A text that the font has no glyph for is given the width of wide ones.
    let guess = size * text.chars().count() as f64;
    let Ok(tree) = usvg::Tree::from_str(&svg, &options()) else {
        return guess;
    };
    match tree.root().children() {
        [node, ..] => f64::from(node.bounding_box().width()),
        [] => guess,
    }
}

/// Breaks `text` at spaces into lines of at most `limit` pixels, where words
/// allow it.
pub(super) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_that_of_the_font() {
        // DejaVu Sans: a digit is 1303 of 2048 units wide, the space 651.
        assert!((width("0000", 20.48) - 4.0 * 13.03).abs() < 0.05);
        assert!((width("0 0", 20.48) - (2.0 * 13.03 + 6.51)).abs() < 0.05);
        assert_eq!(width("", 10.0), 0.0);
    }

    #[test]
    fn the_font_has_the_signs_of_the_field() {
        for sign in "αβγΔΘμσφ⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂ℓ·√±×≈−∝‖→∂∇≤≥≪≫∞⟨⟩–".chars()
        {
            let width = width(&sign.to_string(), 100.0);
            // 100 would be the guess for a sign that is not there.
            assert!(width > 5.0 && width != 100.0, "{sign}");
        }
    }

    #[test]
    fn lines_break_at_spaces() {
        let lines = wrap("one two  three four", 10.0, width("one two ", 10.0));
        assert_eq!(lines, ["one two", "three", "four"]);
        assert_eq!(wrap("indivisible", 10.0, 1.0), ["indivisible"]);
        assert!(wrap("  ", 10.0, 10.0).is_empty());
    }
}
