//! Factorisations of `I + S Θ S` for every network of a batch.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Factorised, Precision, cholesky_of_shifted, cholesky_solve};

use crate::{
    factor::{Factor, Symmetric},
    workspace::Workspace,
};

/// Cholesky factors, one for each network.
pub(super) enum StackedFactor<B: Backend> {
    /// All factors at once, by the factorisation of the backend.
    Own(Factorised<B>),
    /// One factorisation after the other; `None` where it failed.
    Each(Vec<Option<Factor<B>>>),
}

impl<B: Backend> StackedFactor<B> {
    /// # Shapes
    /// `kernel`: `[r, m, m]`, `root`: `[r, m]` in float64
    pub(super) fn of(kernel: Tensor<B, 3>, root: &Tensor<B, 2>, workspace: &Workspace) -> Self {
        if let Some(own) = cholesky_of_shifted(kernel.clone(), root.clone()) {
            return Self::Own(own);
        }
        let [r, m] = root.dims();
        let factor = |k: usize| {
            let root = root.clone().narrow(0, k, 1).reshape([m]);
            let kernel = kernel.clone().narrow(0, k, 1).reshape([m, m]);
            Symmetric::weighted(kernel, &root, workspace).cholesky_of_shifted(1.0)
        };
        Self::Each((0..r).map(factor).collect())
    }

    /// `(I + S Θ S)⁻¹ v`, `[r, m]` in float64; meaningless for a network without a factor.
    pub(super) fn solve(&self, v: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::Own(Factorised { factors, .. }) => cholesky_solve(factors, v),
            Self::Each(factors) => {
                let [_, m] = v.dims();
                let solved = factors.iter().enumerate().map(|(k, factor)| {
                    let right = v.clone().narrow(0, k, 1);
                    match factor {
                        Some(factor) => factor.solve(right.reshape([m])).reshape([1, m]),
                        None => right,
                    }
                });
                Tensor::cat(solved.collect(), 0)
            }
        }
    }

    /// Not zero for a network without a factor, `[r]` in float64.
    pub(super) fn failed(&self, device: &B::Device) -> Tensor<B, 1> {
        match self {
            Self::Own(Factorised { failed_at, .. }) => failed_at.clone().cast(DType::F64),
            Self::Each(factors) => {
                let failed = |factor: &Option<_>| f64::from(u8::from(factor.is_none()));
                let failed: Vec<f64> = factors.iter().map(failed).collect();
                Precision::F64.vector(&failed, device)
            }
        }
    }
}
