//! `run`: the runs that files describe.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::{RunKey, Share, Store};
use regime_study::{
    DataCache, Ending, FrozenLearning, FrozenRecord, PlacedSpec, Run, RunRecord, RunSpec,
    run_columns,
};

use super::{
    compute::{Computed, INTERRUPTED, compute, stop_on_interrupt},
    plan, share,
    spec_files::{checked, read},
    timer::calibration,
};
use regime_findings::FINDINGS;

use crate::{cli::Run as Arguments, output, terminal};

/// The runs of a file, and where their table goes.
struct RunsOfFile {
    name: String,
    folder: PathBuf,
    specs: Vec<RunSpec>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cache = DataCache::new(default_cache_dir());
    let jobs = arguments.jobs();
    // Bad files and bad data have to be found before anything is computed.
    let mut files: Vec<RunsOfFile> = Vec::new();
    for file in &arguments.files {
        let runs = runs_of(file, arguments, &cache)?;
        if files.iter().any(|other| other.name == runs.name) {
            bail!("{}: rename it, another file has the same name", file.display());
        }
        files.push(runs);
    }
    let all = || files.iter().flat_map(|file| file.specs.clone()).collect::<Vec<_>>();
    if arguments.plan {
        let specs = arguments.share.unwrap_or(Share::WHOLE).of(&all())?;
        let store = plan::finished(&arguments.out)?;
        let mut calibration = calibration(&cache);
        let estimate = plan::estimate(&specs, store.as_ref(), &mut calibration, jobs)?;
        println!("{}", plan::describe(&estimate, jobs));
        return Ok(ExitCode::SUCCESS);
    }
    let stop = stop_on_interrupt()?;
    if let Some(share) = arguments.share {
        return share::make(share, &all(), &arguments.out, jobs, &cache, &stop);
    }
    for file in &files {
        output::prepare(&file.folder)?;
    }
    let store = Store::open(arguments.out.join("runs"))?;
    let mut failed = 0;
    for RunsOfFile { name, folder, specs } in files {
        let Computed { runs, counts, stopped } = compute(&specs, &store, jobs, &cache, &stop)?;
        println!("{}", table(&runs, &store));
        let path = folder.join("data.csv");
        output::replace(&path, run_columns(&runs).to_csv().as_bytes())
            .with_context(|| path.display().to_string())?;
        if stopped {
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

/// Reads and checks a file.
fn runs_of(file: &Path, arguments: &Arguments, cache: &DataCache) -> anyhow::Result<RunsOfFile> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if name == "runs" || FINDINGS.iter().any(|finding| finding.name() == name) {
        bail!("{}: rename it, {name} stands for other results", file.display());
    }
    let check = |PlacedSpec { place, spec }: PlacedSpec| checked(spec, cache).context(place);
    let specs = read(file)?.into_iter().map(check).collect::<anyhow::Result<_>>()?;
    Ok(RunsOfFile { folder: arguments.out.join(&name), name, specs })
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
            Ok(record) => row.extend(columns_of(spec, record, store)),
            Err(why) => {
                notes.push(format!("{}: {why}", row.join(" ")));
                row.push("no record".into());
            }
        }
        row.resize(head.len(), String::new());
        rows.push(row);
    }
    let rows = rows.iter().map(|row| row.iter().map(String::as_str));
    terminal::table(rows).into_iter().chain(notes).collect::<Vec<_>>().join("\n")
}

/// What became of a run, from its end to the time it took.
fn columns_of(spec: &RunSpec, record: &RunRecord, store: &Store) -> Vec<String> {
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
