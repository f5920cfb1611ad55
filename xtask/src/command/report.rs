//! `report`: reports anew from finished runs, without computing any.

use std::process::ExitCode;

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::{RunKey, Store};

use super::plan;
use crate::{
    cli::Grid,
    finding::{Run, find},
    output::{self, Told},
    provenance,
    study::{DataCache, RunRecord, RunSpec},
};

pub(super) fn run(grid: &Grid) -> anyhow::Result<ExitCode> {
    let runs = grid.out.join("runs");
    if !runs.is_dir() {
        bail!("{} holds no finished runs: make them with `cargo xtask reproduce`", runs.display());
    }
    let store = Store::open(&runs)?;
    let cache = DataCache::new(default_cache_dir());
    for finding in find(&grid.finding)? {
        let specs = plan::specs(finding, grid, &cache)?;
        let runs: Vec<Run> = specs
            .iter()
            .map(|spec| Ok(Run { spec: spec.clone(), record: stored(spec, &store)? }))
            .collect::<anyhow::Result<_>>()?;
        let missing = runs.iter().filter(|run| run.record.is_err()).count();
        if missing == runs.len() {
            println!("{}: no run of this profile is finished", finding.name());
            continue;
        }
        let study = finding.study(&runs);
        let origins = provenance::of_records(&specs, &store);
        let folder = grid.out.join(finding.name());
        output::prepare(&folder)?;
        let told = Told { finding, settings: grid.settings(), runs: &runs, study: &study, origins };
        let report = output::write(&told, &folder)
            .with_context(|| format!("the report of {}", finding.name()))?;
        let left = if missing == 0 { String::new() } else { format!(" ({missing} runs missing)") };
        println!("{}: {}{left} — {}", finding.name(), study.verdict.kind.words(), report.display());
    }
    println!("{}", output::write_index(&grid.out)?.display());
    Ok(ExitCode::SUCCESS)
}

/// The record of a run, or that there is none.
fn stored(spec: &RunSpec, store: &Store) -> anyhow::Result<Result<RunRecord, String>> {
    let entry = store.entry::<RunSpec, RunRecord>(&RunKey::of(spec)?)?;
    Ok(entry.map(|entry| entry.record).ok_or_else(|| "not computed yet".into()))
}
