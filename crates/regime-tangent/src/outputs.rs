//! Kernels of functions with several outputs.
//!
//! A function with `K` outputs has `K` tapes, one per output, on the same points and with
//! the same parameters.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Tape;

use crate::gram::{cross_kernel, kernel};

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
/// It computes `K` kernels and `K (K − 1)/2` cross-kernels.
///
/// # Shapes
/// `[nK, nK]`, symmetric to the bit.
///
/// # Panics
/// For no tapes, and for tapes on different points.
pub fn full_kernel<B: Backend, T: Tape<B>>(tapes: &[T]) -> Tensor<B, 2> {
    symmetric_blocks(tapes.len(), |k, l| match k == l {
        true => kernel(&tapes[k]),
        false => cross_kernel(&tapes[k], &tapes[l]),
    })
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
    let rows = a.iter().map(|a| {
        let blocks = b.iter().map(|b| cross_kernel(a, b));
        Tensor::cat(blocks.collect(), 1)
    });
    Tensor::cat(rows.collect(), 0)
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

/// A symmetric matrix from the blocks of its upper triangle. The blocks on the diagonal must
/// be symmetric.
pub(crate) fn symmetric_blocks<B: Backend>(
    n_blocks: usize,
    block: impl Fn(usize, usize) -> Tensor<B, 2>,
) -> Tensor<B, 2> {
    let mut rows: Vec<Vec<Tensor<B, 2>>> = Vec::with_capacity(n_blocks);
    for k in 0..n_blocks {
        let mut row: Vec<Tensor<B, 2>> = (0..k).map(|l| rows[l][k].clone().transpose()).collect();
        row.extend((k..n_blocks).map(|l| block(k, l)));
        rows.push(row);
    }
    Tensor::cat(rows.into_iter().map(|row| Tensor::cat(row, 1)).collect(), 0)
}
