//! Paths of fields and tags of variants in the JSON Schemas that `schemars` writes.

use serde_json::Value;

/// The path of a field inside the object at `path`; an empty path is the whole value.
pub(crate) fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The field of a tagged object that has a fixed word, and the word.
pub(crate) fn tag_of(schema: &Value) -> Option<(&str, &str)> {
    let properties = schema.get("properties")?.as_object()?;
    properties.iter().find_map(|(name, of)| Some((name.as_str(), of.get("const")?.as_str()?)))
}
