//! Group 4: order and batches of the points do not matter.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice, concatenate};

use super::{Claim, Invariant, Violation, compare::Comparison, tolerance};

/// Checks that the kernel between the first `split` points and the others is a block of the
/// kernel on all points, and that the cross-kernel of all points with themselves is the
/// kernel.
///
/// # Errors
/// The entry that differs.
///
/// # Panics
/// Unless `split` is between 1 and `n − 1`.
pub fn cross_is_a_block<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    split: usize,
) -> Result<(), Violation> {
    let n = x.nrows();
    assert!(0 < split && split < n, "{split} does not split {n} points");
    let whole = claim.kernel(w, x);
    let (first, second) = x.split_at(Axis(0), split);
    // The absolute error of small entries is that of the largest entry of the kernel.
    let comparison =
        Comparison::of(Invariant::CrossIsBlock, "the cross-kernel", tolerance(claim.precision()))
            .with_floor(super::compare::largest(&whole));
    let rows = whole.slice_axis(Axis(0), Slice::from(..split));
    let block = rows.slice_axis(Axis(1), Slice::from(split..));
    comparison.arrays(&claim.cross_kernel(w, first, second), &block)?;
    comparison.arrays(&claim.cross_kernel(w, x, x), &whole)
}

/// Checks that points in another order have the same outputs and kernel, in this order.
///
/// # Errors
/// The entry that differs.
///
/// # Panics
/// Unless `order` holds each of `0..n` once.
pub fn kernel_is_equivariant<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    order: &[usize],
) -> Result<(), Violation> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..x.nrows()), "an order of {} points", x.nrows());
    let permuted = x.select(Axis(0), order);
    let of = |what| Comparison::of(Invariant::Permutation, what, tolerance(claim.precision()));
    let expected = claim.output(w, x).select(Axis(0), order);
    of("f").arrays(&claim.output(w, permuted.view()), &expected)?;
    let expected = claim.kernel(w, x).select(Axis(0), order).select(Axis(1), order);
    of("the kernel").arrays(&claim.kernel(w, permuted.view()), &expected)
}

/// Checks that outputs and kernel in batches of `size` points equal those in one batch.
///
/// A layer that mixes the points of a batch, such as batch normalisation, fails this check:
/// it has no tangent kernel between points.
///
/// # Errors
/// The entry that differs.
///
/// # Panics
/// When `size` is 0.
pub fn kernel_is_independent_of_batches<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    size: usize,
) -> Result<(), Violation> {
    assert!(size > 0, "a batch must have points");
    let of = |what| Comparison::of(Invariant::Batches, what, tolerance(claim.precision()));
    let batches: Vec<ArrayView2<'_, f64>> = x.axis_chunks_iter(Axis(0), size).collect();
    let outputs: Vec<f64> = batches.iter().flat_map(|&batch| claim.output(w, batch)).collect();
    of("f").arrays(&Array1::from_vec(outputs), &claim.output(w, x))?;
    let joined = |axis, parts: &[Array2<f64>]| {
        let views: Vec<ArrayView2<'_, f64>> = parts.iter().map(|part| part.view()).collect();
        concatenate(axis, &views)
    };
    let whole = claim.kernel(w, x);
    let rows: Result<Vec<_>, _> = batches
        .iter()
        .map(|&a| {
            let row: Vec<_> = batches.iter().map(|&b| claim.cross_kernel(w, a, b)).collect();
            joined(Axis(1), &row)
        })
        .collect();
    let assembled = rows.and_then(|rows| joined(Axis(0), &rows));
    let found = assembled.as_ref().map_or(vec![], |assembled| assembled.shape().to_vec());
    let Ok(assembled) = assembled else {
        let expected = whole.shape().to_vec();
        let (invariant, what) = (Invariant::Batches, "the cross-kernels");
        return Err(Violation::Shape { invariant, what, found, expected });
    };
    of("the kernel").arrays(&assembled, &whole)
}
