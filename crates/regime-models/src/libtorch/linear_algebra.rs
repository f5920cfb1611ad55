//! Cholesky factors, by cuSOLVER on a GPU and by MKL on a CPU.

use burn_tch::LibTorch;
use burn_tensor::Tensor;
use tch::Kind;

use super::raw::{handle, owned};
use crate::operations::Factorised;

/// As [`Operations::cholesky_of_shifted`](crate::operations::Operations::cholesky_of_shifted).
pub(super) fn cholesky_of_shifted(
    m: Tensor<LibTorch, 3>,
    root: Tensor<LibTorch, 2>,
) -> Factorised<LibTorch> {
    let root = handle(root).to_kind(Kind::Double);
    let mut a = handle(m).to_kind(Kind::Double) * root.unsqueeze(2);
    let a = a.g_mul_(&root.unsqueeze(1));
    let _ = a.diagonal(0, 1, 2).g_add_scalar_(1.0);
    let (factors, failed_at) = a.linalg_cholesky_ex(false, false);
    Factorised { factors: owned(factors), failed_at: owned(failed_at.to_kind(Kind::Double)) }
}

/// As [`Operations::cholesky_solve`](crate::operations::Operations::cholesky_solve).
pub(super) fn cholesky_solve(
    factors: &Tensor<LibTorch, 3>,
    right: Tensor<LibTorch, 2>,
) -> Tensor<LibTorch, 2> {
    let right = handle(right);
    let kind = right.kind();
    let columns = right.to_kind(Kind::Double).unsqueeze(2);
    let solution = columns.cholesky_solve(&handle(factors.clone()), false);
    owned(solution.squeeze_dim(2).to_kind(kind))
}
