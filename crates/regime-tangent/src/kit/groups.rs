//! Group 3: groups of parameters.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};
use regime_models::kit::numbers;

use super::{Claim, Invariant, Violation, accuracy, compare::Comparison};

/// Checks that the groups hold every parameter once, that the kernel of each group is
/// `J_l J_lᵀ` of its own parameters, and that these kernels add up to the kernel.
///
/// # Errors
/// The parameter that is in no group or in two, or the entry that differs.
pub fn groups_add_up<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let invariant = Invariant::GroupsAddUp;
    let groups = claim.group_kernels(w, x);
    let mut times = Array1::<f64>::zeros(claim.n_params());
    for range in groups.iter().flat_map(|group| group.parameters.clone()) {
        if range.end > claim.n_params() {
            let (found, expected) = (vec![range.end], vec![claim.n_params()]);
            return Err(Violation::Shape { invariant, what: "the parameters", found, expected });
        }
        times.slice_axis_mut(Axis(0), Slice::from(range)).map_inplace(|times| *times += 1.0);
    }
    let held = Comparison::of(invariant, "the number of groups that hold a parameter", 0.0);
    held.arrays(&times, &Array1::ones(claim.n_params()))?;

    let jacobian = claim.jacobian(w, x);
    let whole = claim.kernel(w, x);
    let mut sum = Array2::zeros(whole.raw_dim());
    for group in &groups {
        let mut own = Array2::zeros(whole.raw_dim());
        for range in &group.parameters {
            let part = jacobian.slice_axis(Axis(1), Slice::from(range.clone()));
            own += &part.dot(&part.t());
        }
        Comparison::of(invariant, "the kernel of a group", accuracy(claim))
            .arrays(&group.kernel, &own)?;
        sum += &group.kernel;
    }
    Comparison::of(invariant, "the sum over the groups", accuracy(claim)).arrays(&sum, &whole)
}

/// Checks that with a learning rate `η_l` for each group `l` the kernel is `Σ η_l Θ_l`: it
/// compares `Σ η_l Θ_l g` with `J D Jᵀ g`, where `D` has the rates on its diagonal, for
/// random rates and `g`.
///
/// # Errors
/// The point that differs.
pub fn rates_weight_the_groups<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let groups = claim.group_kernels(w, x);
    let g = Array1::from_vec(numbers(x.nrows(), 31));
    let mut moved = claim.vjp(w, x, g.view());
    let mut expected = Array1::<f64>::zeros(x.nrows());
    for (rate, group) in numbers(groups.len(), 13).into_iter().zip(&groups) {
        let rate = 2.0 + rate;
        expected += &(group.kernel.dot(&g) * rate);
        for range in &group.parameters {
            let mut part = moved.slice_axis_mut(Axis(0), Slice::from(range.clone()));
            part.map_inplace(|v| *v *= rate);
        }
    }
    let scale = super::compare::largest(&claim.kernel(w, x));
    Comparison::of(Invariant::GroupRates, "the rate of f", 10.0 * accuracy(claim))
        .with_floor(scale)
        .arrays(&claim.jvp(w, x, moved.view()), &expected)
}
