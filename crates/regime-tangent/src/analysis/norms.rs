use ndarray::ArrayView2;

use super::{
    AnalysisError, HostMatrix,
    host::{finite, to_faer},
};

/// Why two kernels cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The kernels are not on the same points.
    #[error("kernels of shapes {left:?} and {right:?} cannot be compared")]
    Shapes {
        /// Shape of the first kernel.
        left: [usize; 2],
        /// Shape of the second kernel.
        right: [usize; 2],
    },
    /// The compared kernel, or its difference from the reference, is not finite, or too large in
    /// units of the reference.
    #[error("the norm of the difference of the kernels is {norm}")]
    NotFinite {
        /// Frobenius norm of the difference.
        norm: f64,
    },
    /// The reference kernel is zero or not finite.
    #[error("the norm of the reference kernel is {norm}, so a comparison has no meaning")]
    Reference {
        /// Frobenius norm of the reference kernel.
        norm: f64,
    },
}

/// The Frobenius norm `‖Θ‖_F = √Σ Θ_ij²`.
pub fn frobenius_norm<'a>(theta: impl HostMatrix<'a>) -> f64 {
    frobenius(theta.into_host().view())
}

/// The relative change `‖Θ − Θ₀‖_F / ‖Θ₀‖_F`.
///
/// # Errors
/// [`CompareError`] when the shapes differ, when `Θ₀` has no positive, finite norm, or when `Θ` is not
/// finite.
pub fn relative_change<'a, 'b>(
    theta: impl HostMatrix<'a>,
    reference: impl HostMatrix<'b>,
) -> Result<f64, CompareError> {
    let (theta, reference) = (theta.into_host(), reference.into_host());
    same_shape(theta.view(), reference.view())?;
    let scale = meaningful(frobenius(reference.view()))?;
    let norm = norm(theta.iter().zip(&reference).map(|(a, b)| a - b));
    let change = norm / scale;
    if change.is_finite() { Ok(change) } else { Err(CompareError::NotFinite { norm }) }
}

/// The spectral norm `‖Θ‖₂`, the largest singular value; for a kernel on one set of points,
/// its largest eigenvalue. About `4n³/3` multiply-adds.
/// [`top_eigenpairs`](super::top_eigenpairs) computes it from a few products without the
/// matrix.
///
/// # Errors
/// [`AnalysisError`] for an empty matrix or one that is not finite.
pub fn spectral_norm<'a>(theta: impl HostMatrix<'a>) -> Result<f64, AnalysisError> {
    Ok(singular_values(theta.into_host().view())?.into_iter().fold(0.0, f64::max))
}

/// The trace norm `‖Θ‖_*`, the sum of the singular values. For a kernel on one set of points,
/// which has no negative eigenvalues, it equals the trace. For the change of a kernel, which
/// has negative eigenvalues, it is larger than the trace. About `4n³/3` multiply-adds.
///
/// # Errors
/// [`AnalysisError`] for an empty matrix or one that is not finite.
pub fn trace_norm<'a>(theta: impl HostMatrix<'a>) -> Result<f64, AnalysisError> {
    Ok(singular_values(theta.into_host().view())?.into_iter().sum())
}

fn singular_values(matrix: ArrayView2<'_, f64>) -> Result<Vec<f64>, AnalysisError> {
    if matrix.is_empty() {
        return Err(AnalysisError::Empty);
    }
    finite("the kernel is", matrix)?;
    let (rows, columns) = matrix.dim();
    let values = to_faer(matrix).singular_values();
    let finite = values.ok().filter(|values| values.iter().all(|value| value.is_finite()));
    finite.ok_or(AnalysisError::NoDecomposition { rows, columns })
}

pub(super) fn frobenius(matrix: ArrayView2<'_, f64>) -> f64 {
    norm(matrix.iter().copied())
}

pub(super) fn same_shape(
    left: ArrayView2<'_, f64>,
    right: ArrayView2<'_, f64>,
) -> Result<(), CompareError> {
    if left.dim() != right.dim() {
        let shape = |matrix: ArrayView2<'_, f64>| [matrix.nrows(), matrix.ncols()];
        return Err(CompareError::Shapes { left: shape(left), right: shape(right) });
    }
    Ok(())
}

/// Checks that a norm is a valid divisor.
pub(super) fn meaningful(norm: f64) -> Result<f64, CompareError> {
    if norm.is_finite() && norm > 0.0 { Ok(norm) } else { Err(CompareError::Reference { norm }) }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};
    use burn_tensor::Tensor;
    use regime_models::Precision;

    use super::*;

    fn matrix(values: &[f64]) -> Tensor<Flex, 2> {
        Precision::F64.matrix(values, [values.len() / 2, 2], &FlexDevice)
    }

    #[test]
    fn change_of_a_known_pair() {
        let reference = matrix(&[3.0, 0.0, 0.0, 4.0]);
        assert_eq!(frobenius_norm(reference.clone()), 5.0);
        let doubled = reference.clone().mul_scalar(2.0);
        assert_eq!(relative_change(doubled, reference.clone()), Ok(1.0));
        let spoiled = matrix(&[f64::NAN, 0.0, 0.0, 2.0]);
        let error = relative_change(spoiled, reference.clone()).unwrap_err();
        assert!(matches!(error, CompareError::NotFinite { norm } if norm.is_nan()), "{error}");
        assert_eq!(relative_change(reference.clone(), reference), Ok(0.0));
    }

    #[test]
    fn meaningless_comparisons_are_refused() {
        let zero = matrix(&[0.0; 4]);
        assert_eq!(
            relative_change(zero.clone(), zero.clone()),
            Err(CompareError::Reference { norm: 0.0 })
        );
        assert!(matches!(
            relative_change(zero, matrix(&[1.0, 2.0])),
            Err(CompareError::Shapes { left: [2, 2], right: [1, 2] })
        ));
    }
}
