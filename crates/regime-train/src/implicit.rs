//! The linearly implicit scheme with the tangent kernel.
//!
//! # Reference
//! ROS2: J. G. Verwer, E. J. Spee, J. G. Blom, W. Hundsdorfer, SIAM J. Sci.
//! Comput. 20 (1999), 1456–1480: a two-stage Rosenbrock method that is of second
//! order for *any* matrix `A` in place of the Jacobian.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Network, Precision};

use crate::{
    attempt::{Accepted, Attempt, Clock, Inside},
    curvature::{Columns, Root, sandwich},
    evaluate::{Evaluator, Point},
    extremes::largest_scaled_change,
    factor::{Factor, Symmetric},
    objective::Objective,
    spec::{ImplicitSteps, Momentum},
    system::TapeOf,
};

/// `γ = 1 − 1/√2`, which makes the method L-stable.
pub(crate) const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

/// The stiff directions of the flow at given weights: those in which the loss is curved there, their
/// curvature and their tangent kernel.
///
/// The Jacobian of the flow is replaced by `A = −JᵀH_aJ`. Directions with less curvature are left
/// out of `H_a = R Rᵀ`, which changes only `A` and so keeps the order. For a loss that is a sum over
/// outputs, a direction is one output of one point.
pub(crate) struct Active<B: Backend, N: Network<B>> {
    /// `None` when no direction is active: the step is then explicit.
    stiff: Option<Stiff<B, N>>,
}

struct Stiff<B: Backend, N: Network<B>> {
    /// The Jacobian in the rows of `R`.
    tape: TapeOf<B, N>,
    root: RootOnDevice<B>,
    /// `Rᵀ Θ R`, `[m, m]`.
    weighted_kernel: Symmetric<B>,
}

/// A root `R` of the curvature, `[rows, m]` in float64.
enum RootOnDevice<B: Backend> {
    /// `√H` on the diagonal.
    Diagonal(Tensor<B, 1>),
    /// Products with it are made in host memory.
    Host(Root),
}

impl<B: Backend> RootOnDevice<B> {
    /// `Rᵀ v`
    fn pull(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        match self {
            Self::Diagonal(root) => root.clone() * v,
            Self::Host(root) => {
                let (values, device) = (Precision::to_host(v.clone()), v.device());
                Precision::F64.vector(&root.pull(|a| values[a]), &device)
            }
        }
    }

    /// `c R x`
    fn push(&self, c: f64, x: Tensor<B, 1>) -> Tensor<B, 1> {
        match self {
            Self::Diagonal(root) => root.clone().mul_scalar(c) * x,
            Self::Host(root) => {
                let (values, device) = (Precision::to_host(x.clone()), x.device());
                Precision::F64.vector(&root.push(c, &values), &device)
            }
        }
    }

    /// `R Rᵀ v`
    fn square(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        match self {
            Self::Diagonal(root) => v * (root.clone() * root.clone()),
            Self::Host(_) => self.push(1.0, self.pull(v)),
        }
    }
}

impl<B: Backend, N: Network<B>> Active<B, N> {
    /// The directions whose curvature exceeds `threshold · max ℓ''`.
    pub(crate) fn of(evaluator: Evaluator<'_, B, N>, at: &Point<B, N>, threshold: f64) -> Self {
        let system = evaluator.system;
        let (objective, workspace) = (system.objective(), system.workspace());
        let root = at.curvature.root(objective.least_curvature(threshold));
        if root.n_columns() == 0 {
            // After a step without active points, only a few points become active: less memory is
            // needed.
            workspace.clear();
            return Self { stiff: None };
        }
        let tape = at.rows(&root.rows);
        let kernel = evaluator.kernel(&tape);
        let (root, weighted_kernel) = match &root.columns {
            Columns::Diagonal(values) => {
                let root = system.float64(values);
                let weighted = Symmetric::weighted(kernel, &root, workspace);
                (RootOnDevice::Diagonal(root), weighted)
            }
            Columns::Sparse(columns) => {
                let (m, device) = (root.rows.len(), kernel.device());
                let kernel = Precision::to_host(kernel);
                let values = sandwich(columns, m, |row| &kernel[row * m..(row + 1) * m]);
                let weighted = Symmetric::of_host(values, columns.len(), &device, workspace);
                (RootOnDevice::Host(root), weighted)
            }
        };
        Self { stiff: Some(Stiff { tape, root, weighted_kernel }) }
    }

