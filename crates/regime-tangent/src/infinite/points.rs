//! Points as lengths and directions.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use super::error::InfiniteError;

/// The bound on norms, well below those whose squares overflow.
const MAX_NORM: f64 = 1e150;

/// The points of one or several sets, stacked by rows.
pub(super) struct Points {
    /// Standard deviations of the first preactivation, `‖x‖/√d`.
    pub(super) deviations: Vec<f64>,
    /// `x/‖x‖`, `[n, d]`; zero for a point at the origin.
    pub(super) directions: Array2<f64>,
}

impl Points {
    /// # Errors
    /// [`InfiniteError::Point`]
    pub(super) fn of(sets: &[ArrayView2<'_, f64>]) -> Result<Self, InfiniteError> {
        let d = sets[0].ncols();
        let stacked = concatenate(Axis(0), sets).expect("all points have the same dimension");
        let mut directions = stacked.as_standard_layout().into_owned();
        let mut deviations = Vec::with_capacity(directions.nrows());
        for (row, mut x) in directions.rows_mut().into_iter().enumerate() {
            // Divides by the largest entry first, so that no square underflows. A NaN counts
            // as the largest entry.
            let largest =
                x.fold(0.0f64, |m, v| if m < v.abs() || v.is_nan() { v.abs() } else { m });
            let mut norm = largest;
            if largest > 0.0 && largest.is_finite() {
                x /= largest;
                let length = x.dot(&x).sqrt();
                x /= length;
                norm *= length;
            }
            if !(norm < MAX_NORM) {
                return Err(InfiniteError::Point { row, norm });
            }
            deviations.push(norm / (d as f64).sqrt());
        }
        Ok(Self { deviations, directions })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn lengths_and_directions() {
        let x = array![[3.0, 4.0], [0.0, 0.0], [3e-200, -4e-200]];
        let points = Points::of(&[x.view(), array![[0.0, 1e140]].view()]).unwrap();
        let root = 2f64.sqrt();
        for (found, norm) in points.deviations.iter().zip([5.0, 0.0, 5e-200, 1e140]) {
            assert!((found * root - norm).abs() <= 1e-15 * norm, "{found}");
        }
        let expected = array![[0.6, 0.8], [0.0, 0.0], [0.6, -0.8], [0.0, 1.0]];
        assert!((points.directions - expected).iter().all(|e| e.abs() < 1e-15));
    }

    #[test]
    fn points_without_a_finite_square_are_reported() {
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e200] {
            for x in [array![[1.0, 1.0], [bad, 1.0]], array![[1.0, 1.0], [1.0, bad]]] {
                let error = Points::of(&[x.view()]).err();
                assert!(matches!(error, Some(InfiniteError::Point { row: 1, .. })), "{error:?}");
            }
        }
    }
}
