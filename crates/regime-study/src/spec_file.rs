//! Specs as people write them in files: a run, a sweep, or a list of both.

use regime_lab::Sweep;
use serde_json::Value;

use crate::{error::StudyError, spec::RunSpec};

/// A spec with its place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedSpec {
    /// The file, the entry in it, and the place in its sweep.
    pub place: String,
    /// The run.
    pub spec: RunSpec,
}

/// Reads the runs of a JSON text: a run, a sweep, or a list of both. `name` stands for the
/// text in messages; the name of a file, usually.
///
/// # Errors
/// [`StudyError::Parse`], one line that names the place in the text.
pub fn read_specs(name: &str, text: &str) -> Result<Vec<PlacedSpec>, StudyError> {
    let value: Value = serde_json::from_str(text).map_err(|e| at(name, e))?;
    let entries = match value {
        Value::Array(entries) if entries.is_empty() => {
            return Err(at(name, "the list has no runs"));
        }
        Value::Array(entries) => entries,
        one => vec![one],
    };
    let mut runs = Vec::new();
    for (entry, number) in entries.into_iter().zip(1..) {
        if entry.get("base").or(entry.get("axes")).is_some() {
            runs.extend(swept(entry, &format!("{name}, sweep {number}"))?);
        } else {
            let place = format!("{name}, run {number}");
            let spec = serde_json::from_value(entry).map_err(|e| at(&place, e))?;
            runs.push(PlacedSpec { place, spec });
        }
    }
    Ok(runs)
}

/// The JSON Schema of the texts that [`read_specs`] reads, with a description of every field.
#[cfg(feature = "schema")]
pub fn file_schema() -> Value {
    let mut run = RunSpec::schema();
    let mut definitions = match run["$defs"].take() {
        Value::Object(definitions) => definitions,
        _ => serde_json::Map::new(),
    };
    if let Some(run) = run.as_object_mut() {
        run.remove("$defs");
        run.remove("$schema");
    }
    definitions.insert("RunSpec".into(), run);
    definitions.insert(
        "Sweep".into(),
        serde_json::json!({
            "description": "A base, and axes that are multiplied around it. Fields are named by \
                            their path, such as `network.width`; those of one axis vary together.",
            "type": "object",
            "required": ["base", "axes"],
            "additionalProperties": false,
            "properties": {
                "base": {"description": "What the runs share.", "type": "object"},
                "axes": {
                    "description": "The first varies slowest.",
                    "type": "array",
                    "items": {"type": "object", "additionalProperties": {"type": "array"}},
                },
            },
        }),
    );
    let one = serde_json::json!([{"$ref": "#/$defs/RunSpec"}, {"$ref": "#/$defs/Sweep"}]);
    let list = serde_json::json!({"type": "array", "minItems": 1, "items": {"anyOf": one}});
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runs: a run, a sweep, or a list of both",
        "$defs": definitions,
        "anyOf": [one[0], one[1], list],
    })
}

fn swept(entry: Value, place: &str) -> Result<Vec<PlacedSpec>, StudyError> {
    let sweep: Sweep = serde_json::from_value(entry).map_err(|e| at(place, e))?;
    let specs = sweep.specs().map_err(|e| at(place, e))?.into_iter().enumerate();
    let placed = |(index, spec)| {
        let words = sweep.place(index);
        let colon = if words.is_empty() { "" } else { ": " };
        PlacedSpec { place: format!("{place}{colon}{words}"), spec }
    };
    Ok(specs.map(placed).collect())
}

fn at(place: &str, reason: impl ToString) -> StudyError {
    StudyError::Parse { place: place.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<PlacedSpec>, String> {
        read_specs("file.json", text).map_err(|error| {
            let line = error.to_string();
            line.strip_prefix("file.json").expect("the file is named first").to_owned()
        })
    }

    const RUN: &str = r#"{"network": {"architecture": "dense", "inputs": 10, "width": 9,
        "hidden_layers": 2, "activation": {"kind": "relu"}, "bias": true}, "alpha": 0.5}"#;

    fn sweep(axes: &str) -> String {
        format!(r#"{{"base": {RUN}, "axes": {axes}}}"#)
    }

    #[test]
    fn a_file_is_a_run_or_a_sweep_or_a_list_of_both() {
        let one = runs(RUN).unwrap();
        assert_eq!((one.len(), one[0].spec.alpha, one[0].spec.seed), (1, 0.5, 0));
        let sweep = sweep(r#"[{"network.width": [8, 32], "alpha": [2, 1]}, {"seed": [0, 1]}]"#);
        let listed = runs(&format!("[{RUN}, {sweep}, {RUN}]")).unwrap();
        let found = |run: &PlacedSpec| (run.spec.network.width(), run.spec.alpha, run.spec.seed);
        let swept = [(8, 2.0, 0), (8, 2.0, 1), (32, 1.0, 0), (32, 1.0, 1)];
        assert_eq!(listed[1..5].iter().map(found).collect::<Vec<_>>(), swept);
        assert_eq!(listed[5].spec, listed[0].spec);
        assert!(listed[5].place.ends_with(", run 3"), "{}", listed[5].place);
        let place = &listed[3].place;
        assert!(place.ends_with(", sweep 2: alpha = 1, network.width = 32, seed = 0"), "{place}");
    }

    #[test]
    fn a_bad_file_is_one_line_that_names_the_place() {
        let message = |text: &str| {
            let line = runs(text).unwrap_err();
            assert_eq!(line.lines().count(), 1, "{line}");
            line
        };
        assert!(message("[]").ends_with("the list has no runs"));
        assert!(message("{").contains("line 1"));
        assert!(message("{}").contains("run 1: missing field"));
        let misspelt = RUN.replace("\"alpha\"", "\"alhpa\"");
        assert!(message(&format!("[{RUN}, {misspelt}]")).contains("run 2: unknown field `alhpa`"));
        let misspelt = message(&format!("[{RUN}, {}]", sweep(r#"[{"alhpa": [1]}]"#)));
        assert!(misspelt.contains("sweep 2: alhpa = 1: unknown field `alhpa`"), "{misspelt}");
        assert!(message(r#"{"base": {}, "axes": []}"#).starts_with(", sweep 1: missing field"));
        assert!(message(r#"{"base": {}}"#).contains("sweep 1: missing field `axes`"));
    }

    #[test]
    fn the_examples_are_runs() {
        let count = |name: &str, text: &str| {
            let runs = read_specs(name, text).unwrap();
            for PlacedSpec { place, spec } in &runs {
                spec.check().unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            runs.len()
        };
        macro_rules! example {
            ($name:literal) => {
                count($name, include_str!(concat!("../../../docs/examples/", $name)))
            };
        }
        assert_eq!(example!("diagnose.json"), 1);
        assert_eq!(example!("frozen-kernels.json"), 3);
        assert_eq!(example!("setup-b.json"), 6);
        assert_eq!(example!("sweep.json"), 45);
    }
}
