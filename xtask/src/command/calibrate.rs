//! How long a step takes here, by short runs.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use regime_lab::RunKey;

use crate::{
    backend,
    study::{DataCache, DeviceName, RunRecord, RunSpec, Unlimited},
};

/// Steps of the shorter of two runs, and of the longer.
const FEW: u64 = 2;
const MORE: u64 = 12;

/// Where the shorter takes as long as this, the longer has so many steps: enough, when
/// each is long.
const LONG: Duration = Duration::from_secs(3);
const ENOUGH: u64 = 5;

/// What short runs have told.
pub(super) struct Calibration<'a> {
    cache: &'a DataCache,
    /// Seconds by run and by how many of it were made side by side.
    known: BTreeMap<(RunKey, usize), f64>,
}

impl<'a> Calibration<'a> {
    /// Nothing is known yet.
    pub(super) fn new(cache: &'a DataCache) -> Self {
        Self { cache, known: BTreeMap::new() }
    }

    /// Wall-clock seconds for a unit of the cost of a gradient, over a step of `together` runs side
    /// by side and divided by their number, from the median of runs that take their
    /// operations at one price; 0 for none.
    ///
    /// # Errors
    /// A short run that fails, or data that cannot be read.
    pub(super) fn unit(&mut self, runs: &[&RunSpec], together: usize) -> anyhow::Result<f64> {
        let mut sorted = runs.to_vec();
        sorted.sort_by(|a, b| a.gradient_cost().total_cmp(&b.gradient_cost()));
        let Some(&median) = sorted.get(sorted.len() / 2) else { return Ok(0.0) };
        // What changes the first steps little or not at all, so that grids have runs in common.
        let sample = RunSpec {
            alpha: 1.0,
            seed: 0,
            frozen: Vec::new(),
            outputs_kept: 0,
            kernel_path: false,
            gram_kept: 0,
            ..median.clone()
        };
        let key = (RunKey::of(&sample)?, together);
        let seconds = match self.known.get(&key) {
            Some(&seconds) => seconds,
            None => {
                let seconds = step_seconds(&sample, self.cache, together)?;
                self.known.insert(key, seconds);
                seconds
            }
        };
        Ok(seconds / sample.gradient_cost())
    }
}

/// Wall-clock seconds for a step of each of so many runs side by side, divided by their number,
/// from short runs that differ in their number of steps: what runs share, a memory or a GPU, is
/// counted. The first steps of a run have few active points, so this is a lower
/// estimate for stiff runs.
fn step_seconds(spec: &RunSpec, cache: &DataCache, together: usize) -> anyhow::Result<f64> {
    let data = cache.get(&spec.data).context("data")?;
    let timed = |steps: u64| -> anyhow::Result<Duration> {
        let mut short = spec.clone();
        short.dynamics.stop_mut().max_steps = steps;
        let run = || -> anyhow::Result<()> {
            // One thread, as a run has.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
            let _: RunRecord = pool.install(|| backend::run(&short, &data, &Unlimited))?;
            Ok(())
        };
        let start = Instant::now();
        let ended: Vec<_> = thread::scope(|scope| {
            let runs: Vec<_> = (0..together).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join()).collect()
        });
        for run in ended {
            run.unwrap_or_else(|_| bail!("a short run failed, with {together} side by side"))?;
        }
        Ok(start.elapsed())
    };
    if spec.device != DeviceName::Cpu {
        // The first run of all pays for the start of the GPU.
        timed(FEW)?;
    }
    let few = timed(FEW)?;
    let steps = if few > LONG { ENOUGH } else { MORE };
    let more = timed(steps)?;
    Ok(more.saturating_sub(few).as_secs_f64() / ((steps - FEW) as f64 * together as f64))
}
