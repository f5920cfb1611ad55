//! All checks that hold for any claim, in one call.

use ndarray::{Array1, ArrayView1, ArrayView2};
use regime_models::kit::numbers;

use super::{
    Claim, Violation, cross_is_a_block, diagonal_of_gradients, groups_add_up,
    kernel_is_equivariant, kernel_is_independent_of_batches, kernel_is_that_of_the_function,
    loss_falls_at_the_rate_of_the_kernel, positive_semidefinite, products_are_derivatives,
    rates_weight_the_groups, symmetric, weight_flow_is_kernel_flow,
};

/// Checks the invariants that hold for every function and kernel: groups 1 to 4, the rate at
/// which the loss falls, and the linearised flow.
///
/// Call the other checks separately: for special networks (groups 5 to 7), for smooth
/// functions ([`remainder_of_a_step`](super::remainder_of_a_step)), for well-conditioned
/// kernels ([`flow_ends_at_ridgeless_regression`](super::flow_ends_at_ridgeless_regression))
/// and for limits (group 10).
///
/// # Errors
/// The first invariant that does not hold, with its numbers; [`audit`] returns all.
///
/// # Panics
/// For no points, where every check would pass.
pub fn check<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    violations(claim, w, x).next().map_or(Ok(()), Err)
}

/// As [`check`], but returns every invariant that does not hold.
///
/// # Panics
/// As [`check`].
pub fn audit<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Vec<Violation> {
    violations(claim, w, x).collect()
}

fn violations<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> impl Iterator<Item = Violation> {
    let n = x.nrows();
    assert!(n > 0, "there are no points to check the kernel at");
    let y = Array1::from_vec(numbers(n, 41));
    // The points in reversed order, which changes every kernel of two or more points.
    let order: Vec<usize> = (0..n).rev().collect();
    let checks = 0..11;
    checks.filter_map(move |check| {
        let outcome = match check {
            0 => symmetric(claim.kernel(w, x).view()),
            1 => positive_semidefinite(claim.kernel(w, x).view(), claim.precision()),
            2 => diagonal_of_gradients(claim, w, x),
            3 => products_are_derivatives(claim, w, x),
            4 => kernel_is_that_of_the_function(claim, w, x),
            5 => groups_add_up(claim, w, x).and_then(|()| rates_weight_the_groups(claim, w, x)),
            6 if n > 1 => cross_is_a_block(claim, w, x, n.div_ceil(2)),
            7 => kernel_is_equivariant(claim, w, x, &order),
            8 => kernel_is_independent_of_batches(claim, w, x, n.div_ceil(3)),
            9 => loss_falls_at_the_rate_of_the_kernel(claim, w, x, y.view()),
            10 => weight_flow_is_kernel_flow(claim, w, x, y.view()),
            _ => Ok(()),
        };
        outcome.err()
    })
}
