//! The error of a kernel's entries, and the eigenvalues that it may explain.

use ndarray::ArrayView2;

use super::{AnalysisError, HostMatrix, host::symmetric};

/// How accurate the entries of a kernel are. An eigenvalue that the error of the entries can
/// explain counts as 0: for the rank, for factors and for regression.
///
/// The default is for kernels that are exact up to rounding in float64.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    relative: f64,
}

impl Accuracy {
    /// Entries with an error of at most `relative · √(K_ii K_jj)`, in addition to rounding in
    /// float64: 10⁻¹² for the series of infinite width, 10⁻⁷ for a kernel computed in float32.
    ///
    /// # Errors
    /// [`AnalysisError::Value`] for an error outside of [0, 1).
    pub fn of_entries(relative: f64) -> Result<Self, AnalysisError> {
        if (0.0..1.0).contains(&relative) {
            return Ok(Self { relative });
        }
        let (what, wanted) = ("the relative error of the kernel", "at least 0 and below 1");
        Err(AnalysisError::Value { what, value: relative, wanted })
    }

    /// The relative error of the entries in addition to rounding.
    pub fn relative_error(self) -> f64 {
        self.relative
    }

    /// A bound on the change of any eigenvalue by the error of the entries, without rounding:
    /// `‖E‖_F ≤ relative · tr K`.
    pub(super) fn noise(self, kernel: ArrayView2<'_, f64>) -> f64 {
        self.relative * kernel.diag().iter().filter(|d| **d > 0.0).sum::<f64>()
    }

    /// The largest `d² = K_ii + K_jj − 2K_ij` that the error of the entries explains.
    pub(super) fn of_squared_distance(self, k_ii: f64, k_jj: f64) -> f64 {
        (8.0 * f64::EPSILON + 2.0 * self.relative) * (k_ii.abs() + k_jj.abs())
    }
}

/// The pairs of points that are equal for the kernel: the distance of their features is not above
/// the error of the entries. About `n²` operations.
///
/// A kernel with such a pair is singular. Different labels of the two points cannot both be
/// fitted; [`Regression::not_fitted`](super::Regression::not_fitted) has the residuals.
///
/// # Shapes
/// `kernel`: `[n, n]`. The result has the pairs `[i, j]` with `i < j`.
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not finite.
pub fn equal_points<'a>(
    kernel: impl HostMatrix<'a>,
    accuracy: Accuracy,
) -> Result<Vec<[usize; 2]>, AnalysisError> {
    let kernel = symmetric(kernel)?;
    let mut pairs = Vec::new();
    for i in 0..kernel.nrows() {
        for j in i + 1..kernel.nrows() {
            let (k_ii, k_jj) = (kernel[[i, i]], kernel[[j, j]]);
            let squared = k_ii + k_jj - 2.0 * kernel[[i, j]];
            if squared <= accuracy.of_squared_distance(k_ii, k_jj) {
                pairs.push([i, j]);
            }
        }
    }
    Ok(pairs)
}
