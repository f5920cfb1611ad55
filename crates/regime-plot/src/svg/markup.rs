//! Escaping of text for XML and HTML.

use std::fmt::Write as _;

/// Replaces the five special characters of markup by entities, for element content
/// and for quoted attributes in XML and HTML. Characters that XML 1.0 forbids become
/// U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Converts `text` to an identifier for markup and style sheets. ASCII letters, and
/// digits and hyphens after the first character, do not change. Every other character
/// becomes its hexadecimal code between two underscores. Different texts therefore have
/// different identifiers, and no identifier equals another one with a suffix such as
/// `_title`.
pub(super) fn identifier(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        match character {
            'a'..='z' | 'A'..='Z' => name.push(character),
            '0'..='9' | '-' if index > 0 => name.push(character),
            // Writing to a String cannot fail.
            _ => drop(write!(name, "_{:x}_", u32::from(character))),
        }
    }
    if name.is_empty() { "_".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape(r#"<a href="x">R&D's</a>"#),
            "&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s&lt;/a&gt;"
        );
        assert_eq!(escape("α ≤ 1\u{0}\u{8}"), "α ≤ 1\u{fffd}\u{fffd}");
    }

    #[test]
    fn identifiers_are_plain_and_different() {
        let texts = ["kernel-change-2", "a b", "a-b", "1", "-", "_", "α", ""];
        let names = texts.map(identifier);
        assert_eq!(names[..2], ["kernel-change-2", "a_20_b"]);
        for (index, name) in names.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            assert!(name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()));
            assert!(!names[..index].contains(name), "{name}");
        }
    }
}
