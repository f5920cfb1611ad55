//! A check of every field of a value against a JSON Schema.
//!
//! serde finds the same errors, but does not know the path of a field inside a tagged enum. The check
//! covers the part of JSON Schema that `schemars` writes for the specs of this workspace.

use serde_json::{Map, Value};

use crate::schema_paths::{joined, tag_of};

/// A field that does not match its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchemaError {
    /// The path of the field, such as `network.activation`; empty for the whole value.
    pub(super) path: String,
    /// What is wrong, and what is allowed.
    pub(super) reason: String,
}

/// Checks a value against a schema. References in the schema point into `root`.
///
/// Where null is allowed, the word `none` is replaced by null: TOML has no null.
///
/// # Errors
/// The first field that does not fit.
pub(super) fn check(value: &mut Value, schema: &Value, root: &Value) -> Result<(), SchemaError> {
    Checker { root }.check(value, schema, "")
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    /// The schema to which a reference points; a schema without a reference is returned as it is.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
            Some(pointer) => self.root.pointer(pointer).map_or(schema, |found| self.resolve(found)),
            None => schema,
        }
    }

    fn check(&self, value: &mut Value, schema: &Value, path: &str) -> Result<(), SchemaError> {
        let schema = self.resolve(schema);
        let alternatives = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array);
        if let Some(alternatives) = alternatives {
            return self.check_alternatives(value, alternatives, path);
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => return Ok(()),
        };
        if types.contains(&"null") && is_none(value) {
            *value = Value::Null;
            return Ok(());
        }
        let wrong =
            |form: String| schema_error(path, format!("is {}, but must be {form}", shown(value)));
        match types[0] {
            "object" => match value {
                Value::Object(fields) => self.check_object(fields, schema, path),
                _ => Err(wrong("an object with fields".into())),
            },
            "array" => match value {
                Value::Array(items) => {
                    let of = schema.get("items").unwrap_or(&Value::Null);
                    let each = |(index, item): (usize, &mut Value)| {
                        self.check(item, of, &format!("{path}[{index}]"))
                    };
                    items.iter_mut().enumerate().try_for_each(each)
                }
                _ => Err(wrong("a list in brackets".into())),
            },
            "integer" => check_integer(value, schema).map_err(wrong),
            "number" if !value.is_number() => Err(wrong("a number".into())),
            "number" if is_inexact(value) => Err(wrong(
                "a number that float64 holds: a whole number from -2^53 to 2^53, or with a decimal \
                 point"
                    .into(),
            )),
            "string" if !value.is_string() => Err(wrong("a text in quotes".into())),
            "boolean" if !value.is_boolean() => Err(wrong("true or false".into())),
            _ => Ok(()),
        }
    }

    fn check_object(
        &self,
        fields: &mut Map<String, Value>,
        schema: &Value,
        path: &str,
    ) -> Result<(), SchemaError> {
        let none = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if let Some(unknown) = fields.keys().find(|field| closed && !known.contains_key(*field)) {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(schema_error(
                &joined(path, &cut(unknown, MAX_SHOWN)),
                format!("is not a field: {}", choice(unknown, &names)),
            ));
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        if let Some(missing) =
            required.filter_map(Value::as_str).find(|field| !fields.contains_key(*field))
        {
            let example =
                known.get(missing).map(|schema| self.describe(schema)).unwrap_or_default();
            return Err(schema_error(
                &joined(path, missing),
                format!("is missing: give it {example}"),
            ));
        }
        for (field, value) in fields {
            if let Some(schema) = known.get(field).or(schema.get("additionalProperties")) {
                self.check(value, schema, &joined(path, field))?;
            }
        }
        Ok(())
    }

    /// Checks a value that has one of several forms: words, objects with a tag, objects with one
    /// field, or null.
    fn check_alternatives(
        &self,
        value: &mut Value,
        alternatives: &[Value],
        path: &str,
    ) -> Result<(), SchemaError> {
        let alternatives: Vec<&Value> = alternatives.iter().map(|a| self.resolve(a)).collect();
        if alternatives.iter().any(|a| a.get("type") == Some(&"null".into())) {
            if is_none(value) {
                *value = Value::Null;
                return Ok(());
            }
            let mut others = alternatives.iter().filter(|a| a.get("type") != Some(&"null".into()));
            return match others.next() {
                Some(other) => self.check(value, other, path),
                None => Ok(()),
            };
        }
        let tag = alternatives.iter().find_map(|a| tag_of(a)).map(|(tag, _)| tag.to_owned());
        match value {
            Value::String(word) => {
                let words: Vec<&str> =
                    alternatives.iter().filter_map(|a| a.get("const")?.as_str()).collect();
                if words.contains(&word.as_str()) {
                    return Ok(());
                }
                let tagged = alternatives.iter().find(|a| tag_of(a).is_some_and(|t| t.1 == word));
                let right = match tagged {
                    Some(schema) => format!("must be written {}", self.describe(schema)),
                    None if words.is_empty() => format!("must be {}", self.forms(&alternatives)),
                    None => format!(
                        "must be one of {}: {}",
                        self.forms(&alternatives),
                        choice(word, &words)
                    ),
                };
                Err(schema_error(path, format!("is {}, but {right}", shown(value))))
            }
            Value::Object(fields) => match &tag {
                Some(tag) => {
                    let names: Vec<&str> =
                        alternatives.iter().filter_map(|a| Some(tag_of(a)?.1)).collect();
                    let place = joined(path, tag);
                    // A name that earlier versions wrote.
                    if fields.get(tag) == Some(&"implicit".into()) && names.contains(&"reference") {
                        fields.insert(tag.clone(), "reference".into());
                    }
                    let Some(kind) = fields.get(tag) else {
                        return Err(schema_error(
                            &place,
                            format!("is missing: choose {}", names.join(", ")),
                        ));
                    };
                    let own = alternatives
                        .iter()
                        .find(|a| tag_of(a).is_some_and(|t| Some(t.1) == kind.as_str()));
                    let Some(own) = own else {
                        let word = kind.as_str().unwrap_or_default();
                        let reason = format!("is {}: {}", shown(kind), choice(word, &names));
                        return Err(schema_error(&place, reason));
                    };
                    self.check_object(fields, own, path)
                }
                None => {
                    let own = alternatives.iter().find(|a| {
                        let known = a.get("properties").and_then(Value::as_object);
                        known.is_some_and(|known| fields.keys().any(|f| known.contains_key(f)))
                    });
                    match own {
                        Some(own) => self.check_object(fields, own, path),
                        None => {
                            let reason = format!(
                                "is {}, but must be {}",
                                shown(value),
                                self.forms(&alternatives)
                            );
                            Err(schema_error(path, reason))
                        }
                    }
                }
            },
            _ => {
                let numeric = alternatives.iter().find(|a| {
                    let kind = a.get("type").and_then(Value::as_str);
                    matches!(kind, Some("number" | "integer")) && value.is_number()
                });
                match numeric {
                    Some(schema) => self.check(value, schema, path),
                    None => Err(schema_error(
                        path,
                        format!("is {}, but must be {}", shown(value), self.forms(&alternatives)),
                    )),
                }
            }
        }
    }

    /// A short description of the allowed values: `a number`, `{"kind": "softplus", "beta": …}`.
    fn describe(&self, schema: &Value) -> String {
        let schema = self.resolve(schema);
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            return format!("\"{word}\"");
        }
        if let Some(all) = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array) {
            return self.forms(&all.iter().collect::<Vec<_>>());
        }
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "integer" => "a whole number".into(),
            "number" => "a number".into(),
            "string" => "a text in quotes".into(),
            "boolean" => "true or false".into(),
            "array" => "a list in brackets".into(),
            "null" => "null".into(),
            _ => {
                let properties = schema.get("properties").and_then(Value::as_object);
                let required = schema.get("required").and_then(Value::as_array);
                let fields = required.into_iter().flatten().filter_map(Value::as_str);
                let field = |name: &str| {
                    let own = properties.and_then(|p| p.get(name)?.get("const")?.as_str());
                    match own {
                        Some(word) => format!("\"{name}\": \"{word}\""),
                        None => format!("\"{name}\": …"),
                    }
                };
                // The tag comes first.
                let mut fields: Vec<String> = fields.map(field).collect();
                fields.sort_by_key(|text| text.ends_with('…'));
                match fields.is_empty() {
                    true => "an object with fields".into(),
                    false => format!("{{{}}}", fields.join(", ")),
                }
            }
        }
    }

    fn forms(&self, alternatives: &[&Value]) -> String {
        let all: Vec<String> = alternatives.iter().map(|a| self.describe(a)).collect();
        match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => all.concat(),
        }
    }
}

