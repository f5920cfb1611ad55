//! Logarithmic grids of parameters.

use thiserror::Error;

/// Why a grid does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum GridError {
    /// The ends are not positive, finite and increasing.
    #[error("a logarithmic grid from {low} to {high} needs 0 < low < high < ∞")]
    BadRange {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Too few points to span a range.
    #[error("{n} grid points (or steps per decade) are too few")]
    TooFew {
        /// The requested number.
        n: usize,
    },
}

/// Returns `n ≥ 2` values in geometric progression; the ends are exact.
///
/// # Errors
/// [`GridError::BadRange`] unless `0 < low < high < ∞`, [`GridError::TooFew`]
/// below two points.
///
/// # Reference
/// `x_i = low^{1−i/(n−1)} · high^{i/(n−1)}`.
pub fn log_spaced(low: f64, high: f64, n: usize) -> Result<Vec<f64>, GridError> {
    check_range(low, high)?;
    if n < 2 {
        return Err(GridError::TooFew { n });
    }
    let (start, end) = (low.ln(), high.ln());
    let last = (n - 1) as f64;
    let mut grid: Vec<f64> =
        (0..n).map(|i| (start + (end - start) * (i as f64 / last)).exp()).collect();
    (grid[0], grid[n - 1]) = (low, high);
    Ok(grid)
}

/// Returns all values `10^{k/per_decade}`, with integer `k`, from `low` to `high`
/// inclusive. Three per decade are the usual 1, 2.2, 4.6, 10.
///
/// Grids of overlapping ranges share values, so that runs can be reused.
///
/// # Errors
/// [`GridError::BadRange`] unless `0 < low < high < ∞`, [`GridError::TooFew`]
/// for zero values per decade.
pub fn decade_grid(low: f64, high: f64, per_decade: usize) -> Result<Vec<f64>, GridError> {
    check_range(low, high)?;
    if per_decade == 0 {
        return Err(GridError::TooFew { n: per_decade });
    }
    let steps = per_decade as f64;
    let tolerance = 1e-9;
    let first = (low.log10() * steps - tolerance).ceil() as i64;
    let last = (high.log10() * steps + tolerance).floor() as i64;
    Ok((first..=last).map(|k| 10f64.powf(k as f64 / steps)).collect())
}

fn check_range(low: f64, high: f64) -> Result<(), GridError> {
    let good = low.is_finite() && high.is_finite() && 0.0 < low && low < high;
    good.then_some(()).ok_or(GridError::BadRange { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_exact_and_ratios_constant() {
        let grid = log_spaced(50.0, 800.0, 9).unwrap();
        assert_eq!((grid[0], grid[8]), (50.0, 800.0));
        for pair in grid.windows(2) {
            assert!((pair[1] / pair[0] - 2f64.sqrt()).abs() < 1e-13);
        }
    }

    #[test]
    fn three_per_decade() {
        let grid = decade_grid(1e-3, 1e5, 3).unwrap();
        assert_eq!(grid.len(), 25);
        assert!((grid[0] - 1e-3).abs() < 1e-18);
        assert!((grid[1] - 2.154_434_690e-3).abs() < 1e-11);
        assert!((grid[24] - 1e5).abs() < 1e-9);
    }

    #[test]
    fn invalid_grids_are_errors() {
        assert_eq!(log_spaced(0.0, 1.0, 3), Err(GridError::BadRange { low: 0.0, high: 1.0 }));
        assert_eq!(log_spaced(1.0, 2.0, 1), Err(GridError::TooFew { n: 1 }));
        assert_eq!(decade_grid(1.0, 2.0, 0), Err(GridError::TooFew { n: 0 }));
    }
}
