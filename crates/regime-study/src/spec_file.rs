//! Spec files: a run, a sweep, or a list of both.

mod fields;
mod syntax;

use std::{str::FromStr, sync::LazyLock};

use regime_lab::Sweep;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;

use crate::{coordinate_spec::CoordinateSpec, error::StudyError, spec::RunSpec};

/// The largest number of runs in one file. A larger number is a mistake, and would take minutes to
/// read.
const MAX_RUNS: usize = 100_000;

/// The longest text of a file, in bytes. The values of a longer one would take more than 256 MB.
pub const MAX_SPEC_BYTES: usize = 2 << 20;

/// The most bytes of specs that one sweep may describe, written out: a sweep of a few bytes can describe any number.
const MAX_SWEPT_BYTES: usize = 256 << 20;

/// The largest number of fields that the axes of a sweep may name. Every pair of them is compared.
const MAX_AXIS_FIELDS: usize = 1000;

/// The deepest field that an axis may name.
const MAX_DEPTH: usize = 32;

/// The longest place in a sweep that a message repeats, in characters.
const MAX_PLACE_CHARS: usize = 300;

/// A spec with its place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedSpec {
    /// The file, the entry in it, and the place in its sweep.
    pub place: String,
    /// The run.
    pub spec: RunSpec,
}

/// A value that replaces one field of the specs in a file: `network.width=64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The path of the field.
    pub field: String,
    /// Its value.
    pub value: Value,
}

impl FromStr for Override {
    type Err = String;

    /// Parses `field=value`. The value is JSON; a value that is not JSON is a string.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write field=value, such as network.width=64".to_owned();
        let (field, value) = text.split_once('=').ok_or_else(wrong)?;
        let (field, value) = (field.trim(), value.trim());
        if field.split('.').any(str::is_empty) || value.is_empty() {
            return Err(wrong());
        }
        let text = || Value::String(value.to_owned());
        let value = serde_json::from_str(value).unwrap_or_else(|_| text());
        Ok(Self { field: field.to_owned(), value })
    }
}

/// Parses the text of a spec file: a run, a sweep, or a list of both. In TOML, which has no list at
/// the top level, it is a run or a sweep.
///
/// `name` is the name of the file: messages contain it, and the text is TOML if it ends in `.toml`.
/// `overrides` replace fields of every run.
///
/// # Errors
/// [`StudyError::Parse`], one line that names the place in the text and the field.
pub fn read_specs(
    name: &str,
    text: &str,
    overrides: &[Override],
) -> Result<Vec<PlacedSpec>, StudyError> {
    let value = parsed(name, text)?;
    let entries = match value {
        Value::Array(entries) if entries.is_empty() => {
            return Err(at(name, "the list has no runs"));
        }
        Value::Array(entries) => entries,
        one => vec![one],
    };
    let schema = RunSpec::schema();
    let mut runs = Vec::new();
    for (mut entry, number) in entries.into_iter().zip(1..) {
        if !entry.is_object() {
            return Err(at(name, format!("entry {number} is not an object with fields")));
        }
        if entry.get("base").or(entry.get("axes")).is_some() {
            runs.extend(swept(entry, &format!("{name}, sweep {number}"), overrides)?);
        } else {
            let place = format!("{name}, run {number}");
            let defaults = match overrides {
                [] => Value::Null,
                _ => defaults_of(&entry, &schema),
            };
            let mut apply = |change| set(&mut entry, change, &defaults);
            overrides.iter().try_for_each(&mut apply).map_err(|e| at(&place, e))?;
            let spec = from_value(entry, &schema).map_err(|e| at(&place, e))?;
            runs.push(PlacedSpec { place, spec });
        }
        if runs.len() > MAX_RUNS {
            return Err(at(name, format!("it describes more than {MAX_RUNS} runs")));
        }
    }
    Ok(runs)
}

