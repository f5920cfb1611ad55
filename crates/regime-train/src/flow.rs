//! A flow from its initial weights to its end.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape};
use serde::{Deserialize, Serialize};

use crate::{
    attempt::{Attempt, Clock},
    event::{Passage, Sample},
    loss::Loss,
    observe::{Divergence, End, Moment, Observation, Observer, Outcome},
    schedule::next_scheduled,
    spec::{FlowSpec, Momentum, Scheme, SpecError, StepRule},
    step::{Prepared, attempt},
    system::System,
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
    weights: Vec<f64>,
    velocity: Option<Vec<f64>>,
    t: f64,
    dt: f64,
    outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    rejected_in_a_row: u32,
}

/// A gradient flow that is under way.
pub struct Flow<'a, B: Backend, N: Network<B>> {
    system: &'a System<'a, B, N>,
    spec: FlowSpec,
    at: Prepared<B, N>,
    velocity: Option<Tensor<B, 1>>,
    clock: Clock,
    /// The loss now.
    now: Sample,
    /// What has been found so far; its `end` is a placeholder until there is one.
    outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    rejected_in_a_row: u32,
}

impl<'a, B: Backend, N: Network<B>> Flow<'a, B, N> {
    /// A flow at `t = 0`.
    ///
    /// # Shapes
    /// `w`: `[P]`, the weights at which the objective's `f₀` was taken.
    ///
    /// # Errors
    /// [`SpecError`] for a parameter out of its range.
    pub fn start(
        system: &'a System<'a, B, N>,
        spec: FlowSpec,
        w: Tensor<B, 1>,
    ) -> Result<Self, SpecError> {
        let spec = check(&spec, system)?;
        let at: Prepared<B, N> = system.point(system.trial(w)).into();
        let speed = first_speed(system, &at);
        let initial_loss = at.point.mean_loss;
        let dt = if speed.is_finite() && speed > 0.0 { FIRST_CHANGE / speed } else { 1.0 };
        let gradient = &at.point.gradient;
        let velocity = match spec.momentum {
            Momentum::None => None,
            // At rest; with τ ∝ t, without inertia at t = 0.
            Momentum::Constant { .. } => Some(gradient.zeros_like()),
            Momentum::Proportional { .. } => Some(gradient.clone().neg()),
        };
        Ok(Self {
            now: sample(system, &at, velocity.as_ref(), 0.0),
            system,
            spec,
            at,
            velocity,
            clock: Clock { t: 0.0, dt },
            outcome: Outcome::empty(),
            next_observation: 0.0,
            initial_loss,
            rejected_in_a_row: 0,
        })
    }

    /// A flow taken up again.
    ///
    /// # Errors
    /// [`SpecError`] for a parameter out of its range, or a checkpoint of another
    /// network.
    pub fn resume(
        system: &'a System<'a, B, N>,
        spec: FlowSpec,
        checkpoint: Checkpoint,
    ) -> Result<Self, SpecError> {
        let spec = check(&spec, system)?;
        let n_params = system.network().n_params();
        for values in
            [Some(&checkpoint.weights), checkpoint.velocity.as_ref()].into_iter().flatten()
        {
            SpecError::unless_parameters(values.len(), n_params)?;
        }
        let w = system.tensor(&checkpoint.weights);
        let at: Prepared<B, N> = system.point(system.trial(w)).into();
        let velocity = checkpoint.velocity.map(|v| system.tensor(&v));
        Ok(Self {
            now: sample(system, &at, velocity.as_ref(), checkpoint.t),
            system,
            spec,
            at,
            velocity,
            clock: Clock { t: checkpoint.t, dt: checkpoint.dt },
            outcome: checkpoint.outcome,
            next_observation: checkpoint.next_observation,
            initial_loss: checkpoint.initial_loss,
            rejected_in_a_row: checkpoint.rejected_in_a_row,
        })
    }

