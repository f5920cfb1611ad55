//! Rescaling of values between two plateaus.

use thiserror::Error;

/// Error of plateaus that are equal or not finite.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("plateaus {lo} and {hi} are not two different finite values")]
pub struct PlateauError {
    /// The plateau that becomes 0.
    pub lo: f64,
    /// The plateau that becomes 1.
    pub hi: f64,
}

/// Maps `lo` to 0 and `hi` to 1, linearly.
///
/// `lo` may be larger than `hi`; the curve is then inverted. Values outside the
/// plateaus are mapped outside `[0, 1]`; NaN stays NaN.
///
/// # Errors
/// [`PlateauError`] unless the plateaus are finite and different.
///
/// # Reference
/// `(y − lo)/(hi − lo)`.
pub fn rescale(y: &[f64], lo: f64, hi: f64) -> Result<Vec<f64>, PlateauError> {
    if !(lo.is_finite() && hi.is_finite() && lo != hi) {
        return Err(PlateauError { lo, hi });
    }
    Ok(y.iter().map(|v| (v - lo) / (hi - lo)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plateaus_become_zero_and_one() {
        assert_eq!(rescale(&[2.0, 3.0, 6.0, 7.0], 2.0, 6.0).unwrap(), [0.0, 0.25, 1.0, 1.25]);
        assert_eq!(rescale(&[2.0, 3.0, 6.0], 6.0, 2.0).unwrap(), [1.0, 0.75, 0.0]);
        assert_eq!(rescale(&[1.0], 2.0, 2.0), Err(PlateauError { lo: 2.0, hi: 2.0 }));
    }
}
