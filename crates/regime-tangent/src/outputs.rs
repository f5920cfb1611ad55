//! Kernels of functions with several outputs.
//!
//! A function with `K` outputs has `K` tapes, one per output, on the same points and with
//! the same parameters.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Tape;

use crate::{
    assemble::Assembled,
    kernel::{cross_kernel, kernel},
};

/// How a kernel treats the outputs of a function.
///
/// Θ has an entry for every pair of (point, output). With one output, all forms are the
/// same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Outputs {
    /// Every pair of outputs, `[nK, nK]`, output by output. The entry of points `i`, `j`
    /// and outputs `k`, `l` is in row `k·n + i` and column `l·n + j`, so the matrix
    /// consists of `K × K` blocks of `[n, n]`, and `theta.reshape([K, n, K, n])` has the
    /// indices `k, i, l, j`. neural-tangents returns the full kernel as `i, j, k, l`.
    #[default]
    Full,
    /// The mean of the `K` blocks on the diagonal, `[n, n]`, as in neural-tangents for
    /// traced axes. Its magnitude does not grow with the number of outputs.
    TracedMean,
    /// The sum of these blocks, `[n, n]`: the trace of the full kernel over outputs.
    TracedSum,
}

/// The kernel of all outputs: [`Outputs::Full`].
///
/// It computes `K` kernels and `K (K − 1)/2` cross-kernels. If the outputs share the inputs of
/// their layers, the [`kernel`] of one tape for all of them, a [`MultiTape`](regime_models::MultiTape), is
/// faster.
///
/// # Shapes
/// `[nK, nK]`, symmetric to the bit.
///
/// # Panics
/// For no tapes, and for tapes on different points.
pub fn full_kernel<B: Backend, T: Tape<B>>(tapes: &[T]) -> Tensor<B, 2> {
    let Some(first) = tapes.first() else { panic!("a function has outputs") };
    let (n, outputs) = (first.n_points(), tapes.len());
    let mut theta = Assembled::zeros([n * outputs; 2], first.placement());
    for (k, tape) in tapes.iter().enumerate() {
        assert_eq!(tape.n_points(), n, "the tapes are on different points");
        theta.add([k * n, k * n], kernel(tape));
        for (l, other) in tapes.iter().enumerate().skip(k + 1) {
            theta.add_mirrored([k * n, l * n], cross_kernel(tape, other));
        }
    }
    theta.finish()
}

/// The kernel traced over outputs.
///
/// `form` is [`Outputs::TracedMean`] or [`Outputs::TracedSum`]; [`Outputs::Full`] gives
/// [`full_kernel`].
///
/// # Shapes
/// `[n, n]`, symmetric to the bit.
///
/// # Panics
/// For no tapes, and for tapes on different points.
pub fn traced_kernel<B: Backend, T: Tape<B>>(tapes: &[T], form: Outputs) -> Tensor<B, 2> {
    if form == Outputs::Full {
        return full_kernel(tapes);
    }
    traced(tapes.iter().map(kernel), tapes.len(), form)
}

/// The kernel between the points of two lists of tapes of the same function at the same
/// parameters. Each list has one tape per output.
///
/// # Shapes
/// `[n_a·K, n_b·K]` for [`Outputs::Full`], otherwise `[n_a, n_b]`. A traced kernel is a
/// block of the kernel on the union of both sets; the full kernel consists of one such
/// block for each pair of outputs.
///
/// # Panics
/// For no tapes, for lists of different lengths, and for tapes of different functions.
pub fn cross_kernel_of_outputs<B: Backend, T: Tape<B>>(
    a: &[T],
    b: &[T],
    form: Outputs,
) -> Tensor<B, 2> {
    assert_eq!(a.len(), b.len(), "the functions have different numbers of outputs");
    if form != Outputs::Full {
        return traced(a.iter().zip(b).map(|(a, b)| cross_kernel(a, b)), a.len(), form);
    }
    let (Some(first), Some(other)) = (a.first(), b.first()) else {
        panic!("a function has outputs")
    };
    let (n_a, n_b) = (first.n_points(), other.n_points());
    let shape = [n_a * a.len(), n_b * b.len()];
    let mut theta = Assembled::zeros(shape, first.placement());
    for (k, a) in a.iter().enumerate() {
        for (l, b) in b.iter().enumerate() {
            theta.add([k * n_a, l * n_b], cross_kernel(a, b));
        }
    }
    theta.finish()
}

/// The sum or mean of the blocks on the diagonal.
pub(crate) fn traced<B: Backend>(
    blocks: impl Iterator<Item = Tensor<B, 2>>,
    outputs: usize,
    form: Outputs,
) -> Tensor<B, 2> {
    let sum = blocks.reduce(|a, b| a + b).expect("a function has outputs");
    match form {
        Outputs::TracedMean if outputs > 1 => sum.mul_scalar((outputs as f64).recip()),
        _ => sum,
    }
}
