//! Stochastic training: steps with momentum along gradients of random batches.

mod draw;
mod spec;

use std::borrow::Borrow;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape, Trace, dot};
use serde::{Deserialize, Serialize};

pub use draw::BATCH_STREAM;
pub use spec::{Sampling, StochasticSpec};

use crate::{
    attempt::Clock,
    control::MAX_REJECTED,
    criterion::Criterion,
    digest::Digest,
    end_state::EndState,
    event::on_line,
    extremes::largest_change,
    flow_error::FlowError,
    loss::Loss,
    observe::{Divergence, End, Moment, Observation, Observer, Outcome},
    schedule::next_scheduled,
    spec::SpecError,
    system::System,
};
use draw::{Batch, Draw};

/// The complete state of stochastic training between two steps.
///
/// A run that is resumed from it with the same system, spec and seed gives
/// bit-identical results to a run that was never interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StochasticCheckpoint {
    weights: Vec<f64>,
    velocity: Vec<f64>,
    t: f64,
    dt: f64,
    outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    last_look: Look,
    since_look: usize,
    /// The problem to which the checkpoint belongs; `None` in a checkpoint of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

/// A run of stochastic training and its current state.
///
/// The mean loss over all points is evaluated only at the observations, and each time
/// as many points have been drawn as there are training points. `t₁` is interpolated
/// between these evaluations.
pub struct Stochastic<B: Backend, N: Network<B>> {
    system: System<B, N>,
    spec: StochasticSpec,
    seed: u64,
    w: Tensor<B, 1>,
    velocity: Tensor<B, 1>,
    clock: Clock,
    /// The current step, once it has been tried and rejected.
    tried: Option<Tried>,
    outcome: Outcome,
    next_observation: f64,
    initial_loss: f64,
    last_look: Look,
    /// Points drawn since the last evaluation of all points.
    since_look: usize,
}

/// A step that has not been accepted yet.
struct Tried {
    draw: Draw,
    /// The first step size that was tried.
    first_dt: f64,
    rejected: u32,
}

/// The mean loss of all points at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Look {
    t: f64,
    mean_loss: f64,
}

impl<B: Backend, N: Network<B>> Stochastic<B, N> {
    /// Starts at `t = 0` with the initial weights of the system, `&system` or `system`, with zero
    /// velocity and the step size of a batch of one point.
    ///
    /// `seed` is the seed of the batches, which are drawn on stream [`BATCH_STREAM`].
    ///
    /// # Errors
    /// [`FlowError`] for a parameter out of its range, and for a sampling of violators with a loss
    /// that has no violators.
    pub fn start(
        system: impl Borrow<System<B, N>>,
        spec: StochasticSpec,
        seed: u64,
    ) -> Result<Self, FlowError> {
        let system = system.borrow();
        let spec = check(spec, system.objective().criterion())?;
        let w = system.initial_weights();
        let initial_loss = system.objective().mean_loss(&system.margins(&w));
        let dt = spec.temperature;
        Ok(Self {
            system: system.clone(),
            spec,
            seed,
            velocity: w.zeros_like(),
            w,
            clock: Clock { t: 0.0, dt },
            tried: None,
            outcome: Outcome::empty(),
            next_observation: 0.0,
            initial_loss,
            last_look: Look { t: 0.0, mean_loss: initial_loss },
            since_look: 0,
        })
    }

    /// Resumes a run from a checkpoint.
    ///
    /// # Errors
    /// [`FlowError`] for a parameter out of its range, and a checkpoint of another problem. A
    /// checkpoint of an earlier version has no digest of its problem; only its sizes are compared.
    pub fn resume(
        system: impl Borrow<System<B, N>>,
        spec: StochasticSpec,
        seed: u64,
        checkpoint: StochasticCheckpoint,
    ) -> Result<Self, FlowError> {
        let system = system.borrow();
        let spec = check(spec, system.objective().criterion())?;
        for values in [&checkpoint.weights, &checkpoint.velocity] {
            SpecError::check_parameter_count(values.len(), system.network().n_params())?;
        }
        if let Some(digest) = checkpoint.digest {
            digest.check(system.digest())?;
        }
        let clock = Clock { t: checkpoint.t, dt: checkpoint.dt };
        Ok(Self {
            system: system.clone(),
            spec,
            seed,
            w: system.tensor(&checkpoint.weights),
            velocity: system.tensor(&checkpoint.velocity),
            clock,
            tried: None,
            outcome: checkpoint.outcome,
            next_observation: checkpoint.next_observation,
            initial_loss: checkpoint.initial_loss,
            last_look: checkpoint.last_look,
            since_look: checkpoint.since_look,
        })
    }

