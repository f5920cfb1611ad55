//! The system that a flow integrates.

use std::sync::Arc;

use burn_tensor::{DType, Tensor, TensorData, backend::Backend};
use regime_models::{Network, Precision, Trace};

use crate::{objective::Objective, workspace::Workspace};

/// A network, its training inputs, and the objective on them.
///
/// Implicit steps store the memory of their two largest matrices here, at most `2 n²` float64
/// values, for reuse in later steps. It is freed with the system, or in the first step without
/// active points.
///
/// A clone shares the network, the inputs, the objective and this memory.
#[derive(Debug)]
pub struct System<B: Backend, N: Network<B>> {
    net: Arc<N>,
    inputs: Tensor<B, 2>,
    objective: Arc<Objective>,
    workspace: Workspace,
}

impl<B: Backend, N: Network<B>> Clone for System<B, N> {
    fn clone(&self) -> Self {
        let Self { net, inputs, objective, workspace } = self;
        Self {
            net: Arc::clone(net),
            inputs: inputs.clone(),
            objective: Arc::clone(objective),
            workspace: workspace.clone(),
        }
    }
}

/// The linearisation of a network.
pub(crate) type TapeOf<B, N> = <<N as Network<B>>::Trace as Trace<B>>::Tape;

impl<B: Backend, N: Network<B>> System<B, N> {
    /// # Shapes
    /// `inputs`: `[n, d]`
    ///
    /// # Panics
    /// When the numbers of inputs and labels differ.
    pub fn new(net: N, inputs: Tensor<B, 2>, objective: Objective) -> Self {
        assert_eq!(inputs.dims(), [objective.n_points(), net.n_inputs()]);
        let objective = if net.is_linear() { objective.for_linear_model() } else { objective };
        let (net, objective) = (Arc::new(net), Arc::new(objective));
        Self { net, inputs, objective, workspace: Workspace::default() }
    }

    /// The objective.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The network.
    pub fn network(&self) -> &N {
        &self.net
    }

    /// The training inputs, `[n, d]`.
    pub(crate) fn inputs(&self) -> &Tensor<B, 2> {
        &self.inputs
    }

    /// Memory for the matrices of steps.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// A host vector as a tensor with the device and element type of the training inputs.
    pub(crate) fn tensor(&self, values: &[f64]) -> Tensor<B, 1> {
        Precision::of(self.inputs.dtype()).vector(values, &self.inputs.device())
    }

    /// A host vector as a float64 tensor on the device of the training inputs.
    pub(crate) fn float64(&self, values: &[f64]) -> Tensor<B, 1> {
        Precision::F64.vector(values, &self.inputs.device())
    }

    /// The inputs of the points with these indices, `[points, d]`.
    pub(crate) fn inputs_at(&self, points: &[usize]) -> Tensor<B, 2> {
        let indices: Vec<i64> = points.iter().map(|&i| i as i64).collect();
        let indices = TensorData::new(indices, [points.len()]);
        let indices = Tensor::from_data(indices, (&self.inputs.device(), DType::I64));
        self.inputs.clone().select(0, indices)
    }

    /// The inputs of the points that have these rows, `[points, d]`. With several outputs, the rows
    /// are those of all points.
    pub(crate) fn inputs_of_rows(&self, rows: &[usize]) -> Tensor<B, 2> {
        if rows.len() == self.objective.rows().len() {
            return self.inputs.clone();
        }
        self.inputs_at(rows)
    }

    /// The margins of some points at `w`, in their order.
    pub(crate) fn margins_at(&self, w: &Tensor<B, 1>, points: &[usize]) -> Vec<f64> {
        let outputs = Precision::to_host(self.net.forward(w, &self.inputs_at(points)));
        self.objective.margins_at(points, &outputs)
    }

    /// The margins of all points at `w`.
    pub(crate) fn margins(&self, w: &Tensor<B, 1>) -> Vec<f64> {
        self.objective.margins(&Precision::to_host(self.net.forward(w, &self.inputs)))
    }
}

/// `max_i |a_i − b_i|`, which is the change of `F` when `a` and `b` are margins.
/// It is not finite if any difference is not finite.
pub(crate) fn largest_change(a: &[f64], b: &[f64]) -> f64 {
    largest(a.iter().zip(b).map(|(a, b)| (a - b).abs()))
}

/// As [`largest_change`], in units of `unit`, or of `|a_i|` where that is larger.
pub(crate) fn largest_scaled_change(a: &[f64], b: &[f64], unit: f64) -> f64 {
    largest(a.iter().zip(b).map(|(a, b)| (a - b).abs() / a.abs().max(unit)))
}

/// The largest of some numbers that are not negative; not finite if any of them is not finite.
pub(crate) fn largest(changes: impl Iterator<Item = f64>) -> f64 {
    let mut largest = 0.0;
    for change in changes {
        // `f64::max` would drop a NaN.
        if !(change <= largest) {
            largest = change;
        }
        if largest.is_nan() {
            return largest;
        }
    }
    largest
}

/// The smallest of the margins; NaN if any of them is NaN.
pub(crate) fn smallest(margins: &[f64]) -> f64 {
    let least = |least: f64, &u: &f64| if least <= u || least.is_nan() { least } else { u };
    margins.iter().fold(f64::INFINITY, least)
}
