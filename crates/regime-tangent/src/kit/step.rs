//! Group 8: one small step of gradient descent.

use ndarray::{Array1, ArrayView1, ArrayView2};

use super::{
    Claim, Invariant, Violation, accuracy,
    compare::{Comparison, largest},
    differences,
};

/// The smallest accepted order of a remainder `O(η²)`. The order is exactly 2 only as `η → 0`.
const MIN_ORDER: f64 = 1.8;

/// Checks that a step `−η Jᵀg` of the weights gives `Δf = −ηΘg + O(η²)`, for `f` with two
/// derivatives.
///
/// The slope of the remainder against `η` in logarithms (fitted over four halvings, without
/// remainders that are rounding) must be about 2 or larger. For any other matrix than `Θ`
/// the slope is 1.
///
/// `length` is the length of the longest step in weight space; for weights of order one, 0.1
/// is a good choice. If a step crosses a kink (ReLU), the slope is between 1 and 2.
///
/// # Errors
/// The fitted slope, with the bound.
pub fn remainder_of_a_step<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    g: ArrayView1<'_, f64>,
    length: f64,
) -> Result<(), Violation> {
    let direction = claim.vjp(w, x, g);
    let norm = direction.dot(&direction).sqrt();
    if norm == 0.0 {
        return Ok(());
    }
    if !norm.is_finite() {
        return Err(no_order(f64::NAN));
    }
    let before = claim.output(w, x);
    let rate = claim.kernel(w, x).dot(&g);
    let mut points = Vec::new();
    for halvings in 0..5 {
        let eta = length / norm * 0.5f64.powi(halvings);
        let after = claim.output((&w - &(&direction * eta)).view(), x);
        let difference = &after - &before + &(&rate * eta);
        // `largest` leaves out NaN: a kernel with one has no order.
        if difference.iter().any(|entry| !entry.is_finite()) {
            return Err(no_order(f64::NAN));
        }
        let remainder = largest(&difference);
        // The error from the rounding of the outputs and from derivatives of limited
        // accuracy.
        let rounding = 1e-13 * (largest(&before) + largest(&after))
            + accuracy(claim) * 0.1 * eta * largest(&rate);
        if !(remainder <= 10.0 * rounding) {
            points.push((eta.ln(), remainder.ln()));
        }
    }
    if points.len() < 2 {
        return Ok(());
    }
    let n = points.len() as f64;
    let (x_mean, y_mean) = points.iter().fold((0.0, 0.0), |(a, b), p| (a + p.0 / n, b + p.1 / n));
    let (sxx, sxy) = points.iter().fold((0.0, 0.0), |(sxx, sxy), (x, y)| {
        (sxx + (x - x_mean).powi(2), sxy + (x - x_mean) * (y - y_mean))
    });
    let order = sxy / sxx;
    if order >= MIN_ORDER { Ok(()) } else { Err(no_order(order)) }
}

fn no_order(found: f64) -> Violation {
    let what = "the order of the remainder";
    Violation::Beyond { invariant: Invariant::StepOrder, what, found, bound: MIN_ORDER }
}

/// Checks that the loss `L = ½ Σ (f − y)²` falls along its gradient flow at the rate `gᵀΘg`
/// with `g = f − y`: `dL/dt = −gᵀΘg ≤ 0`.
///
/// # Errors
/// The two rates, or a rate of the wrong sign.
pub fn loss_falls_at_the_rate_of_the_kernel<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
) -> Result<(), Violation> {
    let invariant = Invariant::Descent;
    let g = claim.output(w, x) - y;
    let direction = claim.vjp(w, x, g.view());
    // `largest` leaves out NaN: a direction of NaN alone would count as 0.
    if let Some(&found) = direction.iter().find(|entry| !entry.is_finite()) {
        return Err(Violation::Beyond { invariant, what: "the gradient", found, bound: f64::MAX });
    }
    let longest = largest(&direction);
    if longest == 0.0 {
        return Ok(());
    }
    let unit = direction / longest;
    let loss = |t: f64| {
        let f = claim.output((&w - &(&unit * t)).view(), x) - y;
        Array1::from_elem(1, 0.5 * f.dot(&f))
    };
    let found = differences::derivative(loss, claim.precision())[0] * longest;
    let rate = -g.dot(&claim.kernel(w, x).dot(&g));
    if !(rate <= 0.0) {
        return Err(Violation::Beyond { invariant, what: "−gᵀΘg", found: rate, bound: 0.0 });
    }
    let relative = differences::accuracy(claim.precision());
    // The rounding of the loss is divided by the step.
    let floor = 1e-3 * longest * g.dot(&g);
    Comparison::of(invariant, "dL/dt", relative).with_floor(floor).numbers(found, rate)
}
