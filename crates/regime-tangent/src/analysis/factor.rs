//! Linear solves with a kernel of any condition, with a report of the method.

use std::fmt;

use faer::{
    Mat, Side,
    dyn_stack::{MemBuffer, MemStack},
    get_global_parallelism,
    linalg::{cholesky::llt_pivoting, solvers::Llt},
    prelude::Solve,
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::{
    Accuracy, AnalysisError, HostMatrix,
    host::{eigen, finite, largest_entry, symmetric, to_faer},
};

/// The method of a factorisation, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorMethod {
    /// `K = LLᵀ`, `n³/6` multiply-adds. All eigenvalues of the kernel are above rounding,
    /// and nothing is dropped.
    Cholesky,
    /// `K ≈ LLᵀ` with `L` of `rank` columns, the largest remaining pivot first, of the order
    /// of `n²·rank` multiply-adds. The kernel has no negative part but is singular up to
    /// rounding. Solutions are the least-squares solutions of least norm.
    PivotedCholesky,
    /// The eigenpairs above rounding, about `10 n³` multiply-adds. Pivoting failed, too, or
    /// the kernel has a negative part, which is dropped. Solutions are the least-squares
    /// solutions of least norm.
    TruncatedEigenvalues,
}

impl fmt::Display for FactorMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cholesky => "Cholesky factor",
            Self::PivotedCholesky => "pivoted Cholesky factor",
            Self::TruncatedEigenvalues => "truncated eigenvalues",
        })
    }
}

/// The method, rank and truncation error of a factorisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorReport {
    /// The method that succeeded.
    pub method: FactorMethod,
    /// Number of points `n`.
    pub n_points: usize,
    /// Number of columns or eigenpairs; `n` unless something was dropped.
    pub rank: usize,
    /// The smallest eigenvalue of the factorisation. For a Cholesky factor, an upper bound
    /// on it from a few inverse iterations. 0 for rank 0.
    pub smallest_kept: f64,
    /// A bound on the dropped part: the largest entry of `K − LLᵀ`, or the largest
    /// magnitude of a dropped eigenvalue; 0 for [`FactorMethod::Cholesky`].
    pub dropped: f64,
}

impl fmt::Display for FactorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, n_points, rank, smallest_kept, dropped } = self;
        write!(
            f,
            "{method} of rank {rank} of {n_points}, smallest eigenvalue {smallest_kept:.1e}"
        )?;
        match method {
            FactorMethod::Cholesky => Ok(()),
            _ => write!(f, ", dropped up to {dropped:.1e}"),
        }
    }
}

/// A factorised kernel.
#[derive(Debug, Clone)]
pub struct Factorisation {
    report: FactorReport,
    factor: Factor,
}

#[derive(Debug, Clone)]
enum Factor {
    Whole(Llt<f64>),
    /// `L`, `[n, r]`, and the factor of `LᵀL`.
    LowRank(Mat<f64>, Llt<f64>),
    /// Eigenvalues `[r]` and eigenvectors `[n, r]`.
    Eigen(Array1<f64>, Array2<f64>),
}

/// Factorises a kernel by the first [`FactorMethod`] that succeeds. A Cholesky factor is
/// used only if the estimated smallest eigenvalue exceeds `n ε` times the largest entry;
/// below, rounding dominates the solution.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not
/// finite, or when even the eigenvalue iteration does not converge. A singular kernel
/// is not an error.
pub fn factorise<'a>(kernel: impl HostMatrix<'a>) -> Result<Factorisation, AnalysisError> {
    factorise_with(kernel, Accuracy::default())
}

/// As [`factorise`], for a kernel whose entries have a larger error than rounding: pivots and
/// eigenvalues that this error explains are dropped.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// As for [`factorise`].
pub fn factorise_with<'a>(
    kernel: impl HostMatrix<'a>,
    accuracy: Accuracy,
) -> Result<Factorisation, AnalysisError> {
    let kernel = symmetric(kernel)?;
    let kernel = kernel.view();
    let noise = accuracy.noise(kernel);
    let rounding = kernel.nrows() as f64 * f64::EPSILON * largest_entry(kernel) + noise;
    match cholesky(kernel, rounding).or_else(|| pivoted(kernel, rounding, noise)) {
        Some(factorisation) => Ok(factorisation),
        None => truncated(kernel, noise),
    }
}

impl Factorisation {
    /// The report of the factorisation.
    pub fn report(&self) -> FactorReport {
        self.report
    }

    /// Solves for every column `b` of `right`: `K⁻¹ b`, or `K⁺ b` if something was dropped.
    ///
    /// # Shapes
    /// `[n, c]` → `[n, c]`
    ///
    /// # Errors
    /// [`AnalysisError`] for the wrong number of rows, and for entries of `right` or of
    /// the solution that are not finite.
    pub fn solve(&self, right: ArrayView2<'_, f64>) -> Result<Array2<f64>, AnalysisError> {
        let n = self.report.n_points;
        if right.nrows() != n {
            let what = "number of rows of the right side";
            return Err(AnalysisError::Length { what, expected: n, found: right.nrows() });
        }
        finite("the right side is", right)?;
        let solution = match &self.factor {
            Factor::Whole(factor) => to_array(&factor.solve(to_faer(right))),
            Factor::LowRank(l, gram) => {
                // K = LLᵀ has the pseudo-inverse L (LᵀL)⁻² Lᵀ.
                let inner = gram.solve(gram.solve(l.transpose() * to_faer(right)));
                to_array(&(l * inner))
            }
            Factor::Eigen(values, vectors) => {
                let components = vectors.t().dot(&right) / values.view().insert_axis(Axis(1));
                vectors.dot(&components)
            }
        };
        finite("the solution is", solution.view())?;
        Ok(solution)
    }

