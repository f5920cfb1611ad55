//! Group 2, and the diagonal of group 1: agreement of the kernel, the Jacobian and `f`.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use regime_models::kit::numbers;

use super::{
    Claim, Invariant, Violation, accuracy,
    claim::on_points,
    compare::{Comparison, largest},
    differences,
};

/// Checks that each entry `Θ_ii` of the diagonal is `‖∇f(x_i)‖²`.
///
/// # Errors
/// The point where it is not.
pub fn diagonal_of_gradients<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let theta = claim.kernel(w, x);
    let gradients = claim.jacobian(w, x);
    let squares: Array1<f64> = gradients.rows().into_iter().map(|row| row.dot(&row)).collect();
    let diagonal = theta.diag();
    let comparison = Comparison::of(Invariant::Trace, "the diagonal", accuracy(claim));
    comparison.arrays(&diagonal, &squares)
}

/// Checks that products with the Jacobian are derivatives of `f`: `J v` is the central
/// difference along `v`, and `g·Jv = v·Jᵀg`, for random `v` and `g`.
///
/// `v` changes every parameter, so the check detects a parameter that the products ignore.
/// It costs a few evaluations of `f`, for any number of parameters.
///
/// # Errors
/// The point, or the scalar product, that differs.
pub fn products_are_derivatives<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let v = Array1::from_vec(numbers(claim.n_params(), 0x5eed));
    let g = Array1::from_vec(numbers(x.nrows(), 0xfeed));
    let slope = differences::along(&on_points(claim, x), w, v.view());
    let relative = differences::accuracy(claim.precision());
    // The rounding of `f` is divided by the step.
    let floor = 1e-3 * largest(&claim.output(w, x));
    let moved = claim.jvp(w, x, v.view());
    Comparison::of(Invariant::Differences, "J v", relative)
        .with_floor(floor)
        .arrays(&moved, &slope)?;
    let pulled = claim.vjp(w, x, g.view());
    let comparison = Comparison::of(Invariant::Differences, "the product v·Jᵀg", relative);
    let (found, expected) = (pulled.dot(&v), slope.dot(&g));
    let floor = floor.max(largest(&slope)) * x.nrows() as f64;
    comparison.with_floor(floor).numbers(found, expected)
}

/// Checks that `Θ = J Jᵀ`, column by column as `J(Jᵀe_j)`, and `gᵀΘg = ‖Jᵀg‖²` for a
/// random `g`.
///
/// It costs `n` products with `J` and `n + 1` with `Jᵀ`. For a claim without exact products,
/// where both come from differences of `f`, the Jacobian is formed instead: at least `4P`
/// evaluations of `f`.
///
/// # Errors
/// The entry that differs.
pub fn kernel_is_that_of_the_function<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let theta = claim.kernel(w, x);
    let n = x.nrows();
    let products = Comparison::of(Invariant::Products, "the kernel", accuracy(claim));
    let form = Comparison::of(Invariant::QuadraticForm, "gᵀΘg", accuracy(claim));
    let g = Array1::from_vec(numbers(n, 99));
    // Terms of the form may cancel.
    let floor = largest(&theta) * g.dot(&g);
    if !claim.has_exact_products() {
        let jacobian = claim.jacobian(w, x);
        products.arrays(&theta, &jacobian.dot(&jacobian.t()))?;
        let pulled = jacobian.t().dot(&g);
        return form.with_floor(floor).numbers(g.dot(&theta.dot(&g)), pulled.dot(&pulled));
    }
    let mut columns = Array2::zeros((n, n));
    for j in 0..n {
        let mut basis = Array1::zeros(n);
        basis[j] = 1.0;
        let pulled = claim.vjp(w, x, basis.view());
        columns.column_mut(j).assign(&claim.jvp(w, x, pulled.view()));
    }
    products.arrays(&theta, &columns)?;
    let pulled = claim.vjp(w, x, g.view());
    form.with_floor(floor).numbers(g.dot(&theta.dot(&g)), pulled.dot(&pulled))
}
