//! The paper's activation in as few passes as LibTorch allows.

use burn_tch::LibTorch;
use burn_tensor::Tensor;

use super::raw::{handle, owned};

/// `gain · ln(1 + e^{βz})/β`: three passes at most.
///
/// LibTorch's `softplus` is not used: through `tch` its threshold is 20, and beyond it the term
/// `ln(1 + e⁻²⁰)` is lost, a relative error of about 10⁻¹⁰.
pub(super) fn softplus(beta: f64, gain: f64, z: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
    owned(of_scaled(&scaled(z, beta), gain / beta))
}

/// As [`softplus`], with its slope, `gain/(1 + e^{−βz})`: five passes, or two if β and the gain
/// are 1.
pub(super) fn softplus_and_slope(
    beta: f64,
    gain: f64,
    z: Tensor<LibTorch, 2>,
) -> (Tensor<LibTorch, 2>, Tensor<LibTorch, 2>) {
    let scaled = scaled(z, beta);
    let value = of_scaled(&scaled, gain / beta);
    let mut slope = scaled.sigmoid();
    if gain != 1.0 {
        slope = slope.g_mul_scalar_(gain);
    }
    (owned(value), owned(slope))
}

/// `βz`, which may share memory with `z` and must not be modified.
fn scaled(z: Tensor<LibTorch, 2>, beta: f64) -> tch::Tensor {
    let z = handle(z);
    if beta == 1.0 { z } else { z * beta }
}

/// `c · ln(1 + eˣ)`
fn of_scaled(x: &tch::Tensor, c: f64) -> tch::Tensor {
    let zero = tch::Tensor::zeros(1i64, (x.kind(), x.device()));
    let mut value = x.logaddexp(&zero);
    if c == 1.0 { value } else { value.g_mul_scalar_(c) }
}