    /// The state before the current step. A resumed run repeats the rejected trials of
    /// this step: it draws the same batches.
    pub fn checkpoint(&self) -> StochasticCheckpoint {
        let (dt, repeated) = match &self.tried {
            Some(tried) => (tried.first_dt, tried.rejected),
            None => (self.clock.dt, 0),
        };
        let rejected = self.outcome.rejected - u64::from(repeated);
        StochasticCheckpoint {
            weights: Precision::to_host(self.w.clone()),
            velocity: Precision::to_host(self.velocity.clone()),
            t: self.clock.t,
            dt,
            outcome: Outcome { rejected, ..self.outcome.clone() },
            next_observation: self.next_observation,
            initial_loss: self.initial_loss,
            last_look: self.last_look,
            since_look: self.since_look,
            digest: Some(self.system.digest()),
        }
    }

    /// The current weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.w.clone()
    }

    /// The outcome so far. Its `end` is meaningful only after [`run`](Self::run) has
    /// returned.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The current state, as an observer would receive it. Evaluates all points.
    pub fn observation(&self, moment: Moment) -> Observation {
        let margins = self.system.margins(&self.w);
        self.observed(&margins, moment)
    }

    /// Trains until the run ends.
    pub fn run(&mut self) -> EndState<B, N> {
        self.run_with(&mut ())
    }

    /// Trains until the run ends or the observer interrupts.
    pub fn run_with(&mut self, observer: &mut impl Observer<B>) -> EndState<B, N> {
        if self.outcome.observations.is_empty() {
            self.note(Moment::Start, observer);
        }
        let end = loop {
            if let Some(end) = self.budget_spent() {
                break end;
            }
            if observer.interrupts() {
                break End::Interrupted;
            }
            match self.advance(observer) {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(quantity) => break End::Diverged { quantity, step: self.outcome.steps },
            }
        };
        self.outcome.end = end;
        if end != End::Interrupted {
            let margins = self.system.margins(&self.w);
            self.record_half_loss(&margins, observer);
            self.record(self.observed(&margins, Moment::End), observer);
        }
        EndState::new(self.outcome.clone(), self.system.clone(), self.weights())
    }

    fn budget_spent(&self) -> Option<End> {
        let stop = &self.spec.stop;
        if stop.at_half_loss && self.outcome.t1.is_some() {
            Some(End::HalfLoss)
        } else if stop.max_time.is_some_and(|most| self.clock.t >= most) {
            Some(End::TimeReached)
        } else if self.outcome.steps + self.outcome.rejected >= stop.max_steps {
            Some(End::StepsSpent)
        } else {
            None
        }
    }

    /// Makes one trial step; returns an end when no point violates its margin.
    fn advance(&mut self, observer: &mut impl Observer<B>) -> Result<Option<End>, Divergence> {
        let n = self.system.objective().n_points();
        let mut tried = self.tried.take().unwrap_or_else(|| Tried {
            draw: Draw::new(self.seed, self.outcome.steps, n),
            first_dt: self.clock.dt,
            rejected: 0,
        });
        let Some(batch) = self.batch(&mut tried.draw) else {
            self.outcome.t2 = Some(self.clock.t);
            return Ok(Some(End::Converged));
        };
        let dt = match self.spec.stop.max_time {
            Some(most) => self.clock.dt.min(most - self.clock.t),
            None => self.clock.dt,
        };
        let (gradient, margins) = self.gradient(&batch);
        if !dot(gradient.clone(), gradient.clone()).is_finite() {
            return Err(Divergence::Gradient);
        }
        let velocity = self.spec.momentum.pull(&self.velocity, gradient, (self.clock.t, dt));
        let w = self.w.clone() + velocity.clone().mul_scalar(dt);
        let change = largest_change(&self.system.margins_at(&w, &batch.points), &margins);
        // Written so that a NaN change is rejected.
        if !(change <= self.spec.undo_above) {
            self.outcome.rejected += 1;
            tried.rejected += 1;
            self.clock.dt = dt / 10.0;
            let too_many = tried.rejected >= MAX_REJECTED;
            self.tried = Some(tried);
            return if too_many { Err(Divergence::StepSize) } else { Ok(None) };
        }
        self.w = w;
        self.velocity = velocity;
        self.clock.t += dt;
        if !self.clock.t.is_finite() {
            return Err(Divergence::StepSize);
        }
        let growth = if change == 0.0 {
            10.0
        } else if change < self.spec.grow_below {
            1.1
        } else {
            1.0
        };
        let most = self.spec.step_of(self.spec.largest_batch, n);
        self.clock.dt = (dt * growth).min(most);
        self.outcome.steps += 1;
        self.outcome.t = self.clock.t;
        self.since_look += batch.points.len();
        Ok(self.look(observer))
    }

    /// The batch for the current step size; `None` when no point violates its margin.
    fn batch(&self, draw: &mut Draw) -> Option<Batch> {
        let Self { system, w, spec, clock, .. } = self;
        let size = spec.batch_size(clock.dt, system.objective().n_points());
        let margins_at = |points: &[usize]| {
            let rows = system.objective().rows_of(points);
            system.objective().criterion().margins(&rows, &system.margins_at(w, points))
        };
        match spec.sampling {
            Sampling::ViolatorsV1 => draw.violators_v1(size, spec.stop.margin, margins_at),
            Sampling::Violators => draw.violators(size, spec.stop.margin, margins_at),
            Sampling::Points => Some(draw.points(size)),
        }
    }

    /// The estimate of `∇L` from a batch, `[P]`, and the margins of the batch. The
    /// margins come from the same products as the margins after the step, so that
    /// rounding is not taken for a change.
    fn gradient(&self, batch: &Batch) -> (Tensor<B, 1>, Vec<f64>) {
        let inputs = self.system.inputs_at(&batch.points);
        let trace = self.system.network().trace(&self.w, &inputs);
        let objective = self.system.objective();
        let rows = objective.rows_of(&batch.points);
        let margins = objective.margins_at(&rows, &Precision::to_host(trace.output()));
        let slopes = objective.output_gradient_at(&rows, &margins);
        let weighed: Vec<f64> = slopes.iter().map(|slope| slope / batch.divisor).collect();
        (trace.linearise().vjp(self.system.tensor(&weighed)), margins)
    }

    /// Evaluates all points when that is due, for events and observations.
    fn look(&mut self, observer: &mut impl Observer<B>) -> Option<End> {
        let scheduled = self.clock.t >= self.next_observation;
        if !scheduled && self.since_look < self.system.objective().n_points() {
            return None;
        }
        let margins = self.system.margins(&self.w);
        self.record_half_loss(&margins, observer);
        if scheduled {
            self.record(self.observed(&margins, Moment::Scheduled), observer);
            self.next_observation = next_scheduled(self.clock.t, self.spec.observations_per_decade);
        }
        let reached = self.system.objective().smallest_margin(&margins) >= self.spec.stop.margin;
        if reached {
            self.outcome.t2 = Some(self.clock.t);
        }
        reached.then_some(End::Converged)
    }

    /// Records `t₁` if the loss has passed half its initial value since the last
    /// evaluation.
    fn record_half_loss(&mut self, margins: &[f64], observer: &mut impl Observer<B>) {
        let look = Look { t: self.clock.t, mean_loss: self.system.objective().mean_loss(margins) };
        let half = 0.5 * self.initial_loss;
        if self.outcome.t1.is_none() && look.mean_loss < half {
            let before = (self.last_look.t, self.last_look.mean_loss);
            self.outcome.t1 = Some(on_line(before, (look.t, look.mean_loss), half));
            self.record(self.observed(margins, Moment::HalfLoss), observer);
        }
        self.last_look = look;
        self.since_look = 0;
    }

    fn observed(&self, margins: &[f64], moment: Moment) -> Observation {
        let at = (moment, self.clock.t, self.outcome.steps);
        Observation::of(self.system.objective(), margins, self.spec.stop.margin, at)
    }

    fn note(&mut self, moment: Moment, observer: &mut impl Observer<B>) {
        self.record(self.observation(moment), observer);
    }

    fn record(&mut self, observation: Observation, observer: &mut impl Observer<B>) {
        observer.observe(&observation, &self.w);
        self.outcome.observations.push(observation);
    }
}

/// Checks the spec, also against the loss.
fn check(spec: StochasticSpec, criterion: &Criterion) -> Result<StochasticSpec, FlowError> {
    let loss = criterion.loss();
    criterion.check_stop(&spec.stop)?;
    let is_hinge = matches!(loss, Loss::Hinge | Loss::QuadraticHinge);
    if is_hinge && spec.stop.margin > 1.0 {
        // Points with a margin between 1 and the stopping margin would never have a
        // gradient.
        let right = "at most 1: beyond margin 1 a hinge has no gradient";
        return Err(SpecError { field: "stop.margin", value: spec.stop.margin, right }.into());
    }
    let has_violators = is_hinge || matches!(loss, Loss::SoftHinge { .. });
    if spec.sampling != Sampling::Points && !has_violators {
        return Err(FlowError::NoViolators { loss: loss.name() });
    }
    Ok(spec.check()?)
}
