//! Files of runs: what people write for `run` and `diagnose`.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use regime_lab::Sweep;
use serde_json::Value;

use crate::{
    backend,
    study::{DataCache, RunSpec},
};

/// A run, and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    /// The file, and the place in it.
    pub(super) place: String,
    pub(super) spec: RunSpec,
}

/// The runs of a file: a run, a sweep, or a list of both.
///
/// # Errors
/// One line that names the file and the place in it.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Placed>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    let value: Value = serde_json::from_str(&text).with_context(|| name.clone())?;
    let entries = match value {
        Value::Array(entries) if entries.is_empty() => bail!("{name}: the list has no runs"),
        Value::Array(entries) => entries,
        one => vec![one],
    };
    let mut runs = Vec::new();
    for (entry, number) in entries.into_iter().zip(1..) {
        if entry.get("base").or(entry.get("axes")).is_some() {
            let place = format!("{name}, sweep {number}");
            runs.extend(swept(entry, &place).with_context(|| place.clone())?);
        } else {
            let place = format!("{name}, run {number}");
            let spec = serde_json::from_value(entry).with_context(|| place.clone())?;
            runs.push(Placed { place, spec });
        }
    }
    Ok(runs)
}

/// The run, checked and tied to the content of its data.
///
/// # Errors
/// The first thing that keeps it from being made.
pub(super) fn tied(mut spec: RunSpec, cache: &DataCache) -> anyhow::Result<RunSpec> {
    spec.check()?;
    backend::check(spec.backend, spec.device)?;
    let data = cache.get(&spec.data)?;
    spec.data_sha256.clone_from(&data.provenance.sha256);
    Ok(spec)
}

fn swept(entry: Value, place: &str) -> anyhow::Result<Vec<Placed>> {
    let sweep: Sweep = serde_json::from_value(entry)?;
    let specs = sweep.specs()?.into_iter().enumerate();
    let placed = |(index, spec)| {
        let words = sweep.place(index);
        let colon = if words.is_empty() { "" } else { ": " };
        Placed { place: format!("{place}{colon}{words}"), spec }
    };
    Ok(specs.map(placed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<Placed>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let name = file.path().display().to_string();
        read(file.path()).map_err(|error| {
            let line = format!("{error:#}");
            line.strip_prefix(&name).expect("the file is named first").to_owned()
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
        let told = |run: &Placed| (run.spec.network.width(), run.spec.alpha, run.spec.seed);
        let swept = [(8, 2.0, 0), (8, 2.0, 1), (32, 1.0, 0), (32, 1.0, 1)];
        assert_eq!(listed[1..5].iter().map(told).collect::<Vec<_>>(), swept);
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
        assert!(format!("{:#}", read(Path::new("/nowhere.json")).unwrap_err()).contains("nowhere"));
    }

    #[test]
    fn the_examples_are_runs() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
        let count = |name: &str| {
            let runs = read(&examples.join(name)).unwrap();
            for Placed { place, spec } in &runs {
                spec.check().unwrap_or_else(|error| panic!("{place}: {error:#}"));
            }
            runs.len()
        };
        let counts = ["diagnose.json", "frozen-kernels.json", "setup-b.json", "sweep.json"];
        assert_eq!(counts.map(count), [1, 3, 6, 45]);
    }
}
