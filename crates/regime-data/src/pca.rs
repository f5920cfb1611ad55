//! Principal components, from the eigenvectors of the covariance.
//!
//! With fitted points `x₁ … x_n` of mean `m` and covariance
//! `C = 1/n Σ (xᵢ − m)(xᵢ − m)ᵀ`, eigenvalues `λ₁ ≥ λ₂ ≥ …` and eigenvectors
//! `e₁, e₂, …`, the components of a point `x` are `eⱼ·(x − m) / sⱼ`, where
//! [`PcaScaling`] chooses the `sⱼ`.
//!
//! Each `eⱼ` is given the sign that makes its loading of largest magnitude positive (the
//! first of them, if several tie), so the components do not depend on the eigensolver.
//!
//! ```
//! use ndarray::array;
//! use regime_data::pca::{Pca, PcaScaling};
//!
//! let x = array![[0.0, 4.0], [2.0, 0.0], [0.0, -4.0], [-2.0, 0.0]];
//! let pca = Pca::fit(x.view(), 1, PcaScaling::Whitened)?;
//! assert_eq!(pca.eigenvalues().to_vec(), [8.0]);
//! assert_eq!(pca.total_variance(), 10.0);
//! assert!((pca.transform(x.view())[[0, 0]] - 2f64.sqrt()).abs() < 1e-12);
//! # Ok::<(), regime_data::pca::PcaError>(())
//! ```

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::SelfAdjointEigen;
use faer::{Accum, Mat, MatRef, Par, Side};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// Maximum number of coordinates of a point: the covariance is a dense square matrix (2
/// GiB at this size).
pub const MAX_DIM: usize = 16_384;

/// What the components are divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PcaScaling {
    /// Each by the root of its eigenvalue, `sⱼ = √λⱼ`: over the fitted points, every
    /// component has variance 1 (the default, as in v1 of the paper).
    #[default]
    Whitened,
    /// All by the root of the mean of the *retained* eigenvalues,
    /// `sⱼ = √((λ₁ + … + λ_k)/k)`. The variances average to 1 and their ratios do not
    /// change; with all components retained, all distances change by one factor (as in
    /// later versions of the paper).
    MeanEigenvalue,
}

/// An error from fitting principal components.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PcaError {
    /// There are no points to fit.
    #[error("no points to fit principal components on")]
    NoPoints,
    /// The number of components is 0, or exceeds the number of coordinates.
    #[error(
        "{components} principal components of points with {dim} coordinates: from 1 to {dim} are possible"
    )]
    Components {
        /// Requested number of components.
        components: usize,
        /// Number of coordinates.
        dim: usize,
    },
    /// More coordinates than [`MAX_DIM`].
    #[error("{dim} coordinates are too many for a dense covariance: at most {max}", max = MAX_DIM)]
    TooLarge {
        /// Number of coordinates.
        dim: usize,
    },
    /// The points span too few directions to scale that many components.
    #[error(
        "{components} principal components cannot be scaled: the {points} fitted points vary in \
         {rank} directions only"
    )]
    RankDeficient {
        /// Requested number of components.
        components: usize,
        /// Number of eigenvalues above `dim · ε · λ₁`.
        rank: usize,
        /// Number of fitted points.
        points: usize,
    },
    /// An entry of the covariance is infinite or not a number.
    #[error("the covariance of the fitted points is not finite")]
    NotFinite,
    /// The eigensolver did not converge.
    #[error("the eigendecomposition of a {dim} × {dim} covariance does not converge")]
    NoConvergence {
        /// Number of coordinates.
        dim: usize,
    },
}

/// Fitted principal components.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    mean: Array1<f64>,
    axes: Array2<f64>,
    eigenvalues: Array1<f64>,
    scales: Array1<f64>,
    total_variance: f64,
}

