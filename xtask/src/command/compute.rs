//! The runs of a grid, made side by side.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::Context;
use regime_lab::{Counts, Options, Outcome, RunKey, Store, execute};
use regime_models::Precision;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{
    backend,
    finding::{NoRecord, Run},
    progress::Drawn,
    provenance,
    study::{DataCache, Partial, RunRecord, RunSpec, World},
};

/// Exit status of what was stopped, as shells have it after Ctrl-C: the same command goes on.
pub(super) const INTERRUPTED: u8 = 130;

/// What became of a grid.
pub(super) struct Computed {
    pub(super) runs: Vec<Run>,
    pub(super) counts: Counts,
    /// The user wanted it to end before it did.
    pub(super) stopped: bool,
}

/// Makes the runs that the store lacks.
pub(super) fn compute(
    specs: &[RunSpec],
    store: &Store,
    jobs: usize,
    cache: &DataCache,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Computed> {
    if let Some(warning) = specs.iter().find_map(rounding) {
        eprintln!("{warning}");
    }
    let options = Options {
        jobs,
        threads_per_run: threads_per_run(jobs, specs.len()),
        cancel: Some(Arc::clone(stop)),
        provenance: provenance::of_runs(specs),
    };
    let simulate = |spec: &RunSpec| -> Result<RunRecord, String> {
        let data = cache.get(&spec.data).map_err(|e| format!("{e:#}"))?;
        let world = Around { start: Instant::now(), stop, store, spec };
        backend::run(spec, &data, &world).map_err(|e| format!("{e:#}"))
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
                Outcome::Failed(error) => Err(NoRecord::Failed(error.to_string())),
                Outcome::NotStarted => Err(NoRecord::Missing),
            },
        })
        .collect();
    let counts = report.counts();
    let stopped = stop.load(Ordering::Relaxed) && counts.not_started + counts.failed > 0;
    Ok(Computed { runs, counts, stopped })
}

/// What is to be said of a run in float32 whose outputs are not accurate enough for its steps.
///
/// `F = α(f − f₀)` is a difference of numbers of order one.
fn rounding(spec: &RunSpec) -> Option<String> {
    // The step rules of the explicit schemes keep |ΔF| below this by default.
    let tolerance = spec.dynamics.tolerance().unwrap_or(1e-2);
    let error = spec.alpha * spec.precision.epsilon();
    (error > tolerance && spec.precision == Precision::F32).then(|| {
        format!(
            "warning: at α = {:e} float32 rounds F to about {error:.0e}, and runs may never reach \
             their margins; float64 does not",
            spec.alpha
        )
    })
}

/// One thread per run, but for fewer runs side by side than there are cores: those
/// share them. The bits of a run do not depend on it.
pub(super) fn threads_per_run(jobs: usize, runs: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / jobs.min(runs).max(1)).max(1)
}

/// The world around one run.
struct Around<'a> {
    start: Instant,
    stop: &'a AtomicBool,
    store: &'a Store,
    spec: &'a RunSpec,
}

impl World for Around<'_> {
    fn elapsed_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn earlier(&self) -> Option<Partial> {
        // A state that cannot be read costs time and nothing else.
        self.store.checkpoint(&RunKey::of(self.spec).ok()?).ok()?
    }

    fn keep(&self, partial: &Partial) -> anyhow::Result<()> {
        Ok(self.store.put_checkpoint(self.spec, partial)?)
    }
}

/// The first Ctrl-C, or the signal by which a cluster ends a job, lets the runs in flight leave
/// their checkpoints; the second ends the program.
pub(super) fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, and raises it.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context("Ctrl-C cannot be handled")?;
    }
    Ok(stop)
}
