//! Group 7: symmetries of the hidden units.

use ndarray::{Array1, ArrayView1, ArrayView2};
use regime_models::DenseSpec;

use super::{
    Claim, Invariant, Violation,
    compare::{Comparison, largest, norm},
    tolerance,
};

/// Checks that weights `same`, which differ from `w` by a permutation of hidden units, give
/// the same `f` and `Θ`.
///
/// [`permuted_units`] permutes the hidden units of a fully connected network.
///
/// # Errors
/// The entry that differs.
pub fn symmetry_preserves_the_kernel<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    same: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    keeps_output(claim, w, same, x)?;
    let what = "the kernel";
    Comparison::of(Invariant::SymmetryPreservesKernel, what, tolerance(claim.precision()))
        .arrays(&claim.kernel(same, x), &claim.kernel(w, x))
}

/// Checks that weights of a ReLU network with one layer scaled up and the next one scaled
/// down give the same `f` but another `Θ`: the kernel depends on the weights, not only on
/// the function.
///
/// `least` is the smallest change of the kernel, relative to its norm. A factor of 2 on one
/// layer changes the kernel by some tens of per cent. [`rescaled_units`] rescales a fully
/// connected network.
///
/// # Errors
/// The output that differs, or the change of the kernel if it is smaller than `least`.
pub fn rescaling_changes_the_kernel<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    rescaled: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
    least: f64,
) -> Result<(), Violation> {
    keeps_output(claim, w, rescaled, x)?;
    let (before, after) = (claim.kernel(w, x), claim.kernel(rescaled, x));
    let moved = norm((&after - &before).view()) / norm(before.view());
    if moved >= least {
        return Ok(());
    }
    let (invariant, what) = (Invariant::RescalingChangesKernel, "the relative change");
    Err(Violation::Beyond { invariant, what, found: moved, bound: least })
}

fn keeps_output<C: Claim + ?Sized>(
    claim: &C,
    w: ArrayView1<'_, f64>,
    same: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    // Sums over units have another order, and may cancel.
    let gradients = largest(&claim.kernel(w, x)).sqrt();
    Comparison::of(Invariant::SymmetryPreservesOutput, "f", tolerance(claim.precision()))
        .with_floor(gradients)
        .arrays(&claim.output(same, x), &claim.output(w, x))
}

/// The weights `[P]` of a fully connected network with the units of one hidden layer
/// (1 to `L`) in another order.
///
/// # Panics
/// When there is no such layer, or `order` does not hold each of its units once.
pub fn permuted_units(spec: &DenseSpec, w: &[f64], layer: usize, order: &[usize]) -> Array1<f64> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..spec.width), "an order of {} units", spec.width);
    let (into, out_of) = adjacent_layers(spec, layer);
    let mut moved = Array1::from_vec(w.to_vec());
    for (to, &from) in order.iter().enumerate() {
        for (a, b) in into.of_output(to).zip(into.of_output(from)) {
            moved[a] = w[b];
        }
        for (a, b) in out_of.of_input(to).zip(out_of.of_input(from)) {
            moved[a] = w[b];
        }
    }
    moved
}

/// The weights `[P]` of a fully connected network with the incoming weights and biases of the
/// units of one hidden layer (1 to `L`) multiplied by `factor`, and the outgoing weights
/// divided by it. With ReLU and a positive factor, `f` is the same.
///
/// # Panics
/// When there is no such layer.
pub fn rescaled_units(spec: &DenseSpec, w: &[f64], layer: usize, factor: f64) -> Array1<f64> {
    let (into, out_of) = adjacent_layers(spec, layer);
    let mut moved = Array1::from_vec(w.to_vec());
    for unit in 0..spec.width {
        into.of_output(unit).for_each(|p| moved[p] *= factor);
        out_of.of_input(unit).for_each(|p| moved[p] /= factor);
    }
    moved
}

/// The positions of one layer's parameters: weights `[k, m]` row by row, then biases.
struct Layout {
    start: usize,
    inputs: usize,
    outputs: usize,
    bias: bool,
}

impl Layout {
    fn of_output(&self, output: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { start, inputs, outputs, bias } = *self;
        let rows = inputs + usize::from(bias);
        (0..rows).map(move |row| start + row * outputs + output)
    }

    fn of_input(&self, input: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { start, outputs, .. } = *self;
        (0..outputs).map(move |output| start + input * outputs + output)
    }
}

/// The layers before and after the units of a hidden layer.
fn adjacent_layers(spec: &DenseSpec, layer: usize) -> (Layout, Layout) {
    let DenseSpec { inputs, width, hidden_layers, bias, .. } = *spec;
    assert!((1..=hidden_layers).contains(&layer), "hidden layer {layer} of {hidden_layers}");
    let mut layouts = Vec::new();
    let mut start = 0;
    for l in 0..=hidden_layers {
        let inputs = if l == 0 { inputs } else { width };
        let outputs = if l == hidden_layers { 1 } else { width };
        layouts.push(Layout { start, inputs, outputs, bias });
        start += (inputs + usize::from(bias)) * outputs;
    }
    let out_of = layouts.swap_remove(layer);
    (layouts.swap_remove(layer - 1), out_of)
}
