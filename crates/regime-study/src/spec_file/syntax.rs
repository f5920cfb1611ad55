//! The two notations of a spec: JSON and TOML.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses the text of a file: TOML where its name ends in `.toml`, JSON otherwise.
///
/// # Errors
/// One line that says where the first error is. A key that occurs twice in one object is an error.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, String> {
    if name.to_ascii_lowercase().ends_with(".toml") {
        toml::from_str::<Unique>(text).map(|value| value.0).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("{}, at line {line}", error.message().replace('\n', " "))
        })
    } else {
        serde_json::from_str::<Unique>(text).map(|value| value.0).map_err(|e| e.to_string())
    }
}

/// A JSON value in which no object contains a key twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

impl<'de> DeserializeSeed<'de> for UniqueVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[derive(Clone, Copy)]
struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| de::Error::custom(format!("the number {value} is not finite")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if all.contains_key(&key) {
                return Err(de::Error::custom(format!("the field `{key}` occurs twice")));
            }
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_notations_give_the_same_value() {
        let expected =
            json!({"alpha": 0.5, "network": {"width": 8, "bias": true}, "seeds": [0, 1]});
        let toml = "alpha = 0.5 # a comment\nseeds = [0, 1]\n[network]\nwidth = 8\nbias = true\n";
        assert_eq!(parse("run.toml", toml).unwrap(), expected);
        assert_eq!(parse("run.json", &expected.to_string()).unwrap(), expected);
        let null = parse("run.json", r#"{"a": null, "b": -3, "c": "x"}"#).unwrap();
        assert_eq!(null, json!({"a": null, "b": -3, "c": "x"}));
    }

    #[test]
    fn errors_are_one_line_with_a_place() {
        let json = parse("run.json", "{\"alpha\": 1,\n\"alpha\": 2}").unwrap_err();
        assert!(json.contains("`alpha` occurs twice at line 2"), "{json}");
        let nested = parse("run.json", r#"[{"network": {"width": 1, "width": 2}}]"#).unwrap_err();
        assert!(nested.contains("`width` occurs twice"), "{nested}");
        let toml = parse("run.toml", "alpha = 1\nalpha = 2\n").unwrap_err();
        assert!(toml.contains("duplicate key") && toml.ends_with("at line 2"), "{toml}");
        for (name, text) in [("a.json", "{\n\"alpha\": }"), ("a.toml", "x = 1\nalpha = \n")] {
            let error = parse(name, text).unwrap_err();
            assert!(error.contains("line 2") && error.lines().count() == 1, "{error}");
        }
        let infinite = parse("a.toml", "x = 1\nalpha = inf\n").unwrap_err();
        assert!(infinite.contains("the number inf is not finite"), "{infinite}");
    }
}
