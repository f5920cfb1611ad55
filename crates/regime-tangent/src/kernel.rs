//! The kernel of a tape, by the structure that the tape has.

use burn_tensor::{DType, Int, Tensor, TensorData, backend::Backend};
use regime_models::{SharedLayers, Tape};

use crate::{
    gram::{contracted, cross_of_blocks, of_blocks},
    jacobian::{contract, jacobian},
    shared::{OutputGradients, shared_cross_kernel, shared_kernel},
};

/// The tangent kernel `Θ = J Jᵀ` on the points of a tape.
///
/// For a tape with blocks, the kernel is a sum over the layers. A layer that is used once
/// per point gives `c² (Δ Δᵀ) ∘ (A Aᵀ) + Δ Δᵀ` (the last term for its biases), about
/// `n² (k + m)/2` multiply-adds. A layer that is used at `p` positions is contracted
/// from the gradients of the points, some outputs at a time: `n p k m + n² k m/2`
/// multiply-adds. The outputs of a network with several share the Gram matrices of their inputs, see
/// [`shared_kernel`](crate::shared_kernel). Any other tape is contracted from its whole Jacobian of `n·P` numbers,
/// `n² P/2` multiply-adds, unless the tape knows its kernel. One triangle is computed tile
/// by tile, and the tiles are added to one matrix.
///
/// Memory is not checked: 50,000 points need 20 GB. [`kernel_within`](crate::kernel_within)
/// returns an error instead.
///
/// # Shapes
/// `[n, n]`, symmetric to the bit.
pub fn kernel<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 2> {
    kernel_in(tape, Vec::new())
}

/// As [`kernel`], in a scratch buffer if the backend supports this: for callers that compute
/// several kernels of about the same size.
///
/// # Shapes
/// `[n, n]`, the same to the bit for any content of `scratch`. On Flex, a capacity of at least `n²`
/// numbers avoids the allocation of a float64 kernel of layers that are used once per point. In
/// all other cases `scratch` is dropped.
pub fn kernel_in<B: Backend, T: Tape<B>>(tape: &T, scratch: Vec<f64>) -> Tensor<B, 2> {
    if let Some(known) = tape.kernel_with(tape) {
        return known;
    }
    if let Some(layers) = shared(tape) {
        let theta = shared_kernel(&OutputGradients::of(&layers));
        return select(theta, layers.rows.as_deref(), layers.rows.as_deref());
    }
    match tape.blocks() {
        Some(blocks) => of_blocks(&blocks.iter().collect::<Vec<_>>(), scratch),
        None => contracted(&jacobian(tape)),
    }
}

/// The tangent kernel between the points of two tapes of the same network at the
/// same weights.
///
/// # Shapes
/// `[n_a, n_b]`, a block of the kernel on the union of both sets.
///
/// # Panics
/// When the tapes do not belong to the same architecture.
pub fn cross_kernel<B: Backend, T: Tape<B>>(a: &T, b: &T) -> Tensor<B, 2> {
    if let Some(known) = a.kernel_with(b) {
        return known;
    }
    if let (Some(of_a), Some(of_b)) = (shared(a), shared(b)) {
        let theta = shared_cross_kernel(&OutputGradients::of(&of_a), &OutputGradients::of(&of_b));
        return select(theta, of_a.rows.as_deref(), of_b.rows.as_deref());
    }
    match (a.blocks(), b.blocks()) {
        (Some(a), Some(b)) => cross_of_blocks(a, b),
        _ => contract(jacobian(a), jacobian(b)),
    }
}

/// The kernel of each layer's parameters (its weights and biases), from the first layer
/// to the last. Their sum is [`kernel`].
///
/// # Shapes
/// One `[n, n]` per layer. `None` for a tape without blocks.
pub fn layer_kernels<B: Backend, T: Tape<B>>(tape: &T) -> Option<Vec<Tensor<B, 2>>> {
    Some(tape.blocks()?.iter().map(|block| of_blocks(&[block], Vec::new())).collect())
}

/// The layers that the outputs of a tape share, if the tape has most of the rows of its points:
/// they give the kernel of all these rows.
fn shared<B: Backend, T: Tape<B>>(tape: &T) -> Option<SharedLayers<B>> {
    let layers = tape.shared_layers()?;
    let all = layers.n_points() * layers.n_outputs();
    (2 * tape.n_points() > all).then_some(layers)
}

/// Some rows and columns of a matrix; `None` for all of them.
fn select<B: Backend>(
    theta: Tensor<B, 2>,
    rows: Option<&[usize]>,
    columns: Option<&[usize]>,
) -> Tensor<B, 2> {
    let device = theta.device();
    let indices = |numbers: &[usize]| -> Tensor<B, 1, Int> {
        let numbers: Vec<i64> = numbers.iter().map(|&number| number as i64).collect();
        let n = numbers.len();
        Tensor::from_data(TensorData::new(numbers, [n]), (&device, DType::I64))
    };
    let theta = rows.map_or(theta.clone(), |rows| theta.select(0, indices(rows)));
    columns.map_or(theta.clone(), |columns| theta.select(1, indices(columns)))
}