/// Parses the spec of a coordinate check, as [`read_specs`] parses runs.
///
/// # Errors
/// [`StudyError::Parse`], one line that names the file and the field.
pub fn read_coordinate_spec(
    name: &str,
    text: &str,
    overrides: &[Override],
) -> Result<CoordinateSpec, StudyError> {
    let mut value = parsed(name, text)?;
    let defaults = CoordinateSpec::default().complete();
    let mut apply = |change| set(&mut value, change, &defaults);
    overrides.iter().try_for_each(&mut apply).map_err(|e| at(name, e))?;
    from_value(value, &CoordinateSpec::schema()).map_err(|e| at(name, e))
}

/// The value of a file.
fn parsed(name: &str, text: &str) -> Result<Value, StudyError> {
    if text.len() > MAX_SPEC_BYTES {
        let most = MAX_SPEC_BYTES >> 20;
        let reason = format!("it has {} bytes, should have at most {most} MiB", text.len());
        return Err(at(name, format!("{reason}: use a sweep, or several files")));
    }
    syntax::parse(name, text).map_err(|e| at(name, e))
}

/// Deserialises a value after a check against the JSON Schema of its type.
///
/// # Errors
/// The field that does not match the schema, and what is allowed.
pub(crate) fn from_value<T: DeserializeOwned>(
    mut value: Value,
    schema: &Value,
) -> Result<T, String> {
    fields::check(&mut value, schema, schema).map_err(|fields::SchemaError { path, reason }| {
        if path.is_empty() { format!("it {reason}") } else { format!("{path} {reason}") }
    })?;
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// Fields that choose a variant, whose other fields depend on it.
const TAGS: [&str; 5] = ["kind", "architecture", "scheme", "rule", "inertia"];

/// Replaces one field. An object on the path that the spec does not have is that of `defaults`, so that its other
/// fields stay; a new one where there is no default, or where the field chooses a variant.
fn set(
    spec: &mut Value,
    Override { field, value }: &Override,
    defaults: &Value,
) -> Result<(), String> {
    let mut place = spec;
    let mut default = Some(defaults);
    let mut path = "the spec".to_owned();
    let names: Vec<&str> = field.split('.').collect();
    for (index, &name) in names.iter().enumerate() {
        let Value::Object(fields) = place else {
            return Err(format!("{field} cannot be set: {path} is not an object with fields"));
        };
        default = default.and_then(|default| default.get(name));
        let rest = &names[index + 1..];
        let chooses_variant = value.is_string() && rest.len() == 1 && TAGS.contains(&rest[0]);
        let keeps_fields = !rest.is_empty() && !chooses_variant;
        place = fields.entry(name).or_insert_with(|| match default {
            Some(default) if keeps_fields && default.is_object() => default.clone(),
            _ => Value::Object(serde_json::Map::new()),
        });
        path = if index == 0 { name.to_owned() } else { format!("{path}.{name}") };
    }
    *place = value.clone();
    Ok(())
}

/// All fields of a run, those that its file leaves out too; null where the file is not a spec by itself.
fn defaults_of(entry: &Value, schema: &Value) -> Value {
    let spec: Result<RunSpec, String> = from_value(entry.clone(), schema);
    spec.map(|spec| spec.complete()).unwrap_or_default()
}

/// The JSON Schema of the texts that [`read_specs`] reads, with a description of every field.
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
    definitions.insert("Sweep".into(), sweep_schema());
    let one = serde_json::json!([{"$ref": "#/$defs/RunSpec"}, {"$ref": "#/$defs/Sweep"}]);
    let list = serde_json::json!({"type": "array", "minItems": 1, "items": {"anyOf": one}});
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runs: a run, a sweep, or a list of both",
        "$defs": definitions,
        "anyOf": [one[0], one[1], list],
    })
}

/// The JSON Schema of a sweep.
fn sweep_schema() -> Value {
    serde_json::json!({
        "description": "A base and axes: one run for every combination of the axes. Fields \
                        are named by their path, such as `network.width`. The fields of one \
                        axis vary together.",
        "type": "object",
        "required": ["base", "axes"],
        "additionalProperties": false,
        "properties": {
            "base": {"description": "The fields that all runs share.", "type": "object"},
            "axes": {
                "description": "The axes; the first varies slowest.",
                "type": "array",
                "items": {"type": "object", "additionalProperties": {"type": "array"}},
            },
        },
    })
}

