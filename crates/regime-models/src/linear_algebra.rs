//! Factorisations on the device of the tensors, for backends that provide them.

use burn_tensor::{Tensor, backend::Backend};

use crate::{dispatch::operations, operations::Factorised};

/// Whether a backend provides factorisations. LibTorch does.
pub fn factorises<B: Backend>() -> bool {
    operations::<B>().factorises()
}

/// The Cholesky factors of `I + diag(root) M diag(root)` for a stack of symmetric matrices,
/// computed in float64 on the device of the tensors. Returns `None` for a backend without
/// factorisations, see [`factorises`].
///
/// # Shapes
/// `m`: `[r, n, n]`, of which the lower triangle is read; `root`: `[r, n]`
pub fn cholesky_of_shifted<B: Backend>(
    m: Tensor<B, 3>,
    root: Tensor<B, 2>,
) -> Option<Factorised<B>> {
    operations::<B>().cholesky_of_shifted(m, root)
}

/// The solution `(L Lᵀ)⁻¹ v` for the right-hand side `v` and the factors `L` of
/// [`cholesky_of_shifted`].
///
/// # Shapes
/// `factors`: `[r, n, n]`; `right` and the result: `[r, n]`
///
/// # Panics
/// For a backend without factorisations.
pub fn cholesky_solve<B: Backend>(factors: &Tensor<B, 3>, right: Tensor<B, 2>) -> Tensor<B, 2> {
    operations::<B>().cholesky_solve(factors, right)
}
