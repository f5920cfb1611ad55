//! Points as lengths and directions of what each position of the first layer sees.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::{
    error::InfiniteError,
    initialisation::Factors,
    layout::{Layout, OUTSIDE},
};

/// The bound on norms and deviations, well below those whose squares overflow.
pub(super) const MAX_NORM: f64 = 1e150;

/// The points of one or several sets, one after the other: for each position of the first
/// layer, the numbers under its window.
pub(super) struct Points {
    /// Number of points.
    pub(super) n: usize,
    /// Standard deviations of the first preactivation, `[n · positions]`.
    pub(super) deviations: Vec<f64>,
    /// Directions of unit length, `[n · positions, taps · channels]`, or zeros. With biases
    /// that do not start at 0, a direction has one component more, in [`Self::biases`].
    pub(super) directions: Array2<f64>,
    /// The component of the bias, `[n · positions]`.
    pub(super) biases: Vec<f64>,
}

impl Points {
    /// # Errors
    /// [`InfiniteError::Point`]
    pub(super) fn of(
        sets: &[ArrayView2<'_, f64>],
        layout: &Layout,
        factors: &Factors,
    ) -> Result<Self, InfiniteError> {
        let taps = &layout.layers[0];
        let under = taps.size * layout.channels;
        let n = sets.iter().map(ArrayView2::nrows).sum();
        // A layer computes `σ_w x·w/√under + σ_b b`: its bias is one input more, of this size.
        let bias = (factors.biases / factors.weights * under as f64).sqrt();
        let unit = (factors.weights / under as f64).sqrt();
        let mut directions = Array2::zeros([n * taps.positions, under]);
        let (mut deviations, mut biases) = (Vec::new(), Vec::new());
        let rows = sets.iter().flat_map(|set| set.rows());
        for (row, x) in rows.enumerate() {
            let norm = norm_of(x);
            if !(norm < MAX_NORM) {
                return Err(InfiniteError::Point { row, norm });
            }
            for position in 0..taps.positions {
                let mut patch = directions.row_mut(row * taps.positions + position);
                let mut entries = patch.iter_mut();
                for &tap in taps.at(position) {
                    for channel in 0..layout.channels {
                        let entry = entries.next().expect("as many entries as taps and channels");
                        if tap != OUTSIDE {
                            *entry = x[tap as usize * layout.channels + channel];
                        }
                    }
                }
                // Divides by the largest entry first, so that no square underflows.
                let largest = patch.fold(bias, |m, v| m.max(v.abs()));
                let mut length = 0.0;
                let mut component = 0.0;
                if largest > 0.0 {
                    patch /= largest;
                    component = bias / largest;
                    length = (patch.dot(&patch) + component * component).sqrt();
                    patch /= length;
                    component /= length;
                }
                deviations.push(unit * length * largest);
                biases.push(component);
            }
        }
        Ok(Self { n, deviations, directions, biases })
    }
}

/// The norm of a point, NaN or infinite if an entry is.
fn norm_of(x: ArrayView1<'_, f64>) -> f64 {
    let largest = x.fold(0.0f64, |m, v| if m < v.abs() || v.is_nan() { v.abs() } else { m });
    if !(largest > 0.0 && largest.is_finite()) {
        return largest;
    }
    largest * x.fold(0.0, |sum: f64, v| sum + (v / largest) * (v / largest)).sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn factors(weights: f64, biases: f64) -> Factors {
        Factors { weights, biases, weights_rate: 1.0, biases_rate: 1.0 }
    }

    #[test]
    fn lengths_and_directions() {
        let x = array![[3.0, 4.0], [0.0, 0.0], [3e-200, -4e-200]];
        let layout = Layout::dense(2, 1);
        let far = array![[0.0, 1e140]];
        let points = Points::of(&[x.view(), far.view()], &layout, &factors(1.0, 0.0)).unwrap();
        let root = 2f64.sqrt();
        for (found, norm) in points.deviations.iter().zip([5.0, 0.0, 5e-200, 1e140]) {
            assert!((found * root - norm).abs() <= 1e-15 * norm, "{found}");
        }
        let expected = array![[0.6, 0.8], [0.0, 0.0], [0.6, -0.8], [0.0, 1.0]];
        assert!((points.directions - expected).iter().all(|e| e.abs() < 1e-15));
        assert_eq!(points.biases, [0.0; 4]);
    }

    /// `r² = σ_w² ‖x‖²/d + σ_b²`
    #[test]
    fn a_bias_is_one_component_more() {
        let x = array![[3.0, 4.0], [0.0, 0.0]];
        let points = Points::of(&[x.view()], &Layout::dense(2, 1), &factors(4.0, 9.0)).unwrap();
        let expected = [59f64.sqrt(), 3.0];
        for i in 0..2 {
            assert!((points.deviations[i] - expected[i]).abs() < 1e-14);
            assert!((points.biases[i] - 3.0 / expected[i]).abs() < 1e-15);
            let direction = points.directions.row(i);
            let length = direction.dot(&direction) + points.biases[i].powi(2);
            assert!((length - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn points_without_a_finite_square_are_reported() {
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1e200] {
            for x in [array![[1.0, 1.0], [bad, 1.0]], array![[1.0, 1.0], [1.0, bad]]] {
                let points = Points::of(&[x.view()], &Layout::dense(2, 1), &factors(1.0, 0.0));
                let error = points.err();
                assert!(matches!(error, Some(InfiniteError::Point { row: 1, .. })), "{error:?}");
            }
        }
    }
}
