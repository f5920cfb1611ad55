//! How long a unit of cost takes here, by short runs.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use regime_lab::{RunKey, Spec};

use super::compute::threads_per_run;
use crate::{
    backend,
    study::{DataCache, DeviceName, Dynamics, RunRecord, RunSpec, Unlimited},
};

/// Multiply-adds by which the longer of two runs is to exceed the shorter at most, some ten
/// seconds; but for a few steps in any case.
const PROBE: f64 = 1e11;

/// Points that a short run looks at, beside those of its steps, and those of a batch, which
/// begins as a single point and grows.
const POINTS: usize = 500;
const BATCH: usize = 8;

/// What short runs have told.
pub(super) struct Calibration<'a> {
    cache: &'a DataCache,
    /// Seconds for a unit of cost, by run and by how many of it were made side by side.
    known: BTreeMap<(RunKey, usize), f64>,
}

impl<'a> Calibration<'a> {
    /// Nothing is known yet.
    pub(super) fn new(cache: &'a DataCache) -> Self {
        Self { cache, known: BTreeMap::new() }
    }

    /// Wall-clock seconds for a unit of cost of `together` runs side by side, divided by their
    /// number, from the one of `runs`, which take their operations at one price, that half of
    /// their cost lies below; 0 for none.
    ///
    /// # Errors
    /// A short run that fails, or data that cannot be read.
    pub(super) fn unit(&mut self, runs: &[&RunSpec], together: usize) -> anyhow::Result<f64> {
        let mut sorted = runs.to_vec();
        sorted.sort_by(|a, b| a.step_cost().total_cmp(&b.step_cost()));
        let mut left = runs.iter().map(|run| run.cost()).sum::<f64>() / 2.0;
        let half = |run: &&&RunSpec| {
            left -= run.cost();
            left <= 0.0
        };
        let Some(&median) = sorted.iter().find(half) else { return Ok(0.0) };
        let sample = sample(median);
        let key = (RunKey::of(&sample)?, together);
        if let Some(&unit) = self.known.get(&key) {
            return Ok(unit);
        }
        let unit = measured(&sample, self.cache, together)?;
        self.known.insert(key, unit);
        Ok(unit)
    }
}

/// A run that is to be made short: without what changes its steps little or not at all, so that
/// grids have samples in common, and without what takes longer than so few steps.
fn sample(run: &RunSpec) -> RunSpec {
    let mut sample = RunSpec {
        alpha: 1.0,
        seed: 0,
        frozen: Vec::new(),
        outputs_kept: 0,
        kernel_path: false,
        gram_kept: 0,
        ..run.clone()
    };
    sample.data.n_test = run.data.n_test.min(POINTS);
    if let Dynamics::Stochastic(spec) = &mut sample.dynamics {
        spec.largest_batch = spec.largest_batch.min(BATCH);
        // A step is taken whatever it changes, so that the batch grows at once.
        (spec.undo_above, spec.grow_below) = (1e9, 1e9);
        // Components may want all of the points.
        if run.data.inputs.pca.is_none() {
            sample.data.n_train = run.data.n_train.min(POINTS);
        }
    }
    sample
}

/// Wall-clock seconds for a unit of cost, from short runs that differ in their number of steps:
/// what runs share, a memory or a GPU, is counted. The first steps of a run have few active
/// points, so this is a lower estimate for stiff runs.
fn measured(spec: &RunSpec, cache: &DataCache, together: usize) -> anyhow::Result<f64> {
    let data = cache.get(&spec.data).context("data")?;
    // Its time, and what it should have cost.
    let timed = |steps: u64| -> anyhow::Result<(Duration, f64)> {
        let mut short = spec.clone();
        short.dynamics.stop_mut().max_steps = steps;
        let run = || -> anyhow::Result<RunRecord> {
            let threads = threads_per_run(together, together);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            pool.install(|| backend::run(&short, &data, &Unlimited))
        };
        let start = Instant::now();
        let ended: Vec<_> = thread::scope(|scope| {
            let runs: Vec<_> = (0..together).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join()).collect()
        });
        let time = start.elapsed();
        let mut cost = 0.0;
        for run in ended {
            let failed = || bail!("a short run failed, with {together} side by side");
            let record = run.unwrap_or_else(|_| failed())?;
            let steps = (record.steps + record.rejected) as f64;
            cost += steps * spec.step_cost() + record.path.len() as f64 * spec.observation_cost();
        }
        Ok((time, cost))
    };
    let affordable = (PROBE / spec.step_cost()) as u64;
    let (few, further) = match spec.dynamics {
        Dynamics::Flow(_) => (1, affordable.clamp(2, 10)),
        // By then a batch has grown.
        Dynamics::Stochastic(_) => (25, affordable.clamp(5, 1000)),
    };
    if spec.device != DeviceName::Cpu {
        // The first run of all pays for the start of the GPU.
        timed(few)?;
    }
    let (short, short_cost) = timed(few)?;
    let (long, long_cost) = timed(few + further)?;
    let cost = long_cost - short_cost;
    Ok(if cost > 0.0 { long.saturating_sub(short).as_secs_f64() / cost } else { 0.0 })
}
