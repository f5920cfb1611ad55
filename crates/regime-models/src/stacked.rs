//! Several networks of one shape, evaluated in one batch.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    dispatch::operations,
    feed_forward::FeedForward,
    layer::{ChainLayer, folded},
    precision::Precision,
    stacked_tape::{StackedBlock, StackedTape},
};

/// `r` fully connected networks of one shape. Each network has its own weights and points. Each
/// operation is one product or one pass for all networks.
///
/// On a GPU every call has a latency, which dominates the time of small networks.
#[derive(Debug, Clone)]
pub struct StackedNetwork {
    layers: Vec<ChainLayer>,
    n_inputs: usize,
    n_params: usize,
}

impl StackedNetwork {
    /// Creates a stack of networks with the shape of `net`. Returns `None` unless `net` is a
    /// chain of affine layers and activations with a single output.
    pub fn of(net: &FeedForward) -> Option<Self> {
        let layers = folded(net.chain()?);
        Some(Self { layers, n_inputs: net.n_inputs(), n_params: net.n_params() })
    }

    /// Number of parameters `P` of each network.
    pub fn n_params(&self) -> usize {
        self.n_params
    }

    /// Number of values in the trace and the tape of one point of one network.
    pub fn trace_size(&self) -> f64 {
        let of = |layer: &ChainLayer| (layer.inputs + 3 * layer.outputs) as f64;
        self.layers.iter().map(of).sum()
    }

    /// The factor in front of every parameter, `[1, P]`, for one product with all of them.
    pub fn scales<B: Backend>(&self, precision: Precision, device: &B::Device) -> Tensor<B, 2> {
        let mut scales = vec![1.0; self.n_params];
        for layer in &self.layers {
            scales[layer.weights.clone()].fill(layer.scale);
            if let Some(biases) = &layer.biases {
                scales[biases.clone()].fill(layer.bias_scale);
            }
        }
        precision.matrix(&scales, [1, self.n_params], device)
    }

    /// Runs one forward pass.
    ///
    /// # Shapes
    /// `w`: `[r, P]`, `scales`: those of [`scales`](Self::scales), `x`: `[r, n, d]`
    ///
    /// # Panics
    /// When a shape differs from those above.
    pub fn trace<B: Backend>(
        &self,
        w: &Tensor<B, 2>,
        scales: &Tensor<B, 2>,
        x: &Tensor<B, 3>,
    ) -> StackedTrace<B> {
        let [r, n_params] = w.dims();
        assert_eq!(n_params, self.n_params, "the parameter vectors have the wrong length");
        let [stacked, n, d] = x.dims();
        assert_eq!([stacked, d], [r, self.n_inputs], "the points have the wrong shape");
        let scaled = w.clone() * scales.clone();
        let operations = operations::<B>();
        let mut a = x.clone();
        let mut links = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let ChainLayer { inputs, outputs, ref weights, ref biases, activation, .. } = *layer;
            let part = |range: &Range<usize>| scaled.clone().narrow(1, range.start, range.len());
            let weights = part(weights).reshape([r, inputs, outputs]);
            let z = match biases {
                Some(range) => {
                    let biases = part(range).reshape([r, 1, outputs]);
                    operations.add_products(biases, a.clone(), weights.clone())
                }
                None => a.clone().matmul(weights.clone()),
            };
            let (value, slopes) = match activation {
                Some((phi, gain)) => {
                    let rows = z.reshape([r * n, outputs]);
                    let (value, slopes) = operations.value_and_slope(phi, gain, rows);
                    let stacked = [r, n, outputs];
                    (value.reshape(stacked), Some(slopes.reshape(stacked)))
                }
                None => (z, None),
            };
            links.push(Link { inputs: a, weights, slopes });
            a = value;
        }
        StackedTrace {
            net: self.clone(),
            scales: scales.clone(),
            links,
            outputs: a.reshape([r, n]),
        }
    }
}

/// The values that the forward pass saves for one layer.
#[derive(Debug, Clone)]
struct Link<B: Backend> {
    /// `[r, n, k]`
    inputs: Tensor<B, 3>,
    /// The weights times their factors, `[r, k, m]`
    weights: Tensor<B, 3>,
    /// `φ'` of the activation after the layer, `[r, n, m]`.
    slopes: Option<Tensor<B, 3>>,
}

/// The forward pass of a [`StackedNetwork`].
#[derive(Debug, Clone)]
pub struct StackedTrace<B: Backend> {
    net: StackedNetwork,
    scales: Tensor<B, 2>,
    links: Vec<Link<B>>,
    outputs: Tensor<B, 2>,
}

impl<B: Backend> StackedTrace<B> {
    /// The outputs `f`, `[r, n]`.
    pub fn outputs(&self) -> Tensor<B, 2> {
        self.outputs.clone()
    }

    /// Runs the backward pass.
    pub fn linearise(self) -> StackedTape<B> {
        let Self { net, scales, links, outputs } = self;
        let [r, _] = outputs.dims();
        let mut blocks = Vec::with_capacity(links.len());
        // `None` for the last layer: its output is the network's, so its sensitivity is 1.
        let mut delta: Option<Tensor<B, 3>> = None;
        for (at, (link, layer)) in links.into_iter().zip(net.layers).enumerate().rev() {
            let Link { inputs, weights, slopes } = link;
            let sensitivities = match (delta, slopes) {
                (Some(delta), Some(slopes)) => Some(delta * slopes),
                (delta, _) => delta,
            };
            // No parameters come before the points.
            delta = (at > 0).then(|| match &sensitivities {
                Some(delta) => delta.clone().matmul(weights.swap_dims(1, 2)),
                // One row for all points. Not a transpose, see docs/architecture.md on burn-tch.
                None => weights.reshape([r, 1, layer.inputs]),
            });
            blocks.push(StackedBlock { layer, inputs, sensitivities });
        }
        blocks.reverse();
        StackedTape::new(blocks, scales)
    }
}