    /// The solver of `(I + c Jᵀ H_a J) k = v` for one `c`; `None` if the factorisation fails,
    /// because values are not finite or because the step is so large that rounding in the kernel
    /// exceeds the identity. Both call for a smaller step.
    fn solver<'e>(&'e self, evaluator: Evaluator<'e, B, N>, c: f64) -> Option<Solver<'e, B, N>> {
        let Some(stiff) = &self.stiff else { return Some(Solver { evaluator, c, factored: None }) };
        evaluator.count(|work| work.factorise(stiff.weighted_kernel.size()));
        let factor = stiff.weighted_kernel.cholesky_of_shifted(c)?;
        Some(Solver { evaluator, c, factored: Some((stiff, factor)) })
    }
}

impl<B: Backend, N: Network<B>> Stiff<B, N> {
    /// `Jᵀ H_a J v`.
    fn gauss_newton(&self, evaluator: Evaluator<'_, B, N>, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let dtype = v.dtype();
        let pulled = self.root.square(evaluator.jvp(&self.tape, v).cast(DType::F64));
        evaluator.vjp(&self.tape, pulled.cast(dtype))
    }
}

struct Solver<'a, B: Backend, N: Network<B>> {
    evaluator: Evaluator<'a, B, N>,
    c: f64,
    factored: Option<(&'a Stiff<B, N>, Factor<B>)>,
}

impl<B: Backend, N: Network<B>> Solver<'_, B, N> {
    /// Solves by the Woodbury identity:
    /// `(I + c JᵀRRᵀJ)⁻¹ v = v − c JᵀR (I + c RᵀΘR)⁻¹ RᵀJ v`.
    fn solve(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let Some((stiff, factor)) = &self.factored else { return v };
        let right = stiff.root.pull(self.evaluator.jvp(&stiff.tape, v.clone()).cast(DType::F64));
        let back = stiff.root.push(-self.c, factor.solve(right));
        let dtype = v.dtype();
        v + self.evaluator.vjp(&stiff.tape, back.cast(dtype))
    }
}

/// The parameters of a step.
pub(crate) struct Step<'a, B: Backend, N: Network<B>> {
    pub(crate) settings: ImplicitSteps,
    pub(crate) momentum: Momentum,
    pub(crate) evaluator: Evaluator<'a, B, N>,
    pub(crate) active: &'a Active<B, N>,
}

