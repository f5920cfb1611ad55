//! The linearly implicit scheme through the tangent kernel.
//!
//! # Reference
//! ROS2: J. G. Verwer, E. J. Spee, J. G. Blom, W. Hundsdorfer, SIAM J. Sci.
//! Comput. 20 (1999), 1456–1480: a two-stage Rosenbrock method that is of second
//! order for *any* matrix `A` in place of the Jacobian.

use burn::tensor::{Tensor, backend::Backend};
use faer::{Mat, Side, linalg::solvers::Llt, prelude::Solve};
use regime_models::{Network, Precision, Tape};
use regime_tangent::kernel;

use crate::{
    step::{Accepted, Attempt, Clock},
    system::{Point, System, TapeOf, largest_change},
};

/// `γ = 1 − 1/√2`, which makes the method L-stable.
const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

/// The stiff directions of the flow at a point: the training points whose loss is
/// curved there, their curvature and their tangent kernel.
///
/// The Jacobian of the flow is replaced by `A = −J_aᵀ H_a J_a`. Points with less
/// curvature are left out, which changes only `A` and so keeps the order.
pub(crate) struct Active<B: Backend, N: Network<B>> {
    /// `None` when no point is active: the step is then explicit by itself.
    stiff: Option<Stiff<B, N>>,
}

struct Stiff<B: Backend, N: Network<B>> {
    tape: TapeOf<B, N>,
    /// `√H_a`, `[m]`.
    root_curvature: Vec<f64>,
    /// `S^½ Θ_aa S^½` with `S = diag(H_a)`, `[m, m]`.
    weighted_kernel: Mat<f64>,
}

impl<B: Backend, N: Network<B>> Active<B, N> {
    /// The points whose curvature exceeds `threshold · max ℓ''`.
    pub(crate) fn of(system: &System<'_, B, N>, at: &Point<B, N>, threshold: f64) -> Self {
        let objective = system.objective();
        let curvature = objective.output_curvature(&at.margins);
        let least = threshold * objective.loss().largest_curvature() / objective.n_points() as f64;
        let points: Vec<usize> = (0..curvature.len()).filter(|&i| curvature[i] > least).collect();
        if points.is_empty() {
            return Self { stiff: None };
        }
        let tape = at.tape.select(&points);
        let root_curvature: Vec<f64> = points.iter().map(|&i| curvature[i].sqrt()).collect();
        let theta = Precision::to_host(kernel(&tape));
        let m = points.len();
        let weighted_kernel =
            Mat::from_fn(m, m, |i, j| root_curvature[i] * theta[i * m + j] * root_curvature[j]);
        Self { stiff: Some(Stiff { tape, root_curvature, weighted_kernel }) }
    }

    /// The solver of `(I + c J_aᵀ H_a J_a) k = v` for one `c`; `None` when the
    /// matrix has no factorisation, which only numbers that are not finite bring
    /// about.
    fn solver(&self, c: f64) -> Option<Solver<'_, B, N>> {
        let Some(stiff) = &self.stiff else { return Some(Solver { c, factored: None }) };
        let m = stiff.root_curvature.len();
        let matrix = Mat::from_fn(m, m, |i, j| {
            c * stiff.weighted_kernel[(i, j)] + if i == j { 1.0 } else { 0.0 }
        });
        let factor = matrix.llt(Side::Lower).ok()?;
        Some(Solver { c, factored: Some((stiff, factor)) })
    }
}

struct Solver<'a, B: Backend, N: Network<B>> {
    c: f64,
    factored: Option<(&'a Stiff<B, N>, Llt<f64>)>,
}

impl<B: Backend, N: Network<B>> Solver<'_, B, N> {
    /// By the Woodbury identity,
    /// `(I + c JᵀHJ)⁻¹ v = v − c J_aᵀ S^½ (I + c S^½ Θ_aa S^½)⁻¹ S^½ J_a v`.
    fn solve(&self, system: &System<'_, B, N>, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let Some((stiff, factor)) = &self.factored else { return v };
        let root = &stiff.root_curvature;
        let moved = Precision::to_host(stiff.tape.jvp(v.clone()));
        let right = Mat::from_fn(root.len(), 1, |i, _| root[i] * moved[i]);
        let solution = factor.solve(&right);
        let back: Vec<f64> =
            (0..root.len()).map(|i| -self.c * root[i] * solution[(i, 0)]).collect();
        v + stiff.tape.vjp(system.tensor(&back))
    }
}

/// ```text
/// (I − γτA) k₁ = r(w)                     r = −∇L
/// (I − γτA) k₂ = r(w + τk₁) − 2k₁
/// w⁺ = w + (3/2) τ k₁ + (1/2) τ k₂        embedded first-order solution: w + τk₁
/// ```
///
/// The error is the difference of the two solutions in function space,
/// `max_i |ΔF_i|`.
pub(crate) fn attempt<B: Backend, N: Network<B>>(
    tolerance: f64,
    system: &System<'_, B, N>,
    at: &Point<B, N>,
    active: &Active<B, N>,
    clock: Clock,
) -> Attempt<B, N> {
    let Clock { t, dt } = clock;
    let failed = Attempt::Rejected { dt: 0.2 * dt };
    let Some(solver) = active.solver(GAMMA * dt) else { return failed };
    let k1 = solver.solve(system, at.gradient.clone().neg());
    let first_order = system.trial(at.w.clone() + k1.clone().mul_scalar(dt));
    if !first_order.margins.iter().all(|u| u.is_finite()) {
        return failed;
    }
    let middle = system.point(first_order);
    let k2 = solver.solve(system, middle.gradient.neg() - k1.clone().mul_scalar(2.0));
    let w = at.w.clone() + k1.mul_scalar(1.5 * dt) + k2.mul_scalar(0.5 * dt);
    let trial = system.trial(w);

    let error = largest_change(&trial.margins, &middle.margins);
    if !error.is_finite() {
        return failed;
    }
    let next = dt * (0.9 / (error / tolerance).sqrt()).clamp(0.2, 4.0);
    if error > tolerance {
        return Attempt::Rejected { dt: next };
    }
    Attempt::Accepted(Box::new(Accepted {
        point: system.point(trial),
        velocity: None,
        clock: Clock { t: t + dt, dt: next },
    }))
}
