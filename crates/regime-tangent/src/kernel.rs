//! The kernel of a tape, by the structure that the tape has.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{SharedLayers, Tape};

use crate::{
    gram::{contracted, cross_of_blocks, of_blocks},
    jacobian::{assert_euclidean, contract, jacobian},
    shared::{OutputGradients, shared_cross_kernel, shared_kernel},
};

/// The tangent kernel `Θ = J Jᵀ` on the points of a tape.
///
/// For a tape with blocks, the kernel is a sum over the layers. A layer that is used once
/// per point gives `c² (Δ Δᵀ) ∘ (A Aᵀ) + Δ Δᵀ` (the last term for its biases), about
/// `n² (k + m)/2` multiply-adds. A layer that is used at `p` positions is contracted
/// from the gradients of the points, some outputs at a time: `n p k m + n² k m/2`
/// multiply-adds. The outputs of a network with several share the Gram matrices of their inputs if the
/// tape has all rows: with `K` outputs about `n² k/2 + (nK)² m/2`. Some of the rows are computed from the
/// blocks, in the memory of the result. Any other tape is contracted from its whole Jacobian of `n·P` numbers,
/// `n² P/2` multiply-adds, unless the tape knows its kernel. One triangle is computed tile
/// by tile, and the tiles are added to one matrix.
///
/// Memory is not checked: 50,000 points need 20 GB. [`kernel_within`](crate::kernel_within)
/// returns an error instead.
///
/// # Shapes
/// `[n, n]`, symmetric to the bit.
///
/// # Panics
/// For a tape with its own metric ([`Tape::is_euclidean`]) that has neither blocks nor
/// [`kernel_with`](Tape::kernel_with), like all kernels of this crate.
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
        return shared_kernel(&OutputGradients::of(&layers));
    }
    match tape.blocks() {
        Some(blocks) => of_blocks(&blocks.iter().collect::<Vec<_>>(), scratch),
        None => {
            assert_euclidean(tape);
            contracted(&jacobian(tape))
        }
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
        return shared_cross_kernel(&OutputGradients::of(&of_a), &OutputGradients::of(&of_b));
    }
    match (a.blocks(), b.blocks()) {
        (Some(a), Some(b)) => cross_of_blocks(a, b),
        _ => {
            assert_euclidean(a);
            contract(jacobian(a), jacobian(b))
        }
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

/// The layers that the outputs of a tape share, if the tape has all rows of its points: they give the
/// kernel of all of them, and a selection from it would need its memory.
fn shared<B: Backend, T: Tape<B>>(tape: &T) -> Option<SharedLayers<B>> {
    tape.shared_layers().filter(|layers| layers.rows.is_none())
}
