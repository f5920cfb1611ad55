//! A flow from its initial weights to its end.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape};

use crate::{
    attempt::Attempt,
    course::{Checkpoint, Course, smallest},
    event::Sample,
    loss::Loss,
    observe::{Divergence, End, Moment, Observation, Observer, Outcome},
    spec::{FlowSpec, Momentum, Scheme, SpecError, StepRule},
    step::{Prepared, attempt},
    system::System,
};

/// A gradient flow that is under way.
pub struct Flow<'a, B: Backend, N: Network<B>> {
    system: &'a System<'a, B, N>,
    at: Prepared<B, N>,
    velocity: Option<Tensor<B, 1>>,
    course: Course,
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
        let gradient = &at.point.gradient;
        let velocity = match spec.momentum {
            Momentum::None => None,
            // At rest; with τ ∝ t, without inertia at t = 0.
            Momentum::Constant { .. } => Some(gradient.zeros_like()),
            Momentum::Proportional { .. } => Some(gradient.clone().neg()),
        };
        let now = sample(system, &at, velocity.as_ref(), 0.0);
        let course = Course::start(spec, now, first_speed(system, &at));
        Ok(Self { system, at, velocity, course })
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
        let velocity = checkpoint.velocity.as_ref().map(|v| system.tensor(v));
        let now = sample(system, &at, velocity.as_ref(), checkpoint.t);
        let course = Course::resume(spec, now, checkpoint);
        Ok(Self { system, at, velocity, course })
    }

    /// The state between two steps.
    pub fn checkpoint(&self) -> Checkpoint {
        let weights = Precision::to_host(self.at.point.w.clone());
        self.course.checkpoint(weights, self.velocity.clone().map(Precision::to_host))
    }

    /// The present weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.at.point.w.clone()
    }

    /// What has been found so far. Its `end` has a meaning only once
    /// [`run`](Self::run) has returned.
    pub fn outcome(&self) -> &Outcome {
        &self.course.outcome
    }

    /// Goes on until an end is reached, and returns what was found.
    pub fn run(&mut self, observer: &mut impl Observer<B>) -> Outcome {
        if self.outcome().observations.is_empty() {
            self.note(Moment::Start, observer);
        }
        let end = loop {
            if let Some(end) = self.course.end(self.smallest_margin(), self.velocity.is_some()) {
                break end;
            }
            if observer.interrupts() {
                break End::Interrupted;
            }
            if let Err(quantity) = self.advance(observer) {
                break End::Diverged { quantity, step: self.outcome().steps };
            }
        };
        self.course.outcome.end = end;
        if end != End::Interrupted {
            self.note(Moment::End, observer);
        }
        self.outcome().clone()
    }

    /// One trial step; if it is accepted, with the events inside it.
    fn advance(&mut self, observer: &mut impl Observer<B>) -> Result<(), Divergence> {
        let clock = self.course.next_step()?;
        let FlowSpec { scheme, momentum, .. } = self.course.spec;
        let velocity = self.velocity.as_ref();
        let accepted = match attempt(&scheme, momentum, self.system, &mut self.at, velocity, clock)
        {
            Attempt::Accepted(accepted) if accepted.clock.t.is_finite() => *accepted,
            Attempt::Accepted(_) => return Err(Divergence::StepSize),
            Attempt::Rejected { dt } => return self.course.reject(dt),
        };
        let margins = (self.smallest_margin(), smallest(&accepted.point.margins));
        if self.course.overshoots(margins.0, margins.1) {
            return Ok(());
        }
        self.at = accepted.point.into();
        self.velocity = accepted.velocity;
        let now = sample(self.system, &self.at, self.velocity.as_ref(), accepted.clock.t);
        for moment in self.course.accept(accepted.clock, now, margins) {
            self.note(moment, observer);
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
            self.course.spec.stop.margin,
            (moment, self.course.clock.t, self.outcome().steps),
        )
    }

    fn note(&mut self, moment: Moment, observer: &mut impl Observer<B>) {
        let observation = self.observation(moment);
        observer.observe(&observation, &self.at.point.w);
        self.course.outcome.observations.push(observation);
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