impl Pca {
    /// Fits `components` components on the rows of `x`.
    ///
    /// # Shapes
    ///
    /// `x`: `n × d`.
    ///
    /// # Errors
    ///
    /// Any [`PcaError`].
    pub fn fit(
        x: ArrayView2<'_, f64>,
        components: usize,
        scaling: PcaScaling,
    ) -> Result<Self, PcaError> {
        let blocks = || x.axis_chunks_iter(Axis(0), 1024).map(|block| block.to_owned());
        Self::fit_blocks(x.ncols(), blocks, components, scaling)
    }

    /// Fits on points given in blocks of rows, `dim` coordinates each.
    ///
    /// `blocks` is called twice, for the mean and for the covariance. Thus at most one
    /// block of points is in memory, and a large mean costs no precision.
    pub(crate) fn fit_blocks<I>(
        dim: usize,
        blocks: impl Fn() -> I,
        components: usize,
        scaling: PcaScaling,
    ) -> Result<Self, PcaError>
    where
        I: Iterator<Item = Array2<f64>>,
    {
        if components == 0 || components > dim {
            return Err(PcaError::Components { components, dim });
        }
        if dim > MAX_DIM {
            return Err(PcaError::TooLarge { dim });
        }
        let (points, mean) = mean(dim, blocks());
        if points == 0 {
            return Err(PcaError::NoPoints);
        }
        let covariance = covariance(&mean, points, blocks());
        if (0..dim).any(|j| (j..dim).any(|i| !covariance[(i, j)].is_finite())) {
            return Err(PcaError::NotFinite);
        }
        let total_variance = (0..dim).map(|i| covariance[(i, i)]).sum();

        let eigen = SelfAdjointEigen::new(covariance.as_ref(), Side::Lower)
            .map_err(|_| PcaError::NoConvergence { dim })?;
        let values = eigen.S().column_vector();
        // faer sorts upwards; rounding may leave a vanishing eigenvalue negative.
        let descending = |j: usize| values[dim - 1 - j].max(0.0);

        let smallest_scalable = dim as f64 * f64::EPSILON * descending(0);
        let rank = (0..dim).take_while(|&j| descending(j) > smallest_scalable).count();
        let needed = match scaling {
            PcaScaling::Whitened => components,
            PcaScaling::MeanEigenvalue => 1,
        };
        if rank < needed {
            return Err(PcaError::RankDeficient { components, rank, points });
        }

        let eigenvalues = Array1::from_shape_fn(components, descending);
        let mut axes =
            Array2::from_shape_fn((dim, components), |(i, j)| eigen.U()[(i, dim - 1 - j)]);
        for mut axis in axes.columns_mut() {
            if largest_loading(axis.view()) < 0.0 {
                axis.mapv_inplace(|loading| -loading);
            }
        }
        let scales = match scaling {
            PcaScaling::Whitened => eigenvalues.mapv(f64::sqrt),
            PcaScaling::MeanEigenvalue => {
                let mean_eigenvalue = eigenvalues.sum() / components as f64;
                Array1::from_elem(components, mean_eigenvalue.sqrt())
            }
        };
        Ok(Self { mean, axes, eigenvalues, scales, total_variance })
    }

    /// The scaled components of the rows of `x`.
    ///
    /// # Shapes
    ///
    /// `x`: `n × d`; the result: `n × components`.
    ///
    /// # Panics
    ///
    /// If `x` and the fitted points differ in the number of columns.
    pub fn transform(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (&x - &self.mean).dot(&self.axes) / &self.scales
    }

    /// The mean of the fitted points, `d` numbers.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The unit eigenvectors, `d × components`, one per column.
    pub fn axes(&self) -> ArrayView2<'_, f64> {
        self.axes.view()
    }

    /// The retained eigenvalues of the covariance, largest first.
    pub fn eigenvalues(&self) -> ArrayView1<'_, f64> {
        self.eigenvalues.view()
    }

    /// The sum of *all* eigenvalues: the variance of the fitted points.
    pub fn total_variance(&self) -> f64 {
        self.total_variance
    }

    /// The fraction of the variance in the retained components, 0 to 1.
    pub fn explained_variance(&self) -> f64 {
        self.eigenvalues.sum() / self.total_variance
    }
}

