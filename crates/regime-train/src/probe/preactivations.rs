use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape, Trace, dot};

use crate::System;

/// The speed of the preactivations of every layer under the plain flow `dw/dt = −∇L` at
/// the weights `w`: the root mean square of `dz̃/dt` over training points, units and
/// positions, from the first layer to the last (whose preactivation is `f`). `None` for
/// a network that does not expose its preactivations.
///
/// `batch_size` points are evaluated at a time, which bounds the memory.
///
/// # Shapes
/// `w`: `[P]`
///
/// # Panics
/// When `batch_size` is 0.
pub fn preactivation_speeds<B: Backend, N: Network<B>>(
    system: &System<B, N>,
    w: &Tensor<B, 1>,
    batch_size: usize,
) -> Option<Vec<f64>> {
    let net = system.network();
    let n = system.objective().n_points();
    let points: Vec<usize> = (0..n).collect();
    let traces =
        || points.chunks(batch_size).map(|part| (part, net.trace(w, &system.inputs_at(part))));

    let mut descent = w.zeros_like();
    for (part, trace) in traces() {
        let outputs = Precision::to_host(trace.output());
        let rows = system.objective().rows_of(part);
        let margins = system.objective().margins_at(&rows, &outputs);
        let slopes = system.objective().output_gradient_at(&rows, &margins);
        let g: Vec<f64> = slopes.iter().map(|slope| -slope / n as f64).collect();
        descent = descent + trace.linearise().vjp(system.tensor(&g));
    }
    let mut sums: Vec<(f64, usize)> = Vec::new();
    for (_, trace) in traces() {
        let rates = trace.preactivation_rates(&descent)?;
        sums.resize(rates.len(), (0.0, 0));
        for ((sum, count), rate) in sums.iter_mut().zip(rates) {
            let [rows, units] = rate.dims();
            let rate = rate.reshape([rows * units]);
            *sum += dot(rate.clone(), rate);
            *count += rows * units;
        }
    }
    Some(sums.into_iter().map(|(sum, count)| (sum / count as f64).sqrt()).collect())
}
