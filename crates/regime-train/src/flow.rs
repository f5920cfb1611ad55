//! A flow from its initial weights to its end.

mod large;

use std::{cell::Cell, sync::Arc};

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape};

use crate::{
    attempt::{Accepted, Attempt},
    cached_kernel::CachedKernel,
    control::{Checkpoint, Control},
    evaluate::{Evaluator, Point},
    event::Sample,
    loss::Loss,
    observe::{Divergence, End, Moment, Observation, Observer, Outcome},
    spec::{FlowSpec, Momentum, Scheme, SpecError, StepRule},
    step::{Prepared, attempt},
    system::System,
    view::Motion,
    work::Work,
};

/// A gradient flow and its current state.
pub struct Flow<B: Backend, N: Network<B>> {
    system: System<B, N>,
    at: Prepared<B, N>,
    velocity: Option<Tensor<B, 1>>,
    control: Control,
    /// The kernel of the last large step, cached for the next one.
    kernel: Option<CachedKernel<B>>,
    work: Cell<Work>,
}

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Starts a flow at `t = 0`.
    ///
    /// # Shapes
    /// `w`: `[P]`, the weights at which the objective's `f₀` was taken.
    ///
    /// # Errors
    /// [`SpecError`] for a parameter out of its range.
    pub fn start(
        system: &System<B, N>,
        spec: FlowSpec,
        w: Tensor<B, 1>,
    ) -> Result<Self, SpecError> {
        let spec = check(&spec, system)?;
        let work = Cell::default();
        let at: Prepared<B, N> = evaluator(system, &spec, &work).start(w).into();
        let gradient = &at.point.gradient;
        let velocity = match spec.momentum {
            Momentum::None => None,
            // At rest; with τ ∝ t, without inertia at t = 0.
            Momentum::Constant { .. } => Some(gradient.zeros_like()),
            Momentum::Proportional { .. } => Some(gradient.clone().neg()),
        };
        let now = sample(system, &at, velocity.as_ref(), 0.0);
        let unit = system.objective().unit(&at.point.margins);
        let control = Control::start(spec, now, (first_speed(system, &at), unit));
        let system = system.clone();
        Ok(Self { system, at, velocity, control, kernel: None, work })
    }

    /// Resumes a flow from a checkpoint.
    ///
    /// # Errors
    /// [`SpecError`] for a parameter out of its range, or a checkpoint of another
    /// network.
    pub fn resume(
        system: &System<B, N>,
        spec: FlowSpec,
        checkpoint: Checkpoint,
    ) -> Result<Self, SpecError> {
        let spec = check(&spec, system)?;
        let n_params = system.network().n_params();
        for values in
            [Some(&checkpoint.weights), checkpoint.velocity.as_ref()].into_iter().flatten()
        {
            SpecError::check_parameter_count(values.len(), n_params)?;
        }
        let w = system.tensor(&checkpoint.weights);
        let work = Cell::default();
        let evaluator = evaluator(system, &spec, &work);
        let mut at: Prepared<B, N> = match &checkpoint.left_out {
            // A scheme that leaves no points out follows all points from here on.
            Some(left_out) if evaluator.settled_above.is_some() => {
                left_out.check(system.objective().rows().len())?;
                evaluator.resume(w, left_out)
            }
            _ => evaluator.start(w),
        }
        .into();
        if let (true, Some(settings)) = (checkpoint.is_prepared, spec.scheme.implicit_steps()) {
            at.prepare(evaluator, settings);
        }
        if let Some(origin) = &checkpoint.kernel {
            origin.check(system.objective().rows().len(), n_params)?;
        }
        let kernel =
            checkpoint.kernel.as_ref().map(|origin| CachedKernel::resume(evaluator, origin));
        // The work of the flow so far, without the evaluations above, which an uninterrupted flow
        // does not need.
        work.set(checkpoint.outcome.work);
        let velocity = checkpoint.velocity.as_ref().map(|v| system.tensor(v));
        let now = sample(system, &at, velocity.as_ref(), checkpoint.t);
        let control = Control::resume(spec, now, checkpoint);
        let system = system.clone();
        Ok(Self { system, at, velocity, control, kernel, work })
    }

    /// The state between two steps.
    pub fn checkpoint(&self) -> Checkpoint {
        let weights = Precision::to_host(self.at.point.w.clone());
        let velocity = self.velocity.clone().map(Precision::to_host);
        let Point { view, margins, since, .. } = &self.at.point;
        let mut checkpoint = self.control.checkpoint(weights, velocity);
        checkpoint.left_out = view.left_out(margins, *since);
        checkpoint.is_prepared = self.at.is_prepared();
        checkpoint.kernel = self.kernel.as_ref().map(CachedKernel::origin);
        checkpoint
    }

    /// The current weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.at.point.w.clone()
    }

    /// The outcome so far. Its `end` is meaningful only after [`run`](Self::run) has returned.
    pub fn outcome(&self) -> &Outcome {
        &self.control.outcome
    }

    /// Integrates until the flow ends or the observer interrupts, and returns the outcome.
    pub fn run(&mut self, observer: &mut impl Observer<B>) -> Outcome {
        if self.outcome().observations.is_empty() {
            self.note(Moment::Start, observer);
        }
        let end = loop {
            self.confirm();
            self.control.outcome.work = self.work.get();
            if let Some(end) = self.control.end(self.smallest_margin(), self.velocity.is_some()) {
                break end;
            }
            if observer.interrupts() {
                break End::Interrupted;
            }
            if let Err(quantity) = self.advance(observer) {
                break End::Diverged { quantity, step: self.outcome().steps };
            }
        };
        self.control.outcome.end = end;
        if end != End::Interrupted {
            self.note(Moment::End, observer);
        }
        self.outcome().clone()
    }

    /// Evaluates the points that were left out, if the last known margins have all reached the
    /// stopping margin.
    fn confirm(&mut self) {
        let margin = self.control.spec.stop.margin;
        if self.at.point.view.rest.is_none() || !(self.smallest_margin() >= margin) {
            return;
        }
        let margins = self.margins();
        if !(self.system.objective().smallest_margin(&margins) >= margin) {
            self.follow_again(&margins);
        }
    }

    /// Makes one trial step; if it is accepted, records the events inside it.
    fn advance(&mut self, observer: &mut impl Observer<B>) -> Result<(), Divergence> {
        let clock = self.control.next_step()?;
        if let Some(tried) = self.attempt_large(observer) {
            return tried;
        }
        let FlowSpec { scheme, momentum, .. } = self.control.spec;
        let evaluator = evaluator(&self.system, &self.control.spec, &self.work);
        let velocity = self.velocity.as_ref();
        let accepted = match attempt(&scheme, momentum, evaluator, &mut self.at, velocity, clock) {
            Attempt::Accepted(accepted) if accepted.clock.t.is_finite() => *accepted,
            Attempt::Accepted(_) => return Err(Divergence::StepSize),
            Attempt::Rejected { dt } => return self.control.reject(dt),
            Attempt::Overshoot { .. } => unreachable!("only large steps return `Past`"),
            Attempt::Unsettled { margins } => {
                self.control.reject_unsettled();
                self.follow_again(&margins);
                return Ok(());
            }
        };
        let (before, after) = (
            self.smallest_margin(),
            self.system.objective().smallest_margin(&accepted.point.margins),
        );
        if self.control.overshoots(before, after) {
            return Ok(());
        }
        self.kernel = None;
        let point = self.with_next_view(accepted.point);
        let (taken, next) = (accepted.clock.t - clock.t, accepted.clock.dt);
        self.control.large.after_a_small_step(taken, next);
        let accepted = Accepted { point, ..accepted };
        self.accept(accepted, (clock.t, before), observer);
        Ok(())
    }

    /// Moves the flow to the end of an accepted step.
    fn accept(
        &mut self,
        accepted: Accepted<B, N>,
        approach: (f64, f64),
        observer: &mut impl Observer<B>,
    ) {
        let Accepted { point, velocity, clock, .. } = accepted;
        (self.at, self.velocity) = (point.into(), velocity);
        let now = sample(&self.system, &self.at, self.velocity.as_ref(), clock.t);
        let reached = self.smallest_margin();
        for moment in self.control.accept(clock, now, approach, reached) {
            self.note(moment, observer);
        }
    }

    /// The same point, following another set of training points if the choice is due for an update.
    fn with_next_view(&self, mut point: Point<B, N>) -> Point<B, N> {
        let evaluator = evaluator(&self.system, &self.control.spec, &self.work);
        let (Some(look), Some(above)) = (point.look, evaluator.settled_above) else { return point };
        let before = &self.at.point.margins;
        let (step, travelled) = (look.step, look.travelled);
        let motion = Motion { before, after: &point.margins, step, travelled };
        match point.view.next(&self.system, above, AHEAD, &motion) {
            None => point,
            Some(view) if view.points == point.view.points => {
                point.view = Arc::new(view);
                point
            }
            Some(view) => evaluator.turn(&point, view),
        }
    }

    /// Follows again the points that are no longer settled at these margins.
    fn follow_again(&mut self, margins: &[f64]) {
        let evaluator = evaluator(&self.system, &self.control.spec, &self.work);
        let Some(above) = evaluator.settled_above else { return };
        let at = &self.at.point;
        let view = at.view.with_unsettled(&self.system, above, (&at.margins, margins));
        self.at = evaluator.turn(at, view).into();
        let t = self.control.clock.t;
        self.control.look_again(sample(&self.system, &self.at, self.velocity.as_ref(), t));
    }

    /// The margins of all points.
    fn margins(&self) -> Vec<f64> {
        let Point { w, view, margins, .. } = &self.at.point;
        let mut margins = margins.clone();
        evaluator(&self.system, &self.control.spec, &self.work).look(w, view, &mut margins);
        margins
    }

    fn smallest_margin(&self) -> f64 {
        self.system.objective().smallest_margin(&self.at.point.margins)
    }

    /// The current state, as an observer would receive it.
    pub fn observation(&self, moment: Moment) -> Observation {
        Observation::of(
            self.system.objective(),
            &self.margins(),
            self.control.spec.stop.margin,
            (moment, self.control.clock.t, self.outcome().steps),
        )
    }

    fn note(&mut self, moment: Moment, observer: &mut impl Observer<B>) {
        let observation = self.observation(moment);
        observer.observe(&observation, &self.at.point.w);
        self.control.outcome.observations.push(observation);
    }
}

