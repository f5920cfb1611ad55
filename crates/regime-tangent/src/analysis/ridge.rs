//! Kernel ridge regression for a single ridge.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::{
    AnalysisError, FactorReport, HostMatrix, factorise,
    host::{finite, labels, symmetric, vector},
};

/// A fitted function `F(x) = F₀(x) + Σ_i a_i K(x, x_i)`, with a report of the solver.
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeFit {
    /// The dual coefficients `a`, `[n]`.
    pub coefficients: Array1<f64>,
    /// The ridge `λ`.
    pub ridge: f64,
    /// The factorisation of `K + λ`.
    pub report: FactorReport,
}

impl RidgeFit {
    /// The function on other points, by [`predict`].
    ///
    /// # Errors
    /// As for [`predict`].
    pub fn predict<'a>(
        &self,
        cross: impl HostMatrix<'a>,
        initial: Option<ArrayView1<'_, f64>>,
    ) -> Result<Array1<f64>, AnalysisError> {
        predict(cross, self.coefficients.view(), initial)
    }
}

/// Kernel ridge regression: the function `F₀ + g` that minimises
///
/// ```text
/// ½ Σ_i (y_i − F(x_i))² + ½ λ ‖g‖²        a = (K + λ)⁻¹ (y − F₀)
/// ```
///
/// with the norm of the kernel's Hilbert space. With the mean instead of the sum of the
/// squares, the same function has the ridge `λ/n`. For many ridges, for λ → 0 and for
/// times of the gradient flow, use [`Regression`](super::Regression), which decomposes the
/// kernel once; for several targets and for variances, use
/// [`KernelRegression`](super::KernelRegression).
///
/// # Shapes
/// `kernel`: `[n, n]`; `y` and `initial`, the values `F₀(x_i)` (`None`: 0): `[n]`
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not
/// finite, for labels or initial values that are not finite or of the wrong number, and for
/// a ridge that is not positive and finite.
pub fn ridge<'a>(
    kernel: impl HostMatrix<'a>,
    y: ArrayView1<'_, f64>,
    initial: Option<ArrayView1<'_, f64>>,
    ridge: f64,
) -> Result<RidgeFit, AnalysisError> {
    let kernel = symmetric(kernel)?;
    let left = residual_labels(y, initial, kernel.nrows())?;
    if !(ridge.is_finite() && ridge > 0.0) {
        return Err(ridge_of(ridge, "positive and finite"));
    }
    let mut regularised: Array2<f64> = kernel.into_owned();
    regularised.diag_mut().mapv_inplace(|d| d + ridge);
    let factorisation = factorise(&regularised)?;
    let coefficients = factorisation.solve_vector(left.view())?;
    Ok(RidgeFit { coefficients, ridge, report: factorisation.report() })
}

/// The function `F(x) = F₀(x) + Σ_i a_i K(x, x_i)` on `m` points.
///
/// # Shapes
/// `cross`: the kernel between these points and the `n` fitted points, `[m, n]`;
/// `coefficients`: `[n]`; `initial`, the values `F₀(x)` (`None`: 0), and the result:
/// `[m]`
///
/// # Errors
/// [`AnalysisError`] for numbers of points that do not match, and for values that are not
/// finite.
pub fn predict<'a>(
    cross: impl HostMatrix<'a>,
    coefficients: ArrayView1<'_, f64>,
    initial: Option<ArrayView1<'_, f64>>,
) -> Result<Array1<f64>, AnalysisError> {
    let cross = cross.into_host();
    finite("the kernel is", cross.view())?;
    vector("number of coefficients", "a coefficient is", coefficients, cross.ncols())?;
    let mut predicted = cross.dot(&coefficients);
    if let Some(initial) = initial {
        vector("number of initial values", "an initial value is", initial, cross.nrows())?;
        predicted += &initial;
    }
    finite("a prediction is", predicted.view().insert_axis(Axis(1)))?;
    Ok(predicted)
}

/// `y − F₀`, checked.
pub(super) fn residual_labels(
    y: ArrayView1<'_, f64>,
    initial: Option<ArrayView1<'_, f64>>,
    n: usize,
) -> Result<Array1<f64>, AnalysisError> {
    labels(y, n)?;
    let Some(initial) = initial else { return Ok(y.to_owned()) };
    vector("number of initial values", "an initial value is", initial, n)?;
    Ok(&y - &initial)
}

pub(super) fn ridge_of(value: f64, wanted: &'static str) -> AnalysisError {
    AnalysisError::Value { what: "the ridge", value, wanted }
}
