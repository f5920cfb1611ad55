//! `report`: reports anew from finished runs, without computing any.

use std::process::ExitCode;

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_findings::{Finding, Settings};
use regime_lab::{RunKey, Store};
use regime_scaling::Outcome;
use regime_study::{DataCache, NoRecord, Run, RunRecord, RunSpec};

use super::plan;
use crate::{
    cli::Grid,
    output::{self, Results},
    provenance,
    report::words,
    study::{find, study},
};

pub(super) fn run(grid: &Grid) -> anyhow::Result<ExitCode> {
    let runs = grid.out.join("runs");
    if !runs.is_dir() {
        bail!("{} holds no finished runs: make them with `cargo xtask reproduce`", runs.display());
    }
    let store = Store::open(&runs)?;
    let cache = DataCache::new(default_cache_dir());
    for finding in find(&grid.finding)? {
        let (settings, looks) = as_before(finding, grid);
        let specs = plan::specs(finding, grid, &settings, &cache)?;
        let runs: Vec<Run> = specs
            .iter()
            .map(|spec| Ok(Run { spec: spec.clone(), record: stored(spec, &store)? }))
            .collect::<anyhow::Result<_>>()?;
        let missing = runs.iter().filter(|run| run.record.is_err()).count();
        if missing == runs.len() {
            println!("{}: no run of this profile is finished", finding.name());
            continue;
        }
        output::prepare(&grid.out.join(finding.name()))?;
        let left = if missing == 0 { String::new() } else { format!(" ({missing} runs missing)") };
        write(finding, (grid, settings, looks), &runs, &store, &left)?;
    }
    println!("{}", output::write_index(&grid.out)?.display());
    Ok(ExitCode::SUCCESS)
}

/// How many rounds of `--until-decided` the last report of this profile came from, and how many times the
/// finding is judged: a report anew must not judge at other levels.
fn as_before(finding: &dyn Finding, grid: &Grid) -> (Settings, usize) {
    let settings = grid.settings();
    let before = || {
        let path = grid.out.join(finding.name()).join("outcome.json");
        let text = std::fs::read_to_string(path).ok()?;
        let outcome: serde_json::Value = serde_json::from_str(&text).ok()?;
        let number = |field: &str| outcome[field].as_u64();
        let same = outcome["profile"] == settings.profile.name()
            && number("seed_offset") == Some(settings.seed_offset)
            && number("data_seed") == Some(settings.data_seed);
        let looks = number("looks").filter(|&looks| looks > 1 && same)?;
        Some((Settings { rounds: number("rounds")?, ..settings }, looks as usize))
    };
    match settings.seeds {
        None => before().unwrap_or((settings, 1)),
        Some(_) => (settings, 1),
    }
}

/// Analyses runs, writes the report of their finding and says in one line, with `left` on
/// runs that are not there, what was found: the verdict, and how many training sets would decide what is open. `looks` is how many times the finding is judged, at most.
pub(super) fn write(
    finding: &dyn Finding,
    (grid, settings, looks): (&Grid, Settings, usize),
    runs: &[Run],
    store: &Store,
    left: &str,
) -> anyhow::Result<(Outcome, Option<usize>)> {
    let name = finding.name();
    let mut study = study(finding, runs, &settings, looks);
    let origins = provenance::of_records(runs.iter().map(|run| &run.spec), store);
    if let [first, others @ ..] = &origins[..]
        && !others.is_empty()
    {
        study.notes.push(format!(
            "The runs come from {} programs or machines: {first}; {}.",
            origins.len(),
            others.join("; ")
        ));
    }
    let results = Results { finding, settings, looks, runs, study: &study, origins };
    let report = output::write(&results, &grid.out.join(name))
        .with_context(|| format!("the report of {name}"))?;
    println!("{name}: {}{left} — {}", words(study.verdict.kind), report.display());
    Ok((study.verdict.kind, study.judgement.sets_needed))
}

/// The record of a run, or that there is none.
fn stored(spec: &RunSpec, store: &Store) -> anyhow::Result<Result<RunRecord, NoRecord>> {
    let entry = store.entry::<RunSpec, RunRecord>(&RunKey::of(spec)?)?;
    Ok(entry.map(|entry| entry.record).ok_or(NoRecord::Missing))
}
