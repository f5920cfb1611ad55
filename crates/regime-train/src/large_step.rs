//! Large steps: the margins of the followed points are integrated in function space, and the
//! weights are updated once per step.
//!
//! 1. The margins are integrated over the whole step with their tangent kernel `K₀` frozen, and the
//!    impulse of the loss updates the weights by one product with `Jᵀ`. A kernel from an earlier
//!    step can be reused: then the drift, the part of the initial rate of the margins beyond
//!    `−K₀ ∇ℓ`, is added. The step ends here if the outputs of the network agree with the predicted
//!    ones to a hundredth of the tolerance.
//! 2. The kernel at these weights is `K₁`. The margins are integrated again, with a kernel that is
//!    interpolated between `K₀` and `K₁` along the path of the weights, and the impulses update the
//!    weights through both Jacobians: a step of second order in the change of the kernel.
//! 3. The outputs of the network are compared with the predicted ones. The difference is the error
//!    of the step; it is of third order.

use std::sync::Arc;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision};

use crate::{
    attempt::{Accepted, Attempt, Clock, Inside, Snapshot},
    cached_kernel::CachedKernel,
    evaluate::{Evaluator, Point, Trial},
    event::{Passage, Sample},
    function_space::{AfterSubstep, FunctionFlow, MAX_OVERSHOOT, Path, PathSample, Progress},
    large_steps::{Found, PRICE},
    system::TapeOf,
    view::{Motion, Since},
};

/// The error allowed in a large step, as a fraction of the tolerance. The error of a large step is
/// that of its solution; the error of a small step is that of the embedded solution of lower order.
const OF_TOLERANCE: f64 = 0.1;

/// The same with a frozen kernel, as a fraction of the limit above: errors of frozen kernels
/// accumulate.
const OF_FROZEN: f64 = 0.1;

/// The error allowed in a substep in function space, as a fraction of the tolerance.
const OF_SUBSTEPS: f64 = 0.5;

/// The same for the first path when a second path follows: only the weights at which the second
/// kernel is computed depend on the first path.
const OF_PREDICTOR: f64 = 3.0;

/// A point is left out when it is estimated to stay settled for at least this many steps of the
/// last length.
const AHEAD: f64 = 0.75;

/// The parameters of a large step.
pub(crate) struct Request<'a> {
    pub(crate) tolerance: f64,
    /// The time, and the step size to try.
    pub(crate) clock: Clock,
    /// Estimated length of a small step.
    pub(crate) small: f64,
    /// Whether the kernel may be frozen.
    pub(crate) frozen: bool,
    /// The stopping margin.
    pub(crate) margin: f64,
    /// How far beyond the stopping margin the step may end.
    pub(crate) landing: f64,
    /// The step ends where the smallest margin is predicted to reach this value.
    pub(crate) until: f64,
    /// Times at which the network is observed, in increasing order.
    pub(crate) marks: &'a [f64],
    /// The level of the mean loss at which an event is located.
    pub(crate) half_loss: Option<f64>,
}

/// The state from which a large step starts.
pub(crate) struct LargeStep<'a, B: Backend, N: Network<B>> {
    pub(crate) evaluator: Evaluator<'a, B, N>,
    pub(crate) at: &'a Point<B, N>,
    /// The kernel of the points that `at` follows.
    pub(crate) kernel: &'a CachedKernel<B>,
}

/// The result of a large step.
pub(crate) struct Tried<B: Backend, N: Network<B>> {
    pub(crate) attempt: Attempt<B, N>,
    pub(crate) found: Found,
    /// The kernel at its end, if it was computed.
    pub(crate) kernel: Option<CachedKernel<B>>,
}

