//! The tangent kernel in which every parameter has a weight of its own.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Block, Precision, Tape};

use crate::{
    gram::{contracted, output_ranges, sum},
    jacobian::jacobian,
};

/// The kernel `J diag(r) Jᵀ = Σ rₚ ∂f/∂wₚ ∂f'/∂wₚ`: gradient descent with the learning rate `rₚ`
/// for parameter `p` moves the outputs by it.
///
/// Where all weights of a layer have one rate and all its biases have one rate, the layer's part is a
/// product of Gram matrices, as in [`kernel`](crate::kernel), and holds `2n²` numbers (a
/// convolution: the gradients of some of its outputs). Otherwise the layer is contracted from its
/// part of the Jacobian, `n` products with `Jᵀ`, which hold `n·P` numbers.
///
/// # Shapes
/// `rates`: `[P]`, each at least 0. Result: `[n, n]`, symmetric.
///
/// # Panics
/// When `rates` has another length, and for a tape with its own metric
/// ([`Tape::is_euclidean`]).
pub fn weighted_kernel<B: Backend, T: Tape<B>>(tape: &T, rates: &[f64]) -> Tensor<B, 2> {
    assert_eq!(rates.len(), tape.n_params(), "every parameter has a rate");
    assert!(tape.is_euclidean(), "a tape with its own metric has no rates");
    let by_layer = tape.blocks().and_then(|blocks| {
        let of = |block| Some((block, LayerRates::of(block, rates)?));
        blocks.iter().map(of).collect::<Option<Vec<_>>>()
    });
    match by_layer {
        Some(layers) => sum(layers.into_iter().map(|(block, rates)| layer_kernel(block, rates))),
        None => {
            let (device, dtype) = tape.placement();
            let roots: Vec<f64> = rates.iter().map(|rate| rate.sqrt()).collect();
            let roots = Precision::of(dtype).vector::<B>(&roots, &device);
            contracted(&(jacobian(tape) * roots.unsqueeze::<2>()))
        }
    }
}

/// The one rate of a layer's weights and the one of its biases.
#[derive(Clone, Copy)]
struct LayerRates {
    weights: f64,
    biases: Option<f64>,
}

impl LayerRates {
    /// `None` where the rates differ within the layer.
    fn of<B: Backend>(block: &Block<B>, rates: &[f64]) -> Option<Self> {
        let common = |range: &Range<usize>| {
            let own = &rates[range.clone()];
            own.iter().all(|rate| *rate == own[0]).then(|| own[0])
        };
        let biases = match &block.biases {
            Some(range) => Some(common(range)?),
            None => None,
        };
        Some(Self { weights: common(&block.weights)?, biases })
    }
}

fn layer_kernel<B: Backend>(block: &Block<B>, rates: LayerRates) -> Tensor<B, 2> {
    let n = block.n_points();
    if block.n_positions() > 1 {
        return sum(output_ranges(block, n).map(|outputs| {
            let n_weights = outputs.len() * (block.weights.len() / block.n_outputs());
            let gradients = block.point_gradients(outputs.clone());
            let part = |start, length, rate: f64| {
                contracted(&gradients.clone().narrow(1, start, length).mul_scalar(rate.sqrt()))
            };
            let weights = part(0, n_weights, rates.weights);
            match rates.biases {
                Some(rate) => weights + part(n_weights, outputs.len(), rate),
                None => weights,
            }
        }));
    }
    let inputs = block.inputs(0..n).mul_scalar(block.weight_scale * rates.weights.sqrt());
    let inputs = match rates.biases {
        Some(rate) => {
            let ones = Tensor::ones([n, 1], (&inputs.device(), inputs.dtype()));
            Tensor::cat(vec![inputs, ones.mul_scalar(rate.sqrt())], 1)
        }
        None => inputs,
    };
    contracted(&inputs) * contracted(&block.sensitivities)
}
