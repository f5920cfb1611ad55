//! The condition of a kernel.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Accuracy, AnalysisError, HostMatrix,
    host::{square, symmetric_part, worst_asymmetry},
    krylov::Krylov,
    spectrum::eigenvalues,
};

/// The condition of a kernel on one set of points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Number of points `n`.
    pub n_points: usize,
    /// Entries that are infinite or not a number.
    pub n_not_finite: usize,
    /// The largest `|K_ij − K_ji|` among the finite entries, relative to the largest of
    /// them.
    pub asymmetry: f64,
    /// The eigenvalues of the symmetric part. `None` for a kernel that is not finite.
    pub eigenvalues: Option<EigenvalueRange>,
}

/// The range of the eigenvalues of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EigenvalueRange {
    /// The smallest.
    pub smallest: f64,
    /// The largest.
    pub largest: f64,
    /// The condition number `largest/smallest`. `None` if the smallest is not above
    /// [`rounding`](Self::rounding); then the condition number is at least
    /// `largest/rounding`.
    pub number: Option<f64>,
    /// The magnitude that an eigenvalue may have by rounding alone: `n ε` times the largest
    /// magnitude of an eigenvalue, and in addition the effect of the entries' own error
    /// ([`condition_with`]).
    pub rounding: f64,
    /// Eigenvalues above [`rounding`](Self::rounding): the numerical rank.
    pub rank: usize,
    /// Minus the sum of the negative eigenvalues. An exact kernel has none. More than `n`
    /// times [`rounding`](Self::rounding) means an error in the computation of the kernel.
    pub negative_part: f64,
}

impl Condition {
    /// Whether all eigenvalues are above rounding, so that a Cholesky factorisation can be
    /// expected to succeed.
    pub fn is_full_rank(&self) -> bool {
        self.eigenvalues.is_some_and(|range| range.rank == self.n_points)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_points, n_not_finite, asymmetry, eigenvalues } = self;
        write!(f, "kernel on {n_points} points: ")?;
        match eigenvalues {
            None => write!(f, "{n_not_finite} entries are not finite")?,
            Some(range) => {
                let EigenvalueRange { smallest, largest, number, rounding, rank, negative_part } =
                    range;
                write!(f, "eigenvalues from {smallest:.3e} to {largest:.3e}, ")?;
                match number {
                    Some(number) => write!(f, "condition {number:.3e}, ")?,
                    None => write!(f, "condition beyond rounding, ")?,
                }
                write!(f, "rank {rank} above {rounding:.1e}")?;
                if *negative_part > 0.0 {
                    write!(f, ", negative part {negative_part:.1e}")?;
                }
            }
        }
        if *asymmetry > 0.0 {
            write!(f, ", asymmetry {asymmetry:.1e}")?;
        }
        Ok(())
    }
}

/// The condition of any square kernel; it need not be symmetric or finite. About `4n³/3`
/// multiply-adds.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty or not square, or when the iteration
/// does not converge.
pub fn condition<'a>(kernel: impl HostMatrix<'a>) -> Result<Condition, AnalysisError> {
    condition_with(kernel, Accuracy::default())
}

/// As [`condition`], for a kernel whose entries have a larger error than rounding: eigenvalues
/// that this error explains count as 0.
///
/// # Shapes
/// `kernel`: `[n, n]`
///
/// # Errors
/// As for [`condition`].
pub fn condition_with<'a>(
    kernel: impl HostMatrix<'a>,
    accuracy: Accuracy,
) -> Result<Condition, AnalysisError> {
    let kernel = kernel.into_host();
    square(kernel.view())?;
    let n_points = kernel.nrows();
    let n_not_finite = kernel.iter().filter(|v| !v.is_finite()).count();
    let finite = kernel.iter().filter(|v| v.is_finite());
    let largest_entry = finite.fold(0.0, |m: f64, v| m.max(v.abs()));
    let (difference, _, _) = worst_asymmetry(kernel.view());
    let asymmetry = if difference > 0.0 { difference / largest_entry } else { 0.0 };
    let range = || {
        let values = eigenvalues(&symmetric_part(kernel.view()))?;
        let (largest, smallest) = (values[0], values[n_points - 1]);
        let rounding = n_points as f64 * f64::EPSILON * largest.abs().max(smallest.abs())
            + accuracy.noise(kernel.view());
        Ok(EigenvalueRange {
            smallest,
            largest,
            number: (smallest > rounding).then(|| largest / smallest),
            rounding,
            rank: values.iter().filter(|&&l| l > rounding).count(),
            negative_part: values.iter().fold(0.0, |sum, l| sum + (-l).max(0.0)),
        })
    };
    let eigenvalues = if n_not_finite == 0 { Some(range()?) } else { None };
    Ok(Condition { n_points, n_not_finite, asymmetry, eigenvalues })
}

/// Bounds on the condition from products with vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionBounds {
    /// A lower bound on the largest eigenvalue.
    pub largest_at_least: f64,
    /// An upper bound on the smallest eigenvalue.
    pub smallest_at_most: f64,
    /// A lower bound on the condition number; `None` if the smallest eigenvalue may be 0 or
    /// negative.
    pub number_at_least: Option<f64>,
    /// Number of products with the kernel.
    pub n_products: usize,
}

/// Bounds on the extreme eigenvalues of a symmetric operator on vectors of length `n`
/// from at most `max_products` ≥ 1 products.
///
/// The bounds are the extreme Ritz values of the Lanczos process. The bound on the largest
/// eigenvalue converges fast. The bound on the smallest is rarely close for a kernel with
/// many small eigenvalues.
///
/// # Errors
/// [`AnalysisError`] for no points, no products, or products that are not finite.
///
/// # Panics
/// When the operator changes the length of a vector.
pub fn condition_bounds(
    n: usize,
    operator: impl FnMut(&[f64]) -> Vec<f64>,
    max_products: usize,
    seed: u64,
) -> Result<ConditionBounds, AnalysisError> {
    if n == 0 {
        return Err(AnalysisError::Empty);
    }
    if max_products == 0 {
        let (what, wanted) = ("the number of products", "at least 1");
        return Err(AnalysisError::Value { what, value: 0.0, wanted });
    }
    let mut krylov = Krylov::new(n, operator, 1, seed);
    while krylov.size() < max_products && krylov.grow()? {}
    let values = krylov.ritz()?.values;
    let (largest, smallest) = (values[0], values[values.len() - 1]);
    let rounding = n as f64 * f64::EPSILON * largest.abs();
    Ok(ConditionBounds {
        largest_at_least: largest,
        smallest_at_most: smallest,
        number_at_least: (smallest > rounding).then(|| largest / smallest),
        n_products: krylov.size(),
    })
}
