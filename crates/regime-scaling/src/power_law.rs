//! Power laws by least squares in log-log coordinates, and their drift.

use crate::line::{FitError, Line, check_finite, count_distinct_x, fit_line, fit_line_weighted};
use crate::samples::sort_and_merge;
use crate::scale::Axis;
use serde::{Deserialize, Serialize};

/// A fitted power law `y = c·x^p`.
///
/// The standard errors assume independent residuals. The residuals of points that share
/// a seed are not independent: use [`exponent_interval`](crate::exponent_interval) for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The exponent `p`.
    pub exponent: f64,
    /// `ln c`.
    pub log_prefactor: f64,
    /// Standard error of the exponent; `None` for two points.
    pub exponent_error: Option<f64>,
    /// Standard error of `ln c`; `None` for two points.
    pub log_prefactor_error: Option<f64>,
    /// Standard deviation of the residuals of `ln y` (0.1 ≈ 10 %); `None` for
    /// two points.
    pub scatter: Option<f64>,
    /// Fraction of the variance of `ln y` explained; `None` if all `y` are equal.
    pub r_squared: Option<f64>,
    /// Number of points fitted.
    pub n_points: usize,
}

impl PowerLaw {
    /// The prefactor `c`.
    pub fn prefactor(&self) -> f64 {
        self.log_prefactor.exp()
    }

    /// The value `c·x^p`, for `x > 0`.
    pub fn value_at(&self, x: f64) -> f64 {
        (self.log_prefactor + self.exponent * x.ln()).exp()
    }
}

impl From<Line> for PowerLaw {
    /// Reads a line in log-log coordinates as a power law.
    fn from(line: Line) -> Self {
        Self {
            exponent: line.slope,
            log_prefactor: line.intercept,
            exponent_error: line.slope_error,
            log_prefactor_error: line.intercept_error,
            scatter: line.scatter,
            r_squared: line.r_squared,
            n_points: line.n_points,
        }
    }
}

/// Fits `y = c·x^p` by ordinary least squares of `ln y` on `ln x`.
///
/// # Errors
/// [`FitError::NotFinite`], [`FitError::NotPositive`], and
/// [`FitError::TooFewDistinctX`] below two different x.
///
/// # Reference
/// [`fit_line`] applied to `(ln x, ln y)`.
pub fn fit_power_law(points: &[(f64, f64)]) -> Result<PowerLaw, FitError> {
    Ok(fit_line(&logarithms(points)?)?.into())
}

/// Fits `y = c·x^p` by weighted least squares of `ln y` on `ln x`.
///
/// A weight is an inverse variance of `ln y`, that is `(y/δy)²` for an error
/// `δy`, up to a common factor.
///
/// # Errors
/// Those of [`fit_power_law`] and of [`fit_line_weighted`].
pub fn fit_power_law_weighted(
    points: &[(f64, f64)],
    weights: &[f64],
) -> Result<PowerLaw, FitError> {
    Ok(fit_line_weighted(&logarithms(points)?, weights)?.into())
}

/// The exponent between two successive abscissae.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LocalExponent {
    /// The smaller of the two abscissae.
    pub x_low: f64,
    /// The larger of the two abscissae.
    pub x_high: f64,
    /// `ln(y_high/y_low) / ln(x_high/x_low)`.
    pub exponent: f64,
}

/// The exponents between successive abscissae, in increasing order of x.
///
/// Points that share an x are replaced by the geometric mean of their y. A pure
/// power law gives a constant sequence; a trend is a correction to scaling.
///
/// # Errors
/// Those of [`fit_power_law`].
pub fn local_exponents(points: &[(f64, f64)]) -> Result<Vec<LocalExponent>, FitError> {
    let curve = sort_and_merge(logarithms(points)?);
    if curve.len() < 2 {
        return Err(FitError::TooFewDistinctX { distinct: curve.len(), needed: 2 });
    }
    // The x of each point of the curve. If several x have one logarithm, the first in the input.
    let mut sampled: Vec<(f64, f64)> = points.iter().map(|p| (p.0.ln(), p.0)).collect();
    sampled.sort_by(|a, b| a.0.total_cmp(&b.0));
    sampled.dedup_by(|later, first| later.0 == first.0);
    let between = |pair: &[(f64, f64)], xs: &[(f64, f64)]| LocalExponent {
        x_low: xs[0].1,
        x_high: xs[1].1,
        exponent: (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0),
    };
    Ok(curve.windows(2).zip(sampled.windows(2)).map(|(pair, xs)| between(pair, xs)).collect())
}

/// The dependence of a fit on the smallest x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The fit to all points.
    pub all: PowerLaw,
    /// The fit without the points at the smallest x.
    pub without_smallest: PowerLaw,
    /// `without_smallest.exponent − all.exponent`.
    pub change: f64,
}

/// Fits a power law with and without the points at the smallest x.
///
/// # Errors
/// Those of [`fit_power_law`]; at least three different x are needed.
pub fn exponent_drift(points: &[(f64, f64)]) -> Result<Drift, FitError> {
    let logs = logarithms(points)?;
    let distinct = count_distinct_x(&logs);
    if distinct < 3 {
        return Err(FitError::TooFewDistinctX { distinct, needed: 3 });
    }
    let smallest = logs.iter().fold(f64::INFINITY, |m, p| m.min(p.0));
    let rest: Vec<_> = logs.iter().copied().filter(|p| p.0 > smallest).collect();
    let (all, without_smallest) =
        (PowerLaw::from(fit_line(&logs)?), PowerLaw::from(fit_line(&rest)?));
    Ok(Drift { all, without_smallest, change: without_smallest.exponent - all.exponent })
}

