//! How long a unit of cost takes on a machine, from short runs.

use std::collections::BTreeMap;

use regime_lab::{RunKey, Spec};

use crate::{
    dynamics::Dynamics, error::StudyError, place::DeviceName, record::RunRecord, spec::RunSpec,
};

/// Maximum difference of the multiply-adds of the longer and the shorter short run, about ten seconds; a
/// few steps are made in any case.
const MAX_EXTRA_COST: f64 = 1e11;

/// Number of test points of a short run, and its batch size in stochastic training (a batch begins as a
/// single point and grows).
const POINTS: usize = 500;
const BATCH: usize = 8;

/// The time of short runs, and their records.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedRuns {
    /// Wall-clock seconds of all of them, side by side.
    pub wall_s: f64,
    /// Their records.
    pub records: Vec<RunRecord>,
}

/// Makes copies of a run side by side and times them; the second argument is their number.
pub type Timer<'a> = dyn FnMut(&RunSpec, usize) -> Result<TimedRuns, StudyError> + 'a;

/// The measured speed of the machine. The caller provides the clock.
pub struct Calibration<'a> {
    timer: Box<Timer<'a>>,
    /// Seconds for a unit of cost, by run and by the number of copies side by side.
    known: BTreeMap<(RunKey, usize), f64>,
}

impl<'a> Calibration<'a> {
    /// A calibration without measurements; `timer` makes the short runs.
    pub fn new(timer: impl FnMut(&RunSpec, usize) -> Result<TimedRuns, StudyError> + 'a) -> Self {
        Self { timer: Box::new(timer), known: BTreeMap::new() }
    }

    /// Wall-clock seconds for a unit of cost of `side_by_side` runs, divided by their number;
    /// 0 for no runs.
    ///
    /// `runs` have the same architecture, dynamics, precision and device. The timed run is their
    /// weighted median: in the order of the cost of a step, the run at which half of the cost is reached.
    ///
    /// # Errors
    /// The errors of the timer.
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

/// The run to time. Fields that do not change the cost of a step have one value, so that
/// grids share samples; work that takes longer than a few steps is left out.
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
        // Every step is accepted, so that the batch grows at once.
        (spec.undo_above, spec.grow_below) = (1e9, 1e9);
        // Principal components may need all of the points.
        if run.data.inputs.pca.is_none() {
            sample.data.n_train = run.data.n_train.min(POINTS);
        }
    }
    sample
}

/// Wall-clock seconds for a unit of cost, from short runs that differ in their number of steps. Runs side
/// by side compete for the memory or the GPU, so the time includes that. The first steps of a run have few
/// active points, so this is a lower estimate for stiff runs.
fn measured(spec: &RunSpec, timer: &mut Timer<'_>, side_by_side: usize) -> Result<f64, StudyError> {
    // The time and the estimated cost of short runs.
    let mut timed = |steps: u64| -> Result<(f64, f64), StudyError> {
        let mut short = spec.clone();
        short.dynamics.stop_mut().max_steps = steps;
        let TimedRuns { wall_s, records } = timer(&short, side_by_side)?;
        let cost = records.iter().map(|record| {
            spec.training_cost(record) + record.path.len() as f64 * spec.observation_cost()
        });
        Ok((wall_s, cost.sum()))
    };
    let affordable = (MAX_EXTRA_COST / spec.step_cost()) as u64;
    let (few, further) = match spec.dynamics {
        Dynamics::Flow(_) => (1, affordable.clamp(2, 10)),
        // After 25 steps a batch has grown.
        Dynamics::Stochastic(_) => (25, affordable.clamp(5, 1000)),
    };
    if spec.device != DeviceName::Cpu {
        // The first run includes the start of the GPU, so it is not counted.
        timed(few)?;
    }
    let (short, short_cost) = timed(few)?;
    let (long, long_cost) = timed(few + further)?;
    let cost = long_cost - short_cost;
    Ok(if cost > 0.0 { (long - short).max(0.0) / cost } else { 0.0 })
}
