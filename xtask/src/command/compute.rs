//! The runs of a grid, made side by side.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use regime_lab::{Counts, Options, Outcome, Store, execute_batches};
use regime_models::Precision;
use regime_study::{BatchRun, DeviceName, NoRecord, Run, RunRecord, RunSpec};

use super::batches::{DeviceMemory, in_memory};
use super::data_memory;
use super::run_context::{self, StoreContext};
use super::run_data::RunData;
use super::stored::{is_missing, stored_keys};
use crate::{
    backend,
    cli::Resources,
    console,
    memory::{Fit, Memory, size},
    progress::ProgressBar,
    provenance,
};

/// What became of a grid.
pub(super) struct Computed {
    pub(super) runs: Vec<Run>,
    pub(super) counts: Counts,
    /// Whether the user stopped it before its end.
    pub(super) stopped: bool,
    /// Whether a run ended, or an unfinished one saved a checkpoint with new steps.
    pub(super) advanced: bool,
}

impl Computed {
    /// Prints how many runs were computed, stored before and failed, and returns the exit status.
    pub(super) fn report(&self, name: &str, store: &Store) -> ExitCode {
        let Counts { computed, reused, failed, .. } = self.counts;
        out!(
            "{name}: {} runs: {computed} computed, {reused} stored before, {failed} failed — {}",
            self.counts.total(),
            store.dir().display()
        );
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What runs are made with.
#[derive(Clone, Copy)]
pub(super) struct ExecutionContext<'a> {
    pub(super) store: &'a Store,
    pub(super) resources: Resources,
    pub(super) cache: &'a RunData,
    /// Once true, runs stop and leave their checkpoints.
    pub(super) stop: &'a Arc<AtomicBool>,
}

impl<'a> ExecutionContext<'a> {
    /// A context in which a run that another process computes is waited for.
    pub(super) fn new(
        store: &'a Store,
        resources: Resources,
        cache: &'a RunData,
        stop: &'a Arc<AtomicBool>,
    ) -> Self {
        Self { store, resources, cache, stop }
    }
}

/// Makes the runs that the store lacks, those that fit into the memory side by side. `expected` is the
/// estimate of the time that all of them take.
pub(super) fn compute(
    specs: &[RunSpec],
    context: ExecutionContext<'_>,
    expected: Option<(f64, f64)>,
) -> anyhow::Result<Computed> {
    let ExecutionContext { store, resources, cache, stop } = context;
    // Then nothing is computed; the records in the store are still read, for tables.
    let stopped_before = stop.load(Ordering::Relaxed);
    if let Some(warning) = specs.iter().find_map(rounding) {
        console::warn(format_args!("{warning}"));
    }
    let asked = resources.jobs();
    let machine = Memory::of_machine(resources.memory).less(data_memory::data_bytes(specs));
    let stored = stored_keys(specs, store)?;
    let missing = specs.iter().filter(|spec| is_missing(spec, &stored));
    let Fit { jobs, bytes } = machine.fit(missing, asked);
    if jobs < asked {
        note!(
            "{jobs} side by side instead of {asked}: more runs than that do not fit into the memory ({} for {jobs})",
            size(bytes)
        );
    }
    let memory = DeviceMemory::of(specs, jobs);
    let jobs = memory.map_or(jobs, |memory| memory.workers());
    let options = Options {
        jobs,
        threads_per_run: threads_per_run(jobs, specs.len()),
        cancel: Some(Arc::clone(stop)),
        provenance: provenance::of_runs(specs),
        holder: provenance::of_process(),
    };
    let advanced = AtomicBool::new(false);
    let divide = |specs: &[&RunSpec]| match memory {
        Some(memory) => memory.divide(specs),
        None => (0..specs.len()).map(|index| vec![index]).collect(),
    };
    let run = |specs: &[&RunSpec]| -> Vec<Result<RunRecord, String>> {
        let refusal = |spec: &&RunSpec| match spec.device {
            DeviceName::Cpu => machine.refuses(spec.memory_bytes()),
            DeviceName::Cuda(_) => memory.and_then(|memory| memory.refuses(spec)),
        };
        let refusal = |spec: &&RunSpec| refusal(spec).or_else(|| run_context::refusal(store, spec));
        let make = |specs: &[&RunSpec]| {
            in_memory(specs, &|specs| make(specs, store, cache, (stop, &advanced)))
        };
        if specs.iter().all(|spec| refusal(spec).is_none()) {
            return make(specs);
        }
        let make_or_refuse = |spec: &&RunSpec| match refusal(spec) {
            Some(refusal) => vec![Err(refusal)],
            None => make(&[*spec]),
        };
        specs.iter().flat_map(make_or_refuse).collect()
    };
    let mut progress = ProgressBar::new(jobs, expected, specs);
    let report = execute_batches(specs, store, &options, &divide, run, &mut progress)?;
    drop(progress);
    if store.flush_refused() {
        console::warn(format_args!(
            "warning: the file system of {} refuses to flush files to the disk: after a loss of power, the \
             records of the last seconds may be missing or damaged",
            store.dir().display()
        ));
    }
    let runs = specs
        .iter()
        .zip(report.outcomes())
        .map(|(spec, (key, outcome))| Run {
            spec: spec.clone(),
            provenance: outcome.record().and_then(|_| store.provenance(&key).ok().flatten()),
            record: match outcome {
                Outcome::Reused(record) | Outcome::Computed { record, .. } => Ok(record.clone()),
                Outcome::Failed(error) => Err(NoRecord::Failed(error.to_string())),
                Outcome::NotStarted => Err(NoRecord::Missing),
            },
        })
        .collect();
    let counts = report.counts();
    let lacks_some = counts.not_started + counts.failed > 0;
    let stopped = stopped_before || (stop.load(Ordering::Relaxed) && lacks_some);
    let advanced = advanced.into_inner() || counts.computed > 0;
    Ok(Computed { runs, counts, stopped, advanced })
}

/// Makes runs in one batch, or a single one by itself.
fn make(
    specs: &[&RunSpec],
    store: &Store,
    cache: &RunData,
    (stop, advanced): (&AtomicBool, &AtomicBool),
) -> Vec<Result<RunRecord, String>> {
    let start = Instant::now();
    let contexts: Vec<StoreContext<'_>> =
        specs.iter().map(|&spec| StoreContext { start, stop, store, spec, advanced }).collect();
    let data: Vec<_> = specs.iter().map(|spec| cache.get(&spec.data)).collect();
    let mut runs = Vec::with_capacity(specs.len());
    for ((&spec, context), data) in specs.iter().zip(&contexts).zip(&data) {
        match data {
            Ok(data) => runs.push(BatchRun { spec, data, context }),
            // Data are read before a grid begins: without those of one run there are none.
            Err(error) => return specs.iter().map(|_| Err(error.to_string())).collect(),
        }
    }
    match backend::run_batch(&runs) {
        Ok(records) => {
            records.into_iter().map(|record| record.map_err(|e| e.to_string())).collect()
        }
        Err(error) => specs.iter().map(|_| Err(format!("{error:#}"))).collect(),
    }
}

/// A warning for a run in float32 whose outputs are not accurate enough for its steps.
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