impl<B: Backend, N: Network<B>> Step<'_, B, N> {
    /// ```text
    /// (I − γτA) k₁ = r(z)
    /// (I − γτA) k₂ = r(z + τk₁) − 2k₁
    /// z⁺ = z + (3/2) τ k₁ + (1/2) τ k₂       embedded first-order solution: z + τk₁
    /// ```
    ///
    /// with `z = w` and `r = −∇L`, or `z = (w, v)` with momentum. The error is the
    /// difference of the two solutions in function space, `max_i |ΔF_i|/max(s, |F_i|)`
    /// with `s = min(1, α √⟨f²⟩)` (see [`Scheme`](crate::Scheme)): a point far beyond its margin no longer influences the flow, so
    /// that its error is relative to `|F_i|`; while all outputs are small compared with the margin,
    /// errors are measured on the scale of the network's outputs.
    pub(crate) fn attempt(
        &self,
        at: &Point<B, N>,
        velocity: Option<&Tensor<B, 1>>,
        clock: Clock,
    ) -> Attempt<B, N> {
        // With τ ∝ t there is no inertia at t = 0: the first step follows the plain flow, and the
        // velocity at its end is set to −∇L.
        let tau = self.momentum.memory_time(clock.t);
        let attempted = match velocity {
            Some(v) if tau > 0.0 => self.with_inertia(at, v, tau, clock),
            _ => self.plain(at, clock),
        };
        attempted.unwrap_or(Attempt::Rejected { dt: 0.2 * clock.dt })
    }

    /// A step without momentum. `None` if the factorisation fails or a value is not finite.
    fn plain(&self, at: &Point<B, N>, clock: Clock) -> Option<Attempt<B, N>> {
        let dt = clock.dt;
        let solver = self.active.solver(self.evaluator, GAMMA * dt)?;
        let k1 = solver.solve(at.gradient.clone().neg());
        let middle = self.middle(at, at.w.clone() + k1.clone().mul_scalar(dt))?;
        let right = middle.gradient.clone().neg() - k1.clone().mul_scalar(2.0);
        let k2 = solver.solve(right);
        let w = at.w.clone() + k1.mul_scalar(1.5 * dt) + k2.mul_scalar(0.5 * dt);
        self.judge(at, &middle, w, clock, None)
    }

    /// The flow `ẇ = v`, `v̇ = −(v + ∇L)/τ_m`. With `c = γτ`, eliminating
    /// `k_w = r_w + c k_v` leaves
    /// `[(1 + c/τ_m) I + (c²/τ_m) JᵀHJ] k_v = r_v − (c/τ_m) JᵀHJ r_w`.
    ///
    /// `τ_m` depends on time when it is proportional to it; each stage uses its value at the time
    /// of the stage, which preserves the second order.
    fn with_inertia(
        &self,
        at: &Point<B, N>,
        v: &Tensor<B, 1>,
        tau: f64,
        clock: Clock,
    ) -> Option<Attempt<B, N>> {
        let Clock { t, dt } = clock;
        let c = GAMMA * dt;
        let solver = self.active.solver(self.evaluator, c * c / (tau + c))?;
        let stage = |r_w: Tensor<B, 1>, r_v: Tensor<B, 1>| {
            let right = match &self.active.stiff {
                Some(stiff) => {
                    r_v - stiff.gauss_newton(self.evaluator, r_w.clone()).mul_scalar(c / tau)
                }
                None => r_v,
            };
            let k_v = solver.solve(right).mul_scalar(tau / (tau + c));
            (r_w + k_v.clone().mul_scalar(c), k_v)
        };
        let pull = |v: &Tensor<B, 1>, gradient: &Tensor<B, 1>, tau: f64| {
            (v.clone() + gradient.clone()).mul_scalar(-1.0 / tau)
        };
        let (k1_w, k1_v) = stage(v.clone(), pull(v, &at.gradient, tau));
        let middle = self.middle(at, at.w.clone() + k1_w.clone().mul_scalar(dt))?;
        let v1 = v.clone() + k1_v.clone().mul_scalar(dt);
        let later = self.momentum.memory_time(t + dt);
        let (k2_w, k2_v) = stage(
            v1.clone() - k1_w.clone().mul_scalar(2.0),
            pull(&v1, &middle.gradient, later) - k1_v.clone().mul_scalar(2.0),
        );
        let w = at.w.clone() + k1_w.mul_scalar(1.5 * dt) + k2_w.mul_scalar(0.5 * dt);
        let v = v.clone() + k1_v.mul_scalar(1.5 * dt) + k2_v.mul_scalar(0.5 * dt);
        self.judge(at, &middle, w, clock, Some(v))
    }

    /// Evaluates the first-order solution; `None` if a margin is not finite.
    fn middle(&self, at: &Point<B, N>, w: Tensor<B, 1>) -> Option<Point<B, N>> {
        let trial = self.evaluator.trial(w, at);
        let finite = trial.margins.iter().all(|u| u.is_finite());
        finite.then(|| self.evaluator.point(trial))
    }

    /// Accepts or rejects the step by the difference of the two solutions.
    fn judge(
        &self,
        at: &Point<B, N>,
        middle: &Point<B, N>,
        w: Tensor<B, 1>,
        clock: Clock,
        velocity: Option<Tensor<B, 1>>,
    ) -> Option<Attempt<B, N>> {
        let trial = self.evaluator.trial(w, at);
        let margins = (&trial.margins[..], &middle.margins[..]);
        let objective = self.evaluator.system.objective();
        let (accepted, clock) = judged(objective, margins, self.settings, clock)?;
        if !accepted {
            return Some(Attempt::Rejected { dt: clock.dt });
        }
        let trial = match self.evaluator.arrive(trial, at) {
            Ok(trial) => trial,
            Err(margins) => return Some(Attempt::Unsettled { margins }),
        };
        let point = self.evaluator.point(trial);
        let slaved = || (self.momentum != Momentum::None).then(|| point.gradient.clone().neg());
        let velocity = velocity.or_else(slaved);
        let inside = Inside::unknown();
        Some(Attempt::Accepted(Box::new(Accepted { point, velocity, clock, inside })))
    }
}

/// Whether a step is accepted, judged by the margins of its two solutions, the second-order one
/// first. The clock holds the time and step size after the step, or the step size to try instead.
/// `None` if the error is not finite.
pub(crate) fn judged(
    objective: &Objective,
    (margins, middle): (&[f64], &[f64]),
    ImplicitSteps { tolerance, safety, .. }: ImplicitSteps,
    Clock { t, dt }: Clock,
) -> Option<(bool, Clock)> {
    // Outputs much smaller than 1, which occur at small α, first grow exponentially, and so do
    // their errors.
    let error = largest_scaled_change(margins, middle, objective.unit(margins));
    if !error.is_finite() {
        return None;
    }
    let next = dt * (safety / (error / tolerance).sqrt()).clamp(0.2, 4.0);
    Some(match error <= tolerance {
        true => (true, Clock { t: t + dt, dt: next }),
        false => (false, Clock { t, dt: next }),
    })
}
