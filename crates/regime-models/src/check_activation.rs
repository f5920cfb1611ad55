use crate::{error::ModelError, own_activation::ActivationFunction};

/// Number of points at which the derivative is checked.
const POINTS: usize = 400;

/// The largest |z| that is checked.
const REACH: f64 = 12.0;

/// Checks that the slope of a function is the derivative of its value, and that both are finite:
/// at 400 points between −12 and 12, against central differences of two step sizes, of which the
/// error of second order is removed. A slope may differ by 10⁻⁶ of the largest value near the point.
/// No point lies within 10⁻³ of 0, where many activations have a kink.
///
/// # Errors
/// [`ModelError::ActivationSlope`] with the first point at which the two disagree.
pub fn check_activation(
    function: &dyn ActivationFunction,
    parameters: &[f64],
) -> Result<(), ModelError> {
    let step = 1e-3 * function.transition(parameters).clamp(1e-2, 1.0);
    let value = |z: f64| function.value_and_slope(z, parameters).0;
    for i in 0..POINTS {
        // The half step keeps the points away from 0.
        let z = REACH * ((2 * i + 1) as f64 / POINTS as f64 - 1.0);
        let difference = |h: f64| (value(z + h) - value(z - h)) / (2.0 * h);
        let expected = (4.0 * difference(0.5 * step) - difference(step)) / 3.0;
        let (value, slope) = function.value_and_slope(z, parameters);
        let tolerance = 1e-6 * (1.0 + slope.abs().max(value.abs()));
        let agrees = value.is_finite() && (slope - expected).abs() <= tolerance;
        if !agrees {
            let name = function.name();
            return Err(ModelError::ActivationSlope { name, z, value, slope, expected });
        }
    }
    Ok(())
}
