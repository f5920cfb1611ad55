//! Symmetric eigenproblems of host matrices.

use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// Eigenvalues in increasing order; only the lower triangle is read.
pub(super) fn eigenvalues(matrix: ArrayView2<'_, f64>) -> Vec<f64> {
    of(matrix).self_adjoint_eigenvalues(Side::Lower).unwrap_or_else(|_| vec![f64::NAN])
}

/// The eigendecomposition of a symmetric matrix, eigenvalues in increasing order.
pub(super) struct Eigen {
    pub(super) values: Array1<f64>,
    /// One eigenvector per column.
    pub(super) vectors: Array2<f64>,
}

impl Eigen {
    /// Decomposes a matrix; `None` if it is not finite.
    pub(super) fn of(matrix: ArrayView2<'_, f64>) -> Option<Self> {
        let n = matrix.nrows();
        let eigen = of(matrix).self_adjoint_eigen(Side::Lower).ok()?;
        let (u, s) = (eigen.U(), eigen.S());
        let vectors = Array2::from_shape_fn((n, n), |(i, k)| u[(i, k)]);
        let values = Array1::from_shape_fn(n, |k| s[k]);
        values.iter().all(|v| v.is_finite()).then_some(Self { values, vectors })
    }

    /// The product `g(M) v`.
    pub(super) fn apply(&self, g: impl Fn(f64) -> f64, v: ArrayView1<'_, f64>) -> Array1<f64> {
        let along = self.vectors.t().dot(&v) * self.values.mapv(g);
        self.vectors.dot(&along)
    }

    pub(super) fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |m, v| m.max(v.abs()))
    }
}

fn of(matrix: ArrayView2<'_, f64>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)])
}
