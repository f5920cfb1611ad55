use std::ops::Range;

use burn::tensor::{DType, Tensor, backend::Backend};

/// A network with one output, as a function `f(w, x)` of a flat vector of
/// parameters.
///
/// The value holds only the architecture; the point `w` in parameter space is
/// passed to every call, so a flow can move it as one vector.
///
/// # Shapes
/// - `w`: `[P]`, `P` = [`Network::n_params`]
/// - `x`: `[n, d]`, one point per row, `d` = [`Network::n_inputs`]
/// - output: `[n]`
///
/// # Panics
/// All methods panic when a shape is not the one above: that is an error of the
/// program and not of its input.
pub trait Network<B: Backend>: Sync {
    /// What one forward pass leaves behind.
    type Trace: Trace<B>;

    /// Number of inputs `d` of one point.
    fn n_inputs(&self) -> usize;

    /// Number of parameters `P`.
    fn n_params(&self) -> usize;

    /// The outputs `f(w, x)`, `[n]`, keeping nothing.
    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1>;

    /// The forward pass, keeping what a linearisation needs.
    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Self::Trace;
}

/// A forward pass that can still be followed by its backward pass.
pub trait Trace<B: Backend> {
    /// The linearisation at this point.
    type Tape: Tape<B>;

    /// The outputs `f(w, x)`, `[n]`.
    fn output(&self) -> Tensor<B, 1>;

    /// The backward pass: one sweep, from which any number of products with the
    /// Jacobian follow.
    fn linearise(self) -> Self::Tape;
}

/// The Jacobian `J = ∂f/∂w`, `[n, P]`, at one point, as an operator.
pub trait Tape<B: Backend> {
    /// Number of points `n`.
    fn n_points(&self) -> usize;

    /// The device and element type of what the products take and give.
    fn placement(&self) -> (B::Device, DType);

    /// `J v`: `[P]` → `[n]`.
    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1>;

    /// `Jᵀ g`: `[n]` → `[P]`.
    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1>;

    /// The rows of the Jacobian at `points`, in that order.
    fn select(&self, points: &[usize]) -> Self;

    /// The Jacobian as a concatenation of outer products, one block per layer in
    /// the order of the layers, if the network has that structure. Together the
    /// blocks hold every parameter once. The tangent kernel is then a sum of
    /// products of Gram matrices and costs `h/2` times less than through `J`.
    fn blocks(&self) -> Option<&[Block<B>]> {
        None
    }
}

/// The part of the Jacobian that belongs to one layer `z = c·a·W + b`.
///
/// For point `i`: `∂fᵢ/∂W = c · aᵢ ⊗ δᵢ` and `∂fᵢ/∂b = δᵢ`.
///
/// # Shapes
/// `k` inputs and `m` outputs of the layer, `n` points.
#[derive(Debug, Clone)]
pub struct Block<B: Backend> {
    /// The layer's inputs `a`, `[n, k]`.
    pub inputs: Tensor<B, 2>,
    /// The sensitivities `δ = ∂f/∂z`, `[n, m]`.
    pub sensitivities: Tensor<B, 2>,
    /// The factor `c` in front of the weights.
    pub weight_scale: f64,
    /// Where `W`, `[k, m]` in row-major order, lies in the parameter vector.
    pub weights: Range<usize>,
    /// Where `b`, `[m]`, lies; `None` for a layer without biases.
    pub biases: Option<Range<usize>>,
}
