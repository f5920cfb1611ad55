//! What is decided between two steps of a flow: its clock, its events and its end. All of it is
//! plain numbers on the host, and the same for a flow on its own and for one in a batch.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::Clock,
    event::{Passage, Sample},
    observe::{Divergence, End, Moment, Outcome},
    schedule::next_scheduled,
    spec::FlowSpec,
};

/// The change of `F` that the very first step aims at; every scheme finds its own
/// step from there.
const FIRST_CHANGE: f64 = 1e-4;

/// Steps rejected in a row after which a flow counts as diverged. An explicit step
/// is then 10⁻⁵⁰ times the last one that was accepted.
pub(crate) const MOST_REJECTED: u32 = 50;

/// How far beyond the margin asked for the last one may lie at the end: what is measured
/// there would depend on the length of the last step otherwise.
const LANDING: f64 = 1e-3;

/// Steps retried in a row for the sake of [`LANDING`].
const MOST_LANDINGS: u32 = 6;

/// The whole state of a flow between two steps, as plain values.
///
/// A flow taken up again from it with the same system and spec goes on to the same
/// bits as one that was never interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) weights: Vec<f64>,
    pub(crate) velocity: Option<Vec<f64>>,
    pub(crate) t: f64,
    pub(crate) dt: f64,
    pub(crate) outcome: Outcome,
    pub(crate) next_observation: f64,
    pub(crate) initial_loss: f64,
    pub(crate) rejected_in_a_row: u32,
}

impl Checkpoint {
    /// Number of parameters of the network whose weights it holds.
    pub fn n_params(&self) -> usize {
        self.weights.len()
    }
}

/// The course of one flow.
pub(crate) struct Course {
    pub(crate) spec: FlowSpec,
    pub(crate) clock: Clock,
    /// The loss now.
    now: Sample,
    /// What has been found so far; its `end` is a placeholder until there is one.
    pub(crate) outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    rejected_in_a_row: u32,
}

impl Course {
    /// At `t = 0`, with the loss there and the speed `max_i |dF_i/dt|` of the outputs.
    pub(crate) fn start(spec: FlowSpec, now: Sample, speed: f64) -> Self {
        let dt = if speed.is_finite() && speed > 0.0 { FIRST_CHANGE / speed } else { 1.0 };
        Self {
            spec,
            clock: Clock { t: 0.0, dt },
            now,
            outcome: Outcome::empty(),
            next_observation: 0.0,
            initial_loss: now.loss,
            rejected_in_a_row: 0,
        }
    }

    /// Taken up again, with the loss at that time.
    pub(crate) fn resume(spec: FlowSpec, now: Sample, checkpoint: Checkpoint) -> Self {
        Self {
            spec,
            clock: Clock { t: checkpoint.t, dt: checkpoint.dt },
            now,
            outcome: checkpoint.outcome,
            next_observation: checkpoint.next_observation,
            initial_loss: checkpoint.initial_loss,
            rejected_in_a_row: checkpoint.rejected_in_a_row,
        }
    }

    /// The state between two steps, with the weights and velocities there.
    pub(crate) fn checkpoint(&self, weights: Vec<f64>, velocity: Option<Vec<f64>>) -> Checkpoint {
        Checkpoint {
            weights,
            velocity,
            t: self.clock.t,
            dt: self.clock.dt,
            outcome: self.outcome.clone(),
            next_observation: self.next_observation,
            initial_loss: self.initial_loss,
            rejected_in_a_row: self.rejected_in_a_row,
        }
    }

    /// Why the flow ends here, if it does. `inertia` keeps a flow without a slope going.
    pub(crate) fn end(&self, smallest_margin: f64, inertia: bool) -> Option<End> {
        let stop = &self.spec.stop;
        if smallest_margin >= stop.margin {
            Some(End::Converged)
        } else if stop.max_time.is_some_and(|most| self.clock.t >= most) {
            Some(End::TimeReached)
        } else if self.outcome.steps + self.outcome.rejected >= stop.max_steps {
            Some(End::StepsSpent)
        } else if !inertia && self.now.loss_rate == 0.0 {
            Some(End::Stalled)
        } else {
            None
        }
    }

    /// The step to try next.
    ///
    /// # Errors
    /// When there is none to try.
    pub(crate) fn next_step(&mut self) -> Result<Clock, Divergence> {
        if !self.now.loss_rate.is_finite() {
            return Err(Divergence::Gradient);
        }
        if let Some(most) = self.spec.stop.max_time {
            self.clock.dt = self.clock.dt.min(most - self.clock.t);
        }
        Ok(self.clock)
    }

    /// Counts a step that was undone; `dt` is the smaller one to try.
    ///
    /// # Errors
    /// When no step is small enough.
    pub(crate) fn reject(&mut self, dt: f64) -> Result<(), Divergence> {
        self.outcome.rejected += 1;
        self.rejected_in_a_row += 1;
        self.clock.dt = dt;
        if self.rejected_in_a_row >= MOST_REJECTED { Err(Divergence::StepSize) } else { Ok(()) }
    }

    /// Whether a step goes too far beyond the last margin; it is undone then, and taken again
    /// to where that margin is reached. `before` and `after` are the smallest margins at its ends.
    pub(crate) fn overshoots(&mut self, before: f64, after: f64) -> bool {
        let past = after - self.spec.stop.margin;
        let overshoots = past > LANDING && self.rejected_in_a_row < MOST_LANDINGS;
        if overshoots {
            self.outcome.rejected += 1;
            self.rejected_in_a_row += 1;
            let short = self.spec.stop.margin - before;
            // A little beyond, so that a straight approach ends there.
            self.clock.dt *= (short + 0.5 * LANDING) / (short + past);
        }
        overshoots
    }

    /// Goes on to the end of an accepted step, where the loss is `now` and the next step is
    /// that of `clock`; `margins` are the smallest ones before and after. Returns why the state
    /// there is to be observed, in this order.
    pub(crate) fn accept(&mut self, clock: Clock, now: Sample, margins: (f64, f64)) -> Vec<Moment> {
        let passage = Passage { before: self.now, after: now };
        (self.clock, self.now) = (clock, now);
        self.rejected_in_a_row = 0;
        self.outcome.steps += 1;
        self.outcome.t = clock.t;
        let mut moments = Vec::new();
        if self.outcome.half_loss_time.is_none() {
            self.outcome.half_loss_time = passage.falls_below(0.5 * self.initial_loss);
            if self.outcome.half_loss_time.is_some() {
                moments.push(Moment::HalfLoss);
            }
        }
        if self.outcome.margins_time.is_none() {
            self.outcome.margins_time = passage.rises_to(self.spec.stop.margin, margins);
        }
        if clock.t >= self.next_observation {
            moments.push(Moment::Scheduled);
            self.next_observation = next_scheduled(clock.t, self.spec.observations_per_decade);
        }
        moments
    }
}

/// The smallest of the margins; not a number when one is none.
pub(crate) fn smallest(margins: &[f64]) -> f64 {
    let least = |least: f64, &u: &f64| if least <= u || least.is_nan() { least } else { u };
    margins.iter().fold(f64::INFINITY, least)
}
