//! The fields of specs as columns, each under its path, such as `network.width`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Cells, Columns};
use crate::{
    schema_paths::{joined, tag_of},
    spec::RunSpec,
};

/// The path of every field of a spec with its value. A list is one value.
fn flattened(spec: &RunSpec) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    collect("", &spec.complete(), &mut fields);
    fields
}

fn collect(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                collect(&joined(path, name), value, fields);
            }
        }
        other => {
            fields.insert(path.to_owned(), other.clone());
        }
    }
}

/// One column for every field that any of the specs has; empty in the rows of specs without it.
pub(super) fn spec_columns<'a>(specs: impl Iterator<Item = &'a RunSpec>) -> Columns {
    let rows: Vec<BTreeMap<String, Value>> = specs.map(flattened).collect();
    let descriptions = descriptions(&RunSpec::schema());
    // An object that may be null, such as `data.inputs.pca`, has its fields as columns.
    let is_object = |name: &str| {
        !descriptions.contains_key(name)
            && descriptions
                .keys()
                .any(|field| field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    let names: BTreeSet<&String> =
        rows.iter().flat_map(BTreeMap::keys).filter(|name| !is_object(name)).collect();
    names.into_iter().fold(Columns::default(), |columns, name| {
        let values: Vec<Option<&Value>> = rows.iter().map(|row| row.get(name)).collect();
        let description = descriptions.get(name).cloned().unwrap_or_default();
        columns.described(name, "", description, cells(&values))
    })
}

/// The cells of one field: integers, floats, or else text. Null is an empty cell.
fn cells(values: &[Option<&Value>]) -> Cells {
    let values: Vec<Option<&Value>> =
        values.iter().map(|value| value.filter(|value| !value.is_null())).collect();
    let all = |test: fn(&Value) -> bool| values.iter().flatten().all(|value| test(value));
    // A column without values is one of numbers, as it is where another table has some.
    let empty = values.iter().all(Option::is_none);
    if !empty && all(Value::is_u64) {
        Cells::Integer(values.iter().map(|value| value.and_then(Value::as_u64)).collect())
    } else if all(Value::is_number) {
        Cells::Float(values.iter().map(|value| value.and_then(Value::as_f64)).collect())
    } else {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Cells::Text(values.iter().map(|value| value.map(text)).collect())
    }
}

/// The first sentence of the description of every field that a spec can have, by path.
pub(super) fn descriptions(schema: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    describe("", schema, schema, "", &mut found);
    found
}

fn describe(
    path: &str,
    schema: &Value,
    root: &Value,
    description: &str,
    found: &mut BTreeMap<String, String>,
) {
    // The description of a field is more specific than that of its type.
    let own = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = if description.is_empty() { own } else { description };
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        if let Some(target) = root.pointer(pointer.trim_start_matches('#')) {
            describe(path, target, root, description, found);
        }
        return;
    }
    let alternatives = schema.get("oneOf").or(schema.get("anyOf")).and_then(Value::as_array);
    if let Some(alternatives) = alternatives {
        let words = alternatives.iter().any(|a| a.get("const").is_some());
        if words {
            found.entry(path.to_owned()).or_insert_with(|| first_sentence(description));
        } else {
            alternatives.iter().for_each(|a| describe(path, a, root, description, found));
        }
        let tags: Vec<(&str, &str)> = alternatives.iter().filter_map(tag_of).collect();
        if let Some((tag, _)) = tags.first() {
            let words: Vec<&str> = tags.iter().map(|(_, word)| *word).collect();
            let words = format!("{} One of {}.", first_sentence(description), words.join(", "));
            found.insert(joined(path, tag), words);
        }
        return;
    }
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            for (name, schema) in properties {
                describe(&joined(path, name), schema, root, "", found);
            }
        }
        None if schema.get("type") != Some(&"null".into()) => {
            found.entry(path.to_owned()).or_insert_with(|| first_sentence(description));
        }
        None => {}
    }
}

/// The first sentence in one line, without the brackets of links.
fn first_sentence(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let line = line.replace("[`", "`").replace("`]", "`");
    let end = line.find(". ").map_or(line.len(), |end| end + 1);
    line[..end].to_owned()
}
