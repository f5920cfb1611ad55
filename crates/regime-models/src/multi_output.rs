use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};

use crate::{feed_forward::FeedForward, tape::BlockTape};

/// A network with `K` outputs that share all layers but the last.
///
/// Each output is a function of the same parameter vector, so the documentation of
/// [`Network`](crate::Network) applies to each output. The linearisation is one
/// [`BlockTape`] per output. The weights of the last layer are `[h, K]`. With one output
/// the network equals the result of `build` to the bit.
///
/// # Shapes
/// - `w`: `[P]`
/// - `x`: `[n, d]`
/// - output: `[n, K]`
#[derive(Debug, Clone, PartialEq)]
pub struct MultiOutput {
    net: FeedForward,
    n_outputs: usize,
}

impl MultiOutput {
    pub(crate) fn new(net: FeedForward, n_outputs: usize) -> Self {
        Self { net, n_outputs }
    }

    /// Number of inputs `d` of one point.
    pub fn n_inputs(&self) -> usize {
        self.net.n_inputs()
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        self.net.n_params()
    }

    /// Number of outputs `K`.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The range of the parameters of each layer, as in [`FeedForward::layer_ranges`].
    pub fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.net.layer_ranges()
    }

    /// The initial parameters `[P]` for `seed`, as in [`FeedForward::initial_weights`].
    pub fn initial_weights(&self, seed: u64) -> Vec<f64> {
        self.net.initial_weights(seed)
    }

    /// The outputs, `[n, K]`.
    ///
    /// # Panics
    /// When a shape differs from those of [`MultiOutput`].
    pub fn forward<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 2> {
        self.net.outputs(w, x)
    }

    /// The linearisations of the `K` outputs, from one forward pass and a backward pass
    /// for each.
    ///
    /// # Panics
    /// When a shape differs from those of [`MultiOutput`].
    pub fn tapes<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Vec<BlockTape<B>> {
        self.net.tapes(w, x)
    }
}