/// Number and mean of the rows of all blocks.
pub(crate) fn mean(dim: usize, blocks: impl Iterator<Item = Array2<f64>>) -> (usize, Array1<f64>) {
    let mut points = 0;
    let mut sum = Array1::zeros(dim);
    for block in blocks {
        points += block.nrows();
        sum += &block.sum_axis(Axis(0));
    }
    (points, sum / points.max(1) as f64)
}

/// The covariance of the rows of all blocks; only its lower half is filled.
fn covariance(
    mean: &Array1<f64>,
    points: usize,
    blocks: impl Iterator<Item = Array2<f64>>,
) -> Mat<f64> {
    let dim = mean.len();
    let mut covariance = Mat::zeros(dim, dim);
    for mut block in blocks {
        block -= mean;
        let (rows, _) = block.dim();
        let block = block.into_raw_vec_and_offset().0;
        let block = MatRef::from_row_major_slice(&block, rows, dim);
        matmul(
            covariance.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            block.transpose(),
            BlockStructure::Rectangular,
            block,
            BlockStructure::Rectangular,
            1.0 / points as f64,
            Par::Seq,
        );
    }
    covariance
}

/// The loading of largest magnitude, with its sign; the first of several.
fn largest_loading(axis: ArrayView1<'_, f64>) -> f64 {
    axis.iter().fold(
        0.0,
        |largest: f64, &loading| {
            if loading.abs() > largest.abs() { loading } else { largest }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::data_rng;
    use ndarray::array;
    use rand_distr::{Distribution, StandardNormal};

    fn gaussian(n: usize, d: usize, seed: u64) -> Array2<f64> {
        let mut rng = data_rng(seed);
        Array2::from_shape_simple_fn((n, d), || StandardNormal.sample(&mut rng))
    }

    fn assert_close(found: &Array2<f64>, expected: &Array2<f64>, tolerance: f64) {
        let worst = (found - expected).fold(0.0_f64, |worst, x| worst.max(x.abs()));
        assert!(worst < tolerance, "off by {worst}: {found}");
    }

    /// `1/n Σ z zᵀ`, by the definition.
    fn second_moment(z: &Array2<f64>) -> Array2<f64> {
        z.t().dot(z) / z.nrows() as f64
    }

    /// Covariance [[5, 3], [3, 5]]: eigenvalues 8 and 2, axes (1, ±1)/√2.
    #[test]
    fn two_by_two_closed_form() {
        let (a, b) = (8f64.sqrt(), 2f64.sqrt());
        let x = array![[a, a], [-a, -a], [b, -b], [-b, b]] + 100.0;
        let pca = Pca::fit(x.view(), 2, PcaScaling::Whitened).unwrap();
        assert!((pca.eigenvalues()[0] - 8.0).abs() < 1e-12);
        assert!((pca.eigenvalues()[1] - 2.0).abs() < 1e-12);
        assert!((pca.total_variance() - 10.0).abs() < 1e-12);
        assert!((pca.explained_variance() - 1.0).abs() < 1e-15);
        assert_eq!(pca.mean().to_vec(), [100.0, 100.0]);
        let half = 0.5_f64.sqrt();
        assert!(pca.axes().column(0).iter().all(|loading| (loading - half).abs() < 1e-12));
    }

    #[test]
    fn whitened_components_are_uncorrelated_with_unit_variance() {
        for (n, d, k) in [(50, 1, 1), (64, 33, 33), (3000, 7, 3), (127, 31, 10)] {
            let mixing = gaussian(d, d, 1);
            let x = gaussian(n, d, 2).dot(&mixing) + 3.0;
            let pca = Pca::fit(x.view(), k, PcaScaling::Whitened).unwrap();
            let z = pca.transform(x.view());
            assert_close(&second_moment(&z), &Array2::eye(k), 1e-9);
            let worst_mean = z.sum_axis(Axis(0)).fold(0.0_f64, |w, x| w.max(x.abs())) / n as f64;
            assert!(worst_mean < 1e-10, "mean {worst_mean}");
        }
    }

    #[test]
    fn known_axes_are_found() {
        let n = 40_000;
        let x = gaussian(n, 3, 3) * &array![1.0, 5.0, 2.0];
        let pca = Pca::fit(x.view(), 3, PcaScaling::MeanEigenvalue).unwrap();
        let expected = array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        // Axes have an error of about 1/√n, variances a relative error of √(2/n).
        assert_close(&pca.axes().to_owned(), &expected, 6.0 / (n as f64).sqrt());
        for (found, expected) in pca.eigenvalues().iter().zip([25.0, 4.0, 1.0]) {
            assert!((found / expected - 1.0).abs() < 6.0 * (2.0 / n as f64).sqrt());
        }
    }

    #[test]
    fn all_components_with_the_mean_eigenvalue_keep_distances_up_to_a_factor() {
        let d = 32;
        let x = gaussian(200, d, 4).dot(&gaussian(d, d, 5));
        let pca = Pca::fit(x.view(), d, PcaScaling::MeanEigenvalue).unwrap();
        let z = pca.transform(x.view());
        let factor = (pca.total_variance() / d as f64).sqrt();
        let distance = |x: &Array2<f64>, i: usize, j: usize| {
            let difference = &x.row(i) - &x.row(j);
            difference.dot(&difference).sqrt()
        };
        for (i, j) in [(0, 1), (5, 100), (199, 3)] {
            let ratio = distance(&x, i, j) / distance(&z, i, j);
            assert!((ratio / factor - 1.0).abs() < 1e-11);
        }
        assert!((second_moment(&z).diag().sum() / d as f64 - 1.0).abs() < 1e-11);
    }

    #[test]
    fn the_largest_loading_is_positive() {
        let x = gaussian(100, 13, 6);
        let pca = Pca::fit(x.view(), 13, PcaScaling::Whitened).unwrap();
        let mirrored = Pca::fit((-&x).view(), 13, PcaScaling::Whitened).unwrap();
        for axis in pca.axes().columns() {
            assert!(largest_loading(axis) > 0.0);
        }
        assert_close(&mirrored.axes().to_owned(), &pca.axes().to_owned(), 1e-9);
    }

    #[test]
    fn the_size_of_blocks_does_not_matter() {
        let x = gaussian(3000, 5, 7);
        let whole = || std::iter::once(x.clone());
        let in_blocks = Pca::fit(x.view(), 2, PcaScaling::Whitened).unwrap();
        let at_once = Pca::fit_blocks(5, whole, 2, PcaScaling::Whitened).unwrap();
        assert_close(&in_blocks.transform(x.view()), &at_once.transform(x.view()), 1e-10);
    }

    #[test]
    fn errors() {
        let x = gaussian(4, 6, 8);
        let fit = |x: &Array2<f64>, k, scaling| Pca::fit(x.view(), k, scaling).unwrap_err();
        for components in [0, 7] {
            let error = fit(&x, components, PcaScaling::Whitened);
            assert_eq!(error, PcaError::Components { components, dim: 6 });
        }
        assert_eq!(
            fit(&x, 4, PcaScaling::Whitened),
            PcaError::RankDeficient { components: 4, rank: 3, points: 4 }
        );
        assert!(Pca::fit(x.view(), 6, PcaScaling::MeanEigenvalue).is_ok());
        assert_eq!(
            fit(&Array2::ones((5, 3)), 1, PcaScaling::MeanEigenvalue),
            PcaError::RankDeficient { components: 1, rank: 0, points: 5 }
        );
        assert_eq!(fit(&Array2::zeros((0, 3)), 1, PcaScaling::Whitened), PcaError::NoPoints);
        assert_eq!(
            fit(&Array2::from_elem((2, 2), f64::NAN), 1, PcaScaling::Whitened),
            PcaError::NotFinite
        );
        assert_eq!(
            fit(&Array2::zeros((1, MAX_DIM + 1)), 1, PcaScaling::Whitened),
            PcaError::TooLarge { dim: MAX_DIM + 1 }
        );
    }
}
