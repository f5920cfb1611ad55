//! Regression with a frozen kernel in closed form, for every ridge and every time.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::{
    Accuracy, AnalysisError, HostMatrix, Spectrum,
    host::{finite, symmetric},
    ridge::{residual_labels, ridge_of},
};

/// The regression of labels with a kernel, decomposed once: after that, the
/// coefficients `a` of `F(x) = F₀(x) + Σ_i a_i K(x, x_i)` (see
/// [`predict`](super::predict)) cost `n²` multiply-adds for any ridge and any time.
///
/// Eigenvalues of at most `cutoff` times the largest count as 0, and nothing is
/// learnt along their eigenvectors.
///
/// # Time
/// The flow is the gradient flow of the mean squared loss with a constant kernel,
///
/// ```text
/// L = 1/(2n) Σ_i (F(x_i) − y_i)²        dF/dt(x) = −(1/n) Σ_i Θ(x, x_i) (F(x_i) − y_i)
/// ```
///
/// For `F = α(f − f₀)` trained with `1/(α² n) Σ ℓ(u_i)`, labels ±1 and the loss
/// `ℓ(u) = ½(1 − u)²`, this is the lazy limit (α → ∞) at the same time `t`, if `Θ` is the
/// tangent kernel of `f` itself, without α.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    spectrum: Spectrum,
    /// `v_k · (y − F₀)`, `[n]`.
    components: Array1<f64>,
    /// Number of eigenvalues above the cutoff.
    rank: usize,
}