/// `(ln x, ln y)` of every point, all of them positive and finite.
pub(crate) fn logarithms(points: &[(f64, f64)]) -> Result<Vec<(f64, f64)>, FitError> {
    check_finite(points)?;
    for (index, &(x, y)) in points.iter().enumerate() {
        for (axis, value) in [(Axis::X, x), (Axis::Y, y)] {
            if value <= 0.0 {
                return Err(FitError::NotPositive { axis, index, value });
            }
        }
    }
    Ok(points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_power_law_is_recovered() {
        let points = [1.0, 3.0, 10.0, 47.0].map(|x: f64| (x, 2.5 * x.powf(-0.5)));
        let fit = fit_power_law(&points).unwrap();
        assert!((fit.exponent + 0.5).abs() < 1e-14);
        assert!((fit.prefactor() - 2.5).abs() < 1e-13);
        assert!(fit.exponent_error.unwrap() < 1e-14 && fit.scatter.unwrap() < 1e-14);
        assert!((fit.r_squared.unwrap() - 1.0).abs() < 1e-14);
        assert!((fit.value_at(4.0) - 1.25).abs() < 1e-13);
    }

    /// ln x = (0, 1, 2), ln y = (0, 1, 0): slope 0, intercept ⅓, residual
    /// squares ⅔, so s² = ⅔, se(p)² = ⅓, se(ln c)² = ⅔(⅓ + ½).
    #[test]
    fn errors_agree_with_a_hand_calculation() {
        let e = std::f64::consts::E;
        let fit = fit_power_law(&[(1.0, 1.0), (e, e), (e * e, 1.0)]).unwrap();
        assert!(fit.exponent.abs() < 1e-14);
        assert!((fit.log_prefactor - 1.0 / 3.0).abs() < 1e-14);
        assert!((fit.scatter.unwrap().powi(2) - 2.0 / 3.0).abs() < 1e-14);
        assert!((fit.exponent_error.unwrap().powi(2) - 1.0 / 3.0).abs() < 1e-14);
        assert!((fit.log_prefactor_error.unwrap().powi(2) - 5.0 / 9.0).abs() < 1e-14);
    }

    #[test]
    fn points_of_large_weight_determine_the_fit() {
        let points = [(1.0, 1.0), (2.0, 2.0), (4.0, 40.0)];
        let fit = fit_power_law_weighted(&points, &[1e9, 1e9, 1.0]).unwrap();
        assert!((fit.exponent - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_correction_to_scaling_shows_as_drift() {
        let points = [1.0, 2.0, 4.0, 8.0, 16.0].map(|x: f64| (x, x * (1.0 + 1.0 / x)));
        let local = local_exponents(&points).unwrap();
        assert!(local.windows(2).all(|w| w[0].exponent < w[1].exponent));
        assert!((local[0].exponent - 1.5f64.log2()).abs() < 1e-14);
        assert_eq!((local[1].x_low, local[1].x_high), (2.0, 4.0));
        let drift = exponent_drift(&points).unwrap();
        assert!(drift.change > 0.05);
        assert_eq!(drift.without_smallest.n_points, 4);
    }

    /// With a search among all points for each point, this test would take minutes.
    #[test]
    fn many_points_have_local_exponents() {
        let n = 200_000;
        let mut points: Vec<(f64, f64)> = (1..=n).map(|i| (f64::from(i), 2.0)).collect();
        // Another order, and two points at each x.
        points.rotate_left(1234);
        let second: Vec<_> = points.iter().rev().map(|&(x, _)| (x, 0.5)).collect();
        points.extend(second);
        let local = local_exponents(&points).unwrap();
        assert_eq!(local.len(), n as usize - 1);
        assert!(local.iter().zip(1..).all(|(l, i)| {
            (l.x_low, l.x_high, l.exponent) == (f64::from(i), f64::from(i + 1), 0.0)
        }));
    }

    /// Numbers with equal logarithms are one x.
    #[test]
    fn the_first_x_with_a_logarithm_is_reported() {
        let next = 1e9_f64.next_up();
        assert_eq!(1e9_f64.ln(), next.ln());
        let local = local_exponents(&[(next, 1.0), (4e9, 1.0), (1e9, 1.0)]).unwrap();
        assert_eq!((local.len(), local[0].x_low), (1, next));
    }

    #[test]
    fn invalid_points_are_errors() {
        let zero = [(1.0, 1.0), (2.0, 0.0)];
        let expected = FitError::NotPositive { axis: Axis::Y, index: 1, value: 0.0 };
        assert_eq!(fit_power_law(&zero), Err(expected));
        assert_eq!(
            exponent_drift(&[(1.0, 1.0), (2.0, 1.0)]),
            Err(FitError::TooFewDistinctX { distinct: 2, needed: 3 })
        );
        assert!(matches!(
            fit_power_law(&[(f64::NAN, 1.0), (2.0, 1.0)]),
            Err(FitError::NotFinite { axis: Axis::X, index: 0, .. })
        ));
    }
}
