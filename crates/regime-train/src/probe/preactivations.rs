use burn::tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape, Trace};

use crate::System;

/// How fast the preactivations of every layer move under the plain flow
/// `dw/dt = −∇L` at the weights `w`: the root mean square of `dz̃/dt` over training
/// points, units and positions, from the first layer to the last (whose preactivation
/// is `f`). `None` for a network that does not show its preactivations.
///
/// # Shapes
/// `w`: `[P]`
pub fn preactivation_speeds<B: Backend, N: Network<B>>(
    system: &System<'_, B, N>,
    w: &Tensor<B, 1>,
) -> Option<Vec<f64>> {
    let net = system.network();
    let margins = system.margins(w);
    let g = system.tensor(&system.objective().output_gradient(&margins));
    let gradient = net.trace(w, system.inputs()).linearise().vjp(g);
    let rates = net.trace(w, system.inputs()).preactivation_rates(&gradient.neg())?;
    let rms = |rate: Tensor<B, 2>| {
        let n = rate.dims().iter().product::<usize>() as f64;
        (Precision::to_host(rate.clone().mul(rate).sum())[0] / n).sqrt()
    };
    Some(rates.into_iter().map(rms).collect())
}
