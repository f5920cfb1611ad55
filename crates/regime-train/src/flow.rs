//! A flow from its initial weights to its end.

mod accepted_step;
mod check;
mod events;
mod inside;
mod large;
mod run;
mod watch;

use std::{borrow::Borrow, cell::Cell, sync::Arc};

use burn_tensor::{Tensor, backend::Backend};
use ndarray::Array2;
use regime_models::{Network, Precision, Tape};

pub use self::accepted_step::Step;
use self::{
    check::{check, check_rounding},
    watch::Watch,
};
use crate::{
    attempt::{Accepted, Attempt},
    cached_kernel::CachedKernel,
    control::{Checkpoint, Control},
    evaluate::{Evaluator, Point},
    event::Sample,
    extremes::largest,
    flow_error::FlowError,
    observe::{Divergence, Moment, Observation, Observer, Outcome},
    points::{Points, Weights},
    spec::{FlowSpec, Momentum, Scheme, SpecError},
    step::{Prepared, attempt},
    system::System,
    system_error::SystemError,
    user_event::Occurred,
    view::Motion,
    work::Work,
};

/// A gradient flow and its current state.
///
/// [`run`](Self::run) integrates to the end, [`step`](Self::step) makes one step, and
/// [`until`](Self::until) stops at an event.
pub struct Flow<B: Backend, N: Network<B>> {
    system: System<B, N>,
    at: Prepared<B, N>,
    velocity: Option<Tensor<B, 1>>,
    control: Control,
    /// The kernel of the last large step, cached for the next one.
    kernel: Option<CachedKernel<B>>,
    work: Cell<Work>,
    /// The events of the user.
    watches: Vec<Watch<B, N>>,
    occurred: Vec<Occurred<B>>,
    /// Whether the last call ended for another reason than an interruption.
    has_ended: bool,
}

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Starts a flow at `t = 0` with the initial weights of the system, `&system` or `system`.
    ///
    /// # Errors
    /// [`FlowError`] for a parameter out of its range, and where rounding in `F` is larger than
    /// the error allowed in a step.
    pub fn start(system: impl Borrow<System<B, N>>, spec: FlowSpec) -> Result<Self, FlowError> {
        let system = system.borrow();
        Self::start_at(system, spec, system.initial_weights())
    }

    /// Starts a flow at `t = 0` with other weights than the initial ones: `F = α(f − f₀)` is not 0
    /// there.
    ///
    /// # Shapes
    /// `w`: `[P]`
    ///
    /// # Errors
    /// As [`start`](Self::start), and for weights that do not fit the network.
    pub fn start_at(
        system: impl Borrow<System<B, N>>,
        spec: FlowSpec,
        w: impl Into<Weights<B>>,
    ) -> Result<Self, FlowError> {
        let system = system.borrow();
        let spec = check(&spec, system)?;
        let w = system.weights(w)?;
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
        check_rounding(&spec, system, unit)?;
        let scale = system.objective().criterion().scale();
        let control = Control::start(spec, now, (first_speed(system, &at), unit), scale);
        Ok(Self::of(system, at, velocity, control, None, work))
    }

    fn of(
        system: &System<B, N>,
        at: Prepared<B, N>,
        velocity: Option<Tensor<B, 1>>,
        control: Control,
        kernel: Option<CachedKernel<B>>,
        work: Cell<Work>,
    ) -> Self {
        let (watches, occurred) = (Vec::new(), Vec::new());
        let system = system.clone();
        Self { system, at, velocity, control, kernel, work, watches, occurred, has_ended: false }
    }

    /// Resumes a flow from a checkpoint. Events are not part of a checkpoint: add them again.
    ///
    /// # Errors
    /// [`FlowError`] for a parameter out of its range, and a checkpoint of another problem. A
    /// checkpoint of an earlier version has no digest of its problem; only its sizes are compared.
    pub fn resume(
        system: impl Borrow<System<B, N>>,
        spec: FlowSpec,
        checkpoint: Checkpoint,
    ) -> Result<Self, FlowError> {
        let system = system.borrow();
        let spec = check(&spec, system)?;
        let n_params = system.network().n_params();
        for values in
            [Some(&checkpoint.weights), checkpoint.velocity.as_ref()].into_iter().flatten()
        {
            SpecError::check_parameter_count(values.len(), n_params)?;
        }
        if let Some(digest) = checkpoint.digest {
            digest.check(system.digest())?;
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
        let scale = system.objective().criterion().scale();
        let control = Control::resume(spec, now, checkpoint, scale);
        Ok(Self::of(system, at, velocity, control, kernel, work))
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
        checkpoint.digest = Some(self.system.digest());
        checkpoint
    }

    /// The time of the flow.
    pub fn time(&self) -> f64 {
        self.control.clock.t
    }

    /// The current weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.at.point.w.clone()
    }

    /// `F = α(f(w, x) − f(w₀, x))` at the current weights and any points, as [`System::outputs`].
    ///
    /// # Errors
    /// As [`System::outputs`].
    pub fn outputs(&self, x: impl Into<Points<B>>) -> Result<Vec<f64>, SystemError> {
        self.system.outputs(&self.at.point.w, x)
    }

    /// The tangent kernel at the current weights on any points, as [`System::kernel_at`].
    ///
    /// # Errors
    /// As [`System::kernel_at`].
    pub fn kernel(&self, x: impl Into<Points<B>>) -> Result<Array2<f64>, SystemError> {
        self.system.kernel_at(&self.at.point.w, x)
    }

    /// The system of this flow.
    pub fn system(&self) -> &System<B, N> {
        &self.system
    }

    /// The outcome so far. Its `end` is meaningful only after [`run`](Self::run) has returned.
    pub fn outcome(&self) -> &Outcome {
        &self.control.outcome
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
        self.find_events_in_small_step(clock, &accepted);
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
    largest(rates.iter().map(|rate| alpha * rate.abs()))
}
