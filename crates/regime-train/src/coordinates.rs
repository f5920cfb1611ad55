//! The sizes of the quantities in a network, and their changes, in the first steps of
//! gradient descent.

use std::cell::Cell;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Trace};
use regime_tangent::{frobenius_norm, relative_change, weighted_kernel};
use serde::{Deserialize, Serialize};

use crate::{System, evaluate::Evaluator};

/// The size and the change of one quantity, as root mean squares over points, units and
/// positions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coordinate {
    /// Root mean square of the values.
    pub value: f64,
    /// Root mean square of the differences from the values at the initial weights.
    pub change: f64,
}

/// The quantities of a network after one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    /// Steps taken.
    pub step: usize,
    /// The preactivations of the hidden layers, from the first to the last.
    pub preactivations: Vec<Coordinate>,
    /// The output `f`, without α and without subtracting `f₀`.
    pub output: Coordinate,
    /// The norm `‖Θ‖_F` of the tangent kernel in which every parameter is weighted with
    /// its rate, `Θ = Σ r ∂f ∂f'`. This kernel determines the change of the outputs in
    /// the next step, and is the same in all parametrisations of one dynamics.
    pub kernel: f64,
    /// The relative change `‖Θ − Θ₀‖_F/‖Θ₀‖_F`.
    pub kernel_change: f64,
}

/// Makes `steps` steps of gradient descent, `w ← w − r ∇L` with a rate `r` for every
/// parameter, from `w0` on the training points of `system`, and measures the network on
/// `points` before the first step and after each step.
///
/// Returns `None` for a network that does not expose its preactivations. The steps
/// continue also if values become infinite or NaN; these are reported as they are.
///
/// A measurement takes one pass over the points and a kernel, made from Gram matrices where the
/// parameters of a layer share their rate (see [`weighted_kernel`]).
///
/// # Shapes
/// `w0`: `[P]`, `rates`: `[P]`, `points`: `[n, d]`
///
/// # Panics
/// When a shape does not match.
pub fn coordinates<B: Backend, N: Network<B>>(
    system: &System<B, N>,
    w0: &Tensor<B, 1>,
    rates: &[f64],
    points: &Tensor<B, 2>,
    steps: usize,
) -> Option<Vec<Coordinates>> {
    assert_eq!([rates.len()], w0.dims(), "every parameter has a rate");
    let step_sizes = system.tensor(rates);
    let work = Cell::default();
    let evaluator = Evaluator { system, work: &work, settled_above: None };
    let mut w = w0.clone();
    let start = Snapshot::of(system.network(), &w, rates, points)?;
    let mut found = vec![start.since(&start, 0)];
    for step in 1..=steps {
        let point = evaluator.start(w.clone());
        w = w - point.gradient * step_sizes.clone();
        let now = Snapshot::of(system.network(), &w, rates, points)?;
        found.push(now.since(&start, step));
    }
    Some(found)
}

/// The measured quantities at some weights.
struct Snapshot<B: Backend> {
    /// By layer; the last entry holds the outputs.
    preactivations: Vec<Tensor<B, 2>>,
    kernel: Tensor<B, 2>,
}

impl<B: Backend> Snapshot<B> {
    fn of<N: Network<B>>(
        net: &N,
        w: &Tensor<B, 1>,
        rates: &[f64],
        points: &Tensor<B, 2>,
    ) -> Option<Self> {
        let trace = net.trace(w, points);
        let preactivations = trace.preactivations()?;
        let kernel = weighted_kernel(&trace.linearise(), rates);
        Some(Self { preactivations, kernel })
    }

    fn since(&self, start: &Self, step: usize) -> Coordinates {
        let pairs = self.preactivations.iter().zip(&start.preactivations);
        let mut layers: Vec<Coordinate> = pairs
            .map(|(now, before)| Coordinate {
                value: root_mean_square(now.clone()),
                change: root_mean_square(now.clone() - before.clone()),
            })
            .collect();
        let output = layers.pop().expect("a network has layers");
        // Both kernels are on the same points; the change from a zero kernel is NaN.
        let change = relative_change(self.kernel.clone(), start.kernel.clone());
        let kernel_change = change.unwrap_or(f64::NAN);
        let kernel = frobenius_norm(self.kernel.clone());
        Coordinates { step, preactivations: layers, output, kernel, kernel_change }
    }
}

fn root_mean_square<B: Backend>(values: Tensor<B, 2>) -> f64 {
    let values = Precision::to_host(values);
    (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
}
