//! The straight line of least squares.

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
    /// Standard deviation of the residuals with `n − 2` degrees of freedom; for
    /// a weighted fit, that of a point of average weight. `None` for two points.
    pub scatter: Option<f64>,
    /// Fraction of the variance of `y` that the line explains. `None` when all
    /// `y` are equal and there is nothing to explain.
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
    /// Too few different abscissae for the fit asked for.
    #[error("{distinct} distinct x, where {needed} are needed")]
    TooFewDistinctX {
        /// Different values of x found.
        distinct: usize,
        /// Different values of x needed.
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
}

/// Fits `y = a + b·x` by ordinary least squares.
///
/// # Errors
/// [`FitError::NotFinite`], and [`FitError::TooFewDistinctX`] below two
/// different x.
///
/// # Reference
/// `b = S_xy/S_xx`, `a = ȳ − b·x̄`, `s² = Σ(y − a − bx)²/(n − 2)`,
/// `se(b)² = s²/S_xx`, `se(a)² = s²(1/n + x̄²/S_xx)`.
pub fn fit_line(points: &[(f64, f64)]) -> Result<Line, FitError> {
    fit_line_weighted(points, &vec![1.0; points.len()])
}

/// Fits `y = a + b·x` by weighted least squares.
///
/// The weights stand for inverse variances of `y` up to a common factor: the
/// scale of the errors is taken from the residuals, not from the weights.
///
/// # Errors
/// Those of [`fit_line`], [`FitError::WeightCount`] and
/// [`FitError::BadWeight`].
///
/// # Reference
/// The formulas of [`fit_line`], with every mean and sum weighted and the
/// weights scaled to the mean 1.
pub fn fit_line_weighted(points: &[(f64, f64)], weights: &[f64]) -> Result<Line, FitError> {
    check(points, weights)?;
    let n = points.len() as f64;
    let largest = weights.iter().fold(0.0, |m: f64, &w| m.max(w));
    let total: f64 = weights.iter().map(|w| w / largest).sum();
    let weight = |i: usize| weights[i] / largest * n / total;

    let mean = |pick: fn(&(f64, f64)) -> f64| {
        points.iter().enumerate().map(|(i, p)| weight(i) * pick(p)).sum::<f64>() / n
    };
    let (x_mean, y_mean) = (mean(|p| p.0), mean(|p| p.1));
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for (i, &(x, y)) in points.iter().enumerate() {
        let (dx, dy) = (x - x_mean, y - y_mean);
        sxx += weight(i) * dx * dx;
        sxy += weight(i) * dx * dy;
        syy += weight(i) * dy * dy;
    }
    let slope = sxy / sxx;
    let residual_squares: f64 = points
        .iter()
        .enumerate()
        .map(|(i, &(x, y))| weight(i) * (y - y_mean - slope * (x - x_mean)).powi(2))
        .sum();
    let variance = (points.len() > 2).then(|| residual_squares / (n - 2.0));
    Ok(Line {
        slope,
        intercept: y_mean - slope * x_mean,
        slope_error: variance.map(|s2| (s2 / sxx).sqrt()),
        intercept_error: variance.map(|s2| (s2 * (1.0 / n + x_mean * x_mean / sxx)).sqrt()),
        scatter: variance.map(f64::sqrt),
        r_squared: (syy > 0.0).then(|| (1.0 - residual_squares / syy).max(0.0)),
        n_points: points.len(),
    })
}

/// Number of different abscissae.
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
    fn two_points_have_no_error_bar() {
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
    fn bad_input_is_named() {
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
}
