//! The decisions between two steps of a flow: its time and step size, its events and its end. They
//! are made on the host, in the same way for a single flow and for a flow in a batch.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::Clock,
    cached_kernel::KernelOrigin,
    digest::Digest,
    event::{Passage, Sample, on_line},
    large_steps::{Found, LargeSteps},
    observe::{Divergence, End, Moment, Outcome},
    schedule::next_scheduled,
    spec::{FlowSpec, Momentum, Scheme},
    view::LeftOut,
};

/// The change of `F` at which the first step aims; every scheme adapts its step size from there.
const FIRST_CHANGE: f64 = 1e-4;

/// The same for large steps, in units of the scale of `F`, see [`Objective::unit`](crate::Objective).
const FIRST_LARGE_CHANGE: f64 = 0.1;

/// Number of consecutive rejected steps after which a flow counts as diverged. An explicit step
/// size is then 10⁻⁵⁰ times the last accepted one.
pub(crate) const MAX_REJECTED: u32 = 50;

/// How far the smallest margin may lie beyond the stopping margin at the end, in units of the scale of
/// the targets (1 for labels and classes). Otherwise
/// measurements at the end would depend on the length of the last step.
const LANDING: f64 = 1e-3;

/// The maximum number of scheduled times inside one step.
pub(crate) const MAX_MARKS: usize = 500;

/// Maximum number of consecutive steps retried because of [`LANDING`].
const MAX_LANDING_RETRIES: u32 = 6;

/// The complete state of a flow between two steps.
///
/// A flow that is resumed from it with the same system and spec gives bit-identical results to a
/// flow that was never interrupted.
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
    #[serde(default)]
    pub(crate) landing_retries: u32,
    #[serde(default)]
    pub(crate) large: LargeSteps,
    /// `None` where all points are followed.
    #[serde(default)]
    pub(crate) left_out: Option<LeftOut>,
    /// Whether the kernel of the active points has been computed and counted.
    #[serde(default)]
    pub(crate) is_prepared: bool,
    /// `None` where the next large step computes a new kernel.
    #[serde(default)]
    pub(crate) kernel: Option<KernelOrigin>,
    /// The problem to which the checkpoint belongs; `None` in a checkpoint of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
}

impl Checkpoint {
    /// Number of parameters of the network.
    pub fn n_params(&self) -> usize {
        self.weights.len()
    }
}

/// The time, step size, events and outcome of one flow.
pub(crate) struct Control {
    pub(crate) spec: FlowSpec,
    pub(crate) clock: Clock,
    /// The loss now.
    now: Sample,
    /// The outcome so far; its `end` is a placeholder until the flow has ended.
    pub(crate) outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    rejected_in_a_row: u32,
    /// Consecutive steps retried because they ended too far beyond the stopping margin.
    landing_retries: u32,
    pub(crate) large: LargeSteps,
    /// The scale of the targets, of which the fixed changes of `F` are multiples.
    scale: f64,
}

impl Control {
    /// Starts at `t = 0`, with the loss there, the speed `max_i |dF_i/dt|` of the outputs, and the
    /// scale on which their errors are measured; `scale` is that of the targets.
    pub(crate) fn start(
        spec: FlowSpec,
        now: Sample,
        (speed, unit): (f64, f64),
        scale: f64,
    ) -> Self {
        let first = |change: f64| {
            let dt = change / speed;
            if speed > 0.0 && dt.is_finite() { dt } else { 1.0 }
        };
        let mut large = LargeSteps::default();
        let mut next_observation = 0.0;
        if let (Scheme::Adaptive { .. }, Momentum::None) = (spec.scheme, spec.momentum) {
            large = LargeSteps::start(first(FIRST_LARGE_CHANGE * unit));
            // Large steps are observed as early as the first small step would be.
            next_observation = first(FIRST_CHANGE * scale);
        }
        let dt = first(FIRST_CHANGE * scale);
        Self {
            spec,
            clock: Clock { t: 0.0, dt },
            now,
            outcome: Outcome::empty(),
            next_observation,
            initial_loss: now.loss,
            rejected_in_a_row: 0,
            landing_retries: 0,
            large,
            scale,
        }
    }

