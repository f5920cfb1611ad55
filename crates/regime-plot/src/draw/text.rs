//! The width of a text, and its line breaks.

use crate::line::set;

/// The width in pixels of `text` at the given size, in the embedded font.
pub(super) fn width(text: &str, size: f64) -> f64 {
    set(text, false).width * size
}

/// Breaks `text` at spaces into lines of at most `limit` pixels. A longer word has its
/// own line.
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

/// `text` with single spaces. A text of more than `longest` characters is cut, with an
/// ellipsis as the last character.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(longest) {
        None => text,
        Some(_) => {
            let start: String = text.chars().take(longest.saturating_sub(1)).collect();
            format!("{}…", start.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_agrees_with_the_font() {
        // DejaVu Sans: a digit is 1303 of 2048 units wide, the space 651.
        assert!((width("0000", 20.48) - 4.0 * 13.03).abs() < 0.05);
        assert!((width("0 0", 20.48) - (2.0 * 13.03 + 6.51)).abs() < 0.05);
        assert_eq!(width("", 10.0), 0.0);
    }

    #[test]
    fn the_font_has_the_symbols_of_the_field() {
        for sign in "αβγΔΘμσφ⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂ℓ·√±×≈−∝‖→∂∇≤≥≪≫∞⟨⟩–".chars()
        {
            let width = width(&sign.to_string(), 100.0);
            // A missing symbol would have the width 100.
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

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shorten(" α  = 1\n", 5), "α = 1");
        assert_eq!(shorten("α = 10", 5), "α =…");
        assert_eq!(shorten("word", 0), "…");
    }
}
