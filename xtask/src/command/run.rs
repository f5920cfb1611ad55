//! `run`: the runs that files describe.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::bail;
use regime_findings::FINDINGS;
use regime_lab::{RunKey, Share, Store};
use regime_study::{
    Cells, Columns, Ending, FrozenOutcome, FrozenRecord, Override, PlacedSpec, Run, RunRecord,
    RunSpec, run_columns, varying_fields,
};
use serde_json::json;

use super::{
    compute::{Computed, ExecutionContext, compute},
    only,
    plan::{self, Plan},
    report,
    run_data::RunData,
    share,
    spec_files::{checked, print_specs, read},
    stored::{is_missing, stored_keys},
    timer::calibration,
};
use crate::{cli::Run as Arguments, memory::Memory, output, status::INTERRUPTED, terminal};

/// The smallest number of missing runs for which the time is estimated first.
const MIN_RUNS_TO_ESTIMATE: usize = 8;

/// The runs of a file, and where their table goes.
pub(super) struct RunsOfFile {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) specs: Vec<RunSpec>,
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let cache = RunData::new(stop);
    let resources = arguments.resources;
    // Errors in files and data are reported before anything is computed.
    let memory = Memory::of_machine(resources.memory);
    let (set, out) = (&arguments.overrides.set, &arguments.out);
    let files = read_files(&arguments.files, set, out, &cache, memory)?;
    let all = || files.iter().flat_map(|file| file.specs.clone()).collect::<Vec<_>>();
    if arguments.overrides.print_spec {
        print_specs(&all());
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.plan {
        let specs = arguments.share.unwrap_or(Share::WHOLE).of(&all())?;
        let mut calibration = calibration(&cache, Memory::of_machine(resources.memory));
        let store = plan::finished(&arguments.out);
        let plan = Plan::of(&specs, &store, &mut calibration, resources)?;
        match arguments.json {
            true => out!("{:#}", plan.to_json("all together")),
            false => out!("{plan}"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.share.is_none() && arguments.only.is_none() {
        for file in &files {
            output::prepare_table(&file.folder)?;
        }
    }
    let store = Store::open(arguments.out.join("runs"))?;
    let context = ExecutionContext::new(&store, resources, &cache, stop);
    if let Some(share) = arguments.share {
        return share::make(share, &all(), context);
    }
    if let Some(key) = &arguments.only {
        return only::make(key, &all(), context);
    }
    let mut failed = 0;
    let mut tables = Vec::new();
    let mut calibration = calibration(&cache, Memory::of_machine(resources.memory));
    for RunsOfFile { name, folder, specs } in files {
        // Few runs are not worth the short runs of an estimate.
        let stored = stored_keys(&specs, &store)?;
        let missing = specs.iter().filter(|spec| is_missing(spec, &stored)).count();
        let expected = (missing >= MIN_RUNS_TO_ESTIMATE)
            .then(|| Plan::of(&specs, &store, &mut calibration, resources).ok())
            .flatten();
        if let Some(plan) = &expected {
            note!("{name}: {plan}");
        }
        let expected = expected.map(|plan| plan.expected());
        let Computed { runs, counts, stopped, .. } = compute(&specs, context, expected)?;
        // The files first: a closed terminal must not lose them.
        let columns = run_columns(&runs);
        let path = output::write_table(&folder, &columns)?;
        if arguments.json {
            tables.push(to_json(&name, &path, &columns));
        } else {
            out!("{}", table(&runs, &columns));
        }
        if stopped {
            if arguments.json {
                out!("{:#}", serde_json::Value::Array(tables));
            }
            note!("{name}: stopped; run the same command again to continue");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        failed += counts.failed;
        if !arguments.json {
            out!("{}", summary(&name, specs.len(), counts.failed, &path));
        }
    }
    if arguments.json {
        out!("{:#}", serde_json::Value::Array(tables));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the table of a file's stored runs, without computing any run.
///
/// # Errors
/// A record that a later version wrote, or a file that cannot be written.
pub(super) fn collect(file: &RunsOfFile, store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let RunsOfFile { name, folder, specs } = file;
    let runs: Vec<Run> =
        specs.iter().map(|spec| report::stored(spec, store)).collect::<anyhow::Result<_>>()?;
    let columns = run_columns(&runs);
    output::prepare_table(folder)?;
    let path = output::write_table(folder, &columns)?;
    let without = runs.iter().filter(|run| run.record.is_err()).count();
    if json {
        out!("{:#}", serde_json::Value::Array(vec![to_json(name, &path, &columns)]));
    } else {
        out!("{}\n{}", table(&runs, &columns), summary(name, specs.len(), without, &path));
    }
    Ok(if without == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn to_json(name: &str, path: &Path, columns: &Columns) -> serde_json::Value {
    json!({"name": name, "table": path.display().to_string(), "runs": columns.to_json()})
}

fn summary(name: &str, runs: usize, without: usize, path: &Path) -> String {
    format!("{name}: {runs} runs, {without} without a record — {}", path.display())
}

/// Reads and checks the files. A run that occurs twice in a file is made once.
pub(super) fn read_files(
    paths: &[PathBuf],
    overrides: &[Override],
    out: &Path,
    cache: &RunData,
    memory: Memory,
) -> anyhow::Result<Vec<RunsOfFile>> {
    let mut files: Vec<(String, Vec<PlacedSpec>)> = Vec::new();
    for file in paths {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if ["runs", "sweeps"].contains(&name.as_str())
            || FINDINGS.iter().any(|finding| finding.name() == name)
        {
            bail!("{}: rename it, results/{name} holds other results", file.display());
        }
        if files.iter().any(|(other, _)| *other == name) {
            bail!("{}: rename it, another file has the same name", file.display());
        }
        files.push((name, distinct(read(file, overrides)?)?));
    }
    // All files at once: their data have to fit into the memory together.
    let sizes: Vec<usize> = files.iter().map(|(_, runs)| runs.len()).collect();
    let (names, runs): (Vec<String>, Vec<Vec<PlacedSpec>>) = files.into_iter().unzip();
    let mut specs = checked(runs.concat(), cache, memory)?.into_iter();
    let of = |(name, size): (String, usize)| RunsOfFile {
        folder: out.join(&name),
        name,
        specs: specs.by_ref().take(size).collect(),
    };
    Ok(names.into_iter().zip(sizes).map(of).collect())
}

/// The runs without those that occur a second time.
///
/// # Errors
/// Two runs that differ in what is not part of their key, such as their budget.
fn distinct(runs: Vec<PlacedSpec>) -> anyhow::Result<Vec<PlacedSpec>> {
    let mut kept: Vec<PlacedSpec> = Vec::new();
    let mut places: HashMap<Option<RunKey>, usize> = HashMap::new();
    for run in runs {
        // A spec without a key is refused by its check.
        let key = RunKey::of(&run.spec).ok();
        match places.get(&key).filter(|_| key.is_some()) {
            Some(&first) if kept[first].spec == run.spec => {
                note!("{}: the same run as {}", run.place, kept[first].place);
            }
            Some(&first) => bail!(
                "{}: the same run as {} with another budget: leave one of them out",
                run.place,
                kept[first].place
            ),
            None => {
                places.insert(key, kept.len());
                kept.push(run);
            }
        }
    }
    Ok(kept)
}

/// What the printed table shows of every run besides its key and the fields that vary: names of
/// [`run_columns`], and the digits of numbers.
const SHOWN: [(&str, Digits); 5] = [
    ("ending", Digits::All),
    ("steps", Digits::All),
    ("test_error", Digits::Fixed(4)),
    ("kernel_change", Digits::Significant(3)),
    ("version", Digits::All),
];

#[derive(Clone, Copy)]
enum Digits {
    All,
    Significant(usize),
    Fixed(usize),
}

/// One line per run, in the order of the file: its key, the fields in which the runs differ (width and
/// α where none does), what was measured, and the version of the program. Below, the reasons of runs without a
/// record.
fn table(runs: &[Run], columns: &Columns) -> String {
    let mut fields = varying_fields(columns);
    if fields.is_empty() {
        fields = vec!["network.width".into(), "alpha".into()];
    }
    let column = |name: &str| columns.columns().iter().find(|column| column.name == name);
    let cell = |name: &str, row: usize, digits: Digits| -> String {
        let Some(column) = column(name) else { return String::new() };
        match (&column.cells, digits) {
            (Cells::Float(cells), Digits::Significant(n)) => {
                cells[row].map(|v| format!("{v:.*e}", n - 1)).unwrap_or_default()
            }
            (Cells::Float(cells), Digits::Fixed(n)) => {
                cells[row].map(|v| format!("{v:.n$}")).unwrap_or_default()
            }
            (cells, _) => cells.text(row),
        }
    };
    let any_frozen = runs.iter().any(|run| !run.spec.frozen.is_empty());
    let mut head = vec!["key".to_owned()];
    head.extend(fields.iter().cloned());
    head.extend(SHOWN.map(|(name, _)| name.to_owned()));
    if any_frozen {
        head.push("test_error of frozen kernels".into());
    }
    let mut rows = vec![head];
    let mut notes = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let key = run.key().map(|key| key.short()).unwrap_or_default();
        let mut row = vec![key.clone()];
        row.extend(fields.iter().map(|name| cell(name, index, Digits::All)));
        row.extend(SHOWN.map(|(name, digits)| match name {
            "version" => terminal::short_version(&cell(name, index, digits)),
            _ => cell(name, index, digits),
        }));
        match &run.record {
            Ok(record) if any_frozen => row.push(frozen(record)),
            Ok(_) => {}
            Err(why) => notes.push(format!("{key}: {why}")),
        }
        rows.push(row);
    }
    let width = rows[0].len();
    rows.iter_mut().for_each(|row| row.resize(width, String::new()));
    let rows = rows.iter().map(|row| row.iter().map(String::as_str));
    terminal::table(rows).into_iter().chain(notes).collect::<Vec<_>>().join("\n")
}

/// The test errors of frozen kernels: `none` where there was no kernel, and the end of one that
/// did not reach its margins.
fn frozen(record: &RunRecord) -> String {
    let of = |FrozenRecord { kernel, learning }: &FrozenRecord| match learning {
        FrozenOutcome::NoKernel(_) => format!("{} none", kernel.name()),
        FrozenOutcome::Trained { test_error, ending: Ending::Converged, .. } => {
            format!("{} {test_error:.4}", kernel.name())
        }
        FrozenOutcome::Trained { test_error, ending, .. } => {
            format!("{} {test_error:.4} ({})", kernel.name(), ending.name())
        }
    };
    record.frozen.iter().map(of).collect::<Vec<_>>().join(", ")
}
