//! `run`: the runs that files describe, one by one or in lists.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::{RunKey, Store};

use super::compute::{Computed, INTERRUPTED, compute, stop_on_interrupt};
use crate::{
    backend,
    cli::Run as Arguments,
    finding::{FINDINGS, Run},
    output,
    study::{DataCache, Ending, FrozenLearning, FrozenRecord, RunRecord, RunSpec},
};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let stop = stop_on_interrupt()?;
    let cache = DataCache::new(default_cache_dir());
    // Bad files and bad data have to be found before anything is computed.
    let mut lists: Vec<(String, PathBuf, Vec<RunSpec>)> = Vec::new();
    for file in &arguments.files {
        let mut specs = read(file)?;
        for (index, spec) in specs.iter_mut().enumerate() {
            let place = || format!("{}, run {}", file.display(), index + 1);
            spec.check().with_context(place)?;
            backend::check(spec.backend, spec.device).with_context(place)?;
            let data = cache.get(&spec.data).with_context(place)?;
            spec.data_sha256.clone_from(&data.provenance.sha256);
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let taken = name == "runs"
            || FINDINGS.iter().any(|finding| finding.name() == name)
            || lists.iter().any(|(other, ..)| *other == name);
        if taken {
            bail!("{}: rename it, {name} stands for other results", file.display());
        }
        let folder = arguments.out.join(&name);
        output::prepare(&folder)?;
        lists.push((name, folder, specs));
    }
    let store = Store::open(arguments.out.join("runs"))?;
    let mut failed = 0;
    for (name, folder, specs) in lists {
        let Computed { runs, counts } = compute(&specs, &store, arguments.jobs(), &cache, &stop)?;
        println!("{}", table(&runs, &store));
        let path = folder.join("data.csv");
        output::replace(&path, output::csv(&runs).as_bytes())
            .with_context(|| path.display().to_string())?;
        if counts.not_started > 0 || stop.load(std::sync::atomic::Ordering::Relaxed) {
            eprintln!("{name}: stopped; the same command goes on from there");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        failed += counts.failed;
        println!(
            "{name}: {} runs, {} without a record — {}",
            specs.len(),
            counts.failed,
            path.display()
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The runs of a file.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<RunSpec>> {
    let place = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(place)?;
    let value: serde_json::Value = serde_json::from_str(&text).with_context(place)?;
    let values = match value {
        serde_json::Value::Array(values) if values.is_empty() => {
            bail!("{}: the list has no runs", place())
        }
        serde_json::Value::Array(values) => values,
        one => vec![one],
    };
    let spec = |(index, value)| {
        serde_json::from_value(value)
            .with_context(|| format!("{}, run {}", file.display(), index + 1))
    };
    values.into_iter().enumerate().map(spec).collect()
}

/// One line per run, in the order of the file.
fn table(runs: &[Run], store: &Store) -> String {
    let mut head = vec![
        "network",
        "h",
        "alpha",
        "training",
        "seed",
        "end",
        "t",
        "steps",
        "left",
        "test error",
        "kernel change",
        "wall s",
    ];
    if runs.iter().any(|run| !run.spec.frozen.is_empty()) {
        head.push("test error of frozen kernels");
    }
    let mut rows = vec![head.iter().map(|&name| name.to_owned()).collect()];
    let mut notes = Vec::new();
    for Run { spec, record } in runs {
        let mut row = vec![
            spec.network.architecture().to_owned(),
            spec.network.width().to_string(),
            spec.alpha.to_string(),
            spec.dynamics.name().to_owned(),
            spec.seed.to_string(),
        ];
        match record {
            Ok(record) => row.extend(told(spec, record, store)),
            Err(why) => {
                notes.push(format!("{}: {why}", row.join(" ")));
                row.push("no record".into());
            }
        }
        row.resize(head.len(), String::new());
        rows.push(row);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).chain(notes).collect::<Vec<_>>().join("\n")
}

/// What became of a run, from its end to the time it took.
fn told(spec: &RunSpec, record: &RunRecord, store: &Store) -> Vec<String> {
    let number = |value: Option<f64>| value.map(|v| format!("{v:.4}")).unwrap_or_default();
    let entry =
        RunKey::of(spec).ok().and_then(|key| store.entry::<RunSpec, RunRecord>(&key).ok()?);
    let wall = entry.and_then(|entry| entry.provenance.wall_s);
    let last = record.last();
    vec![
        record.ending.name().to_owned(),
        last.map(|m| format!("{:.4e}", m.training.t)).unwrap_or_default(),
        record.steps.to_string(),
        last.map(|m| m.training.n_violating.to_string()).unwrap_or_default(),
        number(record.test_error()),
        number(record.kernel_change()),
        wall.map(|s| format!("{s:.0}")).unwrap_or_default(),
        frozen(record),
    ]
}

/// What frozen kernels came to: `none` where there was none, and the ending of one that
/// did not reach its margins.
fn frozen(record: &RunRecord) -> String {
    let of = |FrozenRecord { kernel, learning }: &FrozenRecord| match learning {
        FrozenLearning::NoKernel(_) => format!("{} none", kernel.name()),
        FrozenLearning::Learnt { test_error, ending: Ending::Converged, .. } => {
            format!("{} {test_error:.4}", kernel.name())
        }
        FrozenLearning::Learnt { test_error, ending, .. } => {
            format!("{} {test_error:.4} ({})", kernel.name(), ending.name())
        }
    };
    record.frozen.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::NamedTempFile, PathBuf) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_owned();
        (file, path)
    }

    const RUN: &str = r#"{"network": {"architecture": "dense", "inputs": 10, "width": 9,
        "hidden_layers": 2, "activation": {"kind": "relu"}, "bias": true}, "alpha": 0.5}"#;

    #[test]
    fn a_file_is_a_run_or_a_list_of_runs() {
        let (_file, path) = written(RUN);
        let one = read(&path).unwrap();
        assert_eq!((one.len(), one[0].alpha, one[0].seed), (1, 0.5, 0));
        let (_file, path) = written(&format!("[{RUN}, {RUN}]"));
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_bad_file_is_one_line_that_names_the_place() {
        let message = |text: &str| {
            let (_file, path) = written(text);
            let line = format!("{:#}", read(&path).unwrap_err());
            assert!(line.starts_with(&path.display().to_string()), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
            line
        };
        assert!(message("[]").ends_with("the list has no runs"));
        assert!(message("{").contains("line 1"));
        assert!(message("{}").contains("missing field"));
        let misspelt = RUN.replace("\"alpha\"", "\"alhpa\"");
        assert!(message(&format!("[{RUN}, {misspelt}]")).contains("run 2: unknown field `alhpa`"));
        assert!(format!("{:#}", read(Path::new("/nowhere.json")).unwrap_err()).contains("nowhere"));
    }
}
