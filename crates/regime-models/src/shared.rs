//! The layers of several outputs that read the same inputs.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};

/// The layers of a tape with several outputs, in a form in which the outputs share what they have
/// in common: in every layer they read the same inputs, and only their sensitivities differ.
///
/// The kernel between output `k` of point `i` and output `l` of point `j` is
/// `Σ (A Aᵀ)ᵢⱼ (Δₖ Δₗᵀ)ᵢⱼ`, summed over the layers: one Gram matrix of the inputs per layer for all
/// pairs of outputs.
///
/// # Shapes
/// `n` points, `K` outputs, and in every layer `k` inputs and `m` outputs of the layer.
#[derive(Debug, Clone)]
pub struct SharedLayers<B: Backend> {
    /// The layers, from the first to the last.
    pub layers: Vec<SharedLayer<B>>,
    /// The rows of the tape: row `r` is output `rows[r] / n` of point `rows[r] % n`. `None` if the
    /// tape has all `n·K` rows in their order.
    pub rows: Option<Vec<usize>>,
}

impl<B: Backend> SharedLayers<B> {
    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        self.layers[0].inputs.dims()[0]
    }

    /// Number of outputs `K`.
    pub fn n_outputs(&self) -> usize {
        self.layers[0].sensitivities.len()
    }
}

/// One layer of [`SharedLayers`].
#[derive(Debug, Clone)]
pub struct SharedLayer<B: Backend> {
    /// `A = [c·a, 1]`, `[n, k + 1]`: the inputs of the layer times its factor, and a column of ones
    /// for the biases. Without biases `[n, k]`. In a metric, each part is multiplied by the root of
    /// its rate.
    pub inputs: Tensor<B, 2>,
    /// `Δ = ∂f/∂z` of every output, `[n, m]` each.
    pub sensitivities: Vec<Tensor<B, 2>>,
    /// Where the weights lie in the parameter vector.
    pub weights: Range<usize>,
    /// Where the biases lie; `None` for a layer without biases.
    pub biases: Option<Range<usize>>,
}