/// A run that was checked against the schema before it was deserialised.
struct Checked(RunSpec);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        static SCHEMA: LazyLock<Value> = LazyLock::new(RunSpec::schema);
        from_value(Value::deserialize(deserializer)?, &SCHEMA).map(Self).map_err(D::Error::custom)
    }
}

/// The runs of a sweep.
fn swept(
    mut entry: Value,
    place: &str,
    overrides: &[Override],
) -> Result<Vec<PlacedSpec>, StudyError> {
    if let Some(base) = entry.get_mut("base") {
        let mut apply = |change| set(base, change, &Value::Null);
        overrides.iter().try_for_each(&mut apply).map_err(|e| at(place, e))?;
    }
    check_size(&entry).map_err(|e| at(place, e))?;
    let sweep: Sweep = from_value(entry, &sweep_schema()).map_err(|e| at(place, e))?;
    for Override { field, .. } in overrides {
        if let Some(axis) = sweep.varied_field_overlapping(field) {
            return Err(at(place, format!("{field} cannot be set: an axis varies {axis}")));
        }
    }
    // Each value of the sweep is deserialised before the next one is made.
    let specs = sweep.specs::<Checked>().map_err(|e| at(place, e))?.into_iter().enumerate();
    let placed = |(index, Checked(spec))| {
        let words = sweep.place(index);
        let colon = if words.is_empty() { "" } else { ": " };
        let place = format!("{place}{colon}{}", fields::cut(&words, MAX_PLACE_CHARS));
        PlacedSpec { place, spec }
    };
    Ok(specs.map(placed).collect())
}