    /// Resumes from a checkpoint, with the loss at its time.
    pub(crate) fn resume(spec: FlowSpec, now: Sample, checkpoint: Checkpoint, scale: f64) -> Self {
        Self {
            spec,
            clock: Clock { t: checkpoint.t, dt: checkpoint.dt },
            now,
            outcome: checkpoint.outcome,
            next_observation: checkpoint.next_observation,
            initial_loss: checkpoint.initial_loss,
            rejected_in_a_row: checkpoint.rejected_in_a_row,
            landing_retries: checkpoint.landing_retries,
            large: checkpoint.large,
            scale,
        }
    }

    /// A checkpoint with these weights and velocities.
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
            landing_retries: self.landing_retries,
            large: self.large,
            left_out: None,
            is_prepared: false,
            kernel: None,
            digest: None,
        }
    }

    /// The end of the flow, if it ends here. With `inertia`, a flow continues also where the slope
    /// is zero.
    pub(crate) fn end(&self, smallest_margin: f64, inertia: bool) -> Option<End> {
        let stop = &self.spec.stop;
        if smallest_margin >= stop.margin {
            Some(End::Converged)
        } else if stop.at_half_loss && self.outcome.t1.is_some() {
            Some(End::HalfLoss)
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

    /// The time and the step size to try next.
    ///
    /// # Errors
    /// When the loss rate is not finite.
    pub(crate) fn next_step(&mut self) -> Result<Clock, Divergence> {
        if !self.now.loss_rate.is_finite() {
            return Err(Divergence::Gradient);
        }
        if let Some(most) = self.spec.stop.max_time {
            self.clock.dt = self.clock.dt.min(most - self.clock.t);
        }
        Ok(self.clock)
    }

    /// Counts a rejected step; `dt` is the smaller step size to try next.
    ///
    /// # Errors
    /// When too many consecutive steps were rejected.
    pub(crate) fn reject(&mut self, dt: f64) -> Result<(), Divergence> {
        self.outcome.rejected += 1;
        self.rejected_in_a_row += 1;
        self.clock.dt = dt;
        if self.rejected_in_a_row >= MAX_REJECTED { Err(Divergence::StepSize) } else { Ok(()) }
    }

    /// Counts a rejected large step, and sets the step size of the next small step.
    pub(crate) fn reject_large(&mut self, found: Found) {
        self.outcome.rejected += 1;
        self.large.was_rejected(found);
        // The first small step keeps its step size, so that a flow is observed early.
        if self.clock.t > 0.0 {
            self.clock.dt = found.small;
        }
    }

    /// Counts a step that was rejected because a point that was left out is no longer settled.
    pub(crate) fn reject_unsettled(&mut self) {
        self.outcome.rejected += 1;
    }

    /// The large step to try, and the margin at which it should end; `None` where small steps are
    /// estimated to be cheaper.
    pub(crate) fn large_step(&self) -> Option<(Clock, f64)> {
        let Clock { t, dt: small } = self.clock;
        let dt = self.large.due(small)?;
        let stop = &self.spec.stop;
        let dt = stop.max_time.map_or(dt, |most| dt.min(most - t));
        Some((Clock { t, dt }, stop.margin + self.large.aim(LANDING * self.scale)))
    }

    /// The first scheduled times before `t`, in increasing order.
    pub(crate) fn scheduled_before(&self, t: f64) -> Vec<f64> {
        if self.next_observation <= self.clock.t {
            // The first observation is at the end of the first step.
            return Vec::new();
        }
        let per_decade = self.spec.observations_per_decade;
        let next = |&at: &f64| Some(next_scheduled(at, per_decade));
        std::iter::successors(Some(self.next_observation), next)
            .take_while(|at| *at < t)
            .take(MAX_MARKS)
            .collect()
    }

    /// Half the initial loss; `None` once the loss has passed it.
    pub(crate) fn half_loss(&self) -> Option<f64> {
        self.outcome.t1.is_none().then_some(0.5 * self.initial_loss)
    }

    /// Schedules the next observation after one at the scheduled time `t` inside a step.
    pub(crate) fn was_seen(&mut self, t: f64) {
        self.next_observation = next_scheduled(t, self.spec.observations_per_decade);
    }

    /// How far beyond the stopping margin a large step may end.
    pub(crate) fn landing(&self) -> f64 {
        if self.landing_retries < MAX_LANDING_RETRIES {
            LANDING * self.scale
        } else {
            f64::INFINITY
        }
    }

    /// Counts a large step that was rejected because it ended this far beyond the stopping margin.
    pub(crate) fn reject_overshoot(&mut self, past: f64) {
        self.outcome.rejected += 1;
        self.landing_retries += 1;
        self.large.overshot(past);
    }

    /// Updates the loss at the same weights, after another evaluation of the points.
    pub(crate) fn look_again(&mut self, now: Sample) {
        self.now = now;
    }

    /// Whether a step ends too far beyond the stopping margin. In this case the step is rejected,
    /// and the step size is set so that the retried step ends where the margin is reached. `before`
    /// and `after` are the smallest margins at the ends of the step.
    pub(crate) fn overshoots(&mut self, before: f64, after: f64) -> bool {
        let past = after - self.spec.stop.margin;
        let landing = LANDING * self.scale;
        let overshoots = past > landing && self.landing_retries < MAX_LANDING_RETRIES;
        if overshoots {
            self.outcome.rejected += 1;
            self.landing_retries += 1;
            let short = self.spec.stop.margin - before;
            // The aim is half of `LANDING` beyond the stopping margin, on a straight line.
            self.clock.dt *= (short + 0.5 * landing) / (short + past);
        }
        overshoots
    }

    /// Moves to the end of an accepted step, where the loss is `now`; `clock` holds the time there
    /// and the next step size. The smallest margin rises on a straight line from `approach`, a time
    /// and a value, to `reached`. Returns the moments to observe, in order.
    pub(crate) fn accept(
        &mut self,
        clock: Clock,
        now: Sample,
        approach: (f64, f64),
        reached: f64,
    ) -> Vec<Moment> {
        let passage = Passage { before: self.now, after: now };
        (self.clock, self.now) = (clock, now);
        (self.rejected_in_a_row, self.landing_retries) = (0, 0);
        self.outcome.steps += 1;
        self.outcome.t = clock.t;
        let mut moments = Vec::new();
        if self.outcome.t1.is_none() {
            self.outcome.t1 = passage.falls_below(0.5 * self.initial_loss);
            if self.outcome.t1.is_some() {
                moments.push(Moment::HalfLoss);
            }
        }
        if self.outcome.t2.is_none() {
            let margin = self.spec.stop.margin;
            let rises = approach.1 < margin && reached >= margin;
            let time = || on_line(approach, (clock.t, reached), margin);
            self.outcome.t2 = rises.then(time);
        }
        if clock.t >= self.next_observation {
            moments.push(Moment::Scheduled);
            self.next_observation = next_scheduled(clock.t, self.spec.observations_per_decade);
        }
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rejected_for_their_error_leave_the_retries_of_the_landing() {
        let now = Sample { t: 0.0, loss: 1.0, loss_rate: -1.0 };
        let mut control = Control::start(FlowSpec::default(), now, (1.0, 1.0), 1.0);
        for _ in 0..MAX_LANDING_RETRIES {
            control.reject(control.clock.dt / 10.0).unwrap();
        }
        for _ in 0..MAX_LANDING_RETRIES {
            assert!(control.landing() == LANDING && control.overshoots(0.9, 1.1));
        }
        assert!(control.landing() == f64::INFINITY && !control.overshoots(0.9, 1.1));
        // The retries of the landing are not failures of the step size.
        for _ in MAX_LANDING_RETRIES..MAX_REJECTED - 1 {
            control.reject(control.clock.dt / 10.0).unwrap();
        }
        assert_eq!(control.reject(control.clock.dt), Err(Divergence::StepSize));
        assert_eq!(control.outcome.rejected, u64::from(MAX_REJECTED + MAX_LANDING_RETRIES));
        control.accept(control.clock, now, (0.0, 0.0), 0.5);
        assert!(control.overshoots(0.9, 1.1), "an accepted step resets the retries");
    }
}
