use burn::tensor::{Tensor, backend::Backend};
use regime_models::Precision;

/// Why two kernels cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// They are not on the same points.
    #[error("kernels of shapes {left:?} and {right:?} cannot be compared")]
    Shapes {
        /// Shape of the first.
        left: [usize; 2],
        /// Shape of the second.
        right: [usize; 2],
    },
    /// The kernel to compare with vanishes or is not finite.
    #[error("the norm of the reference kernel is {norm}, so a relative change has no meaning")]
    Reference {
        /// Its Frobenius norm.
        norm: f64,
    },
}

/// The Frobenius norm `‖Θ‖_F`.
pub fn frobenius_norm<B: Backend>(theta: Tensor<B, 2>) -> f64 {
    norm(Precision::to_host(theta).into_iter())
}

/// The relative change `‖Θ − Θ₀‖_F / ‖Θ₀‖_F`.
///
/// # Errors
/// [`CompareError`] when the shapes differ or `Θ₀` has no positive, finite norm.
pub fn relative_change<B: Backend>(
    theta: Tensor<B, 2>,
    reference: Tensor<B, 2>,
) -> Result<f64, CompareError> {
    let (left, right) = (theta.dims(), reference.dims());
    if left != right {
        return Err(CompareError::Shapes { left, right });
    }
    let (theta, reference) = (Precision::to_host(theta), Precision::to_host(reference));
    let scale = norm(reference.iter().copied());
    if !(scale.is_finite() && scale > 0.0) {
        return Err(CompareError::Reference { norm: scale });
    }
    Ok(norm(theta.iter().zip(&reference).map(|(a, b)| a - b)) / scale)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};

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
