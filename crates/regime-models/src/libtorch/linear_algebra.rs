//! Cholesky factors, by cuSOLVER on a GPU and by MKL on a CPU.

use burn_tch::LibTorch;
use burn_tensor::Tensor;
use tch::Kind;

use super::raw::{handle, owned};
use crate::operations::Factorised;

/// Number of rows from which matrices are factorised one after the other: the batched routines of
/// cuSOLVER are made for small matrices.
const ONE_BY_ONE: i64 = 512;

/// As [`Operations::cholesky_of_shifted`](crate::operations::Operations::cholesky_of_shifted).
pub(super) fn cholesky_of_shifted(
    m: Tensor<LibTorch, 3>,
    root: Tensor<LibTorch, 2>,
) -> Factorised<LibTorch> {
    let root = handle(root).to_kind(Kind::Double);
    let mut a = handle(m).to_kind(Kind::Double) * root.unsqueeze(2);
    let a = a.g_mul_(&root.unsqueeze(1));
    let _ = a.diagonal(0, 1, 2).g_add_scalar_(1.0);
    let (factors, failed_at) = if one_by_one(&a) {
        let (factors, failed_at): (Vec<_>, Vec<_>) =
            (0..a.size()[0]).map(|k| a.narrow(0, k, 1).linalg_cholesky_ex(false, false)).unzip();
        (tch::Tensor::cat(&factors, 0), tch::Tensor::cat(&failed_at, 0))
    } else {
        a.linalg_cholesky_ex(false, false)
    };
    Factorised { factors: owned(factors), failed_at: owned(failed_at.to_kind(Kind::Double)) }
}

/// As [`Operations::cholesky_solve`](crate::operations::Operations::cholesky_solve).
pub(super) fn cholesky_solve(
    factors: &Tensor<LibTorch, 3>,
    right: Tensor<LibTorch, 2>,
) -> Tensor<LibTorch, 2> {
    let (factors, right) = (handle(factors.clone()), handle(right));
    let kind = right.kind();
    let columns = right.to_kind(Kind::Double).unsqueeze(2);
    let solution = if one_by_one(&factors) {
        let each = (0..factors.size()[0]).map(|k| {
            let [right, factor] = [&columns, &factors].map(|all| all.narrow(0, k, 1));
            right.cholesky_solve(&factor, false)
        });
        tch::Tensor::cat(&each.collect::<Vec<_>>(), 0)
    } else {
        columns.cholesky_solve(&factors, false)
    };
    owned(solution.squeeze_dim(2).to_kind(kind))
}

fn one_by_one(matrices: &tch::Tensor) -> bool {
    let size = matrices.size();
    size[0] > 1 && size[2] >= ONE_BY_ONE
}
