//! Factorisations where the tensors are, for backends that have them.

use burn_tensor::{Tensor, backend::Backend};

use crate::{dispatch::operations, operations::Factorised};

/// Whether a backend has factorisations of its own: LibTorch has.
pub fn factorises<B: Backend>() -> bool {
    operations::<B>().factorises()
}

/// The Cholesky factors of `I + diag(root) M diag(root)` for a stack of symmetric matrices, in
/// float64, made where the tensors are; `None` for a backend that has no factorisations of
/// its own, see [`factorises`].
///
/// # Shapes
/// `m`: `[r, n, n]`, of which the lower triangle is read; `root`: `[r, n]`
pub fn cholesky_of_shifted<B: Backend>(
    m: Tensor<B, 3>,
    root: Tensor<B, 2>,
) -> Option<Factorised<B>> {
    operations::<B>().cholesky_of_shifted(m, root)
}

/// `(L Lᵀ)⁻¹ v` for the factors that [`cholesky_of_shifted`] made.
///
/// # Shapes
/// `factors`: `[r, n, n]`, `right`: `[r, n]`, and so is what comes back.
///
/// # Panics
/// For a backend that makes no factors.
pub fn cholesky_solve<B: Backend>(factors: &Tensor<B, 3>, right: Tensor<B, 2>) -> Tensor<B, 2> {
    operations::<B>().cholesky_solve(factors, right)
}
