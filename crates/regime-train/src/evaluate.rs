//! Evaluates the right-hand side of the gradient flow, and counts the work.

use std::{cell::Cell, sync::Arc};

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape, Trace};
use regime_tangent::{kernel, kernel_in};

use crate::{
    curvature::Curvature,
    objective::Derivatives,
    system::{System, TapeOf},
    view::{LeftOut, Since, View},
    work::Work,
};

/// Evaluates a system and counts the work.
pub(crate) struct Evaluator<'e, B: Backend, N: Network<B>> {
    pub(crate) system: &'e System<B, N>,
    pub(crate) work: &'e Cell<Work>,
    /// The margin beyond which points may be left out; `None` if all points are followed.
    pub(crate) settled_above: Option<f64>,
}

impl<B: Backend, N: Network<B>> Clone for Evaluator<'_, B, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend, N: Network<B>> Copy for Evaluator<'_, B, N> {}

impl<B: Backend, N: Network<B>> Evaluator<'_, B, N> {
    /// Adds to the counted work.
    pub(crate) fn count(&self, add: impl FnOnce(&mut Work)) {
        let mut work = self.work.get();
        add(&mut work);
        self.work.set(work);
    }

    /// The network at `w`, on all points.
    pub(crate) fn start(&self, w: Tensor<B, 1>) -> Point<B, N> {
        let n = self.system.objective().rows().len();
        let view = Arc::new(View::all(self.system));
        self.point(self.seen(w, view, &vec![0.0; n], Since::default()))
    }

    /// The network at `w`, on the points that are not in `left_out`.
    pub(crate) fn resume(&self, w: Tensor<B, 1>, left_out: &LeftOut) -> Point<B, N> {
        let n = self.system.objective().n_points();
        let view = Arc::new(View::resume(self.system, left_out));
        self.point(self.seen(w, view, &left_out.margins(n), left_out.since()))
    }

    /// The network at the same weights and with the margins of `at`, on other points.
    pub(crate) fn turn(&self, at: &Point<B, N>, view: View<B>) -> Point<B, N> {
        let view = Arc::new(view);
        self.point(self.seen(at.w.clone(), view, &at.margins, Since::default()))
    }

    /// One forward pass at `w`, on the points that `at` follows.
    pub(crate) fn trial(&self, w: Tensor<B, 1>, at: &Point<B, N>) -> Trial<B, N> {
        self.seen(w, at.view.clone(), &at.margins, at.since)
    }

    /// A forward pass on the points of a view; the others have these `margins`.
    pub(crate) fn seen(
        &self,
        w: Tensor<B, 1>,
        view: Arc<View<B>>,
        margins: &[f64],
        since: Since,
    ) -> Trial<B, N> {
        let n_outputs = self.system.objective().n_outputs();
        self.count(|work| work.points_forward += (view.points.len() / n_outputs) as u64);
        let trace = self.system.network().trace(&w, &view.inputs);
        let outputs = Precision::to_host(trace.output());
        let found = self.system.objective().margins_at(&view.points, &outputs);
        let mut margins = margins.to_vec();
        view.points.iter().zip(found).for_each(|(&i, u)| margins[i] = u);
        Trial { w, trace, margins, view, since, look: None }
    }

    /// Ends a step from `at`: evaluates the points that are left out, if this is due.
    ///
    /// # Errors
    /// The margins of all points, if a point that is left out is no longer settled.
    pub(crate) fn arrive(
        &self,
        mut trial: Trial<B, N>,
        at: &Point<B, N>,
    ) -> Result<Trial<B, N>, Vec<f64>> {
        let Some(settled_above) = self.settled_above else { return Ok(trial) };
        let step = at.distance(&trial.w);
        let travelled = trial.since.travelled + step;
        trial.since = Since { travelled, steps: trial.since.steps + 1 };
        if trial.view.rest.is_some() && !trial.view.is_expired(trial.since) {
            return Ok(trial);
        }
        let view = trial.view.clone();
        self.look(&trial.w, &view, &mut trial.margins);
        trial.since = Since::default();
        trial.look = Some(Look { step, travelled });
        match view.is_settled(&trial.margins, settled_above) {
            true => Ok(trial),
            false => Err(trial.margins),
        }
    }

    /// Evaluates the points that are left out, and stores their margins at `w` in `margins`.
    pub(crate) fn look(&self, w: &Tensor<B, 1>, view: &View<B>, margins: &mut [f64]) {
        let Some((rest, inputs)) = &view.rest else { return };
        self.count(|work| work.points_forward += rest.len() as u64);
        let outputs = Precision::to_host(self.system.network().forward(w, inputs));
        let found = self.system.objective().margins_at(rest, &outputs);
        rest.iter().zip(found).for_each(|(&i, u)| margins[i] = u);
    }

    /// The margins of all points at `w`.
    pub(crate) fn margins(&self, w: &Tensor<B, 1>) -> Vec<f64> {
        let system = self.system;
        self.count(|work| work.points_forward += system.objective().n_points() as u64);
        let outputs = Precision::to_host(system.network().forward(w, system.inputs()));
        system.objective().margins(&outputs)
    }

    /// The backward pass after a forward pass.
    pub(crate) fn point(&self, trial: Trial<B, N>) -> Point<B, N> {
        let Trial { w, trace, margins, view, since, look } = trial;
        let tape = self.linearise(trace, view.points.len());
        let objective = self.system.objective();
        let Derivatives { mean_loss, gradient, curvature } = objective.derivatives(&margins);
        let followed: Vec<f64> = view.points.iter().map(|&i| gradient[i]).collect();
        let gradient = self.vjp(&tape, self.system.tensor(&followed));
        Point { w, tape, margins, mean_loss, gradient, curvature, view, since, look }
    }

    /// The linearisation of `n` rows.
    pub(crate) fn linearise(&self, trace: N::Trace, n: usize) -> TapeOf<B, N> {
        let n_outputs = self.system.objective().n_outputs();
        self.count(|work| work.points_backward += (n / n_outputs) as u64);
        trace.linearise()
    }

    /// `Jᵀ g`
    pub(crate) fn vjp(&self, tape: &TapeOf<B, N>, g: Tensor<B, 1>) -> Tensor<B, 1> {
        self.count(|work| work.points_product += tape.n_points() as u64);
        tape.vjp(g)
    }

    /// `J v`
    pub(crate) fn jvp(&self, tape: &TapeOf<B, N>, v: Tensor<B, 1>) -> Tensor<B, 1> {
        self.count(|work| work.points_product += tape.n_points() as u64);
        tape.jvp(v)
    }

    /// The tangent kernel of a tape, in memory of the workspace where possible.
    pub(crate) fn kernel(&self, tape: &TapeOf<B, N>) -> Tensor<B, 2> {
        self.count(|work| work.kernel(tape.n_points()));
        kernel_in(tape, self.system.workspace().take())
    }

    /// The tangent kernel of a tape, in host memory.
    pub(crate) fn kernel_on_host(&self, tape: &TapeOf<B, N>) -> Vec<f64> {
        self.count(|work| work.kernel(tape.n_points()));
        Precision::to_host(kernel(tape))
    }
}

