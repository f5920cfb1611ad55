//! Derivatives of a function by central differences.

use ndarray::{Array1, Array2, ArrayView1};
use regime_models::Precision;

use super::compare::largest;

/// The accuracy of a derivative from differences, relative to the largest entry.
pub(super) fn accuracy(precision: Precision) -> f64 {
    match precision {
        Precision::F64 => 1e-6,
        Precision::F32 => 2e-2,
    }
}

/// A function of parameters, `f: [P] → [n]`.
pub(super) struct Function<F> {
    pub(super) f: F,
    /// Number of outputs.
    pub(super) n: usize,
    /// The precision in which it is evaluated.
    pub(super) precision: Precision,
}

/// The product `J v`, from `f(w ± εv)`.
pub(super) fn along<F: Fn(ArrayView1<'_, f64>) -> Array1<f64>>(
    function: &Function<F>,
    w: ArrayView1<'_, f64>,
    v: ArrayView1<'_, f64>,
) -> Array1<f64> {
    let longest = largest(&v);
    if longest == 0.0 {
        return Array1::zeros(function.n);
    }
    let unit = v.mapv(|v| v / longest);
    let slope = derivative(|e| (function.f)((&w + &(&unit * e)).view()), function.precision);
    slope * longest
}

/// The Jacobian `J`, `[n, P]`, parameter by parameter.
pub(super) fn jacobian<F: Fn(ArrayView1<'_, f64>) -> Array1<f64>>(
    function: &Function<F>,
    w: ArrayView1<'_, f64>,
) -> Array2<f64> {
    let mut moved = w.to_owned();
    let mut jacobian = Array2::zeros((function.n, w.len()));
    for (p, mut column) in jacobian.columns_mut().into_iter().enumerate() {
        let slope = derivative(
            |e| {
                moved[p] = w[p] + e;
                (function.f)(moved.view())
            },
            function.precision,
        );
        column.assign(&slope);
        moved[p] = w[p];
    }
    jacobian
}

/// The derivative of a curve at 0, for a curve that varies over arguments of order one.
///
/// In float64 the step is shortened until two results agree, because a long step may cross a
/// kink.
pub(super) fn derivative(
    mut curve: impl FnMut(f64) -> Array1<f64>,
    precision: Precision,
) -> Array1<f64> {
    let mut central = |e: f64| (curve(e) - curve(-e)) / (2.0 * e);
    let first = match precision {
        Precision::F64 => 1e-5,
        Precision::F32 => return central(5e-3),
    };
    let mut before = central(first);
    for shorter in [8.0, 64.0, 512.0] {
        let slope = central(first / shorter);
        let change = largest(&(&slope - &before));
        before = slope;
        if change <= 1e-7 * largest(&before) {
            break;
        }
    }
    before
}
