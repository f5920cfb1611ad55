//! Text made safe for XML and HTML.

/// `text` with the five characters that markup gives a meaning replaced by
/// entities, fit for element content and for quoted attributes, in XML and
/// HTML alike. Characters that XML 1.0 forbids become U+FFFD.
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

/// `text` as an identifier for markup and style sheets: lower-case ASCII
/// letters, digits and hyphens, beginning with a letter.
pub(super) fn identifier(text: &str) -> String {
    let mut name: String =
        text.chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
            })
            .collect();
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.insert_str(0, "f-");
    }
    name
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
    fn identifiers_are_plain() {
        assert_eq!(identifier("Kernel change: α"), "kernel-change---");
        assert_eq!(identifier("1"), "f-1");
        assert_eq!(identifier(""), "f-");
    }
}
