//! The paper's activation in as few passes as LibTorch has for it.

use burn_tch::LibTorch;
use burn_tensor::Tensor;

use super::raw::{handle, owned};

/// `gain · ln(1 + e^{βz})/β`: three passes.
///
/// Not LibTorch's `softplus`: through `tch` its threshold is 20, from which on it forgets
/// `ln(1 + e⁻²⁰)`, some 10⁻¹⁰ of the value.
pub(super) fn softplus(beta: f64, gain: f64, z: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
    owned(of_scaled(&(handle(z) * beta), gain / beta))
}

/// The same and its slope, `gain/(1 + e^{−βz})`: five passes.
pub(super) fn softplus_and_slope(
    beta: f64,
    gain: f64,
    z: Tensor<LibTorch, 2>,
) -> (Tensor<LibTorch, 2>, Tensor<LibTorch, 2>) {
    let mut scaled = handle(z) * beta;
    let value = of_scaled(&scaled, gain / beta);
    let slope = scaled.sigmoid_().g_mul_scalar_(gain);
    (owned(value), owned(slope))
}

/// `c · ln(1 + eˣ)`
fn of_scaled(x: &tch::Tensor, c: f64) -> tch::Tensor {
    let zero = tch::Tensor::zeros(1i64, (x.kind(), x.device()));
    x.logaddexp(&zero).g_mul_scalar_(c)
}
