//! Group 9: the flow with a frozen kernel, and the flow of the linearised weights.

use ndarray::{Array1, ArrayView1, ArrayView2};

use super::{
    Claim, Invariant, Violation, accuracy,
    compare::{Comparison, largest},
    eigen::Eigen,
};

/// Runge-Kutta steps in the time in which the fastest mode falls by `e⁴`. Their error is
/// below `10⁻⁸` of the residual.
const STEPS: usize = 100;

/// The largest relative error of a meaningful comparison.
const LARGEST_ERROR: f64 = 1e-2;

/// The largest ratio of eigenvalues at which a pseudo-inverse is still compared.
const LARGEST_CONDITION: f64 = 1e6;

/// Relative eigenvalues below this are rounding.
const NEGLIGIBLE: f64 = 1e-12;

/// Checks that a flow of outputs with a frozen kernel, `df/dt = −Θ(f − y)/n` (the squared
/// loss `½ (f − y)²`, averaged over `n` points), equals its closed form
/// `f(t) = y + e^{−Θt/n}(f₀ − y)`, and is a semigroup in `t`.
///
/// `flow` is your function: it takes `f₀`, `[n]`, and a time, and returns `f(t)`, `[n]`, with
/// an error of at most `relative` times the largest output or residual. The longest time is
/// that in which the fastest mode falls by `e⁸`.
///
/// # Errors
/// The point where the flow differs.
pub fn kernel_flow(
    theta: ArrayView2<'_, f64>,
    f0: ArrayView1<'_, f64>,
    y: ArrayView1<'_, f64>,
    relative: f64,
    flow: impl Fn(ArrayView1<'_, f64>, f64) -> Array1<f64>,
) -> Result<(), Violation> {
    let (eigen, unit) = decomposed(Invariant::KernelFlow, theta)?;
    let floor = largest(&(&f0 - &y));
    for t in [0.0, 0.3 * unit, 2.0 * unit, 8.0 * unit] {
        let expected = closed_form(&eigen, f0, y, t);
        Comparison::of(Invariant::KernelFlow, "f(t)", relative)
            .with_floor(floor)
            .arrays(&flow(f0, t), &expected)?;
    }
    let (t, s) = (0.7 * unit, 1.9 * unit);
    let halfway = flow(f0, t);
    Comparison::of(Invariant::Semigroup, "f(t + s)", 2.0 * relative)
        .with_floor(floor)
        .arrays(&flow(halfway.view(), s), &flow(f0, t + s))
}

/// Checks that the flow of the weights in the linearised network, `dw/dt = −Jᵀ(f − y)/n` with
/// `f = f(w₀) + J(w − w₀)` (the squared loss), gives the same outputs as the closed form of
/// the flow with the kernel.
///
/// The weights are integrated by a fourth-order Runge-Kutta method, without the kernel.
///
/// # Errors
/// The point where the two differ.
pub fn weight_flow_is_kernel_flow<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
) -> Result<(), Violation> {
    let (eigen, unit) = decomposed(Invariant::WeightFlow, claim.kernel(w, x).view())?;
    let (f0, jacobian) = (claim.output(w, x), claim.jacobian(w, x));
    let n = x.nrows() as f64;
    let speed = |moved: &Array1<f64>| -> Array1<f64> {
        let residual = &f0 + &jacobian.dot(moved) - y;
        jacobian.t().dot(&residual) / -n
    };
    let (t, dt) = (4.0 * unit, 4.0 * unit / STEPS as f64);
    let mut moved = Array1::<f64>::zeros(w.len());
    for _ in 0..STEPS {
        let a = speed(&moved);
        let b = speed(&(&moved + &(&a * (0.5 * dt))));
        let c = speed(&(&moved + &(&b * (0.5 * dt))));
        let d = speed(&(&moved + &(&c * dt)));
        moved += &((a + b * 2.0 + c * 2.0 + d) * (dt / 6.0));
    }
    let found = &f0 + &jacobian.dot(&moved);
    let expected = closed_form(&eigen, f0.view(), y, t);
    Comparison::of(Invariant::WeightFlow, "f(t)", accuracy(claim).max(1e-8))
        .with_floor(largest(&(&f0 - &y)))
        .arrays(&found, &expected)
}

