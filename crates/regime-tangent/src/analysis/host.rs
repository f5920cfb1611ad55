//! Kernels as matrices in host memory, and the checks before an analysis.

use burn_tensor::{Tensor, backend::Backend};
use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, CowArray, Ix2};
use regime_models::Precision;

use super::AnalysisError;

/// The largest accepted asymmetry: opposite entries of a kernel may differ by this fraction
/// of its largest entry. The symmetric part is then used. Kernels of this crate are
/// symmetric to the bit; other kernels may have been rounded to float32.
pub const MAX_ASYMMETRY: f64 = 1e-6;

/// A matrix that can be read on the host: a tensor, a view, or a reference to an
/// array.
///
/// # Shapes
/// `[rows, columns]`
pub trait HostMatrix<'a> {
    /// The values, copied only if necessary.
    fn into_host(self) -> CowArray<'a, f64, Ix2>;
}

impl<B: Backend> HostMatrix<'static> for Tensor<B, 2> {
    fn into_host(self) -> CowArray<'static, f64, Ix2> {
        to_host_matrix(self).into()
    }
}

impl<'a> HostMatrix<'a> for ArrayView2<'a, f64> {
    fn into_host(self) -> CowArray<'a, f64, Ix2> {
        self.into()
    }
}

impl<'a> HostMatrix<'a> for &'a Array2<f64> {
    fn into_host(self) -> CowArray<'a, f64, Ix2> {
        self.into()
    }
}

/// A tensor's values in host memory, as float64.
///
/// # Shapes
/// `[rows, columns]`, as the tensor's.
pub fn to_host_matrix<B: Backend>(tensor: Tensor<B, 2>) -> Array2<f64> {
    let [rows, columns] = tensor.dims();
    Array2::from_shape_vec((rows, columns), Precision::to_host(tensor))
        .expect("a tensor holds rows · columns numbers")
}

/// A kernel on one set of points, `[n, n]` with n ≥ 1, finite and symmetric.
///
/// # Errors
/// [`AnalysisError`] with the property that the kernel lacks.
pub(super) fn symmetric<'a>(
    kernel: impl HostMatrix<'a>,
) -> Result<CowArray<'a, f64, Ix2>, AnalysisError> {
    let kernel = kernel.into_host();
    square(kernel.view())?;
    finite("the kernel is", kernel.view())?;
    let (difference, row, column) = worst_asymmetry(kernel.view());
    let largest = largest_entry(kernel.view());
    if difference > MAX_ASYMMETRY * largest {
        return Err(AnalysisError::NotSymmetric { row, column, difference, largest });
    }
    if difference == 0.0 {
        return Ok(kernel);
    }
    Ok(CowArray::from(symmetric_part(kernel.view())))
}

/// Checks that there are points, and as many rows as columns.
pub(super) fn square(kernel: ArrayView2<'_, f64>) -> Result<(), AnalysisError> {
    let (rows, columns) = kernel.dim();
    if kernel.is_empty() {
        return Err(AnalysisError::Empty);
    }
    if rows != columns {
        return Err(AnalysisError::NotSquare { rows, columns });
    }
    Ok(())
}

/// Checks that every entry is finite.
pub(super) fn finite(what: &'static str, matrix: ArrayView2<'_, f64>) -> Result<(), AnalysisError> {
    match matrix.indexed_iter().find(|(_, v)| !v.is_finite()) {
        Some(((row, column), &value)) => Err(AnalysisError::NotFinite { what, row, column, value }),
        None => Ok(()),
    }
}

/// Checks that a vector has the length of the kernel and is finite.
pub(super) fn vector(
    lengths: &'static str,
    values: &'static str,
    v: ArrayView1<'_, f64>,
    expected: usize,
) -> Result<(), AnalysisError> {
    if v.len() != expected {
        return Err(AnalysisError::Length { what: lengths, expected, found: v.len() });
    }
    finite(values, v.insert_axis(ndarray::Axis(1)))
}

/// Checks that there is one finite label per point of the kernel.
pub(super) fn labels(y: ArrayView1<'_, f64>, n: usize) -> Result<(), AnalysisError> {
    vector("number of labels", "a label is", y, n)
}

/// Labels, checked, in units of the largest one.
pub(super) fn unit(y: ArrayView1<'_, f64>, n: usize) -> Result<Array1<f64>, AnalysisError> {
    labels(y, n)?;
    let largest = y.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest == 0.0 {
        return Err(AnalysisError::Vanishes { what: "the vector of labels" });
    }
    Ok(y.mapv(|v| v / largest))
}

/// The largest `|K_ij − K_ji|` of finite entries, and its row and column.
pub(super) fn worst_asymmetry(kernel: ArrayView2<'_, f64>) -> (f64, usize, usize) {
    let mut worst = (0.0, 0, 0);
    for i in 0..kernel.nrows() {
        for j in 0..i {
            let difference = (kernel[[i, j]] - kernel[[j, i]]).abs();
            if difference.is_finite() && difference > worst.0 {
                worst = (difference, i, j);
            }
        }
    }
    worst
}

/// `(K + Kᵀ)/2`
pub(super) fn symmetric_part(kernel: ArrayView2<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn(kernel.dim(), |(i, j)| 0.5 * (kernel[[i, j]] + kernel[[j, i]]))
}

pub(super) fn largest_entry(matrix: ArrayView2<'_, f64>) -> f64 {
    matrix.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

pub(super) fn to_faer(matrix: ArrayView2<'_, f64>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[[i, j]])
}

/// Eigenvalues, largest first, and eigenvectors as columns, each with the sign that
/// makes its component of largest magnitude positive.
pub(super) fn eigen(
    symmetric: ArrayView2<'_, f64>,
) -> Result<(Array1<f64>, Array2<f64>), AnalysisError> {
    let n = symmetric.nrows();
    let eigen = to_faer(symmetric)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| AnalysisError::NoDecomposition { rows: n, columns: n })?;
    let values = eigen.S().column_vector();
    let values = Array1::from_shape_fn(n, |k| values[n - 1 - k]);
    if values.iter().any(|value| !value.is_finite()) {
        return Err(AnalysisError::NoDecomposition { rows: n, columns: n });
    }
    let mut vectors = Array2::from_shape_fn((n, n), |(i, k)| eigen.U()[(i, n - 1 - k)]);
    fix_signs(&mut vectors);
    Ok((values, vectors))
}

/// Makes the component of largest magnitude of every column positive (the first one, if
/// several tie), so that signs do not depend on the solver.
pub(super) fn fix_signs(columns: &mut Array2<f64>) {
    for mut column in columns.columns_mut() {
        let largest = column.iter().fold(0.0, |m: f64, &v| if v.abs() > m.abs() { v } else { m });
        if largest < 0.0 {
            column.mapv_inplace(|v| -v);
        }
    }
}