fn check_integer(value: &Value, schema: &Value) -> Result<(), String> {
    let min = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
    let max = match (schema.get("maximum"), schema.get("format").and_then(Value::as_str)) {
        (Some(max), _) => max.as_u64().unwrap_or(u64::MAX),
        (None, Some("uint8")) => u8::MAX.into(),
        (None, Some("uint32")) => u32::MAX.into(),
        _ => u64::MAX,
    };
    let fits = match (value.as_u64(), value.as_i64()) {
        (Some(n), _) => n <= max && (min <= 0 || n >= min as u64),
        (None, Some(n)) => n >= min,
        (None, None) => false,
    };
    match (fits, max) {
        (true, _) => Ok(()),
        (false, u64::MAX) if min >= 0 => Err("a whole number".into()),
        (false, max) => Err(format!("a whole number from {} to {max}", min.max(0))),
    }
}

/// Whether float64 may not hold this whole number.
fn is_inexact(value: &Value) -> bool {
    const LARGEST: u64 = 1 << 53;
    let size = value.as_u64().or(value.as_i64().map(i64::unsigned_abs));
    size.is_some_and(|size| size > LARGEST)
}

fn is_none(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("none")
}

fn schema_error(path: &str, reason: String) -> SchemaError {
    SchemaError { path: path.to_owned(), reason }
}

/// A value as text for a message, cut if it is long.
fn shown(value: &Value) -> String {
    cut(&value.to_string(), MAX_SHOWN)
}

/// The most characters of a file's text that a message repeats.
const MAX_SHOWN: usize = 60;

/// The first `max` characters of a text on one line.
pub(super) fn cut(text: &str, max: usize) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut start: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        start.push('…');
    }
    start
}

/// A hint for an unknown word: all names, after the most similar one if it is close enough.
fn choice(word: &str, names: &[&str]) -> String {
    // A long word is similar to none, and would take long to compare.
    let near = names
        .iter()
        .filter(|_| word.len() <= MAX_SHOWN)
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4);
    match near {
        Some((_, name)) => format!("did you mean {name}? There are {}", names.join(", ")),
        None => format!("choose {}", names.join(", ")),
    }
}