impl Regression {
    /// A regression with the cutoff `n ε`: eigenvalues that may be rounding count as 0.
    ///
    /// # Shapes
    /// `kernel`: `[n, n]`; `y` and `initial`, the values `F₀(x_i)` (`None`: 0): `[n]`
    ///
    /// # Errors
    /// As for [`with_cutoff`](Self::with_cutoff).
    pub fn new<'a>(
        kernel: impl HostMatrix<'a>,
        y: ArrayView1<'_, f64>,
        initial: Option<ArrayView1<'_, f64>>,
    ) -> Result<Self, AnalysisError> {
        let kernel = kernel.into_host();
        let cutoff = kernel.nrows() as f64 * f64::EPSILON;
        Self::decompose(kernel.view(), y, initial, cutoff)
    }

    /// A regression with a given cutoff in [0, 1), relative to the largest eigenvalue. For a
    /// kernel computed in float32, rounding gives eigenvalues of about `10⁻⁷ n`.
    ///
    /// # Shapes
    /// As for [`new`](Self::new).
    ///
    /// # Errors
    /// [`AnalysisError`] for a kernel that is empty, not square, not symmetric, not
    /// finite, or negative by more than the cutoff, for labels or initial values that are
    /// not finite or of the wrong number, and for a cutoff outside of its range.
    pub fn with_cutoff<'a>(
        kernel: impl HostMatrix<'a>,
        y: ArrayView1<'_, f64>,
        initial: Option<ArrayView1<'_, f64>>,
        cutoff: f64,
    ) -> Result<Self, AnalysisError> {
        if !(0.0..1.0).contains(&cutoff) {
            let wanted = "at least 0 and below 1";
            return Err(AnalysisError::Value { what: "the cutoff", value: cutoff, wanted });
        }
        Self::decompose(kernel, y, initial, cutoff)
    }

    /// A regression with a kernel whose entries have a larger error than rounding: nothing is
    /// learnt along an eigenvector whose eigenvalue the error explains. Then two equal points
    /// with different labels are fitted by the mean of the labels, and
    /// [`not_fitted`](Self::not_fitted) has the rest.
    ///
    /// # Shapes
    /// As for [`new`](Self::new).
    ///
    /// # Errors
    /// As for [`with_cutoff`](Self::with_cutoff).
    pub fn with_accuracy<'a>(
        kernel: impl HostMatrix<'a>,
        y: ArrayView1<'_, f64>,
        initial: Option<ArrayView1<'_, f64>>,
        accuracy: Accuracy,
    ) -> Result<Self, AnalysisError> {
        let kernel = symmetric(kernel)?;
        let noise = accuracy.noise(kernel.view());
        let cutoff = kernel.nrows() as f64 * f64::EPSILON;
        Self::new_above(Spectrum::of(kernel.view())?, y, initial, |largest| {
            cutoff * largest + noise
        })
    }

    fn decompose<'a>(
        kernel: impl HostMatrix<'a>,
        y: ArrayView1<'_, f64>,
        initial: Option<ArrayView1<'_, f64>>,
        cutoff: f64,
    ) -> Result<Self, AnalysisError> {
        Self::new_above(Spectrum::of(kernel)?, y, initial, |largest| cutoff * largest)
    }

    /// Eigenvalues of at most `nothing` of the largest one count as 0.
    fn new_above(
        spectrum: Spectrum,
        y: ArrayView1<'_, f64>,
        initial: Option<ArrayView1<'_, f64>>,
        nothing: impl Fn(f64) -> f64,
    ) -> Result<Self, AnalysisError> {
        let n = spectrum.n_points();
        let left = residual_labels(y, initial, n)?;
        let (largest, smallest) = (spectrum.eigenvalues[0], spectrum.eigenvalues[n - 1]);
        let nothing = nothing(largest.max(0.0));
        if smallest < -nothing {
            let cutoff = if largest > 0.0 { nothing / largest } else { 0.0 };
            return Err(AnalysisError::NotPositive { smallest, largest, cutoff });
        }
        let rank = spectrum.eigenvalues.iter().take_while(|&&l| l > nothing).count();
        let components = spectrum.components(left.view())?;
        Ok(Self { spectrum, components, rank })
    }

    /// The spectrum of the kernel.
    pub fn spectrum(&self) -> &Spectrum {
        &self.spectrum
    }

    /// Number of eigenvalues above the cutoff.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The coefficients of ridge regression, `(K + λ)⁻¹(y − F₀)` in the range of `K`, for a
    /// ridge `λ ≥ 0`. See [`ridge`](super::ridge) for the objective.
    ///
    /// # Errors
    /// [`AnalysisError`] for a ridge that is negative or not finite.
    pub fn ridge(&self, ridge: f64) -> Result<Array1<f64>, AnalysisError> {
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(ridge_of(ridge, "at least 0 and finite"));
        }
        Ok(self.coefficients(|l| 1.0 / (l + ridge)))
    }

    /// The coefficients of ridgeless regression, `K⁺(y − F₀)`: the limit λ → 0. Of all best
    /// fits to the labels, this function has the smallest change from `F₀`.
    pub fn ridgeless(&self) -> Array1<f64> {
        self.coefficients(f64::recip)
    }

    /// The residuals `y_i − F(x_i)` of ridgeless regression on the training points: the part of
    /// `y − F₀` along eigenvectors whose eigenvalues count as 0. It is 0 up to rounding for a
    /// kernel of full rank. An entry that is not small names a point whose label contradicts the
    /// others, as the label of an equal point ([`equal_points`](super::equal_points)).
    ///
    /// # Shapes
    /// `[n]`
    pub fn not_fitted(&self) -> Array1<f64> {
        let n = self.spectrum.n_points();
        let outside =
            Array1::from_shape_fn(n, |k| if k < self.rank { 0.0 } else { self.components[k] });
        self.spectrum.eigenvectors.dot(&outside)
    }

    /// The weights `A(t)` of the training points in the outputs at time `t ≥ 0` of the flow,
    /// `F(t) = F₀ + A(t) (y − F₀)`, for [`ensemble_covariance`](super::ensemble_covariance).
    ///
    /// # Shapes
    /// `cross`: the kernel between `m` points and the `n` training points, `[m, n]` → `[m, n]`
    ///
    /// # Errors
    /// [`AnalysisError`] for a time that is negative or not a number, and for a kernel of the
    /// wrong shape or that is not finite.
    pub fn flow_weights<'a>(
        &self,
        cross: impl HostMatrix<'a>,
        t: f64,
    ) -> Result<Array2<f64>, AnalysisError> {
        let cross = cross.into_host();
        finite("the kernel is", cross.view())?;
        let (n, found) = (self.spectrum.n_points(), cross.ncols());
        if found != n {
            let what = "number of columns of the kernel";
            return Err(AnalysisError::Length { what, expected: n, found });
        }
        let factor = self.flow_factor(t)?;
        let factors = Array1::from_shape_fn(n, |k| {
            if k < self.rank { factor(self.spectrum.eigenvalues[k]) } else { 0.0 }
        });
        let v = &self.spectrum.eigenvectors;
        Ok((cross.dot(v) * &factors).dot(&v.t()))
    }

    /// The coefficients at time `t ≥ 0` of the flow that starts from `F₀`,
    ///
    /// ```text
    /// a(t) = Σ_k v_k (1 − e^{−λ_k t/n})/λ_k · v_k·(y − F₀)
    /// ```
    ///
    /// which is [`ridgeless`](Self::ridgeless) at `t = ∞`.
    ///
    /// # Errors
    /// [`AnalysisError`] for a time that is negative or not a number.
    pub fn flow(&self, t: f64) -> Result<Array1<f64>, AnalysisError> {
        Ok(self.coefficients(self.flow_factor(t)?))
    }

    /// `λ ↦ (1 − e^{−λt/n})/λ`
    fn flow_factor(&self, t: f64) -> Result<impl Fn(f64) -> f64 + use<>, AnalysisError> {
        if !(t >= 0.0) {
            return Err(AnalysisError::Value { what: "the time", value: t, wanted: "at least 0" });
        }
        let rate = t / self.spectrum.n_points() as f64;
        Ok(move |l: f64| -(-l * rate).exp_m1() / l)
    }

    /// The leave-one-out residuals `y_i − F^{(i)}(x_i)` of ridge regression without point
    /// `i`, for every point, in closed form: `a_i / ((K + λ)⁻¹)_ii`.
    ///
    /// # Shapes
    /// `[n]`
    ///
    /// # Errors
    /// [`AnalysisError`] for a ridge that is negative or not finite, or 0 with a kernel
    /// that is singular up to the cutoff, and for residuals that are not finite.
    pub fn leave_one_out(&self, ridge: f64) -> Result<Array1<f64>, AnalysisError> {
        let n = self.spectrum.n_points();
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(ridge_of(ridge, "at least 0 and finite"));
        }
        if ridge == 0.0 && self.rank < n {
            return Err(ridge_of(ridge, "positive for a singular kernel"));
        }
        // Here the null space of `K` counts: `(K + λ)⁻¹` is `1/λ` in it.
        let mut coefficients = Array1::<f64>::zeros(n);
        let mut diagonal = Array1::<f64>::zeros(n);
        for (k, v) in self.spectrum.eigenvectors.columns().into_iter().enumerate() {
            let l = if k < self.rank { self.spectrum.eigenvalues[k] } else { 0.0 };
            let inverse = 1.0 / (l + ridge);
            coefficients.scaled_add(inverse * self.components[k], &v);
            diagonal.zip_mut_with(&v, |d, &v| *d += inverse * v * v);
        }
        let residuals = coefficients / diagonal;
        finite("a leave-one-out residual is", residuals.view().insert_axis(Axis(1)))?;
        Ok(residuals)
    }

    /// `Σ_k v_k · factor(λ_k) · v_k·(y − F₀)` over the eigenvalues above the cutoff.
    fn coefficients(&self, factor: impl Fn(f64) -> f64) -> Array1<f64> {
        let Self { spectrum, components, rank } = self;
        let along = Array1::from_shape_fn(components.len(), |k| {
            if k < *rank { factor(spectrum.eigenvalues[k]) * components[k] } else { 0.0 }
        });
        spectrum.eigenvectors.dot(&along)
    }
}