    /// The state between two steps.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            weights: Precision::to_host(self.at.point.w.clone()),
            velocity: self.velocity.clone().map(Precision::to_host),
            t: self.clock.t,
            dt: self.clock.dt,
            outcome: self.outcome.clone(),
            next_observation: self.next_observation,
            initial_loss: self.initial_loss,
            rejected_in_a_row: self.rejected_in_a_row,
        }
    }

    /// The present weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.at.point.w.clone()
    }

    /// What has been found so far. Its `end` has a meaning only once
    /// [`run`](Self::run) has returned.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Goes on until an end is reached, and returns what was found.
    pub fn run(&mut self, observer: &mut impl Observer<B>) -> Outcome {
        if self.outcome.observations.is_empty() {
            self.note(Moment::Start, observer);
        }
        let end = loop {
            if let Some(end) = self.end() {
                break end;
            }
            if observer.interrupts() {
                break End::Interrupted;
            }
            if let Err(quantity) = self.advance(observer) {
                break End::Diverged { quantity, step: self.outcome.steps };
            }
        };
        self.outcome.end = end;
        if end != End::Interrupted {
            self.note(Moment::End, observer);
        }
        self.outcome.clone()
    }

    fn end(&self) -> Option<End> {
        let stop = &self.spec.stop;
        if self.smallest_margin() >= stop.margin {
            Some(End::Converged)
        } else if stop.max_time.is_some_and(|most| self.clock.t >= most) {
            Some(End::TimeReached)
        } else if self.outcome.steps + self.outcome.rejected >= stop.max_steps {
            Some(End::StepsSpent)
        } else if self.velocity.is_none() && self.now.loss_rate == 0.0 {
            Some(End::Stalled)
        } else {
            None
        }
    }

    /// One trial step; if it is accepted, with the events inside it.
    fn advance(&mut self, observer: &mut impl Observer<B>) -> Result<(), Divergence> {
        let before = self.now;
        if !before.loss_rate.is_finite() {
            return Err(Divergence::Gradient);
        }
        if let Some(most) = self.spec.stop.max_time {
            self.clock.dt = self.clock.dt.min(most - self.clock.t);
        }
        let FlowSpec { scheme, momentum, .. } = &self.spec;
        let velocity = self.velocity.as_ref();
        let accepted =
            match attempt(scheme, *momentum, self.system, &mut self.at, velocity, self.clock) {
                Attempt::Accepted(accepted) if accepted.clock.t.is_finite() => *accepted,
                Attempt::Accepted(_) => return Err(Divergence::StepSize),
                Attempt::Rejected { dt } => {
                    self.outcome.rejected += 1;
                    self.rejected_in_a_row += 1;
                    self.clock.dt = dt;
                    let hopeless = self.rejected_in_a_row >= MOST_REJECTED;
                    return if hopeless { Err(Divergence::StepSize) } else { Ok(()) };
                }
            };
        let margin_before = self.smallest_margin();
        let past = smallest(&accepted.point.margins) - self.spec.stop.margin;
        if past > LANDING && self.rejected_in_a_row < MOST_LANDINGS {
            // Undone, and taken again to where the last margin is reached.
            self.outcome.rejected += 1;
            self.rejected_in_a_row += 1;
            let short = self.spec.stop.margin - margin_before;
            // A little beyond, so that a straight approach ends there.
            self.clock.dt *= (short + 0.5 * LANDING) / (short + past);
            return Ok(());
        }
        self.at = accepted.point.into();
        self.velocity = accepted.velocity;
        self.clock = accepted.clock;
        self.rejected_in_a_row = 0;
        self.outcome.steps += 1;
        self.outcome.t = self.clock.t;

        self.now = sample(self.system, &self.at, self.velocity.as_ref(), self.clock.t);
        let passage = Passage { before, after: self.now };
        if self.outcome.half_loss_time.is_none() {
            self.outcome.half_loss_time = passage.falls_below(0.5 * self.initial_loss);
            if self.outcome.half_loss_time.is_some() {
                self.note(Moment::HalfLoss, observer);
            }
        }
        if self.outcome.margins_time.is_none() {
            let margins = (margin_before, self.smallest_margin());
            self.outcome.margins_time = passage.rises_to(self.spec.stop.margin, margins);
        }
        if self.clock.t >= self.next_observation {
            self.note(Moment::Scheduled, observer);
            self.next_observation = next_scheduled(self.clock.t, self.spec.observations_per_decade);
        }
        Ok(())
    }

    fn smallest_margin(&self) -> f64 {
        smallest(&self.at.point.margins)
    }

    /// The present state, as it would be observed.
    pub fn observation(&self, moment: Moment) -> Observation {
        Observation::of(
            self.system.objective(),
            &self.at.point.margins,
            self.spec.stop.margin,
            (moment, self.clock.t, self.outcome.steps),
        )
    }

    fn note(&mut self, moment: Moment, observer: &mut impl Observer<B>) {
        let observation = self.observation(moment);
        observer.observe(&observation, &self.at.point.w);
        self.outcome.observations.push(observation);
    }
}

/// The spec, if it goes with the system.
fn check<B: Backend, N: Network<B>>(
    spec: &FlowSpec,
    system: &System<'_, B, N>,
) -> Result<FlowSpec, SpecError> {
    if let (Scheme::Explicit { rule: StepRule::GradientTurn { max_turn, .. } }, Loss::Hinge) =
        (spec.scheme, system.objective().loss())
    {
        // A margin that is reached turns the gradient of a hinge by a finite angle,
        // however small the step.
        let right = "the rule of a loss with a continuous slope: take output-change for the hinge";
        return Err(SpecError { field: "max_turn", value: max_turn, right });
    }
    spec.check()
}

fn smallest(margins: &[f64]) -> f64 {
    margins.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The mean loss and its rate `d(α²L)/dt = α² ⟨∇L, ẇ⟩`.
fn sample<B: Backend, N: Network<B>>(
    system: &System<'_, B, N>,
    at: &Prepared<B, N>,
    velocity: Option<&Tensor<B, 1>>,
    t: f64,
) -> Sample {
    let point = &at.point;
    let gradient = || point.gradient.clone();
    let descent = match velocity {
        Some(v) => point.tape.inner(gradient(), v.clone()),
        None => -point.tape.inner(gradient(), gradient()),
    };
    let alpha = system.objective().alpha().value();
    Sample { t, loss: point.mean_loss, loss_rate: alpha.powi(2) * descent }
}

/// `max_i |dF_i/dt|` at the start.
fn first_speed<B: Backend, N: Network<B>>(system: &System<'_, B, N>, at: &Prepared<B, N>) -> f64 {
    let rates = Precision::to_host(at.point.tape.jvp(at.point.gradient.clone()));
    let alpha = system.objective().alpha().value();
    rates.iter().fold(0.0, |most, rate| f64::max(most, alpha * rate.abs()))
}
