//! Matrices out of rows: tensors below each other, and one vector as every row.

use burn_tensor::{Tensor, backend::Backend};

/// Tensors below each other, without a copy for a single one.
pub(crate) fn joined<B: Backend, const D: usize>(mut parts: Vec<Tensor<B, D>>) -> Tensor<B, D> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// The vector `b`, `[m]`, as each of `n` rows, by a product: adding it by broadcast
/// takes several times longer in float64 on Flex than product and addition.
pub(crate) fn rows_of<B: Backend>(b: Tensor<B, 1>, n: usize) -> Tensor<B, 2> {
    let ones = Tensor::ones([n, 1], (&b.device(), b.dtype()));
    ones.matmul(b.unsqueeze::<2>())
}
