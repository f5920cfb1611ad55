//! One trial step of every flow of a batch, each with its own time step.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Precision, StackedTape};

use super::{
    factor::StackedFactor,
    system::{StackedPoint, StackedSystem},
};
use crate::{implicit::GAMMA, workspace::Workspace};

/// Fraction of active points beyond which the step uses all points: a list of points and copies
/// of their rows cost more than they save.
const ALL_ABOVE: f64 = 0.9;

/// The stiff directions of every flow at a point, see
/// [`Active`](crate::implicit::Active).
pub(super) struct StackedActive<B: Backend> {
    tape: StackedTape<B>,
    /// `[r, m, m]`, its lower triangle.
    kernel: Tensor<B, 3>,
    /// `√H`, `m` values for each network; 0 in places without an active point.
    roots: Vec<Vec<f64>>,
}

impl<B: Backend> StackedActive<B> {
    /// The points whose curvature exceeds the limit of their flow; `None` if there are none.
    pub(super) fn of(tape: &StackedTape<B>, curvatures: &[&[f64]], limits: &[f64]) -> Option<Self> {
        let active = |(curvature, limit): (&&[f64], &f64)| -> Vec<usize> {
            (0..curvature.len()).filter(|&i| curvature[i] > *limit).collect()
        };
        let mut active: Vec<Vec<usize>> = curvatures.iter().zip(limits).map(active).collect();
        let m = active.iter().map(Vec::len).max().filter(|&m| m > 0)?;
        let n = tape.n_points();
        if m as f64 > ALL_ABOVE * n as f64 {
            let root = |(curvature, limit): (&&[f64], &f64)| {
                curvature.iter().map(|&h| if h > *limit { h.sqrt() } else { 0.0 }).collect()
            };
            let roots = curvatures.iter().zip(limits).map(root).collect();
            return Some(Self { kernel: tape.lower_kernel(), tape: tape.clone(), roots });
        }
        let root = |(points, curvature): (&Vec<usize>, &&[f64])| {
            let mut root: Vec<f64> = points.iter().map(|&i| curvature[i].sqrt()).collect();
            root.resize(m, 0.0);
            root
        };
        let roots = active.iter().zip(curvatures).map(root).collect();
        // Free places are filled with point 0, with root 0.
        active.iter_mut().for_each(|points| points.resize(m, 0));
        let tape = tape.select(&active);
        Some(Self { kernel: tape.lower_kernel(), tape, roots })
    }
}

/// The result of a trial step of every flow.
pub(super) struct StackedTrial<B: Backend> {
    /// The networks at the end of the step.
    pub(super) point: StackedPoint<B>,
    /// One report for each flow.
    pub(super) reports: Vec<Report>,
}

/// The values that the step-size control of one flow needs from its trial step.
pub(super) struct Report {
    /// Margins of the first-order solution.
    pub(super) middle: Vec<f64>,
    /// Margins at the end.
    pub(super) margins: Vec<f64>,
    /// `‖∇L‖²` at the end.
    pub(super) square: f64,
    /// Whether the factorisation for the step succeeded.
    pub(super) factorised: bool,
}

/// The step of [`implicit::Step::attempt`](crate::implicit::Step::attempt) for every flow, with
/// the step sizes `dts`. There is one transfer to the host: the reports.
pub(super) fn attempt<B: Backend>(
    system: &StackedSystem<B>,
    at: &StackedPoint<B>,
    active: Option<&StackedActive<B>>,
    dts: &[f64],
    workspace: &Workspace,
) -> StackedTrial<B> {
    let (device, dtype, r) = (system.device(), system.dtype(), dts.len());
    let solver = active.map(|active| Solver::of(active, dts, &device, workspace));
    let solve = |v: Tensor<B, 2>| match &solver {
        Some(solver) => solver.solve(v),
        None => v,
    };
    let dt = Precision::of(dtype).matrix::<B>(dts, [r, 1], &device);
    let k1 = solve(at.gradient.clone().neg());
    let middle = system.point(at.w.clone() + k1.clone() * dt.clone());
    let k2 = solve(middle.gradient.neg() - k1.clone().mul_scalar(2.0));
    let w = at.w.clone() + (k1.mul_scalar(1.5) + k2.mul_scalar(0.5)) * dt;
    let point = system.point(w);

    let squares = point.squares();
    let failed = match &solver {
        Some(solver) => solver.factor.failed(&device).reshape([r, 1]),
        None => squares.zeros_like(),
    };
    let margins = [&middle.margins, &point.margins].map(|u| u.clone().cast(DType::F64));
    let [middle, end] = margins;
    let reports = read(Tensor::cat(vec![middle, end, squares, failed], 1));
    StackedTrial { point, reports }
}

/// `[r, n + n + 1 + 1]`: margins, margins, square, failure.
fn read<B: Backend>(reports: Tensor<B, 2>) -> Vec<Report> {
    let [_, columns] = reports.dims();
    let n = (columns - 2) / 2;
    let numbers = Precision::to_host(reports);
    let report = |row: &[f64]| Report {
        middle: row[..n].to_vec(),
        margins: row[n..2 * n].to_vec(),
        square: row[2 * n],
        factorised: row[2 * n + 1] == 0.0,
    };
    numbers.chunks_exact(columns).map(report).collect()
}

/// Solvers of `(I + c J_aᵀ H_a J_a) k = v`, with `c = γτ` for each flow.
struct Solver<'a, B: Backend> {
    tape: &'a StackedTape<B>,
    /// `√(cH)`, `[r, m]` in float64.
    root: Tensor<B, 2>,
    factor: StackedFactor<B>,
}

impl<'a, B: Backend> Solver<'a, B> {
    fn of(
        active: &'a StackedActive<B>,
        dts: &[f64],
        device: &B::Device,
        workspace: &Workspace,
    ) -> Self {
        let StackedActive { tape, kernel, roots } = active;
        let shape = [roots.len(), roots[0].len()];
        let root: Vec<f64> = roots
            .iter()
            .zip(dts)
            .flat_map(|(root, dt)| {
                let c = (GAMMA * dt).sqrt();
                root.iter().map(move |s| c * s)
            })
            .collect();
        let root = Precision::F64.matrix(&root, shape, device);
        let factor = StackedFactor::of(kernel.clone(), &root, workspace);
        Self { tape, root, factor }
    }

    /// By the Woodbury identity,
    /// `v − J_aᵀ R (I + R Θ_aa R)⁻¹ R J_a v` with `R = √(cH)`.
    fn solve(&self, v: Tensor<B, 2>) -> Tensor<B, 2> {
        let dtype = v.dtype();
        let right = self.root.clone() * self.tape.jvp(&v).cast(DType::F64);
        let back = self.root.clone() * self.factor.solve(right);
        v - self.tape.vjp(&back.cast(dtype))
    }
}
