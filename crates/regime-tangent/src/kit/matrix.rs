//! The checks of groups 1 and 2 that need only matrices.

use ndarray::{Array2, ArrayView2};
use regime_models::Precision;

use super::{
    Invariant, Violation,
    compare::{Comparison, norm},
    eigen::eigenvalues,
};

/// The `c` of [`positive_semidefinite`].
pub const ROUNDING: f64 = 8.0;

/// Checks that `Θ` is square, finite and symmetric to the bit.
///
/// # Errors
/// The first pair of entries that differ, or an entry that is not finite.
pub fn symmetric(theta: ArrayView2<'_, f64>) -> Result<(), Violation> {
    let invariant = Invariant::Symmetry;
    square(invariant, theta)?;
    for ((i, j), &found) in theta.indexed_iter() {
        let expected = theta[(j, i)];
        if !found.is_finite() || found.to_bits() != expected.to_bits() {
            let at = vec![i, j];
            let what = "the kernel";
            return Err(Violation::Differs { invariant, what, at, found, expected, allowed: 0.0 });
        }
    }
    Ok(())
}

/// Checks that the smallest eigenvalue of `Θ` is at least `−c·n·ε·‖Θ‖_F`, with
/// `c` = [`ROUNDING`] and the unit roundoff ε of the precision in which `Θ` was computed.
///
/// Only the lower triangle is read; [`symmetric`] compares the two triangles.
///
/// # Errors
/// The smallest eigenvalue and the bound.
pub fn positive_semidefinite(
    theta: ArrayView2<'_, f64>,
    precision: Precision,
) -> Result<(), Violation> {
    let invariant = Invariant::PositiveSemidefinite;
    square(invariant, theta)?;
    let norm = norm(theta);
    let what = "the norm of the kernel";
    if !norm.is_finite() {
        return Err(Violation::Beyond { invariant, what, found: norm, bound: f64::MAX });
    }
    let bound = -ROUNDING * theta.nrows() as f64 * precision.epsilon() * norm;
    let smallest = eigenvalues(theta).first().copied().unwrap_or(0.0);
    if smallest >= bound {
        return Ok(());
    }
    let what = "the smallest eigenvalue";
    Err(Violation::Beyond { invariant, what, found: smallest, bound })
}

/// Checks that kernels that were computed in different ways agree with the first one, entry
/// by entry, within [`tolerance`](super::tolerance) times the largest entry.
///
/// The ways may be algorithms, numbers of threads, sizes of tiles or chunks, backends, or
/// files that are written and read back.
///
/// # Errors
/// The name of the way that differs, and the entry.
pub fn methods_agree(
    ways: &[(&'static str, Array2<f64>)],
    precision: Precision,
) -> Result<(), Violation> {
    let Some(((_, first), others)) = ways.split_first() else { return Ok(()) };
    others.iter().try_for_each(|(what, theta)| {
        Comparison::of(Invariant::MethodsAgree, what, super::tolerance(precision))
            .arrays(theta, first)
    })
}

fn square(invariant: Invariant, theta: ArrayView2<'_, f64>) -> Result<(), Violation> {
    let (rows, columns) = theta.dim();
    if rows == columns {
        return Ok(());
    }
    let (found, expected) = (vec![rows, columns], vec![rows, rows]);
    Err(Violation::Shape { invariant, what: "the kernel", found, expected })
}
