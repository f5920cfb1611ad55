use burn_tensor::{Tensor, backend::Backend};

use crate::{Alpha, Network};

/// `F = α (f − f₀)` on a fixed set of points.
///
/// `f₀ = f(w₀, x)` is stored, so `F` vanishes exactly at `w₀` for every α.
/// Subtracting `f₀` changes no derivative: the tangent kernel of `F` is `α²` times
/// the tangent kernel of `f`.
///
/// # Shapes
/// `n` points; every output is `[n]`.
#[derive(Debug, Clone)]
pub struct Scaled<B: Backend> {
    alpha: Alpha,
    f0: Tensor<B, 1>,
}

impl<B: Backend> Scaled<B> {
    /// Computes and stores the outputs of `net` at the initial weights `w0`.
    pub fn at<N: Network<B>>(net: &N, w0: &Tensor<B, 1>, x: &Tensor<B, 2>, alpha: Alpha) -> Self {
        Self { alpha, f0: net.forward(w0, x) }
    }

    /// α.
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The initial outputs `f₀`, `[n]`.
    pub fn initial(&self) -> Tensor<B, 1> {
        self.f0.clone()
    }

    /// `F` from the bare outputs `f`, both `[n]`.
    pub fn output(&self, f: Tensor<B, 1>) -> Tensor<B, 1> {
        (f - self.f0.clone()).mul_scalar(self.alpha.value())
    }
}
