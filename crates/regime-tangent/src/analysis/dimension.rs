//! Four measures of the dimension of a kernel, which are often confused.
//!
//! All functions take *all* eigenvalues of a kernel on one set of points, in any order.
//! Negative eigenvalues, which are due to rounding, count as 0.

use ndarray::ArrayView1;

use super::AnalysisError;

/// The effective dimension `tr K(K + λ)⁻¹ = Σ λ_k/(λ_k + λ)`: the degrees of freedom
/// of kernel ridge regression with ridge `λ > 0`, from the rank (λ → 0) down to 0.
///
/// # Errors
/// [`AnalysisError`] for no eigenvalues, for eigenvalues that are not finite, and for a
/// ridge that is not positive and finite.
///
/// # Reference
/// T. Zhang, "Learning bounds for kernel regression using effective data
/// dimensionality", Neural Computation 17 (2005).
pub fn effective_dimension(
    eigenvalues: ArrayView1<'_, f64>,
    ridge: f64,
) -> Result<f64, AnalysisError> {
    if !(ridge.is_finite() && ridge > 0.0) {
        let wanted = "positive and finite";
        return Err(AnalysisError::Value { what: "the ridge", value: ridge, wanted });
    }
    Ok(positive(eigenvalues)?.map(|l| l / (l + ridge)).sum())
}

/// The participation ratio `(Σ λ_k)²/Σ λ_k² = (tr K)²/‖K‖_F²`: the number of eigenvalues
/// if they are all equal, and 1 if a single one dominates.
///
/// # Errors
/// [`AnalysisError`] for no eigenvalues, for eigenvalues that are not finite, and if no
/// eigenvalue is positive.
///
/// # Reference
/// P. Gao et al., "A theory of multineuronal dimensionality, dynamics and
/// measurement", bioRxiv 214262 (2017).
pub fn participation_ratio(eigenvalues: ArrayView1<'_, f64>) -> Result<f64, AnalysisError> {
    let largest = largest(eigenvalues)?;
    let sum: f64 = positive(eigenvalues)?.map(|l| l / largest).sum();
    let squares: f64 = positive(eigenvalues)?.map(|l| (l / largest).powi(2)).sum();
    Ok(sum * sum / squares)
}

/// The stable rank of the kernel, `‖K‖_F²/‖K‖₂² = Σ λ_k²/λ₁²`, at most its rank.
///
/// # Errors
/// As for [`participation_ratio`].
///
/// # Reference
/// M. Rudelson, R. Vershynin, "Sampling from large matrices", J. ACM 54 (2007).
pub fn stable_rank(eigenvalues: ArrayView1<'_, f64>) -> Result<f64, AnalysisError> {
    let largest = largest(eigenvalues)?;
    Ok(positive(eigenvalues)?.map(|l| (l / largest).powi(2)).sum())
}

/// The intrinsic dimension of the kernel as a matrix, `tr K/‖K‖₂ = Σ λ_k/λ₁`, which is
/// the stable rank of the Jacobian in `K = JJᵀ`. For the intrinsic dimension of the
/// *points* see [`two_nn`](super::two_nn).
///
/// # Errors
/// As for [`participation_ratio`].
///
/// # Reference
/// J. A. Tropp, "An introduction to matrix concentration inequalities" (2015),
/// section 7.1.
pub fn intrinsic_dimension(eigenvalues: ArrayView1<'_, f64>) -> Result<f64, AnalysisError> {
    let largest = largest(eigenvalues)?;
    Ok(positive(eigenvalues)?.map(|l| l / largest).sum())
}

fn positive(eigenvalues: ArrayView1<'_, f64>) -> Result<impl Iterator<Item = f64>, AnalysisError> {
    if eigenvalues.is_empty() {
        return Err(AnalysisError::Empty);
    }
    if let Some((row, &value)) = eigenvalues.iter().enumerate().find(|(_, l)| !l.is_finite()) {
        let what = "an eigenvalue is";
        return Err(AnalysisError::NotFinite { what, row, column: 0, value });
    }
    Ok(eigenvalues.into_iter().map(|l| l.max(0.0)))
}

fn largest(eigenvalues: ArrayView1<'_, f64>) -> Result<f64, AnalysisError> {
    let largest = positive(eigenvalues)?.fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(AnalysisError::Vanishes { what: "the largest eigenvalue" });
    }
    Ok(largest)
}
