//! The dimension of a set of points, from the distances to their nearest neighbours.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::{Accuracy, AnalysisError, HostMatrix, host::symmetric};

/// An estimate of dimension from two nearest neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoNn {
    /// The intrinsic dimension.
    pub dimension: f64,
    /// Points whose ratio of distances is in the fit.
    pub n_fitted: usize,
    /// Points that were left out because they equal another point, up to rounding in the
    /// kernel.
    pub n_duplicates: usize,
}

/// The intrinsic dimension of points from the distances
/// `d²(x, x') = K(x, x) + K(x', x') − 2K(x, x')` between their features.
///
/// The estimate uses the ratio `μ` of the distances to the second and to the first
/// neighbour. On a `d`-dimensional set with a density that varies little over these
/// distances, `P(μ > m) = m^{−d}`. The estimate is the slope of `−ln(1 − F)` against
/// `ln μ` through the origin. The fraction `discard`, in [0, 1), of the largest ratios is
/// left out (the reference takes 0.1; the largest ratio is never fitted). About `n²`
/// operations. The statistical error is about `d/√n`; borders and curvature bias the
/// estimate downwards when d is large for n.
///
/// The features have the dimension of the points when the kernel is smooth at `x = x'`.
/// If the kernel has a kink there, as the tangent kernel of infinitely wide ReLU nets, the
/// distance of two features grows as the *square root* of the distance of the points, and
/// the estimate is twice the dimension of the points.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not
/// finite, for `discard` outside of its range, for fewer than three different points,
/// and when both neighbours of every point are equally far.
///
/// # Reference
/// E. Facco, M. d'Errico, A. Rodriguez, A. Laio, "Estimating the intrinsic dimension
/// of datasets by a minimal neighborhood information", Scientific Reports 7, 12140
/// (2017).
pub fn two_nn<'a>(kernel: impl HostMatrix<'a>, discard: f64) -> Result<TwoNn, AnalysisError> {
    two_nn_with(kernel, discard, Accuracy::default())
}

/// As [`two_nn`], for a kernel whose entries have a larger error than rounding: points whose
/// distance this error explains count as equal.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// As for [`two_nn`].
pub fn two_nn_with<'a>(
    kernel: impl HostMatrix<'a>,
    discard: f64,
    accuracy: Accuracy,
) -> Result<TwoNn, AnalysisError> {
    let kernel = symmetric(kernel)?;
    if !(0.0..1.0).contains(&discard) {
        let wanted = "at least 0 and below 1";
        return Err(AnalysisError::Value { what: "the discarded part", value: discard, wanted });
    }
    let kernel = kernel.view();
    let points = different_points(kernel, accuracy);
    let n = points.len();
    if n < 3 {
        let (what, wanted) = ("the number of different points", "at least 3");
        return Err(AnalysisError::Value { what, value: n as f64, wanted });
    }
    let mut ratios: Vec<f64> = points.iter().map(|&i| log_ratio(kernel, &points, i)).collect();
    ratios.sort_by(f64::total_cmp);
    let n_fitted = (((1.0 - discard) * n as f64) as usize).clamp(1, n - 1);
    let (mut products, mut squares) = (0.0, 0.0);
    for (i, x) in ratios[..n_fitted].iter().enumerate() {
        let not_above = (i + 1) as f64 / n as f64;
        products -= x * (-not_above).ln_1p();
        squares += x * x;
    }
    if squares == 0.0 {
        let what = "the logarithm of the ratio of the distances to two neighbours";
        return Err(AnalysisError::Vanishes { what });
    }
    let dimension = products / squares;
    if !dimension.is_finite() {
        let what = "the dimension is";
        return Err(AnalysisError::NotFinite { what, row: 0, column: 0, value: dimension });
    }
    Ok(TwoNn { dimension, n_fitted, n_duplicates: kernel.nrows() - n })
}

/// One point of every group of equal points.
fn different_points(kernel: ArrayView2<'_, f64>, accuracy: Accuracy) -> Vec<usize> {
    let mut points: Vec<usize> = Vec::new();
    for i in 0..kernel.nrows() {
        let same = |&j: &usize| {
            let rounding = accuracy.of_squared_distance(kernel[[i, i]], kernel[[j, j]]);
            squared_distance(kernel, i, j) <= rounding
        };
        if !points.iter().any(same) {
            points.push(i);
        }
    }
    points
}

/// `ln μ` of a point.
fn log_ratio(kernel: ArrayView2<'_, f64>, points: &[usize], i: usize) -> f64 {
    let (mut first, mut second) = (f64::INFINITY, f64::INFINITY);
    for &j in points.iter().filter(|&&j| j != i) {
        let d = squared_distance(kernel, i, j);
        if d < first {
            (first, second) = (d, first);
        } else if d < second {
            second = d;
        }
    }
    0.5 * (second / first).ln()
}

fn squared_distance(kernel: ArrayView2<'_, f64>, i: usize, j: usize) -> f64 {
    kernel[[i, i]] + kernel[[j, j]] - 2.0 * kernel[[i, j]]
}
