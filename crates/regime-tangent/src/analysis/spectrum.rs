//! Eigenvalues and eigenvectors of a kernel, and the components of labels along them.

use faer::Side;
use ndarray::{Array1, Array2, ArrayView1};

use super::{
    AnalysisError, HostMatrix,
    host::{eigen, labels, symmetric, to_faer, unit},
};

/// Eigenvalues `λ₁ ≥ λ₂ ≥ …` of a kernel with their eigenvectors: all `n`, or the
/// leading `k`.
///
/// # Shapes
/// `eigenvalues`: `[k]`; `eigenvectors`: `[n, k]`, one per column, orthonormal. The sign of
/// each makes its component of largest magnitude positive. In the eigenspace of a multiple
/// eigenvalue the vectors are arbitrary.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Largest first.
    pub eigenvalues: Array1<f64>,
    /// In the same order, as columns.
    pub eigenvectors: Array2<f64>,
}

impl Spectrum {
    /// The full spectrum, about `10 n³` multiply-adds and `3n²` numbers.
    ///
    /// # Errors
    /// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not
    /// finite, or when the iteration does not converge.
    pub fn of<'a>(kernel: impl HostMatrix<'a>) -> Result<Self, AnalysisError> {
        let (eigenvalues, eigenvectors) = eigen(symmetric(kernel)?.view())?;
        Ok(Self { eigenvalues, eigenvectors })
    }

    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        self.eigenvectors.nrows()
    }

    /// The components `v_k · y` of labels along the eigenvectors, `[k]`.
    ///
    /// # Errors
    /// [`AnalysisError`] for the wrong number of labels and for labels that are not finite.
    pub fn components(&self, y: ArrayView1<'_, f64>) -> Result<Array1<f64>, AnalysisError> {
        labels(y, self.n_points())?;
        Ok(self.eigenvectors.t().dot(&y))
    }

    /// The share of the labels along each eigenvector, `(v_k · y)²/‖y‖²`, `[k]`. The shares
    /// of a full spectrum add up to 1.
    ///
    /// # Errors
    /// As for [`components`](Self::components), and for labels that are all 0.
    pub fn shares(&self, y: ArrayView1<'_, f64>) -> Result<Array1<f64>, AnalysisError> {
        // The square of a large or small label may not be a float64.
        let y = unit(y, self.n_points())?;
        let (components, squared) = (self.components(y.view())?, y.dot(&y));
        Ok(components.mapv(|c| c * c / squared))
    }

    /// The sum of the shares of the first 1, 2, … eigenvectors, `[k]`.
    ///
    /// # Errors
    /// As for [`shares`](Self::shares).
    pub fn cumulative_shares(&self, y: ArrayView1<'_, f64>) -> Result<Array1<f64>, AnalysisError> {
        let mut shares = self.shares(y)?;
        shares.accumulate_axis_inplace(ndarray::Axis(0), |before, share| *share += before);
        Ok(shares)
    }

    /// The number of leading eigenvectors that hold the share `share` in (0, 1] of the
    /// labels, up to rounding; `None` when the `k` vectors hold less.
    ///
    /// # Errors
    /// As for [`shares`](Self::shares), and for a share outside of its range.
    pub fn leading_for_share(
        &self,
        y: ArrayView1<'_, f64>,
        share: f64,
    ) -> Result<Option<usize>, AnalysisError> {
        if !(share > 0.0 && share <= 1.0) {
            let wanted = "above 0 and at most 1";
            return Err(AnalysisError::Value { what: "the share", value: share, wanted });
        }
        let enough = share - 4.0 * self.n_points() as f64 * f64::EPSILON;
        Ok(self.cumulative_shares(y)?.iter().position(|&held| held >= enough).map(|k| k + 1))
    }
}

/// The eigenvalues of a kernel, largest first, without the vectors: about `4n³/3`
/// multiply-adds.
///
/// # Shapes
/// `[n, n]` → `[n]`
///
/// # Errors
/// As for [`Spectrum::of`].
pub fn eigenvalues<'a>(kernel: impl HostMatrix<'a>) -> Result<Array1<f64>, AnalysisError> {
    let kernel = symmetric(kernel)?;
    let n = kernel.nrows();
    let mut values = to_faer(kernel.view())
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| AnalysisError::NoDecomposition { rows: n, columns: n })?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(AnalysisError::NoDecomposition { rows: n, columns: n });
    }
    values.reverse();
    Ok(values.into())
}