/// Checks that the runs of a sweep, and the work to make them, are not out of proportion.
///
/// # Errors
/// What is too large.
fn check_size(entry: &Value) -> Result<(), String> {
    let axes = entry.get("axes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = || axes.iter().filter_map(Value::as_object).flatten();
    if named().count() > MAX_AXIS_FIELDS {
        return Err(format!("its axes name more than {MAX_AXIS_FIELDS} fields"));
    }
    if let Some((field, _)) = named().find(|(field, _)| field.split('.').count() > MAX_DEPTH) {
        let field = fields::cut(field, 60);
        return Err(format!("{field} is not a field: no field has more than {MAX_DEPTH} parts"));
    }
    let length = |axis: &Value| {
        let values = axis.as_object()?.values();
        values.filter_map(Value::as_array).map(Vec::len).max()
    };
    let runs = axes.iter().filter_map(length).fold(1, usize::saturating_mul);
    // The number of runs alone is checked with the sweep.
    if runs <= MAX_RUNS && runs.saturating_mul(entry.to_string().len()) > MAX_SWEPT_BYTES {
        let most = MAX_SWEPT_BYTES >> 20;
        return Err(format!("its {runs} runs have more than {most} MiB: use several files"));
    }
    Ok(())
}

fn at(place: &str, reason: impl ToString) -> StudyError {
    StudyError::Parse { place: place.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<PlacedSpec>, String> {
        read_specs("file.json", text, &[]).map_err(|error| {
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
    fn a_field_is_set_and_the_others_keep_their_defaults() {
        let with = |changes: &[&str]| -> Result<RunSpec, String> {
            let overrides: Vec<Override> =
                changes.iter().map(|change| change.parse().unwrap()).collect();
            let runs = read_specs("x.json", RUN, &overrides).map_err(|e| e.to_string())?;
            Ok(runs[0].spec.clone())
        };
        let plain = with(&[]).unwrap();
        let seeded = with(&["data.seed=7", "network.width=64"]).unwrap();
        assert_eq!((seeded.data.seed, seeded.network.width()), (7, 64));
        assert_eq!(seeded.data.n_train, plain.data.n_train);
        let precise = with(&["dynamics.scheme.tolerance=0.02"]).unwrap();
        assert_eq!(precise.dynamics.tolerance(), Some(0.02));
        let stop = with(&["dynamics.stop.max_steps=5", "loss.kind=hinge"]).unwrap();
        assert_eq!(stop.loss, regime_train::Loss::Hinge);
        let reference = with(&[r#"dynamics.scheme={"scheme": "reference"}"#]).unwrap();
        assert_ne!(reference.dynamics, plain.dynamics);
        let inside = with(&["alpha.x=1"]).unwrap_err();
        assert!(
            inside.ends_with("alpha.x cannot be set: alpha is not an object with fields"),
            "{inside}"
        );

        let check = |changes: &[&str]| {
            let overrides: Vec<Override> =
                changes.iter().map(|change| change.parse().unwrap()).collect();
            read_coordinate_spec("x.json", "{}", &overrides).unwrap()
        };
        let defaults = CoordinateSpec::default();
        assert_eq!(check(&["data.seed=1"]).data.n_train, defaults.data.n_train);
        assert_eq!(check(&["network.hidden_layers=2"]).network["architecture"], "dense");
    }

    #[test]
    fn a_file_holds_a_run_or_a_sweep_or_a_list_of_both() {
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
    fn errors_are_one_line_that_names_the_place() {
        let message = |text: &str| {
            let line = runs(text).unwrap_err();
            assert_eq!(line.lines().count(), 1, "{line}");
            line
        };
        assert!(message("[]").ends_with("the list has no runs"));
        assert!(message("{").contains("line 1"));
        assert!(message("{}").contains("run 1: network is missing: give it"));
        let misspelt = RUN.replace("\"alpha\"", "\"alhpa\"");
        assert!(
            message(&format!("[{RUN}, {misspelt}]"))
                .contains("run 2: alhpa is not a field: did you mean alpha?")
        );
        let misspelt = message(&format!("[{RUN}, {}]", sweep(r#"[{"alhpa": [1]}]"#)));
        assert!(misspelt.contains("sweep 2: alhpa = 1: alhpa is not a field"), "{misspelt}");
        assert!(
            message(r#"{"base": {}, "axes": []}"#).starts_with(", sweep 1: network is missing")
        );
        assert!(message(r#"{"base": {}}"#).contains("sweep 1: axes is missing"));
    }

    #[test]
    fn files_out_of_proportion_are_refused_at_once() {
        let long = " ".repeat(MAX_SPEC_BYTES + 1);
        assert!(runs(&long).unwrap_err().contains("should have at most 2 MiB"));
        let deep = sweep(&format!(r#"[{{"{}a": [1]}}]"#, "a.".repeat(100_000)));
        let line = runs(&deep).unwrap_err();
        assert!(line.contains("no field has more than 32 parts") && line.len() < 200, "{line}");
        let fields: Vec<String> = (0..1001).map(|i| format!(r#""a{i}": [1]"#)).collect();
        let many = sweep(&format!("[{{{}}}]", fields.join(",")));
        assert!(runs(&many).unwrap_err().contains("name more than 1000 fields"));
        let seeds: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        let seeds = seeds.join(",");
        let large = sweep(&format!(
            r#"[{{"seed": [{seeds}]}}, {{"alpha": [{seeds}]}}, {{"data.source.path": ["{}"]}}]"#,
            "x".repeat(100_000)
        ));
        let line = runs(&large).unwrap_err();
        assert!(line.contains("its 10000 runs have more than 256 MiB"), "{line}");
        let misspelt = RUN.replace("alpha", &"x".repeat(100_000));
        assert!(runs(&misspelt).unwrap_err().len() < 2000);
    }

    #[test]
    fn whole_numbers_that_float64_does_not_hold_are_refused() {
        let exact = RUN.replace("0.5", "9007199254740992");
        assert_eq!(runs(&exact).unwrap()[0].spec.alpha, (1_u64 << 53) as f64);
        for value in ["9007199254740993", "-9007199254740993", "18446744073709551615"] {
            let line = runs(&RUN.replace("0.5", value)).unwrap_err();
            assert!(line.contains(&format!("alpha is {value}, but must be a number")), "{line}");
            assert!(line.ends_with("from -2^53 to 2^53, or with a decimal point"), "{line}");
        }
    }

    #[test]
    fn the_examples_are_valid_runs() {
        let count = |name: &str, text: &str| {
            let runs = read_specs(name, text, &[]).unwrap();
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
