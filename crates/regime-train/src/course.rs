//! What is decided between two steps of a flow: its clock, its events and its end. All of it is
//! plain numbers on the host, and the same for a flow on its own and for one in a batch.

use serde::{Deserialize, Serialize};

use crate::{
    attempt::Clock,
    event::{Passage, Sample, on_line},
    kept_kernel::KernelOrigin,
    large_steps::{Found, LargeSteps},
    observe::{Divergence, End, Moment, Outcome},
    schedule::next_scheduled,
    spec::{FlowSpec, Momentum, Scheme},
    view::LeftOut,
};

/// The change of `F` that the very first step aims at; every scheme finds its own
/// step from there.
const FIRST_CHANGE: f64 = 1e-4;

/// The same for large steps, in units of the scale of `F`, see [`Objective::unit`](crate::Objective).
const FIRST_LARGE_CHANGE: f64 = 0.1;

/// Steps rejected in a row after which a flow counts as diverged. An explicit step
/// is then 10⁻⁵⁰ times the last one that was accepted.
pub(crate) const MOST_REJECTED: u32 = 50;

/// How far beyond the margin asked for the last one may lie at the end: what is measured
/// there would depend on the length of the last step otherwise.
const LANDING: f64 = 1e-3;

/// The most scheduled times inside of one step.
pub(crate) const MOST_MARKS: usize = 500;

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
    #[serde(default)]
    pub(crate) large: LargeSteps,
    /// `None` where all points are followed.
    #[serde(default)]
    pub(crate) left_out: Option<LeftOut>,
    /// Whether the kernel of the active points has been made and counted.
    #[serde(default)]
    pub(crate) is_prepared: bool,
    /// `None` where the next large step makes its own.
    #[serde(default)]
    pub(crate) kernel: Option<KernelOrigin>,
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
    pub(crate) large: LargeSteps,
}

impl Course {
    /// At `t = 0`, with the loss there, the speed `max_i |dF_i/dt|` of the outputs, and the scale on
    /// which they are followed.
    pub(crate) fn start(spec: FlowSpec, now: Sample, (speed, unit): (f64, f64)) -> Self {
        let first = |change: f64| {
            let dt = change / speed;
            if speed > 0.0 && dt.is_finite() { dt } else { 1.0 }
        };
        let mut large = LargeSteps::default();
        let mut next_observation = 0.0;
        if let (Scheme::Adaptive { .. }, Momentum::None) = (spec.scheme, spec.momentum) {
            large = LargeSteps::start(first(FIRST_LARGE_CHANGE * unit));
            // A large step is seen as early as the first small one is.
            next_observation = first(FIRST_CHANGE);
        }
        let dt = first(FIRST_CHANGE);
        Self {
            spec,
            clock: Clock { t: 0.0, dt },
            now,
            outcome: Outcome::empty(),
            next_observation,
            initial_loss: now.loss,
            rejected_in_a_row: 0,
            large,
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
            large: checkpoint.large,
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
            large: self.large,
            left_out: None,
            is_prepared: false,
            kernel: None,
        }
    }

    /// Why the flow ends here, if it does. `inertia` keeps a flow without a slope going.
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

    /// Counts a large step that was undone; `dt` is the small step to try if none follows.
    pub(crate) fn reject_large(&mut self, found: Found) {
        self.outcome.rejected += 1;
        self.large.was_rejected(found);
        // The first small step stays as short as it is: a flow is observed early.
        if self.clock.t > 0.0 {
            self.clock.dt = found.small;
        }
    }

    /// Counts a step that was undone for the sake of a point that was left out.
    pub(crate) fn reject_returned(&mut self) {
        self.outcome.rejected += 1;
    }

    /// The large step to try, and the margin at which it is to end, where one may be worth its
    /// price.
    pub(crate) fn large_step(&self) -> Option<(Clock, f64)> {
        let Clock { t, dt: small } = self.clock;
        let dt = self.large.due(small)?;
        let stop = &self.spec.stop;
        let dt = stop.max_time.map_or(dt, |most| dt.min(most - t));
        Some((Clock { t, dt }, stop.margin + self.large.aim(LANDING)))
    }

    /// The first scheduled times before `t`, in increasing order.
    pub(crate) fn scheduled_before(&self, t: f64) -> Vec<f64> {
        if self.next_observation <= self.clock.t {
            // The first of all, at the end of the first step.
            return Vec::new();
        }
        let per_decade = self.spec.observations_per_decade;
        let next = |&at: &f64| Some(next_scheduled(at, per_decade));
        std::iter::successors(Some(self.next_observation), next)
            .take_while(|at| *at < t)
            .take(MOST_MARKS)
            .collect()
    }

    /// The loss whose passage is still to be found.
    pub(crate) fn half_loss(&self) -> Option<f64> {
        self.outcome.t1.is_none().then_some(0.5 * self.initial_loss)
    }

    /// After what was seen at a scheduled time inside a step.
    pub(crate) fn was_seen(&mut self, t: f64) {
        self.next_observation = next_scheduled(t, self.spec.observations_per_decade);
    }

    /// How far beyond the margin asked for a large step may end.
    pub(crate) fn landing(&self) -> f64 {
        if self.rejected_in_a_row < MOST_LANDINGS { LANDING } else { f64::INFINITY }
    }

    /// Counts a large step that was undone because it went so far beyond that margin.
    pub(crate) fn reject_past(&mut self, past: f64) {
        self.outcome.rejected += 1;
        self.rejected_in_a_row += 1;
        self.large.was_past(past);
    }

    /// The loss at the same weights, after another look at the points.
    pub(crate) fn look_again(&mut self, now: Sample) {
        self.now = now;
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
    /// that of `clock`; the smallest margin rises on a straight line from the time and the value of
    /// `approach` to `reached`. Returns why the state there is to be observed, in this order.
    pub(crate) fn accept(
        &mut self,
        clock: Clock,
        now: Sample,
        approach: (f64, f64),
        reached: f64,
    ) -> Vec<Moment> {
        let passage = Passage { before: self.now, after: now };
        (self.clock, self.now) = (clock, now);
        self.rejected_in_a_row = 0;
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
