//! How long a unit of cost takes on a machine, from short runs.

use std::collections::BTreeMap;

use regime_lab::{RunKey, Spec};

use crate::{
    dynamics::Dynamics, error::StudyError, place::DeviceName, record::RunRecord, spec::RunSpec,
};

/// Multiply-adds by which the longer of two runs is to exceed the shorter at most, some ten
/// seconds; but for a few steps in any case.
const PROBE: f64 = 1e11;

/// Points that a short run looks at, beside those of its steps, and those of a batch, which
/// begins as a single point and grows.
const POINTS: usize = 500;
const BATCH: usize = 8;

/// What short runs took.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedRuns {
    /// Wall-clock seconds of all of them, side by side.
    pub wall_s: f64,
    /// Their records.
    pub records: Vec<RunRecord>,
}

/// Makes copies of one run side by side, as many as the second argument says, and times
/// them.
pub type Timer<'a> = dyn FnMut(&RunSpec, usize) -> Result<TimedRuns, StudyError> + 'a;

/// What is known of the machine's speed. The clock is the caller's.
pub struct Calibration<'a> {
    timer: Box<Timer<'a>>,
    /// Seconds for a unit of cost, by run and by how many of it were made side by side.
    known: BTreeMap<(RunKey, usize), f64>,
}

impl<'a> Calibration<'a> {
    /// Nothing is known yet; `timer` makes the short runs.
    pub fn new(timer: impl FnMut(&RunSpec, usize) -> Result<TimedRuns, StudyError> + 'a) -> Self {
        Self { timer: Box::new(timer), known: BTreeMap::new() }
    }

    /// Wall-clock seconds for a unit of cost of `side_by_side` runs, divided by their number;
    /// 0 for no runs.
    ///
    /// `runs` take their operations at one price. The one that is timed is where half of
    /// their cost is reached, in the order of the cost of a step.
    ///
    /// # Errors
    /// Those of the timer.
    pub fn unit(&mut self, runs: &[&RunSpec], side_by_side: usize) -> Result<f64, StudyError> {
        let mut sorted = runs.to_vec();
        sorted.sort_by(|a, b| a.step_cost().total_cmp(&b.step_cost()));
        let mut left = runs.iter().map(|run| run.cost()).sum::<f64>() / 2.0;
        let half = |run: &&&RunSpec| {
            left -= run.cost();
            left <= 0.0
        };
        let Some(&median) = sorted.iter().find(half) else { return Ok(0.0) };
        let sample = sample(median);
        let key = RunKey::of(&sample).map_err(|e| StudyError::Estimate(e.to_string()))?;
        let key = (key, side_by_side);
        if let Some(&unit) = self.known.get(&key) {
            return Ok(unit);
        }
        let unit = measured(&sample, &mut self.timer, side_by_side)?;
        self.known.insert(key, unit);
        Ok(unit)
    }
}

/// A run to be made short: without what changes its steps little or not at all, so that
/// grids share samples, and without what takes longer than so few steps.
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
fn measured(spec: &RunSpec, timer: &mut Timer<'_>, side_by_side: usize) -> Result<f64, StudyError> {
    // The time of short runs, and what they should have cost.
    let mut timed = |steps: u64| -> Result<(f64, f64), StudyError> {
        let mut short = spec.clone();
        short.dynamics.stop_mut().max_steps = steps;
        let TimedRuns { wall_s, records } = timer(&short, side_by_side)?;
        let cost = records.iter().map(|record| {
            spec.training_cost(record) + record.path.len() as f64 * spec.observation_cost()
        });
        Ok((wall_s, cost.sum()))
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
    Ok(if cost > 0.0 { (long - short).max(0.0) / cost } else { 0.0 })
}