/// A point is left out when it is estimated to stay settled for at least this many small steps of
/// the last length.
const AHEAD: f64 = 3.0;

/// A point is settled where the slope and the curvature of its loss are less than this fraction of
/// the tolerance of a step.
const SETTLED: f64 = 1e-3;

/// An evaluator of the system that counts the evaluations.
fn evaluator<'e, B: Backend, N: Network<B>>(
    system: &'e System<B, N>,
    spec: &FlowSpec,
    work: &'e Cell<Work>,
) -> Evaluator<'e, B, N> {
    let settled_above = match spec.scheme {
        // A settled point also has to be at or above the stopping margin.
        Scheme::Adaptive { .. } => {
            let criterion = system.objective().criterion();
            let steps = spec.scheme.implicit_steps();
            let settled =
                steps.and_then(|steps| criterion.settled_above(SETTLED * steps.tolerance));
            settled.map(|settled| f64::max(settled, spec.stop.margin))
        }
        Scheme::Explicit { .. } | Scheme::Reference { .. } => None,
    };
    Evaluator { system, work, settled_above }
}

/// Checks the spec, also against the loss of the system.
fn check<B: Backend, N: Network<B>>(
    spec: &FlowSpec,
    system: &System<B, N>,
) -> Result<FlowSpec, SpecError> {
    if let (Scheme::Explicit { rule: StepRule::GradientTurn { max_turn, .. } }, Loss::Hinge) =
        (spec.scheme, system.objective().loss())
    {
        // Reaching a margin turns the gradient of a hinge by a finite angle, however small the
        // step.
        let right =
            "used with a loss of continuous slope: use the rule output-change for the hinge";
        return Err(SpecError { field: "scheme.rule.max_turn", value: max_turn, right });
    }
    if system.objective().criterion().has_residuals()
        && spec.stop.margin >= 0.0
        && spec.stop.max_time.is_none()
    {
        let right = "negative for real-valued targets, minus the residual that ends the flow; or set \
                     stop.max_time";
        return Err(SpecError { field: "stop.margin", value: spec.stop.margin, right });
    }
    spec.check()
}

/// The mean loss at `t` and its rate `d(α²L)/dt = α² ⟨∇L, ẇ⟩`.
fn sample<B: Backend, N: Network<B>>(
    system: &System<B, N>,
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
fn first_speed<B: Backend, N: Network<B>>(system: &System<B, N>, at: &Prepared<B, N>) -> f64 {
    let rates = Precision::to_host(at.point.tape.jvp(at.point.gradient.clone()));
    let alpha = system.objective().alpha().value();
    rates.iter().fold(0.0, |most, rate| f64::max(most, alpha * rate.abs()))
}