/// An evaluation of all points.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// How far the weights moved in the last step.
    pub(crate) step: f64,
    /// How far they moved since the previous evaluation of all points.
    pub(crate) travelled: f64,
}

/// The network at some weights, after a forward pass.
pub(crate) struct Trial<B: Backend, N: Network<B>> {
    pub(crate) w: Tensor<B, 1>,
    pub(crate) trace: N::Trace,
    /// `uᵢ = yᵢ Fᵢ`; for the points that are left out, the last known values.
    pub(crate) margins: Vec<f64>,
    pub(crate) view: Arc<View<B>>,
    pub(crate) since: Since,
    /// Set if all points were evaluated here.
    pub(crate) look: Option<Look>,
}

/// The network at some weights, after a backward pass: linearised, with the gradient of the loss.
pub(crate) struct Point<B: Backend, N: Network<B>> {
    pub(crate) w: Tensor<B, 1>,
    /// The linearisation at the points that are followed.
    pub(crate) tape: TapeOf<B, N>,
    /// `uᵢ = yᵢ Fᵢ`; for the points that are left out, the last known values.
    pub(crate) margins: Vec<f64>,
    /// `α² L`
    pub(crate) mean_loss: f64,
    /// `∇L`, `[P]`.
    pub(crate) gradient: Tensor<B, 1>,
    /// `∂²L/∂f∂f`.
    pub(crate) curvature: Curvature,
    pub(crate) view: Arc<View<B>>,
    pub(crate) since: Since,
    /// Set if all points were evaluated here.
    pub(crate) look: Option<Look>,
}

impl<B: Backend, N: Network<B>> Point<B, N> {
    /// The distance of these weights from `w`, in the metric of the tape.
    pub(crate) fn distance(&self, w: &Tensor<B, 1>) -> f64 {
        let change = w.clone() - self.w.clone();
        // A metric may be singular; then rounding can make a square negative.
        self.tape.inner(change.clone(), change).max(0.0).sqrt()
    }

    /// The rows of the Jacobian at these points. They have to be followed points.
    pub(crate) fn rows(&self, points: &[usize]) -> TapeOf<B, N> {
        if self.view.rest.is_none() {
            return self.tape.select(points);
        }
        let row =
            |i: &usize| self.view.points.binary_search(i).expect("an active point is followed");
        self.tape.select(&points.iter().map(row).collect::<Vec<_>>())
    }
}
