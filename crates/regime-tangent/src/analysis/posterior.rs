//! Kernel regression with a ridge for several targets, and the variance of its predictions.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::{
    Accuracy, AnalysisError, FactorReport, Factorisation, HostMatrix, factorise_with,
    host::{finite, symmetric, vector},
    ridge::ridge_of,
};

/// Kernel regression of `K` targets with one kernel and one ridge, factorised once.
///
/// The prediction at points `x` with the kernel `k` to the `n` training points is
///
/// ```text
/// F(x) = F₀(x) + k (K + λ)⁻¹ (Y − F₀)
/// ```
///
/// The ridge `λ` is added to the diagonal as it is; it is *not* multiplied by `n`. It is the
/// variance of independent Gaussian noise of the targets. For a loss that is the mean and not the
/// sum of the squares, the same function has the ridge `λ/n`.
///
/// With `λ = 0` and a singular kernel, the inverse is the pseudo-inverse: labels outside of the
/// range of the kernel are not fitted.
///
/// ```
/// use ndarray::array;
/// use regime_tangent::analysis::{Accuracy, KernelRegression};
///
/// let kernel = array![[1.0, 0.5], [0.5, 1.0]];
/// let targets = array![[1.0, 0.0], [0.0, 1.0]];
/// let fit = KernelRegression::fit(&kernel, targets.view(), None, 0.0, Accuracy::default())?;
/// // A point in the middle, with the kernel 0.75 to both training points.
/// let cross = array![[0.75, 0.75]];
/// assert!((fit.predict(&cross, None)?[[0, 1]] - 0.5).abs() < 1e-15);
/// assert!((fit.posterior_variance(&cross, array![1.0].view())?[0] - 0.25).abs() < 1e-15);
/// # Ok::<(), regime_tangent::analysis::AnalysisError>(())
/// ```
///
/// With the full kernel of several outputs, `[nK, nK]`, the targets are one column, `[nK, 1]`, output by
/// output; columns of targets are for outputs that share one kernel `[n, n]`.
///
/// # Reference
/// C. E. Rasmussen, C. K. I. Williams, "Gaussian processes for machine learning" (2006), equations
/// 2.22 to 2.24.
#[derive(Debug, Clone)]
pub struct KernelRegression {
    factorisation: Factorisation,
    coefficients: Array2<f64>,
    ridge: f64,
}

/// The kernel of a Gaussian process between training points and `m` test points: for networks,
/// the covariance of the outputs at initialisation (NNGP).
#[derive(Debug, Clone, Copy)]
pub struct GaussianProcess<'a> {
    /// On the training points, `[n, n]`.
    pub train: ArrayView2<'a, f64>,
    /// Between test points (rows) and training points, `[m, n]`.
    pub test_train: ArrayView2<'a, f64>,
    /// On the test points, `[m, m]`.
    pub test: ArrayView2<'a, f64>,
}