    /// [`solve`](Self::solve) for a single right side.
    ///
    /// # Shapes
    /// `[n]` → `[n]`
    ///
    /// # Errors
    /// As for [`solve`](Self::solve).
    pub fn solve_vector(&self, right: ArrayView1<'_, f64>) -> Result<Array1<f64>, AnalysisError> {
        Ok(self.solve(right.insert_axis(Axis(1)))?.remove_axis(Axis(1)))
    }
}

fn cholesky(kernel: ArrayView2<'_, f64>, rounding: f64) -> Option<Factorisation> {
    let n_points = kernel.nrows();
    let factor = to_faer(kernel).llt(Side::Lower).ok()?;
    let smallest_kept = smallest_at_most(&factor);
    let report = FactorReport {
        method: FactorMethod::Cholesky,
        n_points,
        rank: n_points,
        smallest_kept,
        dropped: 0.0,
    };
    (smallest_kept > rounding).then_some(Factorisation { report, factor: Factor::Whole(factor) })
}

/// Stops at the first pivot of at most `noise`.
fn pivoted(kernel: ArrayView2<'_, f64>, rounding: f64, noise: f64) -> Option<Factorisation> {
    let n = kernel.nrows();
    // A positive semidefinite matrix without a positive diagonal entry is zero.
    if !kernel.diag().iter().any(|&d| d > 0.0) {
        return None;
    }
    let mut lower = to_faer(kernel);
    let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
    let par = get_global_parallelism();
    let scratch =
        llt_pivoting::factor::cholesky_in_place_scratch::<usize, f64>(n, par, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let (info, _) = llt_pivoting::factor::cholesky_in_place(
        lower.as_mut(),
        &mut order,
        &mut inverse,
        par,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .ok()?;
    let above = |j: &usize| lower[(*j, *j)].powi(2) > noise;
    let rank = (0..info.rank).take_while(above).count();
    if rank == 0 {
        return None;
    }
    // The rows in the order of the points, not of the pivots.
    let l = Mat::from_fn(n, rank, |i, j| {
        let at = inverse[i];
        if at >= j { lower[(at, j)] } else { 0.0 }
    });
    let product = &l * l.transpose();
    let rest = Array2::from_shape_fn((n, n), |(i, j)| kernel[[i, j]] - product[(i, j)]);
    let dropped = largest_entry(rest.view());
    // Only a kernel with a negative part leaves a larger rest. `largest_entry` leaves out NaN.
    if !(dropped <= 4.0 * rounding) || rest.iter().any(|v| !v.is_finite()) {
        return None;
    }
    // LᵀL has the nonzero eigenvalues of LLᵀ.
    let gram = (l.transpose() * &l).llt(Side::Lower).ok()?;
    let smallest_kept = smallest_at_most(&gram);
    if !(smallest_kept > rounding) {
        return None;
    }
    let report = FactorReport {
        method: FactorMethod::PivotedCholesky,
        n_points: n,
        rank,
        smallest_kept,
        dropped,
    };
    Some(Factorisation { report, factor: Factor::LowRank(l, gram) })
}

fn truncated(kernel: ArrayView2<'_, f64>, noise: f64) -> Result<Factorisation, AnalysisError> {
    let n = kernel.nrows();
    let (values, vectors) = eigen(kernel)?;
    let largest = values[0].abs().max(values[n - 1].abs());
    let rounding = n as f64 * f64::EPSILON * largest + noise;
    let rank = values.iter().take_while(|&&l| l > rounding).count();
    let report = FactorReport {
        method: FactorMethod::TruncatedEigenvalues,
        n_points: n,
        rank,
        smallest_kept: if rank > 0 { values[rank - 1] } else { 0.0 },
        dropped: values.iter().skip(rank).fold(0.0, |m: f64, l| m.max(l.abs())),
    };
    let values = values.slice_axis(Axis(0), (..rank).into()).to_owned();
    let vectors = vectors.slice_axis(Axis(1), (..rank).into()).to_owned();
    Ok(Factorisation { report, factor: Factor::Eigen(values, vectors) })
}

/// An upper bound on the smallest eigenvalue of `LLᵀ`, which is closer the more this
/// eigenvalue is separated from the others.
///
/// The bound is `1/‖(LLᵀ)⁻¹v‖` for a unit vector `v` after a few inverse iterations. They
/// start from a vector with a large entry at the smallest pivot and entries ±1 elsewhere.
fn smallest_at_most(factor: &Llt<f64>) -> f64 {
    const ITERATIONS: usize = 5;
    let l = factor.L();
    let n = l.nrows();
    let smallest = (0..n).min_by(|&i, &j| l[(i, i)].total_cmp(&l[(j, j)])).unwrap_or(0);
    let mut v = Mat::from_fn(n, 1, |i, _| {
        let sign = if i % 3 == 0 { 1.0 } else { -1.0 };
        if i == smallest { (n as f64).sqrt() } else { sign }
    });
    let mut bound = f64::INFINITY;
    for _ in 0..ITERATIONS {
        let size = v.norm_l2();
        v = factor.solve(&v * faer::Scale(size.recip()));
        let next = v.norm_l2().recip();
        // `min` would leave out a NaN.
        if next.is_nan() {
            return 0.0;
        }
        bound = bound.min(next);
    }
    bound
}

fn to_array(matrix: &Mat<f64>) -> Array2<f64> {
    Array2::from_shape_fn((matrix.nrows(), matrix.ncols()), |(i, j)| matrix[(i, j)])
}