/// Checks that the limit `t → ∞` of the flow of the linearised weights predicts the same as
/// ridgeless regression with the kernel.
///
/// In this limit the weights are the nearest solution, `w − w₀ = J⁺(y − f₀)`. At other
/// points, ridgeless regression predicts `f(x*) + Θ(x*, x) Θ⁺ (y − f₀)`. The nearest solution
/// is computed from the singular vectors of `J`, without the kernel.
///
/// # Errors
/// The point where the two differ. [`Violation::IllConditioned`] when the eigenvalues of the
/// kernel span more than a factor of `10⁶`, or of `10⁴` for a claim whose products are
/// differences, because errors then dominate. Use fewer points with larger distances.
pub fn flow_ends_at_ridgeless_regression<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
    others: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let invariant = Invariant::Ridgeless;
    let (eigen, _) = decomposed(invariant, claim.kernel(w, x).view())?;
    let top = eigen.largest();
    let mut condition: f64 = 1.0;
    for &value in &eigen.values {
        let ratio = top / value.abs();
        if ratio < LARGEST_CONDITION {
            condition = condition.max(ratio);
        } else if ratio < NEGLIGIBLE.recip() {
            return Err(Violation::IllConditioned { invariant, condition: ratio });
        }
    }
    if accuracy(claim) * condition > LARGEST_ERROR {
        return Err(Violation::IllConditioned { invariant, condition });
    }
    let inverse = |value: f64| if value.abs() > NEGLIGIBLE * top { value.recip() } else { 0.0 };
    let residual = &y - &claim.output(w, x);
    let coefficients = eigen.apply(inverse, residual.view());
    let expected = claim.cross_kernel(w, others, x).dot(&coefficients);

    let moved = nearest(&claim.jacobian(w, x), residual.view());
    let found = claim.jvp(w, others, moved.view());
    Comparison::of(invariant, "the change of f at another point", accuracy(claim) * condition)
        .arrays(&found, &expected)
}

/// The product `J⁺ r` with the pseudo-inverse.
fn nearest(jacobian: &ndarray::Array2<f64>, r: ArrayView1<'_, f64>) -> Array1<f64> {
    let (n, p) = jacobian.dim();
    let matrix = faer::Mat::from_fn(n, p, |i, j| jacobian[(i, j)]);
    let Ok(svd) = matrix.thin_svd() else { return Array1::from_elem(p, f64::NAN) };
    let (u, s, v) = (svd.U(), svd.S(), svd.V());
    let mut moved = Array1::zeros(p);
    for k in 0..n.min(p) {
        if s[k] <= NEGLIGIBLE.sqrt() * s[0] {
            continue;
        }
        let along: f64 = (0..n).map(|i| u[(i, k)] * r[i]).sum();
        for j in 0..p {
            moved[j] += v[(j, k)] * along / s[k];
        }
    }
    moved
}

/// The eigendecomposition of the kernel, and the time in which its fastest mode falls by e.
fn decomposed(invariant: Invariant, theta: ArrayView2<'_, f64>) -> Result<(Eigen, f64), Violation> {
    let what = "the largest eigenvalue";
    let bound = f64::MAX;
    let Some(eigen) = Eigen::of(theta) else {
        return Err(Violation::Beyond { invariant, what, found: f64::NAN, bound });
    };
    let top = eigen.largest();
    // A zero kernel has no time scale.
    let unit = if top > 0.0 { theta.nrows() as f64 / top } else { 1.0 };
    Ok((eigen, unit))
}

fn closed_form(
    eigen: &Eigen,
    f0: ArrayView1<'_, f64>,
    y: ArrayView1<'_, f64>,
    t: f64,
) -> Array1<f64> {
    let n = y.len() as f64;
    &y + &eigen.apply(|value| (-value * t / n).exp(), (&f0 - &y).view())
}
