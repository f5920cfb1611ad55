//! The canonical form of JSON text that this crate printed in its readable form.

use std::fmt::Write;

/// The canonical form of `readable`, a value printed by
/// [`Json::readable`](super::Json::readable): white space outside texts is dropped, and floats are
/// printed again. Keys are sorted in both forms. `None` when a float cannot be read.
///
/// The text is not parsed into values, because integers may be larger than any that a parser holds.
pub(crate) fn canonical_of_readable(readable: &str) -> Option<String> {
    let mut out = String::with_capacity(readable.len());
    let mut rest = readable;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => {
                let end = end_of_text(rest);
                out.push_str(&rest[..end]);
                end
            }
            '-' | '0'..='9' => {
                let in_number = |c: char| matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9');
                let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
                let number = &rest[..end];
                if number.contains(['.', 'e', 'E']) {
                    let value: f64 = number.parse().ok()?;
                    // Adding zero turns −0 into 0, as the canonical form does.
                    let _ = write!(out, "{:e}", value + 0.0);
                } else {
                    out.push_str(number);
                }
                end
            }
            space if space.is_ascii_whitespace() => 1,
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Some(out)
}

/// The length of the quoted text at the start of `rest`, with its quotation marks.
fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::encode;
    use super::*;

    #[test]
    fn a_text_without_an_end_is_passed_on() {
        assert_eq!(canonical_of_readable("\"a\\\"").as_deref(), Some("\"a\\\""));
        assert_eq!(canonical_of_readable("1.2.3"), None);
    }

    proptest! {
        #[test]
        fn both_forms_agree(
            floats in prop::collection::vec(prop::num::f64::ANY.prop_filter("finite", |v| v.is_finite()), 0..8),
            texts in prop::collection::vec(any::<String>(), 0..4),
            map in prop::collection::btree_map(any::<String>(), prop::option::of(any::<u128>()), 0..4),
            truth in any::<bool>(),
        ) {
            let value: BTreeMap<&str, _> = BTreeMap::from([("v", (floats, texts, map, truth))]);
            let json = encode(&value).unwrap();
            for depth in [0, 1] {
                prop_assert_eq!(canonical_of_readable(&json.readable(depth)), Some(json.canonical()));
            }
        }
    }
}