impl<B: Backend, N: Network<B>> LargeStep<'_, B, N> {
    /// Makes one trial step, and estimates the next steps.
    pub(crate) fn attempt(&self, request: &Request<'_>) -> Tried<B, N> {
        self.trial(request).unwrap_or_else(|| {
            let dt = 0.2 * request.clock.dt;
            let found = Found { next: dt, small: request.small.min(dt), frozen: request.frozen };
            Tried { attempt: Attempt::Rejected { dt }, found, kernel: None }
        })
    }

    /// `None` if a value is not finite, or a path in function space does not end.
    fn trial(&self, request: &Request<'_>) -> Option<Tried<B, N>> {
        let &Request { tolerance, clock: Clock { t, dt }, frozen, .. } = request;
        let Self { evaluator, at, kernel } = *self;
        let (objective, view) = (evaluator.system.objective(), &at.view);
        let margins: Vec<f64> = view.points.iter().map(|&i| at.margins[i]).collect();
        if !kernel.is_finite {
            return None;
        }
        let drift = kernel.stale.then(|| self.drift(&margins));
        let of_substeps = if frozen { OF_SUBSTEPS } else { OF_PREDICTOR };
        let flow = FunctionFlow {
            criterion: objective.criterion(),
            rows: &view.points,
            start: kernel.matrix(),
            end: None,
            drift: drift.as_deref(),
            tolerance: of_substeps * tolerance,
            unit: objective.unit(&at.margins),
        };
        let marks: Vec<f64> = request.marks.iter().map(|mark| mark - t).collect();
        let path = self.advance(&flow, &margins, dt, request, if frozen { &marks } else { &[] })?;
        let dt = path.time();
        let difference = |found: &[f64], predicted: &[f64]| {
            let pairs = view.points.iter().zip(predicted);
            let scaled = pairs.map(|(&i, u)| (found[i] - u).abs() / found[i].abs().max(flow.unit));
            // `f64::max` would drop a difference that is not a number.
            scaled.fold(
                f64::MIN_POSITIVE,
                |most, e| {
                    if e <= most || most.is_nan() { most } else { e }
                },
            )
        };
        let limit = OF_TOLERANCE * tolerance;
        let end = evaluator.trial(self.weights(&at.tape, &at.tape, path.last()), at);
        let error = difference(&end.margins, &path.margins);
        if !error.is_finite() {
            return None;
        }
        // The length of a small step is limited by the change of the kernel and by the curvature of
        // the loss.
        let of_kernel = dt * 0.9 * (tolerance / error).sqrt();
        // A lower limit, for very large errors.
        let least = 0.1 * request.small;
        let of_bends = dt / path.n_whole() as f64;
        let small = of_kernel.min(of_bends).max(least);
        let of_frozen = OF_FROZEN * limit;
        if frozen && error <= of_frozen {
            let found = Found {
                next: dt * (0.9 * (of_frozen / error).sqrt()).clamp(0.2, 8.0),
                small,
                frozen: true,
            };
            return Some(self.arrive(request, &path, end, found, None, &at.tape));
        }
        if kernel.stale && frozen {
            let found = Found { next: dt, small, frozen: true };
            return Some(Tried { attempt: Attempt::Rejected { dt }, found, kernel: None });
        }
        if dt < PRICE * small {
            // Small steps are cheaper than the second kernel.
            let found = Found { next: dt, small, frozen: false };
            return Some(Tried { attempt: Attempt::Rejected { dt }, found, kernel: None });
        }
        let w = end.w.clone();
        let tape = evaluator.linearise(end.trace, view.points.len());
        let last = CachedKernel::of(evaluator, w, &tape, &view.points);
        if !last.is_finite {
            return None;
        }
        let progress = Progress::of(&path, &margins);
        let moving = FunctionFlow {
            end: Some((last.matrix(), &progress)),
            tolerance: OF_SUBSTEPS * tolerance,
            ..flow
        };
        let path = self.advance(&moving, &margins, dt, request, &marks)?;
        let dt = path.time();
        let end = evaluator.trial(self.weights(&at.tape, &tape, path.last()), at);
        let corrected = difference(&end.margins, &path.margins);
        if !corrected.is_finite() {
            return None;
        }
        let small = of_kernel.min(dt / path.n_whole() as f64).max(least);
        let next = dt * (0.9 * (limit / corrected).cbrt()).clamp(0.2, 8.0);
        let found = Found { next, small, frozen: error < 0.25 * of_frozen };
        if corrected > limit {
            return Some(Tried { attempt: Attempt::Rejected { dt: next }, found, kernel: None });
        }
        Some(self.arrive(request, &path, end, found, Some(last), &tape))
    }

    /// The drift: the initial rate of the margins of the network beyond `−K ∇ℓ(u)`.
    fn drift(&self, margins: &[f64]) -> Vec<f64> {
        let Self { evaluator, at, kernel } = *self;
        let objective = evaluator.system.objective();
        let rates = Precision::to_host(evaluator.jvp(&at.tape, at.gradient.clone()));
        let slopes = objective.criterion().slopes(&at.view.points, margins);
        let alpha = objective.alpha().value();
        let network =
            at.view.points.iter().zip(rates).map(|(&i, f)| -alpha * objective.signs()[i] * f);
        network.zip(kernel.times(&slopes)).map(|(rate, fall)| rate + fall).collect()
    }

    fn advance(
        &self,
        flow: &FunctionFlow<'_>,
        margins: &[f64],
        dt: f64,
        request: &Request<'_>,
        marks: &[f64],
    ) -> Option<Path> {
        let now = flow.criterion.smallest_margin(flow.rows, margins);
        let (times, until) =
            ((dt, request.small), request.until.max(now + MAX_OVERSHOOT * flow.criterion.scale()));
        let mut path = None;
        self.evaluator.count(|work| path = flow.advance(margins, times, until, marks, work));
        path
    }

    /// The weights after a substep, from the Jacobians at the beginning and at the end.
    fn weights(
        &self,
        start: &TapeOf<B, N>,
        end: &TapeOf<B, N>,
        after: &AfterSubstep,
    ) -> Tensor<B, 1> {
        let [first, last] = &after.impulse;
        let w = self.at.w.clone() - self.pull(start, first);
        if last.iter().all(|&p| p == 0.0) { w } else { w - self.pull(end, last) }
    }

    /// Ends a step that is accurate enough, after evaluating all points.
    fn arrive(
        &self,
        request: &Request<'_>,
        path: &Path,
        mut end: Trial<B, N>,
        found: Found,
        kernel: Option<CachedKernel<B>>,
        tape: &TapeOf<B, N>,
    ) -> Tried<B, N> {
        let Self { evaluator, at, .. } = *self;
        let (t, view) = (request.clock.t, &at.view);
        evaluator.look(&end.w, view, &mut end.margins);
        let settled_above = evaluator.settled_above;
        if settled_above.is_some_and(|above| !view.is_settled(&end.margins, above)) {
            let attempt = Attempt::Unsettled { margins: end.margins };
            return Tried { attempt, found, kernel: None };
        }
        let reached = evaluator.system.objective().smallest_margin(&end.margins);
        let past = reached - request.margin;
        if past > request.landing {
            return Tried { attempt: Attempt::Overshoot { past }, found, kernel: None };
        }
        let snapshot =
            |t: f64, after: &AfterSubstep| self.snapshot(t, self.weights(&at.tape, tape, after));
        let off = reached - path.end().smallest_margin;
        let before = |sample: &&PathSample| sample.smallest_margin + off < request.margin;
        let last = path.samples.iter().rev().find(before);
        let inside = Inside {
            scheduled: path
                .substeps
                .iter()
                .filter_map(|after| Some(snapshot(request.marks[after.mark?], after)))
                .collect(),
            half_loss: request.half_loss.and_then(|level| {
                let losses = self.losses(path, &end.margins);
                let (index, after) = passage(&losses, level)?;
                let substep = &path.substeps[index];
                Some((t + after, snapshot(t + substep.time, substep)))
            }),
            approach: last.map(|sample| (t + sample.loss.t, sample.smallest_margin + off)),
        };
        let step = at.distance(&end.w);
        let travelled = at.since.travelled + step;
        let motion = Motion { before: &at.margins, after: &end.margins, step, travelled };
        end.since = Since::default();
        if let Some(above) = settled_above
            && let Some(next) = view.next(evaluator.system, above, AHEAD, &motion)
        {
            let next = Arc::new(next);
            if next.points == view.points {
                end.view = next;
            } else {
                end = evaluator.seen(end.w, next, &end.margins, Since::default());
            }
        }
        let clock = Clock { t: t + path.time(), dt: found.small };
        let accepted = Accepted { point: evaluator.point(end), velocity: None, clock, inside };
        Tried { attempt: Attempt::Accepted(Box::new(accepted)), found, kernel }
    }

    /// The mean loss of all points along a path, corrected to agree with the true loss at the
    /// beginning and, with these `margins`, at the end.
    fn losses(&self, path: &Path, margins: &[f64]) -> Vec<Sample> {
        let rest = self.at.mean_loss - path.samples[0].loss.loss;
        let whole = self.evaluator.system.objective().mean_loss(margins);
        // The change of the loss that is missing on the path, distributed evenly in time.
        let rate = (whole - rest - path.end().loss.loss) / path.time();
        let loss = |sample: &PathSample| {
            let Sample { t, loss, loss_rate } = sample.loss;
            Sample { t, loss: loss + rest + rate * t, loss_rate: loss_rate + rate }
        };
        path.samples.iter().map(loss).collect()
    }

    fn snapshot(&self, t: f64, w: Tensor<B, 1>) -> Snapshot<B> {
        Snapshot { t, margins: self.evaluator.margins(&w), w }
    }

    /// `Jᵀ(s p)/(αn)`: the change of the weights by an impulse, with opposite sign.
    fn pull(&self, tape: &TapeOf<B, N>, impulse: &[f64]) -> Tensor<B, 1> {
        let objective = self.evaluator.system.objective();
        let scale = 1.0 / (objective.alpha().value() * objective.n_points() as f64);
        let signs = self.at.view.points.iter().map(|&i| objective.signs()[i]);
        let values: Vec<f64> = signs.zip(impulse).map(|(y, p)| scale * y * p).collect();
        self.evaluator.vjp(tape, self.evaluator.system.tensor(&values))
    }
}

/// The substep in which the loss falls below a level, and the time.
fn passage(losses: &[Sample], level: f64) -> Option<(usize, f64)> {
    let pairs = losses.windows(2).enumerate();
    let fall = |(index, pair): (usize, &[Sample])| {
        let time = Passage { before: pair[0], after: pair[1] }.falls_below(level)?;
        Some((index, time))
    };
    pairs.filter_map(fall).next()
}
