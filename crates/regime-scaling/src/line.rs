//! Least-squares fit of a straight line.

use crate::scale::Axis;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A fitted straight line `y = intercept + slope·x`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Slope, in units of y per unit of x.
    pub slope: f64,
    /// Value at `x = 0`.
    pub intercept: f64,
    /// Standard error of the slope, from the scatter of the residuals. `None`
    /// for two points, which leave no residual.
    pub slope_error: Option<f64>,
    /// Standard error of the intercept, likewise.
    pub intercept_error: Option<f64>,
    /// Standard deviation of the residuals with `n − 2` degrees of freedom; in a
    /// weighted fit, the value for a point of average weight. `None` for two points.
    pub scatter: Option<f64>,
    /// Fraction of the variance of `y` that the line explains. `None` if all
    /// `y` are equal.
    pub r_squared: Option<f64>,
    /// Number of points fitted.
    pub n_points: usize,
}

impl Line {
    /// The ordinate of the line at `x`.
    pub fn value_at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Why points do not determine a line or a power law.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum FitError {
    /// A coordinate is NaN or infinite.
    #[error("{axis}[{index}] = {value} is not finite")]
    NotFinite {
        /// Which coordinate.
        axis: Axis,
        /// Position of the point in the input.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// A coordinate is zero or negative where its logarithm is needed.
    #[error("{axis}[{index}] = {value} is not positive and has no logarithm")]
    NotPositive {
        /// Which coordinate.
        axis: Axis,
        /// Position of the point in the input.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// Too few different abscissae for the fit.
    #[error("{distinct} distinct x; {needed} are needed")]
    TooFewDistinctX {
        /// Number of different x found.
        distinct: usize,
        /// Number of different x needed.
        needed: usize,
    },
    /// The numbers of points and of weights differ.
    #[error("{n_weights} weights for {n_points} points")]
    WeightCount {
        /// Number of points.
        n_points: usize,
        /// Number of weights.
        n_weights: usize,
    },
    /// A weight is not a positive finite number.
    #[error("weight[{index}] = {value} is not positive and finite")]
    BadWeight {
        /// Position of the weight.
        index: usize,
        /// The offending weight.
        value: f64,
    },
    /// The points with the largest weights have one x, and the weights at all other x
    /// are negligible.
    #[error("weights from {smallest:e} to {largest:e}: only one x has non-negligible weight")]
    WeightsTooUnequal {
        /// The smallest weight.
        smallest: f64,
        /// The largest weight.
        largest: f64,
    },
    /// A parameter of the line overflows.
    #[error("the {quantity} overflows, for x up to {x:e} and y up to {y:e}")]
    OutOfRange {
        /// The parameter: `"slope"`, `"intercept"`, `"error of the slope"`,
        /// `"error of the intercept"` or `"scatter"`.
        quantity: &'static str,
        /// Largest absolute value of x.
        x: f64,
        /// Largest absolute value of y.
        y: f64,
    },
}

/// Fits `y = a + b·x` by ordinary least squares.
///
/// # Errors
/// [`FitError::NotFinite`], [`FitError::TooFewDistinctX`] below two different
/// x, and [`FitError::OutOfRange`] if a parameter of the line overflows.
///
/// # Reference
/// `b = S_xy/S_xx`, `a = ȳ − b·x̄`, `s² = Σ(y − a − bx)²/(n − 2)`,
/// `se(b)² = s²/S_xx`, `se(a)² = s²(1/n + x̄²/S_xx)`.
pub fn fit_line(points: &[(f64, f64)]) -> Result<Line, FitError> {
    fit_line_weighted(points, &vec![1.0; points.len()])
}

/// Fits `y = a + b·x` by weighted least squares.
///
/// The weights are inverse variances of `y` up to a common factor: the residuals,
/// not the weights, determine the scale of the errors.
///
/// # Errors
/// Those of [`fit_line`], [`FitError::WeightCount`], [`FitError::BadWeight`],
/// and [`FitError::WeightsTooUnequal`] if all points except those at one x have
/// less than about 10⁻²⁸⁰ of the largest weight.
///
/// # Reference
/// The formulas of [`fit_line`], with weighted means and sums and the weights scaled
/// to the mean 1. Coordinates are relative to the point with the largest weight, so
/// that points of small weight keep their digits, and scaled by a power of 2 to about
/// the largest distance from that point.
pub fn fit_line_weighted(points: &[(f64, f64)], weights: &[f64]) -> Result<Line, FitError> {
    check(points, weights)?;
    let n = points.len() as f64;
    let heaviest =
        (0..weights.len()).fold(0, |best, i| if weights[i] > weights[best] { i } else { best });
    let largest = weights[heaviest];
    let total: f64 = weights.iter().map(|w| w / largest).sum();
    let weights_of_mean_1 = || weights.iter().map(|w| w / largest * n / total);

    let x = Shifted::new(points.iter().map(|p| p.0), heaviest);
    let y = Shifted::new(points.iter().map(|p| p.1), heaviest);
    let mean = |values: &[f64]| {
        weights_of_mean_1().zip(values).map(|(weight, value)| weight * value).sum::<f64>() / n
    };
    let (x_mean, y_mean) = (mean(&x.values), mean(&y.values));
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for (i, weight) in weights_of_mean_1().enumerate() {
        let (dx, dy) = (x.values[i] - x_mean, y.values[i] - y_mean);
        sxx += weight * dx * dx;
        sxy += weight * dx * dy;
        syy += weight * dy * dy;
    }
    if !(sxx >= SMALLEST_SXX) {
        let smallest = weights.iter().fold(largest, |m, &w| m.min(w));
        return Err(FitError::WeightsTooUnequal { smallest, largest });
    }
    let slope = sxy / sxx;
    let residual_squares: f64 = weights_of_mean_1()
        .enumerate()
        .map(|(i, weight)| weight * (y.values[i] - y_mean - slope * (x.values[i] - x_mean)).powi(2))
        .sum();
    let scatter = (points.len() > 2).then(|| (residual_squares / (n - 2.0)).sqrt());

    // Back to the units of the points.
    let slope_unit = (y.unit / x.unit) * (y.unit_of_origin / x.unit_of_origin);
    let x_mean = x.origin / x.unit + x_mean;
    // Zero is zero in any unit, even if the unit overflows.
    let with_unit = |value: f64| if value == 0.0 { 0.0 } else { value * slope_unit };
    let line = Line {
        slope: with_unit(slope),
        intercept: (y.origin + y.unit * (y_mean - slope * x_mean)) * y.unit_of_origin,
        slope_error: scatter.map(|s| with_unit(s / sxx.sqrt())),
        intercept_error: scatter.map(|s| {
            s * f64::hypot(n.sqrt().recip(), x_mean / sxx.sqrt()) * y.unit * y.unit_of_origin
        }),
        scatter: scatter.map(|s| s * y.unit * y.unit_of_origin),
        r_squared: (syy > 0.0).then(|| (1.0 - residual_squares / syy).max(0.0)),
        n_points: points.len(),
    };
    in_range(line, points)
}

/// Smallest weighted sum of squares that has not lost digits to underflow, for
/// weights with the mean 1 and coordinates between −2 and 2.
const SMALLEST_SXX: f64 = 1e-280;

/// Coordinates relative to one of them, in a unit in which they are between −2 and 2.
struct Shifted {
    /// `(coordinate/unit_of_origin − origin)/unit`.
    values: Vec<f64>,
    /// The coordinate that is subtracted, in `unit_of_origin`.
    origin: f64,
    /// A power of 2, in `unit_of_origin`.
    unit: f64,
    /// A power of 2, so that the difference of two coordinates does not overflow.
    unit_of_origin: f64,
}

impl Shifted {
    fn new(coordinates: impl Iterator<Item = f64>, origin: usize) -> Self {
        let mut values: Vec<f64> = coordinates.collect();
        let unit_of_origin = power_of_2(&values);
        values.iter_mut().for_each(|v| *v /= unit_of_origin);
        let origin = values[origin];
        values.iter_mut().for_each(|v| *v -= origin);
        let unit = power_of_2(&values);
        values.iter_mut().for_each(|v| *v /= unit);
        Self { values, origin, unit, unit_of_origin }
    }
}

/// The largest power of 2 that is not above the largest absolute value, and at least
/// the smallest normal number; 1 if all values are zero. Multiplication and division by
/// a power of 2 lose no digits.
fn power_of_2(values: &[f64]) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    match largest {
        0.0 => 1.0,
        _ => f64::from_bits(largest.max(f64::MIN_POSITIVE).to_bits() & EXPONENT),
    }
}

/// Returns the line if all its parameters are finite.
fn in_range(line: Line, points: &[(f64, f64)]) -> Result<Line, FitError> {
    let quantities = [
        ("slope", Some(line.slope)),
        ("intercept", Some(line.intercept)),
        ("error of the slope", line.slope_error),
        ("error of the intercept", line.intercept_error),
        ("scatter", line.scatter),
    ];
    let largest = |axis: fn(&(f64, f64)) -> f64| {
        points.iter().map(axis).fold(0.0, |m: f64, value| m.max(value.abs()))
    };
    match quantities.iter().find(|(_, value)| value.is_some_and(|v| !v.is_finite())) {
        Some(&(quantity, _)) => {
            Err(FitError::OutOfRange { quantity, x: largest(|p| p.0), y: largest(|p| p.1) })
        }
        None => Ok(line),
    }
}

/// The number of different abscissae.
pub(crate) fn count_distinct_x(points: &[(f64, f64)]) -> usize {
    let mut xs: Vec<f64> = points.iter().map(|p| p.0).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    xs.len()
}

/// The first NaN or infinite coordinate, as an error.
pub(crate) fn check_finite(points: &[(f64, f64)]) -> Result<(), FitError> {
    for (index, &(x, y)) in points.iter().enumerate() {
        for (axis, value) in [(Axis::X, x), (Axis::Y, y)] {
            if !value.is_finite() {
                return Err(FitError::NotFinite { axis, index, value });
            }
        }
    }
    Ok(())
}

fn check(points: &[(f64, f64)], weights: &[f64]) -> Result<(), FitError> {
    check_finite(points)?;
    if weights.len() != points.len() {
        return Err(FitError::WeightCount { n_points: points.len(), n_weights: weights.len() });
    }
    for (index, &value) in weights.iter().enumerate() {
        if !(value.is_finite() && value > 0.0) {
            return Err(FitError::BadWeight { index, value });
        }
    }
    let distinct = count_distinct_x(points);
    if distinct < 2 {
        return Err(FitError::TooFewDistinctX { distinct, needed: 2 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * (1.0 + b.abs())
    }

    /// Anscombe's first quartet: a published regression.
    #[test]
    fn anscombe() {
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let points: Vec<_> = x.into_iter().zip(y).collect();
        let line = fit_line(&points).unwrap();
        assert!((line.slope - 0.500_090_9).abs() < 1e-7);
        assert!((line.intercept - 3.000_090_9).abs() < 1e-7);
        assert!((line.slope_error.unwrap() - 0.117_905_5).abs() < 1e-7);
        assert!((line.intercept_error.unwrap() - 1.124_746_8).abs() < 1e-7);
        assert!((line.scatter.unwrap() - 1.236_603).abs() < 1e-6);
        assert!((line.r_squared.unwrap() - 0.666_542_5).abs() < 1e-7);
    }

    #[test]
    fn an_integer_weight_is_a_repetition() {
        let repeated = [(0.0, 1.0), (1.0, 2.5), (1.0, 2.5), (3.0, 4.0)];
        let single = [(0.0, 1.0), (1.0, 2.5), (3.0, 4.0)];
        let a = fit_line(&repeated).unwrap();
        let b = fit_line_weighted(&single, &[7.0, 14.0, 7.0]).unwrap();
        assert!(close(a.slope, b.slope) && close(a.intercept, b.intercept));
        assert!(close(a.r_squared.unwrap(), b.r_squared.unwrap()));
    }

    #[test]
    fn two_points_have_no_standard_errors() {
        let line = fit_line(&[(1.0, 1.0), (2.0, 3.0)]).unwrap();
        assert!(close(line.slope, 2.0) && close(line.intercept, -1.0));
        assert_eq!((line.slope_error, line.scatter), (None, None));
    }

    #[test]
    fn a_constant_has_no_r_squared() {
        let line = fit_line(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]).unwrap();
        assert_eq!((line.slope, line.r_squared), (0.0, None));
    }

    #[test]
    fn invalid_input_is_an_error() {
        let vertical = [(1.0, 1.0), (1.0, 2.0)];
        assert_eq!(fit_line(&vertical), Err(FitError::TooFewDistinctX { distinct: 1, needed: 2 }));
        assert_eq!(fit_line(&[]), Err(FitError::TooFewDistinctX { distinct: 0, needed: 2 }));
        let infinite = [(1.0, 1.0), (2.0, f64::INFINITY)];
        let expected = FitError::NotFinite { axis: Axis::Y, index: 1, value: f64::INFINITY };
        assert_eq!(fit_line(&infinite), Err(expected));
        let points = [(1.0, 1.0), (2.0, 3.0)];
        assert_eq!(
            fit_line_weighted(&points, &[1.0, 0.0]),
            Err(FitError::BadWeight { index: 1, value: 0.0 })
        );
        assert_eq!(
            fit_line_weighted(&points, &[1.0]),
            Err(FitError::WeightCount { n_points: 2, n_weights: 1 })
        );
    }
    /// Two points lie on one line for any weights.
    #[test]
    fn points_of_small_weight_keep_their_digits() {
        let points = [(1.0, 1.0), (2.0, 3.0)];
        for light in [1e-16, 1e-100, 1e-270] {
            for weights in [[1.0, light], [light, 1.0], [1e30 * light, 1e30]] {
                let line = fit_line_weighted(&points, &weights).unwrap();
                assert!(close(line.slope, 2.0) && close(line.intercept, -1.0), "{line:?}");
            }
        }
        // The heavy point fixes the height, the light points determine the slope.
        let points = [(0.0, 0.0), (1.0, 1.0), (2.0, 3.0)];
        let line = fit_line_weighted(&points, &[1.0, 1e-200, 1e-200]).unwrap();
        assert!(close(line.slope, 7.0 / 5.0) && line.intercept.abs() < 1e-100, "{line:?}");
    }

    #[test]
    fn weights_that_leave_one_x_are_an_error() {
        let points = [(1.0, 1.0), (2.0, 3.0), (2.0, 3.5)];
        let weights = [1e-300, 1e300, 1e299];
        let expected = FitError::WeightsTooUnequal { smallest: 1e-300, largest: 1e300 };
        assert_eq!(fit_line_weighted(&points, &weights), Err(expected));
        // If two x are left, the point of smallest weight has no influence.
        let line = fit_line_weighted(&points, &[1e300, 1e300, 1e-300]).unwrap();
        assert!(close(line.slope, 2.0), "{line:?}");
    }

    #[test]
    fn x_far_from_zero_keep_their_digits() {
        let line = fit_line(&[(1e16, 1.0), (1e16 + 2.0, 2.0)]).unwrap();
        assert_eq!(line.slope, 0.5);
    }

    #[test]
    fn huge_coordinates_have_a_line_or_an_error() {
        let huge = [(-1e308, -1e308), (0.0, 0.0), (1e308, 1e308)];
        let line = fit_line(&huge).unwrap();
        assert!(close(line.slope, 1.0) && close(line.intercept, 0.0), "{line:?}");
        assert_eq!(line.r_squared, Some(1.0));
        let steep = [(0.0, -1e308), (1e-3, 1e308)];
        let expected = FitError::OutOfRange { quantity: "slope", x: 1e-3, y: 1e308 };
        assert_eq!(fit_line(&steep), Err(expected));
        let flat = [(1e-320, 1e308), (2e-320, 1e308)];
        assert_eq!(fit_line(&flat).unwrap().slope, 0.0);
    }
}