impl KernelRegression {
    /// Fits the targets.
    ///
    /// `accuracy` decides which directions of a nearly singular `K + λ` count as 0.
    ///
    /// # Shapes
    /// `kernel`: `[n, n]`; `targets` and `initial`, the values `F₀(x_i)` (`None`: 0): `[n, K]`
    ///
    /// # Errors
    /// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not finite, for
    /// targets or initial values that are not finite or of the wrong number, and for a ridge that
    /// is negative or not finite.
    pub fn fit<'a>(
        kernel: impl HostMatrix<'a>,
        targets: ArrayView2<'_, f64>,
        initial: Option<ArrayView2<'_, f64>>,
        ridge: f64,
        accuracy: Accuracy,
    ) -> Result<Self, AnalysisError> {
        let kernel = symmetric(kernel)?;
        let n = kernel.nrows();
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(ridge_of(ridge, "at least 0 and finite"));
        }
        rows("number of rows of the targets", "a target is", targets, n)?;
        let left = minus(targets, initial, n)?;
        let mut regularised: Array2<f64> = kernel.into_owned();
        regularised.diag_mut().mapv_inplace(|d| d + ridge);
        let factorisation = factorise_with(&regularised, accuracy)?;
        let coefficients = factorisation.solve(left.view())?;
        Ok(Self { factorisation, coefficients, ridge })
    }

    /// The dual coefficients `(K + λ)⁻¹ (Y − F₀)`, `[n, K]`.
    pub fn coefficients(&self) -> ArrayView2<'_, f64> {
        self.coefficients.view()
    }

    /// The ridge `λ`.
    pub fn ridge(&self) -> f64 {
        self.ridge
    }

    /// The factorisation of `K + λ`.
    pub fn report(&self) -> FactorReport {
        self.factorisation.report()
    }

    /// The posterior mean at `m` points.
    ///
    /// # Shapes
    /// `cross`: between these points and the training points, `[m, n]`; `initial` (`None`: 0) and
    /// the result: `[m, K]`
    ///
    /// # Errors
    /// [`AnalysisError`] for numbers of points that do not match, and for values that are not
    /// finite.
    pub fn predict<'a>(
        &self,
        cross: impl HostMatrix<'a>,
        initial: Option<ArrayView2<'_, f64>>,
    ) -> Result<Array2<f64>, AnalysisError> {
        let cross = cross.into_host();
        self.check_cross(cross.view())?;
        let mut predicted = cross.dot(&self.coefficients);
        if let Some(initial) = initial {
            let what = "number of rows of the initial values";
            rows(what, "an initial value is", initial, cross.nrows())?;
            columns(initial, self.coefficients.ncols())?;
            predicted += &initial;
        }
        finite("a prediction is", predicted.view())?;
        Ok(predicted)
    }

    /// The weights `A = k (K + λ)⁻¹` of the training points in the predictions,
    /// `F = F₀ + A (Y − F₀)`.
    ///
    /// # Shapes
    /// `cross`: `[m, n]` → `[m, n]`
    ///
    /// # Errors
    /// As for [`predict`](Self::predict).
    pub fn weights<'a>(&self, cross: impl HostMatrix<'a>) -> Result<Array2<f64>, AnalysisError> {
        let cross = cross.into_host();
        self.check_cross(cross.view())?;
        Ok(self.factorisation.solve(cross.t())?.reversed_axes())
    }

    /// The posterior covariance `k** − k (K + λ)⁻¹ kᵀ` of a Gaussian process with this kernel
    /// (NNGP), without the noise of a new target. It is the same for each of the targets.
    ///
    /// # Shapes
    /// `cross`: `[m, n]`; `prior`, the kernel `k**` on these points, and the result: `[m, m]`
    ///
    /// # Errors
    /// As for [`predict`](Self::predict).
    pub fn posterior_covariance<'a, 'b>(
        &self,
        cross: impl HostMatrix<'a>,
        prior: impl HostMatrix<'b>,
    ) -> Result<Array2<f64>, AnalysisError> {
        let (cross, prior) = (cross.into_host(), symmetric(prior)?);
        points("number of rows of the prior", prior.nrows(), cross.nrows())?;
        let covariance = &prior - &self.weights(cross.view())?.dot(&cross.t());
        Ok(symmetrised(covariance.view()))
    }

    /// The diagonal of [`posterior_covariance`](Self::posterior_covariance); a negative value, by
    /// rounding, is returned as 0.
    ///
    /// # Shapes
    /// `cross`: `[m, n]`; `prior`, the values `k(x, x)`, and the result: `[m]`
    ///
    /// # Errors
    /// As for [`predict`](Self::predict).
    pub fn posterior_variance<'a>(
        &self,
        cross: impl HostMatrix<'a>,
        prior: ArrayView1<'_, f64>,
    ) -> Result<Array1<f64>, AnalysisError> {
        let cross = cross.into_host();
        vector("number of prior variances", "a prior variance is", prior, cross.nrows())?;
        let explained = (self.weights(cross.view())? * &cross).sum_axis(ndarray::Axis(1));
        let variance = &prior - &explained;
        Ok(variance.mapv(|v| if v < 0.0 { 0.0 } else { v }))
    }

    fn check_cross(&self, cross: ArrayView2<'_, f64>) -> Result<(), AnalysisError> {
        finite("the kernel is", cross)?;
        points("number of columns of the kernel", cross.ncols(), self.report().n_points)
    }
}

