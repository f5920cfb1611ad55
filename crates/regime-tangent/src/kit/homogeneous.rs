//! Group 6: ReLU networks without biases.

use ndarray::{ArrayView1, ArrayView2};

use super::{
    Claim, Invariant, Violation, accuracy,
    compare::{Comparison, largest},
    tolerance,
};

/// Checks that `f(cx) = c f(x)` and `Θ(cx, cx') = c² Θ(x, x')`, for a ReLU network without
/// biases and `c > 0`.
///
/// # Errors
/// The point or the pair where this does not hold.
pub fn positively_homogeneous<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    c: f64,
) -> Result<(), Violation> {
    let stretched = x.mapv(|x| c * x);
    let of = |what| Comparison::of(Invariant::Homogeneity, what, tolerance(claim.precision()));
    of("f").arrays(&claim.output(w, stretched.view()), &(claim.output(w, x) * c))?;
    of("the kernel").arrays(&claim.kernel(w, stretched.view()), &(claim.kernel(w, x) * (c * c)))
}

/// Checks Euler's identity `w·∇f = (number of layers with weights) · f`, for a ReLU network
/// without biases in which every path from input to output has this number of layers.
///
/// # Errors
/// The point where the identity does not hold.
pub fn euler<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    layers: usize,
) -> Result<(), Violation> {
    let expected = claim.output(w, x) * layers as f64;
    // Terms of order |w||∇f| may cancel in f.
    let gradients = largest(&claim.kernel(w, x)).sqrt();
    Comparison::of(Invariant::Euler, "w·∇f", 10.0 * accuracy(claim))
        .with_floor(layers as f64 * gradients)
        .arrays(&claim.jvp(w, x, w), &expected)
}
