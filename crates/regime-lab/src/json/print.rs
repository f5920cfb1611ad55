//! The two printed forms of JSON: canonical for hashing, readable for people.

use std::fmt::Write;

use super::Json;

impl Json {
    /// The form that is hashed; see [`canonical_form`](crate::canonical_form)
    /// for its rules.
    pub(crate) fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    /// The form that is stored: maps indented, lists of plain values on one
    /// line. The first line is not indented, the others by `depth` levels.
    pub(crate) fn readable(&self, depth: usize) -> String {
        let mut out = String::new();
        self.write_readable(&mut out, depth);
        out
    }

    fn write_canonical(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Json::Integer(digits) => out.push_str(digits),
            // Adding zero turns −0 into 0 and does not change any other float.
            Json::Float(v) => push(out, format_args!("{:e}", v + 0.0)),
            Json::Text(text) => write_text(out, text),
            Json::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write_canonical(out);
                }
                out.push(']');
            }
            Json::Map(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    write_text(out, key);
                    out.push(':');
                    value.write_canonical(out);
                }
                out.push('}');
            }
        }
    }

    fn write_readable(&self, out: &mut String, depth: usize) {
        match self {
            Json::Float(v) => push(out, format_args!("{v:?}")),
            Json::List(items) if !items.is_empty() => {
                let one_line = !items.iter().any(|i| matches!(i, Json::List(_) | Json::Map(_)));
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    match (one_line, i) {
                        (true, 0) => {}
                        (true, _) => out.push(' '),
                        (false, _) => start_line(out, depth + 1),
                    }
                    item.write_readable(out, depth + 1);
                }
                if !one_line {
                    start_line(out, depth);
                }
                out.push(']');
            }
            Json::Map(entries) if !entries.is_empty() => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    start_line(out, depth + 1);
                    write_text(out, key);
                    out.push_str(": ");
                    value.write_readable(out, depth + 1);
                }
                start_line(out, depth);
                out.push('}');
            }
            plain => plain.write_canonical(out),
        }
    }
}

fn start_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a `String` cannot fail.
    let _ = out.write_fmt(text);
}

/// Writes `text` quoted, with the escapes of RFC 8785 (the shortest ones).
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => push(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::encode;
    use super::*;

    fn canonical<T: serde::Serialize>(value: T) -> String {
        encode(&value).unwrap().canonical()
    }

    #[test]
    fn canonical_numbers() {
        assert_eq!(canonical(1_u8), "1");
        assert_eq!(canonical(1.0), "1e0");
        assert_eq!(canonical(0.0), "0e0");
        assert_eq!(canonical(-0.0), "0e0");
        assert_eq!(canonical(-12.5), "-1.25e1");
        assert_eq!(canonical(0.1), "1e-1");
        assert_eq!(canonical(0.1_f32), "1.0000000149011612e-1");
        assert_eq!(canonical(5e-324), "5e-324");
        assert_eq!(canonical(f64::MAX), "1.7976931348623157e308");
        assert_eq!(canonical(u128::MAX), "340282366920938463463374607431768211455");
    }

    #[test]
    fn readable_layout() {
        let value = BTreeMap::from([
            ("curve", Json::List(vec![Json::Float(1.0), Json::Float(-0.0)])),
            ("empty", Json::Map(BTreeMap::new())),
            ("rows", Json::List(vec![Json::List(vec![Json::Null, Json::Bool(true)])])),
        ]);
        let value = Json::Map(value.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
        let expected = r#"{
  "curve": [1.0, -0.0],
  "empty": {},
  "rows": [
    [null, true]
  ]
}"#;
        assert_eq!(value.readable(0), expected);
    }

    proptest! {
        #[test]
        fn both_forms_read_back_exactly(
            floats in prop::collection::vec(prop::num::f64::ANY.prop_filter("finite", |v| v.is_finite()), 0..8),
            single in prop::num::f32::ANY.prop_filter("finite", |v| v.is_finite()),
            text in any::<String>(),
            integer in any::<i64>(),
        ) {
            let json = encode(&(&floats, single, &text, integer)).unwrap();
            for (form, signed_zero) in [(json.canonical(), false), (json.readable(1), true)] {
                let read: (Vec<f64>, f32, String, i64) = serde_json::from_str(&form).unwrap();
                prop_assert_eq!(&read.0, &floats);
                prop_assert_eq!(read.1, single);
                prop_assert_eq!(&read.2, &text);
                prop_assert_eq!(read.3, integer);
                if signed_zero {
                    let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    prop_assert_eq!(bits(&read.0), bits(&floats));
                    prop_assert_eq!(read.1.to_bits(), single.to_bits());
                }
            }
        }
    }
}
