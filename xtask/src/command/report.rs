//! `report`: writes reports of finished runs again, without computing any run.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use regime_findings::{Finding, Settings};
use regime_lab::{Entry, RunKey, Store, StoreError};
use regime_scaling::Outcome;
use regime_study::{NoRecord, Run, RunRecord, RunSpec};

use super::{plan, run_data::RunData};
use crate::{
    cli::Grid,
    console,
    output::{self, Results},
    provenance,
    report::words,
    run_name::run_name,
    study::{find, study},
};

pub(super) fn run(grid: &Grid) -> anyhow::Result<ExitCode> {
    let runs = grid.out.join("runs");
    if !runs.is_dir() {
        bail!("{} holds no finished runs: make them with `cargo xtask reproduce`", runs.display());
    }
    let store = Store::read_only(&runs);
    // Signals end this command at once.
    let cache = RunData::new(&Arc::default());
    output::prepare_index(&grid.out)?;
    let mut verdicts = Vec::new();
    let mut complete = true;
    for finding in find(&grid.finding)? {
        let (settings, looks) = as_before(finding, grid);
        let specs = plan::specs(finding, grid, &settings, &cache)?;
        let runs: Vec<Run> =
            specs.iter().map(|spec| stored(spec, &store)).collect::<anyhow::Result<_>>()?;
        let missing = runs.iter().filter(|run| run.record.is_err()).count();
        if missing == runs.len() {
            console::warn(format_args!("{}: no run of this profile is finished", finding.name()));
            complete = false;
            continue;
        }
        complete &= missing == 0;
        output::prepare_report(&grid.out.join(finding.name()))?;
        let left = if missing == 0 { String::new() } else { format!(" ({missing} runs missing)") };
        let written = write(finding, (grid, settings, looks), &runs, &store)?;
        match grid.json {
            true => verdicts.push(written.to_json(missing)),
            false => out!("{}", written.line(&left)),
        }
    }
    let index = output::write_index(&grid.out)?;
    match grid.json {
        true => out!("{:#}", serde_json::Value::Array(verdicts)),
        false => out!("{}", index.display()),
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The settings, with the rounds of the last report of this profile if it came from `--until-decided`, and
/// how many times the finding is judged: a second report must judge at the same levels.
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

/// The result of a report.
pub(super) struct Written {
    finding: &'static str,
    sentence: String,
    report: PathBuf,
    pub(super) verdict: Outcome,
    /// Number of training sets that would decide an open verdict.
    pub(super) sets_needed: Option<usize>,
}

impl Written {
    /// One line of text; `left` reports missing or failed runs.
    pub(super) fn line(&self, left: &str) -> String {
        format!("{}: {}{left} — {}", self.finding, words(self.verdict), self.report.display())
    }

    /// The same as JSON.
    pub(super) fn to_json(&self, missing: usize) -> serde_json::Value {
        serde_json::json!({
            "finding": self.finding,
            "verdict": words(self.verdict),
            "sentence": self.sentence,
            "training_sets_needed": self.sets_needed,
            "runs_without_record": missing,
            "report": self.report.display().to_string(),
        })
    }
}

/// Analyses runs and writes the report of their finding. The finding is judged at most `looks` times.
pub(super) fn write(
    finding: &dyn Finding,
    (grid, settings, looks): (&Grid, Settings, usize),
    runs: &[Run],
    store: &Store,
) -> anyhow::Result<Written> {
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
    Ok(Written {
        finding: name,
        sentence: study.verdict.sentence.clone(),
        report,
        verdict: study.verdict.kind,
        sets_needed: study.judgement.sets_needed,
    })
}

/// A run with its record in the store, or with the reason why it has none. A damaged record is reported and
/// counts as missing; it stays in its place, because a report changes no run.
///
/// # Errors
/// A record that a later version wrote, or a folder that cannot be read.
pub(super) fn stored(spec: &RunSpec, store: &Store) -> anyhow::Result<Run> {
    let key = RunKey::of(spec)?;
    let without = |reason| Run { spec: spec.clone(), record: Err(reason), provenance: None };
    Ok(match store.entry::<RunSpec, RunRecord>(&key) {
        Ok(Some(Entry { record, provenance, .. })) => {
            Run { spec: spec.clone(), record: Ok(record), provenance: Some(provenance) }
        }
        Ok(None) => without(match store.failure(&key)? {
            Some(failure) => NoRecord::Failed(failure.reason),
            None => NoRecord::Missing,
        }),
        Err(StoreError::Damaged { path, damage }) => {
            console::warn(format_args!(
                "{}: its record {} is damaged ({damage}) and left out; `reproduce`, `run` and \
                 `sweep resume` compute the run again",
                run_name(spec),
                path.display()
            ));
            without(NoRecord::Missing)
        }
        Err(other) => return Err(other.into()),
    })
}