/// The covariance of predictions `F₀ + A (Y − F₀)` over initialisations `F₀` with the covariance
/// `prior`: for an ensemble of wide networks, `A` is the weight of each training point in the
/// prediction of the tangent kernel, and `prior` is the NNGP kernel,
///
/// ```text
/// K** + A K Aᵀ − A K*ᵀ − K* Aᵀ
/// ```
///
/// [`KernelRegression::weights`] gives `A` after training (with a ridge or without), and
/// [`Regression::flow_weights`](super::Regression::flow_weights) at a time `t`. The mean of the
/// ensemble is `A Y`. If `A` comes from the NNGP kernel without a
/// ridge, this is the posterior covariance.
///
/// # Shapes
/// `weights`: `[m, n]`; result: `[m, m]`, symmetric to the bit
///
/// # Errors
/// [`AnalysisError`] for shapes that do not match, and for values that are not finite.
///
/// # Reference
/// Lee, Xiao, Schoenholz, Bahri, Novak, Sohl-Dickstein, Pennington, arXiv 1902.06720, equations 15
/// and 16.
pub fn ensemble_covariance(
    weights: ArrayView2<'_, f64>,
    prior: GaussianProcess<'_>,
) -> Result<Array2<f64>, AnalysisError> {
    finite("a weight is", weights)?;
    let (m, n) = weights.dim();
    let (train, test) = (symmetric(prior.train)?, symmetric(prior.test)?);
    finite("the kernel is", prior.test_train)?;
    points("number of training points of the prior", train.nrows(), n)?;
    points("number of test points of the prior", test.nrows(), m)?;
    points("number of rows of the prior's cross-kernel", prior.test_train.nrows(), m)?;
    points("number of columns of the prior's cross-kernel", prior.test_train.ncols(), n)?;
    let moved = weights.dot(&prior.test_train.t());
    let covariance = &test + &weights.dot(&*train).dot(&weights.t()) - &moved - moved.t();
    finite("a covariance is", covariance.view())?;
    Ok(symmetrised(covariance.view()))
}

fn symmetrised(matrix: ArrayView2<'_, f64>) -> Array2<f64> {
    super::host::symmetric_part(matrix)
}

fn points(what: &'static str, found: usize, expected: usize) -> Result<(), AnalysisError> {
    if found == expected { Ok(()) } else { Err(AnalysisError::Length { what, expected, found }) }
}

/// Checks that a matrix has a row per point and is finite.
fn rows(
    lengths: &'static str,
    values: &'static str,
    matrix: ArrayView2<'_, f64>,
    n: usize,
) -> Result<(), AnalysisError> {
    points(lengths, matrix.nrows(), n)?;
    finite(values, matrix)
}

fn columns(initial: ArrayView2<'_, f64>, expected: usize) -> Result<(), AnalysisError> {
    points("number of columns of the initial values", initial.ncols(), expected)
}

/// `Y − F₀`, checked.
fn minus(
    targets: ArrayView2<'_, f64>,
    initial: Option<ArrayView2<'_, f64>>,
    n: usize,
) -> Result<Array2<f64>, AnalysisError> {
    let Some(initial) = initial else { return Ok(targets.to_owned()) };
    rows("number of rows of the initial values", "an initial value is", initial, n)?;
    columns(initial, targets.ncols())?;
    Ok(&targets - &initial)
}
