//! `reproduce`: the runs of a finding, its analysis, its report.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::Context;
use regime_data::default_cache_dir;
use regime_lab::{Counts, Options, Outcome, Store, execute};

use super::plan;
use crate::{
    backend,
    cli::Reproduce,
    finding::{Finding, Run, find},
    output::{self, Told},
    progress::Drawn,
    provenance,
    report::VerdictKind,
    study::{Clock, DataCache, RunRecord, RunSpec},
};

/// Exit status after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

pub(super) fn run(arguments: &Reproduce) -> anyhow::Result<ExitCode> {
    let findings = find(&arguments.grid.finding)?;
    let stop = stop_on_interrupt()?;
    let cache = DataCache::new(default_cache_dir());
    let mut worst = VerdictKind::Reproduced;
    let mut failed = 0;
    for finding in findings {
        match reproduce(finding, arguments, &cache, &stop)? {
            Some(ended) => {
                worst = worse(worst, ended.verdict);
                failed += ended.failed;
            }
            None => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(match (arguments.check, failed) {
        (true, _) => ExitCode::from(status(worst)),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// The exit status that `--check` gives a verdict.
fn status(verdict: VerdictKind) -> u8 {
    match verdict {
        VerdictKind::Reproduced => 0,
        VerdictKind::NotReproduced => 1,
        VerdictKind::Inconclusive => 3,
    }
}

/// What counts for several findings together: a claim that fails outweighs one
/// that is open.
fn worse(a: VerdictKind, b: VerdictKind) -> VerdictKind {
    match (a, b) {
        (VerdictKind::NotReproduced, _) | (_, VerdictKind::NotReproduced) => {
            VerdictKind::NotReproduced
        }
        (VerdictKind::Inconclusive, _) | (_, VerdictKind::Inconclusive) => {
            VerdictKind::Inconclusive
        }
        _ => VerdictKind::Reproduced,
    }
}

/// How a finding ended.
struct Ended {
    verdict: VerdictKind,
    /// Runs that left no record.
    failed: usize,
}

/// One finding; `None` when the user stopped it.
fn reproduce(
    finding: &dyn Finding,
    arguments: &Reproduce,
    cache: &DataCache,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Option<Ended>> {
    let grid = &arguments.grid;
    let name = finding.name();
    // Bad data and bad folders have to be found before anything is computed.
    let specs = plan::specs(finding, grid, cache)?;
    let folder = grid.out.join(name);
    output::prepare(&folder)?;
    let store = Store::open(grid.out.join("runs"))?;
    let jobs = grid.jobs();
    let estimate = plan::estimate(&specs, Some(&store), cache, jobs)?;
    eprintln!("{name}: {}", plan::describe(&estimate, jobs));

    let runs = compute(&specs, &store, jobs, cache, stop)?;
    let Computed { runs, counts } = runs;
    if counts.not_started > 0 || stop.load(Ordering::Relaxed) {
        let kept = counts.reused + counts.computed;
        eprintln!(
            "{name}: stopped; {kept} of {} runs are kept in {}, the same command goes on from there",
            counts.total(),
            store.dir().display(),
        );
        return Ok(None);
    }
    if counts.computed == 0 && counts.failed == 0 {
        eprintln!(
            "{name}: nothing to compute, all {} runs were in {}",
            counts.reused,
            store.dir().display()
        );
    }

    let study = finding.study(&runs);
    let origins = provenance::of_records(&specs, &store);
    let told = Told { finding, settings: grid.settings(), runs: &runs, study: &study, origins };
    let report = output::write(&told, &folder).with_context(|| format!("the report of {name}"))?;
    let failed = match counts.failed {
        0 => String::new(),
        n => format!(" ({n} runs failed)"),
    };
    println!("{name}: {}{failed} — {}", study.verdict.kind.words(), report.display());
    Ok(Some(Ended { verdict: study.verdict.kind, failed: counts.failed }))
}

/// What became of a grid.
struct Computed {
    runs: Vec<Run>,
    counts: Counts,
}

/// Makes the runs that the store lacks.
fn compute(
    specs: &[RunSpec],
    store: &Store,
    jobs: usize,
    cache: &DataCache,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Computed> {
    let options = Options {
        jobs,
        threads_per_run: 1,
        cancel: Some(Arc::clone(stop)),
        provenance: specs.first().map(provenance::of_run).unwrap_or_default(),
    };
    let simulate = |spec: &RunSpec| -> Result<RunRecord, String> {
        let data = cache.get(&spec.data).map_err(|e| format!("{e:#}"))?;
        let clock = Watch { start: Instant::now(), stop };
        backend::run(spec, &data, &clock).map_err(|e| format!("{e:#}"))
    };
    let mut drawn = Drawn::new(jobs);
    let report = execute(specs, store, &options, simulate, &mut drawn)?;
    drop(drawn);
    let runs = specs
        .iter()
        .zip(report.outcomes())
        .map(|(spec, (_, outcome))| Run {
            spec: spec.clone(),
            record: match outcome {
                Outcome::Reused(record) | Outcome::Computed { record, .. } => Ok(record.clone()),
                Outcome::Failed(error) => Err(error.to_string()),
                Outcome::NotStarted => Err("not started".into()),
            },
        })
        .collect();
    Ok(Computed { runs, counts: report.counts() })
}

/// The clock of one run.
struct Watch<'a> {
    start: Instant,
    stop: &'a AtomicBool,
}

impl Clock for Watch<'_> {
    fn elapsed_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The first Ctrl-C lets the runs in flight end; the second ends the program.
fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("Ctrl-C cannot be handled")?;
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use VerdictKind::{Inconclusive, NotReproduced, Reproduced};

    #[test]
    fn one_claim_that_fails_outweighs_all_others() {
        assert_eq!(worse(Reproduced, Reproduced), Reproduced);
        assert_eq!(worse(Reproduced, Inconclusive), Inconclusive);
        assert_eq!(worse(NotReproduced, Inconclusive), NotReproduced);
        assert_eq!([Reproduced, NotReproduced, Inconclusive].map(status), [0, 1, 3]);
    }
}
